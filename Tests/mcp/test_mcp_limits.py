"""`limits/reset` and `health/watch` on the stream of an agent."""

from Support.mcp_client import meta, structure
from Support.session import connection as coda
from Support.upstream import SCANNERS, Tenant, in_turn, reply

LIST_SCANNERS = "coda_footprint__list_scanners"
BUSY = reply(429, None, [("Retry-After", "3000")])


def test_reset_wakes_a_tool_call_that_waits(start, revision):
    with Tenant(in_turn(BUSY, reply(200, []))) as vendor:
        client = start(revision, main=coda(vendor.url))
        id = client.start_call(LIST_SCANNERS)
        vendor.wait_for(1, SCANNERS)
        # The pause begins when the host has read the answer of the vendor.
        answers = {}
        while id not in answers:
            client.send({"jsonrpc": "2.0", "id": "reset", "method": "limits/reset",
                         "params": {"connection": "main", "_meta": meta(version=revision)}})
            while answers.pop("reset", None) is None:
                message = client.read()
                answers[message["id"]] = message
                if message["id"] == "reset":
                    assert message.get("result", {}).get("connection") == "main", message
        assert structure(answers[id]["result"])["return_data"] == "Successful"


def test_a_watch_that_the_policy_forbids_is_refused(start, revision):
    with Tenant() as vendor:
        client = start(revision, main=coda(vendor.url, policy={"deny": ["test_connection"]}))
        client.send({"jsonrpc": "2.0", "id": "w", "method": "health/watch", "params": {
            "connection": "main", "interval_seconds": 1}})
        error = client.read()["error"]
        assert error["code"] == -32000 and error["data"]["kind"] == "policy"
        client.expect_silence()
        assert vendor.requests == []
