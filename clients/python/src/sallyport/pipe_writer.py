"""Writing to the host's stdin without ever blocking a caller."""

from __future__ import annotations

import os
import queue
import threading


class PipeWriter:
    """Lines go out in the order in which they are given, by a thread of their own.

    A caller that wrote itself would be quicker, but would be stuck when the host does not read,
    whatever its timeout, and a Ctrl-C between a write and the note of it would cut a line.
    `write` takes no lock: a finalizer may call it, at any place.
    """

    #: Bytes that are put together for one system call.
    MAXIMUM_BATCH_BYTES = 1 << 16

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="sallyport-writer", daemon=True).start()

    def write(self, line: bytes) -> None:
        """What cannot be written because the host is gone is dropped; its end is told elsewhere."""
        self._lines.put(line)

    def close(self) -> None:
        """Closes the pipe when everything before has been written."""
        self._lines.put(None)

    def _run(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                batch, size, is_last = [line], len(line), False
                while size < self.MAXIMUM_BATCH_BYTES and not self._lines.empty():
                    # Nobody else takes lines, so there is one.
                    more = self._lines.get()
                    if more is None:
                        is_last = True
                        break
                    batch.append(more)
                    size += len(more)
                self._write(b"".join(batch))
                if is_last:
                    return
        except OSError:
            pass  # The host is gone; the reader notices too, and says so.
        finally:
            os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
