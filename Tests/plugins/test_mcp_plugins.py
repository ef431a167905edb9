"""MCP servers as plugins, with a scripted server that also misbehaves."""

from __future__ import annotations

import base64
import json
import os
import pathlib

import jsonschema
import pytest
from Support.host import eventually
from Support.mcp_client import Client
from Support.mcp_servers import Servers, invoke, received
from Support.plugins import children
from scripted_mcp_server import TOOLS, tool

SECRET = "Zebra-Crossing-7431-Quay"
KEY = {"api_key": {"secret": True, "env": "ACME_KEY"}, "region": {"env": "ACME_REGION", "required": False}}
HANDSHAKE = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
ERAS = {"handshake": {"discover": "error"}, "stateless": {}}
PREFIX = "io.modelcontextprotocol/"


@pytest.fixture
def servers(tmp_path) -> Servers:
    return Servers(tmp_path)


@pytest.fixture(params=ERAS)
def era(request) -> dict:
    return ERAS[request.param]


# Starting


@pytest.mark.parametrize("version", HANDSHAKE)
def test_older_revision_is_negotiated_with_initialize(servers, version) -> None:
    folder = servers.add_scripted(behaviour={"discover": "error", "version": version})
    with servers.host() as host:
        assert host.value("echo", {"a": [1]})["a"] == [1]
    first, *_ = received(folder, "initialize")
    assert first["params"]["protocolVersion"] == "2025-11-25"
    assert received(folder, "notifications/initialized")
    # The process of the connection is not probed any more.
    assert (len(received(folder, "server/discover")), len(received(folder, "initialize"))) == (1, 2)
    (call,) = received(folder, "tools/call")
    meta = call["params"]["_meta"]
    assert meta == {"progressToken": call["id"], "traceparent": meta["traceparent"]}


def test_stateless_revision_is_in_each_request(servers) -> None:
    folder = servers.add_scripted()
    with servers.host() as host:
        host.value("echo")
    assert not received(folder, "initialize")
    for method in ("server/discover", "tools/list", "tools/call", "subscriptions/listen"):
        for message in received(folder, method):
            meta = message["params"]["_meta"]
            assert meta[PREFIX + "protocolVersion"] == "2026-07-28", message
            assert meta[PREFIX + "clientCapabilities"] == {}
            assert meta[PREFIX + "clientInfo"]["name"] == "sallyport"


def test_server_that_ends_on_discover_is_started_again_with_initialize(servers) -> None:
    folder = servers.add_scripted(behaviour={"discover": "exit"})
    with servers.host() as host:
        assert host.value("echo", {"a": 1})["a"] == 1
    # Once to be known; the process of the connection is not probed any more.
    assert len(received(folder, "server/discover")) == 1


def test_server_that_ignores_discover_gets_initialize(servers) -> None:
    servers.add_scripted(behaviour={"discover": "silent"}, limits={"start_seconds": 4})
    servers.lock()
    with servers.host() as host:
        assert host.value("echo", {"a": 1})["a"] == 1


def test_server_that_changes_its_era_is_used(servers) -> None:
    folder = servers.add_scripted(behaviour={"discover": "error"})
    servers.connect("main", "scripted")
    with servers.host() as host:
        host.value("echo", connection="main")
        (folder / "behaviour.json").write_text(json.dumps({"initialize": "refuse"}))
        host.failure("die", connection="main")
        assert host.value("echo", {"a": 1}, connection="main")["a"] == 1
    assert received(folder, "tools/call")[-1]["params"]["_meta"][PREFIX + "protocolVersion"]


@pytest.mark.parametrize("behaviour", [
    {"discover": "unsupported"}, {"discover": "error", "version": "2031-01-01"}])
def test_unknown_revision_is_refused(servers, behaviour) -> None:
    servers.add_scripted(behaviour=behaviour)
    with servers.host() as host:
        message = host.failure("echo")["message"]
    assert "2031-01-01" in message and "this host supports 2024-11-05" in message


def test_server_without_tools_is_refused(servers) -> None:
    servers.add("scripted", ["python3", "-c", (
        "import json,sys\n"
        "for line in sys.stdin:\n"
        "  m = json.loads(line)\n"
        "  if 'id' in m: print(json.dumps({'jsonrpc': '2.0', 'id': m['id'],"
        " 'error': {'code': -32601, 'message': 'no'}}), flush=True)\n")])
    with servers.host() as host:
        assert "it answered initialize with the error -32601" in host.failure("echo")["message"]


# Tools as commands


def test_tools_become_commands(servers) -> None:
    output = {"type": "object", "properties": {"n": {"type": "integer"}}}
    servers.add_scripted(
        title="Acme", description="The acme server.", effects={"delete*": "destructive", "get_*": "read"},
        behaviour={"page_size": 2, "tools": [
            tool("getUserByID", title="Get user", description="One user.", outputSchema=output),
            tool("search-things", annotations={"readOnlyHint": True, "title": "Search"}),
            tool("delete.thing", annotations={"readOnlyHint": True}),
            tool("wipe", annotations={"destructiveHint": True, "idempotentHint": True}),
            tool("2fa"),
            tool("search things"),
        ]})
    with servers.host() as host:
        (found,) = host.result("capabilities", {"integration": "scripted"})["integrations"]
    assert (found["title"], found["description"]) == ("Acme", "The acme server.")
    commands = {each["id"]: each for each in found["commands"]}
    assert {id: (each["title"], each["effect"], each["idempotent"]) for id, each in commands.items()} == {
        "get_user_by_id": ("Get user", "read", True),
        "search_things_2": ("Search", "read", True),
        "delete_thing": ("delete.thing", "destructive", False),
        "wipe": ("wipe", "destructive", True),
        "tool_2fa": ("2fa", "write", False),
        "search_things": ("search things", "write", False),
    }
    assert commands["get_user_by_id"]["result"] == output
    assert commands["get_user_by_id"]["failure_indicator"] == "Get user failed."


def test_arguments_are_checked_before_the_call(servers) -> None:
    folder = servers.add_scripted()
    servers.lock()
    with servers.host() as host:
        error = host.call("content", {"content": "text"})["error"]
    assert error["code"] == -32602
    assert [each["path"] for each in error["data"]["problems"]] == ["/arguments/content"]
    assert not received(folder, "tools/call")


def test_older_dialect_of_a_schema_is_accepted(servers) -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "definitions": {"n": {"type": "integer"}}, "properties": {"n": {"$ref": "#/definitions/n"}}}
    servers.add_scripted(behaviour={"tools": [tool("echo", inputSchema=schema)]})
    with servers.host() as host:
        assert host.value("echo", {"n": 1})["n"] == 1
        assert "problems" in host.failure("echo", {"n": "x"})


def test_tool_with_a_schema_that_cannot_be_checked_is_left_out(servers) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "https://example.com/a.json"}}}
    servers.add_scripted(behaviour={"tools": [tool("echo"), tool("bad", inputSchema=schema)]})
    with servers.host() as host:
        assert list(host.commands()) == ["echo"]
        host.wait_for_log("the tool bad is left out: /inputSchema/properties/a/$ref")


def test_same_tool_twice_is_refused(servers) -> None:
    servers.add_scripted(behaviour={"tools": [tool("echo"), tool("echo")]})
    with servers.host() as host:
        assert "/tools/1/name: echo is there twice" in host.failure("echo")["message"]


# Results


TEXT = {"type": "text", "text": "plain"}
LINK = {"type": "resource_link", "uri": "file:///a", "name": "a"}


@pytest.mark.parametrize(("content", "expected"), [
    ([], None),
    ([TEXT], "plain"),
    ([{"type": "text", "text": ' {"a": 1.50}'}], {"a": 1.5}),
    ([{"type": "text", "text": "[1]"}], [1]),
    ([{"type": "text", "text": "{not json"}], "{not json"),
    ([{"type": "text", "text": "12"}], "12"),
    ([TEXT, {"type": "text", "text": '{"a":1}'}], ["plain", {"a": 1}]),
    ([LINK], [LINK]),
    ([TEXT, {"type": "resource", "resource": {"uri": "x:y", "text": "t"}}],
     ["plain", {"type": "resource", "resource": {"uri": "x:y", "text": "t"}}]),
])
def test_content_becomes_raw_data(servers, era, content, expected) -> None:
    servers.add_scripted(behaviour=era)
    with servers.host() as host:
        assert host.value("content", {"content": content}) == expected


def test_binary_content_becomes_files(servers) -> None:
    servers.add_scripted()
    data = base64.b64encode(b"\x89PNG\x00").decode()
    content = [
        TEXT, {"type": "image", "data": data, "mimeType": "image/png"},
        {"type": "audio", "data": data, "mimeType": "audio/wav"},
        {"type": "resource", "resource": {
            "uri": "file:///reports/may.bin", "blob": data, "mimeType": "application/x-may"}}]
    with servers.host() as host:
        result = host.call("content", {"content": content})["result"]
        files = result["files"]
        assert [(each["name"], each["content_type"]) for each in files] == [
            ("content.png", "image/png"), ("content.wav", "audio/wav"), ("may.bin", "application/x-may")]
        for file in files:
            assert host.result("files/get", {"file_id": file["file_id"]})["content_base64"] == data
        assert result["raw_data"] == [
            "plain", {"type": "image", "mimeType": "image/png", "file_id": files[0]["file_id"]},
            {"type": "audio", "mimeType": "audio/wav", "file_id": files[1]["file_id"]},
            {"type": "resource", "file_id": files[2]["file_id"], "resource": {
                "uri": "file:///reports/may.bin", "mimeType": "application/x-may"}}]
        assert data not in json.dumps(result)


def test_error_of_a_tool_is_the_error_triple(servers, era) -> None:
    servers.add_scripted(behaviour=era)
    with servers.host() as host:
        error = host.failure("fail")
    assert (error["failure_indicator"], error["status_code"], error["message"]) == (
        "fail failed.", 502, "no such host")
    # It may have done something before it failed.
    assert (error["kind"], error["outcome"], error["retryable"]) == ("upstream", "unknown", False)


@pytest.mark.parametrize(("arguments", "kind", "message"), [
    ({"code": -32602}, "validation", "refused for a reason"),
    ({"code": -32601}, "unavailable", "refused for a reason"),
    ({"code": -32000}, "upstream", "refused for a reason"),
    ({"result": {}}, "internal", "/content: must be an array"),
    ({"result": {"content": {}}}, "internal", "/content: must be an array"),
    ({"result": {"content": [{"type": "image", "data": "?", "mimeType": "image/png"}]}}, "internal",
     "/content/0/data: must be a string in Base64"),
    ({"result": {"resultType": "input_required", "inputRequests": {
        "a": {"method": "elicitation/create"}}}}, "unavailable", "asks the host for more: elicitation/create"),
])
def test_unusable_answer_is_an_error(servers, arguments, kind, message) -> None:
    servers.add_scripted()
    with servers.host() as host:
        error = host.failure("refuse", arguments)
        assert (error["kind"], message in error["message"]) == (kind, True), error
        assert host.value("echo", {"a": 1})["a"] == 1


def test_result_is_bounded(servers) -> None:
    servers.add_scripted()
    with servers.host("--max-result-bytes", "1048576") as host:
        error = host.failure("content", {"content": [{"type": "text", "text": "x" * 1_500_000}]})
        assert error["kind"] == "too_large"
        assert host.value("echo", {"a": 1})["a"] == 1


def test_dry_run_does_not_call_the_tool(servers) -> None:
    folder = servers.add_scripted()
    servers.lock()
    (folder / "received.jsonl").unlink()
    with servers.host() as host:
        result = host.call("echo", {"a": 1}, dry_run=True)["result"]
    assert result["requests"] == [
        {"method": "tools/call", "url": "mcp:scripted/echo", "headers": {}, "body": {"a": 1}}]
    assert not received(folder), "the server was started"


# While a call runs


def test_progress_passes_through(servers, era) -> None:
    servers.add_scripted(behaviour=era)
    progress = [{"progress": 1, "total": 4}, {"progress": 0.5, "total": 1.0}, {"progress": 3}]
    with servers.host() as host:
        host.send(invoke(1, "slow", {"progress": progress, "answers": True}, progress=True))
        messages = host.read_all(4)
    assert [(m["params"]["done"], m["params"]["total"]) for m in messages[:3]] == [(1, 4), (500, 1000), (3, 3)]
    assert "result" in messages[3]


def test_cancelled_call_is_cancelled_at_the_server(servers, era) -> None:
    folder = servers.add_scripted(behaviour=era, limits={"max_in_flight": 1})
    servers.connect("main", "scripted")
    with servers.host() as host:
        pid = host.value("environment", connection="main")["pid"]
        host.send(invoke(1, "slow", {"progress": [{"progress": 1}]}, connection="main", progress=True))
        assert host.read()["method"] == "invoke/progress"
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": 1}})
        assert host.read()["error"]["code"] == -32800
        # Its slot is free, although the server never answers, and the server is not ended for that.
        assert host.value("environment", connection="main")["pid"] == pid
        host.close_input()
        host.exit_code()
        assert "did not respond" not in host.errors
    _, call, _ = received(folder, "tools/call")
    (cancelled,) = received(folder, "notifications/cancelled")
    assert cancelled["params"]["requestId"] == call["id"]


def test_deadline_holds(servers) -> None:
    folder = servers.add_scripted()
    servers.connect("main", "scripted")
    with servers.host() as host:
        host.value("echo", connection="main")
        error = host.failure("slow", connection="main", timeout_ms=200)
        assert (error["kind"], error["outcome"]) == ("timeout", "not_applied")
        host.value("echo", connection="main")
    assert received(folder, "notifications/cancelled")


def test_server_that_dies_fails_only_its_calls(servers) -> None:
    servers.add_scripted()
    servers.connect("one", "scripted")
    servers.connect("two", "scripted")
    with servers.host() as host:
        host.send(invoke(1, "slow", {"progress": [{"progress": 1}]}, connection="two", progress=True))
        host.read()
        error = host.failure("die", connection="one")
        assert (error["kind"], error["outcome"]) == ("unavailable", "unknown")
        # The process of the other connection is another one; this one is started again.
        assert host.value("echo", {"a": 1}, connection="one")["a"] == 1
        assert host.value("echo", {"a": 2}, connection="two")["a"] == 2


@pytest.mark.parametrize(("method", "expected"), [
    ("ping", {"result": {}}),
    ("roots/list", {"result": {"roots": []}}),
    ("sampling/createMessage", {"error": {
        "code": -32601, "message": "This host asks no model and no user for an MCP server."}}),
    ("elicitation/create", {"error": {
        "code": -32601, "message": "This host asks no model and no user for an MCP server."}}),
    ("host/http", {"error": {"code": -32601, "message": "Method not found."}}),
])
def test_requests_of_the_server_are_answered(servers, method, expected) -> None:
    servers.add_scripted(behaviour={"discover": "error"})
    with servers.host() as host:
        assert host.value("ask", {"method": method}) == expected


# Agents


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_results_for_agents_fit_their_schema(servers, era, revision) -> None:
    servers.add_scripted(behaviour=era)
    servers.connect("main", "scripted")
    with Client(revision, *servers.options) as client:
        tool = client.tools()["scripted__content"]
        for content, expected in [([], None), ([TEXT], "plain"), ([TEXT, LINK], ["plain", LINK])]:
            result = client.call("scripted__content", {"content": content})["structuredContent"]
            assert result["raw_data"] == expected
            jsonschema.validate(result, tool["outputSchema"])
        # A destructive tool asks for confirmation like any destructive command.
        assert "requires confirmation" in json.dumps(client.failure("scripted__fail")["content"])
    with Client(revision, "--confirm", "never", *servers.options) as client:
        assert "no such host" in json.dumps(client.failure("scripted__fail")["content"])


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_progress_and_cancellation_of_agents_reach_the_server(servers, era, revision) -> None:
    folder = servers.add_scripted(behaviour=era)
    servers.connect("main", "scripted")
    progress = [{"progress": 1, "total": 4}, {"progress": 2, "total": 4}]
    with Client(revision, *servers.options) as client:
        id = client.start_call("scripted__slow", {"progress": progress, "answers": True}, token="a token")
        _, before = client.answer(id)
        assert [(m["params"]["progressToken"], m["params"]["progress"]) for m in before] == [
            ("a token", 1), ("a token", 2)]
        id = client.start_call("scripted__slow", {"progress": progress[:1]}, token=7)
        assert client.read()["params"]["progressToken"] == 7
        client.cancel(id)
        eventually(lambda: received(folder, "notifications/cancelled"), "the server knows")
        client.expect_silence()


# Changes of tools


CHANGED = [
    TOOLS[0] | {"inputSchema": {"type": "object", "required": ["b"]}}, *TOOLS[1:2], *TOOLS[3:], tool("new")]


def test_tools_that_change_later_are_refused(servers, era) -> None:
    folder = servers.add_scripted(behaviour=era)
    servers.lock()
    servers.connect("main", "scripted")
    with servers.host() as host:
        assert host.value("echo", connection="main")["meta"]
        host.value("change", {"tools": CHANGED}, connection="main")
        error = host.failure("echo", connection="main")
        assert (error["kind"], error["status_code"]) == ("policy", 403)
        assert "~ echo: parameters" in error["message"]
        assert f"sallyport plugin lock {folder}" in error["remedy"]
        assert "- fail" in host.failure("fail", connection="main")["message"]
        assert host.call("new", connection="main")["error"]["code"] == -32602
        # The others are as they were.
        assert host.value("content", {"content": [TEXT]}, connection="main") == "plain"
        host.wait_for_log("its tools have changed (- fail; ~ echo: parameters; + new)")
        # They are allowed when they are as they were.
        host.value("change", {"tools": TOOLS, "times": 500}, connection="main")
        assert host.value("echo", connection="main")["meta"]


def test_tools_that_differ_from_the_lock_are_refused_from_the_start(servers) -> None:
    folder = servers.add_scripted()
    servers.lock()
    (folder / "behaviour.json").write_text(json.dumps({"tools": CHANGED}))
    with servers.host() as host:
        assert "~ echo: parameters" in host.failure("echo")["message"]
        assert host.value("content", {"content": [TEXT]}) == "plain"
        host.wait_for_log("~ echo: parameters")
    assert "~ echo: parameters" in servers.lock()
    with servers.host() as host:
        assert host.value("echo", {"b": 1})["b"] == 1


def test_server_that_cannot_list_its_tools_any_more_is_ended(servers) -> None:
    servers.add_scripted()
    servers.connect("main", "scripted")
    with servers.host() as host:
        host.value("echo", connection="main")
        host.send(invoke(1, "change", {"tools": [{}]}, connection="main"))
        host.wait_for_log("cannot list its tools any more: /tools/0/name: is required")
        host.read()
        assert host.value("echo", connection="main")["meta"]


def test_settings_that_differ_from_the_lock_are_refused(servers) -> None:
    servers.add_scripted()
    servers.lock()
    servers.add_scripted(settings=KEY)
    with servers.host() as host:
        message = host.failure("echo")["message"]
    assert "it differs from its lock (~ the integration: connection)" in message


# Settings


def environ(pid: int) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(line.split("=", 1) for line in lines if line)


def test_settings_go_into_the_environment_of_their_own_process(servers, tmp_path) -> None:
    key = tmp_path / "key"
    key.write_text("Other-Secret-Value-990\n")
    key.chmod(0o600)
    servers.add_scripted(settings=KEY, environment={"ACME_REGION": "us", "ACME_MODE": "x"})
    servers.connect("one", "scripted", api_key=SECRET, region="eu")
    servers.connect("two", "scripted", api_key={"$file": str(key)})
    with servers.host("--log-level", "debug", more_environment={"UNRELATED": "1"}) as host:
        (schema,) = [
            each["connection"]["schema"]
            for each in host.result("capabilities", {"integration": "scripted"})["integrations"]]
        assert schema["properties"]["api_key"]["writeOnly"] is True
        assert schema["required"] == ["api_key"]
        one = host.value("environment", connection="one")
        two = host.value("environment", connection="two")
        assert one["pid"] != two["pid"]
        assert (one["ACME_REGION"], two["ACME_REGION"], one["ACME_MODE"]) == ("eu", "us", "x")
        assert "UNRELATED" not in one
        # Each has its own secret only.
        assert environ(one["pid"])["ACME_KEY"] == SECRET
        assert environ(two["pid"])["ACME_KEY"] == "Other-Secret-Value-990"
        assert SECRET not in str(environ(two["pid"]))
        error = host.failure("fail", {"text": f"401 for key {SECRET[::-1]}"}, connection="one")
        assert "401" in error["message"]
        # What a server shows of it is redacted.
        for shown in (one, two):
            assert SECRET not in str(shown) and "Other-Secret" not in str(shown)
        host.wait_for_log("stderr:")
        host.close_input()
        assert host.exit_code() == 0
        assert SECRET not in host.errors and "Other-Secret" not in host.errors


def test_error_of_a_tool_does_not_show_the_secret(servers) -> None:
    servers.add_scripted(settings=KEY)
    servers.connect("one", "scripted", api_key={"$env": "KEY_OF_TEST"})
    with servers.host(more_environment={"KEY_OF_TEST": SECRET}) as host:
        found = host.value("environment", connection="one")
        assert environ(found["pid"])["ACME_KEY"] == SECRET
        # The server has it from its environment, not from the caller.
        assert SECRET not in json.dumps(found)


def test_secret_that_cannot_be_read_is_an_error_of_the_call(servers, tmp_path) -> None:
    servers.add_scripted(settings=KEY)
    key = tmp_path / "key"
    servers.connect("one", "scripted", api_key={"$file": str(key)})
    with servers.host() as host:
        for _ in range(10):
            error = host.failure("echo", connection="one")
            assert error["kind"] == "auth" and str(key) in error["message"], error
        # It is no fault of the server, which is started as soon as the secret is there.
        key.write_text(SECRET)
        key.chmod(0o600)
        assert host.value("echo", {"a": 1}, connection="one", timeout_ms=20_000)["a"] == 1


def test_secret_in_a_file_of_the_server_is_redacted(servers) -> None:
    servers.add_scripted(settings=KEY)
    servers.connect("one", "scripted", api_key=SECRET)
    blob = base64.b64encode(f"key={SECRET};".encode()).decode()
    with servers.host() as host:
        host.value("echo", connection="one")
        content = [{"type": "resource", "resource": {"uri": "x:/report.txt", "blob": blob}}]
        (file,) = host.call("content", {"content": content}, connection="one")["result"]["files"]
        stored = pathlib.Path(file["path"]).read_bytes()
    assert stored.startswith(b"key=") and SECRET.encode() not in stored


def test_idle_server_ends_and_is_started_again(servers) -> None:
    servers.add_scripted(limits={"idle_seconds": 1})
    servers.connect("main", "scripted")
    with servers.host() as host:
        pid = host.value("environment", connection="main")["pid"]
        eventually(lambda: not is_running(pid), "the idle process has ended")
        assert host.value("environment", connection="main")["pid"] != pid


def test_unknown_setting_is_refused(servers) -> None:
    servers.add_scripted(settings=KEY)
    connection = {"integration": "scripted", "settings": {"api_kee": "x"}}
    with servers.host() as host:
        paths = [each["path"] for each in host.failure("echo", connection=connection)["problems"]]
    assert sorted(paths) == ["/connection/settings/api_kee", "/connection/settings/api_key"]


def is_running(pid: int) -> bool:
    try:
        return "Z" not in pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_process_ends_with_its_connection(servers) -> None:
    servers.add_scripted()
    with servers.host() as host:
        host.result("connections/put", {
            "name": "mine", "connection": {"integration": "scripted", "settings": {}}})
        pid = host.value("environment", connection="mine")["pid"]
        assert is_running(pid)
        assert host.value("environment", connection="mine")["pid"] == pid
        host.result("connections/remove", {"name": "mine"})
        eventually(lambda: not is_running(pid), "the process has ended")


def test_process_ends_with_the_host(servers) -> None:
    servers.add_scripted()
    servers.connect("main", "scripted")
    with servers.host() as host:
        pid = host.value("environment", connection="main")["pid"]
        host.close_input()
        assert host.exit_code() == 0
    eventually(lambda: not is_running(pid), "the process has ended")


def test_unlocked_server_keeps_no_process_that_nobody_uses(servers) -> None:
    folder = servers.add_scripted()
    with servers.host() as host:
        assert "echo" in host.commands()
        eventually(lambda: not children(host.process.pid), "the process that described itself has ended")
    assert received(folder, "tools/list")
    assert os.path.exists(folder)
