"""Places for requests under way.

The host stops reading at its `--max-in-flight`. A request beyond it would stand in the pipe, in
front of the `cancel` that is to free a place; so it waits here instead.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable

from .errors import SallyportError


class _Waiter:
    __slots__ = ("has_place", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.has_place = False


class Slots:
    """A semaphore that hands its places on in order, and that can end."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._waiters: collections.deque[_Waiter] = collections.deque()
        self._error: Callable[[], SallyportError] | None = None

    def acquire(self, seconds: float | None) -> bool:
        """Waits for a place. Returns whether there was one in time."""
        with self._lock:
            if self._error is not None:
                raise self._error()
            if self._free > 0:
                self._free -= 1
                return True
            waiter = _Waiter()
            self._waiters.append(waiter)
        try:
            waiter.lock.acquire(timeout=-1 if seconds is None else max(0.0, seconds))
        except BaseException:
            # Ctrl-C: the place may have been given to us at this very moment.
            if not self._withdraw(waiter):
                self.release(1)
            raise
        if self._withdraw(waiter):
            return False
        if not waiter.has_place:
            assert self._error is not None
            raise self._error()
        return True

    def release(self, count: int) -> None:
        with self._lock:
            while count > 0 and self._waiters:
                waiter = self._waiters.popleft()
                waiter.has_place = True
                waiter.lock.release()
                count -= 1
            self._free += count

    def end(self, error: Callable[[], SallyportError]) -> None:
        """Nobody gets a place any more."""
        with self._lock:
            self._error = error
            waiters, self._waiters = self._waiters, collections.deque()
        for waiter in waiters:
            waiter.lock.release()

    def _withdraw(self, waiter: _Waiter) -> bool:
        """Whether it was still waiting."""
        with self._lock:
            try:
                self._waiters.remove(waiter)
            except ValueError:
                return False
            return True
