"""Bodies that are JSON with a byte order mark, almost JSON, packed in an unknown way, or pages of somebody
else than the vendor."""

import gzip
import json

import pytest
from Support.control_center import ControlCenter, failure, success
from Support.programmed_google import Google
from Support.session import Host, connection
from Support.upstream import Reply, Tenant, reply

BOM = b"\xef\xbb\xbf"
ENDPOINTS = ("list_endpoints", {"endpoint_type": "endpoints"})
ISOLATE = ("isolate_endpoints", {"endpoint_ids": ["6affe1e0b1a43d0003000001"]})
LABELS = ("list_labels", {"user_email": "robot@example.com"})


def marked(answer):
    return Reply(answer.status, BOM + answer.body, answer.headers, answer.close)


def test_a_byte_order_mark_before_json_is_passed_over():
    login = lambda request, number: marked(reply(200, Tenant.tokens(number)))
    with Tenant(lambda request: marked(reply(200, [1])), login=login) as tenant:
        with Host(connection(tenant.url)) as host:
            assert host.result("list_scanners")["raw_data"] == [1]
            host.result("patch_rescan")
    page = {"pagesCount": 1, "items": []}
    answer = lambda request, method, params: marked(success(request, page if "List" in method else True))
    with ControlCenter(answer) as center, Host(center.connection()) as host:
        assert host.result(*ENDPOINTS)["raw_data"]["result"] == page
        host.result(*ISOLATE)
    token = lambda *_: marked(reply(200, {"access_token": "ya29.Token", "expires_in": 3600}))
    with Google(lambda request: marked(reply(200, {"labels": []})), token=token) as google:
        with Host(google.connection()) as host:
            assert host.result(*LABELS)["raw_data"] == {"labels": []}


def test_a_byte_order_mark_before_an_error_is_passed_over():
    answer = lambda request, method, params: marked(failure(request, "Group name already exists."))
    with ControlCenter(answer) as center, Host(center.connection()) as host:
        error = host.failure(*ENDPOINTS)
        assert (error["message"], error["status_code"]) == ("Group name already exists.", 409)
    refusal = marked(reply(400, {"error": {"code": 400, "message": "Invalid id value"}}))
    with Google(lambda request: refusal) as google, Host(google.connection()) as host:
        assert host.failure(*LABELS)["message"] == "Invalid id value"


DAMAGED = {
    "latin-1": (b'{"a":"M\xfcller"}', 7),
    "raw tab": (b'{"a":"M\tller"}', 7),
    "NaN": (b'{"a":NaN}', 5),
    "cut": (b'{"a":[1,', 8),
    "after a byte order mark": (BOM + b'{"a":NaN}', 8),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_json_is_an_error_that_names_the_byte(what):
    body, byte = DAMAGED[what]
    cases = [
        (Tenant(lambda request: reply(200, body)), lambda vendor: connection(vendor.url), ("list_scanners",)),
        (ControlCenter(lambda *_: reply(200, body)), lambda vendor: vendor.connection(), ENDPOINTS),
        (Google(lambda request: reply(200, body)), lambda vendor: vendor.connection(), LABELS),
    ]
    for vendor, settings, call in cases:
        with vendor, Host(settings(vendor)) as host:
            error = host.failure(*call)
            assert f"at byte {byte}" in error["message"], error
            assert "damaged JSON" in error["remedy"] and error["kind"] == "upstream"


def test_a_damaged_token_response_names_the_byte():
    with Google(token=lambda *_: reply(200, b'{"access_token":NaN}')) as google:
        with Host(google.connection()) as host:
            error = host.failure(*LABELS)
            assert error["kind"] == "auth" and "at byte 16" in error["message"]
    with Tenant(login=lambda *_: reply(200, b'{"access":NaN}')) as tenant:
        with Host(connection(tenant.url)) as host:
            assert "at byte 10" in host.failure("list_scanners")["message"]


# Encodings


def encoded(name, body):
    return reply(200, body, [("Content-Encoding", name)])


UNDECODABLE = {
    "unknown": (encoded("UTF-8", b"[]"), "unknown Content-Encoding: UTF-8"),
    "not what it says": (encoded("gzip", b"[1]"), "gzip"),
    "two members": (encoded("gzip", gzip.compress(b"[1") + gzip.compress(b"]")), "gzip"),
    "bytes behind it": (encoded("gzip", gzip.compress(b"[]") + b"\0garbage"), "gzip"),
    "corrupt": (encoded("deflate", b"\xff" * 40), "deflate"),
    "too many": (encoded(", ".join(["gzip"] * 7), b"[]"), "content encodings"),
}


@pytest.mark.parametrize("what", UNDECODABLE)
def test_a_body_that_cannot_be_unpacked_is_received_once(what):
    answer, words = UNDECODABLE[what]
    with Tenant(lambda request: answer) as tenant, Host(connection(tenant.url)) as host:
        for command, outcome in [("list_scanners", "not_applied"), ("patch_rescan", "unknown")]:
            before = len(tenant.calls)
            error = host.failure(command)
            assert len(tenant.calls) == before + 1
            assert (error["kind"], error["status_code"]) == ("upstream", 502)
            assert (error["retryable"], error["outcome"]) == (False, outcome)
            assert words in error["message"] and "Content-Encoding" in error["message"]
            assert not error["message"].endswith("..")
            assert error["remedy"]


# Pages


PAGE = "<!DOCTYPE html><html><title>Request rejected</title>Support ID 7</html>"


@pytest.mark.parametrize("page", [PAGE, "\n  <html>no</html>", "<?xml version='1.0'?><Error/>"])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 405, 406, 422, 429, 500, 503])
def test_a_page_of_a_firewall_is_not_taken_for_an_error_of_the_api(status, page):
    cases = [
        (Tenant(lambda request: reply(status, page)), lambda vendor: connection(vendor.url), ("patch_rescan",)),
        (ControlCenter(lambda *_: reply(status, page)), lambda vendor: vendor.connection(), ISOLATE),
        (Google(lambda request: reply(status, page)), lambda vendor: vendor.connection(), LABELS),
    ]
    for vendor, settings, call in cases:
        with vendor, Host(settings(vendor)) as host:
            error = host.failure(*call, timeout_ms=1_000)
            assert error["status_code"] == status
            assert "The response is a page" in error["message"], error
            if error["outcome"] == "not_applied":
                assert "firewall" in error["remedy"]


def test_a_page_that_refuses_the_sign_in_is_not_about_the_password():
    with Tenant(login=lambda *_: reply(403, PAGE)) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners")
        assert "page" in error["message"] and "firewall" in error["remedy"]


@pytest.mark.parametrize("body", [
    {"error": {"code": -32000, "message": "Forbidden"}},
    {"id": None, "jsonrpc": "2.0", "error": {"code": -32000, "message": "Server error", "data": {"details": "Unauthorized."}}},
])
def test_a_403_of_the_api_is_about_the_key(body):
    with ControlCenter(lambda *_: reply(403, body)) as center, Host(center.connection()) as host:
        error = host.failure(*ENDPOINTS)
        assert error["kind"] == "permission" and "for the key" in error["remedy"]


@pytest.mark.parametrize("body", [PAGE, "error code: 1020", "Access denied"])
def test_a_403_of_a_firewall_is_not_about_the_key(body):
    with ControlCenter(lambda *_: reply(403, body)) as center, Host(center.connection()) as host:
        error = host.failure(*ENDPOINTS)
        assert error["status_code"] == 403 and "key" not in error["remedy"]
        assert "firewall" in error["remedy"]
        assert error["upstream"] == body or json.dumps(body) in json.dumps(error["upstream"])
