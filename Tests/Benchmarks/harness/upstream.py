"""Measure 5: real HTTP calls of a known latency, many in flight."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .bench import Bench
from .process import Session, interleaved, result_of
from .table import Figure, note, print_table, quotient
from .vendors import LATENCY_MS
from .workload import coda, upstream_line

CALLS = 1000
IN_FLIGHT = 64
IDEAL_MS = CALLS / IN_FLIGHT * LATENCY_MS
COLD, WARM, C = "Sallyport, sign-in included", "Sallyport, signed in", "C + libcurl, signed in"


@dataclass(frozen=True)
class Calls:
    """Milliseconds from the first byte sent to the last response, and the vendor's counts."""

    milliseconds: float
    seen: dict[str, int]


def measure(bench: Bench) -> list[Figure]:
    ways = {COLD: lambda: _run(bench, warm=False), WARM: lambda: _run(bench, warm=True)}
    if fetch := bench.floor("fetch.c"):
        ways[C] = lambda: _run_floor(bench, fetch)
    done = interleaved(bench.runs, ways)
    medians = {
        name: statistics.median(calls.milliseconds for calls in all_) for name, all_ in done.items()
    }
    rows = [
        [
            name,
            f"{medians[name]:.1f}",
            f"{min(calls.milliseconds for calls in all_):.1f}",
            f"{medians[name] / IDEAL_MS:.3f}x",
            f"{medians[name] / medians[C]:.3f}x" if C in medians else "-",
        ]
        for name, all_ in done.items()
    ]
    title = f"5. {CALLS:,} upstream calls of {LATENCY_MS} ms, {IN_FLIGHT} in flight"
    header = ["program", "median ms", "min ms", "to ideal", "to C"]
    print_table(f"{title} (medians of {bench.runs} interleaved runs)", header, rows)
    _note(done[COLD][-1].seen)
    return [
        Figure(5, "1,000 calls: to ideal", medians[WARM] / IDEAL_MS, 1.15),
        Figure(5, "1,000 calls: to C + libcurl", quotient(medians[WARM], medians.get(C)), 1),
    ]


def _note(seen: dict[str, int]) -> None:
    waves = -(-CALLS // IN_FLIGHT)
    note(
        f"Ideal: {CALLS} / {IN_FLIGHT} x {LATENCY_MS} ms = {IDEAL_MS:.1f} ms; in whole waves "
        f"{waves} x {LATENCY_MS} = {waves * LATENCY_MS} ms; the sign-in before them takes another "
        f"{LATENCY_MS} ms. The vendor saw {seen['sign_ins']} sign-ins, {seen['reads']} reads over "
        f"{seen['connections']} connections, {seen['peak_open']} open at once."
    )


def _run(bench: Bench, *, warm: bool) -> Calls:
    with bench.vendor() as (address, seen):
        with Session(bench.serving(coda(address, max_concurrency=IN_FLIGHT))) as session:
            if warm:
                session.result(upstream_line(CALLS + 1))
            milliseconds, answers = _send(session)
    _check("Sallyport", answers)
    if seen["reads"] != CALLS + warm:
        raise SystemExit(f"Sallyport made {seen['reads']} calls.")
    return Calls(milliseconds, seen)


def _send(session: Session) -> tuple[float, list[bytes]]:
    lines = "".join(upstream_line(identifier) for identifier in range(1, CALLS + 1))
    # The host stops reading at its limit, so writing and reading must run concurrently.
    feeder = threading.Thread(target=session.send, args=(lines,))
    first_byte = time.perf_counter()
    feeder.start()
    answers = [session.read_line() for _ in range(CALLS)]
    last_reply = time.perf_counter()
    feeder.join()
    return (last_reply - first_byte) * 1000, answers


def _check(name: str, answers: list[bytes]) -> None:
    for line in answers:
        result_of(line)
    ids = {json.loads(line)["id"] for line in answers}
    if ids != set(range(1, CALLS + 1)):
        raise SystemExit(f"{name} answered {len(ids)} of {CALLS} calls.")


def _run_floor(bench: Bench, fetch: Path) -> Calls:
    with bench.vendor() as (address, seen):
        with urllib.request.urlopen(f"{address}/api/auth/token/", data=b"{}") as response:
            token = json.load(response)["access"]
        url = f"{address}/api/console/elements/device/{{}}/users/"
        words = [str(fetch), str(CALLS), str(IN_FLIGHT), url, "-t", token]
        done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0 or seen["reads"] != CALLS:
        raise SystemExit(f"{C}: {done.stderr.strip()}, {seen}")
    return Calls(float(done.stderr), seen)
