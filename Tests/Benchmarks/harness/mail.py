"""Measure 2: one command that reads many messages, spawn to exit."""

from __future__ import annotations

import json
from pathlib import Path

from .bench import Bench
from .process import Run, interleaved, medians, run
from .table import Figure, note, print_table, quotient, ratio
from .vendors import LATENCY_MS, USER, WIDE_LIMIT, gmail, write_key
from .workload import invoke_line

MESSAGES = 400
IDS = [f"{0x182B00000000 + number:x}" for number in range(MESSAGES)]
GO = "Go, 32 connections"
LIMITED = "Sallyport within a rate limit"


def measure(bench: Bench) -> list[Figure]:
    key = write_key(bench.folder)
    (bench.folder / "ids").write_text("\n".join(IDS))
    requests: dict[str, int] = {}
    names = [LIMITED, "Sallyport", *([GO] if bench.peer("go-targets") else [])]

    def once(name: str) -> Run:
        output = bench.folder / "mail.out"
        with bench.vendor() as (address, seen):
            words = _words(bench, name, key, address)
            done = run(name, words, _write_request(bench.folder), output)
        if seen["messages"] != MESSAGES:
            raise SystemExit(f"{name} requested {seen['messages']} messages.")
        requests[name] = seen["reads"]
        _check(name, output)
        return done

    done = medians(interleaved(bench.runs, {name: lambda name=name: once(name) for name in names}))
    _report(done, requests, bench.runs)
    own, go = done[LIMITED], done.get(GO)
    return [
        Figure(2, "400 messages in batches: wall to Go", quotient(own.wall, go and go.wall), 0.6),
        Figure(2, "400 messages in batches: CPU to Go", quotient(own.cpu, go and go.cpu), 0.45),
    ]


def _words(bench: Bench, name: str, key: Path, address: str) -> list[str]:
    if name == GO:
        words = [str(bench.peer("go-targets")), "-key", str(key), "-address", address]
        return [*words, "-user", USER, "-ids", str(bench.folder / "ids")]
    limits = {"rate_limits": {"get_email": WIDE_LIMIT}} if name == LIMITED else {}
    return bench.serving(gmail(address, key, **limits))


def _write_request(folder: Path) -> Path:
    path = folder / "mail.jsonl"
    arguments = {"user_email": USER, "message_ids": IDS}
    path.write_text(invoke_line(1, "gmail", "get_email", arguments))
    return path


def _check(name: str, output: Path) -> None:
    result = json.loads(output.read_bytes()).get("result")
    messages = result["raw_data"] if isinstance(result, dict) else result
    if [message["id"] for message in messages or []] != IDS:
        raise SystemExit(f"{name} returned an unexpected result: {output.read_bytes()[:500]!r}")


def _report(done: dict[str, Run], requests: dict[str, int], runs: int) -> None:
    go = done.get(GO, Run(0, 0))
    rows = [
        [
            name,
            f"{run.wall * 1000:.1f}",
            ratio(run.wall, go.wall),
            f"{run.cpu * 1000:.1f}",
            ratio(run.cpu, go.cpu),
            str(requests[name]),
        ]
        for name, run in done.items()
    ]
    print_table(
        f"2. `get_email` of {MESSAGES} messages, {LATENCY_MS} ms per request "
        f"(medians of {runs} interleaved runs)",
        ["program", "wall ms", "to Go", "CPU ms", "to Go", "requests"],
        rows,
    )
    note("Every message was returned once, in order. A batch takes as long as a call.")
