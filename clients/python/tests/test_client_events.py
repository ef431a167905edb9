"""Files, health and other things that are no commands."""

from __future__ import annotations

import hashlib
import os
import pathlib
import queue
import subprocess
import sys
import threading

import pytest
from conftest import TIMEOUT, FakeHost
from sallyport import CommandError, HealthChange, Host, RequestError


def test_files_are_stored_and_read_back(sandbox: Host, tmp_path: pathlib.Path) -> None:
    content = os.urandom(2_500_000)
    (tmp_path / "in.bin").write_bytes(content)
    by_path = sandbox.files.put(path=tmp_path / "in.bin", source="artifact_file")
    by_content = sandbox.files.put(content, name="two.bin")
    assert (by_path.name, by_path.size, by_path.source) == ("in.bin", 2_500_000, "artifact_file")
    assert by_path.sha256 == by_content.sha256
    assert [len(chunk) for chunk in sandbox.files.chunks(by_path)] == [1 << 20, 1 << 20, 402_848]
    sandbox.files.save(by_content, tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == content
    assert [file.file_id for file in sandbox.files.list()][-2:] == [by_path.file_id, by_content.file_id]
    assert sandbox.files.remove(by_path) and sandbox.files.remove(by_content.file_id)
    assert not sandbox.files.remove(by_path)


def test_content_longer_than_a_line_is_stored(sandbox: Host) -> None:
    content = os.urandom(1000) * 30_000
    file = sandbox.files.put(content, name="large.bin")
    assert file.size == 30_000_000 and sandbox.files.get(file) == content
    sandbox.files.remove(file)


def test_a_file_longer_than_a_line_is_stored(sandbox: Host, tmp_path: pathlib.Path) -> None:
    content = os.urandom(1000) * 30_000
    (tmp_path / "large.bin").write_bytes(content)
    file = sandbox.files.put(path=tmp_path / "large.bin")
    assert (file.name, file.size) == ("large.bin", 30_000_000)
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    sandbox.files.remove(file)


def test_the_host_reads_only_what_the_client_hands_over(
    sandbox: Host, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(CommandError) as failed:
        sandbox.request("files/put", {"path": str(tmp_path / "a"), "source": "artifact_file"})
    assert failed.value.kind == "policy"


def test_a_process_leaves_no_directory_behind(tmp_path: pathlib.Path) -> None:
    body = (
        "import os, sallyport\n"
        "host = sallyport.Host(sandbox=True)\n"
        "host.open()\n"
        "host.files.put(bytes(20_000_000), name='a')\n"
        "if os.fork() == 0: raise SystemExit\n"
        "os.wait()\n"
        "host.files.put(bytes(20_000_000), name='b')\n"
        "host.close()\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", body], check=True, env=environment, timeout=TIMEOUT)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_file(sandbox: Host) -> None:
    file = sandbox.files.put(b"", name="empty")
    assert sandbox.files.get(file) == b""
    sandbox.files.remove(file)


def test_file_stored_by_a_command_can_be_read(sandbox: Host) -> None:
    result = sandbox.bitdefender_gravityzone.download_reports(
        report_ids=["6affe1e0b1a43d0007000002"]
    )
    [file] = result.files
    assert sandbox.files.get(file).startswith(b"PK")
    assert file.path is not None and pathlib.Path(file.path).stat().st_size == file.size


def test_put_reports_missing_arguments(sandbox: Host) -> None:
    for wrong in ({}, {"content": b"a", "path": "b"}, {"content": b"a"}):
        with pytest.raises(TypeError):
            sandbox.files.put(**wrong)


def test_health_callbacks_may_call_the_host() -> None:
    changes: queue.Queue[tuple[HealthChange, str]] = queue.Queue()
    with Host(sandbox=True, sandbox_faults=["coda: 503 first 4"]) as host:

        def told(change: HealthChange) -> None:
            host.ping()
            changes.put((change, threading.current_thread().name))

        unsubscribe = host.on_health(told)
        host.watch("coda_sandbox", interval_seconds=1)
        first, thread = changes.get(timeout=TIMEOUT)
        assert (first.connection, thread) == ("coda_sandbox", "sallyport-events")
        while first.status != "healthy":
            assert first.error
            first, _ = changes.get(timeout=TIMEOUT)
        assert [one.status for one in host.health()] == ["healthy"]
        host.unwatch("coda_sandbox")
        assert host.health() == []
        unsubscribe()


def test_a_callback_that_fails_is_logged_and_ends_nothing(
    fake_host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    news = fake_host("""
        for request in requests():
            if request["method"] == "shutdown":
                break
            notify("some/news", number=1)
            notify("some/news", number=2)
            answer(request, {})
    """)
    seen: queue.Queue[int] = queue.Queue()

    def fail_once(params: object) -> None:
        seen.put(params["number"])  # type: ignore[index]
        if seen.qsize() == 1:
            raise LookupError("on purpose")

    with Host(news) as host:
        host.on_event("some/news", fail_once)
        host.ping()
        assert [seen.get(timeout=TIMEOUT), seen.get(timeout=TIMEOUT)] == [1, 2]
    assert "on purpose" in caplog.text


def test_the_host_is_described(sandbox: Host) -> None:
    catalogue = sandbox.capabilities("coda_footprint", "list_devices")
    [integration] = catalogue["integrations"]
    assert [command["id"] for command in integration["commands"]] == ["list_devices"]
    assert sandbox.limits()["host"]["max_in_flight"] == 64
    assert sandbox.stats()["lines"] > 0
    assert {one["name"] for one in sandbox.connections()} >= {"coda_sandbox"}


def test_connections_come_and_go() -> None:
    settings = {"server_url": "https://coda.invalid", "user_name": "u", "password": "secret"}
    with Host() as host:
        host.put_connection("new", {"integration": "coda_footprint", "settings": settings})
        assert [one["name"] for one in host.connections()] == ["new"]
        host.remove_connection("new")
        assert host.connections() == []
        with pytest.raises(RequestError):
            host.remove_connection("new")
