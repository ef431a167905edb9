"""What a type checker and an old Python say."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import CLIENT, TIMEOUT

SAMPLE = pathlib.Path(__file__).with_name("sample_of_a_user.py")


def mypy(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", os.devnull, "--config-file",
         str(CLIENT / "pyproject.toml"), *arguments],
        capture_output=True, text=True, cwd=CLIENT,
    )  # fmt: skip


def test_the_package_is_clean_in_strict_mode() -> None:
    done = mypy("--strict")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"no issues found in \d\d source files", done.stdout)


def test_a_users_mistakes_are_found_and_nothing_else_is() -> None:
    done = mypy("--strict", str(SAMPLE))
    said = re.findall(r"sample_of_a_user\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.M)
    expected = [
        (str(number), code)
        for number, line in enumerate(SAMPLE.read_text().splitlines(), 1)
        for code in re.findall(r"  # error: ([a-z-]+)$", line)
    ]
    assert len(expected) >= 15
    assert said == expected, done.stdout


def test_nothing_newer_than_python_3_9_is_used() -> None:
    # mypy does not check for 3.9 any more; vermin knows which version brought what.
    vermin = pathlib.Path(sys.executable).with_name("vermin")
    done = subprocess.run(
        [vermin, "--no-tips", "--violations", "--target=3.9-", CLIENT / "src", CLIENT / "examples"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def old_python() -> str | None:
    """A working Python 3.9, if there is one on this machine."""
    candidates = [shutil.which("python3.9"), *map(str, pathlib.Path.home().glob(".pyenv/versions/3.9*/bin/python"))]
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "-c", "import json"], capture_output=True).returncode == 0:
            return candidate
    return None


def test_an_example_runs_on_python_3_9() -> None:
    python = old_python()
    if python is None:
        pytest.skip("there is no Python 3.9 on this machine")
    for example in ("phishing.py", "inventory.py"):
        done = subprocess.run(
            [python, "-B", str(CLIENT / "examples" / example), "--sandbox"],
            capture_output=True, text=True, timeout=TIMEOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
