"""Virtual environments for third-party programs, each with the versions that it requires.

They are kept in .build/test-agents and share one package cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".build/test-agents"
UV = str(pathlib.Path(sys.executable).parent / "uv")

#: Messages of an installer without a network or without such a package.
UNAVAILABLE = ("Request failed", "Failed to fetch", "No solution found")

#: Why a requirement is not available; it is not retried.
_reasons: dict[str, str] = {}
#: Seconds that each requirement took to install in this run; without those already installed.
seconds: dict[str, float] = {}


def virtual_environment(requirement: str, *more: str) -> pathlib.Path:
    """The `bin` folder of an environment with the requirement and others installed.

    Skips the test if the package is not available.
    """
    folder = FOLDER / re.sub(r"[^a-z0-9]+", "-", " ".join((requirement, *more)))
    mark = folder / "installed"
    with _locked(folder):
        # Written last, so that a partial environment is replaced.
        if not mark.is_file():
            begun = time.monotonic()
            shutil.rmtree(folder, ignore_errors=True)
            _run(requirement, "venv", "--python", sys.executable, str(folder))
            _run(requirement, "pip", "install", "--python", str(folder), requirement, *more)
            mark.touch()
            seconds[requirement] = time.monotonic() - begun
    return folder / "bin"


@contextlib.contextmanager
def _locked(folder: pathlib.Path) -> Iterator[None]:
    """Other test processes wait instead of installing the same environment."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(requirement: str, *arguments: str) -> None:
    if requirement not in _reasons:
        ended = subprocess.run([UV, "--quiet", *arguments], capture_output=True, text=True)
        if ended.returncode == 0:
            return
        reason = " ".join(ended.stderr.split())
        if not any(text in reason for text in UNAVAILABLE):
            pytest.fail(f"{requirement}: {reason}", pytrace=False)
        _reasons[requirement] = reason
    pytest.skip(f"{requirement} cannot be installed here: {_reasons[requirement]}")
