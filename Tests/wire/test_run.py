"""`sallyport run`: files of requests, their answers, and going on after a crash."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import pty
import signal
import stat
import subprocess

import pytest
from Support.host import EXECUTABLE, TIMEOUT, Host, environment, eventually, invoke, line, parse, request, run
from Support.sandbox import Sandbox
from Support.terminal import read_to_end

GOOD = request(1, "ping")
BAD = request(2, "nobody")


@pytest.fixture
def batch(tmp_path):
    """Writes a file of requests; returns its path."""

    def write(*messages, name: str = "batch.jsonl") -> str:
        path = tmp_path / name
        path.write_bytes(b"".join(line(message) for message in messages))
        return str(path)

    return write


def answers(path: pathlib.Path) -> list:
    text = path.read_bytes()
    assert text.endswith(b"\n") or not text
    return [parse(each) for each in text.split(b"\n")[:-1]]


@pytest.mark.parametrize(("messages", "code"), [
    ([], 0), ([GOOD], 0), ([GOOD, {"jsonrpc": "2.0", "method": "nobody"}], 0), ([GOOD, BAD], 1), ([BAD], 1),
    (["nonsense"], 1), ([[GOOD, BAD]], 1), ([invoke(1, "list_tenants")], 0),
    ([invoke(1, "get_technical_context", {"context_id": 1})], 1),
])
def test_the_exit_status_says_whether_all_were_successful(messages, code, batch):
    ended = run("run", batch(*messages), "--sandbox")
    assert ended.code == code, ended.errors
    assert len(ended.answers) == sum(not isinstance(each, dict) or "id" in each for each in messages)


def test_several_files_and_stdin_are_read_in_their_order(batch):
    first, second = batch(request(1, "ping"), name="a"), batch(request(3, "ping"), name="b")
    ended = run("run", first, "-", second, input=[request(2, "ping")])
    assert ended.code == 0 and [answer["id"] for answer in ended.answers] == [1, 2, 3]


def test_summary_is_printed_to_stderr(batch):
    ended = run("run", batch(GOOD, BAD))
    assert "1 successful, 1 failed" in ended.errors and "\r" not in ended.errors


def test_a_terminal_sees_a_progress_bar(batch):
    owner, terminal = pty.openpty()
    with open(terminal, "wb") as stderr:
        ended = subprocess.run(
            [EXECUTABLE, "run", batch(*(invoke(id, "list_tenants") for id in range(3))), "--sandbox",
             "--sandbox-fault", "coda: slow 300ms", "--max-in-flight", "1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, timeout=TIMEOUT, env=environment())
    shown = read_to_end(owner)
    assert ended.returncode == 0
    assert "█" in shown and "3 successful, 0 failed" in shown


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "missing request file"),
    (["/nonexistent/batch"], "/nonexistent/batch"),
    (["/tmp"], "/tmp"),
    (["/dev/null", "--resume"], "--output"),
    (["/dev/null", "--output", "/nonexistent/out"], "/nonexistent/out"),
    (["/dev/null", "--outpt", "x"], 'did you mean "--output"'),
    (["/dev/null", "--connections", "/nonexistent/c.json"], "/nonexistent/c.json"),
])
def test_a_usage_error_exits_with_status_2(arguments, words):
    ended = run("run", *arguments)
    assert (ended.code, ended.output) == (2, b"") and words in ended.errors


def test_run_beyond_the_drain_timeout_exits_with_3(batch, vendor):
    path = batch(invoke(1, "list_tenants", connection=vendor.connection), GOOD | {"id": 2})
    ended = run("run", path, "--drain-timeout", "0.1")
    assert ended.code == 3
    assert {answer["id"]: answer.get("error", {}).get("code") for answer in ended.answers} == {1: -32800, 2: None}


def test_closed_stdout_exits_with_4(batch):
    path = batch(*(request(id, "capabilities") for id in range(200)))
    with Host(command=("run", path), reads_output=False, stdin=subprocess.DEVNULL) as host:
        host.close_output()
        assert host.exit_code() == 4


def test_a_full_disk_ends_it_with_status_4(batch):
    ended = run("run", batch(GOOD), "--output", "/dev/full")
    assert ended.code == 4
    assert "/dev/full" in ended.errors and "No space left" in ended.errors


# --output

def test_responses_are_written_to_the_output_file_only(batch, tmp_path):
    out = tmp_path / "out.jsonl"
    ended = run("run", batch(GOOD, BAD), "--output", str(out))
    assert (ended.code, ended.output) == (1, b"")
    assert [answer["id"] for answer in answers(out)] == [1, 2]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_wrong_command_line_leaves_older_answers_alone(batch, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("older\n")
    for wrong in (["--connections", "/nonexistent/c.json"], ["--max-in-flight", "0"], ["--sandbox-fault", "x"]):
        assert run("run", batch(GOOD), "--output", str(out), *wrong).code == 2
    assert run("run", "/nonexistent/batch", "--output", str(out)).code == 2
    assert out.read_text() == "older\n"


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_the_file_of_requests_cannot_be_the_file_of_answers(resume, batch, tmp_path):
    path = batch(GOOD)
    os.link(path, tmp_path / "same")
    for out in (path, str(tmp_path / "same")):
        ended = run("run", path, "--output", out, *resume)
        assert ended.code == 2 and "--output" in ended.errors
    assert pathlib.Path(path).read_bytes() == line(GOOD)


# --resume

def test_resume_skips_answered_requests_and_appends_the_rest(batch, tmp_path):
    out = tmp_path / "out.jsonl"
    path = batch(*(request(id, "ping") for id in (1, "1", 1.5, None, "é", 2)))
    out.write_bytes(
        b'{"jsonrpc":"2.0","id":1,"result":{"from":"before"}}\n'
        b'[{"jsonrpc":"2.0","id":1.5,"result":{}},{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":""}}]\n'
        b'{"jsonrpc":"2.0","method":"invoke/progress","params":{"id":2,"done":1,"total":2}}\n'
        rb'{"jsonrpc":"2.0","id":"\u00e9","error":{"code":-32000,"message":"x"}}' + b"\n")
    ended = run("run", path, "--output", str(out), "--resume")
    # The exit status is that of all answers in OUT, also of those from before.
    assert ended.code == 1 and "3 skipped (1 of them failed)" in ended.errors
    assert [answer.get("id") for answer in answers(out)[3:]] == ["é", "1", None, 2]


def test_resume_without_earlier_answers_answers_everything(batch, tmp_path):
    out = tmp_path / "out.jsonl"
    assert run("run", batch(GOOD, BAD), "--output", str(out), "--resume").code == 1
    assert len(answers(out)) == 2
    # And a second time nothing; what failed before has still failed.
    assert run("run", batch(GOOD, BAD), "--output", str(out), "--resume").code == 1
    assert len(answers(out)) == 2


@pytest.mark.parametrize("half", [
    b'{"jsonrpc":"2.0","id":2,"result":{', b"{", b'{"jsonrpc":"2.0","id":2,"result":{}}', b"\xff", b"x" * 200_000,
], ids=["a beginning", "a bracket", "all but the line end", "a byte", "more than a block"])
def test_resume_truncates_a_partial_line_and_repeats_it(half, batch, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_bytes(b'{"jsonrpc":"2.0","id":1,"result":{}}\n' + half)
    assert run("run", batch(*(request(id, "ping") for id in (1, 2, 3))), "--output", str(out), "--resume").code == 0
    assert [answer["id"] for answer in answers(out)] == [1, 2, 3]


@pytest.mark.parametrize("half", [b"", b'{"jsonrpc":"2.0","id":'])
def test_after_a_crash_in_the_middle_resume_answers_every_id_once(half, batch, tmp_path):
    out = tmp_path / "out.jsonl"
    count = 60
    with Sandbox("coda: slow 20ms") as sandbox:
        path = batch(*(invoke(id, "list_tenants") for id in range(count)))
        options = [path, "--connections", sandbox.file, "--output", str(out), "--max-in-flight", "2"]
        with Host(command=("run", *options), stdin=subprocess.DEVNULL) as host:
            eventually(lambda: out.exists() and out.read_bytes().count(b"\n") >= 5, "some are answered")
            host.signal(signal.SIGKILL)
            host.exit_code()
        before = out.read_bytes().count(b"\n")
        assert 5 <= before < count
        with out.open("ab") as file:
            file.write(half)
        ended = run("run", *options, "--resume")
    assert ended.code == 0 and f"{before} skipped" in ended.errors
    assert collections.Counter(answer["id"] for answer in answers(out)) == dict.fromkeys(range(count), 1)


def test_an_interrupted_run_can_be_resumed(batch, tmp_path, vendor):
    out = tmp_path / "out.jsonl"
    path = batch(*(invoke(id, "list_tenants", connection=vendor.connection) for id in range(6)))
    with Host("--max-in-flight", "2", "--log-level", "info", command=("run", path, "--output", str(out)),
              stdin=subprocess.DEVNULL) as host:
        vendor.wait_for(2)
        host.signal(signal.SIGINT)
        host.wait_for_log("stopping: ")
        vendor.open()
        host.exit_code()
    results = [answer["id"] for answer in answers(out) if "result" in answer]
    assert sorted(results) == [0, 1]
    assert run("run", path, "--output", str(out), "--resume").code == 0
    results = [answer["id"] for answer in answers(out) if "result" in answer]
    assert sorted(results) == list(range(6))


def test_tour_runs_in_the_sandbox(tmp_path):
    tour = pathlib.Path(__file__).resolve().parents[2] / "protocol/examples/tour.jsonl"
    ended = run("run", str(tour), "--sandbox", "--files-dir", str(tmp_path / "files"))
    asked = [json.loads(each) for each in tour.read_text().splitlines() if each.strip()]
    ids = [answer["id"] for answer in ended.answers if "id" in answer]
    assert ended.code in (0, 1) and sorted(map(str, ids)) == sorted(str(each["id"]) for each in asked if "id" in each)
