"""Following a mailbox: every mail is an event at least once, whatever the mailbox does."""

import time

import pytest
from Support.feed import END, SPAN, START, Mailbox, fetch, keys, mail, part
from Support.following import Follower
from Support.programmed_google import refusal
from Support.session import Host

#: Following has no end.
ARGUMENTS = {name: SPAN[name] for name in ("user_email", "start_time")}


def name(number):
    return f"{number:016x}"


def names(numbers):
    return [name(number) for number in numbers]


def follow(host, arguments=None, **params):
    return Follower(
        host, "fetch_event", ARGUMENTS | (arguments or {}),
        **{"connection": "main", "every_seconds": 1} | params)


def mails(numbers):
    return [mail(n, START + n * 1000) for n in numbers]


def test_mail_of_a_mailbox_arrives_in_order_without_an_end():
    with Mailbox(mails(range(1, 4))) as google, Host(google.connection()) as host:
        follower = follow(host)
        follower.wait_for_events(3)
        google.put(*mails(range(4, 6)))
        events = follower.wait_for_events(5)
        assert follower.keys == names(range(1, 6))
        assert [event["seq"] for event in events] == list(range(5))
        assert follower.ack(4) == {"acknowledged": 4, "unacknowledged": 0}
        result = follower.stop()
        assert result["return_data"] == "Successful" and result["meta"]["events"] == 5
        assert all("before:" not in query for query in google.queries)
