"""Measure 6: from process start to the first `capabilities` response."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from pathlib import Path

import instructions

from .bench import Bench
from .programs import Program
from .table import Figure, print_table, quotient, ratio
from .workload import capabilities_line

DEFAULT_SPAWNS = 40


def measure(bench: Bench) -> list[Figure]:
    programs, runs = bench.plain_hosts, bench.runs_wanted or DEFAULT_SPAWNS
    times: dict[str, list[float]] = {program.name: [] for program in programs}
    sizes: dict[str, int] = {}
    for program in programs:
        first_reply(program, bench.dry_connections)  # to load every program into the page cache
    for _ in range(runs):
        for program in programs:
            seconds, sizes[program.name] = first_reply(program, bench.dry_connections)
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
    title = f"6. Spawn to the first `capabilities` summary ({runs} interleaved spawns)"
    header = ["host", "median ms", "min ms", "90 % ms", "to Go", "reply bytes"]
    print_table(title, header, rows)
    count = instructions.first_response(bench.counter) / 1e6 if bench.counter else None
    to_go = quotient(medians.get("Sallyport"), medians.get("Go"))
    return [
        Figure(6, "first response: to Go", to_go, 0.65),
        Figure(6, "first response: instructions", count, 3.5, "M"),
    ]


def first_reply(program: Program, connections: Path) -> tuple[float, int]:
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
