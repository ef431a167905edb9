#!/usr/bin/env python3
"""The cost of the client: CPU time of this process per call, and calls per second.

    python3 clients/python/benchmark/run.py

Calls are dry runs in the sandbox: the host validates them and returns the request that it would
send, so vendor time is not included. The CPU time is the user and system time of all threads of the
client, without the host. It includes building the arguments and reading the response. The first
row uses no client: it writes a line, reads a line, and uses json.

The variants alternate in short rounds. The table shows the median and the best round; the best one is
the least disturbed by other processes. The last column is the cost of the client: the median
difference to the first row in the same round, when the machine was equally busy. The program checks
responses, not times.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import json
import os
import pathlib
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

CLIENT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLIENT / "src"))
os.environ.setdefault("SALLYPORT", str(CLIENT.parents[1] / ".build/release/sallyport"))

from sallyport import AsyncHost, Host, Result, find_executable  # noqa: E402

THREADS = 16
TASKS = 64

Way = Callable[[int], None]


def check(device: int, result: Result) -> None:
    [request] = result.requests
    if str(device) not in request["url"]:
        raise SystemExit(f"wrong response for {device}: {request}")


def bare_pipe(process: subprocess.Popen[bytes]) -> Way:
    assert process.stdin is not None and process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def run(calls: int) -> None:
        for device in range(1, calls + 1):
            params = {
                "integration": "coda_footprint",
                "command": "list_device_users",
                "arguments": {"device_id": device},
                "options": {"dry_run": True},
            }
            request = {"jsonrpc": "2.0", "id": device, "method": "invoke", "params": params}
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            check(device, Result(json.loads(answers.readline())["result"]))

    return run


def one_after_the_other(host: Host) -> Way:
    dry = host.using(dry_run=True).coda_footprint

    def run(calls: int) -> None:
        for device in range(1, calls + 1):
            check(device, dry.list_device_users(device_id=device))

    return run


def pipelined(host: Host) -> Way:
    dry = host.submitting(dry_run=True).coda_footprint

    def run(calls: int) -> None:
        sent = [(id, dry.list_device_users(device_id=id)) for id in range(1, calls + 1)]
        for device, call in sent:
            check(device, call.result())

    return run


def from_threads(host: Host, pool: concurrent.futures.Executor) -> Way:
    dry = host.using(dry_run=True).coda_footprint

    def run(calls: int) -> None:
        def some(first: int) -> None:
            for device in range(first, calls + 1, THREADS):
                check(device, dry.list_device_users(device_id=device))

        list(pool.map(some, range(1, THREADS + 1)))

    return run


def in_tasks(host: AsyncHost, loop: asyncio.AbstractEventLoop) -> Way:
    dry = host.using(dry_run=True).coda_footprint

    async def some(first: int, calls: int) -> None:
        for device in range(first, calls + 1, TASKS):
            check(device, await dry.list_device_users(device_id=device))

    async def everything(calls: int) -> None:
        await asyncio.gather(*(some(first, calls) for first in range(1, TASKS + 1)))

    return lambda calls: loop.run_until_complete(everything(calls))


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(ways: dict[str, Way], calls: int, rounds: int) -> None:
    """Prints a row per variant."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            cpu, wall = cpu_seconds(), time.perf_counter()
            way(calls)
            taken[name].append((cpu_seconds() - cpu, time.perf_counter() - wall))
    bare = next(iter(taken.values()))
    for name, times in taken.items():
        costs = [cpu / calls * 1e6 for cpu, _ in times]
        rates = [calls / wall for _, wall in times]
        added = [(cpu - least) / calls * 1e6 for (cpu, _), (least, _) in zip(times, bare)]
        print(
            f"| {name} | {median(rates):,.0f} | {max(rates):,.0f} "
            f"| {median(costs):.1f} | {min(costs):.1f} | {median(added):.1f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--calls", type=int, default=300, help="of one round")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()

    loop = asyncio.new_event_loop()
    later = AsyncHost(sandbox=True)
    loop.run_until_complete(later.open())
    bare = subprocess.Popen(
        [find_executable(), "serve", "--sandbox"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with Host(sandbox=True) as host, concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        print(f"Python {sys.version.split()[0]}, {options.rounds} rounds of {options.calls:,} calls")
        print("\n| | calls/s | best | µs of CPU per call | best | added |")
        print("|---|---:|---:|---:|---:|---:|")
        ways = {
            "no client, sequential": bare_pipe(bare),
            "`invoke`, sequential": one_after_the_other(host),
            "`submit`, 64 in flight": pipelined(host),
            f"`invoke` from {THREADS} threads": from_threads(host, pool),
            f"`AsyncHost.invoke` in {TASKS} tasks": in_tasks(later, loop),
        }
        measure(ways, options.calls, options.rounds)
    bare.communicate()
    loop.run_until_complete(later.close())
    loop.close()


if __name__ == "__main__":
    main()
