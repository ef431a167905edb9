"""`--audit-required` (12.4): what cannot be recorded is not run."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import resource
import subprocess

import pytest
from Support.audit import events, lines, verify
from Support.host import Host, invoke, request, run
from Support.session import connection
from Support.upstream import Tenant, reply

FULL = ["--audit", "/dev/full", "--audit-required"]


def expect_refusal(answer):
    data = answer["error"]["data"]
    assert (data["kind"], data["status_code"], data["outcome"]) == ("unavailable", 503, "not_applied")
    assert "cannot be recorded in the audit file" in data["message"]
    return data


@pytest.fixture
def audit(tmp_path) -> pathlib.Path:
    return tmp_path / "audit.jsonl"


def test_nothing_is_sent_that_cannot_be_recorded():
    with Tenant() as tenant, Host(*FULL) as host:
        own = connection(tenant.url)
        for id, command in enumerate(["patch_rescan", "list_tenants"]):
            data = expect_refusal(host.ask(invoke(id, command, connection=own)))
            assert "No space left on device" in data["message"]
        assert "result" in host.ask(invoke(2, "patch_rescan", connection=own, dry_run=True))
        assert tenant.calls == []
        assert host.finish()[0] == 0


def test_no_connection_changes_and_no_file_is_kept_that_cannot_be_recorded():
    put = {"name": "main", "connection": connection("http://127.0.0.1:9")}
    file = {"name": "a.txt", "content_base64": "aGk=", "source": "playbook_file"}
    with Host(*FULL) as host:
        expect_refusal(host.ask(request(1, "connections/put", put)))
        assert host.result("connections/list") == {"connections": []}
        expect_refusal(host.ask(request(2, "files/put", file)))
        assert host.result("files/list") == {"files": []}
        assert host.finish()[0] == 0


def test_a_connection_is_not_removed_and_a_file_not_read_without_a_record(tmp_path):
    connections = tmp_path / "connections.json"
    connections.write_text(json.dumps({"connections": {"main": connection("http://127.0.0.1:9")}}))
    files = tmp_path / "files"
    with Host("--files-dir", str(files)) as host:
        put = {"name": "a.txt", "content_base64": "aGk=", "source": "playbook_file"}
        id = host.result("files/put", put)["file_id"]
        assert host.finish()[0] == 0
    with Host("--connections", str(connections), "--files-dir", str(files), *FULL) as host:
        expect_refusal(host.ask(request(1, "connections/remove", {"name": "main"})))
        assert len(host.result("connections/list")["connections"]) == 1
        for method in ("files/get", "files/remove"):
            expect_refusal(host.ask(request(method, method, {"file_id": id})))
        assert len(host.result("files/list")["files"]) == 1
        assert host.finish()[0] == 0


def test_a_reload_that_cannot_be_recorded_changes_nothing(tmp_path):
    path = tmp_path / "connections.json"
    own = connection("http://127.0.0.1:9")
    path.write_text(json.dumps({"connections": {"one": own}}))
    with Host("--connections", str(path), *FULL) as host:
        host.result("ping")
        path.write_text(json.dumps({"connections": {"one": own, "two": own}}))
        expect_refusal(host.ask(request(1, "connections/reload")))
        assert len(host.result("connections/list")["connections"]) == 1
        assert host.finish()[0] == 0


def test_reads_and_writes_are_recorded_before_they_are_sent(audit):
    seen = []

    def answer(request):
        seen.append(audit.read_text().splitlines()[-1])
        return reply(200, [])

    with Tenant(answer) as tenant, Host("--audit", str(audit), "--audit-required") as host:
        for id, command in enumerate(["list_tenants", "patch_rescan"]):
            assert "result" in host.ask(invoke(id, command, connection=connection(tenant.url)))
        assert host.finish()[0] == 0
    assert [json.loads(line)["event"] for line in seen] == ["started", "started"]
    assert [line["event"] for line in lines(audit)] == ["started", "finished"] * 2


def test_a_read_without_an_end_is_no_unfinished_write(audit, vendor):
    with Host("--audit", str(audit), "--audit-required") as host:
        host.send(invoke(1, "list_tenants", connection=vendor.connection))
        vendor.wait_for(1)
        host.kill()
    assert [line["event"] for line in lines(audit)] == ["started"]
    assert "Every write that started has finished." in verify(audit).text


def test_an_answer_whose_end_cannot_be_recorded_stands_and_has_a_notice(audit):
    def answer(request):
        size = audit.stat().st_size
        assert b'"started"' in audit.read_bytes()
        # From now on the file may not grow, as on a full disk.
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (size + 10, size + 10))
        return reply(200, [])

    with Tenant(answer) as tenant, Host("--audit", str(audit), "--audit-required") as host:
        result = host.ask(invoke(1, "patch_rescan", connection=connection(tenant.url)))["result"]
        assert result["notices"] == [
            "The outcome is not recorded in the audit file, which cannot be written."]
        data = expect_refusal(host.ask(invoke(2, "patch_rescan", connection=connection(tenant.url))))
        assert "File too large" in data["message"]
        assert len(tenant.calls) == 1
        assert host.finish()[0] == 0
    # Nothing of a line is left.
    assert [line["event"] for line in lines(audit)] == ["started"]


def test_an_error_whose_end_cannot_be_recorded_stands(audit):
    def answer(request):
        size = audit.stat().st_size
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (size + 10, size + 10))
        return reply(404, {"detail": "Not found."})

    with Tenant(answer) as tenant, Host("--audit", str(audit), "--audit-required") as host:
        data = host.ask(invoke(1, "patch_rescan", connection=connection(tenant.url)))["error"]["data"]
        assert data["status_code"] == 404
        assert "not recorded in the audit file" in data["remedy"]
        assert host.finish()[0] == 0


def test_the_host_recovers_when_the_file_can_be_written_again(audit):
    with Host("--sandbox", "--audit", str(audit), "--audit-required") as host:
        unlimited = resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (10, unlimited[1]))
        expect_refusal(host.ask(invoke(1, "patch_rescan")))
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert "result" in host.ask(invoke(2, "patch_rescan"))
        host.wait_for_log("the audit file is written again")
        assert host.finish()[0] == 0
    assert [(line["event"], line["id"]) for line in lines(audit)] == [("started", 2), ("finished", 2)]


def test_a_fifo_without_a_reader_is_refused_at_once_and_works_with_one(tmp_path):
    fifo = tmp_path / "audit"
    os.mkfifo(fifo, 0o600)
    with Host("--sandbox", "--audit", str(fifo), "--audit-required") as host:
        expect_refusal(host.ask(invoke(1, "list_tenants")))
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert "result" in host.ask(invoke(2, "list_tenants"))
            assert host.finish()[0] == 0
            text = os.read(reader, 1 << 16)
        finally:
            os.close(reader)
    found = [json.loads(line) for line in text.splitlines()]
    assert [line["event"] for line in found if line["id"] == 2] == ["started", "finished"]
    assert not any(line["event"] == "started" for line in found if line["id"] == 1)


def test_a_file_that_another_process_has_locked_is_refused_at_the_deadline(audit):
    audit.touch(0o600)
    with audit.open("rb") as file, Host("--sandbox", "--audit", str(audit), "--audit-required") as host:
        fcntl.flock(file, fcntl.LOCK_EX)
        data = expect_refusal(host.ask(invoke(1, "patch_rescan", timeout_ms=300)))
        assert "not written in time" in data["message"]
        fcntl.flock(file, fcntl.LOCK_UN)
        assert "result" in host.ask(invoke(2, "patch_rescan"))
        assert host.finish()[0] == 0
    assert [line["id"] for line in events(audit, "started")] == [2]


def test_without_audit_required_a_locked_file_fails_no_call(audit):
    audit.touch(0o600)
    with audit.open("rb") as file, Host("--sandbox", "--audit", str(audit)) as host:
        fcntl.flock(file, fcntl.LOCK_EX)
        for id in range(3):
            assert "result" in host.ask(invoke(id, "patch_rescan"))
        fcntl.flock(file, fcntl.LOCK_UN)
        assert host.finish()[0] == 0
    assert [line["id"] for line in events(audit, "finished")] == [0, 1, 2]


def test_call_is_refused_too():
    ended = run("call", "coda_footprint", "patch_rescan", "--sandbox", *FULL)
    assert ended.code == 1 and "cannot be recorded" in ended.text + ended.errors


def test_a_full_disk_is_a_refusal(tmp_path):
    """A real one, where this user may mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this user cannot mount a small file system; /dev/full and RLIMIT_FSIZE are tested too")
    try:
        audit = disk / "audit.jsonl"
        with Host("--sandbox", "--audit", str(audit), "--audit-required") as host:
            answers = [host.ask(invoke(id, "patch_rescan")) for id in range(60)]
            refused = [answer for answer in answers if "error" in answer]
            assert refused and "result" in answers[0]
            for answer in refused:
                assert "No space left on device" in expect_refusal(answer)["message"]
            assert host.finish()[0] == 0
        assert verify(audit).code == 0
        assert len(lines(audit)) >= 2
    finally:
        subprocess.run(["umount", str(disk)], check=True)
