"""Measure 14: the first call with an idempotency key, with many keys in the ledger."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from statistics import median
from typing import Any

from .bench import Bench
from .process import Session, interleaved
from .table import Figure, print_table
from .workload import coda, invoke_line

KEYS = 200_000
RESULT_BYTES = 470
FILE = "idempotency.jsonl"


def measure(bench: Bench) -> list[Figure]:
    full, empty = bench.folder / "ledger", bench.folder / "no-ledger"
    for directory in (full, empty):
        directory.mkdir(mode=0o700)
    many = f"{KEYS:,} keys"
    with bench.vendor(0) as (address, seen):
        connection = coda(address)
        _call(bench, connection, full, "known")
        _prepend(full / FILE)
        ways = {
            name: lambda source=source: _call_in_copy(bench, connection, source, "new")
            for name, source in (("no ledger", empty), (many, full))
        }
        done = interleaved(bench.runs, ways)
        _call_in_copy(bench, connection, full, "known")
    # The known key reached the vendor once: later calls got the result from the ledger.
    if seen["reads"] != 1 + 2 * bench.runs:
        raise SystemExit(f"Sallyport made {seen['reads']} calls.")
    cpu = {name: median(each[0] for each in calls) for name, calls in done.items()}
    peak = {name: max(each[1] for each in calls) for name, calls in done.items()}
    size = (full / FILE).stat().st_size / 1e6
    print_table(
        f"14. First call with an idempotency key, a ledger of {size:.0f} MB "
        f"(medians of {bench.runs} interleaved runs)",
        ["ledger", "CPU ms of the process", "peak MB"],
        [[name, f"{cpu[name]:.1f}", f"{peak[name]:.1f}"] for name in done],
    )
    return [
        Figure(14, "first keyed call: added CPU", cpu[many] - cpu["no ledger"], 60, "ms"),
        Figure(14, "first keyed call: peak memory", peak[many], 30, "MB"),
    ]


def _prepend(path: Path) -> None:
    """Puts two records per key before those in the file, as a host writes them for a start and an
    end. The file's own key stays the newest, because the host remembers a limited number."""
    own = path.read_bytes()
    result = json.dumps({"return_data": "Successful", "raw_data": "x" * RESULT_BYTES})
    now = time.time_ns() // 1_000_000
    with path.open("w") as file:
        for number in range(KEYS):
            key = hashlib.sha256(f"key {number}".encode()).hexdigest()
            call = hashlib.sha256(f"call {number}".encode()).hexdigest()
            record = f'{{"key":"{key}","call":"{call}","time":{now - KEYS + number},"end":'
            file.write(f'{record}"started"}}\n{record}"done","result":{result}}}\n')
    with path.open("ab") as file:
        file.write(own)


def _call_in_copy(
    bench: Bench, connection: dict[str, Any], source: Path, key: str
) -> tuple[float, float]:
    """A copy, because the host compacts the ledger."""
    directory = bench.folder / "state"
    shutil.copytree(source, directory)
    directory.chmod(0o700)
    try:
        return _call(bench, connection, directory, key)
    finally:
        shutil.rmtree(directory)


def _call(
    bench: Bench, connection: dict[str, Any], directory: Path, key: str
) -> tuple[float, float]:
    """CPU milliseconds of the process, and its peak in MB."""
    line = invoke_line(
        1,
        "coda_footprint",
        "update_target_scan_scope",
        {"target_id": 1, "scope": "out"},
        {"idempotency_key": key},
    )
    with Session(bench.serving(connection, "--state-dir", str(directory))) as session:
        result = session.result(line)
        if result["return_data"] != "Successful":
            raise SystemExit(f"Sallyport returned an unexpected result: {result}")
        peak = session.peak_mb()
        return session.end() * 1000, peak
