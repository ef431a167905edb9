"""Measure 1: from process start to the first `capabilities` response."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from pathlib import Path

from .programs import Program
from .table import print_table, ratio
from .workload import capabilities_line


def measure(programs: list[Program], connections: Path, runs: int) -> None:
    times: dict[str, list[float]] = {program.name: [] for program in programs}
    sizes: dict[str, int] = {}
    for program in programs:
        _first_reply(program, connections)  # to load every program into the page cache
    for _ in range(runs):
        for program in programs:
            seconds, sizes[program.name] = _first_reply(program, connections)
            times[program.name].append(seconds * 1000)
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = [
        [
            name,
            f"{medians[name]:.2f}",
            f"{min(values):.2f}",
            f"{sorted(values)[int(len(values) * 0.9)]:.2f}",
            ratio(medians[name], medians.get("Go")),
            str(sizes[name]),
        ]
        for name, values in times.items()
    ]
    title = f"1. Spawn to the first `capabilities` summary ({runs} interleaved spawns)"
    header = ["host", "median ms", "min ms", "90 % ms", "to Go", "reply bytes"]
    print_table(title, header, rows)


def _first_reply(program: Program, connections: Path) -> tuple[float, int]:
    line = capabilities_line().encode()
    start = time.perf_counter()
    # Without close_fds=False, Python would fork instead of using posix_spawn.
    process = subprocess.Popen(
        program.serving(connections),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        bufsize=0,
    )
    assert process.stdin and process.stdout
    process.stdin.write(line)
    reply = b""
    while not reply.endswith(b"\n"):
        chunk = process.stdout.read(65536)
        if not chunk:
            raise SystemExit(f"{program.name} exited without a response to capabilities.")
        reply += chunk
    seconds = time.perf_counter() - start
    process.stdin.close()
    process.stdout.close()
    process.wait()
    commands = json.loads(reply)["result"]["integrations"]
    if not any(len(integration["commands"]) == 14 for integration in commands):
        raise SystemExit(f"{program.name} does not list the 14 commands of CODA Footprint.")
    return seconds, len(reply)
