"""What a plugin answers, or does not: twice, for other calls, not at all, in the wrong shape; and what
happens to its calls when it dies."""

from __future__ import annotations

import json
import os
import time

import pytest
from Support.host import eventually, request
from Support.plugins import Plugins, PluginHost, has_ended, invoke, kill, wait_until_ended

OK = {"return_data": "Successful"}


@pytest.fixture
def host(plugins):
    plugins.add()
    with plugins.host() as host:
        yield host


def built_in(id):
    return request(id, "invoke", {"integration": "coda_footprint", "command": "list_scanners"})


# Answers

def test_second_answer_is_logged_and_dropped(host):
    answer = host.call(steps=[
        {"result": OK | {"raw_data": 1}}, {"result": OK | {"raw_data": 2}}, {"error": {"code": 1, "message": "x"}}])
    assert answer["result"]["raw_data"] == 1
    host.wait_for_log("plugin raw: answered an unknown request: id ")
    host.pid()


def test_answer_for_another_call_does_not_reach_a_third(host, tmp_path):
    """A plugin may answer its own calls in any order, and no others."""
    gate = tmp_path / "gate"
    host.send(invoke(1, steps=[{"await": str(gate)}, {"result": OK | {"raw_data": "first"}}], timeout_ms=60_000))
    host.send(invoke(2, steps=[
        {"line": {"jsonrpc": "2.0", "id": 10_000, "result": OK}}, {"line": {"jsonrpc": "2.0", "id": "1", "result": OK}},
        {"line": {"jsonrpc": "2.0", "id": 0, "result": OK}}, {"touch": str(gate)},
        {"result": OK | {"raw_data": "second"}}]))
    answers = host.by_id(2)
    assert answers[1]["result"]["raw_data"] == "first" and answers[2]["result"]["raw_data"] == "second"


@pytest.mark.parametrize(("result", "text"), [
    (None, "not an object"), ([], "not an object"), ("text", "not an object"), (7, "not an object"),
    ({}, "/return_data"), ({"return_data": "Failed"}, "/return_data"), ({"return_data": 1}, "/return_data"),
    (OK | {"extra": 1}, "unknown member extra"), (OK | {"targets": {}}, "/targets"),
    (OK | {"targets": [1]}, "/targets/0/target"), (OK | {"targets": [{"return_data": "Successful"}]}, "/targets/0/target"),
    (OK | {"targets": [{"target": "a", "return_data": "Failed"}]}, "/targets/0/error"),
    (OK | {"targets": [{"target": "a", "error": "no"}]}, "/targets/0/error"),
    (OK | {"files": {}}, "/files"), (OK | {"files": ["x"]}, "/files/0/file_id"),
    (OK | {"files": [{"file_id": "nope"}]}, "no file nope"), (OK | {"files": [{"file_id": 7}]}, "/files/0/file_id"),
    (OK | {"events": {}}, "/events"), (OK | {"cursor": 7}, "/cursor"), (OK | {"cursor": {}}, "/cursor"),
    (OK | {"notices": "x"}, "/notices"), (OK | {"notices": [1]}, "/notices/0"), (OK | {"meta": 1}, "/meta"),
    (OK | {"errors": {}}, "/errors"),
])
def test_result_of_the_wrong_shape_names_the_member(host, result, text):
    for command, outcome in (("look", "not_applied"), ("change", "unknown")):
        failure = host.failure(command, [{"result": result}])
        assert (failure["kind"], failure["outcome"]) == ("internal", outcome)
        assert "The plugin raw breaks the protocol: " in failure["message"] and text in failure["message"], failure


@pytest.mark.parametrize(("error", "kind", "status", "outcome"), [
    ({"code": -32000, "message": "x"}, "internal", 500, "unknown"),
    ({"code": -32603, "message": "x", "data": 7}, "internal", 500, "unknown"),
    ({"code": -32602, "message": "wrong"}, "validation", 400, "not_applied"),
    ({"code": -32800, "message": "x"}, "cancelled", 499, "unknown"),
    ({}, "internal", 500, "unknown"), ("text", "internal", 500, "unknown"), ([1], "internal", 500, "unknown"),
    ({"code": "x", "message": 7, "data": {"return_data": "Failed"}}, "upstream", 502, "not_applied"),
    ({"code": -32000, "message": "m", "data": {"kind": "no such kind", "status_code": "x"}}, "upstream", 502, "not_applied"),
    ({"code": -32000, "message": "m", "data": {
        "return_data": "Failed", "kind": "not_found", "status_code": 404, "outcome": "not_applied"}},
     "not_found", 404, "not_applied"),
    ({"code": -32000, "message": "m", "data": {"kind": "timeout", "outcome": "unknown"}}, "timeout", 504, "unknown"),
    ({"code": -32000, "message": "m", "data": {"kind": "upstream", "status_code": 10**30}}, "upstream", 502, "not_applied"),
    ({"code": -32000, "message": "m", "data": {"kind": "upstream", "status_code": -7}}, "upstream", 502, "not_applied"),
    ({"code": -32000, "message": "m", "data": {"kind": "upstream", "retry_after_ms": -5}}, "upstream", 502, "not_applied"),
    ({"code": -32000, "message": "m", "data": {"kind": "upstream", "targets": [{"target": 1}, {}, 3]}},
     "upstream", 502, "not_applied"),
])
def test_error_of_any_shape_is_an_error_of_the_protocol(host, error, kind, status, outcome):
    failure = host.failure("change", [{"error": error}])
    assert (failure["kind"], failure["status_code"], failure["outcome"]) == (kind, status, outcome), failure
    assert failure["return_data"] == "Failed" and failure["failure_indicator"] and failure["message"]
    assert failure.get("retry_after_ms", 0) >= 0


def test_long_message_of_an_error_is_bounded_in_the_log(host):
    failure = host.failure("change", [{"error": {"code": -5, "message": "m" * 100_000}}])
    assert len(failure["message"]) < 1_000
    assert len(host.errors) < 10_000


def test_response_after_an_error_of_the_vendor_is_not_applied_only_if_nothing_was_sent(host):
    failure = host.failure("change", [{"error": {"code": -32000, "message": "m", "data": {"kind": "upstream"}}}])
    assert failure["outcome"] == "not_applied"


# No answer

def test_call_without_an_answer_ends_at_its_deadline_and_is_cancelled(host, tmp_path):
    pid = host.pid()
    steps = [{"until_cancelled": 1}, {"touch": str(tmp_path / "cancelled")}, {"error": {"code": -32800, "message": "c"}}]
    for command, outcome in (("look", "not_applied"), ("change", "unknown")):
        failure = host.failure(command, steps, timeout_ms=300)
        assert (failure["kind"], failure["outcome"]) == ("timeout", outcome)
        eventually((tmp_path / "cancelled").exists, "the plugin gets cancel")
        (tmp_path / "cancelled").unlink()
    assert host.pid() == pid


def test_cancelled_call_is_answered_and_the_plugin_told(host, tmp_path):
    host.send(invoke(1, "change", [
        {"touch": str(tmp_path / "started")}, {"until_cancelled": 1}, {"touch": str(tmp_path / "cancelled")}]))
    eventually((tmp_path / "started").exists, "the call runs")
    host.send(request(2, "cancel", {"id": 1}))
    answers = host.by_id(2)
    assert answers[1]["error"]["code"] == -32800 and answers[1]["error"]["data"]["outcome"] == "unknown"
    eventually((tmp_path / "cancelled").exists, "the plugin gets cancel")


def test_plugin_that_ignores_cancel_is_killed_and_others_work(plugins, sandbox):
    plugins.add(limits={"max_in_flight": 2})
    with plugins.host("--connections", sandbox.file) as host:
        pid = host.pid()
        host.send(*(invoke(number, steps=[{"hang": 1}], timeout_ms=200) for number in (1, 2)))
        assert {one["error"]["data"]["kind"] for one in host.by_id(2).values()} == {"timeout"}
        # Both slots are taken until the plugin is killed.
        host.send(invoke("late", timeout_ms=60_000), built_in("built-in"))
        assert host.read()["id"] == "built-in"
        late = host.read()
        assert late["result"]["raw_data"]["pid"] != pid
        host.wait_for_log("did not respond to a call within 10 s of its cancellation")
        wait_until_ended(pid)


def test_many_cancels_without_answers_cost_nothing(host):
    """A plugin that answers the calls and never `cancel`: nothing is kept for these."""
    for number in range(50):
        host.send(invoke(number, steps=[{"until_cancelled": 1}], timeout_ms=50))
    host.by_id(50)
    # A token without "invocation" is taken while one call runs: no cancel counts as one.
    assert host.seen(steps=[{"ask": ["host/secret", {"name": "t", "value": "some-token-1"}]}]) == [
        {"placeholder": "{{secret:t}}"}]


# Deaths

def test_death_under_load_loses_no_other_call(plugins, sandbox, tmp_path):
    """kill -9 with 200 calls in flight: each gets one answer, the built-in ones succeed."""
    plugins.add(limits={"max_in_flight": 1_024})
    with plugins.host("--connections", sandbox.file, "--max-in-flight", "1000") as host:
        pid = host.pid()
        started = tmp_path / "started"
        for number in range(200):
            host.send(
                invoke(f"plugin {number}", "change" if number % 2 else "look",
                       [{"touch": str(started)}, {"hang": 1}], timeout_ms=600_000))
        for number in range(100):
            host.send(built_in(number))
        eventually(lambda: started.exists() and len(started.read_text().split()) == 200, "all calls run")
        kill(pid)
        answers = host.by_id(300)
        for number in range(100):
            assert "result" in answers[number], answers[number]
        for number in range(200):
            failure = answers[f"plugin {number}"]["error"]["data"]
            expected = ("unavailable", 503, "unknown", False) if number % 2 else ("unavailable", 503, "not_applied", True)
            assert (failure["kind"], failure["status_code"], failure["outcome"], failure["retryable"]) == expected
            assert "was ended by signal 9" in failure["message"]
        assert host.pid() != pid
        host.wait_for_log("plugin raw: was ended by signal 9")


def test_deaths_one_after_the_other_answer_every_call(plugins):
    plugins.add(limits={"max_in_flight": 64, "restarts_per_minute": 600})
    with plugins.host() as host:
        for round in range(3):
            for number in range(50):
                steps = [{"exit": 7}] if number == 25 else []
                host.send(invoke((round, number), "look", steps, timeout_ms=30_000)
                          | {"id": f"{round}/{number}"})
            answers = host.by_id(50)
            assert len(answers) == 50
            for id, answer in answers.items():
                assert "result" in answer or answer["error"]["data"]["kind"] == "unavailable", answer
            assert "ended with status 7" in json.dumps(answers[f"{round}/25"])


def test_restart_waits_for_the_back_off(host):
    """The second start comes 0.5 s after the first death at the earliest, the next one after 1 s."""
    times = []
    for _ in range(3):
        host.failure(steps=[{"exit": 1}])
        times.append(time.monotonic())
    # Not before: without a back-off a start takes some 50 ms.
    assert times[1] - times[0] >= 0.5 and times[2] - times[1] >= 1.0


def test_answer_resets_the_back_off(host):
    for _ in range(4):
        before = time.monotonic()
        host.pid()
        host.failure(steps=[{"exit": 1}])
    assert time.monotonic() - before < 5


def test_restarts_per_minute_bound_the_starts(plugins):
    plugins.add(limits={"restarts_per_minute": 1})
    with plugins.host() as host:
        host.failure(steps=[{"exit": 1}])
        host.failure(steps=[{"exit": 1}])
        failure = host.failure(timeout_ms=5_000)
        assert (failure["kind"], failure["outcome"], failure["retryable"]) == ("unavailable", "not_applied", True)
        assert "has died and is started again in" in failure["message"]
        assert 0 < failure["retry_after_ms"] <= 60_000


def test_plugin_that_dies_after_its_description_is_not_restarted_in_a_loop(plugins, tmp_path):
    script = (
        "import json, os, sys\n"
        f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\n"
        "line = json.loads(sys.stdin.readline())\n"
        "description = json.load(open('catalogue.json'))['integration']\n"
        "print(json.dumps({'jsonrpc': '2.0', 'id': line['id'], 'result': {'integrations': [description]}}), flush=True)\n")
    path = plugins.add(command=["python3", "dies.py"], limits={"restarts_per_minute": 600})
    (path / "dies.py").write_text(script)
    with plugins.host() as host:
        failure = host.failure(timeout_ms=3_000)
        assert failure["kind"] in ("unavailable", "timeout")
        # 0.5, 1 and 2 s between the starts.
        assert 1 <= len((tmp_path / "starts").read_text()) <= 4


def test_idle_plugin_ends_and_starts_again(plugins):
    plugins.add(limits={"idle_seconds": 1, "restarts_per_minute": 1})
    with plugins.host() as host:
        pids = []
        # More often than it may be restarted after deaths.
        for _ in range(4):
            pids.append(host.pid())
            wait_until_ended(pids[-1])
        assert len(set(pids)) == 4
        assert "error" not in host.errors


def test_plugin_that_was_only_started_to_be_known_ends_when_idle(plugins, tmp_path):
    plugins.add(
        locked=False, behaviour={"at_start": [{"touch": str(tmp_path / "pid")}]}, limits={"idle_seconds": 1})
    with plugins.host() as host:
        host.result("capabilities")
        pid = int((tmp_path / "pid").read_text())
        wait_until_ended(pid)
        assert host.pid() != pid


# Resources

def test_children_of_a_plugin_are_killed_with_it(host):
    for how in ({}, {"ignores": True}, {"floods": True}):
        answer = host.call(steps=[{"fork": how}])["result"]["raw_data"]
        child = answer["seen"][0]
        assert not has_ended(child)
        kill(answer["pid"])
        wait_until_ended(answer["pid"])
        wait_until_ended(child)
        assert host.failure(steps=[{"exit": 0}])["kind"] == "unavailable"


def test_plugin_that_ends_while_its_children_keep_the_pipes(host):
    pid = host.pid()
    failure = host.failure(steps=[{"fork": {"floods": True}}, {"exit": 0}])
    assert "ended with status 0" in failure["message"]
    assert host.pid() != pid


def test_plugin_that_ignores_sigterm_and_eof_is_killed(plugins):
    plugins.add(
        behaviour={"at_start": [{"ignore_signals": 1}], "ignores_eof": True}, limits={"idle_seconds": 1})
    with plugins.host() as host:
        pid = host.pid()
        wait_until_ended(pid)
        assert host.pid() != pid


def test_plugin_that_grows_past_its_memory_fails_alone(plugins, sandbox):
    plugins.add(limits={"memory_mib": 128})
    with plugins.host("--connections", sandbox.file) as host:
        assert host.seen(steps=[{"allocate": 16}]) == ["allocated 16"]
        host.send(invoke(1, steps=[{"allocate": 512}, {"exit": 0}], timeout_ms=3_000), built_in(2))
        answers = host.by_id(2)
        # MemoryError in a thread of the plugin: the call has no answer.
        assert "error" in answers[1] and "result" in answers[2]


# Many calls

def test_10000_pipelined_calls_are_all_answered(plugins):
    plugins.add(limits={"max_in_flight": 64})
    with plugins.host() as host:
        host.pid()
        host.send(*(invoke(number, arguments={"number": number + 1}) for number in range(10_000)))
        answers = host.by_id(10_000)
        for number, answer in answers.items():
            assert answer["result"]["raw_data"]["params"]["arguments"] == {"number": number + 1}


def test_a_slow_plugin_does_not_delay_another(plugins, sandbox, tmp_path):
    plugins.add("slow", limits={"max_in_flight": 1})
    plugins.add("quick")
    gate = tmp_path / "gate"
    with plugins.host("--connections", sandbox.file) as host:
        for number in range(20):
            host.send(invoke(f"slow {number}", steps=[{"await": str(gate)}], plugin="slow", timeout_ms=60_000))
        host.send(invoke("quick", plugin="quick"), built_in("built-in"), request("ping", "ping"))
        assert set(host.by_id(3)) == {"quick", "built-in", "ping"}
        gate.touch()
        assert all("result" in answer for answer in host.by_id(20).values())


def test_arguments_are_checked_before_the_plugin_is_started(host):
    answer = host.call(arguments={"number": 0, "fiel_id": "x"})
    assert answer["error"]["code"] == -32602
    text = json.dumps(answer["error"]["data"])
    assert "/arguments/number" in text and "/arguments/fiel_id" in text and "file_id" in text
    assert os.path.exists(f"/proc/{host.process.pid}")
