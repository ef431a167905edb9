"""`sallyport audit verify`: which changes of a file it finds, and how it shows them."""

from __future__ import annotations

import hashlib
import json
import pathlib
import signal
import subprocess

import pytest
from Support.audit import lines, report, verify
from Support.host import EXECUTABLE, Host, environment, invoke, request, run
from Support.session import connection

COUNT = 8


@pytest.fixture
def audit(tmp_path) -> pathlib.Path:
    """A file with lines of a host that has ended."""
    path = tmp_path / "audit.jsonl"
    calls = [invoke(id, "list_devices", {"page": 0}) for id in range(COUNT)]
    assert run("serve", "--sandbox", "--audit", str(path), input=calls).code == 0
    assert len(lines(path)) == COUNT
    return path


def change(path, function):
    path.write_bytes(b"".join(function(path.read_bytes().splitlines(keepends=True))))


def expect(path, line, problem):
    ended = verify(path)
    assert ended.code == 1, ended.text
    assert f"broken: line {line} {problem}" in ended.text.replace("\n", " "), ended.text
    assert report(path)["broken"]["line"] == line
    assert report(path)["intact"] is False
    assert verify(path, "--json").code == 1


def test_an_intact_file_is_described(audit):
    found = lines(audit)
    digest = hashlib.sha256(audit.read_bytes().splitlines()[-1]).hexdigest()
    ended = verify(audit)
    assert (ended.code, ended.errors) == (0, "")
    for text in (f"intact: {COUNT} lines", found[0]["time"], found[-1]["time"], digest,
                 "Every write that started has finished."):
        assert text in ended.text, text
    assert report(audit) == {
        "file": str(audit), "intact": True, "lines": COUNT, "begins_in_mid_chain": False,
        "first": {"line": 1, "seq": 1, "time": found[0]["time"]},
        "last": {"line": COUNT, "seq": COUNT, "time": found[-1]["time"]},
        "last_sha256": digest, "unfinished": [], "unfinished_count": 0}


@pytest.mark.parametrize("number", range(1, COUNT))
def test_a_changed_line_is_named(audit, number):
    def replace(found):
        found[number - 1] = found[number - 1].replace(b'"page":0', b'"page":1')
        return found

    change(audit, replace)
    expect(audit, number, 'was changed: its SHA-256 is not "previous" of line')


def test_every_changed_byte_of_a_line_is_found(audit):
    whole = audit.read_bytes()
    end = whole.index(b"\n")
    for position in range(0, end, 7):
        changed = bytearray(whole)
        changed[position] ^= 1
        audit.write_bytes(changed)
        assert verify(audit).code == 1, position
        assert report(audit)["broken"]["line"] in (1, 2), position


def test_a_removed_line_is_named(audit):
    change(audit, lambda found: found[:3] + found[4:])
    expect(audit, 4, "has the seq 5 after 3")


def test_a_repeated_line_is_named(audit):
    change(audit, lambda found: found[:3] + found[2:])
    expect(audit, 4, "has the seq 3 after 3")


def test_swapped_lines_are_named(audit):
    change(audit, lambda found: [found[0], found[2], found[1], *found[3:]])
    expect(audit, 2, "has the seq 3 after 1")


def test_an_inserted_line_is_named(audit):
    def insert(found):
        own = json.loads(found[3]) | {"seq": 4, "previous": "0" * 64}
        return [*found[:3], json.dumps(own).encode() + b"\n", *found[3:]]

    change(audit, insert)
    expect(audit, 3, "was changed")


def test_renumbered_lines_after_a_removal_are_found(audit):
    def forge(found):
        kept = [json.loads(line) for line in found[:3] + found[4:]]
        return [json.dumps(line | {"seq": number}).encode() + b"\n" for number, line in enumerate(kept, 1)]

    change(audit, forge)
    assert verify(audit).code == 1


@pytest.mark.parametrize("text, problem", [
    (b"{", "is not a JSON value"), (b"[]", "is not a JSON object"), (b"", "is not a JSON value"),
    (b"{}", 'has no number in "seq"'), (b'{"seq":1}', 'has no text in "time" or "event"'),
    (b'{"seq":1,"time":"x","event":"started"}', 'has no digest in "previous"'),
    (b'\xff\xfe', "is not a JSON value")])
def test_a_line_of_another_kind_is_named(audit, text, problem):
    change(audit, lambda found: [*found[:2], text + b"\n", *found[2:]])
    expect(audit, 3, problem)


def test_a_last_line_without_its_end_is_named(audit):
    audit.write_bytes(audit.read_bytes()[:-1])
    expect(audit, COUNT, "is incomplete")


def test_a_file_without_its_first_lines_is_intact(audit):
    change(audit, lambda found: found[3:])
    ended = verify(audit)
    assert ended.code == 0 and "begins in mid-chain" in ended.text
    assert report(audit)["first"]["seq"] == 4


def test_an_empty_file_is_intact(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    ended = verify(path)
    assert ended.code == 0 and "intact: 0 lines" in ended.text


def test_a_pipe_is_read(audit):
    ended = run("audit", "verify", "/dev/stdin", input=audit.read_bytes())
    assert ended.code == 0 and f"intact: {COUNT} lines" in ended.text


def test_writes_without_an_end_are_listed_with_targets_and_trace(tmp_path, vendor):
    audit = tmp_path / "audit.jsonl"
    trace = "0af7651916cd43dd8448eb211c80319c"
    traceparent = f"00-{trace}-b7ad6b7169203331-01"
    with Host("--audit", str(audit)) as host:
        host.ask(request("put", "connections/put", {"name": "main", "connection": vendor.connection}))
        host.send(invoke(1, "list_tenants", connection="main"))
        host.send(invoke(2, "patch_rescan", connection="main", traceparent=traceparent, label="night"))
        host.send(invoke(4, "patch_rescan", connection=connection(vendor.url), traceparent=traceparent))
        vendor.wait_for(3)
        host.process.send_signal(signal.SIGKILL)
        host.process.wait()
    started = {line["id"]: line for line in lines(audit) if line["event"] == "started"}
    assert started[2]["label"] == "night" and started[2]["trace_id"] == trace
    assert started[2]["span_id"] != started[4]["span_id"]
    ended = verify(audit)
    assert ended.code == 0
    assert f"{len(started)} writes started and never finished" in ended.text
    assert trace in ended.text
    writes = report(audit)["unfinished"]
    assert report(audit)["unfinished_count"] == len(writes) == len(started)
    assert [write["trace_id"] for write in writes].count(trace) == 2
    assert {write.get("connection") for write in writes} == {"main", None}


def test_the_targets_of_an_unfinished_write_are_counted(tmp_path):
    audit = tmp_path / "audit.jsonl"
    ids = ["6affe1e0b1a43d0003000001", "0" * 24, "0" * 24]
    call = request(1, "invoke", {
        "integration": "bitdefender_gravityzone", "command": "isolate_endpoints",
        "arguments": {"endpoint_ids": ids}})
    run("serve", "--sandbox", "--audit", str(audit), "--audit-arguments", "none", input=[call])
    change(audit, lambda found: found[:1])
    (write,) = report(audit)["unfinished"]
    assert (write["target_count"], write["connection"]) == (2, "gravityzone_sandbox")
    assert f"""line 1  {write['time']}
  bitdefender_gravityzone isolate_endpoints on gravityzone_sandbox, 2 targets
  trace {write['trace_id']}""" in verify(audit).text


@pytest.mark.parametrize("words, message", [
    ([], "missing action"), (["verfy", "x"], 'did you mean "verify"?'),
    (["verify"], "exactly one file"), (["verify", "a", "b"], "exactly one file"),
    (["verify", "/nonexistent/audit"], "No such file or directory"), (["verify", "/"], "Is a directory"),
    (["verify", "a", "--jsn"], 'did you mean "--json"?')])
def test_invalid_command_lines_are_explained(words, message):
    ended = run("audit", *words)
    assert ended.code == 2 and message in ended.errors


def test_a_large_file_is_read_in_bounded_memory(audit, tmp_path):
    """A chain that another program has written."""
    path = tmp_path / "large"
    template = json.loads(audit.read_bytes().splitlines()[0])
    digest = None
    filler = "x" * 20_000
    with path.open("wb") as file:
        for number in range(1, 4_001):
            line = json.dumps(template | {
                "seq": number, "previous": digest, "event": "finished", "message": filler}).encode()
            file.write(line + b"\n")
            digest = hashlib.sha256(line).hexdigest()
    assert path.stat().st_size > 80_000_000
    limited = ["bash", "-c", 'ulimit -v 400000; exec "$0" audit verify "$1"']
    ended = subprocess.run(
        [*limited, EXECUTABLE, str(path)], capture_output=True, text=True, timeout=120,
        env=environment())
    assert ended.returncode == 0 and "intact: 4000 lines" in ended.stdout, ended.stderr
