"""Reads the host's stdout: on a thread, or in the only waiting caller."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

from .calls import Answer
from .dialogue import BrokenFrame, Dialogue, log

#: The capacity of a pipe on Linux.
READ_BYTES = 1 << 16
#: Seconds without a reading caller after which the thread reads again.
YIELD_SECONDS = 0.01


class PipeReader:
    """A thread reads, unless a single caller does it for a while.

    For a program that makes sequential calls, passing each response between threads is the
    largest cost. So a caller without other calls in flight asks the thread to leave
    the pipe to such callers, until none has come for `YIELD_SECONDS`. A race between them
    delays a message by that time at most.
    """

    def __init__(
        self,
        descriptor: int,
        dialogue: Dialogue,
        handed_over: Callable[[], None],
        end: Callable[[str | None], None],
    ) -> None:
        """`handed_over` is called when responses may have arrived.

        `end` is called on the thread, with the host's violation or None.
        """
        self._descriptor = descriptor
        self._dialogue = dialogue
        self._handed_over = handed_over
        self._end = end
        #: Held by the reader.
        self._reading = threading.Lock()
        self._wake = threading.Event()
        self._is_asked = False
        self._yields = False
        self._leads = 0
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="sallyport-reader", daemon=True)
        self._thread.start()

    def lead(self, answer: Answer, end: float | None) -> None:
        """Reads until the response arrives, if there is no other reader. May return without it.

        end: The deadline, by `time.monotonic`.
        """
        taken: list[bool] = []
        is_finished = False
        try:
            # One step: no Ctrl-C can come between acquiring the lock and recording it.
            taken.extend(map(self._reading.acquire, (False,)))
            if taken[0]:
                self._leads += 1
                while not answer.is_done and self._read_until(end):
                    pass
                is_finished = answer.is_done and not self._dialogue.in_flight
            else:
                self._is_asked = True
        finally:
            if taken and taken[0]:
                self._reading.release()
                if not is_finished:
                    self._wake.set()

    def wake(self) -> None:
        """A message is expected that no caller may be reading."""
        if self._yields:
            self._wake.set()

    def join(self, seconds: float) -> bool:
        """Whether the host closed its output in time."""
        self._wake.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _read_until(self, end: float | None) -> bool:
        """For a caller. Returns whether to continue; the thread handles EOF and faults."""
        if end is not None and not self._poll.poll(max(0.0, end - time.monotonic()) * 1000):
            return False
        try:
            return self._read()
        except BrokenFrame:
            return False

    def _read(self) -> bool:
        """Returns False at EOF."""
        chunks = self._dialogue.chunks
        # One step: the input is recorded even if a Ctrl-C comes.
        chunks.extend(map(os.read, (self._descriptor,), (READ_BYTES,)))
        if not chunks[-1]:
            return False
        self._dialogue.hand_over()
        self._handed_over()
        return True

    def _run(self) -> None:
        self._reading.acquire()
        fault = None
        try:
            while self._read():
                if self._is_asked:
                    self._is_asked = False
                    if not self._dialogue.in_flight:
                        self._leave_to_callers()
        except BrokenFrame as broken:
            fault = str(broken)
        except Exception as error:
            log.exception("reading from the host failed")
            fault = f"Reading from it failed: {type(error).__name__}."
        # No other reader may follow: the lock is kept.
        self._end(fault)

    def _leave_to_callers(self) -> None:
        self._wake.clear()
        self._yields = True
        self._reading.release()
        leads = -1
        while leads != self._leads:
            leads = self._leads
            if self._wake.wait(YIELD_SECONDS):
                break
        self._yields = False
        self._reading.acquire()
        # A caller may have been interrupted, or may have left a fault.
        self._dialogue.hand_over(after_interruption=True)
        self._handed_over()
