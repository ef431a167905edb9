#!/usr/bin/env python3
"""What the client costs: CPU time of this process for each call, and calls in a second.

    python3 clients/python/benchmark/run.py

Calls are dry runs in the sandbox: the host checks them and answers with the request that it would
send, so no vendor's time is in it. The CPU time is user and system time of all threads of the client,
and nothing of the host's; building the arguments and reading the answer are in it. The first row is no
client at all: a line written, a line read, json in between. Where it is high, being woken is dear on
that machine. Answers are checked, times are not: they depend on the machine, and on what else runs there.
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

CLIENT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLIENT / "src"))
os.environ.setdefault("SALLYPORT", str(CLIENT.parents[1] / ".build/release/sallyport"))

from sallyport import AsyncHost, Host, Result  # noqa: E402

THREADS = 16


def check(device: int, result: Result) -> None:
    [request] = result.requests
    if str(device) not in request["url"]:
        raise SystemExit(f"the answer for {device} is another one's: {request}")


def bare_pipe(calls: int) -> None:
    command = [os.environ["SALLYPORT"], "serve", "--sandbox"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        for device in range(1, calls + 1):
            params = {
                "integration": "coda_footprint",
                "command": "list_device_users",
                "arguments": {"device_id": device},
                "options": {"dry_run": True},
            }
            request = {"jsonrpc": "2.0", "id": device, "method": "invoke", "params": params}
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            check(device, Result(json.loads(process.stdout.readline())["result"]))
        process.stdin.close()


def one_after_the_other(calls: int) -> None:
    dry = host.using(dry_run=True).coda_footprint
    for device in range(1, calls + 1):
        check(device, dry.list_device_users(device_id=device))


def pipelined(calls: int) -> None:
    dry = host.submitting(dry_run=True).coda_footprint
    sent = [(id, dry.list_device_users(device_id=id)) for id in range(1, calls + 1)]
    for device, call in sent:
        check(device, call.result())


def from_threads(calls: int) -> None:
    dry = host.using(dry_run=True).coda_footprint

    def some(first: int) -> None:
        for device in range(first, calls + 1, THREADS):
            check(device, dry.list_device_users(device_id=device))

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(some, range(1, THREADS + 1)))


def in_tasks(calls: int) -> None:
    async def task(ids: "asyncio.Queue[int]", dry_host: AsyncHost) -> None:
        dry = dry_host.using(dry_run=True).coda_footprint
        while not ids.empty():
            device = ids.get_nowait()
            check(device, await dry.list_device_users(device_id=device))

    async def everything() -> None:
        async with AsyncHost(sandbox=True) as own:
            ids: asyncio.Queue[int] = asyncio.Queue()
            for device in range(1, calls + 1):
                ids.put_nowait(device)
            await asyncio.gather(*(task(ids, own) for _ in range(64)))

    asyncio.run(everything())


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(body: Callable[[int], None], calls: int, runs: int) -> tuple[float, float]:
    """Calls in a second and microseconds of CPU for each, of the median run by CPU time."""
    taken = []
    for _ in range(runs):
        cpu, wall = cpu_seconds(), time.perf_counter()
        body(calls)
        taken.append((cpu_seconds() - cpu, time.perf_counter() - wall))
    cpu, wall = sorted(taken)[len(taken) // 2]
    return calls / wall, cpu / calls * 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--calls", type=int, default=20_000, help="of one run")
    parser.add_argument("--runs", type=int, default=5, help="of which the median is shown")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {options.calls:,} calls, median of {options.runs} runs")
    print("\n| | calls/s | µs of client CPU for each |\n|---|---:|---:|")
    with Host(sandbox=True) as host:
        host.ping()
        for name, body in (
            ("no client, one after the other", bare_pipe),
            ("`invoke`, one after the other", one_after_the_other),
            ("`submit`, 64 under way", pipelined),
            (f"`invoke` from {THREADS} threads", from_threads),
            ("`AsyncHost.invoke` in 64 tasks", in_tasks),
        ):
            rate, cost = measure(body, options.calls, options.runs)
            print(f"| {name} | {rate:,.0f} | {cost:.1f} |", flush=True)
