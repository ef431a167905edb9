"""protocol/schema: what the host sends and takes is as the schemas say, and what is broken is not."""

from __future__ import annotations

import codecs
import copy
import dataclasses
import json
import pathlib
import re
import shlex
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from Support.host import Host, invoke, request, ROOT
from Support.schemas import closed, DIALECT, documents, fault, TO_HOST, validator

#: Those of section 9 speak another protocol, whose messages have their own schemas.
TRANSCRIPTS = [
    path for path in sorted((ROOT / "protocol/transcripts").glob("*.txt"))
    if not re.search(r"^proves .*\b9\.\d", path.read_text(), re.MULTILINE)]
DOCUMENT = json.loads((ROOT / "protocol/openrpc.json").read_text())
METHODS = DOCUMENT["methods"]
#: By method: the schema of its result.
RESULTS = {method["name"]: method["result"]["name"] for method in METHODS}


# The schemas themselves

@pytest.mark.parametrize("name", documents())
def test_a_schema_is_valid_and_its_references_lead_into_the_folder(name):
    document = documents()[name]
    DIALECT.check_schema(document)
    DIALECT.check_schema(closed(document))
    assert document["$id"].endswith(f"/{name}.json") and document["description"]
    for reference in re.findall(r'"\$ref": "([^"]*)"', json.dumps(document)):
        target, _, pointer = reference.partition("#")
        place = documents()[target.removesuffix(".json")]
        for part in pointer.split("/")[1:]:
            place = place[part]


# Conversations

@dataclasses.dataclass
class Conversation:
    sent: list[Any] = dataclasses.field(default_factory=list)
    received: list[Any] = dataclasses.field(default_factory=list)

    def send(self, host: Host, text: str) -> None:
        host.send(text)
        try:
            self.sent.append(json.loads(text))
        except ValueError:
            pass  # Sent to be refused.

    def read(self, host: Host) -> None:
        self.received.append(json.loads(host.read_line()))


def recorded(path: pathlib.Path) -> Conversation:
    """What goes both ways in a transcript, up to where its reader hangs up."""
    steps = [line.partition(" ")[::2] for line in path.read_text().splitlines() if line and line[0] != "#"]
    arguments = [word for step, text in steps if step == "args" for word in shlex.split(text)]
    conversation = Conversation()
    kept: dict[str, str] = {}
    with Host(*arguments) as host:
        for word, text in steps:
            text = re.sub(r"\$\{(\w+)\}", lambda place: kept[place[1]], text)
            if word == "->":
                conversation.send(host, text)
            elif word == "raw":
                host.send_bytes(codecs.escape_decode(text.encode())[0])
            elif word in ("<-", "<=") and text != "nothing":
                conversation.read(host)
            elif word == "keep":
                name, pointer = text.split()
                value = conversation.received[-1]
                for part in pointer.split("/")[1:]:
                    value = value[int(part) if isinstance(value, list) else part]
                kept[name] = value
            elif word == "stderr":
                host.wait_for_log(text)
            elif word == "signal":
                host.signal(signal.Signals[f"SIG{text}"])
            elif word == "eof":
                host.close_input()
            elif word == "hang":
                return conversation
        host.close_input()
        conversation.received += host.rest()
    return conversation


@pytest.fixture(scope="module")
def conversations() -> dict[str, Conversation]:
    return {path.stem: recorded(path) for path in TRANSCRIPTS}


@pytest.fixture(scope="module")
def samples(conversations) -> dict[str, list[Any]]:
    """Values that were sent, by the schema that they belong to."""
    found: dict[str, list[Any]] = {"line_from_host": [], "error": [], "notification": []}
    for conversation in conversations.values():
        results = result_names(conversation.sent)
        for message in flat(conversation.received):
            found["line_from_host"].append(message)
            if "method" in message:
                found["notification"].append(message)
                found.setdefault(part(message["method"], "params"), []).append(message["params"])
            elif "error" in message:
                found["error"].append(message["error"])
            elif names := results.get(json.dumps(message["id"])):
                # An id may be used again when it has been answered.
                name = next((one for one in names if fault(one, message["result"]) is None), names[0])
                found.setdefault(name, []).append(message["result"])
    return found


def result_names(sent: list[Any]) -> dict[str, list[str]]:
    """By id, as JSON: the schemas that the result may have to keep to."""
    names: dict[str, list[str]] = {}
    for one in flat(sent):
        if isinstance(one, dict) and "id" in one and one.get("method") in RESULTS:
            names.setdefault(json.dumps(one["id"]), []).append(RESULTS[one["method"]])
    return names


def flat(messages: list[Any]) -> Iterator[Any]:
    for message in messages:
        yield from message if isinstance(message, list) else [message]


def part(method: str, suffix: str) -> str:
    return re.sub(r"[/.]", "_", method) + f"_{suffix}"


@pytest.mark.parametrize("name", [path.stem for path in TRANSCRIPTS])
def test_every_line_of_a_transcript_is_as_its_schema_says(conversations, name):
    conversation = conversations[name]
    for line in conversation.received:
        assert fault("line_from_host", line) is None, line
    answered = {json.dumps(one.get("id")) for one in flat(conversation.received) if "result" in one}
    for line in conversation.sent:
        members = line if isinstance(line, list) else [line]
        refused = [
            one for one in members
            if not isinstance(one, dict) or json.dumps(one.get("id")) not in answered]
        if members and not refused:
            assert fault("line_to_host", line) is None, line


def test_every_result_of_a_transcript_is_as_the_schema_of_its_method_says(samples):
    for name, values in samples.items():
        for value in values:
            assert fault(name, value) is None, value
    told = {name.removesuffix("_result") for name in samples if name.endswith("_result")}
    assert {"capabilities", "invoke", "cancel", "connections_list", "files_put", "limits", "stats"} <= told


@pytest.mark.parametrize("method", METHODS, ids=[method["name"] for method in METHODS])
def test_the_examples_are_as_the_schemas_say(method):
    for example in method.get("examples", []):
        params = {param["name"]: param["value"] for param in example["params"]}
        assert fault(part(method["name"], "params"), params) is None
        assert fault("line_to_host", request(1, method["name"], params)) is None
        assert fault(method["result"]["name"], example["result"]["value"]) is None


def test_vendor_results_match_the_schemas():
    calls = [
        invoke(1, "list_devices"), invoke(2, "get_technical_context", {"context_id": 999999}),
        invoke(3, "list_devices", {"filter": {"pageSize": 0}}), request(4, "connections/list"),
        request(5, "health/watch", {"connection": "coda_sandbox"}), request(6, "limits"),
        request(7, "capabilities"), request(8, "rpc.discover"),
        invoke(9, "list_devices", stream=True, all_pages=True)]
    with Host("--sandbox") as host:
        host.send(*calls)
        host.send(*calls)  # The same ids: some are in flight and refused.
        code, messages = host.finish()
    assert code == 0 and len(messages) > len(calls)
    for message in messages:
        assert fault("line_from_host", message) is None, message


def test_a_change_of_health_is_as_the_schemas_say():
    with Host("--sandbox") as host:
        host.result("health/watch", {"connection": "coda_sandbox"})
        changed = host.read()
        status = host.result("health/status")
    assert changed["method"] == "health/changed" and fault("line_from_host", changed) is None
    assert fault("health_status_result", status) is None
    for name, mutant in broken("health_changed_params", changed["params"]):
        assert not is_valid("line_from_host", changed | {"params": mutant}), name


def test_a_change_of_a_connection_is_as_the_schemas_say():
    changed = {"jsonrpc": "2.0", "method": "connections/changed", "params": {"name": "mail"}}
    assert fault("line_from_host", changed) is None
    for change in ({"params": {}}, {"params": {"name": 1}}, {"method": "connections/change"}, {"id": 1}):
        assert not is_valid("line_from_host", changed | change), change


def test_the_connections_of_the_sandbox_are_a_connections_file(sandbox):
    connections = copy.deepcopy(sandbox.document)
    assert fault("connections_file", connections) is None
    del connections["connections"]["coda_sandbox"]["integration"]
    assert not is_valid("connections_file", connections)


# Broken messages

WRONG = {"string": 7, "integer": "7", "number": "7", "boolean": "true", "array": {}, "object": []}


def broken(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The value with one thing at a time that its schema forbids, and what that is."""
    schema = documents()[name]
    for member in schema.get("required", []):
        yield f"without {member}", {one: value[one] for one in value if one != member}
    for member, own in schema.get("properties", {}).items():
        if member in value and (wrong := wrong_value(own)) is not None:
            yield f"{member} is {wrong!r}", value | {member: wrong}


def wrong_value(schema: dict[str, Any]) -> Any:
    if "const" in schema:
        return "another" if isinstance(schema["const"], str) else -1
    if "$ref" in schema or "oneOf" in schema:
        return [[]]
    return WRONG.get(schema["type"]) if isinstance(schema.get("type"), str) else None


def is_valid(name: str, value: Any) -> bool:
    return validator(name, strict=False).is_valid(value)


def test_a_broken_result_is_not_as_its_schema_says(samples):
    samples = samples | {
        method["result"]["name"]: [example["result"]["value"] for example in method["examples"]]
        for method in METHODS if method.get("examples") and method["result"]["name"] not in samples}
    samples["rpc_discover_result"] = [DOCUMENT]
    tried = set()
    for name, values in samples.items():
        if "properties" in documents()[name]:
            for fault, value in broken(name, values[0]):
                assert not is_valid(name, value), f"{name}: {fault}"
                tried.add(name)
    # An invoke's is one of two, a file's is another schema, and nothing has nothing to break.
    assert set(RESULTS.values()) - tried == {"invoke_result", "files_put_result", "nothing"}


@pytest.mark.parametrize(("name", "pick"), [
    ("command_result", lambda samples: samples["invoke_result"]),
    ("dry_run_result", lambda samples: samples["invoke_result"]),
    ("meta", lambda samples: [one["meta"] for one in samples["invoke_result"] if "meta" in one]),
    ("target", lambda samples: [one["targets"][0] for one in samples["invoke_result"] if "targets" in one]),
    ("target_error", lambda samples: [one["errors"][0] for one in samples["invoke_result"] if "errors" in one]),
    ("event", lambda samples: [one["events"][0] for one in samples["invoke_result"] if one.get("events")]),
    ("file_reference", lambda samples: samples["files_put_result"]),
    ("command_failure", lambda samples: [one["data"] for one in samples["error"] if one["code"] == -32000]),
    ("param_faults", lambda samples: [one["data"] for one in samples["error"] if one["code"] == -32602]),
    ("line_fault", lambda samples: [one["data"] for one in samples["error"] if one["code"] == -32700]),
    ("unknown_method", lambda samples: [one["data"] for one in samples["error"] if one["code"] == -32601]),
    ("problem", lambda samples: [one["data"]["problems"][0] for one in samples["error"] if one["code"] == -32602]),
])
def test_a_broken_part_is_not_as_its_schema_says(samples, name, pick):
    value = next(value for value in pick(samples) if is_valid(name, value))
    mutants = list(broken(name, value))
    assert len(mutants) >= 3
    for fault, mutant in mutants:
        assert not is_valid(name, mutant), fault


@pytest.mark.parametrize("code", [-32700, -32600, -32601, -32602, -32000, -32800])
def test_a_broken_error_is_not_as_its_schema_says(samples, code):
    error = next(one for one in samples["error"] if one["code"] == code and "data" in one)
    response = {"jsonrpc": "2.0", "id": 1, "error": error}
    assert is_valid("line_from_host", response)
    for change in ({"code": -1}, {"message": 1}, {"data": {}}, {"more": 1}):
        assert not is_valid("line_from_host", response | {"error": error | change}), change
    for change in ({"jsonrpc": "1.0"}, {"id": []}, {"result": 1}, {"more": 1}):
        assert not is_valid("line_from_host", response | change), change
    without = copy.deepcopy(error)
    del without["data"]
    # A host that shuts down refuses requests after the shutdown, without a position in the line.
    assert is_valid("error", without) == (code == -32600)


@pytest.mark.parametrize("params", [
    {"integration": "coda_footprint"}, {"integration": 1, "command": "list_devices"}, [],
    {"integration": "coda_footprint", "command": "list_devices", "argument": {}},
    {"integration": "coda_footprint", "command": "list_devices", "options": {"timeout_ms": 0}},
    {"integration": "coda_footprint", "command": "list_devices", "connection": {"integration": "x"}},
])
def test_a_request_that_the_host_refuses_is_not_as_its_schema_says(params):
    assert is_valid("line_to_host", invoke(1, "list_devices"))
    assert not is_valid("line_to_host", request(1, "invoke", params))
    with Host() as host:
        assert host.ask(request(1, "invoke", params))["error"]["code"] == -32602


@pytest.mark.parametrize("line", [
    1, {}, [], {"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "method": 1}, {"jsonrpc": "2.0", "id": [], "method": "ping"},
    {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": 1}, {"jsonrpc": "1.0", "id": 1, "method": "ping"},
])
def test_a_line_that_the_host_refuses_is_not_as_its_schema_says(line):
    assert not is_valid("line_to_host", line)
    with Host() as host:
        host.send(json.dumps(line))
        assert host.read()["error"]["code"] == -32600


def test_schemas_accept_members_added_by_a_later_host(samples):
    for name in set(documents()) - TO_HOST:
        for value in samples.get(name, [])[:1]:
            if name.endswith("_result"):
                assert is_valid(name, value | {"added_later": 1}), name
