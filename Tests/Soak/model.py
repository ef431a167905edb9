"""What the emulated vendors must contain, from the outcomes that hosts reported."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass
class Write:
    """A change with a unique name, so that its effects can be counted at the vendor."""

    kind: str
    name: str
    arguments: dict[str, Any]
    key: str | None
    #: Bounds of how often the vendor applied it.
    least: int = 0
    most: int = 0
    attempts: int = 0

    def note(self, outcome: str) -> None:
        if outcome == "applied":
            self.least = self.most = 1
        elif outcome == "unknown":
            self.most = 1

    def forget_vendor(self) -> None:
        """The vendor lost its data; requests in flight may still reach the new one."""
        self.least = 0


@dataclasses.dataclass
class Scope:
    """The scope of one target, changed by one call at a time."""

    target: int
    possible: set[str]
    in_flight: str | None = None

    def note(self, outcome: str) -> None:
        assert self.in_flight is not None
        if outcome == "applied":
            self.possible = {self.in_flight}
        elif outcome == "unknown":
            self.possible.add(self.in_flight)
        self.in_flight = None


def outcome(response: dict[str, Any]) -> str:
    """`applied`, `not_applied` or `unknown`."""
    if "result" in response:
        return "applied"
    return response["error"].get("data", {}).get("outcome", "not_applied")
