"""Measure 16: the Python client, one call after the other."""

from __future__ import annotations

import os
import subprocess
import sys

from .bench import Bench
from .programs import BENCHMARKS
from .table import Figure, note, print_table

PROGRAM = BENCHMARKS.parents[1] / "clients" / "python" / "benchmark" / "run.py"
ROW = "`invoke`, sequential"


def measure(bench: Bench) -> list[Figure]:
    """Runs the benchmark of the client, which verifies the responses."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=os.environ | {"SALLYPORT": bench.sallyport.command[0]},
        capture_output=True,
        text=True,
    )
    what = "Python client: CPU added per call"
    if done.returncode != 0:
        note(f"16 is skipped: {(done.stderr.strip() or 'error').splitlines()[-1]}")
        return [Figure(16, what, None, 30, "us")]
    table = [_cells(line) for line in done.stdout.splitlines() if line.startswith("| ")]
    header, rows = table[0], table[1:]
    print_table("16. Python client, calls of dry runs", ["way", *header[1:]], rows)
    (added,) = (float(row[-1]) for row in rows if row[0] == ROW)
    return [Figure(16, what, added, 30, "us")]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
