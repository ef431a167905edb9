"""`sallyport run --output OUT --resume` after a crash: no write is sent twice, every line has one answer."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import random
import re
import signal
import stat
import subprocess
import threading
import time

import pytest
from Support.host import Host, eventually, line, parse, run
from Support.mailbox import MAIL, SEND, Mailbox, decoded, read
from Support.upstream import reply


class Post(Mailbox):
    """Counts mails by their subject when they arrive, before they are answered."""

    def __init__(self, answer=None) -> None:
        self.arrived: collections.Counter[str] = collections.Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.then = answer
        super().__init__(self._count)

    def close(self) -> None:
        self.gate.set()
        super().close()

    def _count(self, request):
        if request.path != SEND:
            return None
        if self.then and (refused := self.then(request)):
            return refused
        subject = read(decoded(request.json["raw"]))["Subject"]
        with self.changed:
            self.arrived[subject] += 1
            self.changed.notify_all()
        self.gate.wait(20)
        return None

    def wait_for_mails(self, count: int) -> None:
        self.wait(lambda: self.arrived.total() >= count, f"{count} mails")


@pytest.fixture
def post():
    with Post() as post:
        yield post


def mail(number, **options):
    params = {"integration": "gmail", "command": "send_email", "arguments": MAIL | {"subject": f"mail {number}"}}
    if options:
        params["options"] = options
    return {"jsonrpc": "2.0", "id": number, "method": "invoke", "params": params}


class Batch:
    """A request file, its OUT and the command line of `run`."""

    def __init__(self, directory: pathlib.Path, post: Post, messages, **connection) -> None:
        self.file = directory / "batch.jsonl"
        self.write(messages)
        self.out = directory / "out.jsonl"
        self.ledger = directory / "out.jsonl.ledger"
        self.connections = directory / "connections.json"
        self.connections.touch(0o600)
        self.connections.write_text(json.dumps({"connections": {"mail": post.connection(**connection)}}))
        self.words = [str(self.file), "--connections", str(self.connections), "--output", str(self.out)]

    def write(self, messages) -> None:
        self.file.write_bytes(b"".join(line(message) for message in messages))

    def start(self, *options: str) -> Host:
        return Host(*options, command=("run", *self.words), stdin=subprocess.DEVNULL)

    def resume(self, *options: str):
        return run("run", *self.words, "--resume", *options)

    @property
    def answers(self) -> list:
        return [parse(each) for each in self.out.read_bytes().split(b"\n")[:-1]]

    def outcomes(self) -> dict:
        """Of each id: "done", or the outcome of its error."""
        answers = self.answers
        assert len({answer["id"] for answer in answers}) == len(answers), "an id has two answers"
        return {answer["id"]: answer["error"]["data"]["outcome"] if "error" in answer else "done"
                for answer in answers}


def kill(host: Host) -> None:
    host.signal(signal.SIGKILL)
    host.exit_code()


def test_a_write_in_flight_at_the_crash_is_unknown_and_not_repeated(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(number) for number in range(5)])
    post.gate.clear()
    with batch.start("--max-in-flight", "2") as host:
        post.wait_for_mails(2)
        kill(host)
    post.gate.set()
    ended = batch.resume()
    assert ended.code == 1, ended.errors
    assert batch.outcomes() == {0: "unknown", 1: "unknown", 2: "done", 3: "done", 4: "done"}
    assert set(post.arrived.values()) == {1} and len(post.arrived) == 5
    (error, *_) = [answer["error"] for answer in batch.answers if answer["id"] == 0]
    assert "earlier run" in error["data"]["message"] and "search_emails" in error["data"]["remedy"]
    assert stat.S_IMODE(batch.ledger.stat().st_mode) == 0o600
    # Another resume answers nothing: all lines have their answers.
    assert batch.resume().code == 1 and len(batch.answers) == 5


def test_no_write_is_sent_twice_whenever_the_run_is_killed(tmp_path, post):
    count, kills = 60, 20
    chance = random.Random(8)
    post.then = lambda request: time.sleep(chance.uniform(0, 0.03))
    batch = Batch(tmp_path, post, [mail(number) for number in range(count)])
    for turn in range(kills):
        with batch.start("--max-in-flight", "4", *(["--resume"] if turn else [])) as host:
            before = post.arrived.total()
            eventually(lambda: post.arrived.total() > before or host.process.poll() is not None, "a mail arrives")
            # From the first mail of this run to some more.
            time.sleep(chance.uniform(0, 0.05))
            kill(host)
    batch.resume()
    outcomes = batch.outcomes()
    assert sorted(outcomes) == list(range(count))
    assert set(outcomes.values()) <= {"done", "unknown"}
    assert [subject for subject, times in post.arrived.items() if times > 1] == []
    done = {f"mail {number}" for number, outcome in outcomes.items() if outcome == "done"}
    assert done <= set(post.arrived)


def test_lines_that_only_waited_for_a_rate_limit_are_sent_on_resume(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(number) for number in range(5)],
                  rate_limits={"send_email": {"requests": 1, "per_seconds": 600}})
    with batch.start() as host:
        post.wait_for_mails(1)
        eventually(lambda: b'"result"' in batch.out.read_bytes(), "the first mail is answered")
        host.wait_for_log("4 wait for a rate limit until ")
        kill(host)
    batch.connections.write_text(json.dumps({"connections": {"mail": post.connection()}}))
    assert batch.resume().code == 0
    assert batch.outcomes() == dict.fromkeys(range(5), "done")
    assert set(post.arrived.values()) == {1} and len(post.arrived) == 5


def test_a_write_that_the_vendor_refused_for_its_rate_is_sent_on_resume(tmp_path, post):
    post.then = lambda request: reply(429, {"error": {"code": 429}}, headers=[("Retry-After", "3000")])
    batch = Batch(tmp_path, post, [mail(number) for number in range(3)])
    with batch.start() as host:
        host.wait_for_log("3 wait for a rate limit until ")
        kill(host)
    post.then = None
    batch.connections.write_text(json.dumps({"connections": {"mail": post.connection()}}))
    ended = batch.resume()
    assert ended.code == 0, batch.answers
    assert batch.outcomes() == dict.fromkeys(range(3), "done")


def test_lost_answers_come_from_the_ledger(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(number) for number in range(3)])
    assert run("run", *batch.words).code == 0
    before = sorted(batch.out.read_bytes().splitlines())
    batch.out.write_bytes(b"")
    assert batch.resume().code == 0
    after = [parse(each) for each in batch.out.read_bytes().splitlines()]
    assert {one["id"]: one["result"]["raw_data"] for one in after} == {
        one["id"]: one["result"]["raw_data"] for one in map(parse, before)}
    assert post.arrived.total() == 3


def test_without_resume_the_ledger_is_replaced_together_with_the_output(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(1)])
    for times in (1, 2):
        assert run("run", *batch.words).code == 0
        assert post.arrived["mail 1"] == times and len(batch.answers) == 1


def test_a_line_with_a_key_of_its_own_is_not_repeated_either(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(1, idempotency_key="mine"), mail(2)])
    post.gate.clear()
    with batch.start() as host:
        post.wait_for_mails(2)
        kill(host)
    post.gate.set()
    batch.resume()
    assert batch.outcomes() == {1: "unknown", 2: "unknown"} and post.arrived.total() == 2
    assert "mine" not in batch.ledger.read_text()


def test_a_line_that_was_edited_after_the_crash_is_not_sent(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(1)])
    post.gate.clear()
    with batch.start() as host:
        post.wait_for_mails(1)
        kill(host)
    post.gate.set()
    edited = mail(1)
    edited["params"]["arguments"]["subject"] = "edited"
    batch.write([edited])
    batch.resume()
    assert batch.outcomes() == {1: "unknown"} and dict(post.arrived) == {"mail 1": 1}


def test_a_line_that_moved_is_not_repeated(tmp_path, post):
    batch = Batch(tmp_path, post, [{"jsonrpc": "2.0", "id": 0, "method": "ping"}, mail(1), mail(2)])
    post.gate.clear()
    with batch.start() as host:
        post.wait_for_mails(2)
        kill(host)
    post.gate.set()
    batch.write([mail(2), mail(1), mail(3)])
    batch.resume()
    outcomes = batch.outcomes()
    assert {id: outcomes[id] for id in (1, 2, 3)} == {1: "unknown", 2: "unknown", 3: "done"}
    assert dict(post.arrived) == {"mail 1": 1, "mail 2": 1, "mail 3": 1}


def test_requests_without_an_id_and_in_batches_are_not_repeated(tmp_path, post):
    note = mail(1)
    del note["id"]
    batch = Batch(tmp_path, post, [note, mail(None) | {"params": mail(2)["params"]}, [mail(3), mail(4)]])
    post.gate.clear()
    with batch.start() as host:
        post.wait_for_mails(4)
        kill(host)
    post.gate.set()
    batch.resume()
    assert post.arrived == collections.Counter({f"mail {number}": 1 for number in range(1, 5)})


def test_tool_calls_in_a_request_file_are_not_repeated(tmp_path, vendor):
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "coda_footprint__patch_rescan", "arguments": {}}}
    (tmp_path / "connections.json").write_text(json.dumps({"connections": {"coda": vendor.connection}}))
    (tmp_path / "batch.jsonl").write_bytes(line(hello) + line(call))
    out = tmp_path / "out.jsonl"
    words = ["run", str(tmp_path / "batch.jsonl"), "--connections", str(tmp_path / "connections.json"),
             "--output", str(out)]
    with Host(command=words, stdin=subprocess.DEVNULL) as host:
        vendor.wait_for(1)
        kill(host)
    vendor.open()
    run(*words, "--resume")
    (answer,) = [parse(each) for each in out.read_bytes().splitlines() if b'"id":1' in each]
    assert answer["result"]["isError"] and "earlier run" in json.dumps(answer)
    assert vendor.arrived == 1


def test_another_run_does_not_truncate_an_output_in_use(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(number) for number in range(2)])
    post.gate.clear()
    with batch.start("--max-in-flight", "1") as host:
        post.wait_for_mails(1)
        ledger = batch.ledger.read_bytes()
        assert ledger
        ended = run("run", *batch.words)
        assert ended.code == 2 and "in use by another run" in ended.errors
        assert batch.ledger.read_bytes() == ledger
        post.gate.set()
        assert host.exit_code() == 0
    assert len(batch.answers) == 2


def test_a_ledger_that_is_a_link_is_refused(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(1)])
    batch.out.write_bytes(b"")
    target = tmp_path / "target"
    target.write_text("kept")
    batch.ledger.symlink_to(target)
    ended = batch.resume()
    assert ended.code == 2 and str(batch.ledger) in ended.errors
    assert target.read_text() == "kept" and post.arrived.total() == 0


def test_an_output_that_is_no_file_gets_no_ledger(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(1)])
    os.mkfifo(batch.out)
    with batch.start() as host:
        lines = batch.out.read_bytes().splitlines()
        assert host.exit_code() == 0
    assert len(lines) == 1 and not batch.ledger.exists()


# Progress

def test_lines_that_wait_are_not_counted_as_done(tmp_path, post):
    batch = Batch(tmp_path, post, [mail(number) for number in range(10)],
                  rate_limits={"send_email": {"requests": 3, "per_seconds": 600}})
    with batch.start() as host:
        host.wait_for_log("7 wait for a rate limit until ")
        kill(host)
    (shown,) = host.errors.splitlines()
    assert re.fullmatch(
        r"30 %  3 successful, 0 failed, 7 wait for a rate limit until \d\d:\d\d:\d\d", shown)
