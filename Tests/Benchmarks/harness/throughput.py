"""Measure 2: dry runs per second and per CPU second, `serve < file > file`."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from .programs import Program
from .table import note, print_table, ratio
from .verify import check_dry_runs, digest
from .workload import write_dry_runs

LINES = 200_000


@dataclass(frozen=True)
class Run:
    wall: float
    cpu: float


def measure(programs: list[Program], connections: Path, folder: Path, runs: int) -> None:
    source = write_dry_runs(folder, LINES)
    done: dict[str, list[Run]] = {program.name: [] for program in programs}
    digests: dict[str, str] = {}
    for _ in range(runs):
        for program in programs:
            # Files on both sides: draining a pipe would take CPU time from the measured host.
            output = folder / "replies.jsonl"
            done[program.name].append(_run(program, connections, source, output))
            check_dry_runs(program.name, output, LINES)
            if program.name not in digests:
                digests[program.name] = digest(output)
            output.unlink()
    _report(done, digests, runs)


def _run(program: Program, connections: Path, source: Path, output: Path) -> Run:
    command = program.serving(connections)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, str(source), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=files)
    # wait4 returns the usage of this child only; RUSAGE_CHILDREN is the sum of all children.
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"{program.name} exited with wait status {status}.")
    return Run(wall, usage.ru_utime + usage.ru_stime)


def _report(done: dict[str, list[Run]], digests: dict[str, str], runs: int) -> None:
    wall = {name: statistics.median(run.wall for run in all_) for name, all_ in done.items()}
    cpu = {name: statistics.median(run.cpu for run in all_) for name, all_ in done.items()}
    rate = {name: LINES / seconds for name, seconds in wall.items()}
    per_cpu = {name: LINES / seconds for name, seconds in cpu.items()}
    rows = [
        [
            name,
            f"{wall[name]:.3f}",
            f"{rate[name]:,.0f}",
            ratio(rate[name], rate.get("Go")),
            ratio(rate[name], rate.get("Python")),
            f"{cpu[name]:.3f}",
            f"{per_cpu[name]:,.0f}",
            ratio(per_cpu[name], per_cpu.get("Go")),
            ratio(per_cpu[name], per_cpu.get("Python")),
        ]
        for name in done
    ]
    header = [
        *("host", "wall s", "lines/s", "to Go", "to Python"),
        *("CPU s", "lines/CPU s", "to Go", "to Python"),
    ]
    print_table(
        f"2. {LINES:,} `invoke` lines with `dry_run` (medians of {runs} interleaved runs)",
        header,
        rows,
    )
    if len(set(digests.values())) == 1:
        note("Every id got exactly one response; all hosts planned the same requests.")
    else:
        differing = ", ".join(f"{name} {text}" for name, text in digests.items())
        note(f"WARNING: the hosts planned different requests: {differing}")
