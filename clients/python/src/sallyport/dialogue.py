"""The protocol without any I/O: ids, frames, and who gets which message.

`Host` and `AsyncHost` both stand on it. It has no lock: `open` and `end` must not run at the same
time; `receive` may run beside them.
"""

from __future__ import annotations

import collections
import itertools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .errors import NOT_APPLIED, UNKNOWN, SallyportError

log = logging.getLogger("sallyport")

Event = Callable[[str, Mapping[str, Any]], None]

#: The exit status of a host that refuses its command line or configuration, before it reads.
REFUSED_STATUS = 2


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
    """The requests under way with one process.

    Where the main thread reads, a Ctrl-C may come between any two steps. So what was read is
    kept until it has been handed over, and the next one who reads goes on with it; handing a message
    over twice does no harm.
    """

    def __init__(self, event: Event) -> None:
        self._event = event
        self._ids = itertools.count(1)
        self._receivers: dict[int, Receiver] = {}
        self._has_heard = False
        #: What was read and not yet cut into lines, and the lines. They change together.
        self._unread: tuple[collections.deque[bytes], collections.deque[bytes]] = (
            collections.deque(),
            collections.deque(),
        )

    @property
    def under_way(self) -> int:
        return len(self._receivers)

    def open(self, method: str, encoded_params: str, receiver: Receiver) -> tuple[int, bytes]:
        """Expects an answer. Returns the id and the line to send."""
        id = next(self._ids)
        line = f'{{"jsonrpc":"2.0","id":{id},"method":{_encode(method)}{encoded_params}}}\n'
        self._receivers[id] = receiver
        return id, line.encode("ascii")

    def forget(self, receiver: Receiver) -> None:
        """Expects no answer any more: the request was not sent."""
        for id, other in list(self._receivers.items()):
            if other is receiver:
                self._receivers.pop(id, None)

    @property
    def chunks(self) -> collections.deque[bytes]:
        """Where to put what the host wrote, cut anywhere, before `hand_over`."""
        return self._unread[0]

    def receive(self, data: bytes) -> int:
        """Takes what the host wrote, cut anywhere. Returns how many answers were in it."""
        before = self.under_way
        self.chunks.append(data)
        self.hand_over()
        return before - self.under_way

    def hand_over(self, *, after_interruption: bool = False) -> None:
        """Gives everyone what has come for them."""
        chunks, lines = self._unread
        # Looking at the last one keeps a long line from being looked through again and again.
        if chunks and (after_interruption or b"\n" in chunks[-1]):
            *whole, rest = b"".join(chunks).split(b"\n")
            lines = collections.deque([*lines, *whole])
            self._unread = (collections.deque([rest] if rest else ()), lines)
        while lines:
            self._hand_over_line(lines[0])
            lines.popleft()

    def outcome_at_end(self, exit_status: int | None) -> str:
        """Whether what is under way may have been applied by a host that has ended so."""
        never_began = exit_status == REFUSED_STATUS and not self._has_heard
        return NOT_APPLIED if never_began else UNKNOWN

    def end(self, error: Callable[[], SallyportError]) -> None:
        """There will be no more answers. Each receiver gets an error of its own."""
        receivers, self._receivers = self._receivers, {}
        for receiver in receivers.values():
            receiver.failed(error())

    def _hand_over_line(self, line: bytes) -> None:
        self._has_heard = True
        try:
            message = _decode(line.decode("utf-8"))
        except ValueError:
            raise BrokenFrame("It wrote a line that is not JSON.") from None
        if type(message) is not dict:
            raise BrokenFrame("It wrote a line that is no message.")
        if "method" in message:
            self._notified(message)
            return
        if "result" not in message and "error" not in message:
            raise BrokenFrame("It wrote an answer with neither a result nor an error.")
        id: Any = message.get("id")
        receiver = self._receiver(id)
        if receiver is None:
            said = message.get("error", "a result")
            log.warning("the host answered what was not asked: %s", said)
            return
        receiver.answered(message)
        self._receivers.pop(id, None)

    def _notified(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params")
        if type(method) is not str:
            raise BrokenFrame("It wrote a notification without a name.")
        if type(params) is not dict:
            params = {}
        if method.startswith("invoke/"):
            receiver = self._receiver(params.get("id"))
            if receiver is not None:
                receiver.notified(method, params)
        else:
            self._event(method, params)

    def _receiver(self, id: Any) -> Receiver | None:
        try:
            return self._receivers.get(id)
        except TypeError:
            raise BrokenFrame("It wrote an id that is an array or an object.") from None
