"""Errors of the vendor: at HTTP 200 and at other statuses, complete and broken."""

import base64

import pytest
from Support.control_center import ControlCenter, failure, success
from Support.session import Host
from Support.upstream import Reply, hang_up, reply

PAGE = " The response is a page, not one of the API."
PHRASES = {401: "Unauthorized.", 403: "Forbidden."}
NO_RESPONSE = "The vendor's response is not the JSON-RPC response of this method."
A = "5b680f6fb1a43d860a7b23c1"

#: details text, the documents' status code, the kind
TEXTS = [
    ("Invalid value for 'parentId' parameter.", 400, "upstream"),
    ("No valid target provided.", 400, "upstream"),
    ("At least one specified target is invalid.", 400, "upstream"),
    ("One or more items are not available for the specified action.", 400, "upstream"),
    ("Incorrect custom group specified through the 'groupId' parameter. Please provide the id of a"
     " custom group.", 400, "upstream"),
    ("Not enough rights for this companyId to add a hash to blocklist.", 403, "permission"),
    ("This endpoint cannot be queried.", 403, "permission"),
    ("The blocklisted file does not exist or you do not have enough rights to access this item.",
     403, "permission"),
    ("Endpoint not found or not enough privileges to access this resource.", 403, "permission"),
    ("Group name already exists.", 409, "upstream"),
    ("One or more endpoints do not belong to the same company with the target custom group.",
     409, "upstream"),
    ("This endpoint cannot be restored from isolation. It is either not isolated, cannot be isolated"
     " or a isolation task is already in progress.", 409, "upstream"),
    ("Invalid value for this 'endpointId'. The endpoint is not managed.", 422, "upstream"),
    ("A text that is not in the table.", 400, "upstream"),
]


def failing(action, command="create_group", arguments=None, **more):
    """The `data` of the error for this response of the vendor."""
    if arguments is None:
        arguments = {"group_name": "G"}
    with ControlCenter(lambda request, *_: action(request)) as center:
        with Host(center.connection(**more)) as host:
            return host.failure(command, arguments), center


@pytest.mark.parametrize("details, status, kind", TEXTS)
def test_the_text_decides_the_status_at_http_200(details, status, kind):
    data, _ = failing(lambda request: failure(request, details))
    assert (data["failure_indicator"], data["status_code"], data["message"], data["kind"]) == (
        "Create Group failed.", status, details, kind)
    assert data["outcome"] == "not_applied"
    assert data["upstream"]["error"]["data"]["details"] == details


@pytest.mark.parametrize("details, status, kind", TEXTS)
def test_documented_error_with_its_own_status_is_mapped(details, status, kind):
    data, _ = failing(lambda request: failure(request, details, status=400))
    assert (data["status_code"], data["message"], data["kind"]) == (status, details, kind)


@pytest.mark.parametrize("code, status, outcome", [
    (-32700, 400, "not_applied"), (-32600, 400, "not_applied"), (-32601, 404, "not_applied"),
    (-32602, 400, "not_applied"), (-32603, 500, "unknown"), (-32000, 500, "unknown"),
])
def test_without_a_known_text_the_code_decides(code, status, outcome):
    data, _ = failing(lambda request: failure(request, "Something.", code=code))
    assert (data["status_code"], data["message"], data["outcome"]) == (status, "Something.", outcome)


@pytest.mark.parametrize("error, message", [
    ({"code": -32602, "message": "Invalid params"}, "Invalid params"),
    ({"code": -32602, "message": "Invalid params", "data": None}, "Invalid params"),
    ({"code": -32602, "message": "Invalid params", "data": {}}, "Invalid params"),
    ({"code": -32602, "message": "Invalid params", "data": {"details": ""}}, "Invalid params"),
    ({"code": -32602, "message": "Invalid params", "data": {"details": 7}}, "Invalid params"),
    ({"code": -32602, "message": "Invalid params", "data": "text"}, "text"),
    ({"code": -32602}, '{"code": -32602}'),
    ("broken", '"broken"'),
    (["broken"], '["broken"]'),
])
def test_an_incomplete_error_object(error, message):
    data, _ = failing(lambda request: reply(200, {"jsonrpc": "2.0", "id": None, "error": error}))
    assert (data["status_code"], data["message"]) == (400, message)


@pytest.mark.parametrize("status, kind, message", [
    (401, "auth", "Unauthorized."), (403, "permission", "Unauthorized."),
    (404, "not_found", "Not Found."), (405, "upstream", "Method Not Allowed."),
    (400, "upstream", "Bad Request."), (502, "upstream", "Bad Gateway."),
])
@pytest.mark.parametrize("body", [b"", b"<html><h1>No</h1></html>", b"{}", b"[1]", b'"x"'])
def test_a_status_without_an_error_object(status, kind, message, body):
    data, _ = failing(lambda request: reply(status, body))
    if body.startswith(b"<"):
        message = (message if status != 401 and status != 403 else PHRASES[status]) + PAGE
    assert (data["status_code"], data["kind"], data["message"]) == (status, kind, message)
    assert data["outcome"] == ("unknown" if status == 502 else "not_applied")


@pytest.mark.parametrize("body, message", [
    (b"", "The vendor's response is empty."),
    (b"<html>sign in</html>", "The vendor's response is not JSON: expected a value at byte 0." + PAGE),
    (b'{"jsonrpc":"2.0","id":"x"}', NO_RESPONSE),
    (
        b'{"result":',
        "The vendor's response is not JSON: unterminated array or object at byte 10."),
    (b"[]", NO_RESPONSE),
    (b'{"jsonrpc":"2.0","id":"x","result":false}', "The vendor returned false."),
])
def test_malformed_success_has_an_unknown_outcome(body, message):
    data, center = failing(lambda request: reply(200, body))
    assert (data["status_code"], data["kind"], data["message"]) == (502, "upstream", message)
    assert data["outcome"] == "unknown"
    assert "list_groups" in data["remedy"]
    assert len(center.requests) == 1


def test_read_never_has_an_unknown_outcome():
    data, _ = failing(lambda request: reply(200, b"?"), "list_groups", {})
    assert data["outcome"] == "not_applied"


def test_401_is_an_auth_error_whatever_its_body():
    data, _ = failing(lambda request: failure(request, "Not enough rights.", status=401))
    assert (data["status_code"], data["kind"], data["message"]) == (401, "auth", "Not enough rights.")


def test_repathd_key_is_read_anew(tmp_path):
    path = tmp_path / "key"
    path.write_text("old-key-0123456789")

    def answer(request, *_):
        old = base64.b64encode(b"old-key-0123456789:").decode()
        return Reply(401) if request.header("authorization") == f"Basic {old}" else success(request, [])

    with ControlCenter(answer) as center:
        with Host(center.connection(settings={"api_key": {"$file": str(path)}})) as host:
            assert host.failure("list_groups")["status_code"] == 401
            path.write_text("new-key-0123456789")
            host.result("list_groups")
    assert len(center.requests) == 3


def test_a_null_result_is_a_success():
    with ControlCenter(lambda request, *_: success(request, None)) as center:
        with Host(center.connection()) as host:
            result = host.result("move_endpoints", {"endpoint_ids": [A], "group_id": A})
    assert result["raw_data"]["result"] is None
    assert result["return_data"] == "Successful"


def test_a_write_is_not_retried_after_a_connection_error():
    data, center = failing(lambda request: hang_up)
    assert (data["kind"], data["outcome"]) == ("network", "unknown")
    assert len(center.requests) == 1


def test_refused_key_has_a_remedy():
    data, _ = failing(lambda request: Reply(401), "test_connection", {})
    assert data["failure_indicator"] == "Test Connection failed. Failed to check the connector."
    assert (data["status_code"], data["kind"]) == (401, "auth")
    assert "API key" in data["remedy"]


def test_key_without_the_api_has_the_documented_message():
    data, _ = failing(lambda request: Reply(403), "test_connection", {})
    assert (data["status_code"], data["message"]) == (403, "Unauthorized.")
    assert "My Account" in data["remedy"]


def test_an_unreadable_key_is_an_auth_error():
    with ControlCenter() as center:
        missing = {"api_key": {"$env": "SALLYPORT_TEST_NO_SUCH_KEY"}}
        with Host(center.connection(settings=missing)) as host:
            data = host.failure("list_groups")
    assert (data["kind"], center.requests) == ("auth", [])
    assert "SALLYPORT_TEST_NO_SUCH_KEY" in data["message"]


def test_a_429_is_retried_after_retry_after():
    answers = iter([Reply(429, headers=[("Retry-After", "1")])])
    with ControlCenter(lambda r, *_: next(answers, None) or success(r, "id")) as center:
        with Host(center.connection()) as host:
            result = host.result("create_group", {"group_name": "G"})
    assert (result["meta"]["requests"], result["meta"]["retries"]) == (2, 1)
    assert result["meta"]["waited_ms"] >= 1_000
    first, second = center.requests
    assert first.json == second.json
