"""The queue for in-flight slots.

The host stops reading at its `--max-in-flight`. A further request would block the pipe, in
front of the `cancel` that frees a slot. So it waits here instead.
"""

from __future__ import annotations

import collections
import threading


class SlotQueue:
    """Waiters in order. A woken waiter checks again for a free slot.

    The owner counts the slots; `join` and `wake` are called under the owner's lock.
    """

    def __init__(self) -> None:
        self._waiting: collections.deque[threading.Lock] = collections.deque()

    def join(self, *, was_woken: bool) -> threading.Lock:
        """Returns a lock to wait on. A woken waiter that found no slot goes to the front."""
        waiter = threading.Lock()
        waiter.acquire()
        if was_woken:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        return waiter

    def leave(self, waiter: threading.Lock) -> bool:
        """Whether it was still waiting. If not, it was woken, and the caller must wake another one."""
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
