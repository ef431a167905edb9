"""Measure 3: peak resident memory while lines are piped through."""

from __future__ import annotations

import re
import subprocess
import threading
from pathlib import Path

from .programs import Program
from .table import print_table, ratio
from .workload import write_dry_runs

FEW_LINES = 30_000
MANY_LINES = 300_000
MIB_OF_KIB = 1024


def measure(programs: list[Program], connections: Path, folder: Path) -> None:
    few = write_dry_runs(folder, FEW_LINES)
    many = write_dry_runs(folder, MANY_LINES)
    rows = []
    for program in programs:
        small = _peak_mib(program, connections, few, FEW_LINES)
        large = _peak_mib(program, connections, many, MANY_LINES)
        rows.append([program.name, f"{small:.1f}", f"{large:.1f}", ratio(large, small)])
    header = ["host", f"{FEW_LINES:,} lines MiB", f"{MANY_LINES:,} lines MiB", "growth"]
    print_table("3. Peak resident memory (VmHWM)", header, rows)


def _peak_mib(program: Program, connections: Path, source: Path, count: int) -> float:
    process = subprocess.Popen(
        program.serving(connections),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
        bufsize=0,
    )
    assert process.stdin and process.stdout
    feeder = threading.Thread(target=_feed, args=(process.stdin, source))
    feeder.start()
    replies = 0
    while replies < count:
        chunk = process.stdout.read(1 << 20)
        if not chunk:
            raise SystemExit(f"{program.name} exited after {replies} of {count} responses.")
        replies += chunk.count(b"\n")
    feeder.join()
    # Read while the process still waits on its open stdin. ru_maxrss of wait4 is not usable: exec
    # keeps the peak of the memory that the child shared with this Python process.
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.stdin.close()
    process.stdout.close()
    process.wait()
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if peak is None:
        raise SystemExit("/proc has no VmHWM; this measure needs Linux.")
    return int(peak.group(1)) / MIB_OF_KIB


def _feed(pipe: subprocess.IO[bytes], source: Path) -> None:
    with source.open("rb") as file:
        while block := file.read(1 << 16):
            view = memoryview(block)
            while view:
                view = view[pipe.write(view) :]
