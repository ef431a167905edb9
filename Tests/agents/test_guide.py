"""The session in the guide for agents is what the program there does."""

from __future__ import annotations

import os
import re
import subprocess

from Support.host import EXECUTABLE, ROOT, environment
from Support.virtual_environment import virtual_environment

GUIDE = "protocol/guide/agents.md"
PROGRAM = "protocol/examples/agent_session.py"


def block(mark: str) -> str:
    """The code block after a comment in the guide."""
    guide = (ROOT / GUIDE).read_text()
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", guide, re.DOTALL)
    assert found, f"{GUIDE} has no block <!-- {mark} -->"
    return found[1]


def test_the_program_in_the_guide_is_the_one_there_is():
    assert block(f"from: {PROGRAM}") in (ROOT / PROGRAM).read_text()


def test_session_in_the_guide_equals_the_program_output(tmp_path):
    install, run, expected = block(f"output: {PROGRAM}").split("\n", 2)
    found = re.fullmatch(r"\$ python3 -m venv agents && agents/bin/pip install '(\S+)'", install)
    requirement = found[1]
    assert run == f"$ agents/bin/python {PROGRAM}"
    python = virtual_environment(requirement) / "python"
    (tmp_path / "sallyport").symlink_to(os.path.abspath(EXECUTABLE))
    ended = subprocess.run(
        [python, ROOT / PROGRAM], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env=environment({"PATH": f"{tmp_path}:{os.environ['PATH']}"}))
    assert (ended.returncode, ended.stdout.rstrip(), ended.stderr) == (0, expected.rstrip(), "")
