"""A message that Gmail never hands out does not stop fetch_event: it becomes an event with an error."""

import base64
import json

import pytest
from Support.feed import SPAN, START, Faulty, Mailbox, by_time, fetch, keys, mail, part, url64
from Support.programmed_google import refusal
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import hang_up, raw, reply
from Support.workspace import SOC

MORE = "More mail is available: call again with this cursor."


def name(number):
    return f"{number:016x}"


def mails(count):
    return [mail(n, START + n * 1000) for n in range(1, count + 1)]


def backend_error(target):
    return refusal(500, "Backend Error", "backendError")


class Broken(Mailbox):
    """Answers requests for the messages with these numbers by `response(target)`."""

    def __init__(self, count, numbers, response=backend_error, **more):
        self.broken = {name(n) for n in numbers}
        answer = lambda target: response(target) if any(id in target for id in self.broken) else None
        super().__init__(mails(count), answer=answer, **more)


def polls(host, count, **more):
    """Results of successive calls, each with the cursor of the one before."""
    results, cursor = [], {}
    for _ in range(count):
        results.append(fetch(host, **cursor, **more))
        cursor = {"cursor": results[-1]["cursor"]}
    return results


def flat(results):
    return [id for result in results for id in keys(result)]


def content(cursor):
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


def cursor_of(content):
    return url64(json.dumps(content)).rstrip("=")


@pytest.mark.parametrize("count", [3, 12])  # individually and in a batch
@pytest.mark.parametrize("number", [1, 2, 3])
def test_after_three_calls_it_is_an_event_with_an_error(count, number):
    with Broken(count, [number]) as google, Host(google.connection()) as host:
        first, second, third, fourth = polls(host, 4)
        assert keys(first) == [name(n) for n in range(1, number)] and keys(second) == []
        for result in (first, second):
            assert result["return_data"] == "Successful"
            assert result["notices"] == [f"Message {name(number)} could not be read: Backend Error", MORE]
        assert keys(third) == [name(n) for n in range(number, count + 1)] and keys(fourth) == []
        event = third["events"][0]
        error = {
            "kind": "upstream", "status_code": 500,
            "message": f"Message {name(number)} could not be read in 3 calls: Backend Error",
            "remedy": "Read the message with get_email later, or in Gmail."}
        assert event == {
            "fields": {"Unique Event Key": name(number), "Event Type": "Email Alerts"},
            "raw": {"id": name(number), "threadId": name(number), "error": error}, "error": error}
        assert third["raw_data"][0] == event["raw"]
        assert third["notices"] == [
            f"Message {name(number)} could not be read in 3 calls. Its event contains the error."]
        assert not any("error" in e for r in (first, second, third) for e in r["events"] if e is not event)
        assert "notices" not in fourth and google.broken


@pytest.mark.parametrize("answer", [
    lambda target: refusal(403, "Forbidden"), lambda target: refusal(410, "Gone"), lambda target: refusal(400, "Precondition"),
    lambda target: refusal(503, "Unavailable"), lambda target: reply(502, b"<html>"), lambda target: refusal(504, "Deadline"),
    lambda target: reply(200, b"{\"id\":"), lambda target: reply(200, b""), lambda target: reply(200, []),
    lambda target: reply(200, {}), lambda target: reply(200, {"payload": {}}), lambda target: reply(200, {"id": 7})],
    ids=["403", "410", "400", "503", "502", "504", "cut", "empty", "list", "nothing", "no-id", "number"])
def test_any_answer_that_is_no_message_counts(answer, count=7):
    with Broken(count, [2], answer) as google, Host(google.connection()) as host:
        results = polls(host, 3)
        assert flat(results) == [name(n) for n in range(1, count + 1)]
        assert [("error" in e) for e in results[2]["events"]] == [True] + [False] * (count - 2)


@pytest.mark.parametrize("count", [3, 9])
def test_a_transient_failure_is_retried_within_the_call(count):
    seen = []

    def once(target):
        seen.append(target)
        return backend_error(target) if len(seen) < 3 else None

    with Broken(count, [2], once) as google, Host(google.connection()) as host:
        result = fetch(host)
        assert keys(result) == [name(n) for n in range(1, count + 1)] and "notices" not in result
        assert len(seen) == 3 and "failed" not in content(result["cursor"])


def test_a_message_that_fails_twice_is_an_ordinary_event_once():
    with Broken(12, [5]) as google, Host(google.connection()) as host:
        results = polls(host, 2)
        google.broken = set()
        results += [fetch(host, cursor=results[-1]["cursor"])]
        results += [fetch(host, cursor=results[-1]["cursor"])]
        assert flat(results) == [name(n) for n in range(1, 13)]
        assert not any("error" in event for result in results for event in result["events"])
        assert "failed" not in content(results[-1]["cursor"])


@pytest.mark.parametrize("numbers", [[1, 2, 3], [2, 5], [1, 12], [4, 5, 6, 7]])
def test_several_messages_that_fail_cost_three_calls_together(numbers):
    with Broken(12, numbers) as google, Host(google.connection()) as host:
        results = polls(host, 4)
        assert flat(results) == [name(n) for n in range(1, 13)] and keys(results[3]) == []
        failed = [e["fields"]["Unique Event Key"] for r in results for e in r["events"] if "error" in e]
        assert failed == [name(n) for n in numbers]


def test_a_mailbox_of_unreadable_messages_gives_them_one_by_one():
    # Nothing shows that the mailbox is readable, so only the first message is counted.
    with Broken(3, [1, 2, 3]) as google, Host(google.connection()) as host:
        results = polls(host, 8)
        assert flat(results) == [name(n) for n in (1, 2, 3)]
        assert [len(r["events"]) for r in results] == [0, 0, 1, 0, 1, 0, 1, 0]


def test_a_limit_of_one_event_counts_an_error_as_an_event():
    with Broken(4, [2]) as google, Host(google.connection()) as host:
        results = polls(host, 6, number_of_events_fetched=1)
        assert [keys(r) for r in results] == [[name(1)], [], [name(2)], [name(3)], [name(4)], []]


def test_an_error_event_is_not_repeated_when_time_passes():
    hour = 3_600_000
    with Broken(3, [2]) as google, Host(google.connection()) as host:
        results = polls(host, 3)
        google.put(*[mail(n, START + n * hour) for n in (4, 5)])
        later = polls_from(host, results[-1]["cursor"], 4)
        assert flat(results + later) == [name(n) for n in (1, 2, 3, 4, 5)]


def polls_from(host, cursor, count):
    results = []
    for _ in range(count):
        results.append(fetch(host, cursor=cursor))
        cursor = results[-1]["cursor"]
    return results


def test_a_deleted_message_is_still_skipped():
    with Broken(3, [2]) as google, Host(google.connection()) as host:
        results = polls(host, 2)
        google.special = lambda target: refusal(404, "Requested entity was not found.") if name(2) in target else None
        later = polls_from(host, results[-1]["cursor"], 2)
        assert flat(results + later) == [name(1), name(3)]
        assert "failed" not in content(later[-1]["cursor"])


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda target: refusal(401, "Invalid Credentials"), "auth"),
    (lambda target: refusal(429, "Quota", "rateLimitExceeded"), "rate_limited"),
    (lambda target: refusal(403, "Quota", "userRateLimitExceeded"), "rate_limited"),
    (lambda target: refusal(403, "Request had insufficient authentication scopes.", "insufficientPermissions"), "permission"),
    (lambda target: refusal(403, "Not allowed", "domainPolicy"), "permission")], ids=["401", "429", "403-rate", "403-scope", "403-policy"])
def test_failures_of_the_mailbox_are_not_counted(answer, kind):
    with Broken(3, [2], answer) as google, Host(google.connection()) as host:
        first = host.result("fetch_event", SPAN, timeout_ms=3000)
        assert keys(first) == [name(1)] and "failed" not in content(first["cursor"])
        for _ in range(3):
            data = host.failure("fetch_event", SPAN | {"cursor": first["cursor"]}, timeout_ms=1500)
            assert data["kind"] == kind
            # A wait for the rate limit may end the call before the message.
            assert kind == "rate_limited" or data["message"].startswith(f"Message {name(2)} could not be read: ")
        google.broken = set()
        assert flat(polls_from(host, first["cursor"], 1)) == [name(2), name(3)]


@pytest.mark.parametrize("action", [hang_up, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"id\":")], ids=["no response", "cut"])
def test_a_response_that_always_breaks_off_counts_while_others_are_read(action):
    with Broken(3, [2], lambda target: action) as google, Host(google.connection()) as host:
        results = polls(host, 4)
        assert [keys(r) for r in results] == [[name(1)], [], [name(2), name(3)], []]
        assert results[2]["events"][0]["error"]["kind"] == "network"


def test_a_network_that_breaks_off_is_not_counted():
    with Broken(3, [1, 2, 3], lambda target: hang_up) as google, Host(google.connection()) as host:
        for _ in range(3):
            data = host.failure("fetch_event", SPAN)
            assert data["kind"] == "network" and data["message"].startswith(f"Message {name(1)} could not be read: ")
        google.broken = set()
        assert keys(fetch(host)) == [name(n) for n in (1, 2, 3)]


def test_the_error_is_in_reach_of_the_mapping_and_of_streams():
    with Broken(3, [2]) as google, Host(google.connection()) as host:
        cursor = polls(host, 2)[-1]["cursor"]
        mapping = {"add": {"Failure": "$.error.message"}, "main_event_json_path": "$.payload"}
        (failed, *_) = fetch(host, mapping=mapping, cursor=cursor)["events"]
        # The caller's main path finds nothing in it, but the message is not lost.
        assert failed["error"]["status_code"] == 500 and failed["fields"]["Unique Event Key"] == name(2)
        (failed, *_) = fetch(host, mapping={"add": {"Failure": "$.error.message"}}, cursor=cursor)["events"]
        assert "Backend Error" in failed["fields"]["__Failure"]
        number = host.start("fetch_event", SPAN | {"cursor": cursor}, stream=True)
        host.wait(number)
        items = [i["item"] for i in host.notifications("invoke/item", number)]
        assert [i["fields"]["Unique Event Key"] for i in items] == [name(2), name(3)]
        assert items[0]["error"]["kind"] == "upstream"


# The cursor


def test_a_cursor_without_attempts_is_as_before():
    with Mailbox(mails(2)) as google, Host(google.connection()) as host:
        cursor = fetch(host)["cursor"]
        assert set(content(cursor)) == {"v", "user", "condition", "from", "fetched"} and content(cursor)["v"] == 2


@pytest.mark.parametrize("failed", [
    None, "x", {}, ["a"], [1, 1], ["a", 0], ["a", 4], ["a", -1], ["a", "1"], ["a", 1.5], ["", 1], ["a", 1, "a", 2],
    ["a" * 257, 1], [x for n in range(501) for x in (str(n), 1)]], ids=lambda value: str(value)[:20])
def test_attempts_of_a_cursor_are_validated(failed):
    with Mailbox(mails(1)) as google, Host(google.connection()) as host:
        cursor = cursor_of(content(fetch(host)["cursor"]) | {"failed": failed})
        data = host.failure("fetch_event", SPAN | {"cursor": cursor})
        assert [p["path"] for p in data["problems"]] == ["/arguments/cursor"]


# Content of a message


@pytest.mark.parametrize("count", [1, 8])
def test_content_that_always_fails_is_left_out_after_three_calls(count):
    inner = part("multipart/mixed", "0.0", headers=[("From", "x@evil.test")], parts=[
        part("text/plain", "0.0.0", "Pay now"), part("application/pdf", "0.0.1", name="a.pdf", attachment="later")])
    payload = part("multipart/mixed", headers=[("Subject", "Report")], parts=[
        part("message/rfc822", "0", name="in.eml", parts=[inner])])
    box = [mail(n, START + n) for n in range(1, count + 1)] + [mail(20, START + 20, payload), mail(21, START + 21)]
    with Faulty(box, "/attachments/later", 500) as google, Host(google.connection()) as host:
        results = polls(host, 4)
        assert [keys(r) for r in results] == [by_time(box)[:-2], [], by_time(box)[-2:], []]
        assert results[1]["notices"] == [f"Message {name(20)} could not be read: Not this one.", MORE]
        event = results[2]["events"][0]
        assert event["fields"]["Email subject"] == "Report" and event["fields"]["Attached EML Body"] == url64("Pay now")
        assert event["raw"] == box[-2] and "error" not in results[2]["events"][1]
        assert event["error"]["message"] == f"Message {name(20)} could not be read: Not this one."
        assert results[2]["notices"] == [f"The attachment a.pdf in message {name(20)} was not stored as a file."]
        assert "failed" not in content(results[2]["cursor"])


@pytest.mark.parametrize("fault", ["500 backendError", "garbage"])
def test_one_message_of_the_sandbox_that_always_fails(fault):
    span = {"user_email": SOC, "start_time": "2026-11-16 08:00", "end_time": "2026-11-17"}
    with Sandbox() as sandbox, Host(sandbox.document["connections"]["gmail_sandbox"]) as host:
        whole = keys(fetch(host, span))
        sandbox.faults(f"gmail: {fault} always on GET /gmail/v1/users/{SOC}/messages/{whole[7]}")
        results, cursor = [], {}
        for _ in range(4):
            results.append(fetch(host, span, **cursor))
            cursor = {"cursor": results[-1]["cursor"]}
        assert [keys(r) for r in results] == [whole[:7], [], whole[7:], []]
        assert ["error" in event for event in results[2]["events"]] == [True] + [False] * len(whole[8:])
