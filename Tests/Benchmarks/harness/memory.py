"""Measure 17: peak resident memory while lines are piped through."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

from .bench import Bench
from .process import Session
from .programs import Program
from .table import Figure, print_table, ratio
from .workload import write_dry_runs

FEW_LINES = 30_000
MANY_LINES = 300_000


def measure(bench: Bench) -> list[Figure]:
    few = write_dry_runs(bench.folder, FEW_LINES)
    many = write_dry_runs(bench.folder, MANY_LINES)
    rows = []
    for program in bench.plain_hosts:
        small = _peak_mb(program, bench.dry_connections, few, FEW_LINES)
        large = _peak_mb(program, bench.dry_connections, many, MANY_LINES)
        rows.append([program.name, f"{small:.1f}", f"{large:.1f}", ratio(large, small)])
    header = ["host", f"{FEW_LINES:,} lines MB", f"{MANY_LINES:,} lines MB", "growth"]
    print_table("17. Peak resident memory (VmHWM)", header, rows)
    return []


def _peak_mb(program: Program, connections: Path, source: Path, count: int) -> float:
    with Session(program.serving(connections)) as session:
        pipe, output = session.process.stdin, session.process.stdout
        assert pipe and output
        feeder = threading.Thread(target=_feed, args=(pipe, source))
        feeder.start()
        replies = 0
        while replies < count:
            chunk = output.read1(1 << 20)
            if not chunk:
                raise SystemExit(f"{program.name} exited after {replies} of {count} responses.")
            replies += chunk.count(b"\n")
        feeder.join()
        # Read while the process still waits on its open stdin.
        return session.peak_mb()


def _feed(pipe: BinaryIO, source: Path) -> None:
    with source.open("rb") as file:
        while block := file.read(1 << 16):
            pipe.write(block)
    pipe.flush()
