"""Metrics: the method, the file, and counters that add up (12.5)."""

from __future__ import annotations

import json
import os
import signal
import stat

import pytest
from Support.control_center import ControlCenter, failure, success
from Support.host import Host, eventually, invoke, request, run
from Support.metrics import Metrics, check
from Support.plugins import Plugins
from Support.sandbox import Sandbox
from Support.session import connection
from Support.upstream import Tenant, in_turn, reply, reset

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


# Counters


def test_counters_of_every_result_agree_with_the_vendor(tmp_path):
    """What a caller saw and what the vendor received are what the metrics say."""
    answers = {"broken": in_turn(reply(503), reply(200, [])), "failed": lambda _: reply(404)}
    current = ["fine"]

    def answer(received):
        return answers.get(current[0], lambda _: reply(200, []))(received)

    with Tenant(answer) as vendor:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {
            "main": connection(vendor.url),
            "strict": connection(vendor.url, policy={"deny": ["list_*"]})}}))
        with Host("--connections", str(file)) as host:
            def call(number, name="list_tenants", arguments=None, vendor="main", **options):
                return host.ask(invoke(number, name, arguments, connection=vendor, **options))

            for number in range(3):
                assert "result" in call(number)
            current[0] = "broken"
            assert call(10)["result"]["meta"]["retries"] == 1
            current[0] = "failed"
            for number in range(20, 22):
                assert call(number)["error"]["data"]["kind"] == "not_found"
            current[0] = "fine"
            write_call = {"arguments": {"target_id": 7001, "scope": "out"}, "idempotency_key": "k"}
            assert "result" in call(30, "update_target_scan_scope", **write_call)
            assert call(31, "update_target_scan_scope", **write_call)["result"]["meta"]["replayed"] is True
            # Refused: arguments, a policy, an unknown connection, names that are not in the catalogue.
            assert call(40, "list_device_users", {})["error"]["code"] == -32602
            assert call(41, vendor="strict")["error"]["data"]["kind"] == "policy"
            assert call(42, vendor="absent")["error"]["code"] == -32602
            for number in range(50, 60):
                assert call(number, f"invented_{number}")["error"]["code"] == -32602
                host.ask(request(number, "invoke", {"integration": f"made_up_{number}", "command": "x"}))
            assert "result" in call(70, dry_run=True)
            metrics = Metrics.of(host)
        received = list(vendor.requests)
    total = "sallyport_invocations_total"
    listed = {"integration": "coda_footprint", "command": "list_tenants", "connection": "main"}
    assert metrics.value(total, **listed, result="successful", kind="") == 4
    assert metrics.value(total, **listed, result="failed", kind="not_found") == 2
    assert metrics.value(total, command="update_target_scan_scope", result="successful") == 1
    assert metrics.value(total, command="update_target_scan_scope", result="replayed") == 1
    assert metrics.value(total, command="list_device_users", result="refused", kind="validation") == 1
    assert metrics.value(total, connection="strict", result="refused", kind="policy") == 1
    assert metrics.value(total, command="list_tenants", connection="_unknown", result="refused") == 1
    assert metrics.value(
        total, integration="coda_footprint", command="_unknown", result="refused") == 10
    assert metrics.value(total, integration="_unknown", command="_unknown", result="refused") == 10
    assert metrics.value(total) == 8 + 23
    count = "sallyport_invocation_duration_seconds_count"
    assert metrics.value(count) == 8
    assert metrics.value(count, command="list_tenants") == 6
    sent = "sallyport_http_requests_total"
    assert metrics.value(sent, integration="coda_footprint") == len(received)
    assert metrics.value(sent, status="404") == 2 and metrics.value(sent, status="503") == 1
    assert metrics.value("sallyport_retries_total") == 1
    check(metrics.text)
    assert "7001" not in metrics.text and "invented" not in metrics.text and "made_up" not in metrics.text


def test_partial_success():
    targets = ["6affe1e0b1a43d0003000004", "6affe1e0b1a43d0003000005"]

    def answer(received, method, params):
        failed = targets[0] in received.body.decode()
        return failure(received, "No.") if failed else success(received, True)

    with ControlCenter(answer) as center, Host() as host:
        result = host.ask(request(1, "invoke", {
            "integration": "bitdefender_gravityzone", "command": "isolate_endpoints",
            "connection": center.connection(), "arguments": {"endpoint_ids": targets}}))["result"]
        assert result["return_data"] == "Partially Successful"
        metrics = Metrics.of(host)
        assert metrics.value("sallyport_http_requests_total") == len(center.requests)
    assert metrics.value("sallyport_invocations_total", result="partial", kind="") == 1


def test_requests_without_a_response_have_the_kind_of_their_error():
    with Tenant(in_turn(reset, reply(200, []))) as vendor, Host() as host:
        assert "result" in host.ask(invoke(1, "list_tenants", connection=connection(vendor.url)))
        metrics = Metrics.of(host)
        assert metrics.value("sallyport_http_requests_total") == len(vendor.requests)
    assert metrics.value("sallyport_http_requests_total", status="network") == 1
    assert metrics.value("sallyport_invocations_total", connection="_inline", result="successful") == 1


def test_wait_for_a_rate_limit_is_shown_while_it_lasts_and_counted_after():
    limited = {"rate_limits": {"default": {"requests": 2, "per_seconds": 2}}}
    with Tenant() as vendor, Host() as host:
        assert "connection" not in host.result("connections/put", {
            "name": "slow", "connection": connection(vendor.url, **limited)})
        host.send(*(invoke(id, "list_tenants", connection="slow") for id in range(2)))
        assert "result" in host.read()
        waiting = Metrics.of(host)
        assert "result" in host.read()
        after = Metrics.of(host)
    assert waiting.value("sallyport_rate_limit_waiting") == 1
    assert after.value("sallyport_rate_limit_waiting") == 0
    [labels] = after.labels("sallyport_rate_limit_wait_seconds_total")
    assert labels == {"connection": "slow", "bucket": "default"}
    assert after.value("sallyport_rate_limit_wait_seconds_total") > 0


def test_a_parked_call_that_is_cancelled_was_refused(vendor):
    with Host("--max-in-flight", "1") as host:
        host.send(*(invoke(id, "list_tenants", connection=vendor.connection) for id in range(2)))
        vendor.wait_for(1)
        host.send(request("c", "cancel", {"id": 1}))
        host.read_all(2)
        metrics = Metrics.of(host)
        assert metrics.value("sallyport_invocations_total", result="refused", kind="cancelled") == 1
        assert metrics.value("sallyport_in_flight") == 1
        vendor.open()
        host.read()


def test_tool_calls_count_also_those_without_consent():
    with Host("--sandbox") as host:
        host.ask(request(0, "initialize", {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}))
        for id, (tool, arguments) in enumerate([
                ("coda_footprint__list_devices", {}), ("coda_footprint__list_devices", {"page": "x"}),
                ("bitdefender_gravityzone__delete_endpoints", {"endpoint_ids": ["6affe1e0b1a43d0003000004"]}),
                ("coda_footprint__invented", {})], 1):
            host.ask(request(id, "tools/call", {"name": tool, "arguments": arguments}))
        metrics = Metrics.of(host)
    total = "sallyport_invocations_total"
    assert metrics.value(total, command="list_devices", result="successful") == 1
    assert metrics.value(total, command="list_devices", result="refused", kind="validation") == 1
    assert metrics.value(total, command="delete_endpoints", result="refused", kind="policy") == 1
    assert metrics.value(total, command="_unknown", result="refused", kind="validation") == 1
    assert metrics.value(total) == 4


def test_calls_behind_the_fence_of_mcp_only_count(tmp_path):
    path = tmp_path / "sallyport.prom"
    with Host("--mcp-only", "--metrics", str(path)) as host:
        assert "error" in host.ask(invoke(1, "list_tenants"))
        assert host.finish()[0] == 0
    metrics = Metrics(path.read_text())
    assert metrics.value(
        "sallyport_invocations_total", command="list_tenants", result="refused", kind="policy") == 1


# Limits


def test_names_of_callers_are_escaped():
    name = ('a"b\\c\nd' + "x" * 128)[:128]
    with Host() as host:
        host.result("connections/put", {"name": name, "connection": connection("http://127.0.0.1:9")})
        host.ask(invoke(1, "list_device_users", {}, connection=name))
        metrics = Metrics.of(host)
    [labels] = metrics.labels("sallyport_invocations_total")
    assert labels["connection"] == name
    check(metrics.text)


def test_the_number_of_label_sets_is_bounded():
    """2,000 combinations of integration, command and connection, and one for all others."""
    calls = 2_100
    with Host() as host:
        for number in range(calls):
            host.send(
                request(f"p{number}", "connections/put", {
                    "name": f"c{number}", "connection": connection("http://127.0.0.1:9")}),
                invoke(number, "list_device_users", {}, connection=f"c{number}"),
                request(f"r{number}", "connections/remove", {"name": f"c{number}"}))
        host.read_all(3 * calls)
        metrics = Metrics.of(host)
    assert metrics.value("sallyport_invocations_total") == calls
    assert len(metrics.labels("sallyport_invocations_total")) == 2_001
    assert metrics.value(
        "sallyport_invocations_total", integration="_other", command="_other", connection="_other") == 100


def test_a_fifo_is_not_replaced_by_the_file_of_metrics(tmp_path):
    path = tmp_path / "metrics"
    os.mkfifo(path)
    with Host("--metrics", str(path)) as host:
        assert host.exit_code() == 2
        assert "is not a regular file" in host.errors
    assert path.is_fifo()
