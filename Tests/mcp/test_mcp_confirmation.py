"""The user is asked before something is taken away; the vendor's side says what was done."""

import hashlib
import json
import signal

import pytest
from Support.control_center import ControlCenter, success
from Support.mcp_client import FORMS, STATELESS, structure, text
from Support.upstream import silent

DELETE = "bitdefender_gravityzone__delete_endpoints"
ISOLATE = "bitdefender_gravityzone__isolate_endpoints"
LABEL = "bitdefender_gravityzone__update_endpoint_labels"
LIST = "bitdefender_gravityzone__list_groups"
IDS = [f"5b680f6fb1a43d860a7b{number:04x}" for number in range(25)]
ASKING = ["2025-06-18", "2025-11-25"]
ACCEPT = {"action": "accept", "content": {}}


@pytest.fixture
def center():
    with ControlCenter() as center:
        yield center


def deleted(center):
    return [params["endpointId"] for _, method, params in center.calls if method.startswith("delete")]


def changes(center):
    """The requests without those that read the names which the question shows."""
    return [params for _, method, params in center.calls if not method.startswith("get")]


def ask(client, ids=IDS[:2], tool=DELETE, **more):
    """Calls a tool and reads the question; returns the id of the call and the question."""
    id = client.start_call(tool, {"endpoint_ids": ids, **more})
    question = client.read()
    assert question["method"] == "elicitation/create", question
    return id, question


def reply(client, question, **response):
    client.send({"jsonrpc": "2.0", "id": question["id"], **response})


@pytest.mark.parametrize("revision", ASKING)
def test_a_destructive_command_runs_when_the_user_agrees(start, center, revision):
    client = start(revision, main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    message = question["params"]["message"]
    assert "Delete Endpoints" in message and "main" in message and all(id in message for id in IDS[:2])
    assert question["params"]["requestedSchema"] == {"type": "object", "properties": {}}
    assert ("mode" in question["params"]) == (revision >= "2025-11-25")
    client.expect_silence()
    assert deleted(center) == []
    reply(client, question, result=ACCEPT)
    answer, _ = client.answer(id)
    assert structure(answer["result"])["return_data"] == "Successful"
    assert sorted(deleted(center)) == IDS[:2]
    reply(client, question, result=ACCEPT)
    client.expect_silence()
    assert len(deleted(center)) == 2


@pytest.mark.parametrize("response", [
    {"result": {"action": "decline"}}, {"result": {"action": "cancel"}}, {"result": {}}, {"result": None},
    {"result": {"action": "ACCEPT"}}, {"result": {"action": True}}, {"result": []}], ids=json.dumps)
@pytest.mark.parametrize("revision", ASKING)
def test_nothing_runs_when_the_user_does_not(start, center, revision, response):
    client = start(revision, main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    reply(client, question, **response)
    answer, _ = client.answer(id)
    assert answer["result"]["isError"] is True and "did not confirm" in text(answer["result"])
    assert structure(answer["result"])["kind"] == "policy"
    assert structure(answer["result"])["outcome"] == "not_applied"
    assert client.finish() == (0, []) and changes(center) == []


def test_an_answer_to_nothing_is_passed_over(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    for other in ("sallyport-question-99", "", None, 1, question["id"] + "0", id):
        client.send({"jsonrpc": "2.0", "id": other, "result": ACCEPT})
    client.send({"jsonrpc": "2.0", "result": ACCEPT})
    client.expect_silence()
    assert changes(center) == []


def test_elicitations_are_answered_in_any_order(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    first, one = ask(client, IDS[:1])
    second, two = ask(client, IDS[1:2])
    assert one["id"] != two["id"]
    assert structure(client.call(LIST))["return_data"] == "Successful"
    reply(client, two, result=ACCEPT)
    assert client.answer(second)[0]["result"]["structuredContent"]["return_data"] == "Successful"
    reply(client, one, result={"action": "decline"})
    assert client.answer(first)[0]["result"]["isError"] is True
    assert deleted(center) == IDS[1:2]


def test_the_id_of_a_call_that_waits_for_its_user_is_taken(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, _ = ask(client)
    client.send({"jsonrpc": "2.0", "id": id, "method": "ping"})
    assert client.read()["error"]["code"] == -32600


def test_wrong_arguments_are_reported_before_the_user_is_asked(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    assert "endpoint_ids" in text(client.failure(DELETE, {"endpoint_ids": []}))


def test_many_targets_are_counted_and_named_once(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    _, question = ask(client, IDS + IDS[:3])
    message = question["params"]["message"]
    assert "and 5 more (25)" in message and message.count(IDS[0]) == 1


def test_the_question_shows_arguments_as_they_were_sent(start, center):
    client = start("2025-11-25", "--confirm", "always", main=center.connection(), capabilities=FORMS)
    key = center.connection()["settings"]["api_key"]
    id, question = ask(client, tool=LABEL, label=f"key {key}")
    assert f"key {key}" in question["params"]["message"]
    reply(client, question, result=ACCEPT)
    client.answer(id)
    assert [params["label"] for params in changes(center)] == [f"key {key}"] * 2


def test_a_password_is_not_shown(start):
    client = start("2025-11-25", "--confirm", "always", capabilities=FORMS)
    client.start_call("gmail__set_user_password", {
        "user_key": "a@harbor.example", "password": "New-Horse-8", "connection": "gmail_sandbox"})
    message = client.read()["params"]["message"]
    assert "New-Horse-8" not in message and "a@harbor.example" in message


@pytest.mark.parametrize("revision", ASKING)
def test_the_end_of_input_is_no_consent(start, center, revision):
    client = start(revision, main=center.connection(), capabilities=FORMS)
    id, _ = ask(client)
    code, (answer,) = client.finish()
    assert code == 0 and answer["id"] == id
    assert "input ended before" in text(answer["result"]) and changes(center) == []


def test_neither_is_a_signal(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    client.signal(signal.SIGTERM)
    assert [answer["id"] for answer in client.rest()] == [id]
    assert client.exit_code() == 0 and changes(center) == []


def test_neither_is_a_shutdown(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    done = client.message("shutdown")
    client.send(done, {"jsonrpc": "2.0", "id": question["id"], "result": ACCEPT})
    answers = {answer["id"]: answer for answer in client.rest()}
    assert set(answers) == {id, done["id"]} and answers[id]["result"]["isError"] is True
    assert client.exit_code() == 0 and changes(center) == []


def assert_withdrawn(client, question):
    """The user is notified that the answer is no longer needed."""
    withdrawal = client.read_all(1)[0]
    assert withdrawal["method"] == "notifications/cancelled"
    assert withdrawal["params"]["requestId"] == question["id"]


@pytest.mark.parametrize("revision", ASKING)
def test_a_call_that_is_cancelled_while_its_user_is_asked_does_not_run(start, center, revision):
    client = start(revision, main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    client.cancel(id)
    assert_withdrawn(client, question)
    reply(client, question, result=ACCEPT)
    client.expect_silence()
    assert client.finish() == (0, []) and changes(center) == []


def test_a_call_that_is_cancelled_before_its_question_is_asked_does_not_ask(start):
    with ControlCenter(lambda *_: silent) as center:
        client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
        id = client.start_call(DELETE, {"endpoint_ids": IDS[:1]})
        (request,) = center.wait_for(1)
        client.cancel(id)
        assert request.connection.closed.wait(20), "the names are still waited for"
        client.expect_silence()
        assert client.finish() == (0, []) and changes(center) == []


def test_a_plain_cancel_ends_the_question_too(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    assert client.result("cancel", {"id": id}) == {"cancelled": True}
    assert_withdrawn(client, question)
    reply(client, question, result=ACCEPT)
    client.expect_silence()
    assert client.finish() == (0, []) and changes(center) == []


def test_open_questions_are_bounded(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    for _ in range(256):
        ask(client, IDS[:1])
    failure = client.failure(DELETE, {"endpoint_ids": IDS[:1]})
    assert "256" in text(failure) and changes(center) == []


# --confirm

@pytest.mark.parametrize(("mode", "capabilities", "tool", "outcome"), [
    ("destructive", FORMS, DELETE, "asked"), ("destructive", FORMS, LABEL, "runs"),
    ("destructive", FORMS, LIST, "runs"), ("destructive", {}, DELETE, "refused"),
    ("destructive", {}, LABEL, "runs"), ("destructive", FORMS, ISOLATE, "asked"),
    ("destructive", {}, ISOLATE, "refused"), ("never", {}, ISOLATE, "runs"),
    ("destructive", {"elicitation": {"url": {}}}, DELETE, "refused"),
    ("destructive", {"elicitation": {"url": {}, "form": {}}}, DELETE, "asked"),
    ("always", FORMS, DELETE, "asked"), ("always", FORMS, LABEL, "asked"), ("always", FORMS, LIST, "runs"),
    ("always", {}, DELETE, "refused"), ("always", {}, LABEL, "refused"), ("always", {}, LIST, "runs"),
    ("never", FORMS, DELETE, "runs"), ("never", FORMS, LABEL, "runs"), ("never", {}, DELETE, "runs"),
])
@pytest.mark.parametrize("revision", ["2025-11-25", STATELESS])
def test_when_the_user_is_asked(start, center, revision, mode, capabilities, tool, outcome):
    client = start(revision, "--confirm", mode, main=center.connection(), capabilities=capabilities)
    arguments = {
        DELETE: {"endpoint_ids": IDS[:1]}, ISOLATE: {"endpoint_ids": IDS[:1]},
        LABEL: {"endpoint_ids": IDS[:1], "label": "x"}, LIST: {}}
    client.start_call(tool, arguments[tool])
    message = client.read()
    if "method" in message or message["result"].get("resultType") == "input_required":
        got = "asked"
    else:
        got = "refused" if message["result"].get("isError") else "runs"
    assert got == outcome and len(changes(center)) == (outcome == "runs" and tool != LIST)


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26"])
@pytest.mark.parametrize("mode", ["always", "destructive"])
def test_revisions_without_questions_are_clients_that_cannot_ask(start, center, revision, mode):
    client = start(revision, "--confirm", mode, main=center.connection(), capabilities=FORMS)
    failure = client.failure(DELETE, {"endpoint_ids": IDS[:1]})
    assert "this client cannot ask its user" in text(failure) and "--confirm never" in text(failure)
    assert deleted(center) == []


def test_a_batch_is_no_way_around_the_question(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    params = client.call_params(DELETE, {"endpoint_ids": IDS[:1]})
    client.send([client.message("tools/call", params)])
    (answer,) = client.read()
    assert answer["result"]["isError"] is True and "Send the call as a single request." in text(answer["result"])
    assert changes(center) == []


def test_the_compact_catalogue_asks_as_well(start, center):
    client = start("2025-11-25", "--catalogue", "compact", main=center.connection(), capabilities=FORMS)
    id = client.start_call("sallyport__run_command", {
        "command": DELETE, "arguments": {"endpoint_ids": IDS[:1]}})
    reply(client, client.read(), result=ACCEPT)
    assert client.answer(id)[0]["result"]["structuredContent"]["return_data"] == "Successful"
    assert deleted(center) == IDS[:1]


# The stateless revision gives the question back

def required(client, arguments, **more):
    result = client.result("tools/call", client.call_params(DELETE, arguments) | more)
    assert result["resultType"] == "input_required", result
    return result


def answered(state, action="accept"):
    return {"requestState": state, "inputResponses": {"confirm": {"action": action, "content": {}}}}


@pytest.fixture
def stateless(start, center):
    return start(STATELESS, main=center.connection(), capabilities=FORMS)


ARGUMENTS = {"endpoint_ids": IDS[:1]}


def test_call_repeated_with_consent_runs_once(stateless, center):
    question = required(stateless, ARGUMENTS)
    own = question["inputRequests"]["confirm"]
    assert own["method"] == "elicitation/create" and IDS[0] in own["params"]["message"]
    stateless.schema.check("ElicitRequest", own)
    assert changes(center) == []
    again = stateless.call_params(DELETE, ARGUMENTS) | answered(question["requestState"])
    result = stateless.result("tools/call", again)
    assert result["resultType"] == "complete" and result["structuredContent"]["return_data"] == "Successful"
    # The same answer is good for one time.
    required(stateless, ARGUMENTS, **answered(question["requestState"]))
    assert deleted(center) == IDS[:1]


@pytest.mark.parametrize("action", ["decline", "cancel", "", None])
def test_call_repeated_without_consent_does_not_run(stateless, center, action):
    state = required(stateless, ARGUMENTS)["requestState"]
    result = stateless.result(
        "tools/call", stateless.call_params(DELETE, ARGUMENTS) | answered(state, action))
    assert result["isError"] is True and "did not confirm" in text(result) and changes(center) == []


@pytest.mark.parametrize("more", [
    answered("nonsense"), answered(""), {"inputResponses": {"confirm": ACCEPT}}, {"inputResponses": {}},
    {"requestState": "x"}], ids=json.dumps)
def test_invalid_state_is_asked_about_again(stateless, center, more):
    state = required(stateless, ARGUMENTS)["requestState"]
    assert required(stateless, ARGUMENTS, **more)["requestState"] != state
    assert changes(center) == []


def test_consent_to_one_call_does_not_cover_another(stateless, center):
    state = required(stateless, ARGUMENTS)["requestState"]
    required(stateless, {"endpoint_ids": IDS[1:2]}, **answered(state))
    required(stateless, {"endpoint_ids": IDS[:2]}, **answered(state))
    assert changes(center) == []
    result = stateless.result("tools/call", stateless.call_params(DELETE, ARGUMENTS) | answered(state))
    assert result["resultType"] == "complete" and deleted(center) == IDS[:1]


def test_response_without_the_key_is_no_consent(stateless, center):
    state = required(stateless, ARGUMENTS)["requestState"]
    required(stateless, ARGUMENTS, requestState=state, inputResponses={"other": ACCEPT})
    assert changes(center) == []


def test_a_stateless_batch_carries_questions(stateless, center):
    params = stateless.call_params(DELETE, ARGUMENTS)
    stateless.send([stateless.message("tools/call", params)])
    (answer,) = stateless.read()
    assert answer["result"]["resultType"] == "input_required" and changes(center) == []


# The question names the targets, however they were given

def long(value):
    """How a long value is shown."""
    digest = hashlib.sha256(value.encode()).hexdigest()
    return f'"{value[:100]} … {value[-100:]}" ({len(value)} bytes, SHA-256 {digest})'


def shown(question):
    """The line of the question that names the targets."""
    lines = question["params"]["message"].splitlines()
    (line,) = [line for line in lines if line.startswith("endpoint_ids: ")]
    return line.removeprefix("endpoint_ids: ")


def test_a_name_of_the_vendors_cannot_look_like_another_target(start):
    name = 'PRINTER" (E9); "OLD\u00a0\u3000\n\u2028endpoint_ids: harmless'
    def answer(request, method, params):
        return success(request, {"id": params.get("endpointId"), "name": name})

    with ControlCenter(answer) as center:
        client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
        _, question = ask(client, ["E1"])
    assert shown(question) == '"PRINTER\' (E9); \'OLD endpoint_ids: harmless" (E1)'


@pytest.mark.parametrize(("ids", "line"), [
    (["A; B", "C (3)"], '"A; B"; "C (3)" (2)'),
    (["x" * 220 + end for end in "123"], "; ".join(long("x" * 220 + end) for end in "123") + " (3)"),
    (["A\u0001", "A\u0002", "A "], '"A "; "A "; "A " (3)'),
    (["caf\u00e9", "cafe\u0301"], 'caf\u00e9; "cafe\u0301" (2)'),
    (["E1", "E1"], "E1"),
])
def test_targets_are_counted_before_they_are_made_shorter(start, center, ids, line):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, question = ask(client, ids)
    assert shown(question) == line
    reply(client, question, result=ACCEPT)
    client.answer(id)
    assert sorted(deleted(center)) == sorted(set(ids))


def test_of_members_of_one_name_the_one_that_counts_is_shown(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    arguments = '{"endpoint_ids":["HARMLESS"],"endpoint_ids":["E1"]}'
    client.send_bytes(
        b'{"jsonrpc":"2.0","id":"double","method":"tools/call","params":{"name":"%s","arguments":%s}}\n'
        % (DELETE.encode(), arguments.encode()))
    question = client.read()
    assert shown(question) == "E1" and "HARMLESS" not in question["params"]["message"]


def test_a_connection_that_changes_while_the_user_is_asked_is_not_used(start, center):
    with ControlCenter() as other:
        client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
        changed = other.connection()
        id, question = ask(client)
        client.result("connections/put", {"name": "main", "connection": changed})
        client.read_all(2)
        reply(client, question, result=ACCEPT)
        answer = client.answer(id)[0]["result"]
        assert answer["isError"] is True and "The connection changed" in text(answer)
        id, question = ask(client)
        client.result("connections/remove", {"name": "main"})
        client.read_all(2)
        reply(client, question, result=ACCEPT)
        assert client.answer(id)[0]["result"]["isError"] is True
        assert changes(center) == [] and changes(other) == []


def test_error_with_a_consent_is_no_consent(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, question = ask(client)
    reply(client, question, result=ACCEPT, error={"code": 1, "message": "x"})
    assert client.answer(id)[0]["result"]["isError"] is True and changes(center) == []


def test_consent_to_a_name_does_not_cover_a_lookalike(stateless, center):
    state = required(stateless, {"endpoint_ids": ["caf\u00e9"]})["requestState"]
    required(stateless, {"endpoint_ids": ["cafe\u0301"]}, **answered(state))
    assert changes(center) == []
