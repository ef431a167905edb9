"""`sallyport sandbox` for tests: its connections, its request log, its faults, its clock."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from typing import Any

import requests

from Support.host import TIMEOUT, Host

CONTROL = {"X-Sandbox": "1"}


class Sandbox:
    """A process, unless `base` is the address of a sandbox inside a host.

    - `faults`: as `--sandbox-fault` takes them.
    - `document`: the connections file that it prints; `connection` and `gravityzone` are two of its
      connections.
    """

    def __init__(self, *faults: str, base: str | None = None) -> None:
        self._host = None
        self._file = None
        #: Entries of the request log that `forget_log` hides.
        self._forgotten = 0
        #: Not through a proxy of the environment.
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(CONTROL)
        if base is None:
            options = [word for fault in faults for word in ("--sandbox-fault", fault)]
            self._host = Host(*options, command=("sandbox",), stdin=subprocess.DEVNULL)
            try:
                self.document: dict[str, Any] = json.loads(self._host.read_line())
            except BaseException:
                self._host.kill()
                raise
            self.connection = self.document["connections"]["coda_sandbox"]
            self.gravityzone = self.document["connections"]["gravityzone_sandbox"]
            base = self.connection["settings"]["server_url"]
        self.base = base

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Interrupts the process, which must exit with 0."""
        self._session.close()
        if self._file is not None:
            self._file.close()
        try:
            self._host.signal(signal.SIGINT)
            assert self._host.exit_code() == 0, self._host.errors
        finally:
            self._host.kill()

    @property
    def file(self) -> str:
        """A connections file with the CODA connection only, so that a command needs no name."""
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile("w", suffix=".json")
            json.dump({"connections": {"coda_sandbox": self.connection}}, self._file)
            self._file.flush()
        return self._file.name

    def connection_of(self, profile: str, **more: Any) -> dict[str, Any]:
        settings = dict(self.connection["settings"])
        if profile == "current":
            settings |= {"server_url": self.base + "/current", "api_profile": "current"}
        return {**self.connection, "settings": {**settings, **more.pop("settings", {})}, **more}

    # Control

    def control_response(self, verb: str, route: str, **more: Any) -> requests.Response:
        return self._session.request(verb, f"{self.base}/_sandbox/{route}", timeout=TIMEOUT, **more)

    def control(self, verb: str, route: str, **more: Any) -> Any:
        answer = self.control_response(verb, route, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self) -> None:
        self.control("POST", "faults", json=[])
        self.control("POST", "reset")
        self._forgotten = 0

    def forget_log(self) -> None:
        self._forgotten = len(self.control("GET", "log"))

    def faults(self, *texts: str) -> None:
        self.control("POST", "faults", json=list(texts))

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", json={"advance_seconds": seconds})

    def log(self, sign_ins: bool = False) -> list[dict[str, Any]]:
        """The requests that it got, oldest first; without those for tokens unless `sign_ins`."""
        entries = self.control("GET", "log")[self._forgotten:]
        return [entry for entry in entries if sign_ins or "/auth/token/" not in entry["path"]]
