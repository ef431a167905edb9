"""A case: one check of a host, and the paragraphs of the protocol that it proves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from process import Launch

Play = Callable[[Launch], None]


@dataclasses.dataclass(frozen=True)
class Case:
    """- `name`: `transcript/…` or `hostile/…`.
    - `about`: one sentence on what it shows.
    - `proves`: numbers of paragraphs.
    - `needs_sandbox`: it calls the emulated vendors.
    - `play`: raises Fault if the host violates the protocol.
    """

    name: str
    about: str
    proves: tuple[str, ...]
    needs_sandbox: bool
    play: Play


def hostile(name: str, *proves: str, needs_sandbox: bool = False) -> Callable[[Play], Case]:
    """Makes a case of a function whose docstring says what it shows."""
    def as_case(play: Play) -> Case:
        return Case(f"hostile/{name}", (play.__doc__ or "").strip(), proves, needs_sandbox, play)
    return as_case
