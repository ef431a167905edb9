"""The end of the host: EOF, signals and SIGKILL with calls of plugins in flight."""

from __future__ import annotations

import os
import signal

import pytest
from Support.host import eventually, request
from Support.plugins import children, invoke, kill, wait_until_ended


def started(tmp_path) -> int:
    """Waits for the `touch` of a plugin; returns its process."""
    eventually(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text(), "a call runs")
    return int((tmp_path / "started").read_text().split()[0])


def test_end_of_input_drains_the_calls_of_plugins(plugins, tmp_path):
    plugins.add()
    with plugins.host() as host:
        host.send(*(invoke(number, steps=[{"touch": str(tmp_path / "started")}, {"await": str(tmp_path / "gate")}])
                    for number in range(5)))
        pid = started(tmp_path)
        host.close_input()
        assert host.process.poll() is None
        (tmp_path / "gate").touch()
        answers = host.rest()
        assert sorted(one["id"] for one in answers) == list(range(5)) and all("result" in one for one in answers)
        assert host.exit_code() == 0
        wait_until_ended(pid)


def test_sigterm_drains_the_calls_of_plugins(plugins, tmp_path):
    plugins.add()
    with plugins.host("--log-level", "info") as host:
        host.send(invoke(1, steps=[{"touch": str(tmp_path / "started")}, {"await": str(tmp_path / "gate")}]))
        pid = started(tmp_path)
        host.signal(signal.SIGTERM)
        host.wait_for_log("stopping")
        (tmp_path / "gate").touch()
        assert [one["id"] for one in host.rest()] == [1]
        assert host.exit_code() == 0
        wait_until_ended(pid)


@pytest.mark.parametrize("behaviour", [{}, {"at_start": [{"ignore_signals": 1}], "ignores_eof": True}])
def test_second_signal_cancels_calls_that_hang(plugins, tmp_path, behaviour):
    plugins.add(behaviour=behaviour)
    with plugins.host("--log-level", "info") as host:
        host.send(invoke(1, "change", [{"touch": str(tmp_path / "started")}, {"fork": {"ignores": True}}, {"hang": 1}],
                         timeout_ms=600_000))
        pid = started(tmp_path)
        host.signal(signal.SIGTERM)
        host.wait_for_log("stopping")
        host.signal(signal.SIGTERM)
        (answer,) = host.rest()
        assert answer["error"]["code"] == -32800 and answer["error"]["data"]["outcome"] == "unknown"
        assert host.exit_code() == 3
        wait_until_ended(pid)


def test_killed_host_takes_its_plugins_with_it(plugins, tmp_path):
    plugins.add(behaviour={"at_start": [{"ignore_signals": 1}], "ignores_eof": True})
    with plugins.host() as host:
        host.send(invoke(1, steps=[{"touch": str(tmp_path / "started")}, {"hang": 1}]))
        pid = started(tmp_path)
        host.signal(signal.SIGKILL)
        host.process.wait(30)
        wait_until_ended(pid)


def test_plugin_that_is_starting_ends_with_the_host(plugins, tmp_path):
    plugins.add(locked=False, behaviour={"at_start": [{"touch": str(tmp_path / "started")}, {"hang": 1}]},
                limits={"start_seconds": 600})
    with plugins.host() as host:
        pid = started(tmp_path)
        assert host.ask(request(1, "ping"))["result"] == {}
        host.close_input()
        assert host.exit_code() == 0
        wait_until_ended(pid)


def test_dead_plugins_leave_no_zombies(plugins):
    plugins.add(limits={"restarts_per_minute": 600})
    with plugins.host() as host:
        for _ in range(3):
            pid = host.pid()
            kill(pid)
            eventually(lambda: pid not in children(host.process.pid), "the plugin is reaped")
        host.pid()
        assert len(children(host.process.pid)) == 1


def test_ended_plugins_release_their_descriptors(plugins):
    plugins.add(limits={"idle_seconds": 1})
    with plugins.host() as host:
        def descriptors() -> int:
            return len(os.listdir(f"/proc/{host.process.pid}/fd"))

        wait_until_ended(host.pid())
        eventually(lambda: not children(host.process.pid), "the plugin is reaped")
        before = descriptors()
        for _ in range(2):
            wait_until_ended(host.pid())
        eventually(lambda: descriptors() <= before, "its descriptors are closed")
