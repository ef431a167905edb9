"""A request in flight, for threads."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from .errors import UNKNOWN, SallyportError, read_error, timed_out
from .methods import Method
from .options import check_timeout
from .results import Progress, Waiting

T = TypeVar("T")

#: Seconds after its timeout that a call waits for the host to report the outcome.
GRACE_SECONDS = 5.0


class Settled:
    """The response of a call, once it has arrived."""

    __slots__ = ("error", "message")

    def __init__(self) -> None:
        self.message: Mapping[str, Any] | None = None
        self.error: SallyportError | None = None

    @property
    def is_done(self) -> bool:
        return self.message is not None or self.error is not None

    def read(self, method: Method[T]) -> T:
        """Returns the result or raises the error."""
        if self.error is not None:
            raise self.error
        assert self.message is not None
        error = self.message.get("error")
        if error is not None:
            raise read_error(error)
        return method.decode(self.message["result"])


class Answer(Settled):
    """The receiver of a call, without its waiters.

    A separate class, so that the handles below can be finalized while a response is pending.
    """

    __slots__ = ("_done",)

    def __init__(self) -> None:
        super().__init__()
        # A lock is a tenth of a threading.Event.
        self._done = threading.Lock()
        self._done.acquire()

    def answered(self, message: Mapping[str, Any]) -> None:
        self.message = message
        self._open()

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        pass

    def failed(self, error: SallyportError) -> None:
        self.error = error
        self._open()

    def wait(self, seconds: float | None) -> bool:
        """Whether the response arrived in time."""
        if not self.is_done:
            if not self._done.acquire(timeout=-1 if seconds is None else max(0.0, seconds)):
                return False
            self._open()  # For the next waiter.
        return True

    def _open(self) -> None:
        try:
            self._done.release()
        except RuntimeError:
            pass  # Already released: an interrupted step may repeat.


class WatchedAnswer(Answer):
    """An answer that queues the notifications before it."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        super().__init__()
        self.events: queue.SimpleQueue[tuple[str, Mapping[str, Any]] | None] = queue.SimpleQueue()

    def answered(self, message: Mapping[str, Any]) -> None:
        super().answered(message)
        self.events.put(None)

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        self.events.put((method, params))

    def failed(self, error: SallyportError) -> None:
        super().failed(error)
        self.events.put(None)


class Deadline:
    """The deadline of a response."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    @classmethod
    def of_call(cls, timeout: float | None) -> Deadline:
        """Raises ValueError for a timeout that is not positive."""
        check_timeout(timeout)
        return cls(timeout)

    @property
    def left(self) -> float | None:
        return None if self._end is None else self._end - time.monotonic()

    @property
    def left_with_grace(self) -> float | None:
        left = self.left
        return None if left is None else left + GRACE_SECONDS

    def missed(self, what: str) -> SallyportError:
        return timed_out(
            what,
            self.seconds or 0.0,
            outcome=UNKNOWN,
            remedy="The host did not respond either. Host.restart() starts a new one.",
        )


class Link(Protocol):
    """The interface of a process that a call needs."""

    def wait(self, answer: Answer, seconds: float | None) -> bool: ...

    def cancel(self, id: int) -> None: ...


class Call(Generic[T]):
    """A sent request. Any thread may wait with `result()`."""

    __slots__ = ("_answer", "_deadline", "_is_cancelled", "_link", "_method", "id")

    def __init__(
        self,
        id: int,
        method: Method[T],
        answer: Answer,
        deadline: Deadline,
        link: Link,
    ) -> None:
        self.id = id
        self._method = method
        self._answer = answer
        self._deadline = deadline
        self._link = link
        self._is_cancelled = False

    @property
    def is_done(self) -> bool:
        """Whether `result()` returns at once."""
        return self._answer.is_done

    def result(self, wait: float | None = None) -> T:
        """The result. Raises the error of the host, or the reason for a missing response.

        After `wait` seconds it raises TimeoutError; the call stays in flight.
        """
        answer = self._answer
        left = self._deadline.left_with_grace
        is_short = wait is not None and (left is None or wait < left)
        if not self._link.wait(answer, wait if is_short else left):
            if is_short:
                raise TimeoutError(f"{self._method.what} is still in flight.")
            self.cancel()
            raise self._deadline.missed(self._method.what)
        return answer.read(self._method)

    def cancel(self) -> None:
        """Requests cancellation; `result()` then raises `Cancelled`, unless it finished first."""
        if not self._answer.is_done and not self._is_cancelled:
            self._is_cancelled = True
            self._link.cancel(self.id)

    def __repr__(self) -> str:
        state = "answered" if self.is_done else "in flight"
        return f"<{type(self).__name__} {self.id} {self._method.what}, {state}>"


OnProgress = Callable[[Progress], object]
OnWaiting = Callable[[Waiting], object]


def tell(
    method: str,
    params: Mapping[str, Any],
    on_progress: OnProgress | None,
    on_waiting: OnWaiting | None,
) -> None:
    """Calls back for a notification before the response."""
    if method == "invoke/progress" and on_progress is not None:
        on_progress(Progress(params.get("done", 0), params.get("total")))
    elif method == "invoke/waiting" and on_waiting is not None:
        on_waiting(Waiting(params.get("reason", ""), params.get("resume_at")))
