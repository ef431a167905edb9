"""Which requests are retried, seen from the vendor; waits, rate limits and their metadata."""

import datetime
import email.utils
import threading
import time

import pytest
from Support.pacing import CLOCK_GRAIN, assert_paced
from Support.session import Host, connection
from Support.upstream import (
    LOGIN,
    RESCAN,
    SCANNERS,
    TARGET,
    Tenant,
    hang_up,
    in_turn,
    raw,
    reply,
    reset,
    silent,
)
from Support.vendor import GatedVendor

READ = ("list_scanners", {}, SCANNERS)
REPEATABLE = ("update_target_scan_scope", {"target_id": 77, "scope": "out"}, TARGET)
WRITE = ("patch_rescan", {}, RESCAN)
SAFE = [READ, REPEATABLE]
EVERY = [READ, REPEATABLE, WRITE]


def by_name(cases):
    return pytest.mark.parametrize("case", cases, ids=[case[0] for case in cases])


def closing_login(request, number):
    """The connection is not kept, so that libcurl repeats no read by itself."""
    return reply(200, Tenant.tokens(number), close=True)


def gap(requests):
    """Seconds between the last two requests."""
    return requests[-1].at - requests[-2].at


# Refused for now


@by_name(EVERY)
def test_429_is_retried_after_the_seconds_in_retry_after(case):
    command, arguments, path = case
    busy = reply(429, {"detail": "Request was throttled."}, [("Retry-After", "1")])
    with Tenant(in_turn(busy, reply(200, [1]))) as tenant, Host(connection(tenant.url)) as host:
        meta = host.result(command, arguments)["meta"]
        assert len(tenant.to(path)) == 2
        assert gap(tenant.to(path)) >= 1 - CLOCK_GRAIN
        assert (meta["requests"], meta["retries"]) == (2, 1)
        assert meta["waited_ms"] >= 1_000 and meta["duration_ms"] >= meta["waited_ms"]


@by_name(EVERY)
def test_429_is_retried_after_the_date_in_retry_after(case):
    command, arguments, path = case
    dates = []

    def answer(request):
        if dates:
            return reply(200, [1])
        # Two seconds on from the start of this one: at least one second to wait.
        dates.append(int(time.time()) + 2)
        return reply(429, None, [("Retry-After", email.utils.formatdate(dates[0], usegmt=True))])

    arrived = []
    with Tenant(lambda r: (arrived.append(time.time()), answer(r))[1]) as tenant:
        with Host(connection(tenant.url)) as host:
            assert host.result(command, arguments)["meta"]["retries"] == 1
            assert len(tenant.to(path)) == 2
            assert arrived[1] >= dates[0] - CLOCK_GRAIN


@pytest.mark.parametrize("value", ["soon", "", "-5", "Sun, 99 Foo 2026 00:00:00 GMT", None, "0",
                                   "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_retry_after_that_says_nothing_is_no_fault(value):
    headers = [] if value is None else [("Retry-After", value)]
    with Tenant(in_turn(reply(429, None, headers), reply(200, [1]))) as tenant:
        with Host(connection(tenant.url)) as host:
            assert host.result("list_scanners")["meta"]["retries"] == 1


@by_name(EVERY)
@pytest.mark.parametrize("when", [
    "1200",
    email.utils.format_datetime(
        datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1), usegmt=True
    ),
], ids=["seconds", "date"])
def test_a_wait_beyond_the_deadline_is_answered_at_once(case, when):
    command, arguments, path = case
    busy = reply(429, {"detail": "Request was throttled."}, [("Retry-After", when)])
    with Tenant(lambda request: busy) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure(command, arguments, timeout_ms=600_000)
        assert (error["kind"], error["status_code"]) == ("rate_limited", 429)
        assert error["message"] == "Too Many Requests."
        assert error["retryable"] is True and error["outcome"] == "not_applied"
        assert error["retry_after_ms"] >= 600_000
        assert error["upstream"] == {"detail": "Request was throttled."}
        assert len(tenant.to(path)) == 1
        # No request is sent before the time that the vendor named.
        again = host.failure(command, arguments, timeout_ms=2_000)
        assert again["kind"] == "rate_limited" and 0 < again["retry_after_ms"] <= 3_600_250
        assert len(tenant.to(path)) == 1


@pytest.mark.parametrize("limits", [{}, {"default": {"requests": 100, "per_seconds": 1}}],
                         ids=["without a limit", "with a limit"])
def test_429_without_retry_after_delays_every_call_of_the_bucket(limits):
    with Tenant(in_turn(reply(429), reply(429), reply(200, []))) as tenant:
        one = connection(tenant.url, rate_limits=limits, max_concurrency=1)
        with Host(one) as host:
            started = [host.start("list_scanners") for _ in range(4)]
            metas = [host.wait(number)[0]["result"]["meta"] for number in started]
            times = [request.at for request in tenant.to(SCANNERS)]
        assert len(times) == 6
        # The first pause is a second, the next one two; then all go on.
        assert times[1] - times[0] >= 1 - CLOCK_GRAIN
        assert times[2] - times[1] >= 2 - CLOCK_GRAIN
        assert sum(meta["retries"] for meta in metas) == 2


def test_a_429_that_names_no_time_is_answered_at_once_when_the_pause_does_not_fit():
    with Tenant(lambda request: reply(429)) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("patch_rescan", timeout_ms=900)
        assert (error["kind"], error["outcome"]) == ("rate_limited", "not_applied")
        assert len(tenant.to(RESCAN)) == 1


def test_a_vendor_that_stays_busy_is_given_up_after_four_attempts():
    busy = reply(429, None, [("Retry-After", "0")])
    with Tenant(lambda request: busy) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("patch_rescan")
        assert (error["kind"], error["outcome"]) == ("rate_limited", "not_applied")
        assert len(tenant.calls) == 4


# Unclear whether the vendor acted

STATUSES = [500, 502, 503, 504]
UNCLEAR = {
    **{str(status): reply(status, "<html>no</html>") for status in STATUSES},
    "503 with Retry-After": reply(503, None, [("Retry-After", "0")]),
    "reset": reset,
    "end": hang_up,
    "end in the head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "end in the body": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
}


@by_name(SAFE)
@pytest.mark.parametrize("what", UNCLEAR)
def test_repeatable_request_is_retried_after_an_unclear_failure(case, what):
    command, arguments, path = case
    with Tenant(in_turn(UNCLEAR[what], reply(200, [1])), login=closing_login) as tenant:
        with Host(connection(tenant.url)) as host:
            meta = host.result(command, arguments)["meta"]
            assert (meta["requests"], meta["retries"]) == (2, 1)
            assert len(tenant.to(path)) == 2


@pytest.mark.parametrize("what", UNCLEAR)
def test_write_is_not_retried_after_an_unclear_failure(what):
    with Tenant(lambda request: UNCLEAR[what]) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("patch_rescan")
        assert error["outcome"] == "unknown"
        assert "list_scanners" in error["remedy"]
        assert error["failure_indicator"] == "Patch Rescan failed."
        if what[:3].isdigit():
            assert error["status_code"] == int(what[:3])
        else:
            assert (error["kind"], error["status_code"]) == ("network", 502)
        assert len(tenant.to(RESCAN)) == 1


@pytest.mark.parametrize("what", ["end", "reset", "end in the head"])
def test_a_kept_connection_that_dies_does_not_double_a_write(what):
    """The connection serves a read, is kept, and ends after it has read the next request."""
    with Tenant(lambda r: UNCLEAR[what] if r.method == "PATCH" else reply(200, [])) as tenant:
        with Host(connection(tenant.url)) as host:
            host.result("list_scanners")
            host.result("list_scanners")
            assert host.failure("patch_rescan")["outcome"] == "unknown"
            host.result("list_scanners")
            assert len(tenant.to(RESCAN)) == 1


def test_a_write_that_got_no_answer_in_time_has_an_unknown_outcome():
    with Tenant(lambda request: silent) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("patch_rescan", timeout_ms=1_500)
        assert (error["kind"], error["status_code"], error["outcome"]) == (
            "timeout", 504, "unknown",
        )
        assert "list_scanners" in error["remedy"]
        assert len(tenant.to(RESCAN)) == 1


def test_unknown_outcome_stays_unknown_after_a_new_sign_in():
    """A 503 may have been applied; neither the 401 nor the refusal after it takes that back."""
    answers = in_turn(reply(503, None), reply(401, None), reply(400, {"scope": ["no"]}))
    with Tenant(answers) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("update_target_scan_scope", REPEATABLE[1])
        assert (error["status_code"], error["outcome"]) == (400, "unknown")
        assert "list_scan_surfaces" in error["remedy"]
        assert len(tenant.to(TARGET)) == 3


def test_a_write_whose_answer_is_no_json_has_an_unknown_outcome():
    with Tenant(lambda request: reply(200, "<html>")) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("patch_rescan")
        assert error["outcome"] == "unknown" and "list_scanners" in error["remedy"]
        assert len(tenant.to(RESCAN)) == 1


@pytest.mark.parametrize("then, kind", [
    ("refused", "network"),
    ("429", "rate_limited"),
    ("cancelled", "cancelled"),
])
def test_unknown_outcome_of_one_attempt_stays_unknown(then, kind):
    """The first attempt may have been applied; that a later one was not says nothing about it."""
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        later = {
            "refused": lambda: tenant.close(),
            "429": lambda: None,
            "cancelled": lambda: None,
        }[then]

        def answer(request):
            if request.method != "PATCH":
                return reply(200, [])
            if len(tenant.to(TARGET)) > 1:
                return reply(429, None, [("Retry-After", "600")])
            if then == "cancelled":
                return reply(503, None, [("Retry-After", "20")])
            later()
            return reset

        tenant.answer_signed_in = answer
        host.result("list_scanners")
        number = host.start(
            "update_target_scan_scope", REPEATABLE[1], stream=True,
            timeout_ms=900 if then == "refused" else 30_000,
        )
        if then == "cancelled":
            host.seen("invoke/waiting", number)
            host.request("cancel", {"id": number})
        error = host.wait(number)[0]["error"]["data"]
        assert error["kind"] == kind, error
        assert error["outcome"] == "unknown", error
        assert "list_scan_surfaces" in error["remedy"]


@by_name(EVERY)
@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 406, 409, 418, 501])
def test_refused_request_is_not_retried(case, status):
    command, arguments, path = case
    with Tenant(lambda request: reply(status, {"detail": "no"})) as tenant:
        with Host(connection(tenant.url)) as host:
            error = host.failure(command, arguments)
            assert error["status_code"] == status
            assert len(tenant.to(path)) == 1


@by_name(EVERY)
def test_connect_failure_is_retried_for_every_command(case):
    command, arguments, path = case
    with Tenant(login=closing_login) as tenant, Host(connection(tenant.url)) as host:
        host.result("list_tenants")
        # The listener is gone; another one comes back at its place after the first attempt.
        port = tenant.port
        tenant.close()
        for other in tenant.connections:
            assert other.closed.wait(10)
        number = host.start(command, arguments, stream=True)
        host.seen("invoke/waiting", number)
        with Tenant(port=port) as back:
            meta = host.wait(number)[0]["result"]["meta"]
            assert meta["retries"] >= 1
            assert len(back.to(path)) == 1


def test_back_off_ends_at_the_deadline():
    with Tenant(lambda request: reply(503)) as tenant, Host(connection(tenant.url)) as host:
        host.answer("list_tenants", timeout_ms=1)
        number = host.start("list_scanners", timeout_ms=300)
        error = host.wait(number)[0]["error"]["data"]
        assert error["status_code"] in (503, 504)
        assert len(tenant.to(SCANNERS)) <= 2


# Reports to the caller


def test_streaming_call_reports_every_wait():
    busy = reply(429, None, [("Retry-After", "1")])
    with Tenant(in_turn(busy, reply(503), reply(200, [{"id": 1}]))) as tenant:
        with Host(connection(tenant.url)) as host:
            before = time.time()
            number = host.start("list_scanners", stream=True)
            first = host.seen("invoke/waiting", number)
            resume = datetime.datetime.fromisoformat(first["resume_at"].replace("Z", "+00:00"))
            assert before <= resume.timestamp() <= time.time() + 2
            assert first["id"] == number
            result = host.wait(number)[0]["result"]
            assert result["meta"]["retries"] == 2 and result["meta"]["items"] == 1
            assert len(host.notifications("invoke/waiting", number)) >= 2
            assert host.notifications("invoke/item", number)[0]["item"] == {"id": 1}


def test_call_without_streaming_reports_nothing_before_its_response():
    with Tenant(in_turn(reply(503), reply(200, []))) as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners")
        assert host.messages == []


# Rate limits


def limited(tenant, **limits):
    return connection(tenant.url, rate_limits={
        name: {"requests": requests, "per_seconds": seconds}
        for name, (requests, seconds) in limits.items()
    })


def test_default_limit_applies_to_all_commands_together():
    with Tenant() as tenant, Host(limited(tenant, default=(5, 1))) as host:
        begin = time.monotonic()
        commands = ["list_scanners", "list_devices", "list_scan_surfaces", "patch_rescan"]
        started = [host.start(commands[number % 4]) for number in range(16)]
        metas = [host.wait(number)[0]["result"]["meta"] for number in started]
        assert len(tenant.requests) == 17
        assert_paced(tenant.requests, 5, 1, begin)
        assert sum(meta["waited_ms"] > 0 for meta in metas) >= 11
        assert all(meta["retries"] == 0 for meta in metas)


def test_a_limit_of_one_command_is_its_own():
    with Tenant() as tenant, Host(limited(tenant, list_scanners=(2, 0.5))) as host:
        begin = time.monotonic()
        slow = [host.start("list_scanners") for _ in range(6)]
        fast = [host.start("list_devices") for _ in range(20)]
        for number in fast:
            assert host.wait(number)[0]["result"]["meta"]["waited_ms"] == 0
        for number in slow:
            host.wait(number)
        assert_paced(tenant.to(SCANNERS), 2, 0.5, begin)


def test_retries_and_pages_count_against_the_limit():
    is_down = in_turn(None, reply(503), None)

    def answer(request):
        number = int(dict(request.query).get("page", 1))
        return is_down(request) or reply(200, {"page": number, "totalPages": 3, "items": [number]})

    with Tenant(answer) as tenant:
        with Host(limited(tenant, default=(2, 0.5))) as host:
            begin = time.monotonic()
            result = host.result("list_devices", all_pages=True)
            assert result["raw_data"]["items"] == [1, 2, 3]
            assert result["meta"]["requests"] == 4
            assert_paced(tenant.requests, 2, 0.5, begin)


def test_a_wait_for_the_limit_that_cannot_fit_fails_at_once():
    with Tenant() as tenant, Host(limited(tenant, list_scanners=(1, 3600))) as host:
        host.result("list_scanners")
        error = host.failure("list_scanners", timeout_ms=600_000)
        assert (error["kind"], error["status_code"]) == ("rate_limited", 429)
        assert 600_000 < error["retry_after_ms"] <= 3_600_250
        assert error["retryable"] is True and error["outcome"] == "not_applied"
        assert "timeout_ms" in error["remedy"]
        assert len(tenant.to(SCANNERS)) == 1
        # What did not fit has taken no place.
        (bucket,) = host.call("limits")["connections"]["main"]
        assert bucket["resume_in_ms"] <= 3_600_250


def waits(host, number):
    """Waits until an invocation waits; returns in how many seconds it goes on."""
    resume = host.seen("invoke/waiting", number)["resume_at"]
    return datetime.datetime.fromisoformat(resume.replace("Z", "+00:00")).timestamp() - time.time()


def test_call_without_a_deadline_waits_for_the_limit():
    with Tenant() as tenant, Host(limited(tenant, list_scanners=(1, 3600))) as host:
        host.result("list_scanners")
        number = host.start("list_scanners", stream=True)
        assert 3_000 < waits(host, number) <= 3_601
        assert host.seen("invoke/waiting", number)["reason"] == "rate_limited"
        host.request("cancel", {"id": number})
        error = host.wait(number)[0]["error"]
        assert (error["code"], error["data"]["outcome"]) == (-32800, "not_applied")


def test_cancelled_wait_releases_its_reservation():
    with Tenant() as tenant, Host(limited(tenant, list_scanners=(1, 3600))) as host:
        host.result("list_scanners")
        for _ in range(3):
            number = host.start("list_scanners", stream=True)
            assert waits(host, number) <= 3_601
            host.request("cancel", {"id": number})
            host.wait(number)
        (bucket,) = host.call("limits")["connections"]["main"]
        assert 3_000_000 < bucket["resume_in_ms"] <= 3_600_250
        assert bucket["shared"] is False


def test_a_wait_on_a_full_connection_is_no_timeout_when_a_limit_is_in_front():
    with Tenant() as tenant:
        one = connection(tenant.url, max_concurrency=1, rate_limits={
            "list_scanners": {"requests": 1, "per_seconds": 1}})
        with Host(one) as host:
            begin = time.monotonic()
            started = [host.start("list_scanners") for _ in range(4)]
            for number in started:
                assert "result" in host.wait(number)[0]
            assert_paced(tenant.to(SCANNERS), 1, 1, begin)


def test_a_429_that_names_a_time_is_waited_for_without_a_deadline():
    busy = reply(429, None, [("Retry-After", "600")])
    with Tenant(lambda request: busy) as tenant, Host(connection(tenant.url)) as host:
        number = host.start("list_scanners", stream=True)
        assert 500 < waits(host, number) <= 601
        host.request("cancel", {"id": number})
        assert host.wait(number)[0]["error"]["code"] == -32800


def test_a_sign_in_that_waits_for_the_limit_refuses_only_those_in_a_hurry():
    turns = iter([reply(503)])
    with Tenant(login=lambda request, n: next(turns, reply(200, Tenant.tokens(n)))) as tenant:
        with Host(limited(tenant, sign_in=(1, 4))) as host:
            patient = [host.start("list_scanners") for _ in range(3)]
            hurried = host.start("list_scanners", timeout_ms=3_000)
            tenant.wait_for(1, LOGIN)
            error = host.wait(hurried)[0]["error"]["data"]
            assert error["kind"] == "rate_limited" and 0 < error["retry_after_ms"] <= 4_250
            late = host.failure("list_scanners", timeout_ms=20)
            assert late["kind"] == "rate_limited"
            for number in patient:
                assert "result" in host.wait(number)[0]
            assert len(tenant.logins) == 2


def test_limits_show_each_bucket():
    with Tenant() as tenant:
        with Host(limited(tenant, default=(100, 60), list_scanners=(3, 60))) as host:
            host.result("list_scanners")
            host.result("list_devices")
            shown = host.call("limits")
            buckets = {b["bucket"]: b for b in shown["connections"]["main"]}
            assert buckets["default"]["requests"] == 100
            assert buckets["default"]["per_seconds"] == 60
            assert buckets["default"]["available"] == 98  # the sign-in and list_devices
            assert buckets["list_scanners"]["available"] == 2
            assert buckets["list_scanners"]["resume_in_ms"] == 0


def test_limits_show_that_a_vendor_wants_to_be_left_alone():
    busy = reply(429, None, [("Retry-After", "600")])
    with Tenant(lambda request: busy) as tenant, Host(connection(tenant.url)) as host:
        host.failure("list_scanners", timeout_ms=30_000)
        (bucket,) = host.call("limits")["connections"]["main"]
        assert bucket["bucket"] == "list_scanners" and bucket["available"] == 0
        assert 500_000 < bucket["resume_in_ms"] <= 600_000


@pytest.mark.parametrize("limits, path", [
    ({"default": {"requests": 0, "per_seconds": 1}}, "default/requests"),
    ({"default": {"requests": 5}}, "default/per_seconds"),
    ({"default": {"requests": 5, "per_seconds": -1}}, "default/per_seconds"),
    ({"default": 5}, "default"),
    ({"list_scaners": {"requests": 5, "per_seconds": 1}}, "list_scaners"),
])
def test_a_limit_that_means_nothing_is_refused(limits, path):
    with Host() as host:
        one = connection("http://127.0.0.1:9", rate_limits=limits)
        error = host.answer("list_scanners", {}, one)["error"]
        assert error["code"] == -32602, error
        assert f"/connection/rate_limits/{path}" in [p["path"] for p in error["data"]["problems"]]


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_requests_are_in_flight_than_the_connection_allows(most):
    count = 20
    with GatedVendor() as vendor, Host(vendor.connection | {"max_concurrency": most}) as host:
        started = [host.start("list_scanners") for _ in range(count)]
        for done in range(count):
            vendor.wait_for(min(count, done + most))
            # The answer to a ping leaves time for a request that should not be there.
            host.call("ping")
            vendor.release()
        for number in started:
            assert "result" in host.wait(number)[0]
        assert vendor.most_in_flight == most


def test_wait_for_a_connection_slot_ends_at_the_deadline():
    gate = threading.Event()

    def answer(request):
        gate.wait(20)
        return reply(200, [])

    with Tenant(answer) as tenant:
        with Host(connection(tenant.url, max_concurrency=1)) as host:
            first = host.start("list_scanners")
            tenant.wait_for(1, SCANNERS)
            error = host.failure("patch_rescan", timeout_ms=300)
            assert (error["kind"], error["outcome"]) == ("timeout", "not_applied")
            gate.set()
            assert "result" in host.wait(first)[0]
            assert tenant.to(RESCAN) == []


def test_sign_in_retries_like_any_read():
    turns = iter([reply(503), reply(429, None, [("Retry-After", "0")]), reset])

    def login(request, number):
        return next(turns, None) or reply(200, Tenant.tokens(number))

    with Tenant(login=login) as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners")
        assert len(tenant.to(LOGIN)) == 4 and len(tenant.calls) == 1
