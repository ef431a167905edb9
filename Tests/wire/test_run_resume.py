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
