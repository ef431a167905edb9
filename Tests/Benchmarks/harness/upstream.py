"""Measure 4: real HTTP calls of a known latency, many in flight."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .programs import Program
from .table import note, print_table
from .workload import upstream_line, write_connections

CALLS = 1000
IN_FLIGHT = 64
LATENCY_MS = 20
IDEAL_MS = CALLS / IN_FLIGHT * LATENCY_MS


@dataclass(frozen=True)
class Run:
    """Milliseconds, and what the vendor saw."""

    replies: float
    process: float
    seen: dict[str, int]


def measure(program: Program, upstream: Path, folder: Path, runs: int) -> None:
    cold = [_run(program, upstream, folder, warm=False) for _ in range(runs)]
    warm = [_run(program, upstream, folder, warm=True) for _ in range(runs)]
    rows = [
        _row("first byte sent to last reply, sign-in included", [run.replies for run in cold]),
        _row("the same, signed in by an earlier call", [run.replies for run in warm]),
        _row("whole process, spawn to exit", [run.process for run in cold]),
    ]
    title = f"4. {CALLS:,} upstream calls of {LATENCY_MS} ms, {IN_FLIGHT} in flight"
    print_table(title, [program.name, "median ms", "min ms", "to ideal"], rows)
    waves = -(-CALLS // IN_FLIGHT)
    seen = cold[-1].seen
    note(
        f"Ideal: {CALLS} / {IN_FLIGHT} x {LATENCY_MS} ms = {IDEAL_MS:.1f} ms; in whole waves "
        f"{waves} x {LATENCY_MS} = {waves * LATENCY_MS} ms; the sign-in before them takes another "
        f"{LATENCY_MS} ms. The vendor saw {seen['sign_ins']} sign-ins, {seen['reads']} reads over "
        f"{seen['connections']} connections, {seen['peak_open']} open at once."
    )


def _row(what: str, milliseconds: list[float]) -> list[str]:
    median = statistics.median(milliseconds)
    return [what, f"{median:.1f}", f"{min(milliseconds):.1f}", f"{median / IDEAL_MS:.3f}x"]


@contextmanager
def vendor(upstream: Path) -> Iterator[tuple[int, dict[str, int]]]:
    """Runs the emulated vendor; the dictionary is filled in at the end."""
    process = subprocess.Popen(
        [str(upstream), "-latency", f"{LATENCY_MS}ms"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    seen: dict[str, int] = {}
    try:
        yield int(process.stdout.readline()), seen
        process.stdin.close()
        seen.update(json.loads(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def _run(program: Program, upstream: Path, folder: Path, *, warm: bool) -> Run:
    with vendor(upstream) as (port, seen):
        address = f"http://127.0.0.1:{port}"
        # Said outright, as a host may limit each connection on its own.
        connections = write_connections(folder, "upstream.json", address, max_concurrency=IN_FLIGHT)
        replies, whole = _calls(program, connections, warm=warm)
    if seen["reads"] != CALLS + warm:
        raise SystemExit(f"The vendor saw {seen['reads']} reads instead of {CALLS + warm}.")
    return Run(replies, whole, seen)


def _calls(program: Program, connections: Path, *, warm: bool) -> tuple[float, float]:
    command = [*program.serving(connections), "--max-in-flight", str(IN_FLIGHT)]
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
    )
    assert process.stdin and process.stdout
    if warm:
        process.stdin.write(upstream_line(CALLS + 1).encode())
        process.stdin.flush()
        _check(program, process.stdout.readline(), set())
    lines = "".join(upstream_line(identifier) for identifier in range(1, CALLS + 1)).encode()
    answers: list[bytes] = []
    first_byte = time.perf_counter()
    # The host stops reading at its limit, so writing and reading must run concurrently.
    feeder = threading.Thread(target=_feed, args=(process, lines))
    feeder.start()
    while len(answers) < CALLS and (line := process.stdout.readline()):
        answers.append(line)
    last_reply = time.perf_counter()
    feeder.join()
    process.stdin.close()
    process.stdout.read()
    process.wait()
    end = time.perf_counter()
    process.stdout.close()
    seen: set[int] = set()
    for line in answers:
        _check(program, line, seen)
    if seen != set(range(1, CALLS + 1)):
        raise SystemExit(f"{program.name} answered {len(seen)} of {CALLS} calls.")
    return (last_reply - first_byte) * 1000, (end - start) * 1000


def _feed(process: subprocess.Popen[bytes], lines: bytes) -> None:
    assert process.stdin
    process.stdin.write(lines)
    process.stdin.flush()


def _check(program: Program, line: bytes, seen: set[int]) -> None:
    message = json.loads(line) if line else {}
    if "result" not in message:
        raise SystemExit(f"{program.name} failed: {line[:500].decode(errors='replace')}")
    seen.add(message["id"])
