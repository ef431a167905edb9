"""What protects users of agents: nothing that needs a question runs without one, and a question shows
what will happen."""

import hashlib
import json

import pytest
from Support.control_center import ControlCenter, success
from Support.mailbox import SENDER, Mailbox
from Support.mcp_client import FORMS, STATELESS, structure, text

DELETE = "bitdefender_gravityzone__delete_endpoints"
ACCEPT = {"action": "accept", "content": {}}
IDS = [f"5b680f6fb1a43d860a7b{number:04x}" for number in range(45)]
SENSITIVE = {
    "gmail__set_user_password", "gmail__create_user", "gmail__send_email", "gmail__set_auto_reply",
    "bitdefender_gravityzone__isolate_endpoints", "bitdefender_gravityzone__quarantine_files"}
MAIL = {"sender_email": SENDER, "subject": "Report", "content": "Hi", "to_recipients": ["a@corp.example"]}


@pytest.fixture
def center():
    with ControlCenter() as center:
        yield center


@pytest.fixture
def mailbox():
    with Mailbox() as mailbox:
        yield mailbox


def changes(center):
    return [params for _, method, params in center.calls if not method.startswith("get")]


def ask(client, tool, arguments):
    id = client.start_call(tool, arguments)
    question = client.read()
    assert question["method"] == "elicitation/create", question
    return id, question, question["params"]["message"]


def reply(client, question, **response):
    client.send({"jsonrpc": "2.0", "id": question["id"], **response})


# What commands declare

def test_sensitive_commands_are_declared(start):
    client = start("2025-11-25")
    commands = {
        f"{integration['id']}__{command['id']}": command
        for integration in client.result("capabilities")["integrations"]
        for command in integration["commands"]}
    assert len(commands) == 53
    assert {name: command["sensitive"] for name, command in commands.items()} == {
        name: name in SENSITIVE for name in commands}


def test_hints_say_what_overwrites_or_takes_away(start):
    """Of a client that lets everything pass that is not said to destroy."""
    client = start("2025-11-25")
    tools = client.tools()
    assert len(tools) == 53
    harmless = {name for name, tool in tools.items() if not tool["annotations"]["destructiveHint"]}
    reads = {name for name, tool in tools.items() if tool["annotations"]["readOnlyHint"]}
    assert len(reads) == 53 - 24 and reads <= harmless
    assert harmless - reads == {
        "bitdefender_gravityzone__create_group", "bitdefender_gravityzone__add_to_blocklist",
        "bitdefender_gravityzone__create_scan_task", "coda_footprint__patch_rescan",
        "gmail__send_email", "gmail__create_user"}


# A client that cannot ask

AUTO_REPLY = {"user_email": SENDER, "enable_auto_reply": True, "response_subject": "Away"}
ARGUMENTS = {
    "gmail__set_user_password": {"user_key": "a@corp.example", "password": "New-Horse-8"},
    "gmail__create_user": {
        "family_name": "A", "given_name": "B", "password": "New-Horse-8", "user_email": "a@corp.example"},
    "gmail__send_email": MAIL, "gmail__set_auto_reply": AUTO_REPLY,
    "gmail__delete_emails": {"user_email": SENDER, "message_ids": ["1"]},
}


@pytest.mark.parametrize("tool", ARGUMENTS)
@pytest.mark.parametrize("revision", ["2025-03-26", "2025-11-25", STATELESS])
def test_nothing_that_needs_a_question_runs_without_one(start, mailbox, revision, tool):
    client = start(revision, main=mailbox.connection())
    failure = client.failure(tool, ARGUMENTS[tool])
    assert "this client cannot ask its user" in text(failure) and "--confirm never" in text(failure)
    if revision != "2025-03-26":
        assert (structure(failure)["kind"], structure(failure)["status_code"]) == ("policy", 403)
        assert structure(failure)["outcome"] == "not_applied"
    assert mailbox.requests == []


def test_a_milder_option_is_named_if_it_is_enough(start, center):
    client = start("2025-11-25", "--confirm", "always", main=center.connection())
    label = {"endpoint_ids": IDS[:1], "label": "x"}
    assert "--confirm destructive" in text(
        client.failure("bitdefender_gravityzone__update_endpoint_labels", label))
    assert "--confirm never" in text(client.failure(DELETE, {"endpoint_ids": IDS[:1]}))
    assert changes(center) == []


@pytest.mark.parametrize("error", [
    {"code": -32601, "message": "Method not found"}, {"code": -32603, "message": "no"}, {"code": "x"}, {}, None, 1],
    ids=json.dumps)
def test_an_error_is_no_refusal_by_the_user(start, center, error):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    id, question, _ = ask(client, DELETE, {"endpoint_ids": IDS[:1]})
    reply(client, question, error=error)
    failure = client.answer(id)[0]["result"]
    assert failure["isError"] is True and "did not confirm" not in text(failure)
    assert "this client cannot ask its user: it answered the question with an error" in text(failure)
    assert structure(failure)["kind"] == "policy" and "--confirm never" in text(failure)
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        assert f"({error['code']})" in text(failure)
    assert client.finish() == (0, []) and changes(center) == []


# A question without an answer

def test_an_unanswered_question_ends_with_the_timeout(start, center):
    client = start("2025-11-25", "--tool-timeout", "1", main=center.connection(), capabilities=FORMS)
    id, question, _ = ask(client, DELETE, {"endpoint_ids": IDS[:1]})
    answer, (withdrawal,) = client.answer(id)
    assert withdrawal["method"] == "notifications/cancelled"
    assert withdrawal["params"]["requestId"] == question["id"]
    failure = answer["result"]
    assert structure(failure)["kind"] == "timeout" and structure(failure)["outcome"] == "not_applied"
    assert "did not answer the question in 1 s" in text(failure)
    reply(client, question, result=ACCEPT)
    client.expect_silence()
    assert client.finish() == (0, []) and changes(center) == []


def test_the_timeout_of_a_call_bounds_its_question_as_well(start, center):
    client = start("2025-11-25", main=center.connection(), capabilities=FORMS)
    params = client.call_params(DELETE, {"endpoint_ids": IDS[:1]})
    params["_meta"] = {"sallyport/options": {"timeout_ms": 300}}
    id = client.start("tools/call", params)
    assert client.read()["method"] == "elicitation/create"
    assert structure(client.answer(id)[0]["result"])["kind"] == "timeout" and changes(center) == []


def test_what_is_left_of_the_timeout_is_for_the_command(start):
    def answer(request, method, params):
        if method.startswith("get"):
            return success(request, {"id": params.get("endpointId"), "name": "A"})
        return lambda connection: connection.wait_until_left() or True

    with ControlCenter(answer) as center:
        client = start("2025-11-25", "--tool-timeout", "2", main=center.connection(), capabilities=FORMS)
        id, question, _ = ask(client, DELETE, {"endpoint_ids": IDS[:1]})
        reply(client, question, result=ACCEPT)
        failure = client.answer(id)[0]["result"]
        assert structure(failure)["kind"] == "timeout"


# What a question shows

def gmail(start, mailbox, *options):
    return start("2025-11-25", *options, main=mailbox.connection(), capabilities=FORMS)


def line(message, start):
    (found,) = [each for each in message.splitlines() if each.startswith(start)]
    return found.removeprefix(start)


def test_recipients_outside_the_domain_are_all_shown(start, mailbox):
    client = gmail(start, mailbox)
    outside = [f"x{number}@evil.example" for number in range(30)]
    mail = MAIL | {
        "to_recipients": ["a@corp.example", "B <b@CORP.example>", *outside[:10]],
        "cc_recipients": [f'"c@corp.example" <{each}>' for each in outside[10:25]],
        "bcc_recipients": outside[25:] + ["d@sub.corp.example", "e@corp.example.evil.example"]}
    _, _, message = ask(client, "gmail__send_email", mail)
    shown = line(message, "Recipients outside corp.example: ").split("; ")
    assert shown == [*outside, "d@sub.corp.example", "e@corp.example.evil.example"]


def test_that_no_recipient_is_outside_is_said(start, mailbox):
    _, _, message = ask(gmail(start, mailbox), "gmail__send_email", MAIL)
    assert line(message, "Recipients outside corp.example: ") == "none"


@pytest.mark.parametrize(("arguments", "shown"), [
    ({}, '"everyone who writes to the mailbox"'),
    ({"restrict_to_domain": True}, "\"people in the user's domain\""),
    ({"restrict_to_contacts": True},
     "\"contacts of the user, also outside the user's domain\""),
    ({"enable_auto_reply": False}, '"nobody: it is turned off"'),
])
def test_who_gets_an_automatic_reply_is_shown(start, mailbox, arguments, shown):
    _, _, message = ask(gmail(start, mailbox), "gmail__set_auto_reply", AUTO_REPLY | arguments)
    assert line(message, "Replies to: ") == shown


def test_of_a_long_value_start_end_length_and_digest_are_shown(start, mailbox):
    content = "Dear all,\n" + "padding " * 2_000 + "PS: wire the money to <b>me</b>\u202e"
    _, _, message = ask(gmail(start, mailbox), "gmail__send_email", MAIL | {"content": content})
    shown = line(message, "content: ")
    assert shown.startswith('"Dear all, padding') and "PS: wire the money to <b>me</b>" in shown
    raw = content.encode()
    assert shown.endswith(f"({len(raw)} bytes, SHA-256 {hashlib.sha256(raw).hexdigest()})")
    assert len(shown.encode()) < 500 and "\u202e" not in message


def many(start, center, revision="2025-11-25", *options):
    return start(revision, *options, main=center.connection(), capabilities=FORMS)


def resource(message):
    """The resource with all targets of a question."""
    _, _, rest = message.partition("all of them: ")
    return rest.split(",")[0]


def test_all_of_many_targets_are_a_resource_until_the_answer(start, center):
    client = many(start, center)
    id, question, message = ask(client, DELETE, {"endpoint_ids": IDS + IDS[:3]})
    assert message.count("5b680f6f") == 20 and "and 25 more (45)" in message
    uri = resource(message)
    (content,) = client.result("resources/read", {"uri": uri})["contents"]
    assert json.loads(content["text"]) == IDS and content["mimeType"] == "application/json"
    (listed,) = client.result("resources/list")["resources"]
    assert listed["uri"] == uri and listed["name"] == "delete_endpoints.endpoint_ids.json"
    reply(client, question, result={"action": "decline"})
    client.answer(id)
    eventually_empty(client)
    assert client.error("resources/read", {"uri": uri})["code"] == -32002 and changes(center) == []


def eventually_empty(client):
    for _ in range(1_000):
        if client.result("resources/list")["resources"] == []:
            return
    raise AssertionError("the list of targets stays")


@pytest.mark.parametrize("ending", ["accept", "cancel", "timeout", "input"])
def test_no_list_of_targets_stays(start, center, ending, tmp_path):
    options = ["--tool-timeout", "1"] if ending == "timeout" else []
    client = many(start, center, "2025-11-25", *options)
    id, question, _ = ask(client, DELETE, {"endpoint_ids": IDS})
    if ending == "accept":
        reply(client, question, result=ACCEPT)
    elif ending == "cancel":
        client.cancel(id)
        client.read_all(1)
    if ending in ("accept", "timeout"):
        client.answer(id)
    if ending != "input":
        eventually_empty(client)
    client.finish()
    assert list((tmp_path / "files").iterdir()) == []


def test_targets_that_cannot_be_shown_are_not_touched(start, center, tmp_path):
    client = many(start, center)
    (tmp_path / "files").rmdir()
    failure = client.failure(DELETE, {"endpoint_ids": IDS})
    assert structure(failure)["kind"] == "unavailable" and changes(center) == []


def test_twenty_targets_need_no_resource(start, center):
    client = many(start, center)
    _, _, message = ask(client, DELETE, {"endpoint_ids": IDS[:20]})
    assert "sallyport://" not in message and client.result("resources/list")["resources"] == []


def test_a_stateless_question_has_the_resource_until_its_state_is_used(start, center, tmp_path):
    client = many(start, center, STATELESS)
    params = client.call_params(DELETE, {"endpoint_ids": IDS})
    first, second = (client.result("tools/call", params) for _ in range(2))
    uri = resource(first["inputRequests"]["confirm"]["params"]["message"])
    (content,) = client.result("resources/read", {"uri": uri})["contents"]
    assert json.loads(content["text"]) == IDS
    answered = {"requestState": first["requestState"], "inputResponses": {"confirm": ACCEPT}}
    # A state that was tampered with, and one of another call, are none.
    for wrong in (answered["requestState"] + "x", answered["requestState"].swapcase(), ""):
        again = client.result("tools/call", params | answered | {"requestState": wrong})
        assert again["resultType"] == "input_required"
    other = client.call_params(DELETE, {"endpoint_ids": IDS[:1]})
    assert client.result("tools/call", other | answered)["resultType"] == "input_required"
    assert changes(center) == []
    assert client.result("tools/call", params | answered)["resultType"] == "complete"
    assert len(changes(center)) == 45
    assert client.result("tools/call", params | answered)["resultType"] == "input_required"
    assert len(changes(center)) == 45 and second["requestState"] != first["requestState"]
    client.finish()
    assert list((tmp_path / "files").iterdir()) == []
