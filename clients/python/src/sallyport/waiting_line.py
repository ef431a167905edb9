"""Waiting for a place among the requests under way.

The host stops reading at its `--max-in-flight`. A request beyond it would stand in the pipe, in
front of the `cancel` that is to free a place; so it waits here instead.
"""

from __future__ import annotations

import collections
import threading


class WaitingLine:
    """Those who wait, in order. Whoever is woken looks again whether there is a place.

    What it is that has places is its owner's; `join` and `wake` are called under the owner's lock.
    """

    def __init__(self) -> None:
        self._waiting: collections.deque[threading.Lock] = collections.deque()

    def join(self, *, was_woken: bool) -> threading.Lock:
        """Returns what to wait on. One that was woken in vain goes to the front."""
        waiter = threading.Lock()
        waiter.acquire()
        if was_woken:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        return waiter

    def leave(self, waiter: threading.Lock) -> bool:
        """Whether it was still waiting; otherwise it was woken, and another one is to be."""
        try:
            self._waiting.remove(waiter)
        except ValueError:
            return False
        return True

    def wake(self, count: int) -> None:
        for _ in range(min(count, len(self._waiting))):
            self._waiting.popleft().release()

    def wake_all(self) -> None:
        self.wake(len(self._waiting))
