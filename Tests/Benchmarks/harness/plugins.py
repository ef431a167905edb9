"""Measure 18: plugins. A call through the host and of the program directly, pipelined calls, and the start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import IO

from . import programs
from .bench import Bench
from .process import interleaved
from .programs import BENCHMARKS
from .table import Figure, note, print_table

CALLS = 2_000
PIPELINED = 10_000
STARTS = 40
LOCKED = 10
TEXT = "a text of about forty bytes, as an id or so"

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


def measure(bench: Bench) -> list[Figure]:
    folder = bench.folder / "plugins"
    python, go = _python_plugin(folder / "python"), _go_plugin(bench, folder / "go")
    sallyport = bench.sallyport.command
    connections = bench.folder / "plugins.json"
    connections.write_text(
        json.dumps(
            {"connections": {name: {"integration": name, "settings": {}} for name in (python, go) if name}}
        )
    )
    connections.chmod(0o600)
    host = [*sallyport, "--plugins", str(folder), "--connections", str(connections)]
    subprocess.run(
        [sallyport[0], "plugin", "lock", str(folder)], check=True, stdout=subprocess.DEVNULL
    )

    done = interleaved(
        bench.runs,
        {
            "direct": lambda: _trips([sys.executable, "echo.py"], python, folder / "python"),
            "host": lambda: _trips(host, python),
        },
    )
    direct, through = median(done["direct"]), median(done["host"])
    rows = [
        ["called directly", f"{direct:.0f}", "-"],
        ["through the host", f"{through:.0f}", f"{through - direct:.0f}"],
    ]
    print_table(
        f"18. One call of a plugin in Python after the other ({CALLS:,} calls, "
        f"medians of {bench.runs} interleaved runs)",
        ["program", "median us", "added us"],
        rows,
    )

    rate = None
    if go:
        rates = [_pipelined(host, go) for _ in range(bench.runs)]
        rate = median(rates)
        print_table(
            f"18. {PIPELINED:,} pipelined calls of a plugin in Go ({bench.runs} runs)",
            ["program", "calls/s"],
            [["through the host", f"{rate:,.0f}"]],
        )

    many = bench.folder / "many-plugins"
    for number in range(LOCKED):
        _locked_copy(folder / "python", many, number)
    starts: dict[str, list[float]] = {"no plugins": [], f"{LOCKED} locked plugins": []}
    for _ in range(STARTS):
        starts["no plugins"].append(_start(sallyport))
        starts[f"{LOCKED} locked plugins"].append(_start([*sallyport, "--plugins", str(many)]))
    medians = {name: median(times) for name, times in starts.items()}
    print_table(
        f"18. Spawn to the response to `ping` ({STARTS} interleaved spawns)",
        ["host", "median ms"],
        [[name, f"{time:.2f}"] for name, time in medians.items()],
    )
    none, some = medians.values()
    return [
        Figure(18, "plugin in Python: added per call", through - direct, 150, "us"),
        Figure(18, "plugin in Go: pipelined calls", rate, 5_000, "calls/s", at_least=True),
        Figure(18, f"start with {LOCKED} locked plugins: added", some - none, 1, "ms"),
    ]


def _python_plugin(folder: Path) -> str:
    folder.mkdir(parents=True)
    shutil.copy(BENCHMARKS / "plugins" / "echo.py", folder)
    client = BENCHMARKS.parents[1] / "clients" / "python" / "src"
    _describe(folder, "bench_python", ["python3", "echo.py"], {"PYTHONPATH": str(client)})
    return "bench_python"


def _go_plugin(bench: Bench, folder: Path) -> str | None:
    folder.mkdir(parents=True)
    problem = programs.build_go(bench.go, "plugins/go", folder / "echo")
    if problem:
        note(f"The plugin in Go is skipped: {problem}")
        shutil.rmtree(folder)
        return None
    _describe(folder, "bench_go", ["./echo"], {})
    return "bench_go"


def _describe(folder: Path, id_: str, command: list[str], environment: dict[str, str]) -> None:
    description = {"id": id_, "version": "1", "command": command, "environment": environment}
    (folder / "plugin.json").write_text(json.dumps(description))


def _locked_copy(source: Path, folder: Path, number: int) -> None:
    copy = folder / f"plugin{number}"
    shutil.copytree(source, copy)
    for name in ("plugin.json", "catalogue.json"):
        text = (copy / name).read_text()
        (copy / name).write_text(text.replace("bench_python", f"bench_{number}"))


def _line(number: int, integration: str) -> bytes:
    params = {
        "integration": integration,
        "command": "echo",
        "connection": {"integration": integration, "settings": {}},
        "arguments": {"text": TEXT},
    }
    line = {"jsonrpc": "2.0", "id": number, "method": "invoke", "params": params}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _trips(words: list[str], integration: str, folder: Path | None = None) -> float:
    """The median of the microseconds of one call."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(BENCHMARKS.parents[1] / "clients" / "python" / "src")
    with _running(words, folder, environment) as (to, from_):
        times = []
        for number in range(CALLS + 100):
            line = _line(number, integration)
            start = time.perf_counter()
            to.write(line)
            response = from_.readline()
            times.append((time.perf_counter() - start) * 1e6)
            _check(response, number)
    return median(times[100:])  # the program is started by the first call


def _pipelined(words: list[str], integration: str) -> float:
    lines = b"".join(_line(number, integration) for number in range(PIPELINED))
    with _running(words) as (to, from_):
        to.write(_line(-1, integration))
        from_.readline()
        start = time.perf_counter()
        if os.fork() == 0:
            from_.close()
            to.write(lines)
            os._exit(0)
        seen = set()
        for _ in range(PIPELINED):
            response = json.loads(from_.readline())
            assert response["result"]["raw_data"]["text"] == TEXT
            seen.add(response["id"])
        seconds = time.perf_counter() - start
        os.wait()
    if len(seen) != PIPELINED:
        raise SystemExit(f"{len(seen)} of {PIPELINED} calls have a response.")
    return PIPELINED / seconds


class _running:
    """A program with pipes. It ends with the block."""

    def __init__(
        self, words: list[str], folder: Path | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> tuple[Writer, IO[bytes]]:
        assert self.process.stdin and self.process.stdout
        return Writer(self.process.stdin.fileno()), self.process.stdout

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


class Writer:
    """Writes to a pipe without a buffer."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.descriptor, data) :]


def _check(response: bytes, number: int) -> None:
    message = json.loads(response)
    if message["id"] != number or message["result"]["raw_data"] != {"text": TEXT}:
        raise SystemExit(f"The call {number} got another response: {response[:200]!r}")


def _start(words: list[str]) -> float:
    start = time.perf_counter()
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        close_fds=False,
    )  # fmt: skip
    assert process.stdin and process.stdout
    process.stdin.write(PING)
    process.stdin.flush()
    process.stdout.readline()
    milliseconds = (time.perf_counter() - start) * 1000
    process.stdin.close()
    process.wait()
    return milliseconds
