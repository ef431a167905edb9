"""Lines of JSON-RPC on descriptors."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

PIECE_BYTES = 1 << 18


def _plain(value: Any) -> Any:
    """JSON for values that commands may return."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"a value of the type {type(value).__name__} is not JSON")


#: ASCII, so that line separators of Unicode are escaped. Raises TypeError and ValueError.
encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain).encode


class Writer:
    """Writes each message as one line, whole, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._is_broken = False

    def write(self, text: str) -> None:
        data = memoryview(text.encode("ascii"))
        with self._lock:
            if self._is_broken:
                return
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                # The host has gone. EOF on stdin ends the process.
                self._is_broken = True


def split_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of a stream, also a last one without a line end."""
    parts: list[bytes] = []
    for piece in pieces:
        if b"\n" not in piece:
            parts.append(piece)
            continue
        first, *lines = piece.split(b"\n")
        parts.append(first)
        rest = lines.pop()
        yield b"".join(parts)
        yield from lines
        parts = [rest] if rest else []
    if parts:
        yield b"".join(parts)
