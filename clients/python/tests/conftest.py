"""Lets the tests import the client, and gives them hosts: the built one, and ones that misbehave."""

from __future__ import annotations

import itertools
import os
import pathlib
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator

import pytest

CLIENT = pathlib.Path(__file__).resolve().parents[1]
ROOT = CLIENT.parents[1]
sys.path.insert(0, str(CLIENT / "src"))

# What hosts share by default, away from the user's own.
_state = tempfile.TemporaryDirectory(prefix="sallyport-state-")
os.environ.pop("SALLYPORT_CONNECTIONS", None)
os.environ.setdefault("SALLYPORT", str(ROOT / ".build/release/sallyport"))
# For the programs that tests start.
os.environ["PYTHONPATH"] = str(CLIENT / "src")

from sallyport import Host  # noqa: E402

_tests = itertools.count()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """No test has the rate limits of an earlier one, whose vendor may have had the same port."""
    os.environ["XDG_STATE_HOME"] = f"{_state.name}/{next(_tests)}"


#: Seconds that any one wait may take; far above what a loaded machine needs.
TIMEOUT = 60.0

PRELUDE = """\
import json, os, signal, sys, time

def requests():
    for line in sys.stdin.buffer:
        yield json.loads(line)

def say(message):
    os.write(1, json.dumps(message).encode() + b"\\n")

def answer(request, result):
    say({"jsonrpc": "2.0", "id": request["id"], "result": result})

def notify(method, **params):
    say({"jsonrpc": "2.0", "method": method, "params": params})

def log(text):
    os.write(2, text.encode() + b"\\n")

SUCCESS = {"return_data": "Successful", "raw_data": None, "meta": {}}
"""

FakeHost = Callable[[str], str]


@pytest.fixture
def fake_host(tmp_path: pathlib.Path) -> FakeHost:
    """Makes an executable that does what the given lines of Python say."""

    def make(body: str) -> str:
        path = tmp_path / f"fake-{len(list(tmp_path.iterdir()))}"
        path.write_text(f"#!{sys.executable} -S\n{PRELUDE}\n{textwrap.dedent(body)}")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Host]:
    """A host that tests share which leave it as it was."""
    with Host(sandbox=True) as host:
        yield host


def eventually(condition: Callable[[], object]) -> None:
    """Fails when the condition does not come true."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
