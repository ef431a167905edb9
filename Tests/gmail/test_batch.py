"""Many messages: Google's batch endpoint, and individual retries of unresolved calls."""

import pytest
from Support.programmed_google import (
    ANNA, BATCH, BOX, MAIL, BatchingGoogle, Google, batch_reply, batched, bearer, message, refusal)
from Support.session import Host
from Support.upstream import Reply, raw, reply, reset


def ids(count):
    return [f"{0x18f0 + number:016x}" for number in range(count)]


def read(host, names, **options):
    return host.result("get_email", {"user_email": ANNA, "message_ids": names}, **options)


def test_many_messages_are_batched_by_25_and_returned_in_order():
    with BatchingGoogle() as google, Host(google.connection()) as host:
        names = ids(60)
        result = read(host, names)
        assert result["return_data"] == "Successful"
        assert [body["id"] for body in result["raw_data"]] == names
        assert [t["target"] for t in result["targets"]] == names
        assert google.singles == [] and result["meta"]["requests"] == 3
        assert sorted(len(batched(b)) for b in google.batches) == [10, 25, 25]
        for batch in google.batches:
            assert bearer(batch)[1:] == (ANNA, MAIL)
            for _, method, target in batched(batch):
                assert method == "GET" and target.endswith("?format=full")


@pytest.mark.parametrize("form", [{"quoted": True}, {"lengths": False}, {"boundary": "b=1'()+_,-./:?"}])
def test_other_response_formats_are_parsed(form):
    with BatchingGoogle(**form) as google, Host(google.connection()) as host:
        assert [body["id"] for body in read(host, ids(7))["raw_data"]] == ids(7)
        assert len(google.batches) == 1 and google.singles == []


def test_few_messages_are_requested_individually():
    with BatchingGoogle() as google, Host(google.connection()) as host:
        read(host, ids(5))
        assert google.batches == [] and sorted(google.singles) == ids(5)


@pytest.mark.parametrize("requests, sizes", [(1_000, [25, 5]), (10, [10, 10, 10]), (16, [16, 14])])
def test_a_batch_counts_as_its_calls(requests, sizes):
    seconds = 1
    limits = {"default": {"requests": requests, "per_seconds": seconds}}
    with BatchingGoogle() as google, Host(google.connection(rate_limits=limits)) as host:
        read(host, ids(30))
        assert google.singles == []
        # In each window of the limit, however it is placed.
        sent = [(request.at, len(batched(request))) for request in google.batches]
    assert sorted((count for _, count in sent), reverse=True) == sizes
    # Requests do not arrive as evenly as they are sent.
    shortest = 0.7 * seconds
    for start, _ in sent:
        assert sum(count for at, count in sent if start <= at < start + shortest) <= requests


def test_a_limit_that_allows_few_calls_at_once_leaves_no_batches():
    limits = {"default": {"requests": 5, "per_seconds": 0.1}}
    with BatchingGoogle() as google, Host(google.connection(rate_limits=limits)) as host:
        read(host, ids(12))
        assert google.batches == [] and sorted(google.singles) == ids(12)


def test_a_dry_run_shows_the_batches():
    with BatchingGoogle() as google, Host(google.connection()) as host:
        requests = read(host, ids(30), dry_run=True)["requests"]
        assert [(r["method"], r["url"]) for r in requests] == [("POST", google.url + BATCH)] * 2
        assert requests[0]["body"].count(BOX) == 25 and requests[1]["body"].count(BOX) == 5
        assert google.requests == []


def test_each_message_has_its_own_outcome():
    names = ids(8)
    errors = {
        names[1]: refusal(404, "Requested entity was not found.", "notFound"),
        names[4]: refusal(400, "Invalid id value", "invalidArgument")}
    with BatchingGoogle(lambda id, times: errors.get(id)) as google, Host(google.connection()) as host:
        result = read(host, names)
        assert result["return_data"] == "Partially Successful"
        assert [b["id"] for b in result["raw_data"]] == [n for n in names if n not in errors]
        assert [(e["target"], e["status_code"], e["kind"]) for e in result["errors"]] == [
            (names[1], 404, "not_found"), (names[4], 400, "upstream")]
        # Errors of a message are not retried.
        assert google.singles == []


RATE = refusal(429, "Too many concurrent requests for user", "rateLimitExceeded", headers=[("Retry-After", "0")])


@pytest.mark.parametrize("trouble", [
    RATE,
    refusal(403, "User Rate Limit Exceeded", "userRateLimitExceeded", "usageLimits"),
    refusal(401, "Invalid Credentials", "authError"),
    refusal(503, "Backend Error", "backendError"),
    reply(200, "<html>"),
])
def test_calls_that_failed_in_a_batch_are_retried_individually(trouble):
    names = ids(30)
    unlucky = {names[0], names[7], names[29]}
    with BatchingGoogle(lambda id, times: trouble if id in unlucky and times == 0 else None) as google:
        with Host(google.connection()) as host:
            assert [body["id"] for body in read(host, names)["raw_data"]] == names
        assert sorted(google.singles) == sorted(unlucky) and len(google.batches) == 2


def test_longest_retry_after_in_a_batch_delays_its_retries():
    names = ids(8)
    waits = {names[1]: "0", names[5]: "900", names[6]: "600"}
    with BatchingGoogle(lambda id, times: refusal(
            403, "User Rate Limit Exceeded", "userRateLimitExceeded", headers=[("Retry-After", waits[id])])
            if id in waits else None) as google:
        with Host(google.connection()) as host:
            result = read(host, names, timeout_ms=20_000)
        assert [(e["target"], e["kind"]) for e in result["errors"]] == [(name, "rate_limited") for name in waits]
        assert all(error["retry_after_ms"] > 800_000 for error in result["errors"])
        assert google.singles == [] and len(google.batches) == 1


def test_messages_without_a_response_are_retried():
    names = ids(8)
    with BatchingGoogle() as google:

        def answer(request):
            if request.path != BATCH:
                return message(request.target)
            answers = [(id, message(target)) for id, _, target in batched(request)]
            return batch_reply(answers[:3] + [("<99>", answers[3][1]), ("nothing", answers[4][1])])

        google.answer_signed_in = answer
        with Host(google.connection()) as host:
            assert [body["id"] for body in read(host, names)["raw_data"]] == names
        assert sorted(google.singles) == names[3:]


@pytest.mark.parametrize("answer", [
    lambda: reply(404, "Not Found"),
    lambda: refusal(400, "Failed to parse batch request.", "badRequest"),
    lambda: reply(200, {"id": "x"}),
    lambda: reply(200, b"", [("Content-Type", "multipart/mixed")]),
    lambda: reply(200, b"--b\r\n\r\n--b", [("Content-Type", "multipart/mixed; boundary=b")]),
    lambda: raw(b"garbage\r\n\r\n"),
], ids=["404", "400", "json", "no boundary", "no parts", "garbage"])
def test_messages_are_requested_individually_without_a_batch_endpoint(answer):
    names = ids(60)
    with Google(lambda request: answer() if request.path == BATCH else message(request.target)) as google:
        with Host(google.connection()) as host:
            assert [body["id"] for body in read(host, names)["raw_data"]] == names
        assert len({r.path for r in google.calls if r.path != BATCH}) == 60


def test_a_truncated_response_loses_no_message():
    names = ids(8)
    with Google() as google:

        def answer(request):
            if request.path != BATCH:
                return message(request.target)
            whole = batch_reply([(id, message(target)) for id, _, target in batched(request)], lengths=True)
            return reply(200, whole.body[: len(whole.body) // 2], whole.headers)

        google.answer_signed_in = answer
        with Host(google.connection()) as host:
            assert [body["id"] for body in read(host, names)["raw_data"]] == names


@pytest.mark.parametrize("length", ["-5", "-9223372036854775808", "9223372036854775807", "99999999999999999999"])
def test_a_part_with_an_invalid_length_is_ignored(length):
    names = ids(8)
    with Google() as google:

        def answer(request):
            if request.path != BATCH:
                return message(request.target)
            return batch_reply([
                (id, Reply(200, message(target).body, [("Content-Length", length)]))
                for id, _, target in batched(request)], lengths=False)

        google.answer_signed_in = answer
        with Host(google.connection()) as host:
            assert [body["id"] for body in read(host, names)["raw_data"]] == names


def test_refused_credentials_stop_all_requests():
    with Google(lambda request: refusal(401, "Invalid Credentials", "authError")) as google:
        with Host(google.connection()) as host:
            data = host.failure("get_email", {"user_email": ANNA, "message_ids": ids(60)})
        assert (data["kind"], data["status_code"]) == ("auth", 401)
        assert len(data["targets"]) == 60
        # Those in flight at once, not all 60.
        assert len(google.calls) < 60


def test_items_are_streamed_per_batch():
    names = ids(30)
    with BatchingGoogle(lambda id, times: RATE if id == names[2] and times == 0 else None) as google:
        with Host(google.connection()) as host:
            number = host.start("get_email", {"user_email": ANNA, "message_ids": names}, stream=True)
            answer, _ = host.wait(number)
            assert answer["result"]["meta"]["items"] == 30 and "raw_data" not in answer["result"]
            items = [n["item"] for n in host.notifications("invoke/item", number)]
            assert sorted(item["target"] for item in items) == names
            assert all(item["data"]["id"] == item["target"] for item in items)
            assert items[-1]["target"] == names[2]
            progress = host.notifications("invoke/progress", number)
            assert progress[-1]["done"] == progress[-1]["total"] == 30


def test_broken_connection_is_retried():
    first = []

    def answer(request):
        if request.path == BATCH and not first:
            first.append(request)
            return reset
        return google.answer_call(request)

    with BatchingGoogle() as google:
        google.answer_signed_in = answer
        with Host(google.connection()) as host:
            read(host, ids(10))
        assert len([request for request in google.requests if request.path == BATCH]) == 2
        assert google.singles == []


def test_secrets_in_an_inner_error_are_redacted():
    def inner(id, times):
        return refusal(400, f"bad token {google.token_now}", "invalidArgument")

    with BatchingGoogle(inner) as google:
        answer_call = google.answer_call

        def answer(request):
            google.token_now = request.header("Authorization").split(" ")[1]
            return answer_call(request)

        google.answer_signed_in = answer
        with Host(google.connection()) as host:
            data = host.failure("get_email", {"user_email": ANNA, "message_ids": ids(6)})
            assert data["message"] == "bad token [redacted]"
            assert google.token_now.encode() not in host.everything()
