"""Brokered HTTP: which requests a plugin may send, what the vendor gets, and what the plugin gets back."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from Support.host import eventually, request
from Support.plugins import PASSWORD, SECRET, invoke
from Support.upstream import Upstream, after, in_turn, reply

import threading

TRIPLE = {"return_data", "failure_indicator", "status_code", "message", "kind", "retryable", "outcome"}


@pytest.fixture
def vendor():
    with Upstream(lambda request: reply(200, {"ok": True})) as vendor:
        yield vendor


@pytest.fixture
def host(plugins):
    plugins.add()
    with plugins.host() as host:
        yield host


def http(url: str, method: str = "GET", **more):
    return {"ask": ["host/http", {"method": method, "url": url} | more]}


def refused(error, kind, *texts):
    assert error["code"] == (-32602 if kind == "validation" else -32000), error
    assert TRIPLE <= set(error["data"]) and error["data"]["kind"] == kind, error
    for text in texts:
        assert text in error["message"] or text in error["data"].get("remedy", ""), (text, error)
    assert SECRET not in json.dumps(error) and PASSWORD not in json.dumps(error)


# Origins

@pytest.mark.parametrize("change", [
    lambda url, port: f"http://127.0.0.1:{port + 1}/", lambda url, port: f"http://localhost:{port}/",
    lambda url, port: f"https://127.0.0.1:{port}/", lambda url, port: f"ftp://127.0.0.1:{port}/",
    lambda url, port: "http://127.0.0.1/", lambda url, port: "file:///etc/passwd", lambda url, port: "/relative",
    lambda url, port: "", lambda url, port: "nonsense", lambda url, port: f"//127.0.0.1:{port}/",
    lambda url, port: f"http://127.0.0.1:{port}@evil.example/", lambda url, port: f"http://user@127.0.0.1:{port}/",
    lambda url, port: f"http://evil.example\\@127.0.0.1:{port}/", lambda url, port: f"http://127.0.0.1:{port}\\@evil.example/",
    lambda url, port: f"http://evil.example#@127.0.0.1:{port}/", lambda url, port: f"http://evil.example?@127.0.0.1:{port}/",
    lambda url, port: f"http://127.0.0.1:{port}.evil.example/", lambda url, port: f"http://127.0.0.1:{port} .evil.example/",
    lambda url, port: "http://{{secret:api_key}}.example/", lambda url, port: "http://127.0.0.1:{{secret:api_key}}/",
    lambda url, port: "{{secret:api_key}}", lambda url, port: "{{secret:api_key}}://127.0.0.1/",
    lambda url, port: f"http://127.0.0.1:{port}\t/", lambda url, port: f"http://127.0.0.1:{port}\r\n/",
    lambda url, port: "http://2130706433/", lambda url, port: f"http://0x7f.1:{port}/", lambda url, port: f"http://[::1]:{port}/",
    lambda url, port: f"http://127.0.0.1:{port}{{{{secret:api_key}}}}/", lambda url, port: f"http://１27.0.0.1:{port}/",
], ids=range(29))
def test_foreign_origin_is_refused(host, vendor, change):
    url = change(vendor.url, vendor.port)
    (error,) = host.seen(steps=[http(url, headers={"X-Key": "{{secret:api_key}}"})], url=vendor.url)
    refused(error, "validation" if not url else "policy", *([] if not url else [vendor.url]))
    assert not vendor.connections


def test_second_url_setting_is_allowed_too(host, vendor):
    with Upstream(lambda request: reply(200, {"second": True})) as second:
        answers = host.seen(steps=[http(vendor.url + "/a"), http(second.url + "/b")], url=vendor.url,
                            settings={"other_url": second.url})
        assert [one["json"] for one in answers] == [{"ok": True}, {"second": True}]


def test_url_in_a_setting_that_is_no_url_is_not_allowed(host, vendor):
    (error,) = host.seen(steps=[http(vendor.url)], settings={"user": vendor.url})
    refused(error, "policy")
    assert not vendor.connections


def test_origin_is_compared_whatever_its_spelling(host, vendor):
    (answer,) = host.seen(steps=[http(f"HTTP://127.0.0.1:{vendor.port}?q=//@evil")], url=vendor.url + "/prefix/")
    assert answer["status"] == 200 and vendor.requests[0].target == "/?q=//@evil"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_origin_is_an_error_that_names_it(host, status):
    with Upstream(lambda request: reply(200, {"stolen": True})) as evil, \
            Upstream(lambda request: reply(status, None, [("Location", evil.url + "/elsewhere")])) as vendor:
        steps = [http(vendor.url + "/a", headers={"Authorization": "Bearer {{secret:api_key}}"})]
        (error,) = host.seen(steps=steps, url=vendor.url)
        assert error["code"] == -32000, error
        assert evil.url + "/elsewhere" in error["message"], error
        assert not evil.connections


def test_redirect_to_the_same_origin_keeps_the_credentials(host):
    with Upstream(in_turn(reply(307, None, [("Location", "/b")]), reply(200, {"ok": 1}))) as vendor:
        (answer,) = host.seen(steps=[http(vendor.url + "/a", headers={"X-Key": "{{secret:api_key}}"})], url=vendor.url)
        assert answer["json"] == {"ok": 1}
        assert [one.header("X-Key") for one in vendor.requests] == [SECRET, SECRET]


# What the vendor receives

def test_placeholders_in_headers_query_and_path(host, vendor):
    answer = host.seen(steps=[http(
        vendor.url + "/p/{{secret:password}}?in={{secret:password}}", headers={"X-Key": "a {{secret:api_key}} b {{secret:api_key}}"},
        query={"k": "{{secret:password}}", "n": 7, "t": True, "none": None, "list": ["x y", "{{secret:api_key}}"], "q&": "="})],
        url=vendor.url)
    assert answer[0]["status"] == 200
    (got,) = vendor.requests
    encoded = urllib.parse.quote(PASSWORD, safe="")
    assert got.header("X-Key") == f"a {SECRET} b {SECRET}"
    assert got.path == "/p/" + encoded
    assert got.query == [("in", PASSWORD), ("k", PASSWORD), ("n", "7"), ("t", "true"), ("list", "x y"), ("list", SECRET), ("q&", "=")]


def test_placeholders_in_json_are_values_and_never_syntax(host, vendor):
    body = {"a": "{{secret:password}}", "list": [{"b": "x{{secret:api_key}}y"}], "{{secret:api_key}}": 1,
            "half": "{{secret:", "rest": "api_key}}", "n": 1.50, "escaped": "\u007b{secret:api_key}}"}
    host.seen("change", [http(vendor.url, "POST", json=body)], url=vendor.url)
    (got,) = vendor.requests
    assert got.header("Content-Type") == "application/json"
    assert got.json == {"a": PASSWORD, "list": [{"b": f"x{SECRET}y"}], SECRET: 1, "half": "{{secret:", "rest": "api_key}}",
                        "n": 1.5, "escaped": SECRET}


@pytest.mark.parametrize(("type", "decode"), [
    ("application/x-www-form-urlencoded", lambda text: urllib.parse.parse_qs(text)["p"][0]),
    ("APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8", lambda text: urllib.parse.parse_qs(text)["p"][0]),
    ("application/json", lambda text: json.loads(text)["p"]), ("application/vnd.api+json; v=1", lambda text: json.loads(text)["p"]),
    ("text/plain", lambda text: text.removeprefix("p=")),
])
def test_placeholders_in_a_text_body_are_encoded_for_its_type(host, vendor, type, decode):
    text = '{"p":"{{secret:password}}"}' if "json" in type else "p={{secret:password}}"
    host.seen("change", [http(vendor.url, "POST", headers={"content-type": type}, body=text)], url=vendor.url)
    assert decode(vendor.requests[0].body.decode()) == PASSWORD


def test_basic_credentials_and_bytes(host, vendor):
    host.seen("change", [http(
        vendor.url, "PUT", basic={"user": "{{secret:api_key}}", "password": "{{secret:password}}"},
        body_base64=base64.b64encode(b"\x00\xff{{secret:api_key}}").decode())], url=vendor.url)
    (got,) = vendor.requests
    assert base64.b64decode(got.header("Authorization").removeprefix("Basic ")).decode() == f"{SECRET}:{PASSWORD}"
    assert got.body == b"\x00\xff{{secret:api_key}}"


@pytest.mark.parametrize(("more", "text"), [
    ({"headers": {"X-A": "a\r\nX-Evil: 1"}}, "/headers/X-A"), ({"headers": {"X-A": "a\nb"}}, "/headers/X-A"),
    ({"headers": {"X-A": "a\u0000b"}}, "/headers/X-A"), ({"headers": {"X-A\r\nEvil": "b"}}, "/headers"),
    ({"headers": {"X A": "b"}}, "/headers"), ({"headers": {"": "b"}}, "/headers"), ({"headers": {"X-A": ["b"]}}, "/headers/X-A"),
    ({"headers": {"X-A": {}}}, "/headers/X-A"), ({"headers": {"X:A": "b"}}, "/headers"), ({"headers": []}, "headers"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
    *(({"headers": {name: "x"}}, f"/headers/{name}") for name in (
        "Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "Proxy-Authorization", "TE", "Upgrade",
        "Trailer", "Keep-Alive", "Proxy-Connection", "Accept-Encoding")),
    ({"headers": {"Authorization": "x"}, "basic": {"user": "u", "password": "p"}}, "basic"),
    ({"basic": {"user": "u:v", "password": "p"}}, "basic"),
    ({"headers": {"X-A": "{{secret:nothing}}"}}, "unknown secret"), ({"query": {"a": "{{secret:user}}"}}, "unknown secret"),
    ({"query": {"a": {}}}, "/query"), ({"query": {"a": [[1]]}}, "/query"), ({"query": "a=b"}, "query"),
    ({"body": "a", "json": {}}, "body"), ({"body": 7}, "body"), ({"body_base64": "%%"}, "body_base64"),
    ({"method": "CONNECT"}, "method"), ({"method": "TRACE"}, "method"),
    ({"urll": "x"}, "urll"), ({"json": {"a": "{{secret:nothing}}"}}, "unknown secret"),
])
def test_faulty_request_is_refused_and_not_sent(host, vendor, more, text):
    (error,) = host.seen("change", [{"ask": ["host/http", {"method": "POST", "url": vendor.url} | more]}], url=vendor.url)
    refused(error, "validation", text)
    assert not vendor.connections


def test_secret_with_a_line_break_is_not_sent_in_a_header(host, vendor):
    (error,) = host.seen(steps=[http(vendor.url, headers={"X-A": "{{secret:api_key}}"})], url=vendor.url,
                         settings={"api_key": "first-line\r\nX-Evil: 1"})
    assert error["code"] in (-32000, -32602) and "/headers/X-A" in error["message"] and "X-Evil" not in json.dumps(error)
    assert not vendor.requests


# What the plugin receives

def echo(request):
    """Every form in which a vendor may send a secret back."""
    plain = request.header("X-Key")
    forms = {
        "plain": plain, "json": "".join(f"\\u{ord(c):04x}" for c in plain), "percent": urllib.parse.quote(plain, safe=""),
        "twice": urllib.parse.quote(urllib.parse.quote(plain, safe=""), safe=""),
        "base64": [base64.b64encode(b"x" * n + plain.encode()).decode() for n in range(3)],
        "urlsafe": base64.urlsafe_b64encode(plain.encode()).decode(), "hex": plain.encode().hex(),
        "reversed": "untouched"}
    kind = request.path.removeprefix("/")
    text = json.dumps(forms).replace("\\\\u", "\\u")
    if kind == "json":
        return reply(200, text.encode(), [("Content-Type", "application/json; charset=utf-8"), ("X-Echo", plain),
                                          ("X-Basic", base64.b64encode(plain.encode()).decode())])
    if kind == "text":
        return reply(200, text.encode(), [("Content-Type", "text/plain")])
    return reply(500, b"\x00\xff" + plain.encode() + b"\xfe", [("Content-Type", "application/octet-stream")])


@pytest.mark.parametrize("kind", ["json", "text", "bytes"])
def test_echoed_secret_never_reaches_the_plugin(host, kind):
    with Upstream(echo) as vendor:
        answer = host.call(steps=[http(f"{vendor.url}/{kind}", "POST", headers={"X-Key": "{{secret:api_key}}"}, sign_in=True)],
                           url=vendor.url)
        text = json.dumps(answer["result"]["raw_data"]["seen"])
        (got,) = answer["result"]["raw_data"]["seen"]
        assert got["status"] in (200, 500)
        inside = base64.b64decode(got["body_base64"]).decode("latin-1") if "body_base64" in got else ""
        for found in (SECRET, urllib.parse.quote(SECRET, safe=""), SECRET.encode().hex(), base64.b64encode(SECRET.encode()).decode()[:-4]):
            assert found not in text and found not in inside, (found, got)
        if kind != "bytes":
            assert "untouched" in text
        assert "[redacted]" in text + inside


def test_response_has_headers_and_body_by_its_type(host):
    answers = in_turn(
        reply(200, {"a": [1.50, "é"]}), reply(204), reply(200, "text é", [("Content-Type", "text/plain")]),
        reply(200, b"\x00\x01\xff", [("X-Two", "1"), ("X-Two", "2")]), reply(404, "not json", [("Content-Type", "application/json")]))
    with Upstream(answers) as vendor:
        got = host.seen(steps=[http(vendor.url) for _ in range(5)], url=vendor.url)
    assert got[0]["json"] == {"a": [1.5, "é"]}
    assert got[1]["status"] == 204 and not {"json", "body", "body_base64"} & set(got[1])
    assert got[2]["body"] == "text é"
    assert base64.b64decode(got[3]["body_base64"]) == b"\x00\x01\xff"
    assert {name.lower(): value for name, value in got[3]["headers"].items()}["x-two"] == "1, 2"
    assert got[4]["status"] == 404 and got[4]["body"] == "not json"


def test_large_response_is_bounded(plugins):
    plugins.add()
    with plugins.host() as host, \
            Upstream(lambda request: reply(200, b"y" * (65 * 1_048_576))) as vendor:
        (error,) = host.seen(steps=[http(vendor.url)], url=vendor.url)
        refused(error, "too_large")
        host.pid()


# host/secret

def test_registered_token_is_a_secret_from_then_on(host, vendor):
    token = "tok-4711-abcdef"
    seen = host.seen(steps=[
        {"ask": ["host/secret", {"name": "session", "value": token}]},
        http(vendor.url, headers={"Authorization": "Bearer {{secret:session}}"}),
        {"ask": ["host/log", {"level": "error", "message": f"my token is {token}"}]}], url=vendor.url)
    assert seen[0] == {"placeholder": "{{secret:session}}"} and seen[1]["status"] == 200 and seen[2] == {}
    assert vendor.requests[0].header("Authorization") == f"Bearer {token}"
    host.wait_for_log("plugin raw: my token is [redacted]")
    assert token not in host.errors


@pytest.mark.parametrize("params", [
    {"name": "", "value": "x"}, {"name": "a}}b", "value": "x"}, {"name": "n" * 200, "value": "x"}, {"name": 7, "value": "x"},
    {"name": "a", "value": ""}, {"name": "a", "value": 7}, {"name": "a", "value": "v" * 20_000}, {"name": "a"},
    {"name": "api_key", "value": "other"}, {"name": "a", "value": "x", "extra": 1},
])
def test_faulty_token_is_refused(host, params):
    (error,) = host.seen(steps=[{"ask": ["host/secret", params]}])
    refused(error, "validation")


def test_tokens_are_bounded(host):
    steps = [{"ask": ["host/secret", {"name": f"t{number}", "value": f"value-{number}"}]} for number in range(66)]
    seen = host.seen(steps=steps)
    assert [("placeholder" in one) for one in seen] == [True] * 64 + [False] * 2
    refused(seen[-1], "validation", "64 tokens")


def test_token_of_one_connection_is_unknown_to_another(host, vendor):
    host.seen(steps=[{"ask": ["host/secret", {"name": "mine", "value": "token-of-one"}]}], url=vendor.url)
    (error,) = host.seen(steps=[http(vendor.url, headers={"A": "{{secret:mine}}"})], url=vendor.url, settings={"user": "other"})
    refused(error, "validation", "unknown secret")


# Requests for other calls

@pytest.mark.parametrize("invocation", [0, -1, 99_999, "x", None, {}, [], 1.5, 10**40])
@pytest.mark.parametrize("method", ["host/http", "host/file_get", "host/file_put"])
def test_request_for_a_foreign_invocation_is_refused(host, vendor, method, invocation):
    params = {"invocation": invocation, "method": "GET", "url": vendor.url, "file_id": "x", "name": "x", "content_base64": ""}
    (error,) = host.seen(steps=[{"ask": [method, params]}], url=vendor.url)
    refused(error, "validation", "/invocation: must be the id of an invoke in flight")
    assert not vendor.connections


@pytest.mark.parametrize("params", [None, 7, [], "x", {}])
@pytest.mark.parametrize("method", ["host/http", "host/secret", "host/file_get", "host/file_put", "host/log", "host/nothing"])
def test_request_without_usable_params_is_an_error(host, method, params):
    seen = host.seen(steps=[{"ask": [method, params]}])
    assert seen[0]["code"] in (-32601, -32602), seen


def test_unknown_method_is_suggested(host):
    (error,) = host.seen(steps=[{"ask": ["host/htp", {}]}])
    assert error["code"] == -32601 and error["data"]["did_you_mean"] == "host/http"


def test_nothing_is_sent_for_a_call_that_was_cancelled(host, vendor, tmp_path):
    """Also not in the time that the plugin has to notice it."""
    gate, done = tmp_path / "gate", tmp_path / "done"
    host.send(invoke(1, "change", [
        {"touch": str(tmp_path / "started")}, {"await": str(gate)}, http(vendor.url, "POST", json={}), {"touch": str(done)}],
        url=vendor.url))
    eventually((tmp_path / "started").exists, "the call runs")
    host.send(request(2, "cancel", {"id": 1}))
    host.by_id(2)
    gate.touch()
    eventually(done.exists, "the request of the plugin is answered")
    assert not vendor.requests


def test_cancellation_ends_a_request_in_flight(host, tmp_path):
    release = threading.Event()
    with Upstream(lambda request: after(release, reply(200, {}))) as vendor:
        host.send(invoke(1, "change", [http(vendor.url, "POST", json={}), {"touch": str(tmp_path / "done")}], url=vendor.url))
        vendor.wait_for(1)
        host.send(request(2, "cancel", {"id": 1}))
        answers = host.by_id(2)
        assert answers[1]["error"]["data"]["outcome"] == "unknown"
        eventually((tmp_path / "done").exists, "the request of the plugin is answered")
        assert vendor.connections[0].closed.wait(20), "the transfer goes on"
        release.set()


def test_deadline_ends_a_request_in_flight(host):
    release = threading.Event()
    with Upstream(lambda request: after(release, reply(200, {}))) as vendor:
        for command, method, outcome in (("look", "GET", "not_applied"), ("change", "POST", "unknown")):
            failure = host.failure(command, [http(vendor.url, method)], url=vendor.url, timeout_ms=400)
            assert (failure["kind"], failure["outcome"]) == ("timeout", outcome), failure
        release.set()
        host.pid()


def test_requests_of_an_answered_call_are_not_sent_later(host, vendor):
    answer = host.call("change", [{"result": {"return_data": "Successful"}}, http(vendor.url, "POST", json={})], url=vendor.url)
    assert "result" in answer
    host.pid()
    assert not vendor.requests


def test_more_than_64_requests_at_a_time_are_refused_and_the_others_answered(host):
    release = threading.Event()
    with Upstream(lambda request: after(release, reply(200, {}))) as vendor:
        host.send(invoke(1, steps=[{"ask_many": [["host/http", {"method": "GET", "url": vendor.url}]] * 100}],
                         url=vendor.url, timeout_ms=60_000))
        vendor.wait_for(1)
        host.wait_for_log("")
        release.set()
        seen = host.read()["result"]["raw_data"]["seen"]
        refusals = [one for one in seen if "code" in one]
        for one in refusals:
            refused(one, "unavailable", "64")
        assert len(refusals) == 36 and len(seen) == 100


# Effects

def test_read_is_retried_and_write_is_not(host):
    for command, method, count in (("look", "GET", 2), ("look", "POST", 2), ("change", "POST", 1), ("change", "GET", 2),
                                   ("put", "PUT", 2), ("unsaid", "POST", 1), ("remove", "DELETE", 1)):
        with Upstream(in_turn(reply(503, "busy"), reply(200, {}))) as vendor:
            (answer,) = host.seen(command, [http(vendor.url, method)], url=vendor.url)
            assert len(vendor.requests) == count, (command, method)
            assert answer["status"] == (200 if count == 2 else 503)


def test_429_pauses_the_connection_for_every_effect(host):
    with Upstream(in_turn(reply(429, "slow", [("Retry-After", "1")]), reply(200, {}))) as vendor:
        answer = host.call("change", [http(vendor.url, "POST", json={})], url=vendor.url)
        assert answer["result"]["raw_data"]["seen"][0]["status"] == 200
        meta = answer["result"]["meta"]
        assert meta["requests"] == 2 and meta["retries"] == 1 and meta["waited_ms"] >= 900


def test_rate_limit_of_a_command_holds(host, vendor):
    seen = host.seen("paced", [http(vendor.url)] * 2, url=vendor.url)
    assert [one["status"] for one in seen] == [200, 200]
    failure_or_seen = host.call("paced", [http(vendor.url)], url=vendor.url, timeout_ms=2_000)
    # Inline connections share their limiter by their settings.
    text = json.dumps(failure_or_seen)
    assert "rate_limited" in text or len(vendor.requests) == 3


def test_rate_limit_of_a_connection_fails_fast_beyond_the_deadline(plugins, vendor):
    plugins.add()
    with plugins.host() as host:
        host.result("connections/put", {"name": "raw1", "connection": {
            "integration": "raw", "settings": {"server_url": vendor.url, "api_key": SECRET}}})
        for number in range(3):
            answer = host.call("paced", [http(vendor.url)], connection="raw1", timeout_ms=3_000)
        (error,) = answer["result"]["raw_data"]["seen"]
        refused(error, "rate_limited")
        assert len(vendor.requests) == 2


def test_outcome_is_unknown_once_a_change_was_sent(host, vendor):
    """Whatever the plugin says, or leaves out."""
    failed = {"error": {"code": -32000, "message": "second step failed", "data": {"kind": "upstream"}}}
    assert host.failure("change", [failed], url=vendor.url)["outcome"] == "not_applied"
    assert host.failure("change", [http(vendor.url, "GET"), failed], url=vendor.url)["outcome"] == "not_applied"
    assert host.failure("change", [http(vendor.url, "POST", json={}), failed], url=vendor.url)["outcome"] == "unknown"
    said = {"error": {"code": -32000, "message": "rolled back", "data": {"kind": "upstream", "outcome": "not_applied"}}}
    assert host.failure("change", [http(vendor.url, "POST", json={}), said], url=vendor.url)["outcome"] == "not_applied"
    with Upstream(lambda request: reply(400, {"error": "no"})) as refusing:
        assert host.failure("change", [http(refusing.url, "POST", json={}), failed], url=refusing.url)["outcome"] == "not_applied"
    with Upstream(lambda request: reply(500, {"error": "no"})) as failing:
        assert host.failure("change", [http(failing.url, "POST", json={}), failed], url=failing.url)["outcome"] == "unknown"


# Dry runs

def test_dry_run_sends_nothing_and_shows_the_requests(host, vendor):
    steps = [
        http(vendor.url + "/login", "POST", json={"key": "{{secret:api_key}}"}, sign_in=True),
        {"ask": ["host/secret", {"name": "session", "value": "some-session-token"}]},
        http(vendor.url + "/items?key={{secret:api_key}}", "POST", headers={"Authorization": "Bearer {{secret:session}}", "X-A": "b"},
             query={"q": "{{secret:password}}"}, json={"a": ["{{secret:api_key}}"], "n": 1}),
        http(vendor.url + "/second", "POST", json={})]
    answer = host.call("change", steps, url=vendor.url, dry_run=True)
    result = answer["result"]
    assert result["dry_run"] is True
    planned, second = result["requests"]
    assert second["url"] == vendor.url + "/second"
    assert planned["method"] == "POST" and planned["url"].startswith(vendor.url + "/items?key=")
    assert planned["body"] == {"a": ["[redacted]"], "n": 1} and planned["headers"]["X-A"] == "b"
    text = json.dumps(answer)
    assert SECRET not in text and "some-session-token" not in text and "ü" not in text
    assert not vendor.connections
    host.pid()


@pytest.mark.parametrize("json_body", [
    {"a": ["{{secret:"], "b": "x}}"}, {"a": "{{secret:", "b": 1, "c": "}}"}, ["{{secret:", {"}}": 1}], {"{{secret:": "}}"},
    "{{secret:x}}", {"a": "{{secret:\"quote\\}}"},
])
def test_dry_run_of_a_broken_placeholder_is_valid_json(host, vendor, json_body):
    """A placeholder must not reach from one string to the next: the rest would be no JSON."""
    answer = host.call("change", [http(vendor.url, "POST", json=json_body)], url=vendor.url, dry_run=True)
    assert "result" in answer or "error" in answer
    host.pid()


def test_dry_run_stores_no_file(host):
    answer = host.call("change", [{"ask": ["host/file_put", {"name": "a.txt", "content_base64": "YQ=="}]}], dry_run=True)
    assert "result" in answer
    assert host.result("files/list")["files"] == []


# Files

def test_plugin_reads_its_own_files_and_those_of_the_arguments_only(host):
    given = host.result("files/put", {"name": "given.txt", "source": "playbook_file", "content_base64": base64.b64encode(b"given").decode()})["file_id"]
    other = host.result("files/put", {"name": "other.txt", "source": "playbook_file", "content_base64": base64.b64encode(b"other").decode()})["file_id"]
    seen = host.seen(steps=[
        {"ask": ["host/file_get", {"file_id": given}]}, {"ask": ["host/file_get", {"reversed_file_id": other[::-1]}]},
        {"ask": ["host/file_get", {"reversed_file_id": "dwssap/cte/../.."}]}, {"ask": ["host/file_get", {"file_id": given, "offset": 2, "length": 2}]},
        {"ask": ["host/file_get", {"file_id": given, "offset": 99}]}, {"ask": ["host/file_get", {"file_id": given, "offset": -1}]},
        {"ask": ["host/file_get", {"file_id": given, "length": 10**9}]}, {"ask": ["host/file_get", {"path": "/etc/passwd"}]},
        {"ask": ["host/file_get", {"file_id": given, "path": "/etc/passwd"}]},
    ], arguments={"file_id": given})
    assert base64.b64decode(seen[0]["content_base64"]) == b"given"
    refused(seen[1], "policy", "may not read the file")
    refused(seen[2], "policy")
    assert base64.b64decode(seen[3]["content_base64"]) == b"ve" and seen[3]["eof"] is False
    for one in seen[4:8]:
        refused(one, "validation")


def test_file_of_a_plugin_is_stored_and_part_of_the_result(host):
    content = base64.b64encode(b"report").decode()
    host.send(invoke(1, "look", [
        {"ask": ["host/file_put", {"name": "../../report.csv", "content_base64": content, "content_type": "text/csv"}]},
        {"ask": ["host/file_put", {"name": "a", "path": "/etc/passwd"}]},
        {"ask": ["host/file_put", {"name": "a", "content_base64": "%%%"}]},
        {"ask": ["host/file_put", {"name": "a", "content_base64": content, "contnt": 1}]}]))
    seen = host.read()["result"]["raw_data"]["seen"]
    assert seen[0]["size"] == 6
    refused(seen[1], "policy")
    refused(seen[2], "validation")


# Limits of host/log

def test_log_of_a_plugin_is_bounded_and_visible(host):
    host.seen(steps=[{"ask_many": [["host/log", {"level": "error", "message": f"\u001b[31mline {number}\n\u0000"}] for number in range(500)]}])
    host.wait_for_log("line 0")
    host.close_input()
    host.exit_code()
    assert len(host.errors) < 20_000 and "\x1b" not in host.errors
    assert "lines are not shown" in host.errors


@pytest.mark.parametrize("params", [{"message": 7}, {}, {"level": "eror", "message": "x"}])
def test_faulty_log_line_is_refused(host, params):
    (error,) = host.seen(steps=[{"ask": ["host/log", params]}])
    refused(error, "validation")
