"""Measure 7: the first vendor request of a process, which loads libcurl."""

from __future__ import annotations

import time
from statistics import median

from .bench import Bench
from .process import Session
from .table import Figure, note, print_table
from .vendors import LATENCY_MS, gravityzone
from .workload import invoke_line

DEFAULT_PROCESSES = 20
ENDPOINT = f"{1:024d}"


def measure(bench: Bench) -> list[Figure]:
    processes = bench.runs_wanted or DEFAULT_PROCESSES
    with bench.vendor() as (address, seen):
        # GravityZone has no sign-in, so that the first call is a single request.
        command = bench.serving(gravityzone(address))
        pairs = [_first_and_second(command) for _ in range(processes)]
    if seen["reads"] != 2 * processes:
        raise SystemExit(f"Sallyport made {seen['reads']} calls.")
    first, second = (median(pair[index] for pair in pairs) for index in (0, 1))
    print_table(
        f"7. First vendor request of a process ({processes} processes)",
        ["call", "median ms", f"without the vendor's {LATENCY_MS} ms"],
        [
            ["first", f"{first:.2f}", f"{first - LATENCY_MS:.2f}"],
            ["second", f"{second:.2f}", f"{second - LATENCY_MS:.2f}"],
        ],
    )
    if bench.counter:
        added = _instructions(bench) / 1e6
        note(f"The first call takes {added:.1f} M instructions more than the second.")
    return [Figure(7, "first vendor request: added", median(a - b for a, b in pairs), 5, "ms")]


def _line(identifier: int, *, dry_run: bool = False) -> str:
    arguments = {"managed_endpoint_ids": [ENDPOINT]}
    integration, command = "bitdefender_gravityzone", "get_managed_endpoint_details"
    return invoke_line(identifier, integration, command, arguments, {"dry_run": dry_run})


def _first_and_second(command: list[str]) -> tuple[float, float]:
    with Session(command) as session:
        session.result(_line(1, dry_run=True))  # the process has started
        times = []
        for identifier in (2, 3):
            start = time.perf_counter()
            result = session.result(_line(identifier))
            times.append((time.perf_counter() - start) * 1000)
            if ENDPOINT not in str(result["raw_data"]):
                raise SystemExit(f"Sallyport returned an unexpected result: {result}")
    return times[0], times[1]


def _instructions(bench: Bench) -> int:
    assert bench.counter
    lines = [_line(1, dry_run=True), _line(2), _line(3)]
    with bench.vendor(0) as (address, _):
        settings = gravityzone(address, max_concurrency=1)
        none, one, two = (bench.counter.run(settings, lines[:count]) for count in (1, 2, 3))
    return (one - none) - (two - one)
