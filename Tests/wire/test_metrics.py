"""Metrics: the method, the file, and counters that add up (12.5)."""

from __future__ import annotations

import json
import os
import signal
import stat

import pytest
from Support.host import Host, eventually, request, run
from Support.metrics import Metrics, check
from Support.plugins import Plugins
from Support.sandbox import Sandbox

FAMILIES = [
    "sallyport_invocations", "sallyport_invocation_duration_seconds", "sallyport_http_requests",
    "sallyport_retries", "sallyport_rate_limit_wait_seconds", "sallyport_rate_limit_waiting",
    "sallyport_in_flight", "sallyport_lines", "sallyport_connection_healthy",
    "sallyport_plugin_restarts"]


# The method


def test_every_family_is_in_the_text_from_the_start():
    with Host() as host:
        metrics = Metrics.of(host)
    assert list(metrics.families) == FAMILIES
    assert metrics.value("sallyport_lines_total") == 1
    check(metrics.text)


def test_metrics_take_no_params_and_are_refused_behind_mcp_only():
    with Host() as host:
        assert host.error("metrics", {"integration": "gmail"})["code"] == -32602
    with Host("--mcp-only") as host:
        refused = host.error("metrics")["data"]
    assert (refused["kind"], refused["status_code"]) == ("policy", 403)


def test_lines_count_also_those_that_are_no_requests():
    with Host() as host:
        host.send("{", "[]", {"jsonrpc": "2.0", "method": "ping"}, request(1, "ping"))
        host.read_all(3)
        assert Metrics.of(host).value("sallyport_lines_total") == 5


# Health and plugins


def test_health_of_watched_connections():
    with Sandbox() as sandbox, Host("--connections", sandbox.file) as host:
        host.ask(request(1, "health/watch", {"connection": "coda_sandbox", "interval_seconds": 1}))
        host.read()
        assert Metrics.of(host).value("sallyport_connection_healthy", connection="coda_sandbox") == 1
        sandbox.faults("coda: 402 always")
        while host.read()["params"]["status"] != "unhealthy":
            pass
        metrics = Metrics.of(host)
    assert metrics.labels("sallyport_connection_healthy") == [{"connection": "coda_sandbox"}]
    assert metrics.value("sallyport_connection_healthy") == 0


def test_restarts_of_a_plugin(tmp_path):
    plugins = Plugins(tmp_path / "plugins")
    plugins.add()
    plugins.add("other")
    with plugins.host() as host:
        host.pid()
        assert Metrics.of(host).value("sallyport_plugin_restarts_total", plugin="raw") == 0
        host.failure(steps=[{"exit": 1}])
        host.pid()
        metrics = Metrics.of(host)
    assert metrics.value("sallyport_plugin_restarts_total", plugin="raw") == 1
    assert {"plugin": "other"} in metrics.labels("sallyport_plugin_restarts_total")


# The file


def test_file_has_the_metrics_from_the_start_and_at_the_end(tmp_path):
    path = tmp_path / "sallyport.prom"
    with Host("--metrics", str(path)) as host:
        host.result("ping")
        assert Metrics(path.read_text()).value("sallyport_lines_total") == 0
        host.result("ping")
        assert host.finish()[0] == 0
    assert Metrics(path.read_text()).value("sallyport_lines_total") == 2
    check(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # No temporary file.
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_file_is_replaced_while_the_host_runs(tmp_path):
    path = tmp_path / "sallyport.prom"
    with Host("--metrics", str(path)) as host:
        host.result("ping")
        first = path.stat().st_ino
        eventually(lambda: path.stat().st_ino != first, "the file is replaced")
        assert Metrics(path.read_text()).value("sallyport_lines_total") == 1


def test_file_is_complete_after_a_signal_and_for_run(tmp_path):
    path = tmp_path / "sallyport.prom"
    with Host("--metrics", str(path)) as host:
        host.result("ping")
        host.signal(signal.SIGTERM)
        assert host.exit_code() == 0
    assert Metrics(path.read_text()).value("sallyport_lines_total") == 1
    requests = tmp_path / "requests.jsonl"
    requests.write_text("".join(json.dumps(request(id, "ping")) + "\n" for id in range(7)))
    assert run("run", str(requests), "--metrics", str(path)).code == 0
    assert Metrics(path.read_text()).value("sallyport_lines_total") == 7


def test_file_keeps_its_permissions_but_is_never_writable_by_others(tmp_path):
    path = tmp_path / "sallyport.prom"
    path.write_text("old")
    path.chmod(0o666)
    os.umask(0o022)
    assert run("serve", "--metrics", str(path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_text().endswith("# EOF\n")


@pytest.mark.parametrize("name", ["missing/sallyport.prom", "link.prom", "folder"])
def test_file_that_cannot_be_written_ends_the_start(name, tmp_path):
    (tmp_path / "target").write_text("kept")
    (tmp_path / "link.prom").symlink_to(tmp_path / "target")
    (tmp_path / "folder").mkdir()
    ended = run("serve", "--metrics", str(tmp_path / name))
    assert ended.code == 2 and ended.errors.startswith("sallyport: --metrics: ")
    assert (tmp_path / "target").read_text() == "kept"


def test_file_that_can_no_longer_be_written_is_logged_and_stops_nothing(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    with Host("--metrics", str(folder / "sallyport.prom")) as host:
        host.result("ping")
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()
        host.result("ping")
        assert host.finish()[0] == 0
        assert host.errors.count("cannot write the metrics") == 1
