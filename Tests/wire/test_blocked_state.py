"""What blocks delays nobody else: a held ledger lock, a stuck secret helper, an audit FIFO without a
reader. And the ledger file itself: compaction, damage, several processes.

The tests check the order of events, not times: what blocks is released after the answers have come.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import time

import pytest
from Support.host import TIMEOUT, Host, eventually, invoke, without_meta
from Support.sandbox import Sandbox

OUT = {"target_id": 7001, "scope": "out"}


def keyed(id, key, **options):
    return invoke(id, "list_scanners", idempotency_key=key, **options)


def change(id, key, **options):
    return invoke(id, "update_target_scan_scope", OUT, idempotency_key=key, **options)


def changes(sandbox: Sandbox) -> int:
    return sum(entry["method"] == "PATCH" for entry in sandbox.log())


@pytest.fixture
def state(tmp_path) -> pathlib.Path:
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def ledger(state) -> pathlib.Path:
    return state / "idempotency.jsonl"


@pytest.fixture
def options(sandbox, state) -> list[str]:
    return ["--connections", sandbox.file, "--state-dir", str(state)]


@contextlib.contextmanager
def held(ledger: pathlib.Path):
    """Another process, as far as flock(2) is concerned."""
    with ledger.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def record(number: int, end: str, milliseconds: int | None = None, result: str = "") -> str:
    time_ms = int(time.time() * 1_000) if milliseconds is None else milliseconds
    more = f',"result":{result}' if result else ""
    return f'{{"key":"{number:064x}","call":"{number:064x}","time":{time_ms},"end":"{end}"{more}}}\n'


# A held lock

def test_a_held_ledger_lock_delays_no_other_call_and_keyed_ones_only_to_their_deadline(ledger, options):
    with Host(*options) as host:
        with held(ledger):
            host.send(keyed("a", "a", timeout_ms=500), keyed("b", "b", timeout_ms=500),
                      invoke("unkeyed", "list_scanners", timeout_ms=20_000))
            answers = {answer["id"]: answer for answer in host.read_all(3)}
        assert "result" in answers["unkeyed"]
        for id in "ab":
            error = answers[id]["error"]["data"]
            assert (error["kind"], error["status_code"]) == ("unavailable", 503)
            assert (error["retryable"], error["outcome"]) == (True, "not_applied")
            assert "locked by another process" in error["message"]
            assert "--state-dir" in error["remedy"]
        # As soon as the lock is free the same keys can be used.
        for id in "ab":
            assert "result" in host.ask(keyed(id, id))


def test_more_held_calls_than_threads_delay_no_other(ledger, options):
    with Host(*options) as host:
        with held(ledger):
            host.send(*(keyed(id, str(id), timeout_ms=2_000) for id in range(32)))
            assert "result" in host.ask(invoke("unkeyed", "list_scanners"))
            # The slot of a call that has just been answered may still be taken.
            assert host.result("stats")["in_flight"] >= 32
            answers = host.read_all(32)
        assert {answer["error"]["data"]["kind"] for answer in answers} == {"unavailable"}


def test_a_held_lock_does_not_delay_the_answer_of_a_command_that_has_ended(vendor, state, ledger, tmp_path):
    connections = tmp_path / "connections.json"
    connections.write_text(json.dumps({"connections": {"gate": vendor.connection}}))
    shared = ["--connections", str(connections), "--state-dir", str(state)]
    rescan = invoke(1, "patch_rescan", idempotency_key="k")
    with Host(*shared) as host, Host(*shared) as other:
        host.send(rescan)
        vendor.wait_for(1)
        with held(ledger):
            vendor.open()
            result = host.read()["result"]
            # Its own process knows the result without the file.
            assert without_meta(host.ask(rescan | {"id": 2})["result"]) == without_meta(result)
        # The end is written once the lock is free, also when the host stops.
        assert host.finish() == (0, [])
        assert without_meta(other.ask(rescan)["result"]) == without_meta(result)
    assert vendor.arrived == 1


def test_a_host_ends_although_its_ledger_stays_locked(vendor, state, ledger, tmp_path):
    connections = tmp_path / "connections.json"
    connections.write_text(json.dumps({"connections": {"gate": vendor.connection}}))
    shared = ["--connections", str(connections), "--state-dir", str(state)]
    rescan = invoke(1, "patch_rescan", idempotency_key="k")
    with Host(*shared) as host:
        host.send(rescan)
        vendor.wait_for(1)
        with held(ledger):
            vendor.open()
            assert "result" in host.read()
            assert host.finish() == (0, [])
            host.wait_for_log("misses the end")
    with Host(*shared) as host:
        assert host.ask(rescan)["error"]["data"]["outcome"] == "unknown"
    assert vendor.arrived == 1


def test_a_finished_key_is_answered_while_the_lock_is_held(ledger, options, sandbox):
    with Host(*options) as host:
        first = host.ask(change(1, "k"))["result"]
        with held(ledger):
            assert without_meta(host.ask(change(2, "k", timeout_ms=20_000))["result"]) == without_meta(first)
    assert changes(sandbox) == 1


# The file

def test_a_long_ledger_is_compacted_and_its_keys_still_count(ledger, options, sandbox):
    pairs = 200_000
    result = json.dumps({"return_data": "Successful", "raw_data": "x" * 400})
    with ledger.open("w") as file:
        for number in range(pairs):
            file.write(record(number, "started") + record(number, "done", result=result))
    before = ledger.stat().st_size
    with Host(*options) as host:
        host.send(change(1, "k", timeout_ms=120_000))
        first = json.loads(host.read_line(120))["result"]
        assert host.finish() == (0, [])
    after = ledger.stat().st_size
    assert after < before / 15
    text = ledger.read_text()
    assert f"{pairs - 1:064x}" in text and f"{pairs - 9_000:064x}" in text
    # 10,000 keys, and the start and the end of the new one.
    assert f"{0:064x}" not in text and text.count("\n") <= 10_002
    assert not list(ledger.parent.glob("*.new"))
    with Host(*options) as host:
        assert without_meta(host.ask(change(2, "k"))["result"]) == without_meta(first)
    assert changes(sandbox) == 1 and ledger.stat().st_size == after


def test_two_processes_share_a_ledger_that_one_of_them_compacts(ledger, options, sandbox):
    with Host(*options) as one, Host(*options) as two:
        first = one.ask(change(1, "first"))["result"]
        assert without_meta(two.ask(change(1, "first"))["result"]) == without_meta(first)
        with ledger.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for number in range(20_000):
                file.write(record(number, "unknown", milliseconds=1_000))
        before = ledger.stat()
        second = one.ask(change(2, "second"))["result"]
        eventually(lambda: ledger.stat().st_ino != before.st_ino, "the ledger is compacted")
        assert ledger.stat().st_size < before.st_size / 10
        assert without_meta(two.ask(change(2, "first"))["result"]) == without_meta(first)
        assert without_meta(two.ask(change(3, "second"))["result"]) == without_meta(second)
        third = two.ask(change(4, "third"))["result"]
        assert without_meta(one.ask(change(4, "third"))["result"]) == without_meta(third)
        with Host(*options) as three:
            for key, result in (("first", first), ("second", second), ("third", third)):
                assert without_meta(three.ask(change(5, key))["result"]) == without_meta(result)
    assert changes(sandbox) == 3


def test_a_start_survives_the_compaction_of_another_process(vendor, state, ledger, tmp_path):
    connections = tmp_path / "connections.json"
    connections.write_text(json.dumps({"connections": {"gate": vendor.connection}}))
    shared = ["--connections", str(connections), "--state-dir", str(state)]
    rescan = invoke(1, "patch_rescan", idempotency_key="k")
    with Host(*shared) as one, Host(*shared) as two:
        one.send(rescan)
        vendor.wait_for(1)
        with ledger.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for number in range(20_000):
                file.write(record(number, "unknown", milliseconds=1_000))
        inode = ledger.stat().st_ino
        assert two.ask(rescan)["error"]["data"]["outcome"] == "unknown"
        eventually(lambda: ledger.stat().st_ino != inode, "the ledger is compacted")
        assert two.ask(rescan)["error"]["data"]["outcome"] == "unknown"
        vendor.open()
        result = one.read()["result"]
        assert without_meta(two.ask(rescan)["result"]) == without_meta(result)
    assert vendor.arrived == 1


EXTREME = ["-9223372036854775808", "9223372036854775807", "-1", "4102444800001", "1e300"]


@pytest.mark.parametrize("damage", [
    "".join(f'{{"key":"{number:064x}","call":"0a","time":{each},"end":"started"}}\n'
            for number, each in enumerate(EXTREME)).encode(),
    record(1, "done", result='{"a":1}')[:-9].encode(),
    bytes(range(256)) * 500,
    b"\xff" * 1_000_000 + b"\n",
    b"[" * 100_000 + b"\n",
], ids=["extreme times", "torn line", "binary", "long line", "deep line"])
def test_a_damaged_ledger_is_said_once_and_harms_no_key(damage, ledger, options, sandbox):
    ledger.write_bytes(damage)
    for key in "ab":
        with Host(*options) as host:
            assert "result" in host.ask(change(1, key))
            assert "result" in host.ask(change(2, key))
            assert host.finish() == (0, [])
            host.wait_for_log("invalid")
            assert host.errors.count("invalid") == 1, host.errors
    with Host(*options) as host:
        assert "result" in host.ask(change(1, "a"))
    assert changes(sandbox) == 2


# Secret helpers

def test_a_stuck_secret_helper_delays_nobody_else(sandbox, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    good = sandbox.connection
    password = good["settings"]["password"]

    def with_password(reference) -> dict:
        return good | {"settings": good["settings"] | {"password": reference}}

    stuck = [f"stuck{number}" for number in range(6)]
    connections = {name: with_password({"$command": ["cat", str(gate)]}) for name in stuck}
    connections["fifo"] = with_password({"$file": str(gate)})
    connections["good"] = with_password({"$command": ["printf", "%s", password]})
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": connections}))
    with Host("--connections", str(path)) as host:
        host.send(*(invoke(name, "list_scanners", connection=name, timeout_ms=500)
                    for name in [*stuck, "fifo"]))
        # Also one that needs a helper.
        host.send(invoke("good", "list_scanners", connection="good"))
        answers = {answer["id"]: answer for answer in host.read_all(8)}
        assert "result" in answers.pop("good")
        for answer in answers.values():
            assert answer["error"]["data"]["kind"] == "timeout", answer
            assert answer["error"]["data"]["outcome"] == "not_applied"


# The audit file

@pytest.fixture
def fifo(tmp_path) -> pathlib.Path:
    path = tmp_path / "audit"
    os.mkfifo(path)
    return path


def test_an_audit_fifo_without_a_reader_delays_nothing(fifo, sandbox):
    with Host("--connections", sandbox.file, "--audit", str(fifo)) as host:
        for id in range(5):
            assert "result" in host.ask(invoke(id, "list_scanners", timeout_ms=20_000))
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            text = b""
            deadline = time.monotonic() + TIMEOUT
            while text.count(b"\n") < 5 and time.monotonic() < deadline:
                with contextlib.suppress(BlockingIOError):
                    text += os.read(reader, 1 << 16)
                time.sleep(0.01)
            assert [json.loads(line)["id"] for line in text.splitlines()] == list(range(5))
            assert host.finish() == (0, [])
        finally:
            os.close(reader)


def test_a_host_ends_although_nobody_reads_its_audit_fifo(fifo, sandbox):
    with Host("--connections", sandbox.file, "--audit", str(fifo)) as host:
        assert "result" in host.ask(invoke(1, "list_scanners", timeout_ms=20_000))
        assert host.finish() == (0, [])
        host.wait_for_log("FIFO without a reader")
        host.wait_for_log("were not written")
