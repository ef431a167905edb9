"""What a type checker says to the author of a plugin."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

CLIENT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = pathlib.Path(__file__).with_name("sample_of_a_plugin.py")
EXAMPLE = CLIENT.parents[1] / "protocol/examples/plugins/acme_edr_python/acme_edr.py"


def mypy(path: pathlib.Path) -> str:
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "--config-file",
         str(CLIENT / "pyproject.toml"), str(path)],
        capture_output=True, text=True, cwd=CLIENT).stdout  # fmt: skip


def test_an_authors_mistakes_are_found_and_nothing_else_is() -> None:
    said = re.findall(r"sample_of_a_plugin\.py:(\d+): error: .*\[([a-z-]+)\]$", mypy(SAMPLE), re.M)
    expected = [
        (str(number), code)
        for number, line in enumerate(SAMPLE.read_text().splitlines(), 1)
        for code in re.findall(r"  # error: ([a-z-]+)$", line)
    ]
    assert len(expected) >= 12
    assert said == expected


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the examples are not part of the package")
def test_the_example_is_clean_in_strict_mode() -> None:
    assert "no issues found" in mypy(EXAMPLE)
