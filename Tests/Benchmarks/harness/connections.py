"""Measure 13: many connections in the file."""

from __future__ import annotations

import random
from statistics import median

from .bench import Bench
from .process import interleaved, run
from .spawn import first_reply
from .table import Figure, print_table
from .verify import check_dry_runs
from .workload import SEED, coda, dry_run_line, write_connections

LINES = 60_000
#: Connections in the file, and the milliseconds in which the host starts.
STARTS = {1_000: 40, 4_000: 150}
COUNTS = (1, *STARTS)


def measure(bench: Bench) -> list[Figure]:
    for count in COUNTS:
        _write(bench, count)
    ways = {str(count): lambda count=count: _once(bench, count) for count in COUNTS}
    done = interleaved(bench.runs, ways)
    start, cpu, per_line = (
        {count: median(each[index] for each in done[str(count)]) for count in COUNTS}
        for index in range(3)
    )
    rows = [
        [
            f"{count:,}",
            f"{start[count]:.1f}",
            f"{cpu[count]:.1f}",
            f"{per_line[count]:.2f}",
            f"{per_line[count] / per_line[1]:.2f}x",
        ]
        for count in COUNTS
    ]
    print_table(
        f"13. Many connections in the file (medians of {bench.runs} interleaved runs)",
        ["connections", "start ms", "CPU ms of it", "CPU us per dry run", "to one connection"],
        rows,
    )
    figures = []
    for count, limit in STARTS.items():
        figures.append(Figure(13, f"{count:,} connections: start", start[count], limit, "ms"))
        to_one = per_line[count] / per_line[1]
        what = f"{count:,} connections: CPU per line to one connection"
        figures.append(Figure(13, what, to_one, 1.3))
    return figures


def _write(bench: Bench, count: int) -> None:
    """The connections, each with another secret; the lines name all of them in turn."""
    connections = {}
    for number in range(count):
        connection = coda(f"https://coda-{number}.example.com")
        connection["settings"]["password"] = f"benchmark-secret-{number:06d}"
        connections[f"c{number}"] = connection
    write_connections(bench.folder / f"many-{count}.json", connections)
    rng = random.Random(SEED)
    lines = [dry_run_line(number, rng, f"c{number % count}") for number in range(1, LINES + 1)]
    for name, part in (("few", lines[:1]), ("all", lines)):
        (bench.folder / f"many-{count}.{name}").write_text("".join(part))


def _once(bench: Bench, count: int) -> tuple[float, float, float]:
    """Milliseconds to the first response, CPU milliseconds of a process with one line, and CPU
    microseconds of each further line."""
    path = bench.folder / f"many-{count}.json"
    start = first_reply(bench.sallyport, path)[0] * 1000
    words = bench.sallyport.serving(path)
    output = bench.folder / "many.out"
    few = run("Sallyport", words, bench.folder / f"many-{count}.few", output).cpu
    all_ = run("Sallyport", words, bench.folder / f"many-{count}.all", output).cpu
    check_dry_runs("Sallyport", output, LINES)
    return start, few * 1000, (all_ - few) / (LINES - 1) * 1e6
