"""Measures 1 and 12: a command over many targets, one request for each."""

from __future__ import annotations

import json
from pathlib import Path

from .bench import Bench
from .counts import instructions
from .process import Run, Session, interleaved, medians, run
from .table import Figure, note, print_table, quotient, ratio
from .vendors import API_KEY, LATENCY_MS, gravityzone
from .workload import invoke_line

TARGETS = 400
IN_FLIGHT = 32
IDS = [f"{number:024d}" for number in range(1, TARGETS + 1)]
GO, C = "Go, 32 connections", "C + libcurl"
METHOD = "getManagedEndpointDetails"
BODY = f'{{"id":"{{}}","jsonrpc":"2.0","method":"{METHOD}","params":{{"endpointId":"{{}}"}}}}'

LARGE_TARGETS = 3_200
LARGE_BYTES = 8_750


def measure(bench: Bench) -> list[Figure]:
    line = bench.folder / "targets.jsonl"
    line.write_text(_line(IDS))
    (bench.folder / "target-ids").write_text("\n".join(IDS))
    ways = {"Sallyport": lambda: _once(bench, "Sallyport", line)}
    if bench.peer("go-targets"):
        ways[GO] = lambda: _once(bench, GO, line)
    if bench.floor("fetch.c"):
        ways[C] = lambda: _once(bench, C, line)
    done = medians(interleaved(bench.runs, ways))
    counts = _counts(bench)
    _report(done, counts, bench.runs)
    own, go = done["Sallyport"], done.get(GO)
    count = counts.get("Sallyport")
    return [
        Figure(1, "400 gets: wall to Go", quotient(own.wall, go and go.wall), 0.95),
        Figure(1, "400 gets: CPU to Go", quotient(own.cpu, go and go.cpu), 0.75),
        Figure(1, "400 gets: instructions", count and count / 1e6, 120, "M"),
    ]


def _line(ids: list[str]) -> str:
    command = "get_managed_endpoint_details"
    return invoke_line(1, "bitdefender_gravityzone", command, {"managed_endpoint_ids": ids})


def _words(bench: Bench, name: str, address: str) -> list[str]:
    if name == "Sallyport":
        return bench.serving(gravityzone(address, max_concurrency=IN_FLIGHT))
    if name == GO:
        words = [str(bench.peer("go-targets")), "-address", address, "-api-key", API_KEY]
        return [*words, "-ids", str(bench.folder / "target-ids")]
    url = f"{address}/api/v1.0/jsonrpc/network"
    words = [str(bench.floor("fetch.c")), str(TARGETS), str(IN_FLIGHT), url]
    return [*words, "-k", API_KEY, "-d", BODY]


def _once(bench: Bench, name: str, line: Path) -> Run:
    output = bench.folder / "targets.out"
    with bench.vendor() as (address, seen):
        done = run(name, _words(bench, name, address), line, output)
    if seen["reads"] != TARGETS or seen["peak_open"] > IN_FLIGHT:
        raise SystemExit(f"{name}: the vendor saw {seen}.")
    _check(name, output)
    return done


def _check(name: str, output: Path) -> None:
    if name == C:
        # In the order of the responses.
        answers = sorted(json.loads(line)["result"]["id"] for line in output.open())
    else:
        result = json.loads(output.read_bytes()).get("result")
        answers = result["raw_data"] if isinstance(result, dict) else result
        answers = [answer.get("result", answer)["id"] for answer in answers or []]
    if answers != IDS:
        raise SystemExit(f"{name} returned an unexpected result: {output.read_bytes()[:500]!r}")


def _counts(bench: Bench) -> dict[str, int]:
    if not bench.counter:
        return {}
    counts = {}
    with bench.vendor() as (address, _):
        settings = gravityzone(address, max_concurrency=IN_FLIGHT)
        counts["Sallyport"] = bench.counter.run(settings, [_line(IDS)])
        if bench.floor("fetch.c"):
            counts[C] = instructions(_words(bench, C, address))
    return counts


def _report(done: dict[str, Run], counts: dict[str, int], runs: int) -> None:
    go, floor = done.get(GO, Run(0, 0)), done.get(C, Run(0, 0))
    rows = [
        [
            name,
            f"{run.wall * 1000:.1f}",
            ratio(run.wall, go.wall),
            ratio(run.wall, floor.wall),
            f"{run.cpu * 1000:.1f}",
            ratio(run.cpu, go.cpu),
            ratio(run.cpu, floor.cpu),
            f"{counts[name] / 1e6:.1f}" if name in counts else "-",
        ]
        for name, run in done.items()
    ]
    print_table(
        f"1. {TARGETS} gets of {LATENCY_MS} ms, {IN_FLIGHT} in flight, within a rate limit "
        f"(medians of {runs} interleaved runs)",
        ["program", "wall ms", "to Go", "to C", "CPU ms", "to Go", "to C", "M instructions"],
        rows,
    )
    note(
        "`get_managed_endpoint_details` of GravityZone: it sends no batches. "
        "Every target was read once."
    )


def measure_large(bench: Bench) -> list[Figure]:
    ids = [f"{number:024d}" for number in range(1, LARGE_TARGETS + 1)]
    with bench.vendor(0, endpoint_bytes=LARGE_BYTES) as (address, seen):
        words = bench.serving(gravityzone(address, max_concurrency=IN_FLIGHT))
        with Session(words) as session:
            session.send(_line(ids))
            answer = session.read_line()
            peak = session.peak_mb()
    answers = json.loads(answer)["result"]["raw_data"]
    found = [each.get("result", each)["id"] for each in answers]
    if found != ids or seen["reads"] != LARGE_TARGETS:
        raise SystemExit(f"Sallyport returned an unexpected result: {answer[:500]!r}")
    size = len(answer) / 1e6
    print_table(
        f"12. A response with {LARGE_TARGETS:,} targets",
        ["host", "response MB", "peak MB", "to the response"],
        [["Sallyport", f"{size:.1f}", f"{peak:.1f}", ratio(peak, size)]],
    )
    return [Figure(12, "large response: peak memory to its size", peak / size, 2.5)]
