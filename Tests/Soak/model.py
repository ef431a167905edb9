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
    #: The number of the vendor that was running when it was first sent; killed vendors lose their data.
    vendor: int
    #: Bounds of how often the running vendor applied it.
    least: int = 0
    most: int = 0
    attempts: int = 0

    def note(self, outcome: str, vendor: int) -> None:
        if outcome in ("applied", "unknown"):
            self.most = 1
        # Otherwise the vendor that applied it may be the one that was killed.
        if outcome == "applied" and vendor == self.vendor:
            self.least = 1

    def forget_vendor(self) -> None:
        self.least = 0


@dataclasses.dataclass
class Scope:
    """The scope of one target, changed by one call at a time."""

    target: int
    possible: set[str]
    in_flight: str | None = None
    #: The vendor that was running when the call was sent.
    vendor: int = 0

    def note(self, outcome: str, vendor: int) -> None:
        assert self.in_flight is not None
        if outcome == "applied" and vendor == self.vendor:
            self.possible = {self.in_flight}
        elif outcome != "not_applied":
            self.possible.add(self.in_flight)
        self.in_flight = None


def outcome(response: dict[str, Any]) -> str:
    """`applied`, `not_applied` or `unknown`."""
    if "result" in response:
        return "applied"
    return response["error"].get("data", {}).get("outcome", "not_applied")
