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

    def __init__(self, sent: pathlib.Path) -> None:
        def read(kind: str) -> bytes:
            return sent.with_suffix(f".{kind}").read_bytes()

        self.sent, self.received = read("in").split(b"\n")[:-1], read("out").split(b"\n")[:-1]
        self.errors = read("errors").decode()
        status = sent.with_suffix(".status")
        #: None where the client killed it.
        self.code = int(status.read_text()) if status.is_file() else None

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
    """The processes that were tapped under this name."""
    return [Tapped(sent) for sent in sorted(log.parent.glob(f"{log.name}.*.in"))]
