"""Folders of plugins that are MCP servers, and a host that uses them."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

from Support.host import EXECUTABLE, ROOT, Host, environment, request

SCRIPT = ROOT / "Tests/plugins/scripted_mcp_server.py"


class Servers:
    """A folder of plugins, and connections of them."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path / "plugins"
        self.path.mkdir()
        self.connections_file = path / "connections.json"
        self.files = path / "files"
        self._connections: dict[str, Any] = {}

    def add(self, id: str, command: list[str], **description: Any) -> pathlib.Path:
        """A plugin without a lock."""
        folder = self.path / id
        folder.mkdir(exist_ok=True)
        (folder / "plugin.json").write_text(
            json.dumps({"id": id, "command": command, "protocol": "mcp"} | description))
        return folder

    def add_scripted(self, id: str = "scripted", behaviour: Any = None, **description: Any) -> pathlib.Path:
        folder = self.add(id, ["python3", str(SCRIPT)], **description)
        (folder / "behaviour.json").write_text(json.dumps(behaviour or {}))
        return folder

    def connect(self, name: str, integration: str, **settings: Any) -> None:
        self._connections[name] = {"integration": integration, "settings": settings}
        self.connections_file.write_text(json.dumps({"connections": self._connections}))
        self.connections_file.chmod(0o600)

    @property
    def options(self) -> list[str]:
        found = ["--plugins", str(self.path), "--files-dir", str(self.files)]
        return [*found, "--connections", str(self.connections_file)] if self._connections else found

    def host(self, *options: str, **more: Any) -> ServerHost:
        return ServerHost(*self.options, *options, **more)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([EXECUTABLE, *words], capture_output=True, text=True, env=environment())

    def lock(self) -> str:
        ended = self.run("plugin", "lock", str(self.path))
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


class ServerHost(Host):
    """`Host` with calls of plugins."""

    def call(
        self, command: str, arguments: Any = None, *, plugin: str = "scripted", connection: Any = None,
        **options: Any,
    ) -> Any:
        """The answer to an invoke."""
        return self.ask(invoke("call", command, arguments, plugin=plugin, connection=connection, **options))

    def value(self, command: str, arguments: Any = None, **more: Any) -> Any:
        """The `raw_data` of an invoke."""
        answer = self.call(command, arguments, **more)
        assert "result" in answer, answer
        return answer["result"]["raw_data"]

    def failure(self, command: str, arguments: Any = None, **more: Any) -> Any:
        """The `data` of the error of an invoke."""
        answer = self.call(command, arguments, **more)
        assert "error" in answer, answer
        return answer["error"]["data"]

    def commands(self, plugin: str = "scripted") -> dict[str, Any]:
        (found,) = self.result("capabilities", {"integration": plugin})["integrations"]
        return {command["id"]: command for command in found["commands"]}


def invoke(
    id: Any, command: str, arguments: Any = None, *, plugin: str = "scripted", connection: Any = None,
    **options: Any,
) -> dict[str, Any]:
    params = {
        "integration": plugin, "command": command, "arguments": arguments or {},
        "connection": connection or {"integration": plugin, "settings": {}}}
    return request(id, "invoke", params | ({"options": options} if options else {}))


def received(folder: pathlib.Path, method: str | None = None) -> list[dict[str, Any]]:
    """What a scripted server has got."""
    file = folder / "received.jsonl"
    messages = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [message for message in messages if method is None or message.get("method") == method]
