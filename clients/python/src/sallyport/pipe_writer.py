"""Writing to the host's stdin without ever blocking a caller."""

from __future__ import annotations

import collections
import os
import queue
import select
import threading

#: Bytes that are put together for one system call.
MAXIMUM_BATCH_BYTES = 1 << 16


class PipeWriter:
    """Lines go out whole: at once by the caller, or by a thread that puts many together.

    What the pipe does not take at once is left to the thread too, so that a caller's timeout holds
    although the host does not read.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        # For what follows: which of the lines are left to the thread, and whether all is over.
        self._lock = threading.Lock()
        self._backlog: collections.deque[bytes] = collections.deque()
        self._is_closed = False
        #: Lines for the thread; empty ones only wake it, None is the last.
        self._for_thread: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="sallyport-writer", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Saves the switch of threads.

        What cannot be written because the host is gone is dropped; its end is told elsewhere.
        """
        with self._lock:
            if self._is_closed:
                return
            if self._backlog:
                self._backlog.append(line)
                return
            written: list[int] = []
            try:
                # One step: no Ctrl-C comes between a write and the note of how much it wrote.
                written.extend(map(os.write, (self._descriptor,), (line,)))
            except BlockingIOError:
                pass
            except OSError:
                self._close()
                return
            finally:
                rest = line[written[0] :] if written else line
                if rest and not self._is_closed:
                    self._backlog.append(rest)
                    self._for_thread.put(b"")

    def write_later(self, line: bytes) -> None:
        """Saves system calls when there is much to write.

        It is also for finalizers: it waits for no lock, as it may interrupt whoever holds it.
        """
        self._for_thread.put(line)

    def close(self) -> None:
        """Closes the pipe when everything before has been written."""
        self._for_thread.put(None)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        is_last = False
        while not is_last:
            line = self._for_thread.get()
            is_last = line is None
            if line:
                is_last = self._take_more(line)
            while self._write_backlog():
                poll.poll()
        with self._lock:
            self._close()

    def _take_more(self, line: bytes) -> bool:
        """Puts what waits into the backlog. Returns whether the end was among it."""
        lines, size = [line], len(line)
        more: bytes | None = line
        # Nobody else takes lines, so what is there can be taken.
        while more is not None and size < MAXIMUM_BATCH_BYTES and not self._for_thread.empty():
            more = self._for_thread.get()
            if more is not None:
                lines.append(more)
                size += len(more)
        with self._lock:
            self._backlog.extend(lines)
        return more is None

    def _write_backlog(self) -> bool:
        """Writes what the pipe takes. Returns whether there is more."""
        with self._lock:
            try:
                while self._backlog and not self._is_closed:
                    data = b"".join(self._backlog)
                    self._backlog.clear()
                    self._backlog.append(data)
                    rest = data[os.write(self._descriptor, data) :]
                    self._backlog.clear()
                    if rest:
                        self._backlog.append(rest)
            except BlockingIOError:
                return True
            except OSError:
                self._close()
            return False

    def _close(self) -> None:
        self._backlog.clear()
        if not self._is_closed:
            self._is_closed = True
            os.close(self._descriptor)
