"""The protocol without any I/O: ids, frames, and who gets which message.

`Host` and `AsyncHost` both stand on it. It has no lock: `open` and `end` must not run at the same
time; `receive` may run beside them.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .errors import SallyportError

log = logging.getLogger("sallyport")

Event = Callable[[str, Mapping[str, Any]], None]


class Receiver(Protocol):
    """Who waits for what comes for one request. Must neither block nor raise."""

    def answered(self, message: Mapping[str, Any]) -> None:
        """The answer, with `result` or `error`; nothing comes after it."""

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        """Something before the answer."""

    def failed(self, error: SallyportError) -> None:
        """There will be no answer."""


class BrokenFrame(Exception):
    """The host wrote a line that is no message."""


# Non-ASCII is escaped, so a line is the same whatever the text in it is.
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder().decode


def encode_params(params: Mapping[str, Any] | None) -> str:
    """Raises TypeError or ValueError for what JSON cannot hold."""
    return "" if params is None else ',"params":' + _encode(params)


def cancel_frame(id: int) -> bytes:
    return b'{"jsonrpc":"2.0","method":"cancel","params":{"id":%d}}\n' % id


SHUTDOWN_FRAME = b'{"jsonrpc":"2.0","method":"shutdown"}\n'


class Dialogue:
    """The requests under way with one process."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._ids = itertools.count(1)
        self._receivers: dict[int, Receiver] = {}
        self._parts: list[bytes] = []

    @property
    def under_way(self) -> int:
        return len(self._receivers)

    def open(self, method: str, encoded_params: str, receiver: Receiver) -> tuple[int, bytes]:
        """Expects an answer. Returns the id and the line to send."""
        id = next(self._ids)
        self._receivers[id] = receiver
        line = f'{{"jsonrpc":"2.0","id":{id},"method":{_encode(method)}{encoded_params}}}\n'
        return id, line.encode("ascii")

    def receive(self, data: bytes) -> int:
        """Takes what the host wrote, cut anywhere. Returns how many answers were in it."""
        if b"\n" not in data:
            self._parts.append(data)
            return 0
        if self._parts:
            self._parts.append(data)
            data = b"".join(self._parts)
            self._parts.clear()
        lines = data.split(b"\n")
        rest = lines.pop()
        if rest:
            self._parts.append(rest)
        answers = 0
        for line in lines:
            try:
                message = _decode(line.decode("utf-8"))
            except ValueError:
                raise BrokenFrame("It wrote a line that is not JSON.") from None
            if type(message) is not dict:
                raise BrokenFrame("It wrote a line that is no message.")
            if "method" in message:
                self._notified(message)
            else:
                answers += self._answered(message)
        return answers

    def end(self, error: Callable[[], SallyportError]) -> None:
        """There will be no more answers. Each receiver gets an error of its own."""
        receivers, self._receivers = self._receivers, {}
        for receiver in receivers.values():
            receiver.failed(error())

    def _answered(self, message: dict[str, Any]) -> int:
        receiver = self._receivers.pop(message.get("id"), None)  # type: ignore[arg-type]
        if receiver is None:
            log.warning("the host answered what was not asked: %s", message.get("error", "a result"))
            return 0
        receiver.answered(message)
        return 1

    def _notified(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params")
        if type(params) is not dict:
            params = {}
        if method.startswith("invoke/"):
            receiver = self._receivers.get(params.get("id"))  # type: ignore[arg-type]
            if receiver is not None:
                receiver.notified(method, params)
        else:
            self._event(method, params)
