"""A plugin as a child process, with the test as its host."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any, Callable

import pytest

PRELUDE = """\
import asyncio, os, subprocess, sys, threading, time
from sallyport.plugin import AsyncCall, Call, Plugin, PluginError, Result

plugin = Plugin("acme")

@plugin.command(effect="read")
def echo(call, value=None):
    return value

@plugin.command()
def send(call):
    return call.post("http://127.0.0.1:1/").raise_for_status().json()

@plugin.command()
async def asend(call):
    return (await call.post("http://127.0.0.1:1/")).raise_for_status().json()

"""


class Child:
    """Reads and writes lines."""

    def __init__(self, path: pathlib.Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.count = 0
        #: A child that owes a response for ever fails its test: the pipe ends.
        self.watchdog = threading.Timer(60, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()

    def write(self, **message: Any) -> None:
        self.write_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def write_line(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def invoke(self, command: str, id: Any = None, **options: Any) -> Any:
        self.count += 1
        id = f"call-{self.count}" if id is None else id
        arguments = options.pop("arguments", {})
        self.write(id=id, method="invoke", params={
            "integration": "acme", "command": command, "arguments": arguments, "options": options})
        return id

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.end()[1]
        message: dict[str, Any] = json.loads(line)
        return message

    def answer(self, id: Any) -> dict[str, Any]:
        message = self.read()
        assert message.get("id") == id and "method" not in message, message
        return message

    def request(self) -> dict[str, Any]:
        """The child's request."""
        message = self.read()
        assert "method" in message and "id" in message, message
        return message

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def end(self) -> tuple[int, str]:
        """The exit status and stderr."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        assert self.process.stderr
        errors = self.process.stderr.read().decode()
        return self.process.wait(60), errors


Start = Callable[[str], Child]


@pytest.fixture
def start(tmp_path: pathlib.Path) -> Iterator[Start]:
    children: list[Child] = []

    def run(body: str = "") -> Child:
        path = tmp_path / "acme.py"
        path.write_text(PRELUDE + textwrap.dedent(body) + "\nplugin.run()\n")
        children.append(Child(path))
        return children[-1]

    yield run
    for child in children:
        child.watchdog.cancel()
        child.process.kill()
        child.process.wait()
        for stream in (child.process.stdin, child.process.stdout, child.process.stderr):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass


def test_prints_and_children_write_to_stderr(start: Start) -> None:
    child = start("""
        @plugin.command()
        def prints(call):
            print("a print")
            os.write(1, b"raw bytes\\n")
            subprocess.run(["echo", "of a child"])
            return [sys.stdin.read(), os.read(0, 10).decode()]
    """)
    id = child.invoke("prints")
    assert child.answer(id)["result"]["raw_data"] == ["", ""]
    status, errors = child.end()
    assert status == 0
    for text in ("a print", "raw bytes", "of a child"):
        assert text in errors


@pytest.mark.parametrize("command", ["send", "asend"])
def test_request_goes_to_the_host_and_back(start: Start, command: str) -> None:
    child = start()
    id = child.invoke(command)
    request = child.request()
    assert (request["method"], request["params"]) == (
        "host/http", {"invocation": id, "method": "POST", "url": "http://127.0.0.1:1/"})
    child.write(id=request["id"], result={"status": 200, "headers": {}, "json": {"text": "é\u2028\ud800"}})
    assert child.answer(id)["result"] == {"return_data": "Successful", "raw_data": {"text": "é\u2028\ud800"}}


@pytest.mark.parametrize("command", ["send", "asend"])
@pytest.mark.parametrize("is_request", [True, False])
def test_cancelled_call_ends_and_its_late_response_is_ignored(start: Start, command: str, is_request: bool) -> None:
    child = start()
    id = child.invoke(command)
    request = child.request()
    child.write(method="cancel", params={"id": id}, **({"id": "c"} if is_request else {}))
    answers = {message["id"]: message for message in (child.read() for _ in range(1 + is_request))}
    assert (answers[id]["error"]["code"], answers[id]["error"]["data"]["outcome"]) == (-32800, "unknown")
    if is_request:
        assert answers["c"]["result"] == {"cancelled": True}
    child.write(id=request["id"], result={"status": 200, "json": {}})
    child.write(id=7, method="cancel", params={"id": id})
    assert child.answer(7)["result"] == {"cancelled": False}
    assert child.end()[0] == 0


def test_cancelled_call_that_finishes_returns_its_result(start: Start) -> None:
    child = start("""
        @plugin.command()
        def waits(call):
            call.log("waiting")
            while not call.cancelled:
                time.sleep(0.001)
            return "finished"
    """)
    id = child.invoke("waits")
    assert child.request()["method"] == "host/log"
    child.write(method="cancel", params={"id": id})
    assert child.answer(id)["result"]["raw_data"] == "finished"


@pytest.mark.parametrize("command", ["send", "asend"])
def test_calls_do_not_delay_each_other(start: Start, command: str) -> None:
    child = start()
    slow = child.invoke(command)
    request = child.request()
    child.write(id="p", method="ping")
    child.answer("p")
    quick = child.invoke("echo", arguments={"value": 1})
    child.answer(quick)
    child.write(id=request["id"], result={"status": 200, "json": 2})
    assert child.answer(slow)["result"]["raw_data"] == 2


def test_500_calls_at_once_get_one_response_each(start: Start) -> None:
    child = start()
    ids = [child.invoke("echo", arguments={"value": number}) for number in range(500)]
    answers = [child.read() for _ in ids]
    assert sorted(one["id"] for one in answers) == sorted(ids)
    assert {one["id"]: one["result"]["raw_data"] for one in answers} == {id: at for at, id in enumerate(ids)}


@pytest.mark.parametrize(("line", "code"), [
    (b"{", -32700), (b"\xff", -32700), (b"[" * 100_000, -32700), (b"7", -32600), (b"[]", -32600), (b'{"id":1}', -32600),
    (b'{"id":[1],"method":"ping"}', -32600), (b'{"id":1,"method":7}', -32600), (b'{"id":1,"method":"ping","params":[]}', -32602),
    (b'{"id":1,"method":"nothing"}', -32601),
])
def test_malformed_line_gets_an_error_and_the_next_line_works(start: Start, line: bytes, code: int) -> None:
    child = start()
    child.write_line(line)
    assert child.read()["error"]["code"] == code
    child.write(id="p", method="ping")
    child.answer("p")


def test_lines_without_a_response(start: Start) -> None:
    child = start()
    for line in (b"", b" \r", b'{"method":"nothing"}', b'{"method":"invoke"}', b'{"id":9,"result":1}', b'{"id":"x","error":{}}',
                 b'{"method":"cancel","params":{"id":[1]}}', b'{"method":"cancel","params":[]}'):
        child.write_line(line)
    child.write(id="p", method="ping")
    child.answer("p")


def test_id_in_flight_is_refused_and_free_afterwards(start: Start) -> None:
    child = start()
    id = child.invoke("send")
    request = child.request()
    child.invoke("echo", id=id)
    assert child.answer(id)["error"]["code"] == -32600
    child.write(id=request["id"], result={"status": 200, "json": 1})
    child.answer(id)
    child.invoke("echo", id=id, arguments={"value": 5})
    assert child.answer(id)["result"]["raw_data"] == 5


@pytest.mark.parametrize(("body", "message"), [
    ("raise KeyError('a')", "KeyError: 'a'"), ("return object()", "TypeError: a value of the type object is not JSON"),
    ("return float('nan')", "ValueError"), ("sys.exit(3)", "SystemExit: 3"),
    ("a = []; a.append(a); return a", "ValueError"),
])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_bug_in_a_command_is_an_internal_error(start: Start, kind: str, body: str, message: str) -> None:
    child = start(f"""
        @plugin.command()
        {kind} fails(call):
            {body}
    """)
    data = child.answer(child.invoke("fails"))["error"]["data"]
    assert (data["kind"], data["status_code"], data["outcome"]) == ("internal", 500, "not_applied")
    assert message in data["message"]
    child.write(id="p", method="ping")
    child.answer("p")
    status, errors = child.end()
    assert status == 0 and "Traceback" in errors


def test_items_come_in_order_before_the_response(start: Start) -> None:
    child = start("""
        @plugin.command(effect="read", items="$[*]")
        def many(call):
            for number in range(100):
                call.item(number)
                call.progress(number + 1, 100)
    """)
    id = child.invoke("many", stream=True)
    for number in range(100):
        assert child.read() == {"jsonrpc": "2.0", "method": "invoke/item", "params": {"id": id, "seq": number, "item": number}}
        assert child.read()["params"] == {"id": id, "done": number + 1, "total": 100}
    assert child.answer(id)["result"] == {"return_data": "Successful", "meta": {"items": 100}}


def test_dry_run_ends_with_its_code(start: Start) -> None:
    child = start()
    for command in ("send", "asend"):
        id = child.invoke(command, dry_run=True)
        child.write(id=child.request()["id"], error={"code": -32001, "message": "Dry run."})
        assert child.answer(id)["error"] == {"code": -32001, "message": "Dry run."}


def test_errors_of_the_host_are_passed_on(start: Start) -> None:
    child = start()
    data = {"kind": "policy", "status_code": 403, "message": "The origin is not allowed.", "retryable": False,
            "outcome": "not_applied", "remedy": "Use the origin of server_url."}
    for error, kind in (({"code": -32000, "message": "no", "data": data}, "policy"), ({"code": -32602, "message": "no"}, "internal")):
        id = child.invoke("send")
        child.write(id=child.request()["id"], error=error)
        told = child.answer(id)["error"]["data"]
        assert told["kind"] == kind and told["failure_indicator"] == "Send failed."
        if kind == "policy":
            assert (told["message"], told["remedy"], told["outcome"]) == (data["message"], data["remedy"], "not_applied")


@pytest.mark.parametrize("command", ["send", "asend"])
def test_at_eof_calls_in_flight_get_a_response(start: Start, command: str) -> None:
    child = start()
    id = child.invoke(command)
    child.request()
    child.close()
    data = child.answer(id)["error"]["data"]
    assert (data["kind"], data["outcome"]) == ("unavailable", "unknown")
    assert child.end()[0] == 0


def test_at_eof_a_running_command_finishes(start: Start) -> None:
    child = start("""
        @plugin.command()
        def works(call):
            call.log("working")
            for _ in range(50):
                time.sleep(0.001)
            return "done"
    """)
    id = child.invoke("works")
    child.request()
    child.close()
    assert child.answer(id)["result"]["raw_data"] == "done"
    assert child.end()[0] == 0


def test_sigterm_ends_an_idle_plugin(start: Start) -> None:
    child = start()
    child.write(id="p", method="ping")
    child.answer("p")
    child.process.send_signal(signal.SIGTERM)
    assert child.process.wait(30) == 0


def test_sigterm_after_eof_ends_a_command_that_is_stuck(start: Start) -> None:
    child = start("""
        @plugin.command()
        def stuck(call):
            call.log("stuck")
            threading.Event().wait()
    """)
    child.invoke("stuck")
    child.request()
    child.close()
    child.process.send_signal(signal.SIGTERM)
    assert child.process.wait(30) == 0


@pytest.mark.parametrize("command", ["send", "asend", "stuck"])
def test_sigterm_ends_calls_in_flight(start: Start, command: str) -> None:
    child = start("""
        @plugin.command()
        def stuck(call):
            call.log("stuck")
            threading.Event().wait()
    """)
    id = child.invoke(command)
    child.request()
    child.process.send_signal(signal.SIGTERM)
    if command != "stuck":
        assert child.answer(id)["error"]["code"] == -32800
    assert child.process.wait(30) == 0


def test_after_shutdown_calls_in_flight_still_reach_the_host(start: Start) -> None:
    child = start()
    id = child.invoke("send")
    request = child.request()
    child.write(id="s", method="shutdown")
    assert child.answer("s")["result"] == {}
    child.write(id=request["id"], result={"status": 200, "json": 1})
    assert child.answer(id)["result"]["raw_data"] == 1
    assert child.process.wait(30) == 0


def test_a_plugin_imports_neither_asyncio_nor_the_client(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "acme.py"
    path.write_text(textwrap.dedent("""
        import sys
        from sallyport.plugin import Plugin
        plugin = Plugin("acme")

        @plugin.command()
        def modules(call):
            return [name for name in ("asyncio", "subprocess", "sallyport.host", "http.client") if name in sys.modules]

        plugin.run()
    """))
    child = Child(path)
    assert child.answer(child.invoke("modules"))["result"]["raw_data"] == []
    assert child.end()[0] == 0


def test_capabilities_of_another_integration_are_refused(start: Start) -> None:
    child = start()
    child.write(id=1, method="capabilities", params={"integration": "other"})
    assert child.answer(1)["error"]["data"]["problems"][0]["path"] == "/integration"
    child.write(id=2, method="capabilities", params={"integration": "acme"})
    result = child.answer(2)["result"]
    assert result["protocol_version"] == "1" and [one["id"] for one in result["integrations"]] == ["acme"]


def test_long_lines_and_large_results(start: Start) -> None:
    child = start()
    text = "x" * 3_000_000
    assert child.answer(child.invoke("echo", arguments={"value": text}))["result"]["raw_data"] == text


def test_threads_are_reused(start: Start) -> None:
    child = start("""
        @plugin.command()
        def thread(call):
            return [threading.current_thread().ident, threading.active_count()]
    """)
    counts = [child.answer(child.invoke("thread"))["result"]["raw_data"][1] for _ in range(50)]
    assert max(counts) <= 3
