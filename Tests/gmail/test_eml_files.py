"""Messages as .eml files, the own attachments of events, and mails that are attached as files."""

import base64
import email.message
import email.policy
import hashlib
import pathlib

import pytest
from Support.feed import BOX, SPAN, START, Mailbox, by_time, fetch, keys, mail, part, url64
from Support.programmed_google import ANNA, BATCH, refusal
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import reply
from Support.workspace import SOC


def name(number):
    return f"{number:016x}"


def read(file):
    """The bytes of a stored file, after checking its metadata."""
    content = pathlib.Path(file["path"]).read_bytes()
    assert file["source"] == "playbook_file" and file["size"] == len(content)
    for digest in ("md5", "sha1", "sha256"):
        assert file[digest] == hashlib.new(digest, content).hexdigest()
    return content


# get_email

RAW = {
    1: b"From: x@evil.test\r\nSubject: Pay now\r\n\r\nLine\r\n.\r\n\xff\x00\xe9\r\n",
    2: b"Subject: =?utf-8?B?UmVjaG51bmcgw7xiZXJmw6RsbGln?=\r\n\r\nx",
    3: b"From: x@evil.test\n\nno subject, bare line feeds\n",
    4: b"Subject: forwarded.EML\r\n\r\nx", 5: b"Subject:  \r\n\r\nx", 6: b"", 7: b"not a mail", 8: b"x" * 300_000,
    9: b"X-Long: " + b"a" * 500_000 + b"\r\nSubject: late\r\n\r\nx",
}
NAMES = {
    1: "Pay now.eml", 2: "Rechnung überfällig.eml", 3: f"{name(3)}.eml", 4: "forwarded.EML", 5: f"{name(5)}.eml",
    7: f"{name(7)}.eml", 8: f"{name(8)}.eml", 9: f"{name(9)}.eml"}


class RawMailbox(Mailbox):
    """Answers `format=raw` with the bytes of RAW, padded or not."""

    def __init__(self, padded=True, **more):
        self.formats = []

        def answer(target):
            path, _, query = target.partition("?")
            if not query.startswith("format="):
                return None
            self.formats.append(query)
            number = int(path.rpartition("/")[2], 16)
            if query != "format=raw" or number not in RAW:
                return None
            raw = url64(RAW[number]) if padded else url64(RAW[number]).rstrip("=")
            head = {k: v for k, v in mail(number, START).items() if k != "payload"}
            return reply(200, head | {"raw": raw, "historyId": "7"})

        super().__init__([], answer=answer, **more)


def get(host, *numbers, **more):
    return host.result("get_email", {"user_email": ANNA, "message_ids": [name(n) for n in numbers], "format": "eml", **more})


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("number", NAMES)
def test_a_message_is_stored_with_its_exact_bytes(number, padded):
    with RawMailbox(padded) as google, Host(google.connection()) as host:
        result = get(host, number)
        (file,) = result["files"]
        assert read(file) == RAW[number]
        assert (file["name"], file["content_type"]) == (NAMES[number], "message/rfc822")
        # The rest of Gmail's answer, without a copy of the mail.
        head = {k: v for k, v in mail(number, START).items() if k != "payload"}
        assert result["raw_data"] == [head | {"historyId": "7", "fileId": file["file_id"]}]
        assert google.formats == ["format=raw"]


def test_whole_messages_are_not_batched_and_fail_individually():
    numbers = [1, 2, 40, 3, 6, 4, 5, 8]
    with RawMailbox() as google, Host(google.connection()) as host:
        result = get(host, *numbers)
        assert result["return_data"] == "Partially Successful"
        assert [e["target"] for e in result["errors"]] == [name(40), name(6)]
        assert [read(f) for f in result["files"]] == [RAW[n] for n in numbers if n not in (40, 6)]
        assert [d["fileId"] for d in result["raw_data"]] == [f["file_id"] for f in result["files"]]
        assert not any(call.path == BATCH for call in google.calls)


def test_the_default_format_is_unchanged():
    with Mailbox([mail(1, START)]) as google, Host(google.connection()) as host:
        for more in ({}, {"format": "full"}):
            result = host.result("get_email", {"user_email": ANNA, "message_ids": [name(1)], **more})
            assert result["raw_data"] == [mail(1, START)] and "files" not in result


def test_a_dry_run_shows_the_requests_of_the_format():
    ids = [name(n) for n in range(1, 8)]
    with Mailbox([]) as google, Host(google.connection()) as host:
        arguments = {"user_email": ANNA, "message_ids": ids, "format": "eml"}
        requests = host.result("get_email", arguments, dry_run=True)["requests"]
        assert [r["url"] for r in requests] == [f"{google.url}{BOX}/{id}?format=raw" for id in ids]
        assert google.calls == [] and host.call("files/list")["files"] == []
        data = host.failure("get_email", arguments | {"format": "raw"})
        assert data["problems"][0]["path"] == "/arguments/format"


def test_streamed_targets_have_their_files():
    with RawMailbox() as google, Host(google.connection()) as host:
        arguments = {"user_email": ANNA, "message_ids": [name(1), name(2)], "format": "eml"}
        number = host.start("get_email", arguments, stream=True)
        host.wait(number)
        items = [i["item"] for i in host.notifications("invoke/item", number)]
        assert sorted(i["target"] for i in items) == [name(1), name(2)]
        assert {read(i["files"][0]) for i in items} == {RAW[1], RAW[2]}


# The attachments of an event

PDF, PICTURE = b"%PDF-1.7\n" * 50, b"\x89PNG" * 90


def with_files(more=()):
    return part("multipart/mixed", headers=[("Subject", "Files")], parts=[
        part("text/plain", "0", "See."), part("application/pdf", "1", name="a.pdf", attachment="A1"),
        part("image/png", "2", name="b.png", attachment="B1", headers=[("Content-Disposition", "inline")]), *more])


def contents(files, failing=None):
    def answer(target):
        id = target.rpartition("/attachments/")[2]
        if failing and id in failing:
            return failing[id]
        return reply(200, {"size": len(files[id]), "data": url64(files[id])}) if id in files else None
    return answer


def test_own_attachments_are_files_of_the_event():
    mails = [mail(1, START, with_files()), mail(2, START + 1)]
    with Mailbox(mails, answer=contents({"A1": PDF, "B1": PICTURE})) as google, Host(google.connection()) as host:
        result = fetch(host, download_attachments=True, mapping={"add": {"Own": "$.AttachmentFiles[*].sha256"}})
        first, second = result["events"]
        assert first["files"] == result["files"] and "files" not in second
        assert [(f["name"], f["content_type"], read(f)) for f in first["files"]] == [
            ("a.pdf", "application/pdf", PDF), ("b.png", "image/png", PICTURE)]
        assert first["fields"]["__Own"] == [f["sha256"] for f in first["files"]]
        assert first["raw"] == mails[0] and "notices" not in result
        # Without the argument nothing is read.
        count = len(google.calls)
        for more in ({}, {"download_attachments": False}):
            result = fetch(host, **more)
            assert "files" not in result and not any("files" in e for e in result["events"])
        assert not any("/attachments/" in call.path for call in google.calls[count:])


@pytest.mark.parametrize("failure", [
    refusal(500, "Backend Error"), refusal(404, "Not found"), refusal(403, "No"), reply(200, {}), reply(200, b"{")],
    ids=["500", "404", "403", "no-data", "cut"])
def test_an_attachment_that_fails_is_a_notice(failure):
    mails = [mail(1, START, with_files()), mail(2, START + 1)]
    with Mailbox(mails, answer=contents({"B1": PICTURE}, {"A1": failure})) as google, Host(google.connection()) as host:
        result = fetch(host, download_attachments=True)
        assert keys(result) == by_time(mails) and [f["name"] for f in result["files"]] == ["b.png"]
        (notice,) = result["notices"]
        assert notice.startswith(f"The attachment a.pdf in message {name(1)} was not stored as a file")
        assert fetch(host, download_attachments=True, cursor=result["cursor"])["events"] == []


def test_an_attachment_that_is_too_large_is_a_notice():
    # A response has at most 64 MiB.
    large = reply(200, b'{"size":1,"data":"' + b"A" * (65 * 1024 * 1024) + b'"}')
    with Mailbox([mail(1, START, with_files())], answer=contents({"B1": PICTURE}, {"A1": large})) as google:
        with Host(google.connection()) as host:
            result = fetch(host, download_attachments=True)
            assert keys(result) == [name(1)] and [f["name"] for f in result["files"]] == ["b.png"]
            assert f"a.pdf in message {name(1)} was not stored" in result["notices"][0]


def test_files_of_attached_mails_are_among_those_of_the_event():
    inner = part("multipart/mixed", "3.0", headers=[("From", "x@evil.test")], parts=[
        part("text/plain", "3.0.0", "Hi"), part("text/csv", "3.0.1", "a;b", name="c.csv")])
    payload = with_files([part("message/rfc822", "3", name="in.eml", parts=[inner], attachment="E1")])
    eml = b"From: x@evil.test\r\n\r\nthe exact bytes"
    answer = contents({"A1": PDF, "B1": PICTURE, "E1": eml})
    with Mailbox([mail(1, START, payload)], answer=answer) as google, Host(google.connection()) as host:
        (event,) = (result := fetch(host, download_attachments=True))["events"]
        assert {f["name"]: read(f) for f in event["files"]} == {
            "c.csv": b"a;b", "a.pdf": PDF, "b.png": PICTURE, "in.eml": eml}
        assert event["files"] == result["files"]
        # The documented fields are those of the attached mail.
        assert event["fields"]["Attached EML Attachment File Names"] == "c.csv"


# Mails that are attached as files


def phish(subject="Pay now", more=()):
    """A mail with a text, a PDF and the mails in `more`, as bytes."""
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = "Bröker <broker@evil.test>", "fiona@harbor.example", subject
    made["Date"], made["Message-ID"] = "Mon, 16 Nov 2026 07:00:00 +0000", "<1@evil.test>"
    made.set_content("Zahlen Sie jetzt: http://evil.test/\r\nÜber", charset="iso-8859-1", cte="quoted-printable")
    made.add_attachment(PDF, maintype="application", subtype="pdf", filename="offer.pdf")
    for name, content, type in more:
        made.add_attachment(content, maintype="application", subtype=type, filename=name)
    return made.as_bytes()


def attached(content, type="application/octet-stream", name="report.eml", headers=(), inline=False):
    """A message with one attachment, and the content behind its attachment ID."""
    file = part(type, "1", name=name, attachment="E1", headers=headers)
    if inline:
        file = part(type, "1", content, name, headers)
    payload = part("multipart/mixed", headers=[("Subject", "Report")], parts=[part("text/plain", "0", "See."), file])
    return mail(1, START, payload), {"E1": content}


def event_of(message, files, **more):
    """The fields of the event, and the bytes of the files."""
    with Mailbox([message], answer=contents(files)) as google, Host(google.connection()) as host:
        result = fetch(host, **more)
        (event,) = result["events"]
        assert event["raw"] == message and "notices" not in result
        return event["fields"], [read(file) for file in result.get("files", [])]


ATTACHMENT = [("Content-Disposition", "attachment; filename=report.eml")]


@pytest.mark.parametrize(("type", "name", "headers"), [
    ("application/octet-stream", "report.eml", ()), ("application/octet-stream", "REPORT.EML", ATTACHMENT),
    ("application/octet-stream", "a b.eml ", ()), ("binary/octet-stream", "x.eml", ()), ("application/x-eml", "x.eml", ()),
    ("application/unknown", "x.eml", ()), ("", "x.eml", ATTACHMENT), ("text/plain", "x.eml", ATTACHMENT),
    ("application/force-download", "x.eml", ()), ("application/pdf", "x.eml", ())])
@pytest.mark.parametrize("inline", [False, True])
def test_a_file_with_the_name_of_a_mail_is_opened(type, name, headers, inline):
    content = phish()
    fields, stored = event_of(*attached(content, type, name, headers, inline))
    assert {field: fields[field] for field in fields if "EML" in field and "File ID" not in field and "SHA" not in field} == {
        "Attached EML File Name": name, "Attached EML Sender": "Bröker <broker@evil.test>",
        "Attached EML Recipient": "fiona@harbor.example", "Attached EML Subject": "Pay now",
        "Attached EML Message ID": "<1@evil.test>", "Attached EML Sent Date": "Mon, 16 Nov 2026 07:00:00 +0000",
        "Attached EML Body": url64("Zahlen Sie jetzt: http://evil.test/\r\nÜber\r\n"),
        "Attached EML Attachment File Names": "offer.pdf", "Attached EML Attachment File Types": "application/pdf",
        "Attached EML Attachment MD5": hashlib.md5(PDF).hexdigest()}
    assert stored == [PDF] and fields["Decoded Body Data"] == "See."


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n%\xe2\n", b"PK\x03\x04", b'{"From": 1}', b"<html>\r\n", b"X: y\r\n\r\nz", b"\x00" * 99])
def test_a_file_that_is_no_mail_stays_a_file(content):
    fields, stored = event_of(*attached(content))
    assert not any("EML" in field for field in fields) and stored == []


@pytest.mark.parametrize(("type", "name"), [
    ("application/octet-stream", "report.pdf"), ("application/octet-stream", "eml"), ("application/octet-stream", ""),
    ("application/octet-stream", "x.eml.zip"), ("text/plain", "x.eml")])
def test_other_files_are_not_read(type, name):
    message, files = attached(phish(), type, name)
    with Mailbox([message], answer=contents(files)) as google, Host(google.connection()) as host:
        (event,) = fetch(host)["events"]
        assert not any("EML" in field for field in event["fields"])
        # A text with a name and without a disposition belongs to the body.
        assert any("/attachments/" in call.path for call in google.calls) == (type == "text/plain")


def test_mails_inside_an_opened_mail_are_opened():
    deepest = phish("Deepest")
    content = phish("Outer", [("inner.eml", deepest, "octet-stream")])
    fields, stored = event_of(*attached(content))
    assert fields["Attached EML Subject"] == "Outer"
    assert fields["Attached EML Attachment File Names"] == ["offer.pdf", "inner.eml", "offer.pdf"]
    assert fields["Attached EML Attachment Nested Email Subjects"] == "Deepest"
    assert stored == [PDF, deepest, PDF]


def test_a_named_text_of_an_opened_mail_keeps_its_bytes_and_is_text():
    data = "Zahlen Sie für ü".encode("iso-8859-1")
    content = (
        b"From: x@evil.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=iso-8859-1; name=a.txt\r\n\r\n" + data + b"\r\n--b--\r\n")
    fields, stored = event_of(*attached(content))
    assert fields["Attached EML Body"] == url64("Zahlen Sie für ü")
    assert stored == [data]


def test_an_opened_mail_is_stored_as_it_is_and_read_once():
    content = phish()
    message, files = attached(content)
    with Mailbox([message], answer=contents(files)) as google, Host(google.connection()) as host:
        (event,) = fetch(host, download_attachments=True)["events"]
        assert {f["name"]: read(f) for f in event["files"]} == {"offer.pdf": PDF, "report.eml": content}
        assert sum("/attachments/" in call.path for call in google.calls) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_mail_that_cannot_be_opened_is_a_notice(status):
    message, _ = attached(b"")
    answer = lambda target: refusal(status, "Gone") if "/attachments/" in target else None
    with Mailbox([message], answer=answer) as google, Host(google.connection()) as host:
        result = fetch(host)
        assert result["notices"] == [f"The attachment report.eml in message {name(1)} could not be opened."]
        assert keys(result) == [name(1)]


def nested(levels, octets):
    """Mails inside each other, as files or as attached mails."""
    content = phish("Deepest")
    for level in range(levels):
        head = f"From: x@evil.test\r\nSubject: {level}\r\nMIME-Version: 1.0\r\n".encode()
        if octets:
            content = (
                head + b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
                + b"Content-Type: application/octet-stream; name=x.eml\r\n\r\n" + content + b"\r\n--b%d--\r\n" % level)
        else:
            content = head + b"Content-Type: message/rfc822\r\n\r\n" + content
    return content


@pytest.mark.parametrize("octets", [True, False])
@pytest.mark.parametrize("levels", [3, 60, 400])
def test_deeply_nested_mails_do_not_stop_the_feed(levels, octets):
    message, files = attached(nested(levels, octets))
    box = [message, mail(2, START + 1)]
    with Mailbox(box, answer=contents(files)) as google, Host(google.connection()) as host:
        result = fetch(host, download_attachments=True)
        assert keys(result) == by_time(box)
        assert result["events"][0]["fields"]["Attached EML Sender"] == "x@evil.test"


def test_the_sandbox_gives_the_same_bytes_in_both_ways():
    sandbox = Sandbox()
    try:
        with Host(sandbox.document["connections"]["gmail_sandbox"]) as host:
            ids = [m["id"] for m in host.result("search_emails", {"user_email": SOC, "filter": "subject:report"})["raw_data"]["messages"]]
            result = host.result("get_email", {"user_email": SOC, "message_ids": ids, "format": "eml"})
            assert len(result["files"]) == len(ids) > 0
            for file in result["files"]:
                assert email.message_from_bytes(read(file))["From"] and file["name"].endswith(".eml")
    finally:
        sandbox.stop()
