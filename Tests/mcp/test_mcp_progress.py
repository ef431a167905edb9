"""Progress under a token, and calls that are cancelled."""

import threading

import pytest
from Support.control_center import ControlCenter, success
from Support.mcp_client import structure
from Support.session import connection as coda
from Support.upstream import TENANTS, Tenant, after, in_turn, reply, silent

LIST_TENANTS = "coda_footprint__list_tenants"
LABEL = "bitdefender_gravityzone__update_endpoint_labels"
IDS = [f"5b680f6fb1a43d860a7b{number:04x}" for number in range(5)]


@pytest.mark.parametrize("token", [7, 0, "t", "", 2**60])
def test_targets_are_counted_under_the_token(start, revision, token):
    with ControlCenter() as center:
        client = start(revision, main=center.connection(max_concurrency=1))
        id = client.start_call(LABEL, {"endpoint_ids": IDS, "label": "x"}, token=token)
        _, told = client.answer(id)
    # Those that finish during a notification are reported together.
    numbers = [one["params"]["progress"] for one in told]
    assert numbers == sorted(set(numbers)) and set(numbers) <= {1, 2, 3, 4, 5} and numbers[-1] == 5
    for one in told:
        assert one["method"] == "notifications/progress" and one["params"]["total"] == 5
        assert type(one["params"]["progress"]) is int
        assert one["params"]["progressToken"] == token
        assert type(one["params"]["progressToken"]) is type(token)
        assert ("message" in one["params"]) == (revision > "2024-11-05")


def test_no_progress_without_a_token(start, revision):
    with ControlCenter() as center:
        client = start(revision, main=center.connection())
        _, told = client.answer(client.start_call(LABEL, {"endpoint_ids": IDS, "label": "x"}))
    assert told == []


def test_waits_are_reported_as_increasing_progress(start, revision):
    again = reply(429, {}, [("Retry-After", "1")])
    with Tenant(in_turn(again, again, reply(200, []))) as vendor:
        client = start(revision, main=coda(vendor.url))
        answer, told = client.answer(client.start_call(LIST_TENANTS, token="t"))
    assert structure(answer["result"])["meta"]["retries"] == 2
    numbers = [one["params"]["progress"] for one in told]
    assert len(numbers) >= 2 and numbers == sorted(set(numbers)) and numbers[0] > 0
    if revision > "2024-11-05":
        assert all("waiting until" in one["params"]["message"] for one in told[:2])


def test_the_number_rises_through_waits_and_targets(start):
    again = reply(429, {}, [("Retry-After", "1")])
    answers = in_turn(again, "yes", again, "yes", "yes", "yes")

    def answer(request, method, params):
        action = answers(request)
        return success(request, True) if action == "yes" else action

    with ControlCenter(answer) as center:
        client = start("2025-11-25", main=center.connection(max_concurrency=1))
        _, told = client.answer(client.start_call(LABEL, {"endpoint_ids": IDS, "label": "x"}, token=1))
    numbers = [one["params"]["progress"] for one in told]
    assert numbers == sorted(set(numbers)) and numbers[-1] == 5 and numbers[0] < 1


def test_two_calls_have_their_own_tokens(start, revision):
    with ControlCenter() as center:
        client = start(revision, main=center.connection())
        ids = [client.start_call(LABEL, {"endpoint_ids": IDS, "label": "x"}, token=f"t{n}") for n in range(2)]
        numbers = {"t0": [], "t1": []}
        answered = []
        while len(answered) < 2:
            message = client.read()
            if "method" in message:
                numbers[message["params"]["progressToken"]].append(message["params"]["progress"])
            else:
                answered.append(message["id"])
    assert sorted(answered) == sorted(ids)
    assert all(seen == sorted(set(seen)) and seen[-1] == 5 for seen in numbers.values())


def test_a_cancelled_call_is_aborted_and_never_answered(start, revision):
    with Tenant(lambda request: silent if len(vendor.calls) == 1 else reply(200, [])) as vendor:
        client = start(revision, main=coda(vendor.url))
        id = client.start_call(LIST_TENANTS, token="t")
        (request,) = vendor.wait_for(1, TENANTS)
        client.cancel(id)
        assert request.connection.closed.wait(20), "the transfer goes on"
        client.expect_silence()
        assert structure(client.call(LIST_TENANTS))["raw_data"] == []
        assert client.finish() == (0, [])


def test_cancelled_call_reports_no_progress(start, revision):
    gate = threading.Event()

    def answer(request, method, params):
        good = success(request, True)
        return good if len(center.requests) == 1 else after(gate, good)

    with ControlCenter(answer) as center:
        client = start(revision, main=center.connection(max_concurrency=1))
        id = client.start_call(LABEL, {"endpoint_ids": IDS, "label": "x"}, token="t")
        assert client.read()["params"]["progress"] == 1
        center.wait_for(2)
        client.cancel(id)
        client.expect_silence()
        gate.set()
        assert client.finish() == (0, [])
        assert len(center.requests) == 2, "the other targets were not to be touched"


@pytest.mark.parametrize("other", ["1", 2, "nobody", None, 1.0, [1], {}])
def test_only_the_named_request_is_cancelled(start, other):
    gate = threading.Event()
    with Tenant(lambda request: after(gate, reply(200, []))) as vendor:
        client = start("2025-11-25", main=coda(vendor.url))
        id = client.start_call(LIST_TENANTS, id=1001)
        vendor.wait_for(1, TENANTS)
        client.cancel(other)
        client.expect_silence()
        gate.set()
        assert client.answer(id)[0]["result"]["structuredContent"]["raw_data"] == []


def test_cancelling_an_answered_request_does_nothing(start, revision):
    client = start(revision)
    id = client.start("tools/list")
    client.answer(id)
    client.cancel(id)
    client.expect_silence()


def test_batch_response_omits_cancelled_requests(start):
    with Tenant(lambda request: silent if len(vendor.calls) < 2 else reply(200, [])) as vendor:
        client = start("2025-03-26", main=coda(vendor.url))
        params = client.call_params(LIST_TENANTS)
        client.send([client.message("tools/call", params, id="a"), client.message("prompts/list", id="b")])
        vendor.wait_for(1, TENANTS)
        client.cancel("a")
        assert [answer["id"] for answer in client.read()] == ["b"]
        client.send([client.message("tools/call", params, id="c")])
        vendor.wait_for(2, TENANTS)
        assert [answer["id"] for answer in client.read()] == ["c"]


def test_a_batch_of_nothing_but_cancelled_calls_is_not_answered(start):
    with Tenant(lambda request: silent) as vendor:
        client = start("2025-03-26", main=coda(vendor.url))
        client.send([client.message("tools/call", client.call_params(LIST_TENANTS), id=n) for n in (901, 902)])
        vendor.wait_for(2, TENANTS)
        client.cancel(901)
        client.cancel(902)
        assert client.finish() == (0, [])
