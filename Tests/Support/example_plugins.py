"""The example plugins: where they are, and how they are built."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

from Support.host import ROOT

EXAMPLES = ROOT / "protocol/examples/plugins"
SDK = str(ROOT / "clients/python/src")
GO_SDK = str(ROOT / "clients/go")

sys.path.append(str(EXAMPLES))
if SDK not in sys.path:
    sys.path.append(SDK)

import vendor  # noqa: E402, F401  the emulated vendor


def go() -> str:
    """That of the tests' environment, or of the PATH."""
    own = pathlib.Path(sys.executable).with_name("go")
    found = str(own) if own.exists() else shutil.which("go")
    assert found, "the tests need Go: sh Tests/run-all.sh"
    return found


def run_go(folder: pathlib.Path, *words: str) -> None:
    ended = subprocess.run([go(), *words], cwd=folder, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stderr
