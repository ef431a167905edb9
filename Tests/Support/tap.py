"""What passed between a client and its host (see tap.sh)."""

from __future__ import annotations

import json
import pathlib
from typing import Any

SCRIPT = pathlib.Path(__file__).with_name("tap.sh")


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


class Tapped:
    """One process: `sent` and `received` are its lines as they were, from the client's side."""

    def __init__(self, status: pathlib.Path) -> None:
        def read(kind: str) -> bytes:
            return status.with_suffix(f".{kind}").read_bytes()

        text = status.read_text().strip()
        #: None where it was killed before it ended.
        self.code = int(text) if text else None
        self.sent, self.received = read("in").splitlines(), read("out").splitlines()
        self.errors = read("errors").decode()

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What was sent and is JSON: requests, notifications and responses."""
        return [message for message in map(self.parse, self.sent) if message is not None]

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.received]

    @staticmethod
    def parse(line: bytes) -> Any:
        """The value on a line; None where it is no JSON, such as a line with NaN in it."""
        try:
            return json.loads(line, parse_constant=_refuse)
        except ValueError:
            return None


def tapped(log: pathlib.Path) -> list[Tapped]:
    """The processes that were tapped under this name, in the order in which they ended."""
    found = sorted(log.parent.glob(f"{log.name}.*.status"), key=lambda path: path.stat().st_mtime_ns)
    return [Tapped(status) for status in found]
