"""A quota of a day: `rate_limited`, and not retried."""

import datetime

import pytest
from Support.programmed_google import ANNA, Google, refusal
from Support.session import Host
from Support.upstream import in_turn, reply

LABELS = {"user_email": ANNA}
HOUR = 3_600_000
PER_DAY = "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service 'gmail.googleapis.com'"

DAILY = [
    (403, "dailyLimitExceeded", "Daily Limit Exceeded"),
    (429, "dailyLimitExceeded", "Daily Limit Exceeded"),
    (403, "dailyLimitExceededUnreg", "Daily Limit for Unauthenticated Use Exceeded."),
    (403, "rateLimitExceeded", PER_DAY),
    (429, "rateLimitExceeded", PER_DAY),
    (429, "rateLimitExceeded", "Daily user sending limit exceeded."),
]


@pytest.mark.parametrize("status, reason, message", DAILY)
def test_a_daily_quota_is_rate_limited_and_not_retried(status, reason, message):
    answer = refusal(status, message, reason, "usageLimits")
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        data = host.failure("list_labels", LABELS)
        assert (data["kind"], data["retryable"], data["outcome"]) == ("rate_limited", False, "not_applied")
        assert (data["status_code"], data["message"]) == (status, message)
        assert "next day" in data["remedy"]
        assert len(google.calls) == 1


def test_a_daily_quota_pauses_nothing_of_its_own():
    first = refusal(403, "Daily Limit Exceeded", "dailyLimitExceeded")
    with Google(in_turn(first, reply(200, {"labels": []}))) as google, Host(google.connection()) as host:
        assert host.failure("list_labels", LABELS)["kind"] == "rate_limited"
        assert host.result("list_labels", LABELS, timeout_ms=5_000)["return_data"] == "Successful"


def test_other_texts_with_a_day_in_them_are_no_quota():
    answer = refusal(403, "Not allowed: the policy permits one change per day", "forbidden")
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        assert host.failure("list_labels", LABELS)["kind"] == "permission"


@pytest.mark.parametrize("days", [1, 400, 2_800_000])
def test_a_time_in_the_message_that_is_days_ahead_counts_as_an_hour(days):
    try:
        instant = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    except OverflowError:
        instant = datetime.datetime(9999, 12, 31, 23, 59, 59)
    message = f"User-rate limit exceeded.  Retry after {instant:%Y-%m-%dT%H:%M:%S}.000Z"
    answer = refusal(429, message, "rateLimitExceeded")
    with Google(lambda request: answer) as google, Host(google.connection()) as host:
        data = host.failure("list_labels", LABELS, timeout_ms=5_000)
        assert data["retry_after_ms"] == HOUR and data["retryable"] is True
        assert "counts as an hour" in data["message"]
        assert len(google.calls) == 1
