"""Nothing that is wrong hides behind something else that is."""

from __future__ import annotations

import pytest
from Support.host import Host, invoke, request

WRONG_PAGE = {"page": 0}


@pytest.mark.parametrize(
    ("params", "paths"),
    [
        ({"command": "list_devices", "arguments": WRONG_PAGE, "options": {"x": 1}},
         {"/options/x", "/arguments/page"}),
        ({"command": "list_devices", "arguments": WRONG_PAGE, "foo": 1, "bar": 2},
         {"/foo", "/bar", "/arguments/page"}),
        ({"command": "list_devices", "arguments": WRONG_PAGE, "connection": "nowhere"},
         {"/connection", "/arguments/page"}),
        ({"command": "list_devises", "options": {"stream": 1}, "foo": 1},
         {"/command", "/options/stream", "/foo"}),
        ({"command": "list_devices", "arguments": {"page": 0, "filter": {"scope": "?", "a": 1}}},
         {"/arguments/page", "/arguments/filter/scope", "/arguments/filter/a"}),
    ],
)
def test_every_part_of_an_invoke_tells_its_faults(params, paths):
    with Host("--sandbox") as host:
        error = host.error("invoke", {"integration": "coda_footprint", **params})
    assert error["code"] == -32602
    assert {problem["path"] for problem in error["data"]["problems"]} == paths


def test_requests_after_a_shutdown_are_answered():
    with Host("--sandbox") as host:
        host.send(request(1, "shutdown"), request(2, "ping"), invoke(3, "list_tenants"))
        code, answers = host.finish()
    assert code == 0
    assert answers[0] == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert [(answer["id"], answer["error"]["code"]) for answer in answers[1:]] == [
        (2, -32600), (3, -32600)]
