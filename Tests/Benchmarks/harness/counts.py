"""Instruction counts of programs other than Sallyport."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path


def instructions(command: Sequence[str], source: Path | None = None) -> int:
    """Those of user space, from start to exit (`valgrind --tool=callgrind`)."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    with open(source or "/dev/null", "rb") as file:
        ended = subprocess.run(
            valgrind, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True
        )
    count = re.search(rb"refs:\s+([\d,]+)", ended.stderr)
    assert count, ended.stderr
    return int(count[1].replace(b",", b""))
