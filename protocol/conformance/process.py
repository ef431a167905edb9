"""One run of the host under test, over pipes, with a timeout for every wait.

Everything runs on the caller's thread: bytes move both ways during every wait,
so that neither side can block the other.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import fcntl
import os
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from comparison import differs, read_json
from faults import MAX_SHOWN_BYTES, Fault, shown
from frames import read_frame
from messages import PING

PIECE_BYTES = 1 << 18

#: Maximum of unread output.
MAX_UNREAD_BYTES = 128 * 1024 * 1024

#: How much of the end of stderr is kept.
MAX_ERROR_BYTES = 1024 * 1024

#: Polling interval for events without a descriptor, such as the exit of the process.
POLL_SECONDS = 0.005

#: Seconds in which a host that has closed its output may still exit and write to stderr. A busy
#: machine needs more than one. After that, another process holds the streams open.
SETTLE_SECONDS = 5.0

RUNS_ON = "the process is still running"


@dataclasses.dataclass(frozen=True)
class Launch:
    """How hosts are started.

    - `timeout`: seconds for one step; all steps of a host together have four times that.
    - `folder`: the working directory; None for that of the kit.
    """

    command: Sequence[str]
    timeout: float
    environment: Mapping[str, str]
    folder: str | None = None

    #: What texts of faults call the process.
    role = "host"

    def __call__(self, *arguments: str, **pipes: bool) -> HostProcess:
        """A host with these additional options; `pipes` as in `HostProcess`."""
        return HostProcess(self, arguments, **pipes)


class HostProcess:
    """A running host; leaving its context kills it and its child processes.

    - `reads_output`, `reads_errors`: False leaves that pipe unread, as a careless caller does, until
      the attribute is set.
    """

    def __init__(
        self, launch: Launch, arguments: Sequence[str], *, reads_output: bool = True, reads_errors: bool = True
    ) -> None:
        self.role = launch.role
        self.timeout = launch.timeout
        self._deadline = time.monotonic() + 4 * launch.timeout
        # A separate group, so that its child processes are killed too.
        self.process = subprocess.Popen(
            [*launch.command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0, env=dict(launch.environment), cwd=launch.folder,
            start_new_session=True)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            os.set_blocking(stream.fileno(), False)
        self.reads_output, self.reads_errors = reads_output, reads_errors
        self.errors = bytearray()
        self.last_sent = b""
        self._unsent = memoryview(b"")
        self._input_is_broken = False
        self._lines: collections.deque[bytes] = collections.deque()
        self._partial = bytearray()
        self._unread_bytes = 0

    def __enter__(self) -> HostProcess:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Fault) and self.process.poll() is not None:
            # A child of the host may still write why it exited.
            self._settle()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        if isinstance(error, Fault):
            self._settle()
            error.sent = error.sent or shown(self.last_sent)
            error.errors = self._last_error_lines()
        try:
            self.process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            pass
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def _last_error_lines(self) -> list[str]:
        return shown(bytes(self.errors[-MAX_SHOWN_BYTES:])).splitlines()[-5:]

    # Moving bytes

    def _wait(self, is_done: Callable[[], bool], what: str, poll_seconds: float | None = None) -> None:
        """Returns as soon as it is done; Fault on timeout. `poll_seconds`: polling interval."""
        end = min(time.monotonic() + self.timeout, self._deadline)
        while not is_done():
            left = end - time.monotonic()
            self._move(max(0.0, left if poll_seconds is None else min(left, poll_seconds)))
            # Checked after the last read: this process may have been the slow one.
            if left <= 0 and not is_done():
                raise Fault(f"{what} within {self.timeout:g} seconds")

    def _settle(self) -> None:
        """Reads both streams to EOF and waits for the exit, for a bounded time. Never raises.

        Every verdict on a host that exited comes after this: stderr may arrive
        later than the end of its output or the broken pipe of its input.
        """
        self.reads_output = self.reads_errors = True
        self._unsent = memoryview(b"")
        end = time.monotonic() + min(SETTLE_SECONDS, self.timeout)

        def is_over() -> bool:
            has_exited = self.process.poll() is not None
            return has_exited and self.process.stdout.closed and self.process.stderr.closed

        try:
            while not is_over() and (left := end - time.monotonic()) > 0:
                self._move(min(left, POLL_SECONDS))
        except Fault:
            pass  # It floods its output. The fault that came first is the one to report.

    def _move(self, seconds: float) -> None:
        """Waits at most this long for bytes, then reads and writes what is possible."""
        output, errors, input = self.process.stdout, self.process.stderr, self.process.stdin
        readers = [
            stream for stream, reads in ((output, self.reads_output), (errors, self.reads_errors))
            if reads and not stream.closed]
        can_write = self._unsent and not input.closed and not self._input_is_broken
        writers = [input] if can_write else []
        readable, writable, _ = select.select(readers, writers, [], seconds)
        if writable:
            self._give()
        if errors in readable:
            self._take_errors()
        if output in readable:
            self._take_output()

    def _give(self) -> None:
        try:
            written = os.write(self.process.stdin.fileno(), self._unsent[:PIECE_BYTES])
        except BlockingIOError:
            return
        except BrokenPipeError:
            # No verdict here: what the host wrote before has to be read first.
            self._input_is_broken = True
            return
        self._unsent = self._unsent[written:]

    def _take_errors(self) -> None:
        piece = os.read(self.process.stderr.fileno(), PIECE_BYTES)
        if not piece:
            self.process.stderr.close()
        self.errors += piece
        del self.errors[:-MAX_ERROR_BYTES]

    def _take_output(self) -> None:
        piece = os.read(self.process.stdout.fileno(), PIECE_BYTES)
        if not piece:
            self.process.stdout.close()
        *whole, rest = piece.split(b"\n")
        for line in whole:
            self._lines.append(bytes(self._partial) + line)
            self._partial.clear()
        self._partial += rest
        self._unread_bytes += len(piece)
        if self._unread_bytes > MAX_UNREAD_BYTES:
            raise Fault(f"the {self.role} wrote {self._unread_bytes} unexpected bytes")

    # Sending

    def send(self, *lines: bytes | str) -> None:
        """Writes each line with a line end."""
        self.send_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))

    def send_bytes(self, data: bytes) -> None:
        self.last_sent = data
        self._unsent = memoryview(data)
        self.send_rest()

    def offer(self, data: bytes, quiet_seconds: float) -> int:
        """Writes until the host reads nothing for this long.

        Returns the number of unsent bytes; `send_rest` sends them.
        """
        self.last_sent = data
        self._unsent = memoryview(data)
        before = -1
        while self._unsent and len(self._unsent) != before:
            before = len(self._unsent)
            end = time.monotonic() + quiet_seconds
            while (
                len(self._unsent) == before and not self._input_is_broken
                and (left := end - time.monotonic()) > 0
            ):
                self._move(left)
        return len(self._unsent)

    def send_rest(self) -> None:
        self._wait(lambda: not self._unsent or self._input_is_broken, f"the {self.role} did not read its input")
        if unsent := len(self._unsent):
            # It may have closed its input because it exits, which is the better reason.
            self._settle()
            ending = f" ({self._ending()})" if self.process.poll() is not None else ""
            raise Fault(f"the {self.role} stopped reading; {unsent} bytes are unsent{ending}")

    def wait_until_input_is_read(self) -> None:
        """Returns when the pipe is empty, if the system can report that."""
        unread = array.array("i", [0])

        def is_empty() -> bool:
            try:
                fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, unread)
            except OSError:
                return True
            return unread[0] == 0

        self._wait(is_empty, f"the {self.role} did not read its input", poll_seconds=0.0002)

    def close_input(self) -> None:
        self._unsent = memoryview(b"")
        self.process.stdin.close()

    def close_output(self) -> None:
        """Closes the reading end of stdout."""
        self.process.stdout.close()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    # Receiving

    def read_line(self) -> bytes:
        """The next line of the output, without its end."""
        self.reads_output = True
        output = self.process.stdout
        self._wait(lambda: bool(self._lines) or output.closed, "no response arrived")
        if not self._lines:
            raise Fault(f"stdout was closed: {self._ending()}", got=shown(bytes(self._partial)))
        line = self._lines.popleft()
        self._unread_bytes -= len(line) + 1
        return line

    def read(self) -> Any:
        """The next frame, checked as every frame is."""
        return read_frame(self.read_line())

    def expect(self, expected: str) -> bytes:
        """Reads the next line, which must compare equal to this JSON."""
        line = self.read_line()
        problem = differs(read_json(expected), read_frame(line))
        if problem:
            raise Fault(problem, expected=expected, got=shown(line))
        return line

    def expect_line(self, expected: bytes) -> None:
        """Reads the next line, which must be this one byte for byte."""
        line = self.read_line()
        read_frame(line)
        if line != expected:
            raise Fault("the line differs", expected=shown(expected), got=shown(line))

    def expect_error_text(self, text: str) -> None:
        """Waits until stderr contains this."""
        self.reads_errors = True
        self._wait(
            lambda: text.encode() in self.errors or self.process.stderr.closed, f"stderr does not contain {text!r}")
        if text.encode() not in self.errors:
            raise Fault(f"stderr was closed and does not contain {text!r}")

    # Ending

    def all_errors(self) -> bytes:
        """The end of stderr, after the host has exited."""
        self._wait(lambda: self.process.stderr.closed, "stderr was not closed")
        return bytes(self.errors)

    def rest(self) -> list[Any]:
        """The frames up to the end of the output."""
        self.reads_output = True
        self._wait(lambda: self.process.stdout.closed, "stdout was not closed")
        if self._partial:
            raise Fault("the last output line is incomplete", got=shown(bytes(self._partial)))
        frames = [read_frame(line) for line in self._lines]
        self._lines.clear()
        return frames

    def exit_status(self) -> int:
        """Waits for the exit of the process; negative if a signal killed it."""
        self._wait(lambda: self.process.poll() is not None, f"the {self.role} did not exit", poll_seconds=POLL_SECONDS)
        return self.process.returncode

    def expect_end(self, status: int = 0) -> list[Any]:
        """Waits for the exit, which must have this status. Returns the remaining frames."""
        self.reads_output = True
        ended_with = self.exit_status()
        if ended_with != status:
            raise Fault("wrong exit status", expected=f"exit {status}", got=self._ending())
        return [] if self.process.stdout.closed and not self._lines else self.rest()

    def finish(self) -> list[Any]:
        """Closes stdin; the host must exit with 0. Returns the unread frames."""
        self.close_input()
        return self.expect_end()

    def start_problem(self) -> str | None:
        """Why it exited before it answered a ping; None when it did answer, or runs on."""
        try:
            self.send(PING)
            self.read_line()
            return None
        except Fault:
            ending = self._ending()
            if ending == RUNS_ON:
                return None
            problem = f"the {self.role} does not start: it exited before it answered a ping ({ending})"
            errors = self._last_error_lines()
            return "\n  ".join([problem + ("; stderr:" if errors else "."), *errors])

    def _ending(self) -> str:
        self._settle()
        status = self.process.poll()
        if status is None:
            return RUNS_ON
        return f"ended by signal {-status}" if status < 0 else f"exit {status}"
