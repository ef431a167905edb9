"""Which clients are notified of changed tools."""

import json

import pytest
from Support.mcp_client import HANDSHAKE, PREFIX, STATELESS
from Support.session import connection as coda

NOWHERE = "http://127.0.0.1:9"
BOTH = {"toolsListChanged": True, "promptsListChanged": True}
CHANGES = ["notifications/tools/list_changed", "notifications/prompts/list_changed"]
SUBSCRIPTION = PREFIX + "subscriptionId"


def listen(client, filter=BOTH, **more):
    id = client.start("subscriptions/listen", {"notifications": filter}, **more)
    told = client.read()
    assert told["method"] == "notifications/subscriptions/acknowledged"
    assert told["params"]["_meta"] == {SUBSCRIPTION: id}
    return id, told["params"]["notifications"]


def put(client, name="new", **more):
    client.send({"jsonrpc": "2.0", "id": f"put {name}", "method": "connections/put", "params": {
        "name": name, "connection": coda(NOWHERE, **more)}})
    return client.read()


def remove(client, name="new"):
    client.send({"jsonrpc": "2.0", "id": "remove", "method": "connections/remove", "params": {"name": name}})
    return client.read()


@pytest.mark.parametrize("revision", HANDSHAKE)
def test_initialized_clients_are_notified_of_changes(start, revision):
    client = start(revision, main=coda(NOWHERE))
    assert "result" in put(client)
    assert [one["method"] for one in client.read_all(2)] == CHANGES
    tool = client.tools()["coda_footprint__list_tenants"]
    assert tool["inputSchema"]["properties"]["connection"]["enum"] == ["main", "new"]
    assert "result" in remove(client)
    assert [one["method"] for one in client.read_all(2)] == CHANGES
    assert "connection" not in client.tools()["coda_footprint__list_tenants"]["inputSchema"]["properties"]
    assert client.finish() == (0, [])


def test_failed_change_is_not_announced(start, revision):
    client = start(revision, main=coda(NOWHERE))
    assert "error" in put(client, settings={"server_url": "http://not.local"})
    client.expect_silence()


def test_clients_without_a_subscription_are_not_notified(start):
    for client in (start(STATELESS, main=coda(NOWHERE)), start("2025-11-25", introduces=False, main=coda(NOWHERE))):
        put(client)
        client.expect_silence()


@pytest.mark.parametrize(("filter", "granted"), [
    (BOTH, BOTH), ({"toolsListChanged": True}, {"toolsListChanged": True}), ({}, {}),
    ({"promptsListChanged": True, "toolsListChanged": False}, {"promptsListChanged": True}),
    ({"resourcesListChanged": True, "resourceSubscriptions": ["sallyport://files/1"]}, {})], ids=json.dumps)
def test_subscription_receives_what_it_requested(start, filter, granted):
    client = start(STATELESS, main=coda(NOWHERE))
    id, got = listen(client, filter)
    assert got == granted
    put(client)
    for name, method in zip(BOTH, CHANGES, strict=True):
        if name in granted:
            told = client.read()
            assert (told["method"], told["params"]["_meta"]) == (method, {SUBSCRIPTION: id})
    client.expect_silence()


@pytest.mark.parametrize("id", ["s", 5, 2**60])
def test_a_subscription_ends_with_the_input(start, id):
    client = start(STATELESS, main=coda(NOWHERE))
    listen(client, id=id)
    code, (end,) = client.finish()
    assert code == 0 and end["id"] == id
    assert end["result"] == {"resultType": "complete", "_meta": {SUBSCRIPTION: id}}


def test_a_cancelled_subscription_is_quiet(start):
    client = start(STATELESS, main=coda(NOWHERE))
    first, _ = listen(client)
    second, _ = listen(client, {"toolsListChanged": True})
    client.cancel(first)
    put(client)
    assert client.read()["params"]["_meta"] == {SUBSCRIPTION: second}
    client.expect_silence()
    # Its id is free again.
    assert listen(client, {}, id=first)[0] == first
    client.cancel(first)
    code, ends = client.finish()
    assert code == 0 and [end["id"] for end in ends] == [second]


def test_a_plain_cancel_ends_a_subscription_too(start):
    client = start(STATELESS, main=coda(NOWHERE))
    id, _ = listen(client)
    assert client.result("cancel", {"id": id}) == {"cancelled": True}
    put(client)
    client.expect_silence()
    assert client.finish() == (0, [])


@pytest.mark.parametrize("notifications", [None, [], "x", 5])
def test_subscription_filter_must_be_an_object(start, notifications):
    client = start(STATELESS)
    assert client.error("subscriptions/listen", {"notifications": notifications})["code"] == -32602
    assert client.error("subscriptions/listen", {})["code"] == -32602


def test_subscriptions_are_bounded(start):
    client = start(STATELESS, main=coda(NOWHERE))
    for _ in range(256):
        listen(client, {})
    assert client.error("subscriptions/listen", {"notifications": {}})["code"] == -32600
