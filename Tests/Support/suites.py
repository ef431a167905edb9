"""Runs the suites that Tests/run-all.sh names, side by side.

    python3 suites.py SUITE…          where SUITE is TITLE COMMAND ARGUMENT… --end

The output of each suite is printed whole and in the order of the command line, as soon as it is
written and its turn has come. Exit status: 0 if every suite passed, else 1.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence

END = "--end"

#: Seconds between two looks at the output of a suite.
POLL_SECONDS = 0.2

#: Seconds that a suite has for stopping its processes after SIGTERM.
STOP_SECONDS = 10


class Stop:
    """The signal that asks for the end. A handler that raises could do so between the start of a
    process and its entry in the list of those to stop."""

    def __init__(self) -> None:
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _: object) -> None:
        self.signal = number

    def check(self) -> None:
        if self.signal:
            sys.exit(128 + self.signal)


class Suite:
    """A command that runs in a session with its output in a file."""

    def __init__(self, title: str, command: Sequence[str], folder: pathlib.Path) -> None:
        self.title = title
        self.path = folder / title.replace(" ", "-")
        self.seconds = 0.0
        self._begin = time.monotonic()
        with self.path.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True)
        self._ended = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self.status = self._process.wait()
        self.seconds = time.monotonic() - self._begin
        self._ended.set()

    def show(self, stop: Stop) -> None:
        """Copies the output to stdout until the suite has ended."""
        print(f"== {self.title}", flush=True)
        with self.path.open("rb") as output:
            has_ended = False
            while not has_ended:
                # Asked before the last read, which then is complete.
                has_ended = self._ended.wait(POLL_SECONDS)
                stop.check()
                while piece := output.read(1 << 16):
                    sys.stdout.buffer.write(piece)
                    sys.stdout.buffer.flush()

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self._ended.is_set():
                os.killpg(self._process.pid, number)
                self._ended.wait(STOP_SECONDS)


def named(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The titles and commands on the command line."""
    rest = list(words)
    while rest:
        end = rest.index(END)
        yield rest[0], rest[1:end]
        rest = rest[end + 1:]


def main(words: Sequence[str]) -> int:
    stop = Stop()
    with tempfile.TemporaryDirectory(prefix="sallyport-suites-") as folder:
        suites = []
        try:
            for title, command in named(words):
                suites.append(Suite(title, command, pathlib.Path(folder)))
            for suite in suites:
                suite.show(stop)
        finally:
            for suite in suites:
                suite.stop()
    print("== summary")
    for suite in suites:
        outcome = "passed" if suite.status == 0 else f"FAILED (exit status {suite.status})"
        print(f"{suite.title:<30} {suite.seconds:6.1f} s  {outcome}")
    return 1 if any(suite.status for suite in suites) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
