"""Google's errors: how each is reported, and which are retried."""

import datetime

import pytest
from Support.programmed_google import ANNA, Google, refusal
from Support.session import Host
from Support.upstream import in_turn, reply

LABELS = {"user_email": ANNA}
ONE = {"user_email": ANNA, "message_ids": ["182b676d244938bd"]}
PASSWORD = {"user_key": ANNA, "password": "12345678"}
NEW_USER = {"family_name": "A", "given_name": "B", "password": "12345678", "user_email": "b@corp.example"}


@pytest.mark.parametrize("command, arguments, status, reason, message, kind, remedy", [
    ("get_email", ONE, 400, "invalidArgument", "Invalid id value", "upstream", "search_emails"),
    ("label_emails", ONE | {"add_labels": ["SENT"]}, 400, "invalidArgument", "Invalid label: SENT", "upstream",
     "list_labels"),
    ("list_labels", LABELS, 400, "failedPrecondition", "Precondition check failed.", "upstream", "no mailbox"),
    ("list_labels", LABELS, 400, "failedPrecondition", "Mail service not enabled", "upstream", "Enable Gmail"),
    ("list_labels", LABELS, 403, "forbidden", "Delegation denied for anna@corp.example", "permission",
     "service account"),
    ("list_labels", LABELS, 403, "insufficientPermissions", "Insufficient Permission", "permission", "scopes"),
    ("list_labels", LABELS, 403, "accessNotConfigured", "Gmail API has not been used", "permission", "Enable"),
    ("get_email", ONE, 404, "notFound", "Requested entity was not found.", "not_found", "search_emails"),
    ("set_user_password", PASSWORD, 404, "notFound", "Resource Not Found: userKey", "not_found", "get_user_list"),
    ("create_user", NEW_USER, 403, "forbidden", "Not Authorized to access this resource/api", "permission",
     "admin_email"),
    ("create_user", NEW_USER, 409, "duplicate", "Entity already exists.", "upstream", "already"),
    ("set_user_password", PASSWORD, 412, "conditionNotMet", "User creation is not complete", "upstream", "minute"),
])
def test_error_has_the_vendors_message_and_a_remedy(command, arguments, status, reason, message, kind, remedy):
    with Google(lambda request: refusal(status, message, reason)) as google, Host(google.connection()) as host:
        error = host.answer(command, arguments)["error"]
        data = error["data"]
        title = command.replace("_", " ").title()
        assert error["code"] == -32000 and data["failure_indicator"] == f"{title} failed."
        assert (data["status_code"], data["message"], data["kind"]) == (status, message, kind)
        assert not data["retryable"] and data["outcome"] == "not_applied"
        assert len(google.calls) == 1
        if remedy:
            assert remedy in data["remedy"]


def test_test_connection_has_its_own_failure_indicator():
    with Google(lambda request: refusal(403, "Delegation denied for x", "forbidden")) as google:
        with Host(google.connection()) as host:
            data = host.failure("test_connection")
    assert data["failure_indicator"] == "Test Connection failed. Failed to check the connector."


@pytest.mark.parametrize("body", [
    {"error": {"code": 400, "message": "Invalid id value", "status": "INVALID_ARGUMENT"}},
    {"error": {"message": "Invalid id value"}},
])
def test_an_error_with_missing_members_is_read(body):
    with Google(lambda request: reply(400, body)) as google, Host(google.connection()) as host:
        data = host.failure("get_email", ONE)
        assert (data["message"], data["status_code"]) == ("Invalid id value", 400)


@pytest.mark.parametrize("body", ["", "<html>Bad Request</html>", "[]", '{"error":"x"}', '{"error":{"errors":7}}'])
def test_an_error_in_another_format_is_an_error(body):
    with Google(lambda request: reply(400, body)) as google, Host(google.connection()) as host:
        data = host.failure("get_email", ONE)
        assert data["status_code"] == 400 and data["message"]


def test_a_success_that_is_not_json_is_an_error():
    with Google(lambda request: reply(200, "<html>Sign in</html>")) as google, Host(google.connection()) as host:
        data = host.failure("list_labels", LABELS)
        assert data["kind"] == "upstream" and data["upstream"]["body"] == "<html>Sign in</html>"
        assert "gmail_url" in data["remedy"]


def test_a_404_fails_only_its_target():
    def answer(request):
        if request.path.endswith("/bad"):
            return refusal(404, "Requested entity was not found.", "notFound")
        return reply(200, {"id": request.path.rsplit("/", 1)[1]})

    with Google(answer) as google, Host(google.connection()) as host:
        result = host.result("get_email", {"user_email": ANNA, "message_ids": ["1", "bad", "2"]})
        assert result["return_data"] == "Partially Successful"
        assert result["raw_data"] == [{"id": "1"}, {"id": "2"}]
        assert [t["return_data"] for t in result["targets"]] == ["Successful", "Failed", "Successful"]
        assert result["errors"][0]["target"] == "bad" and result["errors"][0]["status_code"] == 404


# Rate limits


def soon(seconds, digits=3):
    time = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[: 20 + digits] + "Z"


LIMITS = [
    (429, "rateLimitExceeded", "Too many concurrent requests for user"),
    (429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota)."),
    (403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"),
    (403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
    (403, "quotaExceeded", "Quota exceeded"),
]


@pytest.mark.parametrize("status, reason, message", LIMITS)
def test_each_form_of_rate_limit_error_is_retried(status, reason, message):
    first = refusal(status, message, reason, "usageLimits", headers=[("Retry-After", "0")])
    # trash_emails is a write. It was not applied, so it is retried.
    with Google(in_turn(first, reply(200, {"id": "1"}))) as google, Host(google.connection()) as host:
        result = host.result("trash_emails", ONE)
        assert result["meta"]["retries"] == 1 and len(google.calls) == 2


@pytest.mark.parametrize("status, reason", [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded")])
def test_the_time_in_the_message_is_the_retry_after(status, reason):
    message = f"User-rate limit exceeded.  Retry after {soon(900)} (Mail sending)"
    with Google(lambda request: refusal(status, message, reason)) as google, Host(google.connection()) as host:
        data = host.failure("list_labels", LABELS, timeout_ms=20_000)
        assert (data["kind"], data["retryable"], data["status_code"]) == ("rate_limited", True, status)
        assert 800_000 < data["retry_after_ms"] <= 901_000
        assert len(google.calls) == 1


@pytest.mark.parametrize("status, reason", [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded")])
def test_retry_time_of_one_call_delays_the_others(status, reason):
    message = f"User-rate limit exceeded.  Retry after {soon(900)}"
    with Google(lambda request: refusal(status, message, reason)) as google:
        # The next call gets its slot and must know of the limit when it does.
        with Host(google.connection(max_concurrency=1)) as host:
            for number in [host.start("list_labels", LABELS, timeout_ms=20_000) for _ in range(8)]:
                data = host.wait(number)[0]["error"]["data"]
                assert data["kind"] == "rate_limited" and data["retry_after_ms"] > 800_000
            assert len(google.calls) == 1


def test_future_retry_instant_is_waited_for():
    message = f"User-rate limit exceeded.  Retry after {soon(1.2)}"
    first = refusal(403, message, "userRateLimitExceeded", "usageLimits")
    with Google(in_turn(first, reply(200, {}))) as google, Host(google.connection()) as host:
        number = host.start("list_labels", LABELS, stream=True)
        assert host.seen("invoke/waiting", number)["reason"] == "rate_limited"
        assert "result" in host.wait(number)[0]
        assert google.calls[1].at - google.calls[0].at > 0.2


def test_the_later_of_header_and_message_counts():
    message = f"Retry after {soon(5)}"
    answer = refusal(429, message, "rateLimitExceeded", headers=[("Retry-After", "600")])
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        assert host.failure("list_labels", LABELS, timeout_ms=20_000)["retry_after_ms"] > 500_000


@pytest.mark.parametrize("tail", ["", "tomorrow", "2024-13-99T11:16:42.247Z", "2024-11-12T11:16:42.247Z"])
def test_invalid_or_past_retry_instant_is_ignored(tail):
    first = refusal(403, f"User-rate limit exceeded.  Retry after {tail}", "userRateLimitExceeded")
    with Google(in_turn(first, reply(200, {}))) as google, Host(google.connection()) as host:
        assert host.result("list_labels", LABELS)["meta"]["retries"] == 1


def test_other_403_is_not_retried():
    with Google(lambda request: refusal(403, "no", "forbidden")) as google, Host(google.connection()) as host:
        host.failure("list_labels", LABELS)
        assert len(google.calls) == 1


# Server errors


def test_read_is_retried_after_500_and_creation_is_not():
    with Google(in_turn(refusal(500, "Backend Error", "backendError"), reply(200, {}))) as google:
        with Host(google.connection()) as host:
            assert host.result("list_labels", LABELS)["meta"]["retries"] == 1
    with Google(lambda request: refusal(503, "Backend Error", "backendError")) as google:
        with Host(google.connection()) as host:
            data = host.failure("create_user", NEW_USER)
        assert (data["outcome"], data["status_code"], len(google.calls)) == ("unknown", 503, 1)
        assert "get_user_list" in data["remedy"]
