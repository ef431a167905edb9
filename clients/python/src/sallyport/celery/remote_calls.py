"""A command sent to a worker, for its caller."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from celery.states import READY_STATES  # type: ignore[import-untyped]

from sallyport.calls import Deadline, OnProgress, OnWaiting, tell
from sallyport.errors import UNKNOWN, SallyportError, timed_out
from sallyport.results import Result

from . import failures
from .application import CANCEL, queue_name
from .exchange import END, START, Entry, Exchange, reaching_redis

#: Seconds without a notification after which a caller polls for the response.
LOOK_SECONDS = 2.0


class Sent(NamedTuple):
    """The sent command, and how it was sent."""

    application: Any
    exchange: Exchange
    task: str
    what: str
    connection: str
    deadline: Deadline


class RemoteCall:
    """A command on a worker. One thread may wait with `result()`."""

    def __init__(self, sent: Sent) -> None:
        #: The id of Celery's task.
        self.id = sent.task
        self._sent = sent
        self._position = START
        self._is_over = False
        self._settled: Result | BaseException | None = None

    @property
    def is_done(self) -> bool:
        """Whether `result()` returns at once."""
        return self._settled is not None or self._is_answered()

    def result(self, wait: float | None = None) -> Result:
        """The result. Raises the error of the command, or the reason for a missing response.

        After `wait` seconds it raises TimeoutError; the call stays in flight.
        """
        patience = Deadline(wait)
        while not self._is_over:
            if self._next(patience.left) is None and not self._is_over:
                raise TimeoutError(f"{self._sent.what} is still in flight.")
        if self._settled is None:
            self._settled = self._take_answer()
        if isinstance(self._settled, BaseException):
            raise self._settled
        return self._settled

    @reaching_redis(UNKNOWN)
    def cancel(self) -> None:
        """Requests cancellation; `result()` then raises `Cancelled`, unless it finished first."""
        if not self._is_over:
            self._sent.exchange.cancel(self.id)
            self._sent.application.control.broadcast(CANCEL, arguments={"task_id": self.id})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self._sent.what}>"

    @reaching_redis(UNKNOWN)
    def _next(self, seconds: float | None) -> list[Entry] | None:
        """The new entries; sets `_is_over` after the last. None on timeout."""
        patience, deadline = Deadline(seconds), self._sent.deadline
        while not self._is_over:
            limits = [LOOK_SECONDS, patience.left, deadline.left_with_grace]
            wait = max(0.0, min(limit for limit in limits if limit is not None))
            entries = self._sent.exchange.listen(self.id, self._position, wait)
            if entries:
                self._position = entries[-1].position
                self._is_over = any(entry.method == END for entry in entries)
                return entries
            # Covers a worker that was lost before it reported the end.
            self._is_over = self._is_answered()
            if not self._is_over and (deadline.left_with_grace or 1) <= 0:
                self._give_up()
            if patience.left is not None and patience.left <= 0:
                return None
        return []

    @reaching_redis(UNKNOWN)
    def _is_answered(self) -> bool:
        state: str = self._sent.application.AsyncResult(self.id).state
        return state in READY_STATES

    @reaching_redis(UNKNOWN)
    def _take_answer(self) -> Result | BaseException:
        """Celery's result; deletes it from Redis."""
        answer = self._sent.application.AsyncResult(self.id)
        state, value = answer.state, answer.result
        if state not in READY_STATES:
            return SallyportError("The response was not fetched in time: Redis has deleted it.")
        self._sent.exchange.forget(self.id)
        answer.forget()
        return value if isinstance(value, BaseException) else Result(value)

    def _give_up(self) -> None:
        """The deadline passed without a response: says whether a worker had started the command."""
        sent = self._sent
        self.cancel()
        self._is_over = True
        if sent.exchange.is_claimed(self.id):
            self._settled = timed_out(
                sent.what, sent.deadline.seconds or 0.0, outcome=UNKNOWN,
                remedy="The worker that started the command does not respond.",
            )  # fmt: skip
        else:
            self._settled = failures.not_taken(sent.what, queue_name(sent.connection))


class RemoteStream(RemoteCall, Iterator[Any]):
    """The items of a result, as they arrive.

    Leaving it early cancels the command: at the end of a `with`, or by `close()`. Items
    that arrive faster than they are read are buffered in Redis.
    """

    def __init__(
        self, sent: Sent, on_progress: OnProgress | None, on_waiting: OnWaiting | None
    ) -> None:
        super().__init__(sent)
        self._on_progress = on_progress
        self._on_waiting = on_waiting
        self._entries: list[Entry] = []
        self._seen = Seen()

    def __next__(self) -> Any:
        while True:
            while self._entries:
                entry = self._entries.pop(0)
                if entry.method == "invoke/item":
                    if self._seen.is_new(entry.params):
                        return entry.params["item"]
                elif entry.method != END:
                    tell(entry.method, entry.params, self._on_progress, self._on_waiting)
            if self._is_over:
                self.result()  # Raises the error.
                raise StopIteration
            self._entries = self._next(None) or []

    def result(self, wait: float | None = None) -> Result:
        """The final result: `return_data`, `targets`, `meta`, but no items."""
        return super().result(wait)

    def close(self) -> None:
        """Stops reading, and cancels the command if it is in flight."""
        self.cancel()

    def __enter__(self) -> RemoteStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Seen:
    """Detects items that a worker repeats after another one was lost."""

    def __init__(self) -> None:
        self._next = 0
        self._targets: set[str] = set()

    def is_new(self, params: Mapping[str, Any]) -> bool:
        item = params["item"]
        if is_target(item):
            # Targets arrive in completion order, which differs between runs.
            target = json.dumps(item["target"])
            is_new = target not in self._targets
            self._targets.add(target)
            return is_new
        if params["seq"] != self._next:
            return False
        self._next += 1
        return True


def is_target(item: Any) -> bool:
    """Whether an item is a finished target."""
    if not isinstance(item, dict):
        return False
    members = item.keys()
    return {"target", "return_data"} <= members <= {"target", "return_data", "data", "error"}
