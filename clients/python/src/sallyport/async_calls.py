"""A request in flight, for asyncio. All of it runs on the event loop's thread."""

from __future__ import annotations

import asyncio
import collections
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping
from typing import Any, Generic, TypeVar

from .calls import Deadline, OnProgress, OnWaiting, Settled
from .errors import SallyportError
from .methods import Method
from .results import Progress, Result, Waiting

T = TypeVar("T")
Item = TypeVar("Item")
Self = TypeVar("Self", bound="AsyncWatched[Any]")


class AsyncAnswer(Settled):
    """The receiver of a call. If it is watched, it queues the notifications before the response."""

    __slots__ = ("_is_watched", "_loop", "_timer", "_waiters", "events")

    def __init__(self, loop: asyncio.AbstractEventLoop, is_watched: bool = False) -> None:
        super().__init__()
        self._loop = loop
        self._is_watched = is_watched
        self._timer: asyncio.TimerHandle | None = None
        # One per waiting task: cancelling one must not affect the others.
        self._waiters: list[asyncio.Future[None]] = []
        self.events: collections.deque[tuple[str, Mapping[str, Any]]] = collections.deque()

    def answered(self, message: Mapping[str, Any]) -> None:
        if not self.is_done:
            self.message = message
            self._settled()

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        if self._is_watched:
            self.events.append((method, params))
            self._wake()

    def failed(self, error: SallyportError) -> None:
        if not self.is_done:
            self.error = error
            self._settled()

    def fail_after(self, seconds: float, error: Callable[[], SallyportError]) -> None:
        self._timer = self._loop.call_later(max(0.0, seconds), lambda: self.failed(error()))

    async def wait(self) -> None:
        """Waits for the response, or for a notification before it."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    async def next_event(self) -> tuple[str, Mapping[str, Any]] | None:
        """The next notification; None if the response has arrived and no notification is left."""
        while not self.events:
            if self.is_done:
                return None
            await self.wait()
        return self.events.popleft()

    def _settled(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class AsyncCall(Generic[T]):
    """A sent request. `await` it for its result; cancelling the `await` cancels the call."""

    __slots__ = ("_answer", "_cancel", "_method", "id")

    def __init__(
        self, id: int, method: Method[T], answer: AsyncAnswer, cancel: Callable[[int], None]
    ) -> None:
        self.id = id
        self._method = method
        self._answer = answer
        self._cancel = cancel

    @property
    def is_done(self) -> bool:
        return self._answer.is_done

    def cancel(self) -> None:
        """Requests cancellation; awaiting it then raises `Cancelled`, unless it finished first."""
        if not self.is_done:
            self._cancel(self.id)

    async def result(self) -> T:
        """The same as awaiting the call."""
        try:
            while not self._answer.is_done:
                await self._answer.wait()
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self._answer.read(self._method)

    def __await__(self) -> Generator[Any, None, T]:
        return self.result().__await__()

    def __repr__(self) -> str:
        state = "answered" if self.is_done else "in flight"
        return f"<{type(self).__name__} {self.id} {self._method.what}, {state}>"


class AsyncWatched(AsyncIterator[Item]):
    """What arrives before a response. The request is sent on the first read.

    Leaving it early cancels the call: at the end of an `async with`, by `aclose()`, or
    by garbage collection, as after `break`.
    """

    def __init__(
        self,
        send: Callable[[], Awaitable[tuple[int, AsyncAnswer]]],
        method: Method[Result],
        cancel: Callable[[int], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._send = send
        self._method = method
        self._cancel = cancel
        self._loop = loop
        self._call: AsyncCall[Result] | None = None
        self._answer: AsyncAnswer | None = None
        self._is_over = False

    def __aiter__(self: Self) -> Self:
        return self

    async def __anext__(self) -> Item:
        if self._is_over:
            raise StopAsyncIteration
        try:
            return await self._next_item()
        except StopAsyncIteration:
            raise
        except BaseException:
            self._leave()
            raise

    async def _next_item(self) -> Item:
        if self._answer is None:
            id, self._answer = await self._send()
            self._call = AsyncCall(id, self._method, self._answer, self._cancel)
        while True:
            event = await self._answer.next_event()
            if event is None:
                self._is_over = True
                await self.result()  # Raises the error.
                raise StopAsyncIteration
            for item in await self._read(*event):
                return item

    async def _read(self, method: str, params: Mapping[str, Any]) -> Iterable[Item]:
        """One item, or nothing."""
        raise NotImplementedError

    async def result(self) -> Result:
        """The final result."""
        if self._call is None:
            raise SallyportError(f"{self._method.what} has not been read yet.")
        return await self._call

    async def aclose(self) -> None:
        """Stops reading, and cancels the call if it is in flight."""
        self._leave()

    def _leave(self) -> None:
        self._is_over = True
        if self._call is not None:
            self._call.cancel()

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        call = getattr(self, "_call", None)
        if call is not None and not call.is_done and not self._loop.is_closed():
            # A finalizer may run on any thread.
            self._loop.call_soon_threadsafe(call.cancel)


class AsyncStream(AsyncWatched[Any]):
    """The items of a result, as they arrive. The request is sent on the first read.

    Leaving it early cancels the call: at the end of an `async with`, by `aclose()`, or
    by garbage collection, as after `break`. Items that arrive faster than they are read are
    buffered in memory.
    """

    def __init__(
        self,
        send: Callable[[], Awaitable[tuple[int, AsyncAnswer]]],
        method: Method[Result],
        cancel: Callable[[int], None],
        loop: asyncio.AbstractEventLoop,
        on_progress: OnProgress | None,
        on_waiting: OnWaiting | None,
    ) -> None:
        super().__init__(send, method, cancel, loop)
        self._on_progress = on_progress
        self._on_waiting = on_waiting
        self._next = 0

    async def _read(self, method: str, params: Mapping[str, Any]) -> Iterable[Any]:
        if method == "invoke/item":
            if params.get("seq") != self._next:
                raise SallyportError(f"Item {self._next} of {self._method.what} is missing.")
            self._next += 1
            return (params.get("item"),)
        await tell(method, params, self._on_progress, self._on_waiting)
        return ()

    async def result(self) -> Result:
        """The final result: `return_data`, `targets`, `meta`, but no items."""
        return await super().result()


async def tell(
    method: str,
    params: Mapping[str, Any],
    on_progress: OnProgress | None,
    on_waiting: OnWaiting | None,
) -> None:
    """Calls back, and awaits the return value if it is awaitable."""
    told: object = None
    if method == "invoke/progress" and on_progress is not None:
        told = on_progress(Progress(params.get("done", 0), params.get("total")))
    elif method == "invoke/waiting" and on_waiting is not None:
        told = on_waiting(Waiting(params.get("reason", ""), params.get("resume_at")))
    if inspect.isawaitable(told):
        await told


def missed(deadline: Deadline, what: str) -> Callable[[], SallyportError]:
    return lambda: deadline.missed(what)
