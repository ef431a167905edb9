"""Watches: Test Connection on a schedule, and what a caller hears of it."""

from __future__ import annotations

from Support.host import Host, request
from Support.sandbox import Sandbox


def heard(host: Host) -> dict:
    """The next notification of health."""
    while True:
        message = host.read()
        if message.get("method") == "health/changed":
            return message["params"]


def watch(name: str, after: int = 1) -> dict:
    return request(
        "watch", "health/watch",
        {"connection": name, "interval_seconds": 1, "notify_after_failures": after})


def test_a_watch_tells_of_every_change_and_of_the_threshold():
    with Sandbox() as sandbox, Host("--connections", sandbox.file) as host:
        host.send(watch("coda_sandbox", after=2))
        first = heard(host)
        assert (first["status"], first["consecutive_failures"]) == ("healthy", 0)
        sandbox.faults("coda: 402 always")
        second = heard(host)
        assert (second["status"], second["consecutive_failures"]) == ("unhealthy", 1)
        meta = second["error"].pop("meta")
        assert meta["connection"] == "coda_sandbox" and len(meta["trace_id"]) == 32
        assert second["error"] == {"kind": "permission", "message": "Payment Required."}
        third = heard(host)
        assert (third["status"], third["consecutive_failures"]) == ("unhealthy", 2)
        sandbox.faults()
        fourth = heard(host)
        assert (fourth["status"], fourth["consecutive_failures"]) == ("healthy", 0)
        assert "error" not in fourth
        assert host.finish()[0] == 0


def test_status_shows_the_watches_and_unwatch_ends_one(sandbox):
    with Host("--connections", sandbox.file) as host:
        assert host.result("health/status") == {"watches": []}
        host.send(watch("coda_sandbox"))
        heard(host)
        [shown] = host.result("health/status")["watches"]
        assert shown["connection"] == "coda_sandbox"
        assert shown["status"] == "healthy"
        assert shown["interval_seconds"] == 1
        assert host.result("health/unwatch", {"connection": "coda_sandbox"}) == {"unwatched": True}
        assert host.result("health/unwatch", {"connection": "coda_sandbox"}) == {"unwatched": False}
        assert host.result("health/status") == {"watches": []}


def test_a_watch_of_an_unknown_connection_is_refused_with_a_suggestion(sandbox):
    with Host("--connections", sandbox.file) as host:
        error = host.error("health/watch", {"connection": "coda_sandbx"})
    assert error["code"] == -32602
    assert error["data"]["problems"][0]["did_you_mean"] == "coda_sandbox"


def test_a_watch_does_not_keep_the_host_running(sandbox):
    with Host("--connections", sandbox.file) as host:
        host.send(watch("coda_sandbox"))
        heard(host)
        assert host.finish()[0] == 0
