"""How a host shuts down, with requests in flight and with pipes that nobody serves."""

from __future__ import annotations

import signal
import subprocess
import tempfile

import pytest
from Support.host import EXECUTABLE, TIMEOUT, Host, environment, invoke, line, parse, request

MEBIBYTE = 1024 * 1024


def slow_call(id, vendor, **options):
    return invoke(id, "list_tenants", connection=vendor.connection, **options)


def slow_write(id, vendor, **options):
    return invoke(id, "patch_rescan", connection=vendor.connection, **options)


# The end of input.

def test_at_the_end_of_a_file_everything_accepted_is_finished():
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(line(invoke(id, "list_tenants")) for id in range(20)))
        file.seek(0)
        with Host("--sandbox", "--sandbox-fault", "coda: slow 300ms", stdin=file) as host:
            code, answers = host.finish()
    assert code == 0
    assert sorted(answer["id"] for answer in answers) == list(range(20))
    assert all(answer["result"]["return_data"] == "Successful" for answer in answers)


def test_requests_in_flight_finish_after_eof(vendor):
    with Host() as host:
        host.send(*(slow_call(id, vendor) for id in range(3)))
        vendor.wait_for(3)
        host.close_input()
        vendor.open()
        code, answers = host.finish()
    assert code == 0 and sorted(answer["id"] for answer in answers) == [0, 1, 2]


def test_requests_beyond_the_drain_timeout_are_cancelled(vendor):
    with Host("--drain-timeout", "0.2") as host:
        host.send(slow_call(1, vendor), slow_write(2, vendor), [slow_call(3, vendor), request(4, "ping")])
        vendor.wait_for(3)
        code, answers = host.finish()
    assert code == 3
    batch = next(answer for answer in answers if isinstance(answer, list))
    errors = {answer["id"]: answer["error"] for answer in [*answers, *batch] if "error" in answer}
    assert {id: error["code"] for id, error in errors.items()} == {1: -32800, 2: -32800, 3: -32800}
    for error in errors.values():
        assert (error["data"]["kind"], error["data"]["status_code"]) == ("cancelled", 499)
    assert errors[1]["data"]["outcome"] == "not_applied"
    assert errors[2]["data"]["outcome"] == "unknown"


def test_a_drain_timeout_of_zero_cancels_at_once(vendor):
    with Host("--drain-timeout", "0") as host:
        host.send(slow_call(1, vendor))
        vendor.wait_for(1)
        code, (answer,) = host.finish()
    assert (code, answer["error"]["code"]) == (3, -32800)


# Signals.

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_reading_and_finishes_accepted_requests(number, vendor):
    with Host("--log-level", "info") as host:
        host.send(slow_call(1, vendor), slow_call(2, vendor))
        vendor.wait_for(2)
        host.signal(number)
        host.wait_for_log("stopping")
        host.send(request("too late", "ping"))
        vendor.open()
        answers = host.read_all(2)
        assert host.exit_code() == 0
        assert host.rest() == []
    assert sorted(answer["id"] for answer in answers) == [1, 2]
    assert all("result" in answer for answer in answers)


@pytest.mark.parametrize("numbers", [
    (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM)])
def test_second_signal_cancels_remaining_requests(numbers, vendor):
    with Host("--log-level", "info") as host:
        host.send(slow_call(1, vendor), slow_call(2, vendor))
        vendor.wait_for(2)
        host.signal(numbers[0])
        host.wait_for_log("stopping: ")
        host.signal(numbers[1])
        answers = host.rest()
        assert host.exit_code() == 3
    assert {answer["id"]: answer["error"]["code"] for answer in answers} == {1: -32800, 2: -32800}


def test_a_signal_while_idle_ends_the_host():
    with Host() as host:
        host.ask(request(1, "ping"))
        host.signal(signal.SIGTERM)
        assert host.exit_code() == 0


def test_request_waiting_for_a_slot_at_a_signal_is_answered(vendor):
    with Host("--max-in-flight", "1", "--log-level", "info") as host:
        host.send(*(slow_call(id, vendor) for id in range(3)), request("last", "ping"))
        vendor.wait_for(1)
        host.wait_until_input_is_read()
        host.signal(signal.SIGTERM)
        host.wait_for_log("stopping: ")
        vendor.open()
        answers = {answer["id"]: answer for answer in host.rest()}
        assert host.exit_code() == 0
    assert set(answers) == {0, 1, 2, "last"}
    assert "result" in answers[0]
    assert [answers[id]["error"]["code"] for id in (1, 2)] == [-32800, -32800]
    assert vendor.arrived == 1


def test_shutdown_is_answered_and_accepted_requests_finish(vendor):
    with Host() as host:
        host.send(slow_call(1, vendor))
        vendor.wait_for(1)
        assert host.ask(request("end", "shutdown"))["result"] == {}
        vendor.open()
        assert host.read()["id"] == 1
        # The input is still open.
        assert host.exit_code() == 0


# A reader that goes away.

def test_closed_stdout_stops_an_idle_host():
    with Host(reads_output=False) as host:
        host.send(request(1, "ping"))
        host.close_output()
        assert host.exit_code() == 4


def test_closed_stdout_stops_a_host_before_its_first_response():
    with Host(reads_output=False) as host:
        host.close_output()
        assert host.exit_code() == 4


def test_closed_stdout_stops_a_host_with_requests_in_flight(vendor):
    with Host(reads_output=False) as host:
        host.send(slow_call(1, vendor), slow_call(2, vendor))
        vendor.wait_for(2)
        host.close_output()
        assert host.exit_code(TIMEOUT / 2) == 4


def test_closed_stdout_stops_a_host_that_stopped_reading(vendor):
    with Host("--max-in-flight", "1", reads_output=False) as host:
        host.send(slow_call(1, vendor), slow_call(2, vendor))
        vendor.wait_for(1)
        host.wait_until_input_is_read()
        host.close_output()
        assert host.exit_code(TIMEOUT / 2) == 4


def test_closed_stdout_stops_a_host_that_drains(vendor):
    with Host("--log-level", "info", reads_output=False) as host:
        host.send(slow_call(1, vendor))
        vendor.wait_for(1)
        host.signal(signal.SIGTERM)
        host.wait_for_log("stopping: ")
        host.close_output()
        assert host.exit_code(TIMEOUT / 2) == 4


def test_closed_stdout_stops_a_host_that_is_writing():
    with Host(reads_output=False) as host:
        pings = b"".join(line(request(id, "ping")) for id in range(20_000))
        assert host.offer(pings * 40, 0.5) > 0, "the host took more than pipes hold"
        host.close_output()
        assert host.exit_code() == 4


def serve_without(redirection: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """A host that is started with a standard stream closed."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" serve "$@" {redirection}', EXECUTABLE, *arguments],
        input=line(request(1, "ping")), capture_output=True, timeout=TIMEOUT, env=environment())


def test_started_without_stdin_it_ends_at_once():
    ended = serve_without("<&-")
    assert (ended.returncode, ended.stdout) in [(0, b""), (2, b"")]


def test_started_without_stdout_it_writes_its_answers_nowhere(tmp_path):
    audit = tmp_path / "audit.jsonl"
    ended = serve_without(">&-", "--audit", str(audit))
    assert ended.returncode == 4
    assert audit.read_bytes() == b""


def test_started_without_stderr_it_works(tmp_path):
    audit = tmp_path / "audit.jsonl"
    ended = serve_without("2>&-", "--audit", str(audit))
    assert (ended.returncode, ended.stdout) == (0, b'{"jsonrpc":"2.0","id":1,"result":{}}\n')
    assert audit.read_bytes() == b""


# A reader that is slow.

RESPONSE_SHAPED = line({"jsonrpc": "2.0", "id": 1, "result": "logged, never answered"})


def test_responses_are_written_while_stderr_is_unread():
    with Host("--log-level", "debug", reads_errors=False) as host:
        host.send_bytes(RESPONSE_SHAPED * 30_000)
        assert host.ask(request(1, "ping"))["result"] == {}
        assert host.peak_memory_bytes < 64 * MEBIBYTE
        assert host.finish() == (0, [])


def test_log_lines_dropped_from_stderr_are_counted():
    with Host("--log-level", "debug", reads_errors=False) as host:
        host.send_bytes(RESPONSE_SHAPED * 30_000)
        host.ask(request(1, "ping"))
        host.read_errors()
        host.wait_for_log("log lines dropped")
        assert host.finish() == (0, [])


def test_closed_stderr_does_not_stop_the_host():
    with Host(reads_errors=False) as host:
        host.close_errors()
        host.send_bytes(RESPONSE_SHAPED * 10)
        assert host.ask(request(1, "ping"))["result"] == {}
        host.send_bytes(RESPONSE_SHAPED * 10)
        assert host.finish() == (0, [])


def test_unread_responses_stop_reading_and_bound_memory():
    count = 300_000
    data = b"".join(line(request(id, "ping")) for id in range(count))
    with Host(reads_output=False) as host:
        unsent = host.offer(data, 0.5)
        assert unsent > 0, "the host read everything although nobody read its answers"
        assert host.peak_memory_bytes < 64 * MEBIBYTE
        host.read_output()
        host.send_bytes(data[-unsent:])
        host.close_input()
        assert [parse(host.read_line())["id"] for _ in range(count)] == list(range(count))
        assert host.exit_code() == 0


def test_unread_results_stop_further_calls(sandbox):
    count = 400
    with Host("--connections", sandbox.file, "--max-in-flight", "4", reads_output=False) as host:
        data = b"".join(
            line(invoke(id, "list_devices", {"filter": {"pageSize": 1000}})) for id in range(count))
        host.offer(data, 0.5)
        assert len(sandbox.log()) < count // 2
        host.read_output()
        code, answers = host.finish()
    assert code == 0
    assert sorted(answer["id"] for answer in answers) == list(range(count))
    assert all(answer["result"]["raw_data"]["items"] for answer in answers)


# Requests at a time.

@pytest.mark.parametrize("maximum", [1, 3])
def test_max_in_flight_limits_requests(maximum, vendor):
    count = 10
    with Host("--max-in-flight", str(maximum)) as host:
        host.send(*(slow_call(id, vendor) for id in range(count)))
        for done in range(count):
            vendor.wait_for(min(count, done + maximum))
            vendor.release()
            host.read()
        assert host.finish() == (0, [])
    assert vendor.most_in_flight == maximum


def test_max_in_flight_is_64_by_default(vendor):
    with Host() as host:
        host.send(*(slow_call(id, vendor) for id in range(70)))
        vendor.wait_for(64)
        vendor.open()
        code, answers = host.finish()
    assert code == 0 and len(answers) == 70
    assert vendor.most_in_flight <= 64


def test_answers_come_in_the_order_in_which_they_are_ready(vendor):
    with Host("--sandbox") as host:
        host.send(slow_call("slow", vendor))
        vendor.wait_for(1)
        host.send(invoke("fast", "list_tenants", connection="coda_sandbox"), request("at once", "ping"))
        assert {host.read()["id"], host.read()["id"]} == {"fast", "at once"}
        vendor.open()
        assert host.read()["id"] == "slow"


# Cancel.

@pytest.mark.parametrize("id", [7, "seven", 1.5])
def test_request_in_flight_can_be_cancelled(id, vendor):
    with Host() as host:
        host.send(slow_call(id, vendor))
        vendor.wait_for(1)
        host.send(request("c", "cancel", {"id": id}))
        answers = {answer["id"]: answer for answer in host.read_all(2)}
        assert answers["c"]["result"] == {"cancelled": True}
        error = answers[id]["error"]
        assert error["code"] == -32800
        assert (error["data"]["kind"], error["data"]["status_code"]) == ("cancelled", 499)
        assert error["data"]["outcome"] == "not_applied"
        # The id is free again.
        vendor.open()
        assert "result" in host.ask(slow_call(id, vendor))
        assert host.finish() == (0, [])


def test_a_notification_cancels_too(vendor):
    with Host() as host:
        host.send(slow_call(7, vendor))
        vendor.wait_for(1)
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": 7}})
        assert host.read()["error"]["code"] == -32800
        assert host.finish() == (0, [])


def test_a_cancelled_change_may_have_been_made(vendor):
    with Host() as host:
        host.send(slow_write(7, vendor))
        vendor.wait_for(1)
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": 7}})
        data = host.read()["error"]["data"]
    assert data["outcome"] == "unknown" and "list_scanners" in data["remedy"]


def test_cancel_works_at_max_in_flight(vendor):
    with Host("--max-in-flight", "2") as host:
        host.send(slow_call(1, vendor), slow_call(2, vendor))
        vendor.wait_for(2)
        host.send(request("c", "cancel", {"id": 1}), request("d", "cancel", {"id": 2}))
        answers = {answer["id"]: answer for answer in host.read_all(4)}
    assert {answers[1]["error"]["code"], answers[2]["error"]["code"]} == {-32800}


def test_a_cancelled_member_does_not_hold_up_its_batch(vendor):
    with Host() as host:
        host.send([slow_call(1, vendor), request(2, "ping")])
        vendor.wait_for(1)
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": 1}})
        assert sorted(
            (one["id"], one.get("error", {}).get("code")) for one in host.read()) == [(1, -32800), (2, None)]


def test_cancel_ends_a_wait_between_two_tries():
    with Host("--sandbox", "--sandbox-fault", "coda: 429 always retry-after 50") as host:
        host.send(invoke(1, "list_tenants", stream=True))
        waiting = host.read()
        assert waiting["method"] == "invoke/waiting" and waiting["params"]["id"] == 1
        host.send(request(2, "cancel", {"id": 1}))
        answers = {answer["id"]: answer for answer in host.read_all(2)}
        assert answers[1]["error"]["code"] == -32800
        assert host.finish() == (0, [])


@pytest.mark.parametrize("id", [1, "1", 1.5, 2**64 + 1, "never"])
def test_cancel_of_an_id_not_in_flight_does_nothing(id):
    with Host() as host:
        assert host.result("cancel", {"id": id}) == {"cancelled": False}


def test_ids_of_different_types_are_different_ids(vendor):
    with Host() as host:
        host.send(slow_call(1, vendor), slow_call("1", vendor))
        vendor.wait_for(2)
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": "1"}})
        assert host.read()["id"] == "1"
        vendor.open()
        answer = host.read()
        assert answer["id"] == 1 and "result" in answer


def test_an_escaped_id_names_the_same_request(vendor):
    with Host() as host:
        host.send(slow_call("a", vendor))
        vendor.wait_for(1)
        host.send(rb'{"jsonrpc":"2.0","method":"cancel","params":{"id":"\u0061"}}')
        answer = host.read()
        assert (answer["id"], answer["error"]["code"]) == ("a", -32800)


@pytest.mark.parametrize(("params", "paths"), [
    (None, ["/id"]), ({}, ["/id"]), ([], [""]), ([7], [""]), ({"id": None}, ["/id"]), ({"id": []}, ["/id"]),
    ({"ID": 7}, ["/id", "/ID"])])
def test_cancel_needs_an_id(params, paths):
    with Host() as host:
        error = host.error("cancel", params)
    assert error["code"] == -32602
    assert [problem["path"] for problem in error["data"]["problems"]] == paths
