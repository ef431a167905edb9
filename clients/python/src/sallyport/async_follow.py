"""Following events, for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from .async_calls import AsyncAnswer, AsyncCall, AsyncWatched, missed
from .calls import Deadline
from .dialogue import Receiver
from .follow import CLOSE_SECONDS, Event, Position, Sequence, given_cursor, tell
from .methods import Method
from .results import Result

SendControl = Callable[[Method[Any], Receiver], int]


class AsyncFollowedEvent(Event):
    """An event; `await event.ack()` acknowledges it."""

    __slots__ = ("_acknowledgements",)

    def __init__(self, params: Mapping[str, Any], acknowledgements: AsyncAcknowledgements) -> None:
        super().__init__(params)
        self._acknowledgements = acknowledgements

    async def ack(self) -> None:
        """Acknowledges this event and all before it. Returns when the checkpoint is on the disk."""
        await self._acknowledgements.wait(self)


class AsyncAcknowledgements(Position):
    """The position of an `AsyncFollow`."""

    def __init__(
        self,
        id: int,
        answer: AsyncAnswer,
        send_control: SendControl,
        cancel: Callable[[int], None],
        loop: asyncio.AbstractEventLoop,
        timeout: float | None,
        cursor: Any,
    ) -> None:
        super().__init__(id, answer, send_control, cursor)
        self._cancel = cancel
        self._loop = loop
        self._timeout = timeout

    async def wait(self, event: Event) -> None:
        deadline, method = Deadline(self._timeout), self.request(event)
        answer = AsyncAnswer(self._loop)
        id = self.send_control(method, answer)
        left = deadline.left_with_grace
        if left is not None:
            answer.fail_after(left, missed(deadline, method.what))
        await AsyncCall(id, method, answer, self._cancel)
        self.note(event)


class AsyncFollow(AsyncWatched[AsyncFollowedEvent]):
    """Events of a vendor, from now on or from a checkpoint. The request is sent on the first read.

    An event is acknowledged when the loop asks for the next one. Leaving the loop stops the host's
    polling: by `break`, an exception or a cancelled task, at the end of an `async with`, or by
    `aclose()`. The event of that moment is not acknowledged, unless by `await event.ack()`. The
    loop ends by itself if the host is closed.
    """

    def __init__(
        self,
        send: Callable[[], Awaitable[tuple[int, AsyncAnswer]]],
        method: Method[Result],
        cancel: Callable[[int], None],
        loop: asyncio.AbstractEventLoop,
        send_control: SendControl,
        options: Mapping[str, Any],
        timeout: float | None,
    ) -> None:
        super().__init__(send, method, cancel, loop)
        self._send_control = send_control
        self._options = options
        self._timeout = timeout
        self._sequence = Sequence(method.what)
        self._acknowledgements: AsyncAcknowledgements | None = None
        #: The event that the loop works on, if it is acknowledged by itself.
        self._current: AsyncFollowedEvent | None = None

    async def __anext__(self) -> AsyncFollowedEvent:
        current, self._current = self._current, None
        if current is not None and self._acknowledgements is not None and not self._is_over:
            self._acknowledgements.send(current)
        event = await super().__anext__()
        if self._options.get("auto_ack", True):
            self._current = event
        return event

    async def _read(
        self, method: str, params: Mapping[str, Any]
    ) -> Iterable[AsyncFollowedEvent]:
        if method != "events/event":
            told = tell(method, params, self._options)
            if inspect.isawaitable(told):
                await told
            return ()
        if not self._sequence.is_new(params.get("seq")):
            return ()
        if self._acknowledgements is None:
            assert self._call is not None and self._answer is not None
            self._acknowledgements = AsyncAcknowledgements(
                self._call.id,
                self._answer,
                self._send_control,
                self._cancel,
                self._loop,
                self._timeout,
                self.cursor,
            )
        return (AsyncFollowedEvent(params, self._acknowledgements),)

    @property
    def cursor(self) -> Any:
        """The position behind the last acknowledged event; before the first, the argument `cursor`.

        Without a checkpoint, following again with this argument continues there.
        """
        if self._acknowledgements is None:
            return given_cursor(self._method)
        return self._acknowledgements.cursor

    async def aclose(self) -> None:
        """Stops the host's polling. Afterwards another follower may use the checkpoint."""
        await super().aclose()
        if self._answer is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(settled(self._answer), CLOSE_SECONDS)

    async def result(self) -> Result:
        """The result at the end; `meta.events` is the number of sent events."""
        return await super().result()


async def settled(answer: AsyncAnswer) -> None:
    while not answer.is_done:
        await answer.wait()
