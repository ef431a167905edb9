"""What the measures share: the programs, the emulated vendor, the floors and the counter."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from instructions import Counter

from . import programs, vendors
from .programs import Program
from .table import note
from .workload import coda, write_connection

DEFAULT_RUNS = 5


@dataclass
class Bench:
    sallyport: Program
    baseline: Program | None
    go: str | None
    folder: Path
    runs_wanted: int | None = None
    _floors: dict[str, Path | None] = field(default_factory=dict)
    _peers: dict[str, Path | None] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        return self.runs_wanted or DEFAULT_RUNS

    @cached_property
    def hosts(self) -> list[Program]:
        """Sallyport and its peers, without the missing ones."""
        all_ = [self.sallyport, *programs.go_hosts(self.go, self.folder), programs.python_host()]
        for host in all_:
            if host.missing:
                note(f"{host.name} is skipped: {host.missing}")
        return [host for host in all_ if not host.missing]

    def serving(
        self, connection: dict[str, Any], *options: str, program: Program | None = None
    ) -> list[str]:
        """The command line of Sallyport, or of another build, with one connection, `prod`."""
        path = write_connection(self.folder, "served.json", connection)
        return [*(program or self.sallyport).serving(path), *options]

    @property
    def plain_hosts(self) -> list[Program]:
        """The pool differs from one goroutine per line only under load."""
        return [host for host in self.hosts if "workers" not in host.name]

    @cached_property
    def dry_connections(self) -> Path:
        return write_connection(self.folder, "dry.json", coda("https://coda.example.com"))

    @cached_property
    def counter(self) -> Counter | None:
        """None without valgrind."""
        if not shutil.which("valgrind"):
            note("Instructions are not counted: `apt-get install valgrind`")
            return None
        # It writes a connections file.
        folder = self.folder / "counter"
        folder.mkdir()
        return Counter(Path(self.sallyport.command[0]), folder)

    def vendor(
        self, latency_ms: float = vendors.LATENCY_MS, **flags: int
    ) -> AbstractContextManager[tuple[str, dict[str, int]]]:
        upstream = self.peer("upstream")
        assert upstream, "run.py starts these measures only with a vendor"
        return vendors.vendor(upstream, latency_ms, **flags)

    def peer(self, name: str) -> Path | None:
        """A Go program; None if it cannot be built."""
        if name not in self._peers:
            # A prefix, because a folder or a file of the same name may be in use.
            output = self.folder / f"peer-{name}"
            problem = programs.build_go(self.go, name, output)
            if problem:
                note(f"{name} is skipped: {problem}")
            self._peers[name] = None if problem else output
        return self._peers[name]

    def floor(self, source: str) -> Path | None:
        """A program of floors/; None if it cannot be built."""
        if source not in self._floors:
            output = self.folder / f"floor-{Path(source).stem}"
            problem = programs.build_floor(source, output)
            if problem:
                note(f"The floor {source} is skipped: {problem}")
            self._floors[source] = None if problem else output
        return self._floors[source]
