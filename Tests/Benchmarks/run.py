#!/usr/bin/env python3
"""Measures Sallyport against equivalent Go and Python hosts and prints Markdown tables."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

from harness import mail, memory, programs, spawn, throughput, upstream, workload
from harness.table import note

ALL_MEASURES = (1, 2, 3, 4, 5)
SPAWN_RUNS = 40
OTHER_RUNS = 5


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="sallyport-benchmark-") as name:
        measure(options, Path(name))


def parse_options() -> argparse.Namespace:
    checkout = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", type=numbers, default=ALL_MEASURES, metavar="1,2", help="the measures to run"
    )
    parser.add_argument(
        "--runs",
        type=positive,
        metavar="N",
        help=f"runs of each host (default {SPAWN_RUNS} spawns, {OTHER_RUNS} for the others)",
    )
    parser.add_argument(
        "--sallyport",
        type=Path,
        default=checkout / ".build" / "release" / "sallyport",
        metavar="PATH",
        help="the executable (default: the checkout's release build)",
    )
    parser.add_argument("--go", metavar="PATH", help="the Go toolchain (default: the newest found)")
    return parser.parse_args()


def numbers(text: str) -> tuple[int, ...]:
    chosen = tuple(int(part) for part in text.split(","))
    if not set(chosen) <= set(ALL_MEASURES):
        raise ValueError(text)
    return chosen


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def measure(options: argparse.Namespace, folder: Path) -> None:
    go = programs.find_go(options.go)
    go_path = go[0] if go else None
    note(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; {programs.versions(go)}"
    )
    sallyport = programs.sallyport(options.sallyport)
    hosts = present([sallyport, *programs.go_hosts(go_path, folder), programs.python_host()])
    connections = workload.write_connections(folder, "connections.json", "https://coda.example.com")
    # The pool differs from one goroutine per line only under load.
    plain_hosts = [host for host in hosts if "workers" not in host.name]
    if 1 in options.only:
        spawn.measure(plain_hosts, connections, options.runs or SPAWN_RUNS)
    if 2 in options.only:
        throughput.measure(hosts, connections, folder, options.runs or OTHER_RUNS)
    if 3 in options.only:
        memory.measure(plain_hosts, connections, folder)
    if {4, 5} & set(options.only) and not sallyport.missing:
        vendor, go_mail = folder / "upstream", folder / "gomail"
        problem = programs.build_go(go_path, "upstream", vendor)
        if problem := problem or programs.build_go(go_path, "go-mail", go_mail):
            note(f"4 and 5 are skipped: {problem}")
            return
        if 4 in options.only:
            upstream.measure(sallyport, vendor, folder, options.runs or OTHER_RUNS)
        if 5 in options.only:
            mail.measure(sallyport, go_mail, vendor, folder, options.runs or OTHER_RUNS)


def present(hosts: list[programs.Program]) -> list[programs.Program]:
    for host in hosts:
        if host.missing:
            note(f"{host.name} is skipped: {host.missing}")
    return [host for host in hosts if not host.missing]


if __name__ == "__main__":
    main()
