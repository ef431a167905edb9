"""Batches that Google refuses in part for their rate: smaller ones, with the refused calls only."""

import threading

import pytest
from Support.programmed_google import (
    ANNA, BATCH, BatchingGoogle, Google, batch_reply, batched, message, message_id, refusal)
from Support.sandbox import Sandbox
from Support.session import Host
from Support.workspace import SOC, Workspace

RATE = refusal(429, "Too many concurrent requests for user", "rateLimitExceeded", headers=[("Retry-After", "0")])
FORMS = [
    RATE,
    refusal(403, "Rate Limit Exceeded", "rateLimitExceeded", "usageLimits", headers=[("Retry-After", "0")]),
    refusal(403, "User Rate Limit Exceeded", "userRateLimitExceeded", "usageLimits", headers=[("Retry-After", "0")]),
]


def ids(count):
    return [f"{0x18f0 + number:016x}" for number in range(count)]


class Narrow(Google):
    """Answers so many calls of a batch, and refuses the others."""

    def __init__(self, room, trouble=RATE):
        self.room, self.trouble = room, trouble
        self.sizes, self.singles, self.answered = [], [], []
        super().__init__(self.answer_call)

    def answer_call(self, request):
        if request.path != BATCH:
            self.singles.append(message_id(request.target))
            return message(request.target)
        calls = batched(request)
        with self.lock:
            self.sizes.append(len(calls))
            self.answered += [message_id(target) for _, _, target in calls[: self.room]]
        return batch_reply([
            (id, message(target) if place < self.room else self.trouble)
            for place, (id, _, target) in enumerate(calls)])


@pytest.mark.parametrize("command", ["get_email", "trash_emails"])
@pytest.mark.parametrize("trouble", FORMS, ids=["429", "403", "403 user"])
def test_only_refused_calls_are_repeated_in_smaller_batches(command, trouble):
    names = ids(60)
    with Narrow(12, trouble) as google, Host(google.connection()) as host:
        result = host.result(command, {"user_email": ANNA, "message_ids": names})
        assert [body["id"] for body in result["raw_data"]] == names and "errors" not in result
        # The first two begin before anything is refused. Later ones are smaller.
        assert google.sizes[:2] == [25, 25] and max(google.sizes[3:]) < 25
        # A rest of fewer than six is sent individually.
        assert len(google.singles) < 6
        assert sorted(google.answered + google.singles) == names


def test_a_batch_that_is_refused_whole_does_not_end_the_batches():
    names = ids(50)
    refused = set(names[:25])
    with BatchingGoogle(lambda id, times: RATE if id in refused and times == 0 else None) as google:
        with Host(google.connection()) as host:
            result = host.result("get_email", {"user_email": ANNA, "message_ids": names})
        assert [body["id"] for body in result["raw_data"]] == names
        # A rest of fewer than six is sent individually.
        assert len(google.singles) < 6
        repeated = [message_id(target) for batch in google.batches for _, _, target in batched(batch)]
        assert sorted(repeated + google.singles) == sorted(names + names[:25])


def test_calls_that_are_always_refused_fail_with_their_own_errors():
    waiting = refusal(429, "Too many", "rateLimitExceeded", headers=[("Retry-After", "900")])
    with BatchingGoogle(lambda id, times: waiting) as google, Host(google.connection()) as host:
        error = host.failure("get_email", {"user_email": ANNA, "message_ids": ids(60)}, timeout_ms=20_000)
        assert (error["kind"], error["retryable"]) == ("rate_limited", True) and error["retry_after_ms"] > 800_000
        # Nothing is sent while Google asks to wait.
        assert len(google.batches) <= 2 and google.singles == []


def test_batches_have_the_whole_size_while_google_answers_all():
    together, most, lock = 0, 0, threading.Lock()

    def answer(request):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        answers = batch_reply([(id, message(target)) for id, _, target in batched(request)])
        with lock:
            together -= 1
        return answers

    with Google(answer) as google, Host(google.connection()) as host:
        result = host.result("get_email", {"user_email": ANNA, "message_ids": ids(400)})
        assert len(result["raw_data"]) == 400
        assert [len(batched(call)) for call in google.calls] == [25] * 16 and most <= 4


@pytest.mark.parametrize("fault", ["gmail: 429 rateLimitExceeded first 20", "gmail: 403 userRateLimitExceeded every 4"])
def test_all_messages_of_the_emulated_mailbox_are_read(fault):
    with Sandbox() as sandbox, Host(Workspace(sandbox.base).service) as host:
        found = host.result("search_emails", {"user_email": SOC, "limit": 40})["raw_data"]["messages"]
        names = [one["id"] for one in found]
        # Of the calls, not of the batches.
        sandbox.faults(f"{fault} retry-after 1 on GET /gmail/v1/users/{SOC}/messages/*")
        result = host.result("get_email", {"user_email": SOC, "message_ids": names}, timeout_ms=60_000)
        assert [body["id"] for body in result["raw_data"]] == names and "errors" not in result
        assert result["meta"]["requests"] < 40
