"""A follower that is killed at any moment: every mail comes at least once, and none after its
acknowledgement. FOLLOW_KILLS (default 40) is the number of kills; 200 take a few minutes."""

import json
import os
import random
import threading

from Support.feed import START, Mailbox, mail
from Support.following import Follower
from Support.host import Process
from Support.session import Host
from Support.programmed_google import ANNA

KILLS = int(os.environ.get("FOLLOW_KILLS", "40"))
MAILS = 2_000
ARGUMENTS = {"user_email": ANNA, "start_time": "2021-05-25 00:00", "number_of_events_fetched": 60}


class Arriving:
    """Mail that arrives in a mailbox while `with` lasts: many in one second, some late."""

    def __init__(self, google, random, kills):
        order = list(range(MAILS))
        for position in range(0, MAILS - 40, 7):  # up to 40 later than its time
            order.insert(position + random.randrange(40), order.pop(position))
        self.rest = [mail(number, START + number * 137) for number in order]
        self.google = google
        self.portion = MAILS // kills + 1

    def some(self):
        portion, self.rest = self.rest[:self.portion], self.rest[self.portion:]
        self.google.put(*portion)

    def all(self):
        self.google.put(*self.rest)
        self.rest = []


def everything():
    return {f"{number:016x}" for number in range(MAILS)}


def test_no_kill_loses_an_event_or_repeats_an_acknowledged_one(tmp_path):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    seen, acknowledged, repeated = set(), set(), 0

    def live(host, is_last):
        """Follows until the host is killed; acknowledges what comes, without waiting."""
        nonlocal repeated
        follower = Follower(
            host, "fetch_event", ARGUMENTS, connection="main", every_seconds=1, checkpoint="box",
            max_unacknowledged=chance.choice([1, 5, 100]))
        if not is_last:
            threading.Timer(chance.uniform(0.05, 1.0), host.process.kill).start()
        taken, asked = 0, []
        while not host.ended and (not is_last or seen != everything() or asked):
            with host.changed:
                host.changed.wait_for(
                    lambda: len(follower.events) > taken or host.ended
                    or any(id in host.answers for id, _ in asked), 30)
            events = follower.events
            for event in events[taken:]:
                key = event["event"]["fields"]["Unique Event Key"]
                assert key not in acknowledged, f"{key} came again; seed {seed}"
                repeated += key in seen
                seen.add(key)
            if len(events) > taken:
                taken = len(events)
                try:
                    id = host.request("events/ack", {"id": follower.id, "seq": taken - 1})
                except (BrokenPipeError, ConnectionResetError, AssertionError):
                    return
                asked.append((id, taken))
            for id, count in [pair for pair in asked if pair[0] in host.answers]:
                if "result" in host.answers[id][0]:
                    acknowledged.update(
                        e["event"]["fields"]["Unique Event Key"] for e in follower.events[:count])
                asked.remove((id, count))

    with Mailbox([]) as google:
        arriving = Arriving(google, chance, KILLS)
        for _ in range(KILLS):
            arriving.some()
            with Host(google.connection(), options=["--state-dir", str(tmp_path)]) as host:
                live(host, is_last=False)
        arriving.all()
        with Host(google.connection(), options=["--state-dir", str(tmp_path)]) as host:
            live(host, is_last=True)
        assert seen == everything(), f"{len(everything() - seen)} were lost; seed {seed}"
        with Host(google.connection(), options=["--state-dir", str(tmp_path)]) as host:
            follower = Follower(host, "fetch_event", ARGUMENTS, connection="main", checkpoint="box")
            follower.wait_for_polls(1)
            assert follower.events == []
    print(f"seed {seed}: {KILLS} kills, {repeated} events came again")


def test_a_killed_command_repeats_its_last_line_at_most(tmp_path):
    kills = max(1, KILLS // 4)
    chance = random.Random(seed := random.randrange(1 << 32))
    connections = tmp_path / "connections.json"
    seen, done = set(), set()

    def lines(run_for, count=None):
        """The events of the lines until it is killed, or until all are there."""
        found, changed = [], threading.Condition()

        def take(line):
            with changed:
                if line is not None:
                    found.append(json.loads(line)["event"]["fields"]["Unique Event Key"])
                    changed.notify_all()

        words = [word for name, value in ARGUMENTS.items() for word in ("--" + name.replace("_", "-"), str(value))]
        with Process(
            "follow", "gmail", "fetch_event", *words, "--connections", str(connections), "--every", "1",
            "--state-dir", str(tmp_path / "state"), "--checkpoint", "box", take=take, takes_partial=False,
        ) as process:
            if run_for:
                with changed:
                    changed.wait_for(lambda: False, run_for)
            else:
                with changed:
                    assert changed.wait_for(lambda: len(seen | set(found)) == MAILS, 60), process.errors
        return found

    with Mailbox([]) as google:
        connections.write_text(json.dumps({"connections": {"main": google.connection()}}))
        arriving = Arriving(google, chance, kills)
        for number in range(kills + 1):
            is_last = number == kills
            arriving.all() if is_last else arriving.some()
            found = lines(None if is_last else chance.uniform(0.2, 1.5))
            assert not done & set(found), f"seed {seed}"
            seen |= set(found)
            done |= set(found[:-1])
    assert seen == everything(), f"seed {seed}"
