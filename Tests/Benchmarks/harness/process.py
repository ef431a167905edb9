"""Runs a program and measures it: to its end, or as a session over pipes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

KIB = 1024

Result = TypeVar("Result")


@dataclass(frozen=True)
class Run:
    """Seconds of one process, spawn to exit."""

    wall: float
    cpu: float


def run(name: str, command: Sequence[str], source: Path | str, output: Path) -> Run:
    """Files on both sides: draining a pipe would take CPU time from the measured program."""
    errors = output.with_suffix(".errors")
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, str(source), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), writing, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, str(errors), writing, 0o600),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], list(command), os.environ, file_actions=files)
    # wait4 returns the usage of this child only; RUSAGE_CHILDREN is the sum of all children.
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        problem = errors.read_text().strip()
        raise SystemExit(f"{name} exited with wait status {status}: {problem}")
    return Run(wall, usage.ru_utime + usage.ru_stime)


def interleaved(runs: int, ways: dict[str, Callable[[], Result]]) -> dict[str, list[Result]]:
    """Alternates the ways, so that a disturbance of the machine affects all of them."""
    done: dict[str, list[Result]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            done[name].append(way())
    return done


def medians(done: dict[str, list[Run]]) -> dict[str, Run]:
    return {
        name: Run(median(run.wall for run in runs), median(run.cpu for run in runs))
        for name, runs in done.items()
    }


class Session:
    """A host that gets one request after the other."""

    def __init__(self, command: Sequence[str]) -> None:
        # Without close_fds=False, Python would fork instead of using posix_spawn.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill() if kind else self.end()

    def send(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

    def read_line(self) -> bytes:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("The host exited without a response.")
        return line

    def result(self, line: str) -> Any:
        """Sends one request and returns its result."""
        self.send(line)
        return result_of(self.read_line())

    def peak_mb(self) -> float:
        """The peak of resident memory so far, in 10^6 bytes. ru_maxrss of wait4 is not usable: exec
        keeps the peak of the memory that the child shared with this Python process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        if peak is None:
            raise SystemExit("/proc has no VmHWM; this measure needs Linux.")
        return int(peak.group(1)) * KIB / 1e6

    def end(self) -> float:
        """Shuts the host down; returns the CPU seconds of its whole life."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.process.stdout.close()
        if self.process.returncode != 0:
            raise SystemExit(f"The host exited with status {self.process.returncode}.")
        return usage.ru_utime + usage.ru_stime


def result_of(line: bytes) -> Any:
    message = json.loads(line)
    if "result" not in message:
        raise SystemExit(f"The host failed: {line[:500].decode(errors='replace')}")
    return message["result"]
