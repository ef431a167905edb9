"""Changes to many messages at once: calls of a batch, and alone what that leaves open."""

import json
import threading

import pytest
from Support.programmed_google import (
    ANNA, BATCH, BOX, MAIL, BatchingGoogle, Google, batch_reply, batched, bearer, inner_calls, message, refusal)
from Support.session import Host
from Support.upstream import after, reply, reset

LABELS = {"add_labels": ["STARRED", "--sallyport\r\n\r\n--x"], "remove_labels": ["UNREAD"]}
CHANGES = [
    ("label_emails", LABELS, "/modify",
     {"addLabelIds": ["STARRED", "--sallyport\r\n\r\n--x"], "removeLabelIds": ["UNREAD"]}),
    ("report_spam", {}, "/modify", {"addLabelIds": ["SPAM"], "removeLabelIds": ["INBOX"]}),
    ("trash_emails", {}, "/trash", None),
    ("untrash_emails", {}, "/untrash", None),
]
COMMANDS = [change[:2] for change in CHANGES]
GONE = refusal(404, "Requested entity was not found.", "notFound")


def ids(count):
    return [f"{0x18f0 + number:016x}" for number in range(count)]


def arguments(names, **more):
    return {"user_email": ANNA, "message_ids": names, **more}


@pytest.mark.parametrize("command, more, path, body", CHANGES)
def test_changes_are_batched_and_returned_in_order(command, more, path, body):
    names = ids(60)
    with BatchingGoogle() as google, Host(google.connection()) as host:
        result = host.result(command, arguments(names, **more))
        assert [b["id"] for b in result["raw_data"]] == [t["target"] for t in result["targets"]] == names
        assert google.singles == [] and result["meta"]["requests"] == 3
        assert sorted(len(inner_calls(batch)) for batch in google.batches) == [10, 25, 25]
        # A reused connection can fail in a way that sends a request twice.
        assert len({batch.connection.number for batch in google.batches}) == 3
        assert all(bearer(batch)[1:] == (ANNA, MAIL) for batch in google.batches)
        calls = [call for batch in google.batches for call in inner_calls(batch)]
        assert sorted(call.target for call in calls) == [f"{BOX}{name}{path}" for name in names]
        for call in calls:
            assert call.method == "POST"
            assert (json.loads(call.body) if call.body else None) == body
            assert call.headers.get("content-type") == ("application/json" if body else None)


@pytest.mark.parametrize("command, more", COMMANDS)
def test_few_changes_are_requested_individually(command, more):
    with BatchingGoogle() as google, Host(google.connection()) as host:
        host.result(command, arguments(ids(5), **more))
        assert google.batches == [] and sorted(google.singles) == ids(5)


def test_changes_that_cannot_be_repeated_are_not_batched():
    with BatchingGoogle() as google, Host(google.connection()) as host:
        host.result("delete_emails", arguments(ids(12)))
        assert google.batches == [] and sorted(google.singles) == ids(12)


def test_a_dry_run_shows_the_batches():
    with BatchingGoogle() as google, Host(google.connection()) as host:
        requests = host.result("report_spam", arguments(ids(30)), dry_run=True)["requests"]
        assert [(r["method"], r["url"]) for r in requests] == [("POST", google.url + BATCH)] * 2
        change = '{"addLabelIds":["SPAM"],"removeLabelIds":["INBOX"]}'
        assert [r["body"].count(f"\r\n\r\n{change}\r\n") for r in requests] == [25, 5]
        assert google.requests == []


@pytest.mark.parametrize("command, more", COMMANDS)
def test_each_message_has_an_outcome_and_refusals_are_not_retried(command, more):
    names = ids(8)
    errors = {names[1]: GONE, names[4]: refusal(400, "Invalid id value", "invalidArgument")}
    with BatchingGoogle(lambda id, times: errors.get(id)) as google, Host(google.connection()) as host:
        result = host.result(command, arguments(names, **more))
        assert result["return_data"] == "Partially Successful"
        assert [b["id"] for b in result["raw_data"]] == [n for n in names if n not in errors]
        assert [(e["target"], e["status_code"], e["outcome"]) for e in result["errors"]] == [
            (names[1], 404, "not_applied"), (names[4], 400, "not_applied")]
        assert google.singles == []


RATE = refusal(429, "Too many concurrent requests for user", "rateLimitExceeded", headers=[("Retry-After", "0")])
TROUBLE = {
    "429": (RATE, "not_applied"),
    "403": (refusal(403, "User Rate Limit Exceeded", "userRateLimitExceeded", "usageLimits"), "not_applied"),
    "401": (refusal(401, "Invalid Credentials", "authError"), "not_applied"),
    "503": (refusal(503, "Backend Error", "backendError"), "unknown"),
    "no JSON": (reply(200, "<html>"), "unknown"),
}


@pytest.mark.parametrize("trouble, outcome", TROUBLE.values(), ids=TROUBLE)
def test_calls_that_a_batch_left_unresolved_are_retried_individually(trouble, outcome):
    names = ids(30)
    unlucky = [names[0], names[7], names[29]]
    with BatchingGoogle(lambda id, times: trouble if id in unlucky and times == 0 else None) as google:
        with Host(google.connection()) as host:
            result = host.result("label_emails", arguments(names, add_labels=["STARRED"]))
            assert [b["id"] for b in result["raw_data"]] == names and len(google.batches) == 2
        assert sorted(google.singles) == unlucky
        assert all(call.json == {"addLabelIds": ["STARRED"]} for call in google.calls if call.path != BATCH)


@pytest.mark.parametrize("trouble, outcome", TROUBLE.values(), ids=TROUBLE)
def test_unknown_outcome_in_a_batch_stays_unknown(trouble, outcome):
    names = ids(8)
    with BatchingGoogle(
            lambda id, times: (GONE if times else trouble) if id == names[3] else None) as google:
        with Host(google.connection()) as host:
            (error,) = host.result("trash_emails", arguments(names))["errors"]
    assert (error["target"], error["status_code"], error["outcome"]) == (names[3], 404, outcome)
    assert ("look with get_email" in error["remedy"]) == (outcome == "unknown")


WHOLE = {
    "reset": (reset, "unknown"),
    "503": (refusal(503, "Backend Error", "backendError"), "unknown"),
    "no batch": (reply(200, {"id": "x"}), "unknown"),
    "unanswered": (batch_reply([("<99>", reply(200, {"id": "x"}))]), "unknown"),
    "404": (reply(404, "Not Found"), "not_applied"),
    "400": (refusal(400, "Failed to parse batch request.", "badRequest"), "not_applied"),
}


@pytest.mark.parametrize("whole, outcome", WHOLE.values(), ids=WHOLE)
def test_a_failed_batch_is_sent_once_and_its_calls_individually(whole, outcome):
    names = ids(10)
    with Google(lambda request: whole if request.path == BATCH else message(request.target)) as google:
        with Host(google.connection()) as host:
            result = host.result("trash_emails", arguments(names))
            assert [b["id"] for b in result["raw_data"]] == names
        assert len(google.calls) == 11 and [c.path for c in google.calls].count(BATCH) == 1


@pytest.mark.parametrize("whole, outcome", WHOLE.values(), ids=WHOLE)
def test_unanswered_batch_leaves_its_outcomes_unknown(whole, outcome):
    with Google(lambda request: whole if request.path == BATCH else GONE) as google:
        with Host(google.connection()) as host:
            data = host.failure("trash_emails", arguments(ids(10)))
            assert [t["error"]["outcome"] for t in data["targets"]] == [outcome] * 10
            assert data["outcome"] == outcome
            # A read has no unknown outcome.
            data = host.failure("get_email", arguments(ids(10)))
            assert {t["error"]["outcome"] for t in data["targets"]} == {"not_applied"}


def test_credentials_rejected_after_a_batch_leave_its_outcomes_unknown():
    def answer(request):
        return reset if request.path == BATCH else refusal(401, "Invalid Credentials", "authError")

    with Google(answer) as google, Host(google.connection()) as host:
        data = host.failure("trash_emails", arguments(ids(40)))
        assert (data["kind"], data["status_code"], data["outcome"]) == ("auth", 401, "unknown")
        assert {t["error"]["outcome"] for t in data["targets"]} == {"unknown"}


def test_cancelled_batch_in_flight_has_an_unknown_outcome():
    names = ids(60)
    never = threading.Event()
    with Google(lambda request: after(never, message(names[0]))) as google:
        with Host(google.connection()) as host:
            number = host.start("trash_emails", arguments(names))
            google.wait_for(2, BATCH)
            host.call("cancel", {"id": number})
            error = host.wait(number)[0]["error"]["data"]
            assert (error["kind"], error["outcome"]) == ("cancelled", "unknown")
            outcomes = [t["error"]["outcome"] for t in error["targets"]]
            assert outcomes == ["unknown"] * 50 + ["not_applied"] * 10
            sent = [target for call in google.calls for _, _, target in batched(call)]
            assert sorted(sent) == [f"{BOX}{name}/trash" for name in names[:50]]
        never.set()
