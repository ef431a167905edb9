"""Calls that need a plugin that is still starting wait for it. Other calls overtake them."""

from __future__ import annotations

import json

import pytest
from Support.host import request
from Support.plugins import SECRET, connection, invoke


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


@pytest.fixture
def host(plugins, sandbox, gate):
    """A host with a plugin that starts when the gate is there."""
    plugins.add(locked=False, behaviour={"at_start": [{"await": str(gate)}]}, limits={"start_seconds": 600})
    with plugins.host("--connections", sandbox.file) as host:
        yield host


def built_in(id):
    return request(id, "invoke", {"integration": "coda_footprint", "command": "list_scanners"})


def tool(id, name, **arguments):
    return request(id, "tools/call", {"name": name, "arguments": arguments})


INITIALIZE = request("initialize", "initialize", {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})


def test_capabilities_wait_and_nothing_else_does(host, gate):
    host.send(request("capabilities", "capabilities"), request("ping", "ping"), request("limits", "limits"),
              request("stats", "stats"), built_in("invoke"), request("files", "files/list"),
              request("list", "connections/list"))
    assert set(host.by_id(6)) == {"ping", "limits", "stats", "invoke", "files", "list"}
    gate.touch()
    answer = host.read()
    assert answer["id"] == "capabilities"
    assert "raw" in [one["id"] for one in answer["result"]["integrations"]]


def test_tools_wait_and_built_in_tools_do_not(host, gate):
    assert "result" in host.ask(INITIALIZE)
    host.send(request("tools", "tools/list"), request("prompts", "prompts/list"), request("ping", "ping"),
              tool("built-in", "coda_footprint__list_scanners"), tool("plugin", "raw__look"))
    assert set(host.by_id(2)) == {"ping", "built-in"}
    gate.touch()
    answers = host.by_id(3)
    assert set(answers) == {"tools", "prompts", "plugin"}


def test_cancelled_call_that_waits_is_answered_at_once(host, gate):
    host.send(request(1, "capabilities"), request(2, "cancel", {"id": 1}), request(3, "cancel", {"id": 9}))
    answers = host.by_id(3)
    assert answers[1]["error"]["code"] == -32800 and answers[2]["result"] == {"cancelled": True}
    assert answers[3]["result"] == {"cancelled": False}
    gate.touch()
    assert "result" in host.ask(request(4, "capabilities"))


def test_ids_of_calls_that_wait_are_in_flight(host, gate):
    host.send(request(1, "capabilities"), request(1, "ping"), request(None, "capabilities"), request(None, "ping"))
    first, second = host.read(), host.read()
    assert "already in flight" in json.dumps(first) and second["result"] == {}
    gate.touch()
    assert "integrations" in host.read()["result"] and "integrations" in host.read()["result"]


def test_calls_that_depend_on_a_waiting_one_keep_their_order(host, gate):
    """A connection of the plugin is put, and used by the next line."""
    put = {"name": "raw1", "connection": connection()}
    host.send(
        request("put", "connections/put", put), invoke("use", connection="raw1", steps=[]),
        request("remove", "connections/remove", {"name": "raw1"}), request("ping", "ping"), built_in("built-in"))
    assert set(host.by_id(2)) == {"ping", "built-in"}
    gate.touch()
    answers = host.by_id(3)
    assert answers["put"]["result"]["name"] == "raw1" and answers["remove"]["result"] == {"removed": True}
    assert "result" in answers["use"], answers["use"]
    assert SECRET not in json.dumps(answers)


def test_calls_that_wait_are_bounded(host, gate):
    """Beyond the memory of parked calls the host stops reading, as for other calls."""
    padding = b" " * 1_000_000
    for number in range(20):
        host.send(b'{"jsonrpc":"2.0","method":"capabilities","params":{"detail":"summary"},' + padding
                  + b'"id":%d}' % number)
        if number == 6:
            assert host.ask(request("early", "ping"))["result"] == {}
        if number == 8:
            gate.touch()
    host.send(request("late", "ping"))
    answers = host.by_id(21)
    assert all("result" in answer for answer in answers.values())


def test_end_of_input_answers_the_calls_that_wait(host, gate):
    host.send(request(1, "capabilities"), request(2, "ping"))
    assert host.read()["id"] == 2
    host.close_input()
    gate.touch()
    assert [one["id"] for one in host.rest()] == [1]
    assert host.exit_code() == 0


def test_shutdown_waits_for_the_calls_before_it(host, gate):
    host.send(request(1, "capabilities"), request(2, "shutdown"), request(3, "ping"))
    assert host.read()["id"] == 3
    gate.touch()
    assert [one["id"] for one in host.rest()] == [1, 2]
    assert host.exit_code() == 0


def test_batch_with_a_call_that_waits_gets_one_response(host, gate):
    host.send([request(1, "capabilities", {"detail": "summary"}), request(2, "ping")])
    gate.touch()
    assert {one["id"] for one in host.read()} == {1, 2}


def test_plugin_that_never_starts_ends_the_wait(plugins):
    plugins.add(locked=False, behaviour={"at_start": [{"hang": 1}]}, limits={"start_seconds": 1})
    with plugins.host() as host:
        host.send(request(1, "capabilities"), request(2, "ping"))
        assert [host.read()["id"], host.read()["id"]] == [2, 1]
