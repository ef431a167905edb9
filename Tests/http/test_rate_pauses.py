"""How long a vendor's refusal pauses a connection at most, and `limits/reset`."""

import json
import pathlib
import tempfile

import pytest
from Support.host import Process, eventually
from Support.session import Host, connection
from Support.upstream import SCANNERS, Tenant, in_turn, reply

HOUR = 3_600_000
NOTE = "The vendor asks for a wait of more than an hour, which counts as an hour."


def busy(retry_after, body=None):
    return reply(429, body, [("Retry-After", retry_after)])


FAR = ["3601", "86400", "99999999999999999999", "9" * 400, "1" + "0" * 300 + ".5",
       "Fri, 31 Dec 9999 23:59:59 GMT", "Friday, 31-Dec-76 23:59:59 GMT"]


@pytest.mark.parametrize("value", FAR, ids=lambda value: value[:24])
def test_a_retry_after_beyond_an_hour_counts_as_an_hour_and_the_error_says_so(value):
    with Tenant(lambda request: busy(value)) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners", timeout_ms=5_000)
        assert (error["kind"], error["retryable"]) == ("rate_limited", True)
        assert error["retry_after_ms"] == HOUR
        assert error["message"] == f"Too Many Requests. {NOTE}"
        again = host.failure("list_scanners", timeout_ms=5_000)
        assert 0 < again["retry_after_ms"] <= HOUR
        assert len(tenant.calls) == 1


@pytest.mark.parametrize("value", ["-1", "-99999999999999999999", "1e99", "0x7fffffff", "nan", "∞",
                                   "18446744073709551616 1", "Sun, 06 Nov 1994 08:49:37 GMT",
                                   "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"])
def test_a_retry_after_without_a_sensible_time_pauses_for_a_moment(value):
    odd = reply(429, None)
    odd.headers.append(("Retry-After", value.encode().decode("latin-1")))
    with Tenant(in_turn(odd, reply(200, []))) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["meta"]["retries"] == 1


def test_a_503_with_a_far_retry_after_is_answered_at_once():
    far = reply(503, None, [("Retry-After", "99999999999999999999")])
    with Tenant(lambda request: far) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners")
        assert error["status_code"] == 503 and error["retry_after_ms"] == HOUR
        assert error["message"] == f"Service Unavailable. {NOTE}"


def test_a_wait_of_more_than_an_hour_fails_fast_without_a_deadline():
    limits = {"list_scanners": {"requests": 1, "per_seconds": 7_200}}
    with Tenant() as tenant, Host(connection(tenant.url, rate_limits=limits)) as host:
        host.result("list_scanners")
        for options in ({}, {"timeout_ms": 86_400_000}):
            error = host.failure("list_scanners", **options)
            assert (error["kind"], error["status_code"]) == ("rate_limited", 429)
            assert HOUR < error["retry_after_ms"] <= 2 * HOUR + 250
            assert error["message"].endswith("ms, and a wait lasts an hour at most.")
            assert error["remedy"] == "Try again then."


def test_a_wait_of_less_than_an_hour_is_still_waited_for():
    with Tenant(in_turn(busy("3000"))) as tenant, Host(connection(tenant.url)) as host:
        number = host.start("list_scanners", stream=True)
        assert host.seen("invoke/waiting", number)["reason"] == "rate_limited"
        host.call("cancel", {"id": number})
        assert host.wait(number)[0]["error"]["code"] == -32800


# limits/reset

LIMITED = {"default": {"requests": 100, "per_seconds": 1}}


@pytest.mark.parametrize("limits", [{}, LIMITED], ids=["without a limit", "with a limit"])
def test_reset_ends_a_pause(limits):
    with Tenant(in_turn(busy("3000"), reply(200, []))) as tenant:
        with Host(connection(tenant.url, rate_limits=limits)) as host:
            assert host.failure("list_scanners", timeout_ms=5_000)["kind"] == "rate_limited"
            assert host.failure("list_scanners", timeout_ms=5_000)["kind"] == "rate_limited"
            assert host.call("limits/reset", {"connection": "main"}) == {
                "connection": "main", "lifted": 1}
            assert host.call("limits/reset", {"connection": "main"})["lifted"] == 0
            assert host.result("list_scanners", timeout_ms=5_000)["return_data"] == "Successful"


@pytest.mark.parametrize("limits", [{}, LIMITED], ids=["without a limit", "with a limit"])
def test_reset_wakes_the_calls_that_wait_even_if_they_fill_the_window(limits):
    with Tenant(in_turn(busy("3000"), reply(200, []))) as tenant:
        with Host(connection(tenant.url, rate_limits=limits), options=["--max-in-flight", "4"]) as host:
            calls = []
            for _ in range(3):
                calls.append(host.start("list_scanners", stream=True))
                host.seen("invoke/waiting", calls[-1])
            # The calls do not end before the pause, an hour from now, without it.
            assert host.call("limits/reset", {"connection": "main"})["lifted"] == 1
            for number in calls:
                assert "result" in host.wait(number)[0]
            assert len(tenant.to(SCANNERS)) == 1 + len(calls)


def test_reset_keeps_the_documented_limit():
    limits = {"list_scanners": {"requests": 2, "per_seconds": 3_000}}
    with Tenant(in_turn(busy("2000"), reply(200, []))) as tenant:
        with Host(connection(tenant.url, rate_limits=limits)) as host:
            assert host.failure("list_scanners", timeout_ms=5_000)["kind"] == "rate_limited"
            host.call("limits/reset", {"connection": "main"})
            host.result("list_scanners", timeout_ms=5_000)
            assert host.failure("list_scanners", timeout_ms=5_000)["kind"] == "rate_limited"
            assert len(tenant.calls) == 2


def test_reset_ends_the_pause_of_a_sign_in():
    ready = []

    def login(request, number):
        return reply(200, Tenant.tokens(number)) if ready else busy("3000")

    with Tenant(login=login) as tenant, Host(connection(tenant.url)) as host:
        assert host.failure("list_scanners", timeout_ms=5_000)["kind"] == "rate_limited"
        ready.append(True)
        assert host.failure("list_scanners", timeout_ms=5_000)["kind"] == "rate_limited"
        assert host.call("limits/reset", {"connection": "main"})["lifted"] == 1
        # The sign-in that was refused may still be ending.
        eventually(lambda: "result" in host.answer("list_scanners", timeout_ms=5_000), "a sign-in")


def test_reset_of_an_unknown_connection_is_refused_with_a_suggestion():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        message, _ = host.wait(host.request("limits/reset", {"connection": "mian"}))
        assert message["error"]["code"] == -32602
        assert message["error"]["data"]["problems"][0]["did_you_mean"] == "main"
        message, _ = host.wait(host.request("limits/reset"))
        assert message["error"]["code"] == -32602


def test_a_notification_of_reset_is_not_answered_and_works():
    with Tenant(in_turn(busy("3000"), reply(200, []))) as tenant, Host(connection(tenant.url)) as host:
        host.failure("list_scanners", timeout_ms=5_000)
        host.send({"jsonrpc": "2.0", "method": "limits/reset", "params": {"connection": "main"}})
        eventually(
            lambda: host.call("limits")["connections"]["main"] == [], "the pause is over")
        host.result("list_scanners", timeout_ms=5_000)
        assert len(host.answers) == host.next_id - 1


def test_many_resets_with_unread_answers_hold_little_memory():
    lines = b"".join(
        b'{"jsonrpc":"2.0","id":%d,"method":"limits/reset","params":{"connection":"main"}}\n' % number
        for number in range(200_000))
    with Tenant() as tenant:
        file = json.dumps({"connections": {"main": connection(tenant.url)}})
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "connections.json"
            path.write_text(file)
            with Process("serve", "--connections", str(path), reads_output=False) as process:
                assert process.offer(lines, timeout=3) > 0, "the host reads on"
                assert process.peak_memory_bytes < 128 << 20


def test_resets_one_after_the_other_never_run_out():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        for _ in range(100):
            assert host.call("limits/reset", {"connection": "main"})["lifted"] == 0
