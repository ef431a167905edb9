#!/usr/bin/env python3
"""Measures Sallyport against equivalent programs and against floors, and prints Markdown tables."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import (
    client,
    connections,
    downloads,
    ledger,
    loading,
    mail,
    memory,
    pages,
    plugins,
    programs,
    repeated,
    roundtrip,
    spawn,
    targets,
    throughput,
    upstream,
)
from harness.bench import DEFAULT_RUNS, Bench
from harness.programs import Program
from harness.table import Figure, note, print_figures

MEASURES: dict[int, Callable[[Bench], list[Figure]]] = {
    1: targets.measure,
    2: mail.measure,
    3: throughput.measure,
    4: roundtrip.measure,
    5: upstream.measure,
    6: spawn.measure,
    7: loading.measure,
    8: pages.measure,
    9: pages.measure_stream,
    10: downloads.measure_report,
    11: downloads.measure_attachment,
    12: targets.measure_large,
    13: connections.measure,
    14: ledger.measure,
    15: repeated.measure,
    16: client.measure,
    17: memory.measure,
    18: plugins.measure,
}
#: They need the emulated vendor, which is written in Go.
WITH_VENDOR = {1, 2, 5, 7, 8, 9, 10, 11, 12, 14}


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="sallyport-benchmark-") as name:
        measure(options, Path(name))


def parse_options() -> argparse.Namespace:
    checkout = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", type=numbers, default=tuple(MEASURES), metavar="1,2", help="the measures to run"
    )
    parser.add_argument(
        "--runs",
        type=positive,
        metavar="N",
        help=f"runs of each program (default {DEFAULT_RUNS}, {spawn.DEFAULT_SPAWNS} spawns)",
    )
    parser.add_argument(
        "--sallyport",
        type=Path,
        default=checkout / ".build" / "release" / "sallyport",
        metavar="PATH",
        help="the executable (default: the checkout's release build)",
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="PATH", help="an earlier build, to compare measure 11"
    )
    parser.add_argument("--go", metavar="PATH", help="the Go toolchain (default: the newest found)")
    return parser.parse_args()


def numbers(text: str) -> tuple[int, ...]:
    chosen = tuple(int(part) for part in text.split(","))
    if not set(chosen) <= set(MEASURES):
        raise ValueError(text)
    return chosen


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def measure(options: argparse.Namespace, folder: Path) -> None:
    go = programs.find_go(options.go)
    note(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; {programs.versions(go)}"
    )
    sallyport = programs.sallyport(options.sallyport.resolve())
    baseline = None
    if options.baseline:
        earlier = programs.sallyport(options.baseline.resolve())
        baseline = Program("Baseline", earlier.command, earlier.missing)
    for program in filter(None, (sallyport, baseline)):
        if program.missing:
            raise SystemExit(program.missing)
    bench = Bench(sallyport, baseline, go[0] if go else None, folder, options.runs)
    figures: list[Figure] = []
    skipped, failed = [], []
    for number in options.only:
        if number in WITH_VENDOR and not bench.peer("upstream"):
            skipped.append(f"{number} (no emulated vendor)")
            continue
        try:
            found = MEASURES[number](bench)
        except (SystemExit, subprocess.CalledProcessError) as problem:
            note(f"{number} failed: {problem}")
            failed.append(str(number))
            continue
        figures += found
        print_figures(f"Targets of {number}", found)
    print_figures("All targets", figures)
    skipped += [f"{each.row} ({each.what})" for each in figures if each.value is None]
    if skipped:
        note(f"Not measured: {'; '.join(skipped)}.")
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
