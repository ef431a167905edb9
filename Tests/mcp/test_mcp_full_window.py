"""An MCP client whose calls fill the in-flight window is still heard."""

from __future__ import annotations

import pytest
from Support.control_center import ControlCenter
from Support.host import eventually, line, request
from Support.mcp_client import FORMS, meta, structure
from Support.vendor import GatedVendor

DELETE = "bitdefender_gravityzone__delete_endpoints"
SLOW = "coda_footprint__list_tenants"
ENDPOINT = "5b680f6fb1a43d860a7b0000"
ASKING = ["2025-06-18", "2025-11-25"]
MEBIBYTE = 1024 * 1024


@pytest.fixture
def vendor():
    with GatedVendor() as vendor:
        yield vendor


@pytest.fixture
def center():
    with ControlCenter() as center:
        yield center


def parked(client):
    client.send(request("stats", "stats"))
    answer = client.read()
    assert answer["id"] == "stats", answer
    return answer["result"]["parked"]


@pytest.mark.parametrize("revision", ASKING)
def test_answer_of_the_user_arrives_while_64_calls_wait(start, center, vendor, revision):
    client = start(revision, main=center.connection(), slow=vendor.connection, capabilities=FORMS)
    asked = client.start_call(DELETE, {"endpoint_ids": [ENDPOINT], "connection": "main"})
    question = client.read()
    assert question["method"] == "elicitation/create"
    for _ in range(64 + 10):
        client.start_call(SLOW, {"connection": "slow"})
    eventually(lambda: parked(client) == 10, "the window is full")
    client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {}}})
    # The confirmed call comes before parked calls: the first free slots include one for it.
    answers = []
    for _ in range(3):
        vendor.release()
        answers.append(client.read())
    answers.append(client.read())
    (confirmed,) = (answer for answer in answers if answer["id"] == asked)
    assert structure(confirmed["result"])["return_data"] == "Successful"
    vendor.open()


@pytest.mark.parametrize("revision", ASKING)
def test_declined_question_is_answered_while_the_window_is_full(start, center, vendor, revision):
    client = start(
        revision, "--max-in-flight", "1", main=center.connection(), slow=vendor.connection,
        capabilities=FORMS)
    asked = client.start_call(DELETE, {"endpoint_ids": [ENDPOINT], "connection": "main"})
    question = client.read()
    for _ in range(5):
        client.start_call(SLOW, {"connection": "slow"})
    client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}})
    answer, _ = client.answer(asked)
    assert structure(answer["result"])["kind"] == "policy"
    vendor.open()


@pytest.mark.parametrize("revision", ASKING)
def test_cancelled_parked_call_gets_no_response_and_does_not_run(start, vendor, revision):
    client = start(revision, "--max-in-flight", "1", slow=vendor.connection)
    first = client.start_call(SLOW)
    vendor.wait_for(1)
    second = client.start_call(SLOW)
    eventually(lambda: parked(client) == 1, "the second call is parked")
    client.cancel(second)
    assert parked(client) == 0
    vendor.open()
    answer = client.read()
    assert answer["id"] == first
    assert client.finish() == (0, [])
    assert vendor.arrived == 1


@pytest.mark.parametrize("revision", ASKING)
def test_ping_and_lists_are_answered_while_the_window_is_full(start, vendor, revision):
    client = start(revision, "--max-in-flight", "1", slow=vendor.connection)
    for _ in range(3):
        client.start_call(SLOW)
    vendor.wait_for(1)
    for method in ("ping", "tools/list", "prompts/list"):
        client.result(method)
    vendor.open()


def test_open_questions_hold_the_memory_of_their_lines(start):
    """Their slots are free, but beyond 64 MiB of lines the host starts no further call, and then stops reading."""
    client = start("2025-11-25", "--sandbox", capabilities=FORMS)
    arguments = {
        "sender_email": "soc@harbor.example", "to_recipients": ["a@far.example"], "subject": "s",
        "content": "x" * (6 * MEBIBYTE), "connection": "gmail_sandbox"}
    calls = b"".join(
        line(request(f"call {number}", "tools/call", client.call_params("gmail__send_email", arguments)))
        for number in range(40))
    accepted = len(calls) - client.offer(calls, timeout=5)
    # 64 MiB in flight, 8 MiB parked, and one more line on each side of the pipe.
    assert 64 * MEBIBYTE <= accepted < 90 * MEBIBYTE
    assert client.read()["method"] == "elicitation/create"


def test_the_id_of_a_subscription_is_short(start):
    client = start("2026-07-28")
    client.send({"jsonrpc": "2.0", "id": "i" * 2_000, "method": "subscriptions/listen", "params": {
        "notifications": {}, "_meta": meta()}})
    assert client.read()["error"]["code"] == -32602
