"""Signing in: how often, by whom, and what happens when it does not work."""

import json
import threading

import pytest
from Support.host import run
from Support.session import PASSWORD, USER, Host, connection
from Support.upstream import (
    LOGIN,
    REFRESH,
    SCANNERS,
    UNAUTHORIZED,
    Tenant,
    hang_up,
    raw,
    reply,
    reset,
    silent,
)

CROWD = 64


def bearer(request):
    return request.header("authorization").removeprefix("Bearer ")


class Expiring(Tenant):
    """Tokens up to a sign-in's number are expired; a refresh or login returns valid ones."""

    def __init__(self, refreshes=True, crowd=1, **more):
        self.expired = 0
        self.crowd = threading.Barrier(crowd, timeout=20)
        refused = lambda request, number: reply(401, {"detail": "Token is invalid or expired"})
        super().__init__(self.check, refresh=None if refreshes else refused, **more)

    def check(self, request):
        expired = [self.tokens(number)["access"] for number in range(self.expired + 1)]
        if bearer(request) in expired:
            # All are refused at once, so that all need another token at once.
            self.crowd.wait()
            return reply(401, UNAUTHORIZED)
        return reply(200, [1])


def all_succeed(host, count):
    started = [host.start("list_scanners") for _ in range(count)]
    for number in started:
        assert host.wait(number)[0]["result"]["raw_data"] == [1]


def test_64_first_calls_sign_in_once():
    gate = threading.Event()

    def login(request, number):
        gate.wait(20)
        return reply(200, Tenant.tokens(number))

    with Tenant(lambda request: reply(200, [1]), login=login) as tenant:
        with Host(connection(tenant.url)) as host:
            started = [host.start("list_scanners") for _ in range(CROWD)]
            tenant.wait_for(1, LOGIN)
            gate.set()
            for number in started:
                assert host.wait(number)[0]["result"]["raw_data"] == [1]
            assert len(tenant.logins) == 1 and len(tenant.refreshes) == 0
            assert {bearer(r) for r in tenant.calls} == {tenant.tokens(1)["access"]}
            assert len(tenant.calls) == CROWD


def test_the_sign_in_sends_the_user_and_the_password_as_json_and_no_token():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners", {"footprint_tenant_id": 2})
        (login,) = tenant.logins
        assert login.method == "POST" and login.query == []
        assert login.json == {"username": USER, "password": PASSWORD}
        assert login.header("content-type") == "application/json"
        assert login.header("authorization") is None
        assert login.header("footprinttenantid") is None


def test_64_calls_whose_token_has_expired_refresh_it_once_and_all_succeed():
    with Expiring(crowd=CROWD) as tenant, Host(connection(tenant.url)) as host:
        all_succeed(host, 1)
        tenant.expired = 1
        all_succeed(host, CROWD)
        assert len(tenant.logins) == 1 and len(tenant.refreshes) == 1
        assert tenant.refreshes[0].json == {"refresh": tenant.tokens(1)["refresh"]}
        assert tenant.refreshes[0].header("authorization") is None
        assert len(tenant.calls) == 1 + 2 * CROWD
        all_succeed(host, 1)
        assert len(tenant.refreshes) == 1


def test_a_refresh_that_is_refused_is_followed_by_one_login():
    with Expiring(refreshes=False, crowd=CROWD) as tenant, Host(connection(tenant.url)) as host:
        all_succeed(host, 1)
        tenant.expired = 2  # the login's, and what the refused refresh would have brought
        all_succeed(host, CROWD)
        assert len(tenant.logins) == 2 and len(tenant.refreshes) == 1
        assert [r.path for r in tenant.requests if r.path in (LOGIN, REFRESH)] == [
            LOGIN, REFRESH, LOGIN,
        ]


def test_a_refresh_token_that_the_vendor_rotates_is_used_next():
    with Expiring() as tenant, Host(connection(tenant.url)) as host:
        tenant.refresh = lambda request, number: reply(200, Tenant.tokens(number))
        for expired in range(3):
            tenant.expired = expired
            all_succeed(host, 1)
        assert len(tenant.logins) == 1
        sent = [request.json["refresh"] for request in tenant.refreshes]
        assert sent == [tenant.tokens(1)["refresh"], tenant.tokens(2)["refresh"]]


def test_a_sign_in_without_a_refresh_token_is_followed_by_another_login():
    login = lambda request, number: reply(200, {"access": Tenant.tokens(number)["access"]})
    with Expiring(login=login) as tenant, Host(connection(tenant.url)) as host:
        all_succeed(host, 1)
        tenant.expired = 1
        all_succeed(host, 1)
        assert len(tenant.logins) == 2 and tenant.refreshes == []


def test_tokens_that_were_replaced_long_ago_are_not_kept_for_ever():
    """They are looked for in all output; a host that runs for months has thousands of them."""
    echo = lambda: [{"token": tenant.tokens(number)["access"]} for number in range(1, 62)]
    with Expiring() as tenant, Host(connection(tenant.url)) as host:
        for expired in range(60):
            tenant.expired = expired
            all_succeed(host, 1)
        tenant.answer_signed_in = lambda request: reply(200, echo())
        shown = [item["token"] for item in host.result("list_scanners")["raw_data"]]
        assert shown[58:60] == ["[redacted]"] * 2  # the one in use, and the one before
        assert "[redacted]" not in shown[:57]


def test_write_is_retried_after_the_401_of_an_expired_token():
    with Expiring() as tenant, Host(connection(tenant.url)) as host:
        all_succeed(host, 1)
        tenant.expired = 1
        assert host.result("patch_rescan")["raw_data"] == [1]
        writes = tenant.to(method="PATCH")
        assert [bearer(r) for r in writes] == [
            tenant.tokens(number)["access"] for number in (1, 2)
        ]
        assert writes[0].body == writes[1].body


def test_a_token_that_is_never_taken_ends_in_an_error_and_not_in_a_loop():
    with Tenant(lambda request: reply(401, UNAUTHORIZED)) as tenant:
        with Host(connection(tenant.url)) as host:
            error = host.failure("list_scanners")
            assert (error["kind"], error["status_code"]) == ("auth", 401)
            assert error["message"] == "Unauthorized."
            assert "user_name and password" in error["remedy"]
            assert error["outcome"] == "not_applied"
            assert len(tenant.logins) <= 2 and len(tenant.refreshes) <= 1
            assert len(tenant.calls) <= 2


def test_a_403_on_a_fresh_token_is_about_permissions_and_signs_in_no_more():
    with Tenant(lambda request: reply(403, {"detail": "no"})) as tenant:
        with Host(connection(tenant.url)) as host:
            error = host.failure("list_scanners")
            assert (error["kind"], error["status_code"]) == ("permission", 403)
            assert len(tenant.requests) == 2


@pytest.mark.parametrize("status", [400, 401])
def test_bad_credentials_fail_all_waiting_calls_after_one_attempt(status):
    gate = threading.Event()

    def login(request, number):
        gate.wait(20)
        return reply(status, {"detail": "No active account found with the given credentials"})

    with Tenant(login=login) as tenant, Host(connection(tenant.url)) as host:
        started = [host.start("list_scanners") for _ in range(CROWD)]
        tenant.wait_for(1, LOGIN)
        gate.set()
        for number in started:
            error = host.wait(number)[0]["error"]["data"]
            assert (error["kind"], error["status_code"]) == ("auth", 401)
            assert error["message"] == "Unauthorized."
            assert "password" in error["remedy"]
            assert error["retryable"] is False
        assert len(tenant.logins) < CROWD / 4
        assert tenant.calls == []


def test_next_call_signs_in_anew_after_bad_credentials():
    answers = iter([reply(401, {"detail": "no"})])
    login = lambda request, number: next(answers, None) or reply(200, Tenant.tokens(number))
    with Tenant(login=login) as tenant, Host(connection(tenant.url)) as host:
        assert host.failure("list_scanners")["kind"] == "auth"
        host.result("list_scanners")


USELESS = {
    "500": (reply(500, "<html>"), "upstream", 500),
    "not JSON": (reply(200, "<html>Sign in</html>"), "upstream", 502),
    "empty": (reply(200), "auth", 502),
    "no token": (reply(200, {"token": "x"}), "auth", 502),
    "an empty token": (reply(200, {"access": ""}), "auth", 502),
    "a token that is no text": (reply(200, {"access": 5}), "auth", 502),
    "an array": (reply(200, []), "auth", 502),
    "one-time password": (reply(203, {"detail": "OTP sent"}), "auth", 401),
    "403": (reply(403, {"detail": "no"}), "permission", 403),
    "404": (reply(404, "<html>"), "not_found", 404),
    "cut": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "network", 502),
    "reset": (reset, "network", 502),
}


@pytest.mark.parametrize("what", USELESS)
def test_sign_in_without_a_token_is_an_error(what):
    action, kind, status = USELESS[what]
    with Tenant(login=lambda request, number: action) as tenant:
        with Host(connection(tenant.url)) as host:
            error = host.failure("patch_rescan")
            assert (error["kind"], error["status_code"]) == (kind, status), error
            assert error["failure_indicator"] == "Patch Rescan failed."
            assert error["outcome"] == "not_applied"
            assert error["message"].strip(".")
            if kind == "auth" or what in ("404", "not JSON"):
                assert "server" in error["remedy"] or "one-time password" in error["remedy"]
            assert tenant.calls == []
            assert len(tenant.logins) <= 4


def test_account_with_a_one_time_password_is_named_in_the_error():
    with Tenant(login=lambda r, n: reply(203, {"detail": "OTP"})) as tenant:
        with Host(connection(tenant.url)) as host:
            assert "one-time password" in host.failure("list_scanners")["remedy"]


def test_sign_in_refused_by_a_busy_vendor_says_when_to_retry():
    busy = reply(429, None, [("Retry-After", "600")])
    with Tenant(login=lambda r, n: busy) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners", timeout_ms=30_000)
        assert (error["kind"], error["status_code"]) == ("rate_limited", 429)
        assert 500_000 < error["retry_after_ms"] <= 600_000
        assert len(tenant.logins) == 1


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_caller_that_gives_up_does_not_end_the_sign_in_of_the_others(how):
    gate = threading.Event()

    def login(request, number):
        gate.wait(20)
        return reply(200, Tenant.tokens(number))

    with Tenant(lambda r: reply(200, [1]), login=login) as tenant:
        with Host(connection(tenant.url)) as host:
            impatient = host.start("list_scanners", timeout_ms=150 if how == "timeout" else 20_000)
            patient = [host.start("list_scanners") for _ in range(8)]
            tenant.wait_for(1, LOGIN)
            if how == "cancel":
                host.request("cancel", {"id": impatient})
            error = host.wait(impatient)[0]["error"]
            assert error["data"]["kind"] == {"timeout": "timeout", "cancel": "cancelled"}[how]
            assert error["data"]["outcome"] == "not_applied"
            gate.set()
            for number in patient:
                assert host.wait(number)[0]["result"]["raw_data"] == [1]
            assert len(tenant.logins) == 1


def test_a_sign_in_that_all_gave_up_serves_the_next_call():
    gate = threading.Event()

    def login(request, number):
        gate.wait(20)
        return reply(200, Tenant.tokens(number))

    with Tenant(lambda r: reply(200, [1]), login=login) as tenant:
        with Host(connection(tenant.url)) as host:
            assert host.failure("list_scanners", timeout_ms=200)["kind"] == "timeout"
            gate.set()
            assert host.result("list_scanners")["raw_data"] == [1]
            assert len(tenant.logins) == 1


def test_each_connection_signs_in_for_itself():
    with Tenant() as one, Tenant() as two:
        with Host(connection(one.url), connection(two.url)) as host:
            for name in ("main", "other1", "main", "other1"):
                host.result("list_scanners", {}, name)
            assert len(one.logins) == len(two.logins) == 1
            assert len(one.calls) == len(two.calls) == 2


def test_inline_connections_that_are_the_same_share_a_sign_in():
    with Tenant() as tenant, Host() as host:
        for _ in range(3):
            host.result("list_scanners", {}, connection(tenant.url))
        assert len(tenant.logins) == 1


def test_dry_run_signs_in_nowhere():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        result = host.result("patch_rescan", dry_run=True)
        assert result["requests"][0]["headers"]["Authorization"] == "[redacted]"
        assert tenant.connections == []


# Where the password is kept


def resolved(reference, env=None, arrange=lambda path: None):
    """The password that the vendor receives for a reference."""
    with Tenant() as tenant:
        with Host(connection(tenant.url, settings={"password": reference}), env=env) as host:
            arrange(host.path)
            host.result("list_scanners")
            host.result("list_scanners")
            (login,) = tenant.logins
            return login.json["password"]


def test_a_password_from_the_environment_is_used():
    assert resolved({"$env": "CODA_PASSWORD"}, {"CODA_PASSWORD": 'a "b" ü\\n'}) == 'a "b" ü\\n'


@pytest.mark.parametrize("content, password", [
    (b"plain", "plain"),
    (b"with line end\n", "with line end"),
    (b"with crlf\r\n", "with crlf"),
    (b"two\n\n", "two"),
    (b"\xef\xbb\xbfof Windows\r\n", "of Windows"),
    (b"inner\nline\n", "inner\nline"),
    (" spaces ü ".encode(), " spaces ü "),
])
def test_a_password_from_a_file_loses_its_line_ends(content, password):
    arrange = lambda path: (path / "secret").write_bytes(content)
    assert resolved({"$file": "secret"}, arrange=arrange) == password


def test_a_password_from_the_environment_loses_its_line_ends():
    assert resolved({"$env": "CODA_PASSWORD"}, {"CODA_PASSWORD": " a b \n"}) == " a b "


def test_a_literal_password_loses_its_line_ends():
    assert resolved(" a b \r\n") == " a b "


def test_password_from_a_command_is_its_output():
    command = ["sh", "-c", 'cat; printf "%s\\n" "$1" "from $0"', "shell", "one"]
    assert resolved({"$command": command}) == "one\nfrom shell"


def test_a_command_does_not_read_the_host_s_input_nor_write_its_output():
    command = ["sh", "-c", "cat >&2; echo noise >&2; echo Secret-Password"]
    with Tenant() as tenant:
        with Host(connection(tenant.url, settings={"password": {"$command": command}})) as host:
            started = [host.start("list_scanners") for _ in range(20)]
            for number in started:
                assert "result" in host.wait(number)[0]
            assert len(tenant.logins) == 1
            assert host.close() == 0
            assert len(host.output) == 20


MISSING = {
    "variable": ({"$env": "CODA_NO_SUCH"}, "CODA_NO_SUCH"),
    "file": ({"$file": "/nowhere/secret"}, "/nowhere/secret"),
    "directory": ({"$file": "/"}, "/"),
    "program": ({"$command": ["no-such-program-anywhere", "x"]}, "no-such-program-anywhere"),
    "failing program": ({"$command": ["sh", "-c", "echo Half-Secret; exit 3"]}, "status 3"),
    "killed program": ({"$command": ["sh", "-c", "kill -9 $$"]}, "signal 9"),
}


@pytest.mark.parametrize("what", MISSING)
def test_unreadable_password_is_an_error_with_its_path(what):
    reference, place = MISSING[what]
    with Tenant() as tenant:
        with Host(connection(tenant.url, settings={"password": reference})) as host:
            error = host.failure("list_scanners")
            assert (error["kind"], error["status_code"]) == ("auth", 401)
            assert "password" in error["message"] and place in error["message"]
            assert error["remedy"]
            assert "Half-Secret" not in json.dumps(error)
            assert tenant.requests == []


@pytest.mark.parametrize("reference", [{"$env": "EMPTY"}, {"$command": ["true"]}])
def test_an_empty_password_is_an_error_and_is_not_sent(reference):
    with Tenant() as tenant:
        with Host(
            connection(tenant.url, settings={"password": reference}), env={"EMPTY": ""}
        ) as host:
            error = host.failure("list_scanners")
            assert error["kind"] == "auth" and "empty" in error["message"]
            assert tenant.requests == []


def test_password_file_created_later_is_read_by_the_next_call():
    with Tenant() as tenant:
        with Host(connection(tenant.url, settings={"password": {"$file": "late"}})) as host:
            assert host.failure("list_scanners")["kind"] == "auth"
            (host.path / "late").write_text("Late-Password")
            host.result("list_scanners")
            assert tenant.logins[0].json["password"] == "Late-Password"


REFERENCES = [{"$env": "HOME"}, {"$file": "/etc/hostname"}, {"$command": ["touch", "made"]}]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("way", ["invoke", "connections/put"])
def test_a_reference_is_refused_over_the_wire(reference, way):
    with Tenant() as tenant, Host() as host:
        one = connection(tenant.url, settings={"password": reference})
        if way == "invoke":
            error = host.answer("list_scanners", {}, one)["error"]
        else:
            params = {"name": "mine", "connection": one}
            error = host.wait(host.request(way, params))[0]["error"]
        assert error["code"] == -32602
        (problem,) = error["data"]["problems"]
        assert problem["path"] == "/connection/settings/password", problem
        assert "references are allowed only in a connections file" in problem["message"]
        assert tenant.requests == [] and not (host.path / "made").exists()


@pytest.mark.parametrize("password", ["", None, 5, {}, {"$env": ""}, {"$file": "a", "$env": "b"},
                                      {"$command": []}, {"$command": "ls"}, {"$url": "x"}])
def test_invalid_password_is_refused_with_the_configuration(password, tmp_path):
    file = tmp_path / "connections.json"
    one = connection("http://127.0.0.1:9", settings={"password": password})
    file.write_text(json.dumps({"connections": {"main": one}}))
    ended = run("serve", "--connections", str(file))
    assert ended.code == 2
    assert "/connections/main/settings/password" in ended.errors
