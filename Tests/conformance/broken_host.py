"""A host with one fault: a proxy in front of a real host that changes one thing.

    python3 broken_host.py FAULT EXECUTABLE [ARGUMENT…]

FAULT is a name in `FAULTS`; `none` passes all through.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

from proxy import Proxy, write


def answer(id: str) -> bytes:
    return b'{"jsonrpc":"2.0","id":%s,"result":{}}\n' % id.encode()


# Faults: each is a class whose name, in lower case with dashes, is that of the fault.

class DropsAnswersAtTheEnd(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return b"" if self.input_has_ended else line


class SplicesFrames(Proxy):
    """Of two large frames the second begins in the middle of the first."""

    held = b""

    def on_output(self, line: bytes) -> bytes:
        if len(line) < 50_000:
            return line
        if not self.held:
            self.held = line
            return b""
        first, self.held = self.held, b""
        return first[:1000] + line[:1000] + first[1000:] + line[1000:]


class IsSilentOnBadJSON(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return b"" if b'"code":-32700' in line else line


class AnswersTwice(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return line + line if b'"result":{}' in line and b'"id":"after' not in line else line


class ForgetsOneInAThousand(Proxy):
    count = 0

    def on_output(self, line: bytes) -> bytes:
        self.count += 1
        return b"" if self.count % 1000 == 0 else line


class ParsesNumbers(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return line.replace(b'"id":1.50,', b'"id":1.5,')


class AnswersResponses(Proxy):
    def on_input(self, line: bytes) -> bytes:
        return line.replace(b'"result":{}', b'"method":"ping"')


class AnswersNotifications(Proxy):
    def on_input(self, line: bytes) -> bytes:
        return line.replace(b'{"jsonrpc":"2.0","method"', b'{"jsonrpc":"2.0","id":null,"method"')


class AnswersIdsInFlight(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return answer('"a"') if b'"id":null' in line and b"-32600" in line else line


class ReadsCStrings(Proxy):
    def on_input(self, line: bytes) -> bytes:
        text, null, _ = line.partition(b"\0")
        return text + b"\n" if null else line


class TakesTheFirstMember(Proxy):
    def on_input(self, line: bytes) -> bytes:
        try:
            value = json.loads(line, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
        except ValueError:
            return line
        return json.dumps(value).encode() + b"\n"


class ReplacesSurrogates(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return line.replace(rb"\ud800", "\ufffd".encode())


class CrashesOnDeepNesting(Proxy):
    def on_input(self, line: bytes) -> bytes:
        if line.count(b"[") > 10_000:
            os.kill(os.getpid(), signal.SIGSEGV)
        return line


class PrintsToStdout(Proxy):
    def at_start(self) -> None:
        write(b"Listening on stdin\n")


class NeverEnds(Proxy):
    def at_end(self, status: int) -> int:
        while True:
            time.sleep(60)


class EndsWithZero(Proxy):
    def at_end(self, status: int) -> int:
        return 0


class RedactsTheCaller(Proxy):
    """Replaces the password of the last connection in every response, also where the caller wrote it."""

    password = b""

    def on_input(self, line: bytes) -> bytes:
        found = re.search(rb'"password": ?("(?:[^"\\]|\\.)*")', line)
        self.password = json.dumps(json.loads(found[1]), ensure_ascii=False)[1:-1].encode() if found else self.password
        return line

    def on_output(self, line: bytes) -> bytes:
        return line.replace(self.password, b"[redacted]") if self.password else line


class ShowsSecrets(Proxy):
    """Puts the password, escaped, where the real host redacts it."""

    password = b""

    def on_input(self, line: bytes) -> bytes:
        found = re.search(rb'"password": ?"((?:[^"\\]|\\.)*)"', line)
        self.password = found[1] if found else self.password
        return line

    def on_output(self, line: bytes) -> bytes:
        return line.replace(b"[redacted]", self.password)


class LogsSecrets(ShowsSecrets):
    def on_output(self, line: bytes) -> bytes:
        if self.password:
            password = json.loads(b'"%s"' % self.password)
            print(f"debug: signing in with {password}", file=sys.stderr, flush=True)
            self.password = b""
        return line


class HasAnotherErrorCode(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return line.replace(b'"code":-32600', b'"code":-32603')


class CountsLinesFromZero(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return re.sub(rb'"line":(\d+)', lambda found: b'"line":%d' % (int(found[1]) - 1), line)


class AnswersOutOfNothing(Proxy):
    count = 0

    def on_output(self, line: bytes) -> bytes:
        self.count += 1
        return line + answer('"who?"') if self.count == 500 else line


class ReordersStreams(Proxy):
    """The first two items of a stream change places."""

    held = b""

    def on_output(self, line: bytes) -> bytes:
        if b'"seq":0' in line:
            self.held = line
            return b""
        line, self.held = line + self.held, b""
        return line


class Hangs(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return b""


class Drips(Proxy):
    """Writes a byte now and then, and never a whole line."""

    def on_output(self, line: bytes) -> bytes:
        while write(b" "):
            time.sleep(0.05)
        return b""


class Floods(Proxy):
    def at_start(self) -> None:
        while write(answer('"more"') * 1000):
            pass


class LosesTheLastLine(Proxy):
    def on_input(self, line: bytes) -> bytes:
        return line if line.endswith(b"\n") else b""


class TakesOtherLineEnds(Proxy):
    def on_input(self, line: bytes) -> bytes:
        return line.replace("\u2028".encode(), b"\n")


class WritesOtherLineEnds(Proxy):
    def on_output(self, line: bytes) -> bytes:
        return line.replace(rb"\u2028", "\u2028".encode())


class CannotReadLatin1(Proxy):
    def on_input(self, line: bytes) -> bytes:
        return line.decode("utf-8", errors="replace").encode()


class SplitsBatches(Proxy):
    def on_output(self, line: bytes) -> bytes:
        if not line.startswith(b"["):
            return line
        return b"".join(json.dumps(one).encode() + b"\n" for one in json.loads(line))


class IgnoresSignals(Proxy):
    def pass_on_signal(self, number: int) -> None:
        pass


class DiesOfSignals(Proxy):
    def pass_on_signal(self, number: int) -> None:
        self.host.kill()


class ReadsEverything(Proxy):
    """Never holds its input up, whatever becomes of its answers."""

    def pieces(self) -> Iterable[bytes]:
        taken: queue.SimpleQueue[bytes] = queue.SimpleQueue()

        def read() -> None:
            for piece in Proxy.pieces(self):
                taken.put(piece)
            taken.put(b"")

        threading.Thread(target=read, daemon=True).start()
        return iter(taken.get, b"")


class WaitsForStderr(Proxy):
    """Logs each line before it passes it on."""

    def on_input(self, line: bytes) -> bytes:
        print("debug: read", line[:80], file=sys.stderr, flush=True)
        return line


class LeavesAProcess(Proxy):
    """Starts another process, which holds its pipes, and does not end it."""

    def at_start(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(os.environ["LEFT_PROCESS_FILE"], "w") as file:
            file.write(str(child.pid))


def name_of(fault: type[Proxy]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", fault.__name__).lower()


FAULTS: dict[str, type[Proxy]] = {
    "none": Proxy, **{name_of(fault): fault for fault in [*Proxy.__subclasses__(), LogsSecrets]}}


if __name__ == "__main__":
    status = FAULTS[sys.argv[1]](sys.argv[2:]).run()
    # Without waiting for threads that still read.
    os._exit(status)
