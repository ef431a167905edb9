"""A fault of a host."""

from __future__ import annotations

MAX_SHOWN_BYTES = 4000


class Fault(Exception):
    """A deviation from the protocol.

    - `problem`: readable text.
    - `place`: the place in the case, such as `line 12` of a transcript.
    - `expected`, `got`: the expected and the actual output, if any.
    - `sent`, `errors`: the last input of the host, and the end of its stderr.
    """

    def __init__(self, problem: str, *, expected: str = "", got: str = "", place: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.got = got
        self.place = place
        self.sent = ""
        self.errors: list[str] = []


class Skip(Exception):
    """The case does not apply to this plugin; says why."""


def shown(data: bytes) -> str:
    """Bytes as readable text: invalid UTF-8 is escaped, and long data is truncated."""
    text = data[:MAX_SHOWN_BYTES].decode("utf-8", errors="backslashreplace")
    return text if len(data) <= MAX_SHOWN_BYTES else f"{text}\n… {len(data)} bytes in total"
