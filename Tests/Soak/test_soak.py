"""The short form of the soak: every kind of call and of fault, once or a few times."""

from __future__ import annotations

import pathlib
import subprocess
import sys

SOAK = pathlib.Path(__file__).with_name("soak.py")


def test_half_a_minute_of_mixed_load(note):
    ended = subprocess.run(
        [sys.executable, "-B", str(SOAK), "--minutes", "0.5"], capture_output=True, text=True, timeout=600)
    note("soak: " + ", ".join(ended.stdout.splitlines()[:2]))
    assert ended.returncode == 0, ended.stdout + ended.stderr
