"""One run of the host under test, over pipes, with an end to every wait.

Everything happens on the caller's thread: bytes move both ways while something is waited for,
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

#: What a host may have written that nobody has asked for yet.
MAX_UNREAD_BYTES = 128 * 1024 * 1024

#: How much of the end of stderr is looked at.
MAX_ERROR_BYTES = 1024 * 1024

#: Seconds between two polls of what no descriptor reports, such as the exit of the process.
POLL_SECONDS = 0.005

#: Seconds in which a host that has closed its output may still exit and write to stderr. A busy
#: machine needs more than one. After that, another process holds the streams open.
SETTLE_SECONDS = 5.0

RUNS_ON = "the process runs on"


@dataclasses.dataclass(frozen=True)
class Launch:
    """How hosts are started.

    - `timeout`: seconds that one step may take; all steps of a host together may take four times that.
    """

    command: Sequence[str]
    timeout: float
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, **pipes: bool) -> HostProcess:
        """A host with these options behind its command; `pipes` as in `HostProcess`."""
        return HostProcess(self, arguments, **pipes)


class HostProcess:
    """A running host; leaving its context ends it and all that it has started.

    - `reads_output`, `reads_errors`: False leaves that pipe alone, as a careless caller does, until
      the attribute is set.
    """

    def __init__(
        self, launch: Launch, arguments: Sequence[str], *, reads_output: bool = True, reads_errors: bool = True
    ) -> None:
        self.timeout = launch.timeout
        self._deadline = time.monotonic() + 4 * launch.timeout
        # A group of its own, so that nothing it has started is left behind.
        self.process = subprocess.Popen(
            [*launch.command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0, env=dict(launch.environment), start_new_session=True)
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

    def _wait(self, is_done: Callable[[], bool], what: str, poll: float | None = None) -> None:
        """Returns as soon as it is done; raises Fault if that takes too long.

        - `poll`: seconds between two checks, if no descriptor reports the change.
        """
        end = min(time.monotonic() + self.timeout, self._deadline)
        while not is_done():
            left = end - time.monotonic()
            self._move(max(0.0, left if poll is None else min(left, poll)))
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
        """Waits at most so long for bytes, and takes and gives what there is."""
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
            raise Fault(f"the host wrote {self._unread_bytes} bytes that nothing has asked for")

    # Sending

    def send(self, *lines: bytes | str) -> None:
        """Writes each with a line end."""
        self.send_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))

    def send_bytes(self, data: bytes) -> None:
        self.last_sent = data
        self._unsent = memoryview(data)
        self.send_rest()

    def offer(self, data: bytes, quiet_seconds: float) -> int:
        """Writes until the host takes no more for so long.

        Returns how many bytes are unsent; `send_rest` sends them.
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
        self._wait(lambda: not self._unsent or self._input_is_broken, "the host did not read its input")
        if self._unsent:
            raise Fault(f"the host reads no more; {len(self._unsent)} bytes are unsent")

    def wait_until_input_is_read(self) -> None:
        """Returns when nothing of what was sent is left in the pipe, where the system can tell."""
        unread = array.array("i", [0])

        def is_empty() -> bool:
            try:
                fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, unread)
            except OSError:
                return True
            return unread[0] == 0

        self._wait(is_empty, "the host did not read its input", poll=0.0002)

    def close_input(self) -> None:
        self._unsent = memoryview(b"")
        self.process.stdin.close()

    def close_output(self) -> None:
        """Goes away as the reader of stdout."""
        self.process.stdout.close()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    # Receiving

    def read_line(self) -> bytes:
        """The next line of the output, without its end."""
        self.reads_output = True
        output = self.process.stdout
        self._wait(lambda: bool(self._lines) or output.closed, "no answer came")
        if not self._lines:
            raise Fault(f"the output has ended: {self._ending()}", got=shown(bytes(self._partial)))
        line = self._lines.popleft()
        self._unread_bytes -= len(line) + 1
        return line

    def read(self) -> Any:
        """The next frame, held against what is true of every one."""
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
            raise Fault("the line is another one", expected=shown(expected), got=shown(line))

    def expect_error_text(self, text: str) -> None:
        """Waits until stderr says this."""
        self.reads_errors = True
        self._wait(
            lambda: text.encode() in self.errors or self.process.stderr.closed, f"stderr did not say {text!r}")
        if text.encode() not in self.errors:
            raise Fault(f"stderr has ended and did not say {text!r}")

    # Ending

    def all_errors(self) -> bytes:
        """The end of what stderr said, when the host has ended."""
        self._wait(lambda: self.process.stderr.closed, "stderr did not end")
        return bytes(self.errors)

    def rest(self) -> list[Any]:
        """The frames up to the end of the output."""
        self.reads_output = True
        self._wait(lambda: self.process.stdout.closed, "the output did not end")
        if self._partial:
            raise Fault("the last line of the output is cut", got=shown(bytes(self._partial)))
        frames = [read_frame(line) for line in self._lines]
        self._lines.clear()
        return frames

    def exit_status(self) -> int:
        """Waits for the end of the process; negative for a signal that ended it."""
        self._wait(lambda: self.process.poll() is not None, "the host did not end", poll=POLL_SECONDS)
        return self.process.returncode

    def expect_end(self, status: int = 0) -> list[Any]:
        """Waits for the end, which must come with this status. Returns the frames before it."""
        self.reads_output = True
        ended_with = self.exit_status()
        if ended_with != status:
            raise Fault("the host ended otherwise", expected=f"exit {status}", got=self._ending())
        return [] if self.process.stdout.closed and not self._lines else self.rest()

    def finish(self) -> list[Any]:
        """Ends the input; the host must end with 0. Returns the frames that were not read yet."""
        self.close_input()
        return self.expect_end()

    def start_problem(self) -> str | None:
        """Why it ended before it answered a ping; None if it answered or still runs."""
        try:
            self.send(PING)
            self.read_line()
            return None
        except Fault:
            ending = self._ending()
            if ending == RUNS_ON:
                return None
            problem = f"the host does not start; it ended before it answered a ping ({ending})"
            errors = self._last_error_lines()
            return "\n  ".join([problem + (", and said:" if errors else "."), *errors])

    def _ending(self) -> str:
        self._settle()
        status = self.process.poll()
        if status is None:
            return RUNS_ON
        return f"ended by signal {-status}" if status < 0 else f"exit {status}"
