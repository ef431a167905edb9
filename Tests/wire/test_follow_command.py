"""`sallyport follow`: one event a line, acknowledged when it is written; its exit statuses and its errors."""

import array
import fcntl
import json
import os
import pty
import queue
import signal
import subprocess
import termios

import pytest
from Support.feed import SPAN, START, Mailbox, mail
from Support.host import EXECUTABLE, Process, environment, eventually, run
from Support.programmed_google import refusal

WORDS = ["gmail", "fetch_event", "--user-email", SPAN["user_email"], "--start-time", SPAN["start_time"], "--every", "1"]


@pytest.fixture
def google():
    with Mailbox([mail(n, START + n) for n in range(1, 4)]) as google:
        yield google


@pytest.fixture
def options(google, tmp_path):
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {"main": google.connection()}}))
    file.chmod(0o600)
    return ["--connections", str(file)]


class Follow(Process):
    """A running `follow` whose lines are read one by one."""

    def __init__(self, *words, **more):
        self.lines = queue.SimpleQueue()
        super().__init__("follow", *words, take=self.lines.put, **more)

    def event(self):
        line = self.lines.get(timeout=30)
        assert line is not None, f"it ended; stderr: {self.errors}"
        return json.loads(line)

    def key(self):
        return int(self.event()["event"]["fields"]["Unique Event Key"], 16)

    def rest(self):
        """The lines until its end."""
        return [json.loads(line) for line in iter(lambda: self.lines.get(timeout=30), None)]


def unread(follow):
    """Bytes of its output that are in the pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(follow.process.stdout.fileno(), termios.FIONREAD, count)
    return count[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_events_are_lines_until_a_signal(google, options, number):
    with Follow(*WORDS, *options) as follow:
        events = [follow.event() for _ in range(3)]
        google.put(mail(4, START + 4))
        events.append(follow.event())
        assert [event["seq"] for event in events] == [0, 1, 2, 3]
        assert all(list(event) == ["seq", "event", "cursor"] for event in events)
        follow.signal(number)
        assert follow.exit_code() == 0
        assert follow.rest() == [] and follow.errors == ""


def test_it_ends_with_4_when_the_reader_goes_away(google, options):
    with Follow(*WORDS, *options) as follow:
        for _ in range(3):
            follow.event()
        follow.close_output()  # between two polls: nothing is written
        assert follow.exit_code() == 4


def test_it_ends_with_4_when_the_reader_goes_away_before_all_lines(google, options):
    google.put(*(mail(n, START + n, snippet="x" * 100_000) for n in range(10, 60)))
    with Follow(*WORDS, *options, reads_output=False) as follow:
        eventually(lambda: len(google.reads) >= 53, "the mail is read")
        follow.read_output()
        follow.event()
        follow.close_output()
        assert follow.exit_code() == 4


def test_a_checkpoint_continues_after_the_last_line(google, options, tmp_path):
    options += ["--state-dir", str(tmp_path), "--checkpoint", "box"]
    with Follow(*WORDS, *options) as follow:
        assert [follow.key() for _ in range(3)] == [1, 2, 3]
        follow.signal(signal.SIGTERM)
        assert follow.exit_code() == 0
    google.put(mail(4, START + 4), mail(2_000, START + 2))
    with Follow(*WORDS, *options) as follow:
        assert [follow.key() for _ in range(2)] == [2_000, 4]


def test_a_signal_loses_no_line_that_a_slow_reader_has_not_read(google, options, tmp_path):
    google.put(*(mail(n, START + n, snippet="x" * 30_000) for n in range(10, 60)))
    options += ["--state-dir", str(tmp_path), "--checkpoint", "box"]
    with Follow(*WORDS, *options, reads_output=False, takes_partial=False) as follow:
        eventually(lambda: unread(follow) >= 30_000, "the pipe is full")
        follow.signal(signal.SIGTERM)
        follow.read_output()
        first = [event["seq"] for event in follow.rest()]
        assert follow.exit_code() == 0 and first == list(range(len(first))) and first
    with Follow(*WORDS, *options) as follow:
        keys = [*(1, 2, 3), *range(10, 60)]
        assert [follow.key() for _ in keys[len(first):]] == keys[len(first):]


def test_a_checkpoint_has_one_follower(google, options, tmp_path):
    options += ["--state-dir", str(tmp_path), "--checkpoint", "box"]
    with Follow(*WORDS, *options) as follow:
        follow.event()
        second = run("follow", *WORDS, *options)
        assert (second.code, second.output) == (1, b"")
        assert "The checkpoint box is in use by another follower." in second.errors


def test_errors_are_reported_and_it_goes_on(google, options):
    broken = [refusal(403, "Not you.", "forbidden")]
    google.special = lambda target: broken[0] if broken else None
    with Follow(*WORDS, *options) as follow:
        follow.wait_for_log("poll failed, next poll at ")
        assert "Not you." in follow.errors
        broken.clear()
        assert [follow.key() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("words, text", [
    ([], "missing integration and command"), (["gmail"], "missing integration and command"),
    ([*WORDS, "--checkpoint", "box"], "--checkpoint requires --state-dir"),
    ([*WORDS, "--checkpoint", "a/b", "--state-dir", "state"], "letters, digits"),
    ([*WORDS, "--every", "0"], "--every must be an integer from 1"),
    ([*WORDS, "--end-time", "2026-01-01"], "following has no end"), ([*WORDS, "more"], 'unexpected argument "more"'),
    (["gmail", "list_labels", "--user-email", "a@b.test"], "cannot be followed"),
    (["gmail", "fetch_event", "--user-email", "a@b.test"], "Start Time"), ([*WORDS, "--conection", "x"], "--connection"),
    ([*WORDS, "--connection", "x"], "unknown connection")])
def test_a_wrong_command_line_ends_with_2(options, tmp_path, words, text):
    ended = run("follow", *words, *options, directory=tmp_path)
    assert (ended.code, ended.output) == (2, b"") and text in ended.errors


def test_a_terminal_shows_when_the_next_poll_is(google, options):
    own, other = pty.openpty()
    process = subprocess.Popen(
        [EXECUTABLE, "follow", *WORDS, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=other, env=environment())
    os.close(other)
    seen = b""
    try:
        while b"3 events, next poll at " not in seen:
            seen += os.read(own, 4096)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        os.close(own)


def test_help_names_its_options():
    text = run("help", "follow").text
    for word in ("--every", "--checkpoint", "--state-dir", "Exit status"):
        assert word in text
