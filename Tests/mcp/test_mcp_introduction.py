"""Who is answered how: the handshake of four revisions, and requests that say it themselves."""

import json

import pytest
from Support.host import request
from Support.mcp_client import CLIENT, FORMS, HANDSHAKE, PREFIX, STATELESS, SUITES, meta

CAPABILITIES = {"tools": {"listChanged": True}, "resources": {}, "prompts": {"listChanged": True}}


@pytest.mark.parametrize("revision", HANDSHAKE)
def test_initialize_agrees_on_the_revision_that_was_asked_for(start, revision):
    client = start(revision, introduces=False)
    result = client.introduce()
    assert result["protocolVersion"] == revision
    assert result["capabilities"] == CAPABILITIES
    assert result["serverInfo"]["name"] == "sallyport"
    assert ("title" in result["serverInfo"]) == (revision >= "2025-06-18")
    assert "CODA Footprint" in result["instructions"]
    client.expect_silence()
    assert client.finish() == (0, [])


@pytest.mark.parametrize("asked", ["2023-01-01", STATELESS, "2099-01-01", "", "latest"])
def test_initialize_offers_its_latest_revision_for_one_without_a_handshake(start, asked):
    client = start("2025-11-25", introduces=False)
    result = client.result("initialize", {
        "protocolVersion": asked, "capabilities": {}, "clientInfo": CLIENT})
    assert result["protocolVersion"] == "2025-11-25"


GOOD = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}


@pytest.mark.parametrize("params", [
    {}, [], GOOD | {"protocolVersion": 1}, GOOD | {"protocolVersion": None}, GOOD | {"capabilities": []},
    GOOD | {"capabilities": None}, GOOD | {"clientInfo": "me"}, GOOD | {"clientInfo": {"name": "a"}},
    GOOD | {"clientInfo": {"name": 1, "version": "1"}},
    *({name: GOOD[name] for name in GOOD if name != left_out} for left_out in GOOD),
], ids=json.dumps)
def test_malformed_initialize_is_refused_and_the_session_continues(start, params):
    client = start("2025-11-25", introduces=False)
    client.send(request(1, "initialize", params))
    answer = client.read()
    assert (answer["id"], answer["error"]["code"]) == (1, -32602)
    assert client.introduce()["protocolVersion"] == "2025-11-25"


def test_client_may_initialize_twice(start):
    client = start("2024-11-05", introduces=False)
    client.introduce()
    client.revision, client.schema = "2025-11-25", start("2025-11-25").schema
    assert client.introduce()["protocolVersion"] == "2025-11-25"
    assert "outputSchema" in client.result("tools/list")["tools"][0]


def test_discover_describes_the_server(start):
    client = start(STATELESS)
    result = client.result("server/discover")
    assert result["supportedVersions"] == [STATELESS, *reversed(HANDSHAKE)]
    assert result["capabilities"] == CAPABILITIES
    assert "Gmail" in result["instructions"]
    # It names the connections of this user, so nobody else may be given it.
    assert result["cacheScope"] == "private" and result["ttlMs"] > 0


@pytest.mark.parametrize("version", ["2027-01-01", "1", "", *HANDSHAKE])
def test_request_of_another_revision_lists_the_supported_ones(start, version):
    client = start(STATELESS)
    for method in ("server/discover", "tools/list", "tools/call", "prompts/list"):
        error = client.error(method, {"_meta": meta(version=version)})
        assert error["code"] == -32022
        assert error["data"]["requested"] == version
        assert STATELESS == error["data"]["supported"][0] and version not in error["data"]["supported"]


@pytest.mark.parametrize("own", [
    None, [], "x", {PREFIX + "protocolVersion": STATELESS},
    {PREFIX + "protocolVersion": 5, PREFIX + "clientCapabilities": {}},
    meta(capabilities=[]) | {PREFIX + "clientCapabilities": []},
    meta() | {PREFIX + "clientCapabilities": None}, meta(progressToken=1.5), meta(progressToken=None),
    meta(progressToken={}),
], ids=json.dumps)
def test_requests_with_a_malformed_meta_are_refused(start, own):
    client = start(STATELESS)
    for method in ("server/discover", "tools/list", "subscriptions/listen"):
        client.send(request(method, method, {"_meta": own, "notifications": {}}))
        answer = client.read()
        assert (answer["id"], answer["error"]["code"]) == (method, -32602)
    client.expect_silence()


@pytest.mark.parametrize("method", ["server/discover", "subscriptions/listen"])
def test_stateless_methods_need_the_protocol_meta(start, method):
    error = start("2025-11-25").error(method, {"notifications": {}})
    assert error["code"] == -32602 and PREFIX + "protocolVersion" in error["message"]


def test_each_stateless_request_speaks_for_itself(start):
    """Between the requests of an older client, and on a stream that never shook hands."""
    client = start("2024-11-05")
    message = request("now", "tools/list", {"_meta": meta()})
    assert "resultType" in client.ask(message)["result"]
    assert "outputSchema" not in client.result("tools/list")["tools"][0]


@pytest.mark.parametrize("method", [
    "logging/setLevel", "completion/complete", "resources/subscribe", "tasks/list", "nonsense", "tools/lst"])
def test_methods_that_are_not_there_are_said_not_to_be(start, revision, method):
    client = start(revision)
    error = client.error(method, {})
    assert error["code"] == -32601
    if method in ("tools/lst", "nonsense"):
        assert error["data"].get("did_you_mean") == ("tools/list" if method == "tools/lst" else None)
    client.expect_silence()


@pytest.mark.parametrize("id", [None, 1.5, 1e3, True, [], {}])
def test_ids_that_are_no_strings_or_integers_are_refused(start, revision, id):
    client = start(revision)
    client.result("prompts/list")
    client.send({"jsonrpc": "2.0", "id": id, "method": "tools/list", "params": {"_meta": meta()}})
    answer = client.read()
    assert answer["error"]["code"] == -32600
    assert answer.get("id") is None and ("id" in answer) == (revision < "2025-11-25")
    client.expect_silence()


@pytest.mark.parametrize("id", [0, -7, 2**63, 2**64 + 1, "", "é", "1"])
def test_other_ids_come_back_as_they_were(start, revision, id):
    answer = (client := start(revision)).ask(client.message("prompts/list", id=id))
    assert answer["id"] == id and type(answer["id"]) is type(id)


@pytest.mark.parametrize("line", [b"{", b"\xff", b"[]", b"5", b'{"jsonrpc":"1.0","id":{},"method":"ping"}'])
def test_bad_lines_have_errors_that_clients_can_read(start, revision, line):
    client = start(revision)
    client.result("tools/list")
    client.send(line)
    answer = client.read()
    assert answer["error"]["code"] in (-32700, -32600) and answer["error"]["data"]["line"] > 1
    assert answer.get("id") is None and ("id" in answer) == (revision < "2025-11-25")
    client.expect_silence()


def test_pings_are_answered_with_and_without_meta(start, revision):
    client = start(revision)
    for params in ({}, {"_meta": {}}, {"_meta": {"progressToken": 1}}):
        assert client.result("ping", params) == {}


@pytest.mark.parametrize("method", [
    "notifications/initialized", "notifications/progress", "notifications/roots/list_changed",
    "notifications/nonsense", "notifications/cancelled", "tools/call", "initialize"])
def test_notifications_are_not_answered(start, revision, method):
    client = start(revision)
    for params in (None, {}, [], {"requestId": None}, {"requestId": "nobody"}):
        client.notify(method, params)
    client.expect_silence()


def test_plain_requests_and_agents_share_a_stream(start, revision):
    client = start(revision)
    plain = {"integration": "coda_footprint", "command": "list_tenants"}
    client.send(
        request("plain", "invoke", plain), client.message(
            "tools/call", client.call_params("coda_footprint__list_tenants"), id="tool"),
        request("limits", "limits"), request("list", "connections/list"))
    answers = {answer["id"]: answer["result"] for answer in client.read_all(4)}
    assert answers["plain"]["return_data"] == "Successful"
    assert "content" in answers["tool"] and "content" not in answers["plain"]
    assert {"limits", "list"} < set(answers)


def test_a_batch_of_2025_03_26_is_answered_in_one_line(start):
    client = start("2025-03-26")
    client.send([
        client.message("tools/list", id=1), client.message("prompts/list", id=2),
        client.message("tools/call", client.call_params("coda_footprint__list_tenants"), id=3),
        client.message("tools/call", client.call_params("nobody"), id=4),
        {"jsonrpc": "2.0", "method": "notifications/initialized"}])
    answers = {answer["id"]: answer for answer in client.read()}
    assert set(answers) == {1, 2, 3, 4}
    assert answers[4]["error"]["code"] == -32602 and "content" in answers[3]["result"]


def files(kind):
    return sorted((SUITES / STATELESS / "examples" / kind).glob("*.json"))


@pytest.mark.parametrize("path", [
    path for folder in sorted((SUITES / STATELESS / "examples").glob("*Request")) for path in files(folder.name)
], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_published_examples_of_requests_are_answered(start, path):
    """With a result of the method's form, or an error of the published form."""
    client = start(STATELESS)
    example = json.loads(path.read_text())
    if "jsonrpc" not in example:
        # Of a request of the server's; no client sends it.
        example = {"jsonrpc": "2.0", "id": "example", **example}
    client.send(client.noted(example))
    answer = client.read()
    if example["method"] == "subscriptions/listen":
        assert answer["method"] == "notifications/subscriptions/acknowledged"
        return
    assert answer["id"] == example["id"]
    expected = {
        "server/discover": None, "tools/list": (-32602, None), "prompts/list": (-32602, None),
        "resources/list": (-32602, None), "resources/templates/list": (-32602, None),
        "tools/call": -32602, "prompts/get": -32602, "resources/read": -32602}
    code = answer.get("error", {}).get("code")
    wanted = expected.get(example["method"], -32601)
    assert code in wanted if isinstance(wanted, tuple) else code == wanted, answer
    client.expect_silence()


@pytest.mark.parametrize("capabilities", [{}, FORMS, {"elicitation": {"form": {}, "url": {}}}, {"sampling": {}}])
def test_capabilities_of_clients_are_taken(start, revision, capabilities):
    assert start(revision, capabilities=capabilities).result("tools/list")["tools"]
