"""Idempotency keys: one call for one key, in one process, over several, and after a crash."""

from __future__ import annotations

import json
import pathlib
import signal
import stat
import threading

import pytest
from Support.host import TIMEOUT, Host, eventually, invoke, request, without_meta
from Support.sandbox import Sandbox
from Support.session import connection
from Support.upstream import Tenant, reply

OUT = {"target_id": 7001, "scope": "out"}


def changes(sandbox: Sandbox) -> int:
    return sum(entry["method"] == "PATCH" for entry in sandbox.log())


def rescan(id, vendor, key="k", **options):
    return invoke(id, "patch_rescan", connection=vendor.connection, idempotency_key=key, **options)


def test_the_same_key_and_arguments_are_run_once(sandbox):
    with Host("--connections", sandbox.file) as host:
        first = host.ask(invoke(1, "update_target_scan_scope", OUT, idempotency_key="k"))
        second = host.ask(invoke(2, "update_target_scan_scope", OUT, idempotency_key="k"))
        # Other white space and another order of members are the same arguments.
        host.send(rb'{"jsonrpc":"2.0","id":3,"method":"invoke","params":{"integration":"coda_footprint",'
                  rb'"command":"update_target_scan_scope","arguments":{ "scope":"\u006fut", "target_id":7001},'
                  rb'"options":{"idempotency_key":"k"}}}')
        third = host.read()
    first, second, third = (without_meta(answer["result"]) for answer in (first, second, third))
    assert first == second == third
    assert changes(sandbox) == 1


def test_another_key_or_none_repeats_the_command(sandbox):
    with Host("--connections", sandbox.file) as host:
        for id, key in enumerate(["a", "b", None, None]):
            options = {} if key is None else {"idempotency_key": key}
            assert "result" in host.ask(invoke(id, "update_target_scan_scope", OUT, **options))
    assert changes(sandbox) == 4


@pytest.mark.parametrize("other", [
    invoke(2, "update_target_scan_scope", OUT | {"scope": "in"}, idempotency_key="k"),
    invoke(2, "update_target_scan_scope", OUT | {"footprint_tenant_id": 1}, idempotency_key="k"),
    invoke(2, "patch_rescan", idempotency_key="k"),
    invoke(2, "patch_rescan", {}, idempotency_key="k"),
])
def test_the_same_key_for_another_call_is_refused(other, sandbox):
    with Host("--connections", sandbox.file) as host:
        assert "result" in host.ask(invoke(1, "update_target_scan_scope", OUT, idempotency_key="k"))
        error = host.ask(other)["error"]
    assert error["code"] in (-32000, -32602)
    assert (error["data"]["kind"], error["data"]["outcome"]) == ("validation", "not_applied")
    assert changes(sandbox) == 1


def test_a_key_belongs_to_a_connection(sandbox):
    with Host("--connections", sandbox.file) as host:
        host.result("connections/put", {"name": "other", "connection": sandbox.connection})
        for connection in ("coda_sandbox", "other", "other", "coda_sandbox"):
            assert "result" in host.ask(
                invoke(1, "update_target_scan_scope", OUT, connection=connection, idempotency_key="k"))
    assert changes(sandbox) == 2


def test_requests_with_one_key_at_a_time_share_one_call(vendor):
    with Host() as host:
        host.send(*(rescan(id, vendor) for id in range(5)))
        vendor.wait_for(1)
        # All of them have been taken in.
        assert host.result("stats")["in_flight"] == 5
        vendor.open()
        results = [host.read()["result"] for _ in range(5)]
        assert host.finish() == (0, [])
    assert vendor.arrived == 1
    assert all(without_meta(result) == without_meta(results[0]) for result in results)


def test_a_request_that_waits_for_another_can_be_cancelled(vendor):
    with Host() as host:
        host.send(rescan("first", vendor))
        vendor.wait_for(1)
        host.send(rescan("second", vendor))
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": "second"}})
        answer = host.read()
        assert (answer["id"], answer["error"]["code"]) == ("second", -32800)
        vendor.open()
        assert host.read()["id"] == "first"
        assert host.finish() == (0, [])
    assert vendor.arrived == 1


def test_key_is_released_after_a_failure_without_effect(sandbox):
    with Host("--connections", sandbox.file) as host:
        sandbox.faults("coda: 403 always on PATCH /api/*")
        error = host.ask(invoke(1, "update_target_scan_scope", OUT, idempotency_key="k"))["error"]
        assert error["data"]["outcome"] == "not_applied"
        sandbox.faults()
        assert "result" in host.ask(invoke(2, "update_target_scan_scope", OUT, idempotency_key="k"))


def test_after_an_unknown_outcome_the_key_runs_nothing(vendor):
    with Host() as host:
        error = host.ask(rescan(1, vendor, timeout_ms=1_000))["error"]
        assert error["data"]["outcome"] == "unknown"
        vendor.open()
        error = host.ask(rescan(2, vendor))["error"]
        assert error["data"]["outcome"] == "unknown" and "list_scanners" in error["data"]["remedy"]
        assert "result" in host.ask(rescan(3, vendor, key="another"))
    assert vendor.arrived == 2


# Over several processes

def test_a_key_is_remembered_in_the_state_directory(sandbox, tmp_path):
    state = tmp_path / "state"
    results = []
    for _ in range(2):
        with Host("--connections", sandbox.file, "--state-dir", str(state)) as host:
            results.append(host.ask(invoke(1, "update_target_scan_scope", OUT, idempotency_key="k-e-y"))["result"])
            error = host.ask(invoke(2, "patch_rescan", idempotency_key="k-e-y"))["error"]
            assert error["data"]["kind"] == "validation"
    assert without_meta(results[0]) == without_meta(results[1]) and changes(sandbox) == 1
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for file in state.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "k-e-y" not in file.read_text()


def test_without_a_state_directory_a_key_is_forgotten_with_the_process(sandbox):
    for _ in range(2):
        with Host("--connections", sandbox.file) as host:
            assert "result" in host.ask(invoke(1, "update_target_scan_scope", OUT, idempotency_key="k"))
    assert changes(sandbox) == 2


def connections_file(tmp_path: pathlib.Path, vendor) -> str:
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": {"gate": vendor.connection}}))
    return str(path)


@pytest.fixture
def shared(tmp_path, vendor) -> list[str]:
    """Options of hosts that share a connection and a state directory."""
    return ["--connections", connections_file(tmp_path, vendor), "--state-dir", str(tmp_path / "state")]


KEYED = invoke(1, "patch_rescan", idempotency_key="k")


@pytest.mark.parametrize("left_behind", ["", '{"key":"ab'])
def test_after_a_crash_in_the_middle_of_a_change_the_outcome_is_unknown(left_behind, vendor, shared, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/idempotency.jsonl").write_text(left_behind)
    with Host(*shared) as host:
        host.send(KEYED)
        vendor.wait_for(1)
        host.signal(signal.SIGKILL)
        host.exit_code()
    vendor.open()
    for _ in range(2):
        with Host(*shared) as host:
            error = host.ask(KEYED)["error"]
            assert (error["code"], error["data"]["outcome"]) == (-32000, "unknown")
            assert "list_scanners" in error["data"]["remedy"]
    assert vendor.arrived == 1


def test_two_processes_do_not_run_one_key_at_a_time(vendor, shared):
    with Host(*shared) as first, Host(*shared) as second:
        first.send(KEYED)
        vendor.wait_for(1)
        error = second.ask(KEYED)["error"]
        assert error["data"]["outcome"] == "unknown"
        vendor.open()
        result = first.read()["result"]
        # What the first one wrote down is known to the second one now.
        assert without_meta(second.ask(KEYED)["result"]) == without_meta(result)
    assert vendor.arrived == 1


def test_a_call_that_was_not_sent_does_not_forget_what_another_process_did(tmp_path):
    """It waits for its sign-in while another process runs the same key."""
    signs_in = threading.Event()

    def login(request, number):
        if number == 1:
            signs_in.wait(TIMEOUT)
        return reply(200, Tenant.tokens(number))

    with Tenant(lambda request: reply(200, {}), login) as tenant:
        path = tmp_path / "connections.json"
        path.touch(0o600)
        path.write_text(json.dumps({"connections": {"main": connection(tenant.url)}}))
        options = ["--connections", str(path), "--state-dir", str(tmp_path / "state")]
        with Host(*options) as first, Host(*options) as second:
            first.send(KEYED)
            eventually(lambda: tenant.sign_ins == 1, "the first host signs in")
            result = second.ask(KEYED)["result"]
            # Reads the ledger.
            first.send(invoke(2, "patch_rescan", idempotency_key="other"))
            first.send(request(3, "cancel", {"id": 2}), request(4, "cancel", {"id": 1}))
            answers = {message["id"]: message for message in first.read_all(4)}
            assert answers[1]["error"]["data"]["outcome"] == "not_applied"
            signs_in.set()
            replayed = first.ask(KEYED)["result"]
            assert replayed["meta"]["replayed"] and without_meta(replayed) == without_meta(result)
        assert len(tenant.requests) - tenant.sign_ins == 1


@pytest.mark.parametrize("rubbish", ['{"key":"ab', "nonsense", '{"key":1}\n{}\n[]\n', "\n\n", "\x00\xff"])
def test_truncated_record_in_the_ledger_does_not_affect_later_records(rubbish, vendor, shared, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/idempotency.jsonl").write_text(rubbish)
    vendor.open()
    for _ in range(3):
        with Host(*shared) as host:
            assert "result" in host.ask(KEYED)
    assert vendor.arrived == 1


def test_a_state_directory_that_cannot_be_used_is_an_error_at_the_start():
    with Host("--state-dir", "/proc/nowhere") as host:
        assert host.exit_code() == 2
        host.wait_for_log("/proc/nowhere")
