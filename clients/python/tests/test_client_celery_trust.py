"""Who may send commands to workers: Redis without a password, tasks without a signature."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from conftest import TIMEOUT, eventually
from sallyport import PolicyRefused
from sallyport.celery import Remote, WorkerSettings
from sallyport.celery.settings import ConfigurationError, redis_url
from sallyport.celery.signature import Signer, signer_for
from workers import Machines, Redis, machines, redis_server, send, signed_of  # noqa: F401

MESSAGE = {"integration": "coda_footprint", "command": "patch_rescan", "connection": "a"}
KEY = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:6379/0", "redis://user@queue/0", "rediss://queue:1/0", "redis://:@queue"]
)
def test_redis_without_a_password_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for use in (
        lambda: Remote(url, connection="a"),
        lambda: WorkerSettings.from_environment({"SALLYPORT_SANDBOX": "1", "SALLYPORT_BROKER_URL": url}),
    ):
        with pytest.raises(ConfigurationError, match="has no password.*SALLYPORT_ALLOW_OPEN_BROKER=1"):
            use()
    assert redis_url(url, {"SALLYPORT_ALLOW_OPEN_BROKER": "1"}) == url
    with pytest.raises(ConfigurationError, match="invalid SALLYPORT_ALLOW_OPEN_BROKER 'maybe'"):
        redis_url(url, {"SALLYPORT_ALLOW_OPEN_BROKER": "maybe"})
    monkeypatch.setenv("SALLYPORT_ALLOW_OPEN_BROKER", "1")
    Remote(url, connection="a").close()


def test_a_worker_with_an_open_redis_ends_with_one_line(tmp_path: pathlib.Path) -> None:
    server = Redis(tmp_path, open=True)
    machines = Machines(server, tmp_path)
    try:
        worker = machines.worker(sandbox=1, worker_connections="coda_sandbox")
        assert worker.process.wait(TIMEOUT) == 2
        assert worker.log.read_text() == (
            f"The worker cannot start. The URL of Redis at 127.0.0.1:{server.port} has no password: every "
            "user who can reach it could run every command. Set a password (requirepass) and use "
            "redis://:PASSWORD@HOST/0, or a Unix socket, redis+socket:///PATH. "
            "SALLYPORT_ALLOW_OPEN_BROKER=1 accepts the risk.\n"
        )
    finally:
        machines.end()
        server.stop()


def test_redis_may_be_reached_by_a_unix_socket(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Redis(tmp_path, open=True)
    machines = Machines(server, tmp_path)
    server.url = f"redis+socket://{server.socket}"
    try:
        machines.worker(sandbox=1, worker_connections="coda_sandbox")
        with Remote(server.url, connection="coda_sandbox", timeout=TIMEOUT) as remote:
            assert len(list(remote.streaming(all_pages=True).coda_footprint.list_devices())) == 45
    finally:
        machines.end()
        server.stop()


def altered(message: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**message, **members}


def test_a_task_that_nobody_signed_or_that_was_altered_never_reaches_the_host(machines: Machines) -> None:
    vendor = machines.vendor()
    vendor.gate.set()
    machines.worker()
    remote = Remote(machines.server.url, connection="a")
    signed = signed_of(machines, "t0", MESSAGE)
    forged = [
        MESSAGE,
        altered(MESSAGE, signature=""),
        altered(MESSAGE, signature="0" * 64),
        altered(MESSAGE, signature=["0"]),
        altered(MESSAGE, signature="\udcff"),
        signed,  # of another task
        altered(signed, command="list_tenants"),
        altered(signed, arguments={"scanner_id": 2}),
        altered(signed, options={"redelivered": "repeat"}),
        altered(MESSAGE, signature=Signer(KEY.encode()).sign("t9", MESSAGE)),
    ]
    for number, message in enumerate(forged, 1):
        with pytest.raises(PolicyRefused, match="is not signed with the key of this worker") as caught:
            send(remote, message, f"t{number}").get(TIMEOUT)
        assert caught.value.outcome == "not_applied"
    assert vendor.calls == []
    assert send(remote, signed, "t0").get(TIMEOUT)["return_data"] == "Successful"


def test_a_signed_task_that_is_sent_again_does_not_run_again(machines: Machines) -> None:
    vendor = machines.vendor()
    vendor.gate.set()
    worker = machines.worker()
    remote = Remote(machines.server.url, connection="a")
    message = altered(MESSAGE, arguments={"scanner_id": 7}, options={"redelivered": "repeat"})
    signed = signed_of(machines, "once", message)
    send(remote, signed, "once").get(TIMEOUT)
    eventually(lambda: machines.server.client.exists("sallyport:answered:once"))
    send(remote, signed, "once")
    eventually(lambda: worker.has_said("[once] ignored") or worker.log.read_text().count("[once] received") == 2)
    assert remote.coda_footprint.list_devices().is_successful
    assert vendor.rescans == ["7"]


def test_callers_and_workers_with_different_keys_do_not_understand_each_other(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    vendor = machines.vendor()
    vendor.gate.set()
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    machines.worker(celery_key_file=file)
    with Remote(machines.server.url, connection="a") as remote, pytest.raises(PolicyRefused):
        remote.coda_footprint.list_tenants()
    monkeypatch.setenv("SALLYPORT_CELERY_KEY", KEY)
    with Remote(machines.server.url, connection="a") as remote:
        assert remote.coda_footprint.list_tenants().is_successful


def test_a_key_that_is_short_or_absent_is_refused(tmp_path: pathlib.Path) -> None:
    url, file = "redis://:secret@queue/0", tmp_path / "key"
    file.write_text("\n")
    for environment, message in [
        ({"SALLYPORT_CELERY_KEY": "hunter2"}, "must have at least 32 characters"),
        ({"SALLYPORT_CELERY_KEY_FILE": str(file)}, "must have at least 32 characters"),
        ({"SALLYPORT_CELERY_KEY_FILE": "/no/such"}, "SALLYPORT_CELERY_KEY_FILE /no/such cannot be read"),
    ]:
        with pytest.raises(ConfigurationError, match=message) as caught:
            signer_for(url, environment)
        assert "hunter2" not in str(caught.value)
    assert signer_for("redis+socket:///run/redis.sock", {}) is None


def test_the_order_of_members_does_not_change_a_signature() -> None:
    signer = Signer(KEY.encode())
    message = {"arguments": {"b": 1, "a": [0.1, "ü\u2028", None]}, "command": "c"}
    backwards = {"command": "c", "arguments": {"a": [0.1, "ü\u2028", None], "b": 1}}
    assert signer.verify("t", backwards, signer.sign("t", message))
    assert not signer.verify("t", {"command": object()}, signer.sign("t", message))
