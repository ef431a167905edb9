"""Writes to the host's stdin without blocking a caller."""

from __future__ import annotations

import collections
import os
import queue
import select
import threading

#: Maximum bytes per system call.
MAXIMUM_BATCH_BYTES = 1 << 16


class PipeWriter:
    """Writes whole lines: immediately by the caller, or batched by a thread.

    The thread also writes the rest that the pipe does not accept at once, so that a caller's timeout
    holds even if the host does not read.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        # Guards the two fields below.
        self._lock = threading.Lock()
        self._backlog: collections.deque[bytes] = collections.deque()
        self._is_closed = False
        #: Lines for the thread; an empty line only wakes it, None stops it.
        self._for_thread: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="sallyport-writer", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Writes without a thread switch.

        If the host is gone, the line is dropped; the exit is reported elsewhere.
        """
        with self._lock:
            if self._is_closed:
                return
            if self._backlog:
                self._backlog.append(line)
                return
            written: list[int] = []
            try:
                # One step: no Ctrl-C can come between a write and recording its size.
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
        """Batches lines, which saves system calls.

        Safe in finalizers: it acquires no lock, because it may interrupt the holder.
        """
        self._for_thread.put(line)

    def close(self) -> None:
        """Closes the pipe after all earlier lines."""
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
        """Moves queued lines into the backlog. Returns whether the stop marker was among them."""
        lines, size = [line], len(line)
        more: bytes | None = line
        # This is the only consumer, so `get` does not block here.
        while more is not None and size < MAXIMUM_BATCH_BYTES and not self._for_thread.empty():
            more = self._for_thread.get()
            if more is not None:
                lines.append(more)
                size += len(more)
        with self._lock:
            self._backlog.extend(lines)
        return more is None

    def _write_backlog(self) -> bool:
        """Writes what the pipe accepts. Returns whether there is more."""
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
