"""Following events, for threads; and what `async_follow` shares with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from . import methods
from .calls import Answer, Call, Deadline, Link, WatchedAnswer
from .dialogue import Receiver
from .errors import HostClosed, HostExited, SallyportError, read_error
from .methods import Method
from .results import FailedPoll, Heartbeat, Result
from .streams import Watched

#: Seconds that leaving waits for the host.
CLOSE_SECONDS = 5.0
#: The name, among the notifications of a follower, of an acknowledgement that the host refused.
REFUSED_ACK = "events/ack"


class Event:
    """An event from a vendor."""

    __slots__ = ("cursor", "event", "seq")

    def __init__(self, params: Mapping[str, Any]) -> None:
        #: `fields` by name, and `raw`, the vendor's data.
        self.event: Mapping[str, Any] = params.get("event") or {}
        #: The number of the event; acknowledging it acknowledges all events before it.
        self.seq: int = params["seq"]
        #: The position behind the event: with it as argument `cursor`, following continues there.
        self.cursor: Any = params.get("cursor")

    def __repr__(self) -> str:
        # Without the data: vendor data must not be logged.
        return f"<{type(self).__name__} {self.seq}>"


class FollowedEvent(Event):
    """An event; `ack()` acknowledges it."""

    __slots__ = ("_acknowledgements",)

    def __init__(self, params: Mapping[str, Any], acknowledgements: Acknowledgements) -> None:
        super().__init__(params)
        self._acknowledgements = acknowledgements

    def ack(self) -> None:
        """Acknowledges this event and all before it. Returns when the checkpoint is on the disk."""
        self._acknowledgements.wait(self)


class NotificationReceiver(Receiver, Protocol):
    """The receiver of a follower."""

    @property
    def is_done(self) -> bool: ...


class RefusedAck:
    """The receiver of an acknowledgement that nobody waits for: the loop gets its error."""

    __slots__ = ("_follower",)

    def __init__(self, follower: NotificationReceiver) -> None:
        self._follower = follower

    def answered(self, message: Mapping[str, Any]) -> None:
        error = message.get("error")
        if error is not None and not self._follower.is_done:
            self._follower.notified(REFUSED_ACK, error)

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        pass

    def failed(self, error: SallyportError) -> None:
        pass  # The follower gets the error, too.


class Position:
    """What a follower has read and acknowledged.

    An event refers to this and not to its follower: a follower that is left by `break` must be
    finalized although its last event is in use.
    """

    def __init__(
        self,
        id: int,
        receiver: NotificationReceiver,
        send_control: Callable[[Method[Any], Receiver], int],
        cursor: Any,
    ) -> None:
        """`cursor` is the argument of the command."""
        self.id = id
        self.send_control = send_control
        #: That of the last acknowledged event.
        self.cursor = cursor
        self._receiver = receiver
        self._acknowledged: int | None = None

    def send(self, event: Event) -> None:
        """Acknowledges without waiting. An event that the host no longer expects is left out."""
        if self._receiver.is_done or self._covers(event):
            return
        try:
            self.send_control(self.request(event), RefusedAck(self._receiver))
        except (HostClosed, HostExited):
            return  # The loop is about to get its end.
        self.note(event)

    def request(self, event: Event) -> Method[None]:
        return methods.acknowledge(self.id, event.seq)

    def note(self, event: Event) -> None:
        if not self._covers(event):
            self._acknowledged, self.cursor = event.seq, event.cursor

    def _covers(self, event: Event) -> bool:
        return self._acknowledged is not None and event.seq <= self._acknowledged


class Acknowledgements(Position):
    """The position of a `Follow`."""

    def __init__(
        self,
        id: int,
        answer: WatchedAnswer,
        link: FollowLink,
        timeout: float | None,
        cursor: Any,
    ) -> None:
        super().__init__(id, answer, link.send_control, cursor)
        self._link = link
        self._timeout = timeout

    def wait(self, event: Event) -> None:
        deadline, method, answer = Deadline(self._timeout), self.request(event), Answer()
        id = self.send_control(method, answer)
        Call(id, method, answer, deadline, self._link).result()
        self.note(event)


class Sequence:
    """Finds lost events."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._last: int | None = None

    def is_new(self, seq: Any) -> bool:
        """False for an event that is delivered twice, because a reader was interrupted."""
        if not isinstance(seq, int):
            raise SallyportError(f"An event of {self._what} has no number.")
        if self._last is not None:
            if seq <= self._last:
                return False
            if seq != self._last + 1:
                raise SallyportError(f"Event {self._last + 1} of {self._what} is missing.")
        self._last = seq
        return True


class FollowLink(Link, Protocol):
    """The interface of a process that a follower needs."""

    def send_control(self, method: Method[Any], receiver: Receiver) -> int: ...


class Follow(Watched[FollowedEvent]):
    """Events of a vendor, from now on or from a checkpoint. One thread reads it.

    An event is acknowledged when the loop asks for the next one. Leaving the loop stops the host's
    polling: by `break` or an exception, at the end of a `with`, or by `close()`. The event
    of that moment is not acknowledged, unless by `event.ack()`. The loop ends by itself if the host
    is closed.
    """

    __slots__ = ("_acknowledgements", "_current", "_options", "_sequence")

    def __init__(
        self,
        id: int,
        method: Method[Result],
        answer: WatchedAnswer,
        link: FollowLink,
        options: Mapping[str, Any],
        timeout: float | None,
    ) -> None:
        super().__init__(id, method, answer, Deadline(None), link)
        self._options = options
        self._acknowledgements = Acknowledgements(
            id, answer, link, timeout, given_cursor(method)
        )
        self._sequence = Sequence(method.what)
        #: The event that the loop works on, if it is acknowledged by itself.
        self._current: FollowedEvent | None = None

    def __next__(self) -> FollowedEvent:
        current, self._current = self._current, None
        if current is not None and not self._is_over:
            self._acknowledgements.send(current)
        event = super().__next__()
        if self._options.get("auto_ack", True):
            self._current = event
        return event

    def _read(self, method: str, params: Mapping[str, Any]) -> Iterable[FollowedEvent]:
        if method != "events/event":
            tell(method, params, self._options)
        elif self._sequence.is_new(params.get("seq")):
            return (FollowedEvent(params, self._acknowledgements),)
        return ()

    @property
    def cursor(self) -> Any:
        """The position behind the last acknowledged event; before the first, the argument `cursor`.

        Without a checkpoint, following again with this argument continues there.
        """
        return self._acknowledgements.cursor

    def close(self) -> None:
        """Stops the host's polling. Afterwards another follower may use the checkpoint."""
        super().close()
        self._link.wait(self._answer, CLOSE_SECONDS)

    def result(self, wait: float | None = None) -> Result:
        """The result at the end; `meta.events` is the number of sent events."""
        return super().result(wait)


def given_cursor(method: Method[Any]) -> Any:
    """The argument `cursor` of the command; None if it has none."""
    return ((method.params or {}).get("arguments") or {}).get("cursor")


def tell(method: str, params: Mapping[str, Any], options: Mapping[str, Any]) -> object:
    """Calls back for a notification that is no event. Raises the error of an acknowledgement."""
    if method == REFUSED_ACK:
        raise read_error(params)
    if method == "events/heartbeat" and options.get("on_heartbeat") is not None:
        return options["on_heartbeat"](Heartbeat.read(params))
    if method == "events/failed" and options.get("on_failed") is not None:
        return options["on_failed"](FailedPoll.read(params))
    return None
