"""The host's log: keeps the last lines and forwards all."""

from __future__ import annotations

import collections
import logging
from collections.abc import Callable

log = logging.getLogger("sallyport.host")

#: Maximum lines that an error shows.
MAXIMUM_LINES = 20
#: Maximum bytes kept per line.
MAXIMUM_LINE_BYTES = 2_000

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


class LogTail:
    """Takes the host's stderr and keeps its last lines."""

    def __init__(self, on_line: Callable[[str], object] | None) -> None:
        self._on_line = on_line
        self._lines: collections.deque[bytes] = collections.deque(maxlen=MAXIMUM_LINES)
        self._rest = b""

    def receive(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        # A line without an end must not grow without limit.
        self._rest = lines.pop()[:MAXIMUM_LINE_BYTES]
        wanted = self._on_line is not None or log.isEnabledFor(logging.ERROR)
        for line in lines if wanted else lines[-MAXIMUM_LINES:]:
            line = line[:MAXIMUM_LINE_BYTES].rstrip(b"\r")
            if line:
                self._lines.append(line)
                if wanted:
                    self._tell(line.decode("utf-8", "replace"))

    @property
    def lines(self) -> list[str]:
        # The copy is one step: another thread may append.
        kept = list(self._lines) + ([self._rest] if self._rest else [])
        return [line.decode("utf-8", "replace") for line in kept]

    def _tell(self, line: str) -> None:
        if self._on_line is not None:
            try:
                self._on_line(line)
            except Exception:
                log.exception("on_log failed")
            return
        # A line is `TIME LEVEL TEXT`.
        words = line.split(" ", 2)
        level = _LEVELS.get(words[1], logging.DEBUG) if len(words) == 3 else logging.DEBUG
        log.log(level, "%s", line)
