"""Drives the built executable over real pipes, as any program would.

Every wait is bounded and fails with what was seen so far. The executable is $SALLYPORT, or the
release build of this checkout.
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
import signal
import subprocess
import tempfile
import termios
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = os.environ.get("SALLYPORT") or str(ROOT / ".build/release/sallyport")

#: Seconds that any one wait may take; far above what a loaded machine needs.
TIMEOUT = 30.0

#: What hosts share by default, away from the user's own.
STATE = tempfile.TemporaryDirectory(prefix="sallyport-state-")

#: Frames must not hold these raw: some readers take them for line ends.
LINE_ENDS = ("\r", "\u0085", "\u2028", "\u2029")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process under test: nobody's own configuration in it."""
    own = {name: value for name, value in os.environ.items() if name != "SALLYPORT_CONNECTIONS"}
    return own | {"NO_COLOR": "1", "XDG_STATE_HOME": STATE.name} | dict(more or {})


def line(message: Any) -> bytes:
    """One line of input: bytes and text as they are, everything else as JSON."""
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
            assert "id" not in one, text
        else:
            assert list(one)[:2] == ["jsonrpc", "id"], text
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
    """The reading end of a pipe, read by a thread from the start or from `begin` on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        # A descriptor that another thread waits for in `read` is not closed by closing it.
        self._leave, self._left = os.pipe()
        self.lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
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
            self.seen += piece
            *whole, partial = (partial + piece).split(b"\n")
            for one in whole:
                self.lines.put(one)
        if partial:
            self.lines.put(partial)
        self.lines.put(None)

    def join(self) -> None:
        """Waits for the end of what is read."""
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT)

    def close(self) -> None:
        """Goes away; what was not read yet is lost."""
        if self._stream.closed:
            return
        os.write(self._left, b"x")
        self.join()
        self._stream.close()
        os.close(self._leave)
        os.close(self._left)


class Host:
    """One `sallyport serve`, or another long-lived subcommand.

    - `reads_output`, `reads_errors`: False leaves that pipe alone until `read_output()` or
      `read_errors()`, as a caller does who is busy or careless.
    """

    def __init__(
        self, *arguments: str, command: Sequence[str] = ("serve",), reads_output: bool = True,
        reads_errors: bool = True, more_environment: Mapping[str, str] | None = None,
        stdin: Any = subprocess.PIPE,
    ) -> None:
        self.process = subprocess.Popen(
            [EXECUTABLE, *command, *arguments], stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0, env=environment(more_environment))
        assert self.process.stdout and self.process.stderr
        if self.process.stdin:
            os.set_blocking(self.process.stdin.fileno(), False)
        self._output, self._errors = Pipe(self.process.stdout), Pipe(self.process.stderr)
        if reads_output:
            self.read_output()
        if reads_errors:
            self.read_errors()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
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

    def signal(self, number: signal.Signals) -> None:
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
    def errors(self) -> str:
        """What stderr said so far."""
        return bytes(self._errors.seen).decode()

    def read_line(self, timeout: float = TIMEOUT) -> bytes:
        try:
            received = self._output.lines.get(timeout=timeout)
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

    def exit_code(self, timeout: float = TIMEOUT) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the host did not end; stderr: {self.errors}") from None

    def rest_lines(self) -> list[bytes]:
        """The frames up to the end of the output."""
        return list(iter(lambda: self._output.lines.get(timeout=TIMEOUT), None))

    def rest(self) -> list[Any]:
        """The answers up to the end of the output."""
        return [parse(received) for received in self.rest_lines()]

    def finish(self) -> tuple[int, list[Any]]:
        """Ends the input; returns the exit code and the answers that were not read yet."""
        self.close_input()
        rest = self.rest()
        return self.exit_code(), rest

    @property
    def peak_memory_bytes(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = (each for each in status.splitlines() if each.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits, not for ever, for something outside that cannot wake us up."""
    deadline = time.monotonic() + TIMEOUT
    for round in itertools.count():
        if condition():
            return
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        # The first rounds only give way, so that what is nearly true costs nothing.
        time.sleep(0 if round < 200 else 0.002)


class Sandbox:
    """A `sallyport sandbox` of its own, and its log."""

    def __init__(self, *faults: str) -> None:
        options = [word for fault in faults for word in ("--sandbox-fault", fault)]
        self._host = Host(*options, command=("sandbox",), stdin=subprocess.DEVNULL)
        try:
            self.connections: dict[str, Any] = json.loads(self._host.read_line())
        except BaseException:
            self._host.__exit__()
            raise
        self.connection = self.connections["connections"]["coda_sandbox"]
        self.url: str = self.connection["settings"]["server_url"]
        self._file = tempfile.NamedTemporaryFile("w", suffix=".json")
        # Of CODA alone: a command's own connection is then the one that is meant.
        json.dump({"connections": {"coda_sandbox": self.connection}}, self._file)
        self._file.flush()

    @property
    def file(self) -> str:
        """A connections file."""
        return self._file.name

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._host.__exit__()
        self._file.close()

    def _control(self, route: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        message = urllib.request.Request(
            f"{self.url}/_sandbox/{route}", data, headers={"X-Sandbox": "1"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(message, timeout=TIMEOUT) as answer:
            return json.load(answer)

    def faults(self, *texts: str) -> None:
        self._control("faults", list(texts))

    def reset(self) -> None:
        self.faults()
        self._control("reset", {})

    def log(self) -> list[dict[str, Any]]:
        """The requests so far, without signing in."""
        return [entry for entry in self._control("log") if "/auth/token/" not in entry["path"]]
