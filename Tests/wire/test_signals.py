"""Signals: drain, cancel, reopen. MCP clients close stdin, wait 2 s, send SIGTERM, wait 2 s, kill."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
from Support.host import EXECUTABLE, Host, environment, eventually, invoke, line, request

#: Seconds, far below the drain timeout of 30. On an idle machine it takes less than one.
PATIENCE = 15.0


def slow_call(id, vendor, **options):
    return invoke(id, "list_tenants", connection=vendor.connection, **options)


def slow_write(id, vendor, **options):
    return invoke(id, "patch_rescan", connection=vendor.connection, **options)


def audited(path, event="finished"):
    lines = [json.loads(each) for each in path.read_text().splitlines()]
    return [each for each in lines if each["event"] == event]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_after_eof_cancels_at_once(vendor, tmp_path, number):
    audit = tmp_path / "audit.jsonl"
    with Host("--max-in-flight", "3", "--audit", str(audit)) as host:
        host.send(slow_call(1, vendor), slow_write(2, vendor), slow_write(3, vendor), slow_write(4, vendor))
        vendor.wait_for(3)
        host.close_input()
        begin = time.monotonic()
        host.signal(number)
        answers = {answer["id"]: answer["error"] for answer in host.rest()}
        assert host.exit_code() == 3
        assert time.monotonic() - begin < PATIENCE
    assert {id: error["data"]["outcome"] for id, error in answers.items()} == {
        1: "not_applied", 2: "unknown", 3: "unknown", 4: "not_applied"}
    assert {error["code"] for error in answers.values()} == {-32800}
    # Every started write is in the audit file, with its end.
    for event in ("started", "finished"):
        assert [entry["command"] for entry in audited(audit, event)].count("patch_rescan") == 2


def test_signal_after_shutdown_cancels_at_once(vendor):
    with Host() as host:
        host.send(slow_call(1, vendor))
        vendor.wait_for(1)
        assert host.ask(request("end", "shutdown"))["result"] == {}
        host.signal(signal.SIGTERM)
        assert host.read()["error"]["code"] == -32800
        assert host.exit_code() == 3


def test_signal_after_eof_cancels_while_input_is_unread(vendor):
    """The host has stopped reading, so it cannot have seen EOF."""
    calls = b"".join(
        line(json.dumps(slow_call(id, vendor)) + " " * 1_000_000) for id in range(10))
    with Host("--max-in-flight", "1") as host:
        host.send_bytes(calls)
        vendor.wait_for(1)
        host.wait_until_input_is_read()
        # 1 in flight, 8 parked, the last one waits for memory. What follows stays in the pipe.
        host.send(request("unread", "ping"))
        host.close_input()
        begin = time.monotonic()
        host.signal(signal.SIGTERM)
        answers = {answer["id"]: answer for answer in host.rest()}
        assert host.exit_code() == 3
        assert time.monotonic() - begin < PATIENCE
    assert {*range(10)} <= set(answers)
    assert all(answers[id]["error"]["code"] == -32800 for id in range(10))


def test_signal_after_eof_ends_a_host_whose_output_is_unread(vendor):
    """Nobody reads the answers: the host does not wait for the drain timeout to write them."""
    with Host(reads_output=False) as host:
        host.send_bytes(b"".join(line(request(id, "capabilities")) for id in range(20)))
        host.send(slow_call(1, vendor))
        vendor.wait_for(1)
        host.close_input()
        host.signal(signal.SIGTERM)
        assert host.process.wait(20) == 3


def test_rate_limited_calls_end_at_the_second_signal():
    with Host("--sandbox", "--sandbox-fault", "coda: 429 always retry-after 50") as host:
        host.send(*(invoke(id, "list_tenants") for id in range(80)))
        eventually(lambda: host.result("stats")["parked"] == 16, "64 calls wait")
        begin = time.monotonic()
        host.signal(signal.SIGTERM)
        parked = [answer["id"] for answer in host.read_all(16)]
        host.signal(signal.SIGTERM)
        answers = host.rest()
        assert host.exit_code() == 3
        assert time.monotonic() - begin < PATIENCE
    assert sorted(parked + [answer["id"] for answer in answers]) == list(range(80))


def test_sighup_reopens_the_audit_file_and_the_host_goes_on(tmp_path):
    audit = tmp_path / "audit.jsonl"
    with Host("--sandbox", "--audit", str(audit)) as host:
        host.ask(invoke(1, "list_tenants"))
        audit.rename(tmp_path / "old.jsonl")
        host.signal(signal.SIGHUP)
        host.wait_for_log("SIGHUP")
        host.ask(invoke(2, "list_tenants"))
        assert host.finish() == (0, [])
    assert [entry["id"] for entry in audited(tmp_path / "old.jsonl")] == [1]
    assert [entry["id"] for entry in audited(audit)] == [2]


def test_audit_file_that_cannot_be_reopened_is_kept(tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    with Host("--sandbox", "--audit", str(folder / "audit.jsonl")) as host:
        host.ask(invoke(1, "list_tenants"))
        folder.rename(tmp_path / "old")
        host.signal(signal.SIGHUP)
        host.wait_for_log("cannot be reopened, and its old one is kept")
        host.ask(invoke(2, "list_tenants"))
        assert host.finish() == (0, [])
    assert [entry["id"] for entry in audited(tmp_path / "old" / "audit.jsonl")] == [1, 2]


def test_sighup_without_any_file_does_nothing():
    with Host() as host:
        host.ask(request(0, "ping"))
        host.signal(signal.SIGHUP)
        host.wait_for_log("SIGHUP")
        assert host.ask(request(1, "ping"))["result"] == {}
        assert host.finish() == (0, [])


def test_sighup_drains_run(tmp_path, vendor):
    requests = tmp_path / "requests.jsonl"
    requests.write_bytes(line(slow_call(1, vendor)))
    with Host(str(requests), "--log-level", "info", command=("run",)) as host:
        vendor.wait_for(1)
        host.signal(signal.SIGHUP)
        # The file is at EOF, so this signal cancels.
        assert host.read()["error"]["code"] == -32800
        assert host.exit_code() == 3


def test_sighup_drains_run_that_still_reads(vendor):
    with Host("-", "--log-level", "info", command=("run",)) as host:
        host.send(slow_call(1, vendor))
        vendor.wait_for(1)
        host.signal(signal.SIGHUP)
        host.wait_for_log("stopping: ")
        vendor.open()
        assert "result" in host.read()
        assert host.exit_code() == 0


def test_sighup_cancels_call(vendor, tmp_path):
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {"main": vendor.connection}}))
    with Host(
        "coda_footprint", "patch_rescan", "--raw", "--connections", str(file), command=("call",)) as call:
        vendor.wait_for(1)
        call.signal(signal.SIGHUP)
        answer = json.loads(b"".join(call.rest_lines()))
        assert call.exit_code() == 1
    data = answer["data"]
    assert (data["kind"], data["outcome"]) == ("cancelled", "unknown")


def test_ignored_sighup_stays_ignored_by_run(vendor):
    """As under nohup."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'trap "" HUP; exec "$0" run -', EXECUTABLE], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=environment())
    assert process.stdin and process.stdout
    with process:
        process.stdin.write(line(slow_call(1, vendor)))
        process.stdin.flush()
        vendor.wait_for(1)
        process.send_signal(signal.SIGHUP)
        process.stdin.write(line(request(2, "ping")))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 2
        vendor.open()
        process.stdin.close()
        assert "result" in json.loads(process.stdout.readline())
        assert process.wait(30) == 0
