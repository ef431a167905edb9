"""The vendor's rate limits: per API key, within and across processes, with and without deadlines."""

import contextlib
import fcntl
import json
import threading
import time

import pytest
from Support.control_center import ControlCenter, connection, success
from Support.gravityzone import GravityZone, Ids
from Support.host import run
from Support.pacing import assert_paced
from Support.session import PATIENCE, Host
from Support.session import connection as coda_connection
from Support.upstream import Reply, Tenant
from Support.upstream import reply as answer_with

LABEL = "update_endpoint_labels"


def ids(count):
    return [f"5b680f6fb1a43d860a7b{number:04x}" for number in range(count)]


@pytest.fixture
def sandbox(running):
    running.reset()
    return running


@pytest.fixture
def alone(tmp_path):
    """Options of a host whose rate limits no other test uses."""
    return ["--state-dir", str(tmp_path)]


def blocked(sandbox, count):
    """Fills the block list without counting requests, and returns the IDs of the items."""
    sandbox.faults("gravityzone: no rate limits")
    hashes = [f"{number:032x}" for number in range(count)]
    client = GravityZone(sandbox.base)
    client.call("addToBlocklist", hashType=2, hashList=hashes, sourceInfo="test")
    items = client.pages("getBlocklistItems")
    sandbox.faults()
    return [item["id"] for item in items if item["hash"] in hashes]


# Removing 20 items at 5 per minute


def test_with_a_deadline_it_fails_fast_and_removes_nothing(sandbox, alone):
    items = blocked(sandbox, 20)
    with Host(sandbox.gravityzone, options=alone) as host:
        data = host.failure("remove_from_block_list", {"hash_item_ids": items}, timeout_ms=1_000)
    assert (data["kind"], data["status_code"], data["outcome"]) == (
        "rate_limited", 429, "not_applied")
    assert "last of 20 requests" in data["message"]
    # The last five requests must wait for three one-minute windows.
    assert data["retry_after_ms"] >= 180_000
    assert data["retryable"] is True
    removals = [e for e in sandbox.log() if "removeFromBlocklist" in e["body"]]
    assert removals == []


def test_call_without_a_deadline_reports_its_wait_and_continues(sandbox, alone):
    items = blocked(sandbox, 20)
    with Host(sandbox.gravityzone, options=alone) as host:
        number = host.start("remove_from_block_list", {"hash_item_ids": items}, stream=True)
        waiting = host.seen("invoke/waiting", number)
        with host.changed:
            assert host.changed.wait_for(
                lambda: sum(m["method"] == "invoke/item" for m in host.messages) == 5, PATIENCE)
        (limits,) = host.call("limits")["connections"].values()
        assert host.call("cancel", {"id": number}) == {"cancelled": True}
        error = host.wait(number)[0]["error"]
    assert waiting["reason"] == "rate_limited"
    assert waiting["resume_at"].endswith("Z")
    (bucket,) = limits
    assert (bucket["bucket"], bucket["requests"], bucket["per_seconds"]) == ("blocklist", 5, 60.0)
    assert (bucket["available"], bucket["shared"]) == (0, True)
    assert 0 < bucket["resume_in_ms"] <= 250_000
    states = [t["return_data"] for t in error["data"]["targets"]]
    assert states.count("Successful") == 5 and states.count("Failed") == 15


def test_all_items_are_removed_within_a_short_window(sandbox, alone):
    items = blocked(sandbox, 20)
    # Tests that all requests are sent in time, not the vendor's limit.
    sandbox.faults("gravityzone: no rate limits")
    limits = {"blocklist": {"requests": 5, "per_seconds": 0.4}}
    with Host({**sandbox.gravityzone, "rate_limits": limits}, options=alone) as host:
        result = host.result("remove_from_block_list", {"hash_item_ids": items})
    assert result["return_data"] == "Successful"
    assert result["meta"]["requests"] == 20
    assert result["meta"]["waited_ms"] >= 1_200
    left = {item["id"] for item in GravityZone(sandbox.base).pages("getBlocklistItems")}
    assert left.isdisjoint(items)


def test_a_429_of_the_vendor_delays_the_retry(sandbox, alone):
    """The key was used elsewhere, so the vendor counted more requests."""
    items = blocked(sandbox, 3)
    client = GravityZone(sandbox.base)
    while client.post("removeFromBlocklist", {"hashItemId": "0" * 24}).status_code != 429:
        pass
    with Host(sandbox.gravityzone, options=alone) as host:
        number = host.start("remove_from_block_list", {"hash_item_ids": items[:1]}, stream=True)
        waiting = host.seen("invoke/waiting", number)
        host.call("cancel", {"id": number})
        data = host.wait(number)[0]["error"]["data"]
        # Retry-After of the vendor delays the whole bucket.
        late = host.failure("remove_from_block_list", {"hash_item_ids": items[1:2]}, timeout_ms=500)
    assert waiting["reason"] == "rate_limited"
    assert data["outcome"] == "not_applied"
    assert late["kind"] == "rate_limited"


# Sharing


def test_two_connections_with_one_key_share_its_limit():
    limits = {"default": {"requests": 3, "per_seconds": 0.5}}
    with ControlCenter() as center:
        shared = center.connection(rate_limits=limits)
        with Host(shared, shared) as host:
            begin = time.monotonic()
            numbers = [
                host.start(LABEL, {"endpoint_ids": ids(5)}, name) for name in ("main", "other1")]
            for number in numbers:
                assert "result" in host.wait(number)[0]
        assert len(center.requests) == 10
        assert_paced(center.requests, 3, 0.5, begin)


def test_another_key_has_its_own_limit():
    limits = {"default": {"requests": 2, "per_seconds": 3_600}}
    with ControlCenter() as center:
        one = center.connection(rate_limits=limits)
        other = center.connection(rate_limits=limits, settings={"api_key": "another key 1234"})
        with Host(one, other) as host:
            host.result(LABEL, {"endpoint_ids": ids(2)}, "main")
            assert host.failure(LABEL, {"endpoint_ids": ids(1)}, "main", timeout_ms=500)[
                "kind"] == "rate_limited"
            host.result(LABEL, {"endpoint_ids": ids(2)}, "other1")


def test_two_processes_with_one_key_share_its_limit(tmp_path):
    limits = {"default": {"requests": 10, "per_seconds": 0.5}}
    with ControlCenter() as center:
        shared = center.connection(rate_limits=limits)
        options = ["--state-dir", str(tmp_path)]
        with Host(shared, options=options) as one, Host(shared, options=options) as two:
            begin = time.monotonic()
            numbers = [(h, h.start(LABEL, {"endpoint_ids": ids(20)})) for h in (one, two)]
            for host, number in numbers:
                assert host.wait(number)[0]["result"]["return_data"] == "Successful"
        # Without the shared state each process alone would send as many.
        assert_paced(center.requests, 10, 0.5, begin)
        assert len(center.requests) == 40
    folder = tmp_path / "limits"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert b"ab12cd34" not in file.read_bytes() and "ab12cd34" not in file.name


def test_later_process_counts_earlier_requests(tmp_path):
    limits = {"default": {"requests": 2, "per_seconds": 3_600}}
    options = ["--state-dir", str(tmp_path)]
    with ControlCenter() as center:
        shared = center.connection(rate_limits=limits)
        with Host(shared, options=options) as host:
            host.result(LABEL, {"endpoint_ids": ids(2)})
        with Host(shared, options=options) as host:
            data = host.failure(LABEL, {"endpoint_ids": ids(1)}, timeout_ms=1_000)
    assert data["kind"] == "rate_limited"
    assert len(center.requests) == 2


@contextlib.contextmanager
def held(file, seconds=600):
    """The lock of a limits file, as a process that was stopped in the middle holds it; yields an event
    that is set when the process goes on and releases it."""
    with file.open("r+b") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        released = threading.Event()

        def release():
            released.set()
            fcntl.flock(stopped, fcntl.LOCK_UN)

        timer = threading.Timer(seconds, release)
        timer.start()
        yield released
        timer.cancel()
        timer.join()


@pytest.fixture
def limited(tmp_path):
    """A host whose limits are in a file, that file, and a call of another vendor."""
    limits = {"default": {"requests": 1_000, "per_seconds": 3_600}}
    with ControlCenter() as center, Tenant(lambda request: answer_with(200, [1])) as tenant:
        connections = [center.connection(rate_limits=limits), coda_connection(tenant.url)]
        with Host(*connections, options=["--state-dir", str(tmp_path)]) as host:
            host.result("list_groups", {}, "main")
            coda = {"integration": "coda_footprint", "command": "list_scanners",
                    "connection": "other1"}
            host.wait(host.request("invoke", coda))
            (file,) = (tmp_path / "limits").iterdir()
            yield host, file, coda


def shared_limit(host):
    (limit,) = host.call("limits")["connections"]["main"]
    return limit


def test_a_held_limits_file_delays_no_call_beyond_its_deadline(limited):
    """The order of events: all are answered before the holder goes on. It does so a moment before the
    host would stop waiting for a lock."""
    host, file, coda = limited
    with held(file, seconds=1.9) as released:
        calls = [host.start("list_groups", {}, "main", timeout_ms=500) for _ in range(8)]
        beside = host.request("invoke", coda)
        answers = [host.wait(number)[0] for number in [*calls, beside]]
        assert not released.is_set()
    assert answers.pop()["result"]["return_data"] == "Successful"
    for message in answers:
        # The rest of the time may be too short for the request on a busy machine.
        assert "result" in message or message["error"]["data"]["kind"] == "timeout"


def test_a_limits_file_that_stays_held_is_ignored_and_later_used_again(limited):
    host, file, _ = limited
    with held(file):
        host.result("list_groups", {}, "main")
        assert shared_limit(host)["shared"] is False
        host.result("list_groups", {}, "main", timeout_ms=10_000)
    host.result("list_groups", {}, "main")
    assert shared_limit(host)["shared"] is True
    assert shared_limit(host)["available"] == 1_000 - 4, "requests during the lock are counted"
    host.close()
    assert host.stderr.count(b"rate limits are not shared with other processes") == 1


def test_commands_share_a_limit_only_within_a_bucket():
    limits = {"tasks": {"requests": 1, "per_seconds": 3_600}}
    with ControlCenter() as center, Host(center.connection(rate_limits=limits)) as host:
        host.result("delete_endpoints", {"endpoint_ids": ids(1)})
        data = host.failure(
            "quarantine_files", {"endpoint_ids": ids(1), "file_path": "/x"}, timeout_ms=500)
        assert data["kind"] == "rate_limited"
        host.result("list_groups")


def test_command_can_have_its_own_limit():
    limits = {"delete_endpoints": {"requests": 1, "per_seconds": 3_600}}
    with ControlCenter() as center, Host(center.connection(rate_limits=limits)) as host:
        host.result("delete_endpoints", {"endpoint_ids": ids(1)})
        assert host.failure("delete_endpoints", {"endpoint_ids": ids(1)}, timeout_ms=500)[
            "kind"] == "rate_limited"
        host.result("quarantine_files", {"endpoint_ids": ids(1), "file_path": "/x"})


@pytest.mark.parametrize("name", ["defualt", "list_everything", "task"])
def test_limit_of_an_unknown_bucket_is_refused(name):
    data = connection("http://127.0.0.1:9", rate_limits={name: {"requests": 1, "per_seconds": 1}})
    with Host() as host:
        message = host.wait(host.request("connections/put", {"name": "x", "connection": data}))[0]
    assert name in json.dumps(message["error"]["data"]["problems"])


def test_retry_after_pauses_the_whole_bucket():
    answers = iter([Reply(429, headers=[("Retry-After", "3600")])])
    lock = threading.Lock()

    def answer(request, method, params):
        with lock:
            return next(answers, None) or success(request, True)

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        assert host.failure("list_groups", timeout_ms=1_000)["status_code"] == 429
        assert host.failure("list_reports", timeout_ms=1_000)["kind"] == "rate_limited"
        # Another bucket is not affected.
        host.result("delete_endpoints", {"endpoint_ids": ids(1)})


# Batches


def test_run_waits_for_the_rate_limit_after_eof(tmp_path):
    limits = {"default": {"requests": 1, "per_seconds": 0.5}}
    with ControlCenter() as center:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {"gz": center.connection(rate_limits=limits)}}))
        batch = tmp_path / "batch.jsonl"
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "invoke", "params": {
            "integration": "bitdefender_gravityzone", "command": LABEL,
            "arguments": {"endpoint_ids": ids(4)}}})
        batch.write_text(line + "\n")
        patient = run("run", str(batch), "--connections", str(file))
        hasty = run("run", str(batch), "--connections", str(file), "--drain-timeout", "0.1")
    assert patient.code == 0 and "Successful" in patient.text
    assert hasty.code == 3


def test_emulated_vendor_never_refuses_a_host_within_the_limits(sandbox, alone):
    endpoints = list(Ids(sandbox.base).endpoints.values())[:30]
    sandbox.forget_log()
    with Host(sandbox.gravityzone, options=alone) as host:
        host.answer("get_managed_endpoint_details", {"managed_endpoint_ids": endpoints})
    assert [e["status"] for e in sandbox.log()] == [200] * 30
