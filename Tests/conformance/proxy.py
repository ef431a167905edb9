"""Passes everything through between a reader and a real host."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator


class Proxy:
    """Passes on what it reads. A fault changes one of its methods."""

    def __init__(self, command: list[str]) -> None:
        # Signals are the real host's business; this process ends when that one does.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self.pass_on_signal(number))
        self.host = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.input_has_ended = False

    # What a fault may change

    def on_input(self, line: bytes) -> bytes:
        """A line with its end, if it has one; what is returned goes to the host."""
        return line

    def on_output(self, line: bytes) -> bytes:
        """A frame with its end; what is returned goes to the reader."""
        return line

    def at_start(self) -> None:
        pass

    def at_end(self, status: int) -> int:
        return status

    def pass_on_signal(self, number: int) -> None:
        self.host.send_signal(number)

    def pieces(self) -> Iterable[bytes]:
        """What comes in."""
        return iter(lambda: os.read(0, 1 << 16), b"")

    # Passing on

    def run(self) -> int:
        self.at_start()
        threading.Thread(target=self.pass_input, daemon=True).start()
        for line in self.frames():
            if not write(self.on_output(line)):
                break
        # With it a reader who goes away is gone for the real host too.
        self.host.stdout.close()
        status = self.host.wait()
        return self.at_end(128 - status if status < 0 else status)

    def pass_input(self) -> None:
        pending = b""
        try:
            for piece in self.pieces():
                *lines, pending = (pending + piece).split(b"\n")
                self.host.stdin.write(b"".join(self.on_input(line + b"\n") for line in lines))
                self.host.stdin.flush()
            self.input_has_ended = True
            self.host.stdin.write(self.on_input(pending) if pending else b"")
            self.host.stdin.close()
        except BrokenPipeError:
            pass  # After a shutdown, and when its reader is gone.

    def frames(self) -> Iterator[bytes]:
        """Those of the host, until its output ends or nobody reads any more."""
        source = self.host.stdout.fileno()
        poll = select.poll()
        poll.register(source, select.POLLIN)
        poll.register(1, 0)
        pending = b""
        while True:
            ready = dict(poll.poll())
            if 1 in ready or not (piece := os.read(source, 1 << 16)):
                return
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                yield line + b"\n"


def write(data: bytes) -> bool:
    """False when nobody reads any more."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(1, rest):]
    except BrokenPipeError:
        return False
    return True
