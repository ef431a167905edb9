"""The kit's process driver: no verdict on a host before its streams are read to EOF."""

from __future__ import annotations

import re
import sys

import pytest
from comparison import read_json
from faults import Fault
from process import HostProcess, Launch
from run import start_problem
from Support.host import TIMEOUT, environment, eventually

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'

#: Longer than a pipe holds.
FLOOD = 1_000_000


def shell(script: str, *, timeout: float = TIMEOUT) -> Launch:
    return Launch(["sh", "-c", script], timeout, environment())


def wait_for_exit(host: HostProcess) -> None:
    """So that the kit finds a broken pipe at its first write, as on a busy machine."""
    eventually(lambda: host.process.poll() is not None, "the host exits")


def test_stderr_is_reported_if_the_host_exits_before_the_first_request():
    with shell("echo 'no such option' >&2; exit 2")() as host:
        wait_for_exit(host)
        problem = host.start_problem()
    assert problem.endswith("(exit 2); stderr:\n  no such option")


def test_stderr_of_a_child_is_reported_if_it_arrives_after_the_exit_of_the_host():
    problem = start_problem(shell("(exec >&-; sleep 1; echo 'from the child' >&2) & exit 3"))
    assert problem.endswith("(exit 3); stderr:\n  from the child")


def test_exit_status_is_reported_if_the_output_ends_long_before_it():
    problem = start_problem(shell("exec >&-; sleep 2; echo late >&2; exit 4"))
    assert problem.endswith("(exit 4); stderr:\n  late")


def test_host_that_fills_stderr_before_it_exits_is_read_to_the_end():
    script = f"import os, sys; os.close(1); sys.stderr.write('x' * {FLOOD} + '\\nlast'); sys.exit(5)"
    problem = start_problem(Launch([sys.executable, "-c", script], TIMEOUT, environment()))
    assert problem.endswith("last") and "(exit 5); stderr:" in problem


def test_running_host_that_does_not_answer_has_no_start_problem():
    assert start_problem(shell("exec cat > /dev/null", timeout=0.5)) is None


def test_fault_holds_stderr_if_the_input_is_broken():
    with pytest.raises(Fault) as raised:
        with shell("echo reason >&2; exit 2")() as host:
            wait_for_exit(host)
            host.send(PING)
    assert raised.value.errors == ["reason"]
    assert re.match(r"the host stopped reading; \d+ bytes are unsent", str(raised.value))


def test_answers_are_read_although_the_input_is_broken():
    with shell("echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'")() as host:
        wait_for_exit(host)
        assert host.offer(PING, 1) == len(PING)
        assert host.expect_end() == [{"jsonrpc": "2.0", "id": read_json("1"), "result": {}}]


def test_fault_does_not_wait_for_a_child_that_keeps_stderr_open():
    with pytest.raises(Fault) as raised:
        with shell("echo reason >&2; sleep 600 & exit 2", timeout=1)() as host:
            host.read_line()
    assert raised.value.errors == ["reason"]
