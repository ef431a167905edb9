"""How requests travel: connections, bodies, redirects, proxies, and everything that breaks."""

import gzip
import json
import threading

import brotli
import pytest
from Support.control_center import ControlCenter
from Support.host import invoke, run
from Support.programmed_google import Google
from Support.session import PASSWORD, Host, connection
from Support.upstream import (
    DEVICES,
    RESCAN,
    SCANNERS,
    TARGET,
    Tenant,
    Upstream,
    after,
    hang_up,
    in_turn,
    raw,
    reply,
    reset,
    silent,
)

MEBIBYTE = 1024 * 1024
SCOPE_OUT = {"target_id": 77, "scope": "out"}


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


# Connections


def test_calls_in_a_row_share_one_kept_connection():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        for _ in range(50):
            host.result("list_scanners")
        assert len(tenant.calls) == 50
        assert len({request.connection.number for request in tenant.calls}) == 1
        # The sign-in is a POST, which never reuses a connection.
        assert len(tenant.connections) <= 2


def test_64_calls_are_in_flight_and_their_connections_are_reused():
    everybody = threading.Barrier(64, timeout=20)

    def answer(request):
        everybody.wait()
        return reply(200, [{"id": request.connection.number}])

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        for _ in range(2):
            started = [host.start("list_scanners") for _ in range(64)]
            for number in started:
                assert "result" in host.wait(number)[0]
        assert tenant.most_in_flight == 64
        assert len(tenant.calls) == 128
        assert len(tenant.connections) <= 66


def test_get_is_retried_if_a_reused_connection_is_dead():
    dying = []

    def answer(request):
        if not dying:
            dying.append(request.connection.number)
            return reply(200, [1])
        return hang_up if request.connection.number in dying else reply(200, [2])

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["raw_data"] == [1]
        assert host.result("list_scanners")["raw_data"] == [2]


@pytest.mark.parametrize("command, arguments, path", [
    ("patch_rescan", {}, RESCAN),
    ("update_target_scan_scope", SCOPE_OUT, TARGET),
])
def test_write_never_reuses_a_connection(command, arguments, path):
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners")
        host.result(command, arguments)
        host.result("list_scanners")
        (write,) = tenant.to(path)
        before = [r.connection.number for r in tenant.requests[: tenant.requests.index(write)]]
        assert write.connection.number not in before


# What is sent


def test_request_has_the_expected_headers_once():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        host.result("update_target_scan_scope", SCOPE_OUT)
        (request,) = tenant.calls
        assert request.method == "PATCH" and request.version == "HTTP/1.1"
        assert request.header("host") == f"127.0.0.1:{tenant.port}"
        assert request.header("accept") == "application/json"
        assert request.header("content-type") == "application/json"
        assert request.header("content-length") == str(len(request.body))
        assert request.header("user-agent").startswith("sallyport/")
        assert request.header("authorization") == "Bearer " + tenant.tokens(1)["access"]
        offered = {name.strip() for name in request.header("accept-encoding").split(",")}
        assert {"gzip", "br"} <= offered
        assert request.header("expect") is None
        assert request.header("cookie") is None


def test_no_value_of_a_caller_can_end_a_header_or_a_url():
    nasty = ["1\r\nX-Evil: 1", "1 HTTP/1.1\r\nX-Evil: 1\r\n\r\n", "1&x=1", "1#", "1\u2028", "1\u0000"]
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        for value in nasty:
            for arguments in (
                {"footprint_tenant_id": value},
                {"scanner_id": value},
            ):
                host.failure("list_scan_surfaces", arguments)
            host.answer("list_devices", {"filter": {"ip": value}})
        for request in tenant.calls:
            assert request.header("x-evil") is None
            assert request.path == DEVICES
            (item,) = request.query
            assert item[0] == "filter" and item[1] in nasty
        assert len(tenant.calls) == len(nasty)


def test_a_token_with_line_breaks_cannot_add_a_header():
    tokens = {"access": "good-token\r\nX-Evil: 1\n\nGET / HTTP/1.1", "refresh": "other"}
    with Tenant(login=lambda request, number: reply(200, tokens)) as tenant:
        with Host(connection(tenant.url)) as host:
            host.answer("list_scanners")
            for request in tenant.requests:
                assert request.header("x-evil") is None
                assert request.path in ("/api/auth/token/", "/api/auth/token/refresh/", SCANNERS)


# Bodies

ITEMS = [{"id": number, "label": "scanner " * 20} for number in range(2_000)]


@pytest.mark.parametrize("name, compress", [
    ("gzip", gzip.compress),
    ("br", brotli.compress),
    ("identity", bytes),
])
def test_compressed_bodies_arrive_whole(name, compress):
    body = compress(json.dumps(ITEMS).encode())
    coded = reply(200, body, [("Content-Encoding", name)])
    with Tenant(lambda request: coded) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["raw_data"] == ITEMS


def endless(start, block):
    def act(connection):
        connection.send(b"HTTP/1.1 200 OK\r\n" + start + b"\r\n")
        sent = 0
        try:
            while sent < 1024 * MEBIBYTE:
                connection.send(block)
                sent += len(block)
        except OSError:
            pass
        connection.upstream.sent = sent
        return True

    return act


@pytest.mark.parametrize("body", [
    endless(b"Transfer-Encoding: chunked\r\n", chunk(b" " * MEBIBYTE)),
    endless(b"Connection: close\r\n", b" " * MEBIBYTE),
    reply(200, gzip.compress(b" " * (200 * MEBIBYTE), 1), [("Content-Encoding", "gzip")]),
    raw(b"HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n"),
], ids=["chunked", "until close", "compressed", "announced"])
def test_an_answer_beyond_64_mebibytes_is_cut_with_a_clear_error(body):
    with Tenant(lambda request: body) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners")
        assert error["kind"] == "too_large" and error["status_code"] == 413
        assert "larger than 67108864 bytes" in error["message"]
        assert error["retryable"] is False
        assert "less at a time" in error["remedy"]
        assert len(tenant.calls) == 1
        assert host.peak_mebibytes() < 200
        assert getattr(tenant, "sent", 0) < 128 * MEBIBYTE


def test_an_answer_just_below_the_limit_is_taken():
    def answer(request):
        return reply(200, b" " * (64 * MEBIBYTE - 2) + b"[]")

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["raw_data"] == []


def test_headers_without_end_are_cut():
    def act(connection):
        connection.send(b"HTTP/1.1 200 OK\r\n")
        line = b"X-Filler: " + b"x" * 60_000 + b"\r\n"
        try:
            for _ in range(4_000):
                connection.send(line)
        except OSError:
            pass
        return True

    with Tenant(lambda request: act) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners", timeout_ms=20_000)
        assert error["kind"] == "too_large" and "headers" in error["message"]
        assert host.peak_mebibytes() < 100


def test_many_and_long_headers_of_a_good_answer_are_taken():
    headers = [(f"X-Header-{number}", "v" * 1_000) for number in range(100)]
    with Tenant(lambda request: reply(200, [1], headers)) as tenant:
        with Host(connection(tenant.url)) as host:
            assert host.result("list_scanners")["raw_data"] == [1]


def test_an_interim_answer_is_passed_over():
    interim = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n"
    whole = raw(interim, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]")
    with Tenant(lambda request: whole) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["raw_data"] == [1]


@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_body_is_null(status):
    with Tenant(lambda request: reply(status)) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["raw_data"] is None


@pytest.mark.parametrize("body, part", [
    ("<html>Sign in</html>", "<html>Sign in"),
    ('{"items": [1,', '{\\"items\\": [1,'),
    ("[1] [2]", "[1] [2]"),
    (b"\xff\xfe\x00", "\ufffd"),
    ("[" * 100_000, "[[["),
], ids=["html", "cut", "two values", "bad UTF-8", "deep"])
def test_success_with_a_body_that_is_not_json_is_an_error_with_that_body(body, part):
    with Tenant(lambda request: reply(200, body)) as tenant, Host(connection(tenant.url)) as host:
        number = host.start("list_scanners")
        error = host.wait(number)[0]["error"]["data"]
        assert (error["kind"], error["status_code"]) == ("upstream", 502)
        assert error["message"].startswith("The vendor's response is not JSON: ")
        assert error["upstream"]["status"] == 200
        assert part in json.dumps(error["upstream"]["body"], ensure_ascii=False)
        assert len(error["upstream"]["body"]) <= 500
        assert ("damaged JSON" if part[0] in "{[" else "server URL") in error["remedy"]


# What breaks


def partial(*chunks):
    return raw(b"HTTP/1.1 200 OK\r\n", *chunks)


BROKEN = {
    "reset before the head": reset,
    "end before the head": hang_up,
    "end in the head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "reset after the head": lambda c: (partial(b"Content-Length: 9\r\n\r\n[1")(c), reset(c))[1],
    "body shorter than announced": partial(b"Content-Length: 9\r\n\r\n[1"),
    "chunked body without its end": partial(b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"[1]")),
    "chunk sizes that are none": partial(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[1]\r\n"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n" * 3),
}


def broken_tenant(*answers):
    """The sign-in's connection is not kept: libcurl would repeat a read on a dead one by itself."""
    login = lambda request, number: reply(200, Tenant.tokens(number), close=True)
    return Tenant(in_turn(*answers), login=login)


@pytest.mark.parametrize("what", BROKEN)
def test_broken_response_is_retried_and_then_a_network_error(what):
    with broken_tenant(BROKEN[what]) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners", timeout_ms=900)
        assert (error["kind"], error["status_code"]) == ("network", 502)
        assert error["retryable"] is True and error["outcome"] == "not_applied"
        assert error["failure_indicator"] == "List Scanners failed."
        assert error["message"].endswith(".") and PASSWORD not in error["message"]
        assert 2 <= len(tenant.calls) <= 4


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_answer_is_no_harm_when_the_next_one_is_whole(what):
    with broken_tenant(BROKEN[what], reply(200, [1])) as tenant:
        with Host(connection(tenant.url)) as host:
            result = host.result("list_scanners")
            assert result["raw_data"] == [1]
            assert result["meta"]["requests"] == 2 and result["meta"]["retries"] == 1


def stalling(*chunks):
    def act(connection):
        for part in chunks:
            connection.send(part)
        return silent(connection)

    return act


@pytest.mark.parametrize("what", [
    stalling(),
    stalling(b"HTTP/1.1 200 OK\r\n"),
    stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,"),
], ids=["no head", "half a head", "half a body"])
def test_a_slow_vendor_is_given_up_at_the_deadline(what):
    with Tenant(lambda request: what) as tenant, Host(connection(tenant.url)) as host:
        host.answer("list_scanners", timeout_ms=400)
        error = host.failure("list_scanners", timeout_ms=400)
        assert (error["kind"], error["status_code"]) == ("timeout", 504)
        assert error["retryable"] is True and error["outcome"] == "not_applied"
        assert "timeout_ms" in error["remedy"]
        for request in tenant.calls:
            assert request.connection.closed.wait(10)


def test_refused_connection_is_retried_for_every_command():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners")
        tenant.close()
        for command, arguments in (
            ("list_scanners", {}),
            ("patch_rescan", {}),
            ("update_target_scan_scope", SCOPE_OUT),
        ):
            error = host.failure(command, arguments, timeout_ms=900)
            assert (error["kind"], error["status_code"]) == ("network", 502)
            assert error["outcome"] == "not_applied" and error["retryable"] is True
            assert str(tenant.port) in error["message"]
            assert "server URL" in error["remedy"]


def test_a_name_that_does_not_resolve_is_a_network_error():
    with Host(connection("https://nowhere.invalid")) as host:
        error = host.failure("list_scanners", timeout_ms=25_000)
        assert (error["kind"], error["status_code"]) == ("network", 502)
        assert "nowhere.invalid" in error["message"]
        assert error["outcome"] == "not_applied"


@pytest.mark.parametrize("what", [
    silent,
    stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,"),
], ids=["before the head", "in the body"])
def test_a_cancelled_call_ends_its_transfer_at_the_vendor(what):
    with Tenant(lambda request: what) as tenant, Host(connection(tenant.url)) as host:
        read = host.start("list_scanners")
        write = host.start("patch_rescan")
        tenant.wait_for(1, SCANNERS)
        tenant.wait_for(1, RESCAN)
        for number, outcome in ((read, "not_applied"), (write, "unknown")):
            host.request("cancel", {"id": number})
            error = host.wait(number)[0]["error"]
            assert error["code"] == -32800
            assert error["data"]["outcome"] == outcome
        for request in tenant.calls:
            assert request.connection.closed.wait(10)
        assert len(tenant.calls) == 2


def test_the_end_of_input_waits_for_a_slow_answer():
    gate = threading.Event()
    with Tenant(lambda request: after(gate, reply(200, [1]))) as tenant:
        with Host(connection(tenant.url)) as host:
            number = host.start("list_scanners")
            tenant.wait_for(1, SCANNERS)
            host.process.stdin.close()
            gate.set()
            assert host.wait(number)[0]["result"]["raw_data"] == [1]
            assert host.close() == 0


# Redirects


def redirect(status, location):
    return reply(status, "", [("Location", location)])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere/?a=1%20b", "{origin}/elsewhere/?a=1%20b"])
def test_a_read_follows_a_redirect_at_the_same_origin(status, location):
    def answer(request):
        if request.path == SCANNERS:
            return redirect(status, location.format(origin=tenant.url))
        return reply(200, [1])

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners", {"footprint_tenant_id": 5})["raw_data"] == [1]
        first, second = tenant.calls
        assert (second.method, second.target) == ("GET", "/elsewhere/?a=1%20b")
        assert second.header("authorization") == first.header("authorization") is not None
        assert second.header("footprinttenantid") == "5"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_an_error_that_names_it(status):
    def answer(request):
        return redirect(status, other.url.replace("//", "//user:Word-of-the-URL@") + "/one/?token=Query-Word")

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        with Upstream(lambda request: reply(200, [1])) as other:
            error = host.failure("list_scanners")
            assert (error["kind"], error["status_code"]) == ("upstream", status)
            assert error["message"] == f"The vendor redirects to {other.url}/one/."
            assert "another origin" in error["remedy"] and error["retryable"] is False
            assert other.requests == [] and len(tenant.calls) == 1
            for word in (b"Word-of-the-URL", b"Query-Word"):
                assert word not in host.everything()


@pytest.mark.parametrize("status", [301, 302, 303])
@pytest.mark.parametrize("command, arguments, path", [
    ("patch_rescan", {}, RESCAN),
    ("update_target_scan_scope", SCOPE_OUT, TARGET),
])
def test_a_write_is_not_repeated_by_a_redirect_that_could_change_it(
    status, command, arguments, path
):
    with Tenant(lambda request: redirect(status, "/elsewhere/")) as tenant:
        with Host(connection(tenant.url)) as host:
            error = host.failure(command, arguments)
            assert error["status_code"] == status
            assert [r.path for r in tenant.calls] == [path]


@pytest.mark.parametrize("status", [307, 308])
def test_write_follows_a_redirect_to_the_same_origin_only(status):
    def answer(request):
        return redirect(status, "/elsewhere/") if request.path == TARGET else reply(200)

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        host.result("update_target_scan_scope", SCOPE_OUT)
        first, second = tenant.calls
        assert (second.method, second.path) == ("PATCH", "/elsewhere/")
        assert second.body == first.body == b'{"scope":"OUT"}'

        with Upstream(lambda request: reply(200)) as other:
            tenant.answer_signed_in = lambda request: redirect(status, other.url + "/x/")
            error = host.failure("update_target_scan_scope", SCOPE_OUT)
            assert error["status_code"] == status
            assert other.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_sign_in_never_takes_the_password_to_another_origin(status):
    with Upstream(lambda request: reply(200, Tenant.tokens(1))) as other:
        login = lambda request, number: redirect(status, other.url + "/api/auth/token/")
        with Tenant(login=login) as tenant, Host(connection(tenant.url)) as host:
            error = host.failure("list_scanners")
            assert error["status_code"] == status
            assert other.requests == [] and len(tenant.logins) == 1


def test_each_redirect_counts_as_a_request():
    answers = in_turn(redirect(302, "/one/"), redirect(307, "/two/"), reply(200, [1]))
    limits = {"list_scanners": {"requests": 3, "per_seconds": 3600}}
    with Tenant(answers) as tenant, Host(connection(tenant.url, rate_limits=limits)) as host:
        assert host.result("list_scanners")["meta"]["requests"] == 3
        error = host.failure("list_scanners", timeout_ms=2_000)
        assert error["kind"] == "rate_limited" and len(tenant.calls) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_to_another_origin_names_it(status):
    with Upstream(lambda request: reply(200)) as other:
        away = redirect(status, other.url + "/away/?token=Query-Word")
        cases = [
            (Tenant(lambda request: away), lambda v: connection(v.url), ("patch_rescan",)),
            (Tenant(login=lambda *_: away), lambda v: connection(v.url), ("list_scanners",)),
            (ControlCenter(lambda *_: away), lambda v: v.connection(), ("create_group", {"group_name": "a"})),
            (Google(lambda request: away), lambda v: v.connection(), ("list_labels", {"user_email": "a@b.example"})),
            (Google(token=lambda *_: away), lambda v: v.connection(), ("list_labels", {"user_email": "a@b.example"})),
        ]
        for vendor, settings, call in cases:
            with vendor, Host(settings(vendor)) as host:
                error = host.failure(*call)
                assert error["status_code"] == status and error["outcome"] == "not_applied"
                assert f"{other.url}/away/" in error["message"] and "Query-Word" not in str(error)
                assert error["remedy"] and error["retryable"] is False
        assert other.requests == []


def test_a_redirect_loop_ends_soon():
    with Tenant(lambda request: redirect(302, request.target)) as tenant:
        with Host(connection(tenant.url)) as host:
            error = host.failure("list_scanners")
            assert "redirects" in error["message"]
            assert len(tenant.calls) == 6
            assert error["retryable"] is False


@pytest.mark.parametrize("location", [
    "http://192.0.2.1/x/",
    "ftp://127.0.0.1/x/",
    "file:///etc/passwd",
    "http://user:password@127.0.0.1:1/x/",
    "http://[::1",
])
def test_a_redirect_that_may_not_be_followed_is_the_answer(location):
    with Tenant(lambda request: redirect(302, location)) as tenant:
        with Host(connection(tenant.url)) as host:
            error = host.failure("list_scanners", timeout_ms=3_000)
            assert error["status_code"] == 302, error
            assert len(tenant.calls) == 1


# Addresses

BAD_URLS = {
    "http://example.com": "http:// sends credentials in clear text",
    "http://192.168.0.1": "http:// sends credentials in clear text",
    "http://127.0.0.1.example.com": "http:// sends credentials in clear text",
    "http://localhost.example.com": "http:// sends credentials in clear text",
    "http://0.0.0.0": "http:// sends credentials in clear text",
    "http://2130706433": "http:// sends credentials in clear text",
    "https://user:Secret-In-Url@example.com": "must not contain a user name or password",
    "https://example.com?tenant=1": "must not contain a query",
    "https://example.com/#x": "fragment",
    "ftp://example.com": "https://",
    "example.com": "https://",
    "https://": "https://",
    "https://:443": "host",
    "https://example.com:0": "port",
    "https://example.com:x": "port",
    "https://exa mple.com": "spaces",
    "https://exa\r\nmple.com": "spaces",
    "": "https://",
}


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_server_url_that_is_unsafe_or_none_is_refused_with_the_configuration(url, tmp_path):
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {"main": connection(url)}}))
    ended = run("serve", "--connections", str(file))
    assert ended.code == 2 and ended.text == ""
    assert "/connections/main/settings/server_url" in ended.errors
    assert BAD_URLS[url] in ended.errors
    assert "Secret-In-Url" not in ended.errors and PASSWORD not in ended.errors


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_server_url_that_is_unsafe_or_none_is_refused_over_the_wire(url):
    with Host() as host:
        error = host.answer("list_scanners", {}, connection(url))["error"]
        assert error["code"] == -32602
        (problem,) = error["data"]["problems"]
        assert problem["path"] == "/connection/settings/server_url"
        assert BAD_URLS[url] in problem["message"]
        assert "Secret-In-Url" not in json.dumps(error)


@pytest.mark.parametrize("address, name", [
    ("127.0.0.1", None),
    ("127.0.0.1", "localhost"),
    ("127.9.9.9", None),
    ("::1", None),
])
def test_plain_http_is_taken_to_this_machine(address, name):
    with Tenant(host=address, name=name) as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners")
        assert len(tenant.calls) == 1


@pytest.mark.parametrize("suffix", ["", "/", "//", "/api", "/api/", "/prefix"])
def test_server_url_may_end_in_a_pasted_path(suffix):
    def answer(request):
        return reply(200, Tenant.tokens(1) if request.path.endswith("token/") else [])

    with Upstream(answer) as vendor, Host(connection(vendor.url + suffix)) as host:
        host.result("list_scanners")
        prefix = "/prefix" if suffix == "/prefix" else ""
        assert [r.path for r in vendor.requests] == [
            prefix + "/api/auth/token/", prefix + SCANNERS,
        ]


# Proxies


def forwarding(request):
    """A plain-http proxy that answers by itself."""
    assert request.target.startswith("http://"), request.target
    return reply(200, Tenant.tokens(1) if "/auth/" in request.target else [7])


def test_a_configured_http_proxy_gets_plain_requests_in_absolute_form():
    with Upstream(forwarding) as proxy, Host(
        connection("http://127.0.0.1:9", proxy=proxy.url)
    ) as host:
        assert host.result("list_scanners")["raw_data"] == [7]
        assert proxy.requests[1].target == "http://127.0.0.1:9" + SCANNERS
        assert len(proxy.requests) == 2


def test_a_configured_http_proxy_is_asked_for_a_tunnel_for_https():
    with Upstream(lambda request: reply(502)) as proxy, Host(
        connection("https://vendor.invalid", proxy=proxy.url)
    ) as host:
        error = host.failure("list_scanners")
        assert error["kind"] == "network" and "502" in error["message"]
        assert error["outcome"] == "not_applied"
        for request in proxy.requests:
            assert (request.method, request.target) == ("CONNECT", "vendor.invalid:443")
            assert request.header("authorization") is None
            assert request.body == b""


def test_proxy_credentials_are_sent_to_the_proxy_only():
    with Upstream(forwarding) as proxy:
        url = proxy.url.replace("//", "//robot:Proxy-Secret-9@")
        with Host(
            connection("http://127.0.0.1:9", proxy=url), options=["--log-level", "debug"]
        ) as host:
            host.result("list_scanners")
            assert proxy.requests[1].header("proxy-authorization") == (
                "Basic cm9ib3Q6UHJveHktU2VjcmV0LTk="
            )
            host.call("connections/list")
            proxy.close()
            host.failure("list_scanners", timeout_ms=300)
            everything = host.everything()
            assert b"Proxy-Secret-9" not in everything
            assert b"UHJveHktU2VjcmV0LTk" not in everything


@pytest.mark.parametrize("proxy", [
    "http://robot:Proxy-Secret-9@127.0.0.1:1",
    "ftp://robot:Proxy-Secret-9@127.0.0.1:1",
    "http://robot:Proxy-Secret-9@[::1",
    "http://robot:Proxy-Secret-9@127.0.0.1:99999999",
    "nonsense://robot:Proxy-Secret-9@",
    "robot:Proxy-Secret-9@nowhere.invalid",
], ids=["refused", "scheme", "host", "port", "empty", "no scheme"])
def test_a_proxy_that_cannot_work_is_a_clear_error_without_its_password(proxy, tmp_path):
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {"main": connection("https://vendor.invalid", proxy=proxy)}}))
    call = invoke(1, "list_scanners", timeout_ms=25_000)
    ended = run("serve", "--connections", str(file), input=[call])
    text = ended.text + ended.errors
    assert "Proxy-Secret-9" not in text
    assert "proxy" in text.lower() or "127.0.0.1" in text, text
    if ended.code == 2:
        return  # It is refused at the start.
    assert ended.answers[0]["error"]["data"]["kind"] == "network"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine():
    with Upstream(forwarding) as proxy, Tenant() as tenant:
        env = {name: proxy.url for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
        with Host(connection(tenant.url), env=env) as host:
            host.result("list_scanners")
        assert proxy.requests == [] and len(tenant.calls) == 1


def test_a_proxy_of_the_environment_is_asked_for_other_machines():
    with Upstream(lambda request: reply(502)) as proxy:
        with Host(connection("https://vendor.invalid"), env={"https_proxy": proxy.url}) as host:
            assert host.failure("list_scanners", timeout_ms=25_000)["kind"] == "network"
        assert proxy.requests[0].target == "vendor.invalid:443"
