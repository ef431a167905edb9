"""Control messages while the in-flight window is full: calls behind it are parked, never in the way."""

from __future__ import annotations

import base64
import json
import signal

import pytest
from Support.host import Host, eventually, invoke, line, request
from Support.vendor import GatedVendor

MEBIBYTE = 1024 * 1024


def slow_call(id, vendor, **options):
    return invoke(id, "list_tenants", connection=vendor.connection, **options)


def slow_write(id, vendor, **options):
    return invoke(id, "patch_rescan", connection=vendor.connection, **options)


def fill(host: Host, vendor: GatedVendor, window: int, parked: int) -> None:
    """Starts `window` calls and parks `parked` more, with the ids from 0."""
    host.send(*(slow_call(id, vendor) for id in range(window + parked)))
    vendor.wait_for(window)
    assert host.result("stats")["in_flight"] == window


@pytest.mark.parametrize(("method", "params"), [
    ("ping", None), ("limits", None), ("stats", None), ("metrics", None),
    ("health/status", None), ("connections/list", None), ("capabilities", {"detail": "summary"}),
    ("cancel", {"id": "nobody"})])
def test_control_message_is_answered_while_the_window_is_full(vendor, method, params):
    with Host("--max-in-flight", "2") as host:
        fill(host, vendor, 2, 3)
        assert "result" in host.ask(request("control", method, params))
        assert vendor.arrived == 2


def test_64_waiting_calls_do_not_delay_a_ping(vendor):
    with Host() as host:
        fill(host, vendor, 64, 100)
        assert host.ask(request("p", "ping"))["result"] == {}
        vendor.open()
        code, answers = host.finish()
    assert code == 0 and sorted(answer["id"] for answer in answers) == list(range(164))
    assert all("result" in answer for answer in answers)


def test_dry_run_needs_no_slot(vendor):
    with Host("--max-in-flight", "1") as host:
        fill(host, vendor, 1, 1)
        answer = host.ask(invoke("dry", "list_tenants", connection=vendor.connection, dry_run=True))
    assert answer["result"]["dry_run"] is True


def test_parked_calls_are_counted(vendor):
    with Host("--max-in-flight", "2") as host:
        fill(host, vendor, 2, 5)
        stats, limits = host.result("stats"), host.result("limits")["host"]
        assert (stats["in_flight"], stats["parked"]) == (2, 5)
        assert (limits["in_flight"], limits["parked"]) == (2, 5)
        assert limits["max_parked_bytes"] == 8 * MEBIBYTE
        vendor.open()
        host.read_all(7)
        eventually(lambda: host.result("stats")["parked"] == 0, "nothing is parked")


def test_parked_call_is_cancelled_at_once(vendor):
    with Host("--max-in-flight", "1") as host:
        fill(host, vendor, 1, 0)
        host.send(slow_write("parked", vendor), request("c", "cancel", {"id": "parked"}))
        answers = {answer["id"]: answer for answer in host.read_all(2)}
        assert answers["c"]["result"] == {"cancelled": True}
        error = answers["parked"]["error"]
        assert (error["code"], error["data"]["kind"], error["data"]["status_code"]) == (-32800, "cancelled", 499)
        assert error["data"]["outcome"] == "not_applied"
        assert error["data"]["failure_indicator"] == "Patch Rescan failed."
        # Its id is free again, and it never ran.
        assert host.result("stats")["parked"] == 0
        host.send(slow_call("parked", vendor))
        vendor.open()
        assert {answer["id"] for answer in host.read_all(2)} == {0, "parked"}
        assert host.finish() == (0, [])
    assert vendor.arrived == 2


def test_cancel_notification_reaches_a_parked_call(vendor):
    with Host("--max-in-flight", "1") as host:
        fill(host, vendor, 1, 2)
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": 1}})
        answer = host.read()
        assert (answer["id"], answer["error"]["code"]) == (1, -32800)
        vendor.open()
        assert [answer["id"] for answer in host.read_all(2)] == [0, 2]


def test_id_of_a_parked_call_is_in_flight(vendor):
    with Host("--max-in-flight", "1") as host:
        fill(host, vendor, 1, 1)
        host.send(request(1, "ping"))
        answer = host.read()
        assert (answer["id"], answer["error"]["code"]) == (None, -32600)
        assert "already in flight" in answer["error"]["message"]


def test_parked_calls_start_in_the_order_of_their_lines(vendor):
    count = 30
    with Host("--max-in-flight", "1") as host:
        host.send(*(
            invoke(id, "get_technical_context", {"context_id": id + 1}, connection=vendor.connection)
            for id in range(count)))
        vendor.wait_for(1)
        host.result("ping")
        vendor.open()
        assert [answer["id"] for answer in host.read_all(count)] == list(range(count))
    paths = [call.path for call in vendor.calls]
    assert paths == sorted(paths, key=lambda path: int(path.strip("/").split("/")[-1]))


def test_file_methods_keep_their_order_behind_a_full_window(vendor, tmp_path):
    content = base64.b64encode(b"x").decode()
    with Host("--max-in-flight", "1", "--files-dir", str(tmp_path / "files")) as host:
        fill(host, vendor, 1, 0)
        host.send(*(
            request(f"put{n}", "files/put", {
                "name": f"{n}.txt", "content_base64": content, "source": "artifact_file"})
            for n in range(5)), request("list", "files/list"))
        assert host.result("stats")["parked"] == 6
        vendor.open()
        answers = {answer["id"]: answer for answer in host.read_all(7)}
    assert len(answers["list"]["result"]["files"]) == 5


def test_connection_replaced_meanwhile_concerns_later_calls_only(vendor):
    with GatedVendor() as other, Host("--max-in-flight", "1") as host:
        put = {"name": "main", "connection": vendor.connection}
        assert "error" not in host.ask(request("put", "connections/put", put))
        host.send(invoke(1, "list_tenants", connection="main"), invoke(2, "list_tenants", connection="main"))
        vendor.wait_for(1)
        put = {"name": "main", "connection": other.connection}
        assert "error" not in host.ask(request("again", "connections/put", put))
        host.send(invoke(3, "list_tenants", connection="main"))
        vendor.open()
        other.open()
        assert all("result" in answer for answer in host.read_all(3))
    assert (vendor.arrived, other.arrived) == (2, 1)


def test_reading_stops_when_the_memory_for_parked_calls_is_used(vendor):
    calls = b"".join(
        line(json.dumps(slow_call(id, vendor)) + " " * 100_000) for id in range(300))
    with Host("--max-in-flight", "1") as host:
        unread = host.offer(calls, 1)
        # 8 MiB of parked calls, and what the pipe and the reading buffer hold.
        taken = len(calls) - unread
        assert 7 * MEBIBYTE < taken < 10 * MEBIBYTE
        assert host.peak_memory_bytes < 100 * MEBIBYTE
        vendor.open()
        host.send_bytes(calls[-unread:])
        code, answers = host.finish()
    assert code == 0 and sorted(answer["id"] for answer in answers) == list(range(300))


def test_small_values_count_more_than_their_text(vendor):
    # 400 KB of text, and 16 bytes for each of 200,000 values.
    values = {"ignored": [0] * 200_000}
    calls = b"".join(line(slow_call(id, vendor) | values) for id in range(60))
    with Host("--max-in-flight", "1") as host:
        assert host.offer(calls, 1) > 0
        assert host.peak_memory_bytes < 100 * MEBIBYTE
        vendor.open()


def test_memory_of_lines_in_flight_is_bounded(vendor):
    """64 calls may run, but not 64 lines of 20 MB."""
    values = {"ignored": [0] * 1_000_000}
    calls = [line(slow_call(id, vendor) | values) for id in range(64)]
    with Host() as host:
        assert host.offer(b"".join(calls), 2) > 0
        assert host.peak_memory_bytes < 300 * MEBIBYTE
        vendor.open()


def test_parked_calls_run_after_eof(vendor):
    with Host("--max-in-flight", "2") as host:
        fill(host, vendor, 2, 10)
        host.close_input()
        vendor.open()
        code, answers = host.finish()
    assert code == 0 and sorted(answer["id"] for answer in answers) == list(range(12))
    assert all("result" in answer for answer in answers)


def test_parked_calls_are_cancelled_when_draining_ends(vendor):
    with Host("--max-in-flight", "1", "--drain-timeout", "0.2") as host:
        host.send(*(slow_write(id, vendor) for id in range(5)))
        vendor.wait_for(1)
        code, answers = host.finish()
    assert code == 3
    outcomes = {answer["id"]: answer["error"]["data"]["outcome"] for answer in answers}
    assert outcomes == {0: "unknown", 1: "not_applied", 2: "not_applied", 3: "not_applied", 4: "not_applied"}
    assert {answer["error"]["code"] for answer in answers} == {-32800}
    assert vendor.arrived == 1


def test_parked_calls_do_not_start_after_a_signal(vendor):
    with Host("--max-in-flight", "1", "--log-level", "info") as host:
        fill(host, vendor, 1, 20)
        host.signal(signal.SIGTERM)
        host.wait_for_log("stopping: ")
        vendor.open()
        answers = {answer["id"]: answer for answer in host.rest()}
        assert host.exit_code() == 0
    assert "result" in answers[0] and set(answers) == set(range(21))
    assert {answers[id]["error"]["data"]["outcome"] for id in range(1, 21)} == {"not_applied"}
    assert vendor.arrived == 1


def test_closed_stdout_ends_a_host_with_parked_calls(vendor):
    with Host("--max-in-flight", "1", reads_output=False) as host:
        host.send(*(slow_call(id, vendor) for id in range(50)))
        vendor.wait_for(1)
        host.wait_until_input_is_read()
        host.close_output()
        assert host.exit_code() == 4


def test_members_of_a_batch_are_parked_too(vendor):
    with Host("--max-in-flight", "2") as host:
        host.send([slow_call(id, vendor) for id in range(6)])
        vendor.wait_for(2)
        assert host.result("stats")["parked"] == 4
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": 5}})
        vendor.open()
        answers = {answer["id"]: answer for answer in host.read()}
    assert answers[5]["error"]["code"] == -32800
    assert all("result" in answers[id] for id in range(5))
    assert vendor.most_in_flight <= 2


def test_deadline_covers_the_time_in_which_a_call_is_parked(vendor):
    with Host("--max-in-flight", "1") as host:
        fill(host, vendor, 1, 0)
        answer = host.ask(slow_write("late", vendor, timeout_ms=300))
        data = answer["error"]["data"]
        assert (data["kind"], data["status_code"], data["outcome"]) == ("timeout", 504, "not_applied")
        assert host.result("stats")["parked"] == 0
        vendor.open()
        assert host.read()["id"] == 0
        assert host.finish() == (0, [])
    assert vendor.arrived == 1


def test_run_parks_nothing(tmp_path, vendor):
    """Its progress counts lines that were read, and a signal must not leave thousands to answer."""
    requests, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    requests.write_bytes(b"".join(line(slow_call(id, vendor)) for id in range(5_000)))
    with Host(
        str(requests), "--output", str(answers), "--max-in-flight", "1", "--log-level", "info",
        command=("run",)) as host:
        vendor.wait_for(1)
        host.signal(signal.SIGTERM)
        host.wait_for_log("stopping: ")
        vendor.open()
        host.exit_code()
    assert len(answers.read_bytes().splitlines()) < 5_000
