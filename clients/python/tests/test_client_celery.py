"""Commands on other machines: workers of Celery, with a real Redis between."""

from __future__ import annotations

import base64
import pathlib
import pickle
import re
import socket
import subprocess
import sys
from typing import Any

import pytest
from conftest import TIMEOUT, eventually
from sallyport import (
    Cancelled,
    CommandError,
    Host,
    InvalidArguments,
    NotFound,
    PolicyRefused,
    RequestError,
    TimedOut,
)
from sallyport.celery import RedisUnreachable, Remote, WorkerSettings
from sallyport.celery.remote_calls import Seen
from sallyport.celery.settings import ConfigurationError
from workers import Machines, Redis, machines, redis_server, send, signed_of  # noqa: F401

SANDBOX = {"sandbox": 1, "worker_connections": "coda_sandbox,gravityzone_sandbox"}


@pytest.fixture(scope="module")
def tried(redis_server: Redis, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A worker of the sandbox that tests share, and what reaches it."""
    machines = Machines(redis_server, tmp_path_factory.mktemp("sandbox"))
    redis_server.client.flushall()
    machines.worker(**SANDBOX)
    yield Remote(redis_server.url, connection="coda_sandbox", timeout=TIMEOUT)
    machines.end()


#: Ports of the emulated vendors, and ids that the host gives its requests.
VARYING = re.compile(r"127\.0\.0\.1:\d+|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def without_meta(result: Any) -> str:
    return VARYING.sub("", str({name: value for name, value in result.json.items() if name != "meta"}))


def about(error: RequestError) -> tuple[int, str, dict[str, Any]]:
    """All but the times and ids of its trace."""
    data = {name: value for name, value in error.data.items() if name != "meta"}
    return error.code, error.message, data


COMMANDS = [
    ("coda_footprint", "list_devices", {"filter": {"riskLevel": "critical"}}, {}),
    ("coda_footprint", "list_devices", {}, {"all_pages": True}),
    ("coda_footprint", "list_tenants", {}, {"dry_run": True, "timeout": 30}),
    ("bitdefender_gravityzone", "list_endpoints", {"endpoint_type": "endpoints"}, {}),
    ("bitdefender_gravityzone", "isolate_endpoints",
     {"endpoint_ids": ["6affe1e0b1a43d0003000001", "0" * 24]}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("integration", "command", "arguments", "options"), COMMANDS)
def test_a_result_is_that_of_a_host(
    tried: Remote, integration: str, command: str, arguments: dict[str, Any], options: dict[str, Any]
) -> None:
    name = "coda_sandbox" if integration == "coda_footprint" else "gravityzone_sandbox"
    with Host(sandbox=True) as host:
        local = host.invoke(integration, command, arguments, connection=name, **options)
    remote = tried.invoke(integration, command, arguments, connection=name, **options)
    assert without_meta(remote) == without_meta(local)
    assert (remote.meta.requests, remote.meta.pages) == (local.meta.requests, local.meta.pages)


@pytest.mark.parametrize(
    ("command", "arguments", "kind"),
    [
        ("list_device_users", {"device_id": 9999}, NotFound),
        ("list_devices", {"page": "one", "filter": {"riskLevl": "all"}}, InvalidArguments),
        ("list_devises", {}, RequestError),
    ],
)
def test_an_error_is_that_of_a_host(
    tried: Remote, sandbox: Host, command: str, arguments: dict[str, Any], kind: type[RequestError]
) -> None:
    caught = []
    for where in (sandbox, tried):
        with pytest.raises(kind) as raised:
            where.invoke("coda_footprint", command, arguments, connection="coda_sandbox")
        caught.append(raised.value)
    local, remote = caught
    assert (type(remote), about(remote), str(remote)) == (type(local), about(local), str(local))
    assert remote.meta.requests == local.meta.requests


def test_labels_and_traces_reach_the_worker(tried: Remote) -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    commands = tried.using(label="incident 4711", traceparent=traceparent).coda_footprint
    assert commands.list_tenants().meta.trace_id == traceparent[3:35]
    with pytest.raises(InvalidArguments) as refused:
        tried.using(label="x" * 65).coda_footprint.list_tenants()
    assert [problem.path for problem in refused.value.problems] == ["/options/label"]


def test_items_come_as_they_do_from_a_host(tried: Remote, sandbox: Host) -> None:
    progress: list[Any] = []
    streaming = {"all_pages": True, "connection": "coda_sandbox"}
    local = list(sandbox.streaming(**streaming).coda_footprint.list_devices())
    telling = tried.streaming(**streaming, on_progress=progress.append)
    with telling.coda_footprint.list_devices() as remote:
        assert list(remote) == local
    assert [one.done for one in progress] == [1, 2, 3]
    assert remote.result().meta.items == 45


def test_finished_targets_are_items_too(tried: Remote) -> None:
    ids = ["6affe1e0b1a43d0003000001", "6affe1e0b1a43d0003000002", "0" * 24]
    with tried.stream(
        "bitdefender_gravityzone", "isolate_endpoints", {"endpoint_ids": ids}, connection="gravityzone_sandbox"
    ) as targets:
        items = {item["target"]: item["return_data"] for item in targets}
    assert items == dict(zip(ids, ["Successful", "Successful", "Failed"]))


def test_waits_are_reported(machines: Machines) -> None:
    limit = {"rate_limits": {"default": {"requests": 1, "per_seconds": 1}}}
    vendor = machines.vendor(**limit)
    vendor.gate.set()
    machines.worker()
    remote, waits = Remote(machines.server.url, connection="a"), []
    devices = remote.streaming(all_pages=True, on_waiting=waits.append).coda_footprint.list_devices()
    assert list(devices) == ["a", "b", "c", "d", "e"]
    assert {wait.reason for wait in waits} == {"rate_limited"}


def test_progress_is_reported_without_items(tried: Remote) -> None:
    progress: list[Any] = []
    result = tried.using(all_pages=True, on_progress=progress.append).coda_footprint.list_devices()
    assert len(result.raw_data["items"]) == 45
    assert [one.done for one in progress] == [1, 2, 3]


def test_events_of_a_lost_worker_are_not_repeated() -> None:
    def told(*items: Any) -> list[bool]:
        return [seen.is_new({"seq": seq, "item": item}) for seq, item in enumerate(items)]

    def target(id: str) -> dict[str, str]:
        return {"target": id, "return_data": "Successful"}

    seen = Seen()
    assert told("a", "b") == [True, True]
    assert told("a", "b", "c") == [False, False, True]
    seen = Seen()
    assert told(target("x"), target("y")) == [True, True]
    assert told(target("z"), target("y"), target("x")) == [True, False, False]


def test_each_connection_has_its_own_queue(machines: Machines) -> None:
    vendor = machines.vendor()
    vendor.gate.set()
    machines.worker(worker_connections="a")
    remote = Remote(machines.server.url)
    to_b = remote.submitting(connection="b").coda_footprint.list_tenants()
    assert remote.using(connection="a").coda_footprint.list_tenants().is_successful
    assert machines.server.client.llen("sallyport.b") == 1
    assert not to_b.is_done
    machines.worker(worker_connections="b")
    assert to_b.result(TIMEOUT).is_successful


def test_a_worker_runs_nothing_for_a_connection_that_it_does_not_serve(machines: Machines) -> None:
    vendor = machines.vendor()
    machines.worker(worker_connections="a")
    message = {"integration": "coda_footprint", "command": "list_tenants", "connection": "b"}
    answer = send(Remote(machines.server.url), signed_of(machines, "t", message), "t")
    # Celery's own way to wait raises the same class.
    with pytest.raises(PolicyRefused, match="does not serve the connection b"):
        answer.get(TIMEOUT)
    assert vendor.calls == []


def test_a_second_delivery_to_the_same_worker_waits_for_the_first(machines: Machines) -> None:
    vendor = machines.vendor()
    worker = machines.worker()
    remote = Remote(machines.server.url, connection="a")
    call = remote.submit("coda_footprint", "patch_rescan", {"scanner_id": 1})
    vendor.wait(lambda: vendor.calls, "it was begun")
    message = {"integration": "coda_footprint", "command": "patch_rescan", "connection": "a"}
    send(remote, signed_of(machines, call.id, message), call.id)
    eventually(lambda: worker.log.read_text().count(f"[{call.id}] received") == 2)
    vendor.gate.set()
    eventually(lambda: worker.log.read_text().count(f"[{call.id}] succeeded") == 2)
    assert call.result(TIMEOUT).is_successful
    assert vendor.rescans == ["1"]


def test_command_in_flight_can_be_cancelled(machines: Machines) -> None:
    vendor = machines.vendor()
    machines.worker()
    call = Remote(machines.server.url, connection="a").submit("coda_footprint", "list_tenants")
    vendor.wait(lambda: vendor.calls, "it was begun")
    call.cancel()
    with pytest.raises(Cancelled) as caught:
        call.result(TIMEOUT)
    assert caught.value.status_code == 499


def test_leaving_a_stream_cancels_it(machines: Machines) -> None:
    vendor = machines.vendor()
    worker = machines.worker()
    remote = Remote(machines.server.url, connection="a")
    with remote.streaming(all_pages=True).coda_footprint.list_devices() as devices:
        assert next(devices) == "a"
    eventually(lambda: worker.has_said("Cancelled("))
    assert not vendor.gate.is_set()


def test_a_command_that_waits_in_the_queue_can_be_cancelled(machines: Machines) -> None:
    vendor = machines.vendor()
    call = Remote(machines.server.url, connection="a").submit("coda_footprint", "patch_rescan")
    call.cancel()
    machines.worker()
    with pytest.raises(Cancelled, match="before it started") as caught:
        call.result(TIMEOUT)
    assert caught.value.outcome == "not_applied"
    assert vendor.calls == []


def test_without_a_worker_a_timeout_says_so(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sallyport.calls.GRACE_SECONDS", 0.1)
    vendor = machines.vendor()
    remote = Remote(machines.server.url, connection="a", timeout=0.1)
    call = remote.submitting().coda_footprint.patch_rescan()
    with pytest.raises(TimedOut, match="queue sallyport.a") as caught:
        call.result()
    assert (caught.value.status_code, caught.value.outcome) == (504, "not_applied")
    # A worker that comes later does not do it after all.
    worker = machines.worker()
    eventually(lambda: worker.has_said(f"[{call.id}] raised expected: "))
    assert vendor.calls == []


def test_its_time_in_the_queue_counts(machines: Machines) -> None:
    vendor = machines.vendor()
    remote = Remote(machines.server.url, connection="a", timeout=0.1)
    call = remote.submit("coda_footprint", "patch_rescan")
    machines.worker()
    with pytest.raises(TimedOut, match="No worker started the command in time") as caught:
        call.result()
    assert caught.value.outcome == "not_applied"
    assert vendor.calls == []


def test_wait_timeout_leaves_the_command_running(machines: Machines) -> None:
    vendor = machines.vendor()
    machines.worker()
    call = Remote(machines.server.url, connection="a").submit("coda_footprint", "list_tenants")
    with pytest.raises(TimeoutError):
        call.result(wait=0.05)
    vendor.gate.set()
    assert call.result(TIMEOUT) is call.result()


def test_no_secret_is_ever_in_redis_or_in_the_log(machines: Machines, tmp_path: pathlib.Path) -> None:
    vendor = machines.vendor()
    vendor.gate.set()
    seen = tmp_path / "monitor"
    monitor = machines.server.monitor(seen)
    worker = machines.worker()
    remote = Remote(machines.server.url, connection="a")
    assert list(remote.streaming().coda_footprint.list_devices()) == ["a", "b", "c"]
    assert remote.coda_footprint.list_devices().raw_data["totalPages"] == 2
    with pytest.raises(CommandError):
        remote.coda_footprint.list_devices(filter={"riskLevel": "none"})  # type: ignore[typeddict-item]
    worker.stop()
    monitor.terminate()
    monitor.wait(TIMEOUT)
    text = seen.read_bytes()
    # The bodies of messages are in base64.
    text += b"".join(base64.b64decode(encoded) for encoded in re.findall(rb"(?:[A-Za-z0-9+/]{4}){4,}", text))
    text += worker.log.read_bytes()
    # What is looked into is what was sent.
    assert b'"command": "list_devices"' in text and b"sallyport:before:" in text
    assert b"never-in-redis" not in text
    assert b"totalPages" in text and not worker.has_said("totalPages")
    assert vendor.tokens(1)["access"].encode() not in text


def test_redis_may_be_reached_by_tls(tmp_path: pathlib.Path) -> None:
    server = Redis(tmp_path, tls=True)
    machines = Machines(server, tmp_path)
    try:
        machines.worker(**SANDBOX)
        remote = Remote(server.url, connection="coda_sandbox")
        assert len(list(remote.streaming(all_pages=True).coda_footprint.list_devices())) == 45
    finally:
        machines.end()
        server.stop()


def test_keys_in_redis_expire(tried: Remote, redis_server: Redis) -> None:
    tried.coda_footprint.patch_rescan()
    eventually(lambda: not redis_server.client.zcard("sallyport-unacked-index"))
    own = redis_server.client.keys("sallyport:*") + redis_server.client.keys("celery-task-meta-*")
    assert own and all(redis_server.client.ttl(key) > 0 for key in own), own


def test_a_connection_is_named(redis_server: Redis) -> None:
    remote = Remote(redis_server.url)
    settings = {"integration": "coda_footprint", "settings": {"password": "hunter2"}}
    for connection in ({}, {"connection": settings}):
        with pytest.raises(TypeError, match="must be the name of a connection"):
            remote.invoke("coda_footprint", "list_tenants", **connection)  # type: ignore[arg-type]
    for empty in (lambda: Remote(redis_server.url, connection=""),
                  lambda: remote.invoke("coda_footprint", "list_tenants", connection=" ")):  # fmt: skip
        with pytest.raises(ConfigurationError, match="connection is empty"):
            empty()
    with pytest.raises(TypeError, match="unknown option"):
        remote.invoke("coda_footprint", "list_tenants", connection="a", page=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="not JSON serializable"):
        remote.invoke("coda_footprint", "list_tenants", {"page": b"1"}, connection="a")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "^Set SALLYPORT_CONNECTIONS to the connections file of this worker, or SALLYPORT_SANDBOX=1 "
             "to serve coda_sandbox, gravityzone_sandbox and gmail_sandbox.$"),
        ({"SANDBOX": "on"}, "invalid SALLYPORT_SANDBOX 'on'; expected one of: 1, true, yes, 0, false, no"),
        ({"SANDBOX": "1", "WORKER_CONNECTIONS": "coda_sandbx"}, "unknown or inactive connection coda_sandbx in the sandbox; "
            "expected one of: coda_sandbox, gmail_sandbox, gravityzone_sandbox"),
        ({"CONNECTIONS": "EMPTY"}, "No active connection in "),
        ({"CONNECTIONS": "FILE", "BROKER_URL": "redis://host:hunter2"}, "port"),
        ({"CONNECTIONS": "/no/such"}, "/no/such cannot be read"),
        ({"CONNECTIONS": "FILE", "WORKER_CONNECTIONS": "a,c"}, "unknown or inactive connection c in "),
        ({"CONNECTIONS": "FILE", "WORKER_CONNECTIONS": "off"}, "unknown or inactive connection off in "),
        ({"CONNECTIONS": "FILE", "LEASE_SECONDS": "40"}, "more than 45"),
        ({"CONNECTIONS": "FILE", "DRAIN_SECONDS": "soon"}, "positive number of seconds"),
        ({"CONNECTIONS": "FILE", "BROKER_URL": "amqp://user:hunter2@host"}, "redis://"),
    ],
)
def test_worker_reports_invalid_environment(
    environment: dict[str, str], message: str, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "connections.json"
    file.write_text('{"connections":{"a":{},"b":{},"off":{"active":false}}}')
    empty = tmp_path / "empty.json"
    empty.write_text('{"connections":{}}')
    files = {"FILE": str(file), "EMPTY": str(empty)}
    environment = {"ALLOW_OPEN_BROKER": "1", **environment}
    variables = {f"SALLYPORT_{name}": files.get(value, value) for name, value in environment.items()}
    with pytest.raises(ConfigurationError, match=message) as caught:
        WorkerSettings.from_environment(variables)
    assert "hunter2" not in str(caught.value)
    variables = {"SALLYPORT_CONNECTIONS": str(file), "SALLYPORT_ALLOW_OPEN_BROKER": "1"}
    served = WorkerSettings.from_environment(variables).worker_connections
    assert served == ("a", "b")


@pytest.mark.parametrize("yes", ["1", "true", "YES"])
def test_a_worker_of_the_sandbox_serves_all_of_it(yes: str) -> None:
    variables = {"SALLYPORT_SANDBOX": yes, "SALLYPORT_ALLOW_OPEN_BROKER": "1"}
    served = WorkerSettings.from_environment(variables).worker_connections
    assert served == ("coda_sandbox", "gmail_sandbox", "gravityzone_sandbox")


def test_a_mistake_in_the_environment_ends_a_worker_with_one_line(machines: Machines) -> None:
    worker = machines.worker(sandbox=1, worker_connections="coda_sandbx")
    assert worker.process.wait(TIMEOUT) == 2
    assert worker.log.read_text() == (
        "The worker cannot start. SALLYPORT_WORKER_CONNECTIONS: unknown or inactive connection coda_sandbx in "
        "the sandbox; expected one of: coda_sandbox, gmail_sandbox, gravityzone_sandbox.\n"
    )


@pytest.mark.parametrize("timeout", [None, 3])
def test_without_redis_a_call_says_so(timeout: float | None) -> None:
    with socket.socket() as taken:  # It is bound and does not listen.
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with Remote(f"redis://:hunter2@{address}/0", connection="a", timeout=timeout) as remote:
            with pytest.raises(RedisUnreachable) as caught:
                remote.coda_footprint.list_tenants()
    assert caught.value.outcome == "not_applied"
    assert str(caught.value) == (
        f"Redis cannot be reached: Error 111 connecting to {address}. Connection refused. Check that it is "
        "running and that SALLYPORT_BROKER_URL, or the broker_url of Remote, is correct. Nothing was sent."
    )
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.outcome) == (str(caught.value), "not_applied")


def test_losing_redis_during_a_call_is_reported(tmp_path: pathlib.Path) -> None:
    server = Redis(tmp_path)
    with Remote(server.url, connection="a") as remote:
        call = remote.submit("coda_footprint", "patch_rescan")
        server.stop()
        with pytest.raises(RedisUnreachable, match="a worker may run it") as caught:
            call.result(TIMEOUT)
    assert caught.value.outcome == "unknown"


def test_a_worker_without_a_host_ends_and_says_why(machines: Machines) -> None:
    machines.vendor().file.write_text('{"connections":{"a":{"integration":"no_such","settings":{}}}}')
    worker = machines.worker()
    assert worker.process.wait(TIMEOUT) == 2
    assert worker.has_said("The worker cannot start its host.")


def test_who_does_not_use_it_does_not_load_celery() -> None:
    program = "import sallyport, sys; print('celery' in sys.modules, 'redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
