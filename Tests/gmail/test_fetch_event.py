"""Fetch Event: selection and order of mail, the cursor, and the fields of events."""

import base64
import hashlib
import json
import pathlib
import random
import time

import pytest
from Support.feed import (
    BOX, END, LOOK_BACK, SELECTED, SPAN, START, Faulty, Mailbox, by_time, fetch, keys, mail, part, url64, walk)
from Support.host import ROOT, run
from Support.programmed_google import refusal
from Support.session import Host
from Support.upstream import reply
from Support.workspace import SOC

# Which mail


def test_the_time_range_is_half_open_and_exact_to_the_millisecond():
    edges = [START - 1000, START - 1, START, START + 1, END - 1, END, END + 999, END + 1000]
    with Mailbox([mail(n, time) for n, time in enumerate(edges, 1)]) as google, Host(google.connection()) as host:
        result = fetch(host)
        assert keys(result) == [f"{n:016x}" for n in (3, 4, 5)]
        assert [e["raw"] for e in result["events"]] == result["raw_data"] == [google.mails[id] for id in keys(result)]
        assert result["return_data"] == "Successful" and "notices" not in result
        # Epoch seconds, because Gmail interprets a plain date in the time zone of California.
        (query,) = google.queries
        assert query == f"after:{START // 1000 - 1} before:{END // 1000 + 1} {SELECTED}"


def test_fractional_times_are_searched_with_whole_seconds():
    with Mailbox([mail(1, START + 1500), mail(2, START + 1501)]) as google, Host(google.connection()) as host:
        assert keys(fetch(host, start_time=START + 1501, end_time=START + 1502)) == [f"{2:016x}"]
        assert keys(fetch(host, start_time=START + 1500, end_time=START + 1501)) == [f"{1:016x}"]
        assert keys(fetch(host, start_time=START, end_time=START)) == []


@pytest.mark.parametrize("condition", ["subject:test from:test@example.com", "a OR b", "\"open", "-x)"])
def test_search_condition_follows_the_time_span(condition):
    with Mailbox([mail(1, START)]) as google, Host(google.connection()) as host:
        fetch(host, search_condition=condition)
        assert google.queries[0].endswith(f"before:{END // 1000 + 1} {SELECTED} ({condition})")


def test_mail_is_returned_oldest_first():
    mails = [mail(n, START + time) for n, time in enumerate(random.Random(5).sample(range(80_000_000), 120), 1)]
    with Mailbox(mails, order=lambda m: hashlib.md5(m["id"].encode()).digest(), page=50) as google, Host(google.connection()) as host:
        assert keys(fetch(host)) == by_time(mails)
        assert keys(fetch(host, number_of_events_fetched=7)) == by_time(mails)[:7]


def test_only_the_requested_number_is_read():
    mails = [mail(n, START + n * 60_000) for n in range(1, 301)]
    with Mailbox(mails) as google, Host(google.connection()) as host:
        result = fetch(host, number_of_events_fetched=5)
        assert keys(result) == by_time(mails)[:5]
        # Includes one extra second, because the list uses seconds.
        assert len(google.reads) <= 6 and result["meta"]["requests"] <= 8
        assert result["notices"] == ["More mail is available: call again with this cursor."]


def test_all_pages_are_read_when_no_number_is_given():
    mails = [mail(n, START + n * 1000) for n in range(1, 131)]
    with Mailbox(mails, page=40) as google, Host(google.connection()) as host:
        assert keys(fetch(host)) == by_time(mails)
        assert len(google.reads) == len(set(google.reads)) == 130


def test_mail_deleted_before_it_is_read_is_skipped():
    gone = f"{2:016x}"
    missing = lambda target: refusal(404, "Requested entity was not found.") if gone in target else None
    with Mailbox([mail(n, START + n) for n in (1, 2, 3)], answer=missing) as google, Host(google.connection()) as host:
        assert keys(fetch(host)) == [f"{n:016x}" for n in (1, 3)]


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("count", [3, 30])  # individually and in batches
def test_unreadable_mail_ends_the_call_before_it(status, count):
    mails = [mail(n, START + n) for n in range(1, count + 1)]
    broken = f"{count - 1:016x}"
    with Faulty(mails, broken, status) as google, Host(google.connection()) as host:
        result = fetch(host)
        assert keys(result) == by_time(mails)[:-2] == [m["id"] for m in result["raw_data"]]
        assert result["notices"] == [
            f"Message {broken} could not be read: Not this one.", "More mail is available: call again with this cursor."]
        google.broken = None
        result = fetch(host, cursor=result["cursor"])
        assert keys(result) == by_time(mails)[-2:] and "notices" not in result
        assert fetch(host, cursor=result["cursor"])["events"] == []


def test_unreadable_mail_is_not_skipped():
    mails = [mail(n, START + n * 3_600_000) for n in range(1, 6)]
    with Faulty(mails, f"{1:016x}", 403, order=lambda m: int(m["internalDate"])) as google, Host(google.connection()) as host:
        result = fetch(host)
        assert keys(result) == by_time(mails)[1:]
        google.broken = None
        assert keys(fetch(host, cursor=result["cursor"])) == [f"{1:016x}"]


def test_mail_shifted_by_a_deletion_between_pages_is_found():
    mails = [mail(n, START + n * 1000) for n in range(1, 9)]

    class Moving(Mailbox):
        def listed(self, query):
            answer = super().listed(query)
            self.mails.pop(f"{8:016x}", None)  # the newest: the rest of the list moves up
            return answer

    with Moving(mails, page=4) as google, Host(google.connection()) as host:
        assert keys(fetch(host)) == by_time(mails)[:7]


# The cursor


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("spread", [1, 3, 1000, 5000])
def test_no_mail_is_missed_or_repeated_within_one_millisecond_or_second(count, spread):
    times = random.Random(spread)
    mails = [mail(n, START + 500 + times.randrange(spread)) for n in range(1, 31)]
    shuffled = random.Random(7)
    with Mailbox(mails, order=lambda m: (-(int(m["internalDate"]) // 1000), shuffled.random())) as google:
        with Host(google.connection()) as host:
            found, _ = walk(host, count)
            assert found == by_time(mails)


def test_mail_arriving_between_calls_is_fetched_once():
    with Mailbox([mail(n, START + 1000) for n in (10, 20, 30)]) as google, Host(google.connection()) as host:
        first = fetch(host, number_of_events_fetched=2)
        assert keys(first) == [f"{n:016x}" for n in (10, 20)]
        google.put(mail(5, START + 1000), mail(25, START + 1000), mail(40, START + 1001))
        found, cursor = walk(host, 2, first["cursor"])
        assert sorted(found) == sorted(f"{n:016x}" for n in (5, 25, 30, 40))
        assert walk(host, 2, cursor)[0] == []


def test_late_mail_is_fetched_within_ten_minutes():
    newest = START + 3_600_000
    with Mailbox([mail(1, START), mail(2, newest)]) as google, Host(google.connection()) as host:
        cursor = fetch(host)["cursor"]
        google.put(mail(3, newest - LOOK_BACK), mail(4, newest - LOOK_BACK - 1), mail(5, newest - 5))
        result = fetch(host, cursor=cursor)
        assert keys(result) == [f"{n:016x}" for n in (3, 5)]
        assert keys(fetch(host, cursor=result["cursor"])) == []


def test_cursor_replaces_the_start_time():
    # A playbook that moves its span by the clock misses nothing that lies in between.
    with Mailbox([mail(1, START + 1000)]) as google, Host(google.connection()) as host:
        cursor = fetch(host, end_time=START + 10_000)["cursor"]
        google.put(mail(2, START + 11_000), mail(3, END + 1000))
        result = fetch(host, start_time=START + 60_000, end_time=END + 2000, cursor=cursor)
        assert keys(result) == [f"{n:016x}" for n in (2, 3)]


def test_a_call_that_finds_nothing_keeps_the_cursor():
    with Mailbox([]) as google, Host(google.connection()) as host:
        first = fetch(host)
        assert first["events"] == first["raw_data"] == []
        second = fetch(host, cursor=first["cursor"])
        assert second["cursor"] == first["cursor"]
        google.put(mail(1, START))
        assert keys(fetch(host, cursor=second["cursor"])) == [f"{1:016x}"]


def test_an_end_time_before_the_cursor_sends_no_request():
    with Mailbox([mail(1, END - 1)]) as google, Host(google.connection()) as host:
        cursor = fetch(host)["cursor"]
        calls = len(google.calls)
        result = fetch(host, end_time=START, cursor=cursor)
        assert result["events"] == [] and result["cursor"] == cursor and len(google.calls) == calls


def test_cursor_stays_small_with_much_mail():
    mails = [mail(n, START + n * 100) for n in range(1, 1401)]
    with Mailbox(mails) as google, Host(google.connection()) as host:
        found, cursor = walk(host, 600)
        assert found == by_time(mails) and len(cursor) < 20_000


def test_more_mail_in_one_millisecond_than_the_id_limit_is_fetched_once():
    mails = [mail(n, START + 5) for n in range(1, 1202)]
    with Mailbox(mails) as google, Host(google.connection()) as host:
        assert walk(host, 300)[0] == by_time(mails)


def test_invalid_cursor_is_refused():
    with Mailbox([mail(1, START)]) as google, Host(google.connection()) as host:
        cursor = fetch(host)["cursor"]
        text = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        changed = [url64(json.dumps(text | change)).rstrip("=") for change in (
            {"v": 1}, {"condition": None}, {"from": "x"}, {"from": -1}, {"from": 10**18}, {"fetched": ["a"]}, {"fetched": [1, 2]},
            {"fetched": ["a", 2**62]}, {"user": None})]
        for bad in ["", "x", cursor[:-3], cursor + "*", "bnVsbA", *changed]:
            data = host.failure("fetch_event", SPAN | {"cursor": bad})
            assert [p["path"] for p in data["problems"]] == ["/arguments/cursor"], bad
        data = host.failure("fetch_event", SPAN | {"cursor": cursor, "user_email": "bert@corp.example"})
        assert data["problems"] == [{"path": "/arguments/cursor", "message": "belongs to another mailbox"}]
        assert fetch(host, cursor=cursor, user_email="Anna@corp.example".lower())["events"] == []


@pytest.mark.parametrize("first", [None, " ", "subject:a", "label:soc"])
@pytest.mark.parametrize("second", ["subject:b", "subject:A", None])
def test_a_cursor_of_another_search_condition_is_rejected(first, second):
    # It would miss mail that the other condition finds before its time.
    condition = lambda text: {"search_condition": text} if text else {}
    with Mailbox([mail(1, START)]) as google, Host(google.connection()) as host:
        cursor = fetch(host, **condition(first))["cursor"]
        again = {**condition(first and f" {first}\t"), "cursor": cursor}
        assert fetch(host, **again)["events"] == []
        if (first or "").strip() == (second or ""):
            return
        calls = len(google.calls)
        data = host.failure("fetch_event", SPAN | {"cursor": cursor} | condition(second))
        assert data["problems"] == [{
            "path": "/arguments/cursor",
            "message": "belongs to another search condition; repeat that condition or omit the cursor"}]
        assert len(google.calls) == calls


def test_mail_with_a_future_date_hides_no_earlier_mail():
    now = time.time_ns() // 1_000_000
    day = 86_400_000
    span = {"start_time": now - 3_600_000, "end_time": now + 30 * day}
    with Mailbox([mail(1, now), mail(2, now + 3 * day)]) as google, Host(google.connection()) as host:
        first = fetch(host, **span)
        assert keys(first) == [f"{n:016x}" for n in (1, 2)]
        google.put(mail(3, now), mail(4, now + 3_600_000))
        second = fetch(host, **span, cursor=first["cursor"])
        assert keys(second) == [f"{n:016x}" for n in (3, 4)]
        assert fetch(host, **span, cursor=second["cursor"])["events"] == []


def test_much_mail_with_a_future_date_does_not_shorten_the_look_back():
    now = time.time_ns() // 1_000_000
    span = {"start_time": now - 3_600_000, "end_time": now + 864_000_000}
    mails = [mail(n, now + 86_400_000 + n) for n in range(1, 601)]
    with Mailbox(mails) as google, Host(google.connection()) as host:
        first = fetch(host, **span)
        assert keys(first) == by_time(mails)
        google.put(mail(601, now - 60_000))
        second = fetch(host, **span, cursor=first["cursor"])
        assert keys(second) == [f"{601:016x}"]
        google.put(mail(602, now - 120_000))
        assert keys(fetch(host, **span, cursor=second["cursor"])) == [f"{602:016x}"]


def test_all_problems_are_reported_at_once():
    with Mailbox([]) as google, Host(google.connection()) as host:
        data = host.failure(
            "fetch_event", {"start_time": "2021-05-26", "end_time": "2021-05-25", "number_of_events_fetched": 0},
            field_mapping={
                "main_event_json_path": "payload", "add": {"A": "$.a[?(@.b==‘x’)]", " ": "$"}, "remove": ["Recipent", "Sender"]})
        assert {p["path"]: p.get("did_you_mean") for p in data["problems"]} == {
            "/arguments/user_email": None, "/arguments/number_of_events_fetched": None, "/arguments/start_time": None,
            "/options/field_mapping/main_event_json_path": "$.payload",
            "/options/field_mapping/add/A": "$.a[?(@.b=='x')]", "/options/field_mapping/add/ ": None,
            "/options/field_mapping/remove/0": "Recipient"}
        assert google.calls == []


def test_a_dry_run_shows_the_first_request():
    with Mailbox([]) as google, Host(google.connection()) as host:
        (request,) = host.result("fetch_event", SPAN, dry_run=True)["requests"]
        assert request["method"] == "GET" and google.calls == []
        assert request["url"] == (
            f"{google.url}{BOX}?q=after%3A{START // 1000 - 1}%20before%3A{END // 1000 + 1}"
            "%20-in%3Adrafts%20%28in%3Ainbox%20OR%20-in%3Asent%29&maxResults=500")


def test_events_are_streamed_as_items():
    mails = [mail(n, START + n) for n in range(1, 6)]
    with Mailbox(mails) as google, Host(google.connection()) as host:
        number = host.start("fetch_event", SPAN, stream=True)
        result = host.wait(number)[0]["result"]
        items = host.notifications("invoke/item", number)
        assert [i["item"]["fields"]["Unique Event Key"] for i in items] == by_time(mails)
        assert [i["seq"] for i in items] == [0, 1, 2, 3, 4]
        assert "events" not in result and "raw_data" not in result and result["meta"]["items"] == 5
        assert fetch(host, cursor=result["cursor"])["events"] == []


# The fields


@pytest.fixture(scope="module")
def box(running):
    """A host on the emulated mailbox, its events by subject, and the result."""
    running.reset()
    with Host(running.document["connections"]["gmail_sandbox"]) as host:
        result = fetch(host, SANDBOX)
        host.fetched = result
        host.by_id = {e["fields"].get("Message ID", "").strip("<>").split("@")[0]: e for e in result["events"]}
        yield host


SANDBOX = {"user_email": SOC, "start_time": "2026-11-16 08:00", "end_time": "2026-11-17"}

NESTED = {
    "Event Type": "Email Alerts",
    "Email subject": "Phishing report",
    "Message body": "<pre>Please look at the attached mail.\r\n</pre>",
    "Sender": "Fiona Finch <fiona@harbor.example>",
    "Recipient": "Triage <soc@harbor.example>",
    "Description": "Please look at the attached mail.",
    "Start Time": "1794816240250",
    "Message ID": "<nested@triage.example>",
    "Attached EML File Name": "reported.eml",
    "Attached EML Sender": "Broker <broker@evil.example>",
    "Attached EML Recipient": "Fiona <fiona@harbor.example>",
    "Attached EML CcRecipients": "nils@harbor.example",
    "Attached EML Subject": "Fwd: Urgent transfer",
    "Attached EML Message ID": "<reported@evil.example>",
    "Attached EML Sent Date": "Mon, 16 Nov 2026 07:00:00 +0000",
    "Attached EML Body": url64("See attached.\r\n"),
    "Attached EML Attachment File Names": ["offer.pdf", "original.eml"],
    "Attached EML Attachment File Types": ["application/pdf", "message/rfc822"],
    "Decoded Body Data": "Please look at the attached mail.\r\n",
    "Attached EML Attachment Nested Email From": "Director <director@evil.example>",
    "Attached EML Attachment Nested Email To": "fiona@harbor.example",
    "Attached EML Attachment Nested Email Subjects": "Urgent transfer",
}
#: Fields of files, whose values differ on each call.
OF_FILES = {
    "Attached EML Attachment IDs": "attachmentId", "Attached EML Attachment D3 File IDs": "file_id",
    "Attached EML Attachment MD5": "md5", "Attached EML Attachment SHA1": "sha1",
    "Attached EML Attachment SHA256": "sha256"}


@pytest.mark.parametrize("field", NESTED)
def test_a_reported_mail_fills_the_fields(box, field):
    assert box.by_id["nested"]["fields"][field] == NESTED[field]


def test_the_files_of_an_attached_mail_are_stored(box):
    fields = box.by_id["nested"]["fields"]
    assert set(fields) == {*NESTED, *OF_FILES, "Unique Event Key"}
    files = {file["file_id"]: file for file in box.fetched["files"]}
    ids = fields["Attached EML Attachment D3 File IDs"]
    for field in ("MD5", "SHA1", "SHA256"):
        assert fields[f"Attached EML Attachment {field}"] == [files[id][field.lower()] for id in ids]
    assert [files[id]["name"] for id in ids] == ["offer.pdf", "original.eml"]
    contents = [pathlib.Path(files[id]["path"]).read_bytes() for id in ids]
    assert contents[0] == b"%PDF-1.4\n% harmless\n%%EOF\n"
    assert b"Subject: Urgent transfer\r\n" in contents[1] and contents[1].endswith(b"The director.\r\n")
    assert [hashlib.sha256(c).hexdigest() for c in contents] == fields["Attached EML Attachment SHA256"]
    assert len(fields["Attached EML Attachment IDs"]) == 2 and len(files) == len(box.fetched["files"]) == 2


def test_an_attached_mail_without_name_and_parts_fills_the_fields(box):
    fields = box.by_id["bare"]["fields"]
    assert {name: value for name, value in fields.items() if name.startswith("Attached")} == {
        "Attached EML File Name": "", "Attached EML Sender": "x@evil.example",
        "Attached EML Recipient": "soc@harbor.example", "Attached EML Subject": "Inner",
        "Attached EML Body": url64("Click here.\r\n")}


@pytest.mark.parametrize(("key", "fields"), [
    ("plain", {"Decoded Body Data": "Is this mail real? It asks for my password.\r\n"}),
    ("alternative", {
        "CcRecipients": "Nils <nils@harbor.example>",
        "Message body": '<p>Your parcel <a href="http://parcels.evil.example/pay">waits</a></p>\r\n',
        "Decoded Body Data": "Your parcel waits: http://parcels.evil.example/pay\r\n"}),
    ("inline", {"Message body": '<p>Look: <img src="cid:logo@triage"></p>\r\n'}),
    ("latin", {"Email subject": "Prüfung der Änderung", "Decoded Body Data": "Prüfung der Änderung für 5 £.\r\n"}),
    ("shiftjis", {"Email subject": "セキュリティ通知", "Decoded Body Data": "セキュリティ通知: ご確認ください。\r\n"}),
    ("utf16", {"Decoded Body Data": "Übersicht – 概要"}),
    ("large", {"Email subject": "Firewall log"}),
    ("escapes", {
        "Email subject": "Tom & Jerry's \"test\" <b>",
        "Message body": "<pre>Tom &amp; Jerry's &lt;script&gt;alert(\"x\")&lt;/script&gt; test\r\n</pre>"}),
    # Malformed mail.
    ("cut", {"Decoded Body Data": "The scan follows.\r\n"}),
    ("headless", {"Email subject": "No blank line", "Sender": "broken@outside.example"}),
    ("spoilt", {"Decoded Body Data": "The text is spoilt.\r\nNo parts here.\r\nOf no type.\r\n"}),
    ("nodate", {"Email subject": "No date", "Start Time": "1794816900250"}),
    ("doubled", {
        "Email subject": ["First subject", "Second subject"], "Sender": "Shouter <shouter@outside.example>",
        "CcRecipients": ["nils@harbor.example", "fiona@harbor.example"], "Message ID": "<doubled@triage.example>"}),
    ("empty", {"Message body": "", "Decoded Body Data": "", "Description": ""}),
])
def test_mail_of_all_kinds_fills_the_fields(box, key, fields):
    event = box.by_id[key]["fields"]
    assert {name: event.get(name) for name in fields} == fields
    assert event["Unique Event Key"] == box.by_id[key]["raw"]["id"]


def test_html_behind_an_attachment_id_is_in_the_fields(box):
    body = box.by_id["large"]["fields"]["Message body"]
    assert body.startswith("<table>\r\n<tr>") and body.count("blocked") == 2000
    assert box.by_id["large"]["fields"]["Decoded Body Data"] == body
    assert "data" not in box.by_id["large"]["raw"]["payload"]["body"]


def test_bcc_deep_mail_and_unusual_header_names_fill_the_fields():
    inner = part(
        "text/html", "0.1.0", "<p>Pay <b>now</b></p>",
        headers=[("FROM", "Jürgen <j@evil.test>"), ("to", "a@x.test"), ("CC", "c@x.test"), ("bcc", "b@x.test"),
                 ("subject", "Inner"), ("MESSAGE-ID", "<i@x>"), ("DATE", "Tue, 25 May 2021 00:00:00 +0000")])
    deep = part("multipart/mixed", "0", headers=[], parts=[
        part("text/plain", "0.0", "Outer"),
        part("message/rfc822", "0.1", headers=[("Content-Type", "message/rfc822")], parts=[inner])])
    payload = part("multipart/mixed", parts=[deep], headers=[
        ("SUBJECT", "Ärger"), ("bcc", "hidden@x.test"), ("message-id", "<o@x>"), ("X-odd", "1")])
    with Mailbox([mail(1, START, payload)]) as google, Host(google.connection()) as host:
        result = fetch(host, mapping={"add": {"Odd": "$.payload.headers[?(@.name=='X-odd')].value"}})
        fields = result["events"][0]["fields"]
        assert {name: fields[name] for name in fields if "EML" in name} == {
            "Attached EML File Name": "", "Attached EML Sender": "Jürgen <j@evil.test>", "Attached EML Recipient": "a@x.test",
            "Attached EML CcRecipients": "c@x.test", "Attached EML BccRecipients": "b@x.test",
            "Attached EML Subject": "Inner", "Attached EML Message ID": "<i@x>",
            "Attached EML Sent Date": "Tue, 25 May 2021 00:00:00 +0000", "Attached EML Body": url64("Pay now")}
        assert (fields["Email subject"], fields["BccRecipients"], fields["Message ID"], fields["__Odd"]) == (
            "Ärger", "hidden@x.test", "<o@x>", "1")
        assert result["events"][0]["raw"] == result["raw_data"][0] == google.mails[f"{1:016x}"]


@pytest.mark.parametrize("status", [400, 403, 404, 410, 451])
def test_unavailable_attachment_is_reported_without_a_file(status):
    inner = part("multipart/mixed", "0.0", headers=[("From", "x@evil.test")], parts=[
        part("application/pdf", "0.0.0", name="a.pdf", attachment="gone-1"),
        part("application/zip", "0.0.1", name="b.zip", attachment="here/2")])
    payload = part("multipart/mixed", parts=[part("message/rfc822", "0", name="in.eml", parts=[inner])])

    def answer(target):
        if "/attachments/" not in target:
            return None
        return reply(200, {"size": 3, "data": url64("zip")}) if target.endswith("here%2F2") else refusal(status, "Gone")

    with Mailbox([mail(1, START, payload)], answer=answer) as google, Host(google.connection()) as host:
        result = fetch(host)
        fields = result["events"][0]["fields"]
        assert fields["Attached EML Attachment File Names"] == ["a.pdf", "b.zip"]
        assert fields["Attached EML Attachment IDs"] == ["gone-1", "here/2"]
        assert fields["Attached EML Attachment MD5"] == hashlib.md5(b"zip").hexdigest()
        assert result["notices"] == [f"The attachment a.pdf in message {1:016x} was not stored as a file."]


@pytest.mark.parametrize("status", [401, 500])
def test_a_temporarily_unavailable_attachment_ends_the_call_before_its_mail(status):
    inner = part("multipart/mixed", "0.0", parts=[
        part("text/plain", "0.0.0", "x", name="a.txt"), part("text/plain", "0.0.1", name="b.txt", attachment="later")])
    payload = part("multipart/mixed", parts=[part("message/rfc822", "0", name="in.eml", parts=[inner])])
    mails = [mail(1, START), mail(2, START + 1, payload), mail(3, START + 2)]
    google = Faulty(mails, "/attachments/later", status)
    with google, Host(google.connection()) as host:
        result = fetch(host)
        assert keys(result) == by_time(mails)[:1] and result.get("files", []) == []
        assert result["notices"] == [
            f"Message {2:016x} could not be read: Not this one.", "More mail is available: call again with this cursor."]
        if status == 401:
            data = host.failure("fetch_event", SPAN | {"cursor": result["cursor"]})
            assert (data["status_code"], data["message"]) == (
                status, f"Message {2:016x} could not be read: Not this one.")
        google.broken = None
        google.special = lambda target: reply(200, {"data": url64("b")}) if "/attachments/" in target else None
        result = fetch(host, cursor=result["cursor"])
        assert keys(result) == by_time(mails)[1:] and [f["name"] for f in result["files"]] == ["a.txt", "b.txt"]


def test_unavailable_text_is_reported():
    payload = part("text/plain", attachment="gone")
    with Faulty([mail(1, START, payload)], "/attachments/gone", 403) as google, Host(google.connection()) as host:
        result = fetch(host)
        assert keys(result) == [f"{1:016x}"] and "Decoded Body Data" not in result["events"][0]["fields"]
        assert result["notices"] == [f"The text of message {1:016x} is unavailable."]


def many_headers():
    return part("text/plain", data="x", headers=[("X", "b")] * 40_000 + [("From", "x@evil.test"), ("Subject", "Much")])


def many_mails():
    return part("multipart/mixed", headers=[("From", "x@evil.test"), ("Subject", "Much")], parts=[
        part("message/rfc822", str(n), name=f"{n}.eml", parts=[
            part("text/plain", f"{n}.0", "x", headers=[("To", f"{n}@x.test"), ("Subject", "Inner")])]) for n in range(5_000)])


@pytest.mark.parametrize(("payload", "notice"), [
    (many_headers, "has more than 1000 headers in one part. The event contains the first ones."),
    (many_mails, "has 5000 attached mails. The event contains the first 100."),
])
def test_oversized_mail_does_not_block_other_mail(payload, notice):
    mails = [mail(1, START, payload()), mail(2, START + 1)]
    with Mailbox(mails) as google, Host(google.connection()) as host:
        result = fetch(host, mapping={"add": {"Sent by": "$.payload.headers[?(@.name=='From')].value"}})
        assert keys(result) == by_time(mails) and result["raw_data"] == mails
        assert result["notices"] == [f"Message {1:016x} {notice}"]
        fields = result["events"][0]["fields"]
        # Independent of the number of preceding headers.
        assert (fields["Sender"], fields["Email subject"], fields["__Sent_by"]) == ("x@evil.test", "Much", "x@evil.test")
        if payload is many_mails:
            assert fields["Attached EML Recipient"] == [f"{n}@x.test" for n in range(100)]
            assert fields["Attached EML File Name"] == [f"{n}.eml" for n in range(100)]
        assert fetch(host, cursor=result["cursor"])["events"] == []


def test_files_beyond_the_limit_are_reported_without_content():
    inner = part("multipart/mixed", "0.0", parts=[
        part("text/plain", f"0.0.{n}", "x", name=f"{n}.txt") for n in range(103)])
    payload = part("multipart/mixed", parts=[part("message/rfc822", "0", name="in.eml", parts=[inner])])
    with Mailbox([mail(1, START, payload)]) as google, Host(google.connection()) as host:
        result = fetch(host)
        fields = result["events"][0]["fields"]
        assert len(result["files"]) == len(fields["Attached EML Attachment D3 File IDs"]) == 100
        assert len(fields["Attached EML Attachment File Names"]) == 103 and len(result["notices"]) == 3


@pytest.mark.parametrize("message", [
    {"payload": None}, {"payload": "x"}, {"payload": {}}, {"payload": {"headers": "x", "parts": "y", "body": []}},
    {"payload": {"headers": [1, {"name": "Subject"}, {"value": "x"}], "parts": [None, 1, {"mimeType": 3}]}},
    {"payload": {"mimeType": "message/rfc822", "parts": [{"mimeType": "message/rfc822", "parts": []}]}},
    {"payload": {"mimeType": "message/rfc822"}}, {"snippet": {"a": [1]}}, {"internalDate": None},
])
def test_malformed_message_is_still_an_event(message):
    odd = mail(1, START) | message

    def answer(target):
        if "format=raw" in target:
            return reply(200, {"id": odd["id"]})
        return reply(200, odd) if odd["id"] in target else None

    with Mailbox([mail(1, START), mail(2, START + 1)], answer=answer) as google, Host(google.connection()) as host:
        assert keys(fetch(host)) == [f"{1:016x}", f"{2:016x}"]


# The mapping


def test_the_fields_match_the_document():
    catalogue = json.loads((ROOT / "protocol/integrations/gmail.json").read_text())
    (command,) = [c for c in catalogue["commands"] if c["id"] == "fetch_event"]
    events = command["events"]
    assert events["main_event_json_path"] == "$"
    assert {f["name"]: f.get("path", f.get("value")) for f in events["fields"]} == DOCUMENTED
    assert len(DOCUMENTED) == len(events["fields"]) == 31


EML = "$.payload.parts[?(@.mimeType=='message/rfc822')]"
HEADER = "headers[?(@.name=='{}')].value"
FILES = "$.AttachedEMLAttachementFiles[*]"
DOCUMENTED = {
    "Unique Event Key": "$.id", "Event Type": "Email Alerts", "Message body": "$.payload.HTMLBody",
    "Description": "$.payload.snippet", "Start Time": "$.internalDate", "Decoded Body Data": "$.DecodedBodyData",
    **{field: f"$.payload.{HEADER.format(name)}" for field, name in {
        "Email subject": "Subject", "Sender": "From", "Recipient": "To", "CcRecipients": "Cc", "BccRecipients": "Bcc",
        "Message ID": "Message-ID"}.items()},
    "Attached EML File Name": f"{EML}.filename", "Attached EML Sender": f"{EML}.{HEADER.format('From')}",
    **{f"Attached EML {field}": f"{EML}.parts[*].{HEADER.format(name)}" for field, name in {
        "Recipient": "To", "CcRecipients": "Cc", "BccRecipients": "Bcc", "Subject": "Subject",
        "Message ID": "Message-ID", "Sent Date": "Date"}.items()},
    "Attached EML Body": f"{EML}.parts[*].parts[?(@.filename=='' && @.mimeType=='text/plain')].body.data",
    **{f"Attached EML Attachment {field}": f"{FILES}.{name}" for field, name in {
        "File Names": "D3fileName", "File Types": "mimeType", "IDs": "attachmentId", "D3 File IDs": "fileId", "MD5": "md5",
        "SHA1": "sha1", "SHA256": "sha256", "Nested Email From": "From", "Nested Email To": "To",
        "Nested Email Subjects": "Subject"}.items()},
}


def test_fields_are_added_and_removed(box):
    own = fetch(box, SANDBOX, number_of_events_fetched=2)["events"]
    changed = fetch(box, SANDBOX, number_of_events_fetched=2, mapping={
        "add": {"My Field": "$.threadId", "All  Labels": "$.labelIds[*]", "Labels": "$.labelIds", "Nothing": "$.none", "n": "$.payload.body.size"},
        "remove": ["Description", "Message body"]})["events"]
    for before, after in zip(own, changed, strict=True):
        raw = after["raw"]
        expected = {k: v for k, v in before["fields"].items() if k not in ("Description", "Message body")}
        assert after["fields"] == expected | {
            "__My_Field": raw["threadId"], "__All__Labels": raw["labelIds"], "__Labels": raw["labelIds"],
            "__n": raw["payload"]["body"]["size"]}


def test_main_event_path_creates_one_event_per_match(box):
    mapping = {
        "main_event_json_path": "$.payload.parts[*]",
        "add": {"Type": "$.mimeType", "Name": "$.filename"},
        "remove": ["Unique Event Key"]}
    result = fetch(box, SANDBOX, mapping=mapping, search_condition="rfc822msgid:twins@triage.example")
    assert [(e["fields"]["__Type"], e["fields"]["__Name"]) for e in result["events"]] == [
        ("text/plain", ""), ("text/csv", "invoice.csv"), ("text/csv", "invoice.csv"), ("text/plain", "note.txt")]
    assert len(result["raw_data"]) == 1 and all(e["raw"] == result["raw_data"][0] for e in result["events"])
    assert fetch(box, SANDBOX, mapping={"main_event_json_path": "$.none"})["events"] == []


@pytest.mark.parametrize(("path", "at"), [("$.a[", 4), ("a", 0), ("$.a b", 3), ("$[?(@.a=='b)]", 13), ("", 0)])
def test_invalid_path_is_refused_with_its_position(box, path, at):
    data = box.failure("fetch_event", SANDBOX, field_mapping={"add": {"A/b~": path}})
    (problem,) = data["problems"]
    assert problem["path"] == "/options/field_mapping/add/A~1b~0"
    assert problem["message"].startswith("invalid JSONPath: ") and f" at byte {at}" in problem["message"]
    assert data["status_code"] == 400 and data["kind"] == "validation"


#: 40 wildcards on all descendants, nested four times.
SLOW = "$" + f"..[{','.join('*' * 40)}]" * 4


@pytest.mark.parametrize("mapping", [{"add": {"Slow": SLOW, "Fast": "$.id"}}, {"main_event_json_path": SLOW}])
def test_paths_that_take_too_long_are_skipped_and_reported(box, mapping):
    own = fetch(box, SANDBOX, number_of_events_fetched=2, mapping={"remove": ["Sender"]})
    result = fetch(box, SANDBOX, number_of_events_fetched=2, mapping=mapping | {"remove": ["Sender"]})
    assert [e["fields"] for e in result["events"]] == [e["fields"] for e in own["events"]]
    assert result["raw_data"] == own["raw_data"] and result["cursor"] == own["cursor"]
    assert result["notices"] == [
        f"The paths of field_mapping exceed 1000000 evaluation steps for message {id}. "
        "Its event contains only the command's own fields." for id in keys(own)] + own["notices"]


def test_one_oversized_mail_does_not_disable_a_path():
    path = "$.payload.headers[?count($.payload.headers[?@.name!=@.value])>0].name"
    large = part("text/plain", data="x", headers=[(f"X-{n}", "v") for n in range(900)])
    small = part("text/plain", data="x", headers=[("Subject", "Small"), ("To", "a@x.test")])
    with Mailbox([mail(1, START, large), mail(2, START + 1, small)]) as google, Host(google.connection()) as host:
        result = fetch(host, mapping={"add": {"Names": path}})
        assert ["__Names" in e["fields"] for e in result["events"]] == [False, True]
        assert result["events"][1]["fields"]["__Names"] == ["Subject", "To"]
        assert [f"{n:016x}" in result["notices"][0] for n in (1, 2)] == [True, False] and len(result["notices"]) == 1


def test_other_commands_reject_field_mapping(box):
    data = box.failure("list_labels", {"user_email": SOC}, field_mapping={"remove": ["Sender"]})
    assert data["problems"] == [
        {"path": "/options/field_mapping", "message": "is allowed only for commands that fetch events"}]


def test_the_cursor_walks_the_whole_sandbox_mailbox(box):
    whole = keys(box.fetched)
    for count in (1, 3):
        assert walk(box, count, user_email=SOC, start_time=SANDBOX["start_time"], end_time=SANDBOX["end_time"])[0] == whole
    # Without spam, trash, drafts and sent mail.
    assert len(whole) == len(set(whole)) == 59


def test_with_oauth_only_the_users_mailbox_is_fetched(running):
    with Host(running.document["connections"]["gmail_oauth_sandbox"]) as host:
        assert len(fetch(host, SANDBOX, user_email="ada@harbor.example")["events"]) == 5
        data = host.failure("fetch_event", SANDBOX)
        assert data["status_code"] == 403 and data["message"].startswith("Delegation denied for ")


def test_call_shows_event_fields_and_the_cursor():
    span = ["--start-time", "2026-11-16", "--end-time", "2026-11-17", "--number-of-events-fetched", "1"]
    words = ["call", "gmail", "fetch_event", "--user-email", SOC, "--sandbox"]
    first = run(*words, *span)
    assert first.code == 0 and "Email subject" in first.text and "Strange mail" in first.text
    cursor = first.text.split("--cursor ")[1].strip()
    assert "Your parcel" in run(*words, *span, "--cursor", cursor).text
