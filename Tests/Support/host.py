"""The one driver of the built executable: starts it, moves bytes over real pipes, ends it.

Every wait has a deadline and fails with what was seen so far. The executable is $SALLYPORT, or the
release build of this checkout. `session` and `mcp_client` build on this module. The conformance kit
has its own driver, `process`, because strangers run the kit without these tests.
"""

from __future__ import annotations

import array
import dataclasses
import fcntl
import itertools
import json
import os
import pathlib
import queue
import select
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Self

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = os.environ.get("SALLYPORT") or str(ROOT / ".build/release/sallyport")

#: Seconds that any one wait may take; far above what a loaded machine needs. Sanitizers need more.
TIMEOUT = 30.0 * float(os.environ.get("TEST_PATIENCE", "1"))

#: State directories, away from the user's own.
STATES = tempfile.TemporaryDirectory(prefix="sallyport-state-")

#: Frames must not hold these raw: some readers take them for line ends.
LINE_ENDS = ("\r", "\u0085", "\u2028", "\u2029")


def use_new_state() -> None:
    """Gives hosts that start from now on a new state directory.

    The system reuses ports, so that a vendor may have the URL of one in an earlier test: with the
    same directory it would also have what was counted for its rate limits.
    """
    global _states
    _states += 1


_states = 0


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process under test, without the configuration of the user."""
    clean = {
        name: value for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("SALLYPORT")
        and name not in ("COLUMNS", "LINES")}
    state = f"{STATES.name}/{_states}"
    return clean | {"NO_COLOR": "1", "XDG_STATE_HOME": state} | dict(more or {})


def line(message: Any) -> bytes:
    """One line of input: bytes and text unchanged, other values as JSON."""
    if isinstance(message, str):
        message = message.encode()
    if not isinstance(message, bytes):
        message = json.dumps(message, separators=(",", ":")).encode()
    return message + b"\n"


def request(id: Any, method: str, params: Any = None) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": id, "method": method}
    return message if params is None else message | {"params": params}


def invoke(
    id: Any, command: str, arguments: Any = None, *, connection: Any = None, **options: Any
) -> dict[str, Any]:
    """An invoke of a CODA Footprint command."""
    params: dict[str, Any] = {"integration": "coda_footprint", "command": command}
    if connection is not None:
        params["connection"] = connection
    if arguments is not None:
        params["arguments"] = arguments
    if options:
        params["options"] = options
    return request(id, "invoke", params)


def without_meta(result: dict[str, Any]) -> dict[str, Any]:
    """The result without its metadata, which differs each time."""
    assert "trace_id" in result["meta"], result
    return {name: value for name, value in result.items() if name != "meta"}


def parse(frame: bytes) -> Any:
    """One line of output, held against what is true of every one."""
    text = frame.decode("utf-8", errors="strict")
    for character in LINE_ENDS:
        assert character not in text, f"a raw U+{ord(character):04X} in {text!r}"
    message = json.loads(text)
    messages = message if isinstance(message, list) else [message]
    assert messages, "an empty array is no answer"
    for one in messages:
        assert one["jsonrpc"] == "2.0", text
        if "method" in one:
            # The only request of the host's asks the user of an MCP client.
            assert "id" not in one or one["method"] == "elicitation/create", text
        else:
            # Where no id is known, later revisions of MCP have none instead of null.
            assert list(one)[:2] in (["jsonrpc", "id"], ["jsonrpc", "error"]), text
            assert ("result" in one) != ("error" in one), text
    return message


@dataclasses.dataclass(frozen=True)
class Finished:
    """A process that has ended."""

    code: int
    output: bytes
    errors: str

    @property
    def lines(self) -> list[bytes]:
        assert not self.output or self.output.endswith(b"\n"), "the last frame is cut"
        return self.output.split(b"\n")[:-1]

    @property
    def answers(self) -> list[Any]:
        return [parse(line) for line in self.lines]

    @property
    def text(self) -> str:
        return self.output.decode()


def run(
    *arguments: str, input: bytes | Sequence[Any] = b"", directory: str | os.PathLike[str] | None = None,
    more_environment: Mapping[str, str] | None = None, timeout: float = TIMEOUT,
) -> Finished:
    """Runs the executable to its end. `input` is bytes, or messages, a line each."""
    if not isinstance(input, bytes):
        input = b"".join(line(message) for message in input)
    ended = subprocess.run(
        [EXECUTABLE, *arguments], input=input, capture_output=True, timeout=timeout,
        cwd=directory, env=environment(more_environment))
    return Finished(ended.returncode, ended.stdout, ended.stderr.decode())


class Pipe:
    """The reading end of a pipe, read to EOF by a thread from `begin` on.

    - `take`: gets each line without its LF as soon as it is whole, and None at EOF. A last line
      without LF is passed on too if `takes_partial`.
    """

    def __init__(
        self, stream: BinaryIO, take: Callable[[bytes | None], None] | None = None, takes_partial: bool = True
    ) -> None:
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        # A descriptor that another thread waits for in `read` is not closed by closing it.
        self._leave, self._left = os.pipe()
        self._take = take
        self._takes_partial = takes_partial
        #: Everything that was read, if no function takes the lines.
        self.seen = bytearray()

    def begin(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()

    def _read(self) -> None:
        partial = b""
        source = self._stream.fileno()
        while True:
            ready, _, _ = select.select([source, self._leave], [], [])
            if self._leave in ready or not (piece := os.read(source, 1 << 18)):
                break
            if self._take is None:
                self.seen += piece
                continue
            *whole, partial = (partial + piece).split(b"\n")
            for one in whole:
                self._take(one)
        if self._take is not None:
            if partial and self._takes_partial:
                self._take(partial)
            self._take(None)

    def join(self) -> None:
        """Waits for EOF."""
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT)

    def close(self) -> None:
        """Closes the reading end; unread bytes are lost."""
        if self._stream.closed:
            return
        os.write(self._left, b"x")
        self.join()
        self._stream.close()
        os.close(self._leave)
        os.close(self._left)


class Process:
    """A running subcommand of the executable.

    - `take`: gets each line of output, and None at EOF (see `Pipe`).
    - `reads_output`, `reads_errors`: False leaves that pipe unread until `read_output()` or
      `read_errors()`, as a busy or careless caller does.
    """

    def __init__(
        self, *words: str, take: Callable[[bytes | None], None] | None = None, takes_partial: bool = True,
        reads_output: bool = True, reads_errors: bool = True,
        more_environment: Mapping[str, str] | None = None, stdin: Any = subprocess.PIPE,
        directory: str | os.PathLike[str] | None = None,
        executable: str | os.PathLike[str] = EXECUTABLE,
    ) -> None:
        self.process = subprocess.Popen(
            [executable, *words], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env=environment(more_environment), cwd=directory)
        assert self.process.stdout and self.process.stderr
        if self.process.stdin:
            os.set_blocking(self.process.stdin.fileno(), False)
        #: Held while bytes are written, so that threads do not mix their lines.
        self._sending = threading.Lock()
        self._output = Pipe(self.process.stdout, take, takes_partial)
        self._errors = Pipe(self.process.stderr)
        if reads_output:
            self.read_output()
        if reads_errors:
            self.read_errors()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Ends the process, whatever its state, and everything that belongs to it."""
        if self.process.poll() is None:
            self.process.kill()
        self._release()

    def _release(self) -> None:
        self.process.wait(TIMEOUT)
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        for pipe in (self._output, self._errors):
            pipe.join()
            pipe.close()

    # Sending

    def send(self, *messages: Any) -> None:
        """Writes each as one line (see `line`)."""
        self.send_bytes(b"".join(line(message) for message in messages))

    def send_bytes(self, data: bytes, timeout: float = TIMEOUT) -> None:
        unsent = self.offer(data, timeout)
        assert unsent == 0, f"the host left {unsent} of {len(data)} bytes unread"

    def offer(self, data: bytes, timeout: float) -> int:
        """Writes until the host takes no more for that long.

        - Returns: how many bytes it did not take.
        """
        assert self.process.stdin
        rest = memoryview(data)
        with self._sending:
            while rest:
                _, ready, _ = select.select([], [self.process.stdin], [], timeout)
                if not ready:
                    break
                rest = rest[os.write(self.process.stdin.fileno(), rest[: 1 << 18]) :]
        return len(rest)

    def wait_until_input_is_read(self) -> None:
        """Returns when nothing of what was sent is left in the pipe."""
        assert self.process.stdin
        unread = array.array("i", [0])

        def is_empty() -> bool:
            fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, unread)
            return unread[0] == 0

        eventually(is_empty, "the input is read")

    def close_input(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    # Receiving

    def read_output(self) -> None:
        self._output.begin()

    def read_errors(self) -> None:
        self._errors.begin()

    def close_output(self) -> None:
        """Goes away as a reader of stdout."""
        self._output.close()

    def close_errors(self) -> None:
        """Goes away as a reader of stderr."""
        self._errors.close()

    def wait_for_log(self, text: str) -> None:
        eventually(lambda: text in self.errors, f"stderr says {text!r}")

    @property
    def error_bytes(self) -> bytes:
        """stderr so far; all of it after `exit_code`."""
        return bytes(self._errors.seen)

    @property
    def errors(self) -> str:
        return self.error_bytes.decode(errors="replace")

    # Ending

    def exit_code(self, timeout: float = TIMEOUT) -> int:
        """Waits for the exit and for EOF of the pipes that are read."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the process did not exit; stderr: {self.errors}") from None
        for pipe in (self._output, self._errors):
            pipe.join()
        return code

    @property
    def peak_memory_bytes(self) -> int:
        """0 for an executable whose memory says nothing, such as one with a sanitizer."""
        if os.environ.get("TEST_IGNORES_MEMORY"):
            return 0
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = (each for each in status.splitlines() if each.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024


class Host(Process):
    """One `sallyport serve`, or another long-lived subcommand, read line by line.

    Leaving the context kills it. `finish` lets it shut down.
    """

    def __init__(self, *arguments: str, command: Sequence[str] = ("serve",), **more: Any) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        super().__init__(*command, *arguments, take=self._lines.put, **more)

    # Receiving

    def read_line(self, timeout: float = TIMEOUT) -> bytes:
        try:
            received = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no answer came; stderr: {self.errors}") from None
        assert received is not None, f"the output ended; stderr: {self.errors}"
        return received

    def read(self) -> Any:
        return parse(self.read_line())

    def read_all(self, count: int) -> list[Any]:
        return [self.read() for _ in range(count)]

    def ask(self, message: dict[str, Any]) -> Any:
        """Sends a request and reads the next line, which must be its answer."""
        self.send(message)
        answer = self.read()
        assert answer["id"] == message["id"], answer
        return answer

    def result(self, method: str, params: Any = None) -> Any:
        answer = self.ask(request(f"result of {method}", method, params))
        assert "result" in answer, answer
        return answer["result"]

    def error(self, method: str, params: Any = None) -> Any:
        answer = self.ask(request(f"error of {method}", method, params))
        assert "error" in answer, answer
        return answer["error"]

    # Ending

    def rest_lines(self) -> list[bytes]:
        """The frames up to the end of the output."""
        return list(iter(lambda: self._lines.get(timeout=TIMEOUT), None))

    def rest(self) -> list[Any]:
        """The answers up to the end of the output."""
        return [parse(received) for received in self.rest_lines()]

    def finish(self) -> tuple[int, list[Any]]:
        """Ends the input; returns the exit code and the answers that were not read yet."""
        self.close_input()
        rest = self.rest()
        return self.exit_code(), rest


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Polls a condition that cannot notify us, with a deadline."""
    deadline = time.monotonic() + TIMEOUT
    for round in itertools.count():
        if condition():
            return
        assert time.monotonic() < deadline, f"timeout: {what}"
        # The first rounds only give way, so that what is nearly true costs nothing.
        time.sleep(0 if round < 200 else 0.002)
