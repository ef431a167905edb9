"""A plugin that breaks the framing, floods its output, or does not read its input."""

from __future__ import annotations

import os

import pytest
from Support.host import eventually, request
from Support.plugins import invoke, kill

MEBIBYTE = 1_048_576


@pytest.fixture
def host(plugins):
    plugins.add()
    with plugins.host() as host:
        yield host


@pytest.mark.parametrize("text", [
    "garbage\n", "\n\n \n", "[]\n", "[1,2]\n", '"text"\n', "null\n", '{"a":1}\n', "\x00\x00\n", "\x1b[31mred\n",
    '{"jsonrpc":"2.0"}\n', '{"jsonrpc":"1.0","id":1,"result":{}}\n', '{"jsonrpc":"2.0","method":7}\n',
    '{"jsonrpc":"2.0","method":"invoke/item"}\n', '{"jsonrpc":"2.0","method":"invoke/item","params":[1]}\n',
    '{"jsonrpc":"2.0","method":"invoke/progress","params":{"id":"x"}}\n',
    '{"jsonrpc":"2.0","method":"unknown/method","params":{}}\n',
    '{"jsonrpc":"2.0","id":null,"result":{}}\n', '{"jsonrpc":"2.0","id":99999,"result":{}}\n',
    '{"jsonrpc":"2.0","id":"x","result":{}}\n', '{"jsonrpc":"2.0","id":-1,"error":{"code":1,"message":"x"}}\n',
    '{"jsonrpc":"2.0","id":1e400,"result":{}}\n', '{"jsonrpc":"2.0","id":{},"result":{}}\n',
    "[" * 200_000 + "\n", "\udcff\udcfe\n", "\r\n", "x" * 100_000 + "\n",
], ids=range(26))
def test_stray_lines_disturb_no_call(host, text):
    steps = [{"write": text.encode("utf-8", "surrogatepass").decode("latin-1")}]
    assert host.seen(steps=steps) == []
    assert host.pid() == host.pid()


def test_stray_line_is_logged_without_control_characters(host):
    host.seen(steps=[{"write": "one \u001b[31m stray\u0000 line\n"}])
    host.wait_for_log("plugin raw: wrote a line to stdout that is no message: one ")
    assert "\x1b" not in host.errors and "\x00" not in host.errors


@pytest.mark.parametrize("text", [
    '{"jsonrpc":"2.0","id":"$id","result":{"return_data":\n', '{"jsonrpc":"2.0","id":"$id"}\n',
    '{"jsonrpc":"2.0","id":"$id","result":' + "[" * 2_000 + "]" * 2_000 + "}\n",
    '{"jsonrpc":"2.0","id":"$id","result":{"return_data":"Successful\u0000"}}\n',
], ids=["cut", "empty", "deep", "NUL"])
def test_response_that_is_cut_or_malformed_fails_its_call_at_once(host, text):
    """The call does not wait for its deadline."""
    for command, outcome in (("look", "not_applied"), ("change", "unknown")):
        failure = host.failure(command, [{"silence": 1}, {"write": text}], timeout_ms=600_000)
        assert (failure["kind"], failure["outcome"]) == ("internal", outcome)
        assert "The plugin raw breaks the protocol: " in failure["message"]


def test_response_in_pieces_arrives(host, tmp_path):
    gate = tmp_path / "gate"
    host.send(invoke(1, steps=[
        {"write": '{"jsonrpc":"2.0","id":"$id","result":{"return_'}, {"await": str(gate)},
        {"write": 'data":"Successful","raw_data":7}}\n'}, {"silence": 1}]))
    assert host.ask(request(2, "ping"))["result"] == {}
    gate.touch()
    assert host.read()["result"]["raw_data"] == 7


@pytest.mark.parametrize("end", ["\n", ""])
def test_200_megabytes_without_a_line_end_are_not_kept(plugins, end):
    plugins.add(limits={"memory_mib": 2_048})
    with plugins.host("--max-result-bytes", str(8 * MEBIBYTE)) as host:
        host.pid()
        before = host.peak_memory_bytes
        failure = host.failure("change", [{"fill": 200}, {"write": end}, {"silence": 1}], timeout_ms=20_000)
        assert (failure["kind"], failure["outcome"]) == ("unavailable", "unknown"), failure
        assert "wrote a line that is too long" in failure["message"]
        host.pid()
        if before:
            assert host.peak_memory_bytes - before < 64 * MEBIBYTE


def test_response_beyond_the_limit_is_too_large(plugins):
    plugins.add()
    with plugins.host("--max-result-bytes", str(MEBIBYTE)) as host:
        pid = host.pid()
        for command, outcome in (("look", "not_applied"), ("change", "unknown")):
            for filler in (1_100_000, 3_000_000):
                failure = host.failure(command, [{"big": filler}])
                assert (failure["kind"], failure["status_code"], failure["outcome"], failure["retryable"]) == (
                    "too_large", 413, outcome, False)
        assert host.pid() == pid, "the plugin was restarted"


def test_flood_of_stray_lines_keeps_log_and_calls(plugins, sandbox):
    plugins.add()
    with plugins.host("--connections", sandbox.file) as host:
        host.send(invoke("flood", steps=[{"write": "stray line\n", "times": 300_000}]))
        for number in range(20):
            host.send(request(number, "invoke", {"integration": "coda_footprint", "command": "list_scanners"}))
        answers = host.by_id(21)
        assert all("result" in answer for answer in answers.values()), answers
        host.close_input()
        assert host.exit_code() == 0
        assert "lines are not shown" in host.errors
        assert len(host.error_bytes) < 200_000


def test_flood_of_stderr_keeps_log_and_calls(plugins, sandbox):
    plugins.add()
    with plugins.host("--connections", sandbox.file) as host:
        host.send(invoke("flood", steps=[{"errors": 100_000}]))
        for number in range(20):
            host.send(request(number, "invoke", {"integration": "coda_footprint", "command": "list_scanners"}))
        answers = host.by_id(21)
        assert all("result" in answer for answer in answers.values()), answers
        host.wait_for_log("plugin raw: stderr: flood 0 eeee")
        host.close_input()
        assert host.exit_code() == 0
        assert "lines are not shown" in host.errors
        assert len(host.error_bytes) < 200_000


def test_long_line_of_stderr_is_cut(host):
    host.seen(steps=[{"stderr": "y" * 500_000 + "\nshort line\n"}])
    host.wait_for_log("stderr: short line")
    assert "y" * 500 in host.errors and "y" * 3_000 not in host.errors


def test_items_of_unknown_or_other_calls_are_dropped(host):
    host.send(invoke(1, steps=[
        {"line": {"jsonrpc": "2.0", "method": "invoke/item", "params": {"id": 4_711, "items": [1]}}},
        {"line": {"jsonrpc": "2.0", "method": "invoke/item", "params": {"id": "$id", "items": 5}}},
        {"line": {"jsonrpc": "2.0", "method": "invoke/item", "params": {"id": "$id", "item": 6}}},
        {"items": [7, 8]},
    ], stream=True))
    messages = []
    while "method" in (message := host.read()):
        messages.append(message)
    items = [item for one in messages if one["method"] == "invoke/item" for item in
             one["params"].get("items", [one["params"].get("item")])]
    assert items == [6, 7, 8]


def test_flood_of_items_waits_for_a_slow_caller(plugins):
    """The host reads the plugin no faster than its caller reads."""
    plugins.add(limits={"memory_mib": 2_048})
    with plugins.host(reads_output=False) as host:
        filler = "i" * 100_000
        host.send(invoke(1, steps=[{"items": [filler] * 10, "times": 200}], stream=True, timeout_ms=60_000))
        # Nobody reads: the host must stop reading the plugin before it holds 200 MB.
        host.send(request(2, "ping"))
        eventually(lambda: host.peak_memory_bytes > 0, "the host runs")
        host.read_output()
        count = 0
        while True:
            message = host.read()
            if message.get("id") == 1:
                break
            if message.get("method") == "invoke/item":
                count += len(message["params"].get("items", [1]))
        assert count == 2_000 and "result" in message
        if host.peak_memory_bytes:
            assert host.peak_memory_bytes < 400 * MEBIBYTE


def test_items_after_a_cancellation_do_not_stop_other_calls(plugins, tmp_path):
    """A cancelled stream goes on for a while. Its items must not fill the memory for the others."""
    plugins.add(limits={"memory_mib": 2_048})
    with plugins.host() as host:
        host.send(invoke(1, steps=[
            {"touch": str(tmp_path / "started")}, {"until_cancelled": 1},
            {"items": ["i" * 100_000] * 10, "times": 30}, {"touch": str(tmp_path / "done")}],
            stream=True, timeout_ms=60_000))
        eventually((tmp_path / "started").exists, "the call has started")
        pid = int((tmp_path / "started").read_text())
        host.send(request(2, "cancel", {"id": 1}))
        answers = host.by_id(2)
        assert answers[1]["error"]["code"] == -32800
        assert host.pid() == pid
        eventually((tmp_path / "done").exists, "the plugin has written its items")
        assert host.pid() == pid


def test_plugin_that_does_not_read_its_input_fails_calls_when_the_queue_is_full(plugins, sandbox):
    plugins.add(limits={"max_in_flight": 1_024, "restarts_per_minute": 600})
    with plugins.host("--connections", sandbox.file, "--max-in-flight", "200") as host:
        host.seen(steps=[{"stop_reading": 1}])
        # It reads no more after the line that follows.
        filler = "z" * 1_000_000
        for number in range(80):
            host.send(invoke(number, "look", [{"write": filler}], timeout_ms=8_000))
        host.send(request("built-in", "invoke", {"integration": "coda_footprint", "command": "list_scanners"}))
        answers = host.by_id(81)
        assert "result" in answers["built-in"]
        kinds = {answer["error"]["data"]["kind"] for id, answer in answers.items()
                 if id != "built-in" and "error" in answer}
        assert kinds <= {"timeout", "unavailable"} and kinds
        # It is replaced by one that reads.
        eventually(lambda: "result" in host.call(timeout_ms=60_000), "the plugin works again")


def test_plugin_that_closes_its_output_is_restarted(host):
    pid = host.pid()
    failure = host.failure("change", [{"close": 1}, {"hang": 1}])
    assert (failure["kind"], failure["outcome"]) == ("unavailable", "unknown")
    assert host.pid() != pid


def test_plugin_that_closes_its_input_is_restarted(plugins):
    """What was sent to it before and never read is answered, too."""
    plugins.add(limits={"max_in_flight": 64})
    with plugins.host() as host:
        pid = host.pid()
        host.send(invoke(1, steps=[{"close": 0}, {"hang": 1}], timeout_ms=600_000))
        for number in range(2, 10):
            host.send(invoke(number, steps=[{"stderr": "", "filler": "u" * 100_000}], timeout_ms=600_000))
        answers = host.by_id(9)
        assert answers[1]["error"]["data"]["kind"] == "unavailable"
        for number in range(2, 10):
            if "error" in answers[number]:
                assert answers[number]["error"]["data"]["kind"] == "unavailable"
        assert host.pid() != pid


def test_plugin_that_closes_its_stderr_works_on(host):
    host.seen(steps=[{"close": 2}])
    assert host.pid() == host.pid()


def test_request_larger_than_the_queue_is_sent_whole(plugins):
    plugins.add(limits={"memory_mib": 4_096})
    with plugins.host("--max-line-bytes", str(200 * MEBIBYTE)) as host:
        answer = host.call(steps=[
            {"result": {"return_data": "Successful", "raw_data": "whole"}},
            {"stderr": "", "filler": "u" * (70 * MEBIBYTE)}], timeout_ms=120_000)
        assert answer["result"]["raw_data"] == "whole"
        host.pid()
