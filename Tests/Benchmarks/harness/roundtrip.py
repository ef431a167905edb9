"""Measure 4: one dry run after the other over pipes, on one core."""

from __future__ import annotations

import subprocess
from pathlib import Path
from statistics import median

from .bench import Bench
from .process import interleaved
from .programs import Program
from .table import Figure, note, print_table
from .verify import check_dry_runs
from .workload import write_dry_runs

TRIPS = 20_000
ECHO = "C echo"


def measure(bench: Bench) -> list[Figure]:
    what = "round trip of a dry run"
    client, echo = bench.floor("roundtrip.c"), bench.floor("echo.c")
    if not client or not echo:
        return [Figure(4, what, None, 14, "us")]
    lines = write_dry_runs(bench.folder, TRIPS)
    output = bench.folder / "trips.jsonl"

    def once(program: Program) -> float:
        words = program.command
        if program.name != ECHO:
            words = program.serving(bench.dry_connections)
        microseconds = _trip(client, lines, words, output)
        if program.name == ECHO:
            if output.read_bytes() != lines.read_bytes():
                raise SystemExit(f"{ECHO} changed the lines.")
        else:
            check_dry_runs(program.name, output, TRIPS)
        return microseconds

    programs = [Program(ECHO, [str(echo)]), *bench.plain_hosts]
    done = interleaved(bench.runs, {each.name: lambda each=each: once(each) for each in programs})
    medians = {name: median(times) for name, times in done.items()}
    rows = [[name, f"{time:.1f}", f"{time / medians[ECHO]:.2f}x"] for name, time in medians.items()]
    print_table(
        f"4. Round trip of a dry run over pipes, one core "
        f"(medians of {bench.runs} interleaved runs)",
        ["host", f"median us of {TRIPS:,}", "to C echo"],
        rows,
    )
    note("The client is written in C and runs on the same core as the host.")
    return [Figure(4, what, medians["Sallyport"], 14, "us")]


def _trip(client: Path, lines: Path, words: list[str], output: Path) -> float:
    with output.open("wb") as file:
        done = subprocess.run(
            [str(client), str(lines), *words], stdout=file, stderr=subprocess.PIPE, text=True
        )
    if done.returncode != 0:
        raise SystemExit(f"{words[0]}: {done.stderr.strip()}")
    return float(done.stderr.split()[-1])
