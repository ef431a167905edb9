"""The protocol without I/O: ids, frames, and the routing of messages.

`Host` and `AsyncHost` both use it. It has no lock: `open` and `end` must not run
concurrently; `receive` may run concurrently with them.
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

#: The exit status of a host that rejects its command line or configuration before it reads.
REFUSED_STATUS = 2


class Receiver(Protocol):
    """Receives the messages of one request. Must neither block nor raise."""

    def answered(self, message: Mapping[str, Any]) -> None:
        """The response, with `result` or `error`; nothing follows it."""

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        """A notification before the response."""

    def failed(self, error: SallyportError) -> None:
        """There will be no response."""


class BrokenFrame(Exception):
    """The host wrote a line that is not a message."""


# Non-ASCII is escaped, so that lines are ASCII.
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder().decode


def encode_params(params: Mapping[str, Any] | None) -> str:
    """Raises TypeError or ValueError for values that JSON cannot represent."""
    return "" if params is None else ',"params":' + _encode(params)


def cancel_frame(id: int) -> bytes:
    return b'{"jsonrpc":"2.0","method":"cancel","params":{"id":%d}}\n' % id


SHUTDOWN_FRAME = b'{"jsonrpc":"2.0","method":"shutdown"}\n'


class Dialogue:
    """The requests in flight with one process.

    If the main thread reads, a Ctrl-C may interrupt it between any two steps. So the input is
    kept until it has been delivered, and the next reader continues with it. Delivering a message
    twice does no harm.
    """

    def __init__(self, event: Event) -> None:
        self._event = event
        self._ids = itertools.count(1)
        self._receivers: dict[int, Receiver] = {}
        #: The ids of requests for which the host needs no slot.
        self._without_slot: set[int] = set()
        self._has_heard = False
        #: The input not yet split into lines, and the lines. They change together.
        self._unread: tuple[collections.deque[bytes], collections.deque[bytes]] = (
            collections.deque(),
            collections.deque(),
        )

    @property
    def in_flight(self) -> int:
        return len(self._receivers)

    @property
    def slots(self) -> int:
        """The number of slots in use."""
        return len(self._receivers) - len(self._without_slot)

    def open(
        self, method: str, encoded_params: str, receiver: Receiver, *, needs_slot: bool = True
    ) -> tuple[int, bytes]:
        """Expects a response. Returns the id and the line to send."""
        id = next(self._ids)
        line = f'{{"jsonrpc":"2.0","id":{id},"method":{_encode(method)}{encoded_params}}}\n'
        self._receivers[id] = receiver
        if not needs_slot:
            self._without_slot.add(id)
        return id, line.encode("ascii")

    def forget(self, receiver: Receiver) -> None:
        """Expects no response: the request was not sent."""
        for id, other in list(self._receivers.items()):
            if other is receiver:
                self._close(id)

    @property
    def chunks(self) -> collections.deque[bytes]:
        """The queue for input, in arbitrary pieces, before `hand_over`."""
        return self._unread[0]

    def receive(self, data: bytes) -> int:
        """Takes input in arbitrary pieces. Returns the number of slots that it released."""
        before = self.slots
        self.chunks.append(data)
        self.hand_over()
        return before - self.slots

    def hand_over(self, *, after_interruption: bool = False) -> None:
        """Delivers the queued messages to their receivers."""
        chunks, lines = self._unread
        # Checking only the last piece avoids scanning a long line repeatedly.
        if chunks and (after_interruption or b"\n" in chunks[-1]):
            *whole, rest = b"".join(chunks).split(b"\n")
            lines = collections.deque([*lines, *whole])
            self._unread = (collections.deque([rest] if rest else ()), lines)
        while lines:
            self._hand_over_line(lines[0])
            lines.popleft()

    def outcome_at_end(self, exit_status: int | None) -> str:
        """The outcome of calls in flight with a host that exited with this status."""
        never_began = exit_status == REFUSED_STATUS and not self._has_heard
        return NOT_APPLIED if never_began else UNKNOWN

    def end(self, error: Callable[[], SallyportError]) -> None:
        """There will be no more responses. Each receiver gets a separate error."""
        receivers, self._receivers, self._without_slot = self._receivers, {}, set()
        for receiver in receivers.values():
            receiver.failed(error())

    def _hand_over_line(self, line: bytes) -> None:
        self._has_heard = True
        try:
            message = _decode(line.decode("utf-8"))
        except ValueError:
            raise BrokenFrame("It wrote a line that is not JSON.") from None
        if type(message) is not dict:
            raise BrokenFrame("It wrote a line that is not a message.")
        if "method" in message:
            self._notified(message)
            return
        if "result" not in message and "error" not in message:
            raise BrokenFrame("It wrote a response with neither a result nor an error.")
        id: Any = message.get("id")
        receiver = self._receiver(id)
        if receiver is None:
            said = message.get("error", "a result")
            log.warning("the host sent a response with an unknown id: %s", said)
            return
        receiver.answered(message)
        self._close(id)

    def _close(self, id: int) -> None:
        # In this order the count of slots is never too low.
        self._without_slot.discard(id)
        self._receivers.pop(id, None)

    def _notified(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params")
        if type(method) is not str:
            raise BrokenFrame("It wrote a notification without a name.")
        if type(params) is not dict:
            params = {}
        if method.startswith(("invoke/", "events/")):
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
