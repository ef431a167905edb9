"""What a host did wrong."""

from __future__ import annotations

MAX_SHOWN_BYTES = 4000


class Fault(Exception):
    """A deviation from the protocol.

    - `problem`: a sentence for people.
    - `place`: where in the case it came up, such as `line 12` of a transcript.
    - `expected`, `got`: what should have come, and what came, where there is such a thing.
    - `sent`, `errors`: what the host was sent last, and the end of its stderr.
    """

    def __init__(self, problem: str, *, expected: str = "", got: str = "", place: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.got = got
        self.place = place
        self.sent = ""
        self.errors: list[str] = []


def shown(data: bytes) -> str:
    """Bytes for people: what is no UTF-8 is escaped, and of much only the beginning is there."""
    text = data[:MAX_SHOWN_BYTES].decode("utf-8", errors="backslashreplace")
    return text if len(data) <= MAX_SHOWN_BYTES else f"{text}\n… {len(data)} bytes in all"
