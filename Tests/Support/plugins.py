"""Folders of plugins for tests, and a host that uses them."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import sys
from typing import Any

from Support.host import ROOT, Host, eventually, request

SCRIPT = ROOT / "Tests/plugins/raw_plugin.py"
#: Not through a wrapper of the PATH, which would change the environment and the descriptors.
PYTHON = os.path.realpath(sys.executable)
SECRET = "Zebra-Crossing-7431-Quay"
PASSWORD = 'pass"word\\ with &=% and ü'

_specification = importlib.util.spec_from_file_location("raw_plugin", SCRIPT)
raw = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(raw)


class Plugins:
    """A folder of plugins."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)

    def add(
        self, id: str = "raw", *, behaviour: dict[str, Any] | None = None, locked: bool = True,
        lock: dict[str, Any] | None = None, folder: str | None = None, **description: Any,
    ) -> pathlib.Path:
        """A plugin with the program of the tests.

        - `behaviour`: its `behaviour.json`.
        - `locked`: whether it has a `catalogue.json`, of what it says about itself or of `lock`.
        - `description`: members of `plugin.json`.
        """
        path = self.path / (folder or id)
        path.mkdir()
        shutil.copy(SCRIPT, path)
        behaviour = dict(behaviour or {})
        behaviour["integration"] = {"id": id} | behaviour.get("integration", {})
        (path / "behaviour.json").write_text(json.dumps(behaviour))
        described = {"id": id, "version": "1.0.0", "command": [PYTHON, SCRIPT.name]} | description
        (path / "plugin.json").write_text(json.dumps(described))
        if locked:
            self.lock(path, lock or raw.integration() | behaviour["integration"])
        return path

    @staticmethod
    def lock(path: pathlib.Path, integration: dict[str, Any]) -> None:
        (path / "catalogue.json").write_text(
            json.dumps({"lock": 1, "plugin_version": "1.0.0", "integration": integration}))

    def host(self, *arguments: str, **more: Any) -> PluginHost:
        return PluginHost("--plugins", str(self.path), *arguments, **more)


def connection(url: str = "http://127.0.0.1:9", id: str = "raw", **settings: Any) -> dict[str, Any]:
    return {"integration": id, "settings": {
        "server_url": url, "user": "analyst", "api_key": SECRET, "password": PASSWORD} | settings}


def invoke(
    id: Any, command: str = "look", steps: list[dict[str, Any]] | None = None, *, plugin: str = "raw",
    url: str = "http://127.0.0.1:9", connection: Any = None, arguments: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None, **options: Any,
) -> dict[str, Any]:
    made = globals()["connection"](url, plugin, **(settings or {}))
    params = {
        "integration": plugin, "command": command, "connection": connection or made,
        "arguments": (arguments or {}) | ({} if steps is None else {"steps": steps})}
    if options:
        params["options"] = options
    return request(id, "invoke", params)


class PluginHost(Host):
    """`Host` with the calls that tests of plugins make."""

    def call(self, command: str = "look", steps: Any = None, **more: Any) -> Any:
        """The answer to an invoke while no other call runs. Notifications before it are dropped."""
        message = invoke(f"call of {command}", command, steps, **more)
        self.send(message)
        while "method" in (answer := self.read()):
            pass
        assert answer["id"] == message["id"], answer
        return answer

    def seen(self, command: str = "look", steps: Any = None, **more: Any) -> list[Any]:
        """What the requests of the steps were answered with."""
        answer = self.call(command, steps, **more)
        assert "result" in answer, answer
        return answer["result"]["raw_data"]["seen"]

    def failure(self, command: str = "look", steps: Any = None, **more: Any) -> dict[str, Any]:
        """`data` of the error that an invoke ends in."""
        answer = self.call(command, steps, **more)
        assert "error" in answer, answer
        return answer["error"]["data"]

    def pid(self, **more: Any) -> int:
        """The process of a plugin."""
        answer = self.call(**more)
        assert "result" in answer, answer
        return answer["result"]["raw_data"]["pid"]

    def by_id(self, count: int) -> dict[Any, Any]:
        """So many responses; notifications are dropped."""
        answers: dict[Any, Any] = {}
        while len(answers) < count:
            answer = self.read()
            if "method" not in answer:
                assert answer["id"] not in answers, f"two responses to {answer['id']}"
                answers[answer["id"]] = answer
        return answers


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be reaped by something other than the host."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_until_ended(pid: int) -> None:
    eventually(lambda: has_ended(pid), f"process {pid} has ended")


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """The processes that a process has started, also those that are not reaped."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found
