"""Cases for a plugin: the kit plays the host (section 15)."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

from case import Case
from faults import Fault, Skip
from plugin_process import (
    CANCELLED, DRY_RUN, INVALID, UNKNOWN_METHOD, PluginProcess, brief)
from plugin_shapes import expect_command, expect_outcome
from plugin_vendor import PLACEHOLDER, refusal
from schema_sanity import problems_of

#: Seconds in which an idle plugin ends, at most the timeout of the kit.
GRACE_SECONDS = 10.0
MEBIBYTE = 1 << 20

Play = Callable[..., None]


def plugin(name: str, *proves: str) -> Callable[[Play], Case]:
    """Makes a case of a function of a running plugin whose docstring says what it shows."""
    def as_case(play: Play) -> Case:
        def start(launch: Any) -> None:
            with PluginProcess(launch) as process:
                play(process)

        return Case(f"plugin/{name}", (play.__doc__ or "").strip(), proves, False, start)
    return as_case


def any_command(process: PluginProcess) -> str:
    for command in [*process.runnable(), *(one["id"] for one in process.commands())]:
        return str(command)
    raise Fault("the integration has no commands")


def calling_command(process: PluginProcess) -> str:
    """A command that sends a request to the vendor. It has run once, so that tokens are there."""
    for command in process.runnable():
        before = len(process.http)
        process.answer(process.invoke(command))
        if any(params.get("sign_in") is not True for params in process.http[before:]):
            return command
    raise Skip("no command calls the vendor")


def held_call(process: PluginProcess) -> tuple[str, int]:
    """A call in flight whose request to the vendor has no response yet."""
    command = calling_command(process)
    usual = process.vendor
    process.vendor = lambda params: usual(params) if params.get("sign_in") is True else None
    id = process.invoke(command)
    process.until_held()
    process.vendor = usual
    return command, id


# Start

@plugin("handshake", "15.1", "15.2", "15.9")
def handshake(process: PluginProcess) -> None:
    """capabilities returns the one integration, with its id and its commands."""
    integration = process.integration()
    if process.launch.id is not None and integration.get("id") != process.launch.id:
        raise Fault("the integration has another id than plugin.json", expected=process.launch.id, got=brief(integration.get("id")))
    if not isinstance(integration.get("id"), str):
        raise Fault("the integration has no id", got=brief(integration)[:600])
    for name in ("title", "description", "category"):
        if name in integration and not isinstance(integration[name], str):
            raise Fault(f"{name} is not text", got=brief(integration[name]))
    if not process.commands():
        raise Fault("the integration has no commands")
    ids: set[str] = set()
    for command in process.commands():
        expect_command(command, ids)
    answer = process.ask("capabilities", {"integration": integration["id"]})
    if answer["result"].get("protocol_version") != "1":
        raise Fault("protocol_version is not \"1\"", got=brief(answer["result"].get("protocol_version")))


@plugin("schemas", "15.3", "15.9")
def schemas(process: PluginProcess) -> None:
    """The schemas of settings, parameters and results are JSON Schemas (2020-12) that a host can check."""
    found = [("connection", process.connection_schema())]
    for command in process.commands():
        found += [(f"{command['id']}.{name}", command[name]) for name in ("parameters", "result") if name in command]
    for place, schema in found:
        problems = problems_of(schema)
        if problems:
            path, problem = problems[0]
            raise Fault(f"{place}{path}: {problem}", place=f"{place}{path}", got=brief(schema)[:600])
        if not place.endswith(".result") and schema.get("type", "object") != "object":
            raise Fault(f"{place}: parameters and settings are objects", got=brief(schema)[:600])


@plugin("same-catalogue", "15.5")
def same_catalogue(process: PluginProcess) -> None:
    """Two processes of the plugin have the same catalogue, so that a lock stays valid."""
    with PluginProcess(process.launch) as other:
        first, second = process.integration(), other.integration()
    if first != second:
        raise Fault("a second process returns another integration", expected=brief(first)[:600], got=brief(second)[:600])


@plugin("ping", "15.8")
def ping(process: PluginProcess) -> None:
    """ping returns an empty object, whatever type its id has."""
    process.expect_alive()
    for id in ("text", "é", 0, 1 << 40):
        process.open.add(id)
        process.send(json.dumps({"jsonrpc": "2.0", "id": id, "method": "ping"}))
        answer = process.answer(id)
        if answer.get("result") != {}:
            raise Fault("ping did not return {}", got=brief(answer))


# Calls

@plugin("invoke", "15.10")
def invoke(process: PluginProcess) -> None:
    """Every command returns a result or an error of the protocol's form."""
    for command in process.runnable():
        expect_outcome(process.answer(process.invoke(command)), command)
    process.expect_alive()


@plugin("unknown-names", "15.10")
def unknown_names(process: PluginProcess) -> None:
    """Unknown integrations and commands are -32602 with their path, unknown methods -32601."""
    id = process.integration()["id"]
    command = any_command(process)
    for method, params, path in (
        ("invoke", {"integration": id, "command": "kit_no_such_command", "arguments": {}}, "/command"),
        ("invoke", {"integration": "kit_no_such_plugin", "command": command, "arguments": {}}, "/integration"),
        ("capabilities", {"integration": "kit_no_such_plugin"}, "/integration"),
    ):
        answer = process.ask(method, params)
        error = answer.get("error", {})
        if error.get("code") != INVALID:
            raise Fault(f"an unknown name at {path} is not refused", expected=f"-32602, problem at {path}", got=brief(answer))
        data = error.get("data")
        paths = [one.get("path") for one in data.get("problems", [])] if isinstance(data, dict) else []
        if path not in paths:
            raise Fault("the problems do not name the path", expected=path, got=brief(error))
    answer = process.ask("kit/no_such_method", {})
    if answer.get("error", {}).get("code") != UNKNOWN_METHOD:
        raise Fault("an unknown method is not refused", expected="-32601", got=brief(answer))


@plugin("wrong-arguments", "15.10")
def wrong_arguments(process: PluginProcess) -> None:
    """Wrong arguments, settings and options get a response, and the plugin keeps working."""
    for command in process.runnable():
        known = process.arguments(command)
        for arguments in (
            {**known, "kit_no_such_parameter": 1}, dict.fromkeys(known), {name: {"a": [None]} for name in known},
            {name: [[]] for name in known}, {name: "\ud800\u0000" for name in known}, {},
        ):
            expect_outcome(process.answer(process.invoke(command, arguments)), command)
    command = any_command(process)
    for settings in ({}, {"kit_no_such_setting": 1}, dict.fromkeys(process.settings(), 7)):
        process.is_checked = False
        expect_outcome(process.answer(process.invoke(command, settings=settings)), command)
    for params in ({}, {"integration": process.integration()["id"], "command": command, "arguments": 7, "options": []}, []):
        answer = process.ask("invoke", params)
        if "error" not in answer:
            raise Fault("malformed params are not refused", got=brief(answer))
    process.expect_alive()


@plugin("stream", "15.10")
def stream(process: PluginProcess) -> None:
    """Items of a stream are numbered from 0 and come before the response, which then has no raw_data."""
    for command in process.runnable():
        before = len(process.notes)
        id = process.invoke(command, stream=True, progress=True)
        answer = process.answer(id)
        expect_outcome(answer, command)
        items = [params for method, params in process.notes[before:] if method == "invoke/item"]
        for at, params in enumerate(items):
            if params.get("id") != id or params.get("seq") != at or "item" not in params:
                raise Fault(f"{command}: invoke/item needs id, seq and item; seq counts from 0",
                            expected=f'"id":{id},"seq":{at},"item":…', got=brief(params)[:600])
        if items and "raw_data" in answer.get("result", {}):
            raise Fault(f"{command}: the response repeats the items in raw_data", got=brief(answer)[:600])
        for method, params in process.notes[before:]:
            if method == "invoke/progress" and not isinstance(params.get("done"), (int, float)):
                raise Fault(f"{command}: invoke/progress needs done", got=brief(params))


@plugin("concurrent-calls", "15.11")
def concurrent_calls(process: PluginProcess) -> None:
    """A call that waits for the vendor delays neither another call nor a ping."""
    command, slow = held_call(process)
    process.expect_alive()
    expect_outcome(process.answer(process.invoke(command)), command)
    if slow in process.answers:
        raise Fault("a call was answered before the vendor responded", got=brief(process.answers[slow]))
    process.release()
    expect_outcome(process.answer(slow), command)


@plugin("many-calls", "15.8", "15.11")
def many_calls(process: PluginProcess) -> None:
    """Of 200 calls at once each gets one response, with its id."""
    commands = [one for one in process.runnable() if process.command(one).get("effect") == "read"] or process.runnable()
    if not commands:
        raise Skip("no command can run without a sample")
    ids = [process.invoke(commands[at % len(commands)]) for at in range(200)]
    for at, id in enumerate(ids):
        expect_outcome(process.answer(id), commands[at % len(commands)])
    process.expect_alive()


@plugin("cancel", "15.11")
def cancel(process: PluginProcess) -> None:
    """A cancelled call gets -32800, or its result if it has finished. Nothing follows for it."""
    for is_request in (True, False):
        command, id = held_call(process)
        if is_request:
            answer = process.ask("cancel", {"id": id})
            if answer.get("result") != {"cancelled": True}:
                raise Fault("cancel did not return {\"cancelled\":true}", got=brief(answer))
        else:
            process.notify("cancel", {"id": id})
        ended = process.answer(id)
        expect_outcome(ended, command)
        if "error" in ended and ended["error"]["code"] != CANCELLED:
            raise Fault("a cancelled call failed with another code", expected="-32800", got=brief(ended))
        # The response of the vendor comes too late.
        process.release()
        process.expect_alive()
    answer = process.ask("cancel", {"id": 987654321})
    if answer.get("result") != {"cancelled": False}:
        raise Fault("cancel of an unknown id did not return {\"cancelled\":false}", got=brief(answer))


# The vendor

@plugin("placeholders", "15.4", "15.12")
def placeholders(process: PluginProcess) -> None:
    """The vendor is reached through host/http only, at the origins of the settings, with placeholders for secrets."""
    if not process.launch.is_brokered:
        raise Skip("its secrets are plain")
    for command in process.runnable():
        expect_outcome(process.answer(process.invoke(command)), command)
    if process.listener.connections:
        raise Fault("the plugin connected to the vendor itself", expected="requests through host/http only",
                    got=f"{process.listener.connections} connections to {process.listener.url}")
    secrets = {name for name, value in process.settings().items() if isinstance(value, str) and PLACEHOLDER.search(value)}
    text = json.dumps(process.http)
    if secrets and process.http and not any("{{secret:%s}}" % name in text for name in secrets):
        raise Fault("no request has a placeholder of a secret setting",
                    expected=" or ".join("{{secret:%s}}" % name for name in sorted(secrets)), got=brief(process.http[:3]))


@plugin("vendor-errors", "15.12")
def vendor_errors(process: PluginProcess) -> None:
    """Whatever the vendor or the host responds, the call gets a result or an error of the protocol's form."""
    command = calling_command(process)
    answers = [
        {"status": 401, "headers": {}, "json": {"error": "no"}}, {"status": 404, "headers": {}, "body": "not here"},
        {"status": 500, "headers": {}, "body": ""}, {"status": 429, "headers": {"Retry-After": "1"}, "json": {}},
        {"status": 200, "headers": {}, "body": "<html>"}, {"status": 200, "headers": {}, "json": None},
        {"status": 204, "headers": {}, "body": ""}, {"status": 200, "headers": {}, "body_base64": "AP8="},
        {"status": 200, "headers": {}, "json": [1, "a", None]}, refusal("network", 502, "no connection"),
        refusal("policy", 403, "origin not allowed"), refusal("rate_limited", 429, "wait", retry_after_ms=1000),
    ]
    for one in answers:
        process.vendor = lambda params, one=one: one
        answer = process.answer(process.invoke(command))
        expect_outcome(answer, command)
        if "data" in one and "result" in answer:
            raise Fault("the command succeeded although the host refused its request", got=brief(answer))
        if "data" in one and answer["error"].get("data", {}).get("kind") != one["data"]["kind"]:
            raise Fault("the kind of the host's error is lost", expected=one["data"]["kind"], got=brief(answer))
    process.expect_alive()


@plugin("dry-run", "15.14")
def dry_run(process: PluginProcess) -> None:
    """In a dry run the error -32001 ends the command; nothing is stored or sent otherwise."""
    calling_command(process)
    for command in process.runnable():
        before, asked = process.listener.connections, len(process.asked)
        id = process.invoke(command, dry_run=True)
        answer = process.answer(id)
        expect_outcome(answer, command)
        recorded = process.ended_dry.get(id, 0)
        if recorded > 1 and not process.command(command).get("partial_success"):
            raise Fault(f"{command}: it sent another request after the error -32001", got=brief(process.http[-3:]))
        if recorded and answer.get("error", {}).get("code") != DRY_RUN:
            raise Fault(f"{command}: the error -32001 did not end it", expected="error -32001", got=brief(answer))
        if any(method == "host/file_put" for method, _ in process.asked[asked:]):
            raise Fault(f"{command}: it stored a file in a dry run")
        if process.listener.connections > before:
            raise Fault(f"{command}: it connected to the vendor in a dry run")


@plugin("files", "15.13")
def files(process: PluginProcess) -> None:
    """A file that a command stores is in the files of its result."""
    has_stored = False
    for command in process.runnable():
        before = len(process.asked)
        answer = process.answer(process.invoke(command))
        stored = [params for method, params in process.asked[before:] if method == "host/file_put"]
        has_stored = has_stored or bool(stored)
        if stored and "result" in answer and len(answer["result"].get("files", ())) < len(stored):
            raise Fault(f"{command}: files does not have the stored file", got=brief(answer)[:600])
    if not has_stored:
        raise Skip("no command stores a file")


# Noise

@plugin("noise", "15.8")
def noise(process: PluginProcess) -> None:
    """Blank lines, CR LF, invalid JSON, unknown notifications and responses do not disturb the plugin."""
    for line in (
        b"", b"  ", b"\r", b'{"jsonrpc":"2.0","method":"kit/no_such_notification","params":{}}',
        b'{"jsonrpc":"2.0","method":"kit/no_such_notification"}', b'{"jsonrpc":"2.0","id":4711,"result":{}}',
        b'{"jsonrpc":"2.0","id":"x","error":{"code":-32000,"message":"late"}}', b"{", b"hello", b"\xff\xfe", b"7",
        b'{"jsonrpc":"2.0","id":null,"result":{}}', b"[" * 100_000,
        b'{"jsonrpc":"2.0","method":"cancel","params":{"id":4711}}',
    ):
        process.send(line)
        process.expect_alive()
        process.answers.pop(None, None)
    process.open.add("crlf")
    process.send(b'{"jsonrpc":"2.0","id":"crlf","method":"ping"}\r')
    process.answer("crlf")


@plugin("long-lines", "15.8")
def long_lines(process: PluginProcess) -> None:
    """Lines of more than a mebibyte are read."""
    process.notify("kit/no_such_notification", {"text": "x" * MEBIBYTE})
    process.expect_alive()
    command = any_command(process)
    arguments = {**process.arguments(command), "kit_no_such_parameter": "x" * MEBIBYTE}
    expect_outcome(process.answer(process.invoke(command, arguments)), command)


# End

def expect_exit(process: PluginProcess) -> None:
    process.timeout = min(process.timeout, GRACE_SECONDS)
    status = process.exit_status()
    if status != 0:
        raise Fault("wrong exit status", expected="exit 0", got=f"ended by signal {-status}" if status < 0 else f"exit {status}")


@plugin("end-of-input", "15.15")
def end_of_input(process: PluginProcess) -> None:
    """At EOF an idle plugin exits with 0."""
    process.expect_alive()
    process.close_input()
    expect_exit(process)


@plugin("end-of-input-in-flight", "15.15")
def end_of_input_in_flight(process: PluginProcess) -> None:
    """At EOF a call in flight gets its response, although the host answers no more requests, and the plugin exits with 0."""
    command, id = held_call(process)
    process.close_input()
    expect_outcome(process.answer(id), command)
    expect_exit(process)


@plugin("term", "15.15")
def term(process: PluginProcess) -> None:
    """SIGTERM ends an idle plugin with 0."""
    process.expect_alive()
    process.signal(signal.SIGTERM)
    expect_exit(process)


@plugin("term-in-flight", "15.15")
def term_in_flight(process: PluginProcess) -> None:
    """SIGTERM ends a plugin quickly, also if a call is in flight."""
    held_call(process)
    process.signal(signal.SIGTERM)
    expect_exit(process)


def plugin_cases() -> list[Case]:
    """In execution order."""
    return [one for one in globals().values() if isinstance(one, Case)]
