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


@pytest.mark.parametrize("taken", [1, 2, 7, 12])
def test_the_cursor_of_an_event_continues_after_it(taken):
    # Of one millisecond, too.
    box = [mail(n, START + n // 3 * 1000) for n in range(1, 13)]
    with Mailbox(box) as google, Host(google.connection()) as host:
        follower = follow(host)
        event = follower.wait_for_events(12)[taken - 1]
        assert follower.keys == names(range(1, 13))
        result = fetch(host, cursor=event["cursor"])
        assert keys(result) == names(range(taken + 1, 13))
        assert len(event["cursor"]) < 2_000


def test_mail_of_one_second_that_arrives_between_polls_is_not_missed():
    box = [mail(n, START + 500) for n in (1, 5)]
    with Mailbox(box) as google, Host(google.connection()) as host:
        follower = follow(host)
        follower.wait_for_events(2)
        follower.ack(1)
        google.put(mail(3, START + 500), mail(7, START + 999), mail(2, START))
        follower.wait_for_events(5)
        follower.wait_for_polls(1)
        assert sorted(follower.keys) == names([1, 2, 3, 5, 7])


def test_mail_that_the_index_shows_late_is_not_missed():
    with Mailbox(mails([100])) as google, Host(google.connection()) as host:
        follower = follow(host)
        follower.wait_for_events(1)
        follower.ack(0)
        google.put(*mails([1, 50]))
        follower.wait_for_events(3)
        assert follower.keys == names([100, 1, 50])


def test_mail_with_a_future_date_hides_none_and_comes_at_once():
    now = int(time.time() * 1000)
    box = [mail(1, now - 90_000), mail(2, now + 30 * 86_400_000)]
    arguments = {"start_time": now - 3_600_000}
    with Mailbox(box) as google, Host(google.connection()) as host:
        follower = follow(host, arguments)
        follower.wait_for_events(2)
        follower.ack(1)
        google.put(mail(3, now - 60_000), mail(4, now))
        follower.wait_for_events(4)
        assert follower.keys == names([1, 2, 3, 4])


def test_mail_that_is_deleted_between_the_search_and_the_reading_stops_nothing():
    gone = lambda target: refusal(404, "Requested entity was not found.") if name(2) in target else None
    with Mailbox(mails(range(1, 13)), answer=gone) as google, Host(google.connection()) as host:
        follower = follow(host)
        follower.wait_for_events(11)
        google.put(*mails([20]))
        follower.wait_for_events(12)
        assert follower.keys == names([1, *range(3, 13), 20]) and follower.failures == []


@pytest.mark.parametrize("status, reason, kind", [
    (503, None, "upstream"), (401, "authError", "auth"), (429, "rateLimitExceeded", "rate_limited"), (403, "forbidden", "permission")])
def test_it_goes_on_after_errors(status, reason, kind):
    failing = [refusal(status, "Not now.", reason, headers=[("Retry-After", "1")])]
    with Mailbox(mails([1]), answer=lambda target: failing[0] if failing else None) as google:
        with Host(google.connection()) as host:
            follower = follow(host, options={"timeout_ms": 2500})
            failures = follower.wait_for_failures(2)
            assert {failure["error"]["kind"] for failure in failures} == {kind}
            assert all("next_poll_at" in failure for failure in failures)
            failing.clear()
            follower.wait_for_events(1)
            google.put(*mails([2]))
            follower.wait_for_events(2)
            assert follower.keys == names([1, 2])


def test_five_hundred_mails_at_once_are_sent_as_they_are_acknowledged():
    with Mailbox(mails(range(1, 501))) as google, Host(google.connection()) as host:
        follower = follow(host)
        follower.wait_for_events(100)
        lists = len(google.queries)
        for seq in range(49, 500, 50):
            host.call("ping")
            assert len(follower.events) == min(seq + 51, 500)
            assert follower.ack(seq) == {"acknowledged": seq, "unacknowledged": min(50, 499 - seq)}
            follower.wait_for_events(min(seq + 101, 500))
        assert len(google.queries) == lists  # one poll has found them all
        assert follower.keys == names(range(1, 501))


def test_a_backlog_is_fetched_without_pauses():
    with Mailbox(mails(range(1, 41))) as google, Host(google.connection()) as host:
        follower = follow(host, {"number_of_events_fetched": 8}, every_seconds=86_400)
        follower.wait_for_events(40)
        assert follower.keys == names(range(1, 41)) and follower.failures == []


def test_a_message_that_cannot_be_read_becomes_an_event_after_three_polls():
    broken = lambda target: refusal(500, "Backend Error", "backendError") if name(2) in target else None
    with Mailbox(mails(range(1, 5)), answer=broken) as google, Host(google.connection()) as host:
        follower = follow(host)
        events = follower.wait_for_events(4)
        assert follower.keys == names(range(1, 5)) and len(follower.heartbeats) >= 2
        assert ["error" in event["event"] for event in events] == [False, True, False, False]
        # Continuing at the cursors around it neither misses nor repeats it.
        host.call("cancel", {"id": follower.id})
        google.special = lambda target: None
        assert keys(fetch(host, cursor=events[0]["cursor"])) == names([2, 3, 4])
        assert keys(fetch(host, cursor=events[1]["cursor"])) == names([3, 4])


def test_own_mail_and_drafts_are_no_events():
    box = [mail(1, START), mail(2, START + 1, labelIds=["SENT"]), mail(3, START + 2, labelIds=["DRAFT"]), mail(4, START + 3)]
    with Mailbox(box) as google, Host(google.connection()) as host:
        follower = follow(host)
        follower.wait_for_events(2)
        follower.wait_for_polls(1)
        assert follower.keys == names([1, 4])


def test_events_of_one_mail_that_were_acknowledged_do_not_come_again(tmp_path):
    # Two events of each mail: its parts.
    payload = lambda n: part("multipart/mixed", parts=[part("text/plain", str(m), f"{n}.{m}") for m in (0, 1)])
    box = [mail(n, START + n, payload(n)) for n in (1, 2, 3)]
    mapping = {"main_event_json_path": "$.payload.parts[*]", "add": {"Part": "$.partId"}}
    options = {"checkpoint": "parts", "options": {"field_mapping": mapping}}
    arguments = ["--state-dir", str(tmp_path)]

    def parts(follower):
        return [(event["event"]["raw"]["id"], event["event"]["fields"]["__Part"]) for event in follower.events]

    every = [(name(n), m) for n in (1, 2, 3) for m in ("0", "1")]
    with Mailbox(box) as google:
        for taken in (3, 1, 2):  # up to the first of the second mail, its second, the third
            with Host(google.connection(), options=arguments) as host:
                follower = follow(host, **options)
                follower.wait_for_events(len(every))
                assert parts(follower) == every
                follower.ack(taken - 1)
                # Labels change, which changes the raw data of the event.
                for one in google.mails.values():
                    one["labelIds"] = [*one["labelIds"], "STARRED"]
                host.process.kill()
                every = every[taken:]
        google.put(mail(0, START, payload(0)))  # older, and found late
        with Host(google.connection(), options=arguments) as host:
            follower = follow(host, **options)
            follower.wait_for_events(2)
            follower.wait_for_polls(1)
            assert parts(follower) == [(name(0), "0"), (name(0), "1")]
