"""Measure 15: the catalogue, from the second request on."""

from __future__ import annotations

import instructions

from .bench import Bench
from .table import Figure, print_table
from .workload import coda

METHODS = ("tools/list", "capabilities", "rpc.discover")
REPEATS = 10


def measure(bench: Bench) -> list[Figure]:
    counts = {method: _instructions(bench, method) for method in METHODS}
    if bench.counter:
        rows = [[method, f"{count:,}"] for method, count in counts.items()]
        title = "15. The catalogue, from the second request on"
        print_table(title, ["method", "instructions"], rows)
    return [
        Figure(15, f"repeated {method}", count and count / 1000, 60, "k instructions")
        for method, count in counts.items()
    ]


def _instructions(bench: Bench, method: str) -> int | None:
    if not bench.counter:
        return None
    lines = [instructions.line(number, method) for number in range(1, REPEATS + 2)]
    settings = coda("https://coda.example.com")
    first = bench.counter.run(settings, lines[:1])
    return (bench.counter.run(settings, lines) - first) // REPEATS
