"""Sign-in with a service account: assertions and tokens."""

import json
import time

import pytest
from Support.programmed_google import (
    ADMIN, ANNA, AUDIENCE, EMAIL, JWT_BEARER, MAIL, SETTINGS, USERS, Google, bearer, key_file,
    private_key, refusal, token_refusal,
)
from Support.pacing import assert_paced
from Support.session import Host
from Support.upstream import reply, reset

LABELS = {"user_email": ANNA}


def test_assertion_names_issuer_subject_scope_and_lifetime():
    with Google() as google, Host(google.connection()) as host:
        before = int(time.time())
        host.result("list_labels", LABELS)
        after = int(time.time())
        (claims,) = google.assertions
        assert before <= claims["iat"] <= after
        assert claims == {
            "iss": EMAIL, "sub": ANNA, "scope": MAIL, "aud": AUDIENCE, "iat": claims["iat"],
            "exp": claims["iat"] + 3600}
        assert google.forms[0].keys() == {"grant_type", "assertion"}
        assert google.forms[0]["grant_type"] == JWT_BEARER


def test_each_user_and_scope_has_its_own_token():
    with Google() as google, Host(google.connection()) as host:
        for _ in range(2):
            host.result("list_labels", LABELS)
            host.result("search_emails", LABELS)
            host.result("get_auto_reply", LABELS)
            host.result("list_labels", {"user_email": "bert@corp.example"})
            host.result("set_user_password", {"user_key": ANNA, "password": "12345678"})
        asked = [(claims["sub"], claims["scope"]) for claims in google.assertions]
        assert asked == [(ANNA, MAIL), (ANNA, SETTINGS), ("bert@corp.example", MAIL), (ADMIN, USERS)]


def test_concurrent_calls_fetch_one_token():
    with Google() as google, Host(google.connection()) as host:
        numbers = [host.start("list_labels", LABELS) for _ in range(50)]
        for number in numbers:
            assert "result" in host.wait(number)[0]
        assert len(google.assertions) == 1
        assert {bearer(call)[0] for call in google.calls} == {1} and len(google.calls) == 50


@pytest.mark.parametrize("form", ["object", "text", "file"])
def test_the_key_file_can_be_an_object_a_string_or_a_file(form, tmp_path):
    document = key_file()
    path = tmp_path / "key.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    given = {"object": document, "text": json.dumps(document), "file": {"$file": str(path)}}[form]
    with Google() as google:
        with Host(google.connection(settings={"service_account_json": given})) as host:
            host.result("list_labels", LABELS)
            listed = json.dumps(host.call("connections/list"))
        assert google.assertions[0]["iss"] == EMAIL
        assert "PRIVATE KEY" not in listed and "[redacted]" in listed


def test_a_key_is_accepted_on_the_wire_but_not_as_a_reference(tmp_path):
    with Google() as google, Host() as host:
        host.integration = "gmail"
        host.result("list_labels", LABELS, connection=google.connection())
        path = tmp_path / "key.json"
        path.write_text(json.dumps(key_file()))
        connection = google.connection(settings={"service_account_json": {"$file": str(path)}})
        error = host.answer("list_labels", LABELS, connection=connection)["error"]
        assert error["code"] == -32602
        assert "reference" in error["data"]["problems"][0]["message"]


@pytest.mark.parametrize("document, message", [
    ("no json", "is not JSON"),
    ({"type": "authorized_user", "client_email": EMAIL}, "has the type authorized_user"),
    ({"type": "service_account", "private_key": "x"}, "has no client_email"),
    ({"type": "service_account", "client_email": EMAIL}, "has no private_key"),
    (key_file(private_key="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
     "unusable private_key"),
])
def test_invalid_key_file_is_explained(document, message):
    with Google() as google, Host(google.connection(settings={"service_account_json": document})) as host:
        data = host.failure("list_labels", LABELS)
        assert data["kind"] == "auth" and message in data["message"]
        assert "key file" in data["remedy"]
        assert google.requests == []


# Expired tokens


def test_refused_token_is_replaced_once_and_the_call_retried():
    with Google() as google:
        google.answer_signed_in = lambda request: (
            refusal(401, "Invalid Credentials", "authError") if bearer(request)[0] == 1 else reply(200, {}))
        with Host(google.connection()) as host:
            host.result("list_labels", LABELS)
            assert [bearer(call)[0] for call in google.calls] == [1, 2]
            host.result("list_labels", LABELS)
            assert [bearer(call)[0] for call in google.calls] == [1, 2, 2]


def test_a_second_401_is_returned():
    with Google(lambda request: refusal(401, "Invalid Credentials", "authError")) as google:
        with Host(google.connection()) as host:
            data = host.failure("list_labels", LABELS)
        assert (data["kind"], data["status_code"], data["message"]) == ("auth", 401, "Invalid Credentials")
        assert data["outcome"] == "not_applied" and data["remedy"]
        assert len(google.calls) == len(google.assertions) == 2


def test_concurrent_calls_with_a_rejected_token_fetch_one_new_token():
    with Google() as google:
        google.answer_signed_in = lambda request: (
            refusal(401, "Invalid Credentials", "authError") if bearer(request)[0] == 1 else reply(200, {}))
        with Host(google.connection()) as host:
            for number in [host.start("list_labels", LABELS) for _ in range(20)]:
                assert "result" in host.wait(number)[0]
        assert len(google.assertions) == 2


def test_a_short_lived_token_is_replaced_before_it_expires():
    with Google() as google:
        google.token = lambda request, form, number: google.grant(form, number, expires_in=0 if number == 1 else 3599)
        with Host(google.connection()) as host:
            host.result("list_labels", LABELS)
            host.result("list_labels", LABELS)
        assert [bearer(call)[0] for call in google.calls] == [2, 2]


@pytest.mark.parametrize("seconds, token_requests", [
    (10**12, 1), (2**63 - 1, 1), (10**30, 1), ("soon", 1), (None, 1),
    # A token that has expired already: a second one for the first call, a third for the next call.
    (-1, 3), (-(2**63), 3)])
def test_invalid_expires_in_is_ignored(seconds, token_requests):
    with Google() as google:
        google.token = lambda request, form, number: google.grant(form, number, expires_in=seconds)
        with Host(google.connection()) as host:
            host.result("list_labels", LABELS)
            host.result("list_labels", LABELS)
        assert len(google.forms) == token_requests


# Errors of the token endpoint

REFUSALS = [
    (401, "unauthorized_client",
     "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the "
     "scopes requested.", "API controls"),
    (401, "access_denied", "Requested client not authorized.", "API controls"),
    (400, "invalid_scope", "Some requested scopes cannot be shown", "Grant the scope"),
    (400, "invalid_grant", "Invalid JWT Signature.", "new key file"),
    (400, "invalid_grant",
     "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and "
     "exp values in the JWT claim.", "clock"),
    (400, "invalid_grant", "Invalid email or User ID", "not suspended"),
    (400, "invalid_grant", "Invalid grant: account not found", "service account exists"),
    (401, "disabled_client", "The OAuth client was disabled.", "Enable the service account"),
    (401, "invalid_client", "The OAuth client was not found.", "another service account"),
]


@pytest.mark.parametrize("status, error, description, remedy", REFUSALS)
def test_each_sign_in_error_has_its_remedy(status, error, description, remedy):
    with Google(token=lambda *_: token_refusal(status, error, description)) as google:
        with Host(google.connection()) as host:
            data = host.failure("trash_emails", {"user_email": ANNA, "message_ids": ["1"]})
        assert (data["kind"], data["status_code"], data["message"]) == ("auth", status, description)
        assert remedy in data["remedy"]
        assert data["outcome"] == "not_applied" and not data["retryable"]
        assert len(google.forms) == 1 and google.calls == []


def test_the_remedies_differ():
    words = [remedy for *_, remedy in REFUSALS if remedy != "API controls"]
    assert len(set(words)) == len(words)


def test_refusal_without_a_description_shows_its_code():
    with Google(token=lambda *_: token_refusal(400, "invalid_scope")) as google:
        with Host(google.connection()) as host:
            assert host.failure("list_labels", LABELS)["message"] == "invalid_scope"


@pytest.mark.parametrize("trouble", [lambda: reply(503, {"error": "temporarily_unavailable"}), lambda: reply(429, {}), lambda: reset])
def test_failure_of_the_token_endpoint_is_retried(trouble):
    with Google() as google:
        google.token = lambda request, form, number: trouble() if number == 1 else google.grant(form, number)
        with Host(google.connection()) as host:
            host.result("list_labels", LABELS)
        assert len(google.forms) == 2


@pytest.mark.parametrize("body", ["<html>", "{}", {"access_token": ""}, {"access_token": 7}, []])
def test_a_response_without_a_token_is_an_error(body):
    with Google(token=lambda *_: reply(200, body)) as google:
        with Host(google.connection()) as host:
            data = host.failure("list_labels", LABELS)
        assert data["kind"] == "auth" and "access token" in data["message"]
        assert google.calls == []


# Secrets


def test_no_secret_leaves_the_process(tmp_path):
    audit = tmp_path / "audit"
    password = 'Pass"word\\é'.encode("ascii", "ignore").decode() + "-7"
    key = private_key()
    middle = key.splitlines()[5]
    answers = iter([
        # The vendor echoes the request.
        lambda request: reply(200, {"password": password, "note": f"set to {password}"}),
        lambda request: refusal(400, f"bad password {password} with {request.header('Authorization')}", "invalid"),
    ])
    with Google(lambda request: next(answers)(request)) as google:
        options = ["--audit", str(audit), "--log-level", "debug"]
        with Host(google.connection(), options=options) as host:
            arguments = {"user_key": ANNA, "password": password}
            plan = host.result("set_user_password", arguments, dry_run=True)
            result = host.result("set_user_password", arguments)
            failure = host.failure("set_user_password", arguments)
            assert plan["requests"][0]["body"] == {"password": "[redacted]"}
            assert result["raw_data"]["note"] == "set to [redacted]"
            assert failure["message"] == "bad password [redacted] with Bearer [redacted]"
            # It is no longer redacted once the command is over.
            assert host.call("connections/list")
        everything = host.everything() + audit.read_bytes()
        records = [json.loads(line) for line in audit.read_text().splitlines()]
        assert [r["event"] for r in records] == ["started", "finished"] * 2
        assert [r["arguments"] for r in records] == [{"user_key": ANNA, "password": "[redacted]"}] * 4
        for secret in [password, json.dumps(password)[1:-1], middle, google.forms[0]["assertion"], "ya29."]:
            assert secret.encode() not in everything, secret
        assert google.calls[0].json == {"password": password}


def test_targets_that_waited_for_a_sign_in_are_limited_when_sent():
    """They reserved the rate limit earlier; six requests of one second and six of the next are not
    sent within one."""
    granted = []
    with Google() as google:

        def token(request, form, number):
            if number == 2:
                time.sleep(1.6)
                granted.append(time.monotonic())
            return google.grant(form, number)

        google.token = token
        google.answer_signed_in = lambda request: (
            refusal(401, "Invalid Credentials", "authError") if bearer(request)[0] == 1 else reply(204))
        limits = {"delete_emails": {"requests": 6, "per_seconds": 1}}
        with Host(google.connection(rate_limits=limits)) as host:
            ids = [f"182b{number:012x}" for number in range(12)]
            result = host.result("delete_emails", {"user_email": ANNA, "message_ids": ids})
        assert len(result["targets"]) == 12 and result["return_data"] == "Successful"
        again = [request for request in google.calls if bearer(request)[0] == 2]
        assert len(again) == 12
        assert_paced(again, 6, 1, granted[0])
