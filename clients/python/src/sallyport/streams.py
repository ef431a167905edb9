"""Calls that send notifications before their response, for threads."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from .calls import Call, Deadline, Link, OnProgress, OnWaiting, WatchedAnswer, tell
from .errors import SallyportError
from .methods import Method
from .results import Result

Item = TypeVar("Item")
Self = TypeVar("Self", bound="Watched[Any]")


class Watched(Call[Result], Iterator[Item]):
    """What arrives before a response.

    One thread reads it. Leaving it early cancels the call: at the end of a `with`, by
    `close()`, or by garbage collection, as after `break`.
    """

    __slots__ = ("_events", "_is_over")

    def __init__(
        self,
        id: int,
        method: Method[Result],
        answer: WatchedAnswer,
        deadline: Deadline,
        link: Link,
    ) -> None:
        super().__init__(id, method, answer, deadline, link)
        self._events = answer.events
        self._is_over = False

    def __next__(self) -> Item:
        while not self._is_over:
            try:
                event = self._events.get(timeout=self._patience)
            except queue.Empty:
                self._leave()
                raise self._deadline.missed(self._method.what) from None
            if event is None:
                self._is_over = True
                self._answer.read(self._method)  # Raises the error.
                break
            try:
                for item in self._read(*event):
                    return item
            except BaseException:
                self._leave()
                raise
        raise StopIteration

    def _read(self, method: str, params: Mapping[str, Any]) -> Iterable[Item]:
        """One item, or nothing."""
        raise NotImplementedError

    @property
    def _patience(self) -> float | None:
        left = self._deadline.left_with_grace
        return None if left is None else max(0.0, left)

    def close(self) -> None:
        """Stops reading, and cancels the call if it is in flight."""
        self._leave()

    def _leave(self) -> None:
        """Safe in finalizers."""
        self._is_over = True
        self.cancel()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_is_over", True):
            self._leave()


class Stream(Watched[Any]):
    """The items of a result, as they arrive.

    One thread reads it. Leaving it early cancels the call: at the end of a `with`, by
    `close()`, or by garbage collection, as after `break`. Items that arrive faster than they
    are read are buffered in memory.
    """

    __slots__ = ("_next", "_on_progress", "_on_waiting")

    def __init__(
        self,
        id: int,
        method: Method[Result],
        answer: WatchedAnswer,
        deadline: Deadline,
        link: Link,
        on_progress: OnProgress | None,
        on_waiting: OnWaiting | None,
    ) -> None:
        super().__init__(id, method, answer, deadline, link)
        self._on_progress = on_progress
        self._on_waiting = on_waiting
        self._next = 0

    def _read(self, method: str, params: Mapping[str, Any]) -> Iterable[Any]:
        if method == "invoke/item":
            seq = params.get("seq")
            if isinstance(seq, int) and seq < self._next:
                return ()  # Delivered twice, because a reader was interrupted.
            if seq != self._next:
                raise SallyportError(f"Item {self._next} of {self._method.what} is missing.")
            self._next += 1
            return (params.get("item"),)
        tell(method, params, self._on_progress, self._on_waiting)
        return ()

    def result(self, wait: float | None = None) -> Result:
        """The final result: `return_data`, `targets`, `meta`, but no items."""
        return super().result(wait)
