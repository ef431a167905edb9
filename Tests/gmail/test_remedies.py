"""Remedies by kind of failure: of the APIs, of the token endpoint and of the key file."""

import json

import pytest
from Support.programmed_google import ANNA, Google, key_file, private_key, refusal, token_refusal
from Support.session import Host
from Support.upstream import reply

LABELS = {"user_email": ANNA}
ONE = {"user_email": ANNA, "message_ids": ["182b676d244938bd"]}
USER_LIST = {"customer_id_or_domain_name": "nowhere.example", "type": "domain"}
NEW_USER = {"family_name": "A", "given_name": "B", "password": "12345678", "user_email": "b@corp.example"}
PASSWORD = {"user_key": ANNA, "password": "12345678"}
MAIL = {"sender_email": ANNA, "subject": "Test", "content": "Hi", "to_recipients": ["a@b.example"]}
TIMES = {"start_time": "2026-01-01", "end_time": "2026-01-02"}
GONE = "Requested entity was not found."


def with_details(status, reason, message="Refused."):
    """An error of a newer service: its reason stands in `details` only."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    help_text = {"@type": "type.googleapis.com/google.rpc.Help", "links": []}
    return reply(status, {"error": {"code": status, "message": message, "details": [help_text, info]}})


# Errors of the APIs


@pytest.mark.parametrize("command, arguments, message, remedy", [
    ("get_user_list", USER_LIST, "Domain not found.", "my_customer"),
    ("get_user_list", USER_LIST, "Resource Not Found: customer", "my_customer"),
    ("create_user", NEW_USER, "Domain not found.", "domain"),
    ("create_user", NEW_USER, "Resource Not Found: domain", "domain"),
    ("set_user_password", PASSWORD, GONE, "get_user_list"),
    ("get_auto_reply", LABELS, GONE, "mailbox"),
    ("set_auto_reply", LABELS, GONE, "mailbox"),
    ("list_labels", LABELS, GONE, "mailbox"),
    ("search_emails", LABELS, GONE, "mailbox"),
    ("fetch_event", LABELS | TIMES, GONE, "mailbox"),
    ("send_email", MAIL, GONE, "mailbox"),
    ("test_connection", {}, GONE, "mailbox"),
    ("get_email", ONE, GONE, "search_emails"),
    ("trash_emails", ONE, GONE, "search_emails"),
])
def test_remedy_of_a_404_names_what_does_not_exist(command, arguments, message, remedy):
    answer = refusal(404, message, "notFound")
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        data = host.failure(command, arguments)
        assert (data["kind"], data["status_code"]) == ("not_found", 404)
        assert remedy in data["remedy"]
        assert ("search_emails" in data["remedy"]) == (remedy == "search_emails")


def test_a_404_that_is_no_error_of_the_api_is_about_the_server_url():
    answer = reply(404, "<html>Error 404 (Not Found)!!1</html>")
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        assert "gmail_url" in host.failure("list_labels", LABELS)["remedy"]


@pytest.mark.parametrize("answer, remedy", [
    (refusal(403, "The domain administrators have disabled Gmail apps.", "domainPolicy"), "App access control"),
    (with_details(403, "SERVICE_DISABLED"), "Enable the Gmail API"),
    (with_details(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "scopes"),
    (with_details(403, "CONSUMER_SUSPENDED"), "suspended"),
])
@pytest.mark.parametrize("command, arguments", [("search_emails", LABELS), ("get_user_list", USER_LIST)])
def test_remedy_of_a_403_follows_its_reason(command, arguments, answer, remedy):
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        data = host.failure(command, arguments)
        assert data["kind"] == "permission" and not data["retryable"]
        assert remedy in data["remedy"]


def test_a_rate_limit_in_the_details_is_a_rate_limit():
    answer = with_details(403, "RATE_LIMIT_EXCEEDED")
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        assert host.failure("list_labels", LABELS, timeout_ms=3_000)["kind"] == "rate_limited"


# Sign-in of an OAuth client

OAUTH = [
    (401, "unauthorized_client", "Unauthorized", "client_id"),
    (403, "access_denied", "Account restricted", "App access control"),
    (401, "disabled_client", "The OAuth client was disabled.", "OAuth client"),
    (401, "deleted_client", "The OAuth client was deleted.", "another OAuth client"),
    (400, "admin_policy_enforced", None, "trusted"),
    (403, "org_internal", None, "organization"),
]


@pytest.mark.parametrize("status, error, description, remedy", OAUTH)
def test_sign_in_error_of_an_oauth_client_has_its_remedy(status, error, description, remedy):
    with Google(token=lambda *_: token_refusal(status, error, description)) as google:
        with Host(google.oauth()) as host:
            data = host.failure("list_labels", LABELS)
        assert (data["kind"], data["message"]) == ("auth", description or error)
        assert remedy in data["remedy"] and "service account" not in data["remedy"]
        assert len(google.forms) == 1 and not google.calls


@pytest.mark.parametrize("status, error", [
    (401, "deleted_client"), (401, "invalid_client"), (400, "admin_policy_enforced"), (403, "org_internal"),
    (401, "disabled_client")])
def test_sign_in_error_of_a_service_account_is_not_about_an_oauth_client(status, error):
    with Google(token=lambda *_: token_refusal(status, error)) as google:
        with Host(google.connection()) as host:
            remedy = host.failure("list_labels", LABELS)["remedy"]
        assert "client_secret" not in remedy and ("service account" in remedy)


@pytest.mark.parametrize("body", [
    {"error": "invalid_grant", "error_subtype": "invalid_rapt", "error_description": "reauth related error"},
    {"error": "invalid_grant", "error_description": "reauth related error (invalid_rapt)"},
    {"error": "invalid_grant", "error_subtype": "rapt_required"},
])
def test_session_control_is_not_an_expired_consent(body):
    with Google(token=lambda *_: reply(400, body)) as google, Host(google.oauth()) as host:
        data = host.failure("list_labels", LABELS)
        assert data["kind"] == "auth"
        assert "session control" in data["remedy"] and "seven days" not in data["remedy"]


@pytest.mark.parametrize("answer", [
    token_refusal(403, "rate_limit_exceeded", "Rate Limit Exceeded"),
    token_refusal(429, "rate_limit_exceeded"),
    refusal(403, "Rate Limit Exceeded", "rateLimitExceeded"),
])
@pytest.mark.parametrize("kind", ["oauth", "connection"])
def test_rate_limit_of_the_token_endpoint_is_rate_limited(answer, kind):
    with Google(token=lambda *_: answer) as google, Host(getattr(google, kind)()) as host:
        data = host.failure("list_labels", LABELS, timeout_ms=3_000)
        assert (data["kind"], data["retryable"], data["outcome"]) == ("rate_limited", True, "not_applied")
        assert data["retry_after_ms"] > 0
        assert not google.calls


def test_a_wait_of_the_token_endpoint_after_the_deadline_is_not_begun():
    answer = reply(403, {"error": "rate_limit_exceeded"}, [("Retry-After", "600")])
    with Google(token=lambda *_: answer) as google, Host(google.oauth()) as host:
        data = host.failure("list_labels", LABELS, timeout_ms=3_000)
        assert data["kind"] == "rate_limited" and 599_000 < data["retry_after_ms"] <= 600_000
        assert data["remedy"] and len(google.forms) == 1


# A 429 that names no time


def test_every_429_without_a_time_says_when_to_retry():
    answer = refusal(429, "Too many concurrent requests for user", "rateLimitExceeded")
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        commands = [("list_labels", LABELS), ("send_email", MAIL), ("search_emails", LABELS)]
        # The pause after the first call ends in the last moment of the second one.
        for command, arguments in [call for call in commands for _ in range(3)]:
            data = host.failure(command, arguments, timeout_ms=4_000)
            assert (data["kind"], data["outcome"]) == ("rate_limited", "not_applied"), (command, data)
            assert data["retry_after_ms"] > 0 and data["retryable"] is True


# The key file as text


def works(text):
    with Google() as google, Host(google.connection(settings={"service_account_json": text})) as host:
        assert host.result("list_labels", LABELS)["return_data"] == "Successful"


def failure(text):
    with Google() as google, Host(google.connection(settings={"service_account_json": text})) as host:
        data = host.failure("list_labels", LABELS)
        assert data["kind"] == "auth" and not google.forms
        key = private_key().splitlines()[1]
        host.close()
        assert key.encode() not in b"".join(host.output) + host.stderr
        return data["message"]


def test_a_key_file_with_a_byte_order_mark_is_read():
    works("\ufeff" + json.dumps(key_file()))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\\\n"])
def test_a_key_with_real_line_breaks_is_read(ending):
    text = json.dumps(key_file(), indent=2).replace("\\n", ending)
    works(text)
    works("\ufeff" + text)


def test_another_fault_of_a_key_file_names_the_byte_and_the_cause():
    text = json.dumps(key_file()).replace('"project_id":', '"project_id"')
    for mark in ["", "\ufeff"]:
        at = len(mark.encode()) + text.index('"project_id"') + len('"project_id"') + 1
        assert f"at byte {at}" in failure(mark + text)
    assert "is not a JSON object" in failure('["a"]')
