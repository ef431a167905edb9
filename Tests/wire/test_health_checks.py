"""A health check is an invocation: policy, audit, limits and deadline apply to it."""

from __future__ import annotations

import json
import threading

import pytest
from Support.host import Host, eventually, request
from Support.session import connection
from Support.upstream import TENANTS, Tenant, reply, silent

#: Watches of callers, per host.
MAXIMUM_WATCHES = 256
#: Checks of callers' watches at a time, per host.
MAXIMUM_CHECKS = 32


def file_with(tmp_path, **connections) -> list[str]:
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": connections}))
    return ["--connections", str(path)]


def watch(name: str, seconds: int = 1, id: str = "watch") -> dict:
    return request(id, "health/watch", {"connection": name, "interval_seconds": seconds})


def change(host: Host) -> dict:
    """The next change of health."""
    while True:
        message = host.read()
        if message.get("method") == "health/changed":
            return message["params"]


@pytest.mark.parametrize("policy", [
    {"deny": ["test_connection"]}, {"allow": ["list_*"]}, {"deny": ["*"]}])
def test_a_watch_that_the_policy_forbids_is_refused_and_sends_nothing(policy, tmp_path):
    with Tenant() as tenant:
        with Host(*file_with(tmp_path, main=connection(tenant.url, policy=policy))) as host:
            error = host.error("health/watch", {"connection": "main", "interval_seconds": 1})
            assert error["code"] == -32000
            assert (error["data"]["kind"], error["data"]["status_code"]) == ("policy", 403)
            assert "test_connection is not allowed" in error["data"]["message"]
            assert host.result("health/status") == {"watches": []}
            assert host.finish()[0] == 0
        assert tenant.requests == []


def test_a_watch_of_an_inactive_connection_is_refused(tmp_path):
    with Tenant() as tenant:
        with Host(*file_with(tmp_path, main=connection(tenant.url, active=False))) as host:
            error = host.error("health/watch", {"connection": "main"})
            assert error["data"]["kind"] == "policy"
        assert tenant.requests == []


def test_a_policy_that_forbids_the_check_later_is_reported_and_nothing_is_sent(tmp_path):
    with Tenant() as tenant, Host(*file_with(tmp_path, main=connection(tenant.url))) as host:
        host.send(watch("main"))
        assert change(host)["status"] == "healthy"
        closed = connection(tenant.url, policy={"deny": ["*"]})
        host.send(request("put", "connections/put", {"name": "main", "connection": closed}))
        seen = change(host)
        assert seen["status"] == "unhealthy" and seen["error"]["kind"] == "policy"


def test_each_check_is_in_the_audit_file(tmp_path):
    audit = tmp_path / "audit.jsonl"
    with Tenant() as tenant:
        options = [*file_with(tmp_path, main=connection(tenant.url)), "--audit", str(audit)]
        with Host(*options) as host:
            host.send(watch("main"))
            change(host)
            eventually(lambda: len(tenant.to(TENANTS)) >= 2, "two checks")
            assert host.finish()[0] == 0
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    (change_of_status,) = [line for line in lines if line["event"] == "health_changed"]
    assert (change_of_status["connection"], change_of_status["status"]) == ("main", "healthy")
    lines = [line for line in lines if line["event"] == "finished"]
    assert len(lines) >= 2
    for line in lines[:2]:
        assert line["command"] == "test_connection" and line["connection"] == "main"
        assert line["id"] is None and line["effect"] == "read"
        assert line["return_data"] == "Successful"


def test_a_rate_pause_beyond_the_interval_is_reported_as_rate_limited(tmp_path):
    """It was waited for: up to a day without a report."""
    busy = threading.Event()

    def answer(request):
        return reply(429, None, [("Retry-After", "600")]) if busy.is_set() else reply(200, [])

    with Tenant(answer) as tenant, Host(*file_with(tmp_path, main=connection(tenant.url))) as host:
        host.send(watch("main"))
        assert change(host)["status"] == "healthy"
        busy.set()
        seen = change(host)
        assert seen["status"] == "unhealthy"
        assert seen["error"]["kind"] == "rate_limited"
        sent = len(tenant.calls)
        # Later checks are not sent, and fail too.
        eventually(
            lambda: host.result("health/status")["watches"][0]["consecutive_failures"] >= 3,
            "more failures")
        [shown] = host.result("health/status")["watches"]
        assert shown["error"]["kind"] == "rate_limited"
        assert "rate limit allows the next request" in shown["error"]["message"]
        assert len(tenant.calls) == sent


def test_the_interval_is_the_deadline_of_a_check(tmp_path):
    """A vendor that does not answer was noticed after a minute."""
    with Tenant(lambda request: silent) as tenant:
        with Host(*file_with(tmp_path, main=connection(tenant.url))) as host:
            host.send(watch("main"))
            seen = change(host)
            assert seen["status"] == "unhealthy" and seen["error"]["kind"] == "timeout"


def test_the_number_of_watches_is_bounded(tmp_path):
    with Tenant() as tenant:
        names = [f"c{number}" for number in range(MAXIMUM_WATCHES + 1)]
        one = connection(tenant.url)
        with Host(*file_with(tmp_path, **{name: one for name in names})) as host:
            host.send(*(watch(name, 604_800, name) for name in names))
            answers = {}
            while len(answers) < len(names):
                message = host.read()
                if "id" in message:
                    answers[message["id"]] = message
            *accepted, refused = names
            assert all("result" in answers[name] for name in accepted)
            error = answers[refused]["error"]
            assert error["code"] == -32602
            assert error["data"]["problems"] == [{
                "path": "/connection",
                "message": "the host has 256 watches, the maximum; stop one with health/unwatch"}]
            # An existing watch can be replaced. After one was stopped, another one starts.
            host.send(watch(names[0], 604_800, "again"),
                      request("stop", "health/unwatch", {"connection": names[1]}),
                      watch(refused, 604_800, "now"))
            late = {}
            while len(late) < 3:
                message = host.read()
                if "id" in message:
                    late[message["id"]] = message
            assert all("result" in message for message in late.values()), late


def test_few_checks_run_at_a_time(tmp_path):
    free = threading.Event()

    def answer(request):
        free.wait(20)
        return reply(200, [])

    with Tenant(answer) as tenant:
        names = [f"c{number}" for number in range(3 * MAXIMUM_CHECKS)]
        one = connection(tenant.url)
        with Host(*file_with(tmp_path, **{name: one for name in names})) as host:
            host.send(*(watch(name, 600, name) for name in names))
            try:
                tenant.wait(lambda: len(tenant.to(TENANTS)) >= MAXIMUM_CHECKS, "the first checks")
                assert tenant.most_in_flight <= MAXIMUM_CHECKS
            finally:
                free.set()
            seen = {change(host)["connection"] for _ in names}
            assert seen == set(names)
            assert tenant.most_in_flight <= MAXIMUM_CHECKS


def test_checks_count_within_the_concurrency_limit_of_the_connection(tmp_path):
    free = threading.Event()

    def answer(request):
        free.wait(20)
        return reply(200, [])

    with Tenant(answer) as tenant:
        one = connection(tenant.url, max_concurrency=1)
        with Host(*file_with(tmp_path, main=one)) as host:
            host.send(request("call", "invoke", {
                "integration": "coda_footprint", "command": "list_scanners"}))
            try:
                tenant.wait(lambda: len(tenant.calls) == 1, "the call")
                host.send(watch("main"))
                seen = change(host)
                assert seen["status"] == "unhealthy"
                assert len(tenant.calls) == 1
            finally:
                free.set()


def test_a_watch_of_a_replaced_connection_checks_the_new_one(tmp_path):
    with Tenant() as old, Tenant(lambda request: reply(402)) as new:
        with Host(*file_with(tmp_path, main=connection(old.url))) as host:
            host.send(watch("main"))
            assert change(host)["status"] == "healthy"
            host.send(request("put", "connections/put", {
                "name": "main", "connection": connection(new.url)}))
            seen = change(host)
            assert (seen["status"], seen["error"]["kind"]) == ("unhealthy", "permission")
            asked = len(old.calls)
            host.send(request("gone", "connections/remove", {"name": "main"}))
            while host.read().get("id") != "gone":
                pass
            assert host.result("health/status") == {"watches": []}
            assert len(old.calls) == asked
