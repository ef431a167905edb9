"""Download Email Attachment: all parts with a name, with their exact bytes."""

import base64
import email
import email.message
import email.policy
import hashlib
import json
import pathlib

import pytest
from Support.host import eventually
from Support.mailbox import MESSAGES, SENDER, Mailbox, encoded
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import reply
from Support.workspace import SOC, Workspace

ID = "182b676d244938bd"
NONE = "The message doesn't contain any attachments."


def part(id, type, name="", data=None, attachment=None, parts=None, headers=()):
    body = {"size": len(data or b"")}
    if attachment:
        body["attachmentId"] = attachment
    elif data is not None:
        body["data"] = encoded(data)
    node = {
        "partId": id, "mimeType": type, "filename": name, "body": body,
        "headers": [{"name": n, "value": v} for n, v in headers]}
    return node | ({"parts": parts} if parts else {})


class Message(Mailbox):
    """One message: its payload, the content by attachment ID, and its raw form."""

    def __init__(self, parts, contents=None, raw=None, other=None):
        self.payload = part("", "multipart/mixed", parts=parts) if isinstance(parts, list) else parts
        self.contents = contents or {}
        self.raw = raw
        self.other = other or (lambda request: None)
        super().__init__(self.read)

    def read(self, request):
        other = self.other(request)
        if other:
            return other
        path = request.path.removeprefix(f"{MESSAGES}/{ID}")
        if path == "":
            form = dict(request.query)["format"]
            if form == "full":
                return reply(200, {"id": ID, "payload": self.payload})
            assert form == "raw" and self.raw is not None
            return reply(200, {"id": ID, "raw": encoded(self.raw)})
        name = path.removeprefix("/attachments/")
        if name in self.contents:
            data = self.contents[name]
            return reply(200, {"size": len(data), "data": encoded(data)})
        return None

    @property
    def asked(self):
        """The requests of the message: the format or the attachment ID."""
        return [dict(c.query).get("format") or c.path.rsplit("/", 1)[1] for c in self.calls]


def arguments(*names, **more):
    return {"user_email": SENDER, "message_id": ID, "attachment_file_names": list(names), **more}


def stored(result):
    """Name, type and bytes of each file, after checking its metadata."""
    files = []
    for file in result["files"]:
        content = pathlib.Path(file["path"]).read_bytes()
        assert file["source"] == "playbook_file" and file["size"] == len(content)
        for name in ("md5", "sha1", "sha256"):
            assert file[name] == hashlib.new(name, content).hexdigest()
        files.append((file["name"], file["content_type"], content))
    return files


def download(message, *names):
    with message, Host(message.connection()) as host:
        result = host.result("download_email_attachment", arguments(*names))
        return result, stored(result)


A, B = b"a;1\n" * 500, b"b;2\n" * 600
TWINS = [
    part("0", "text/plain", data=b"Two."), part("1", "text/csv", "invoice.csv", A, "ANG1"),
    part("2", "text/csv", "invoice.csv", B, "ANG2"), part("3", "text/plain", "note.txt", b"Pay.\n")]


def test_all_attachments_with_a_name_are_downloaded():
    message = Message(TWINS, {"ANG1": A, "ANG2": B})
    result, files = download(message, "invoice.csv")
    assert files == [("invoice.csv", "text/csv", A), ("invoice.csv", "text/csv", B)]
    assert result["return_data"] == "Successful"
    assert result["targets"] == [{"target": "invoice.csv", "return_data": "Successful"}]
    assert result["raw_data"] == [TWINS[1:3]]
    # The IDs come from a single read of the message.
    assert sorted(message.asked) == ["ANG1", "ANG2", "full"]


def test_several_names_are_downloaded_in_order_and_once():
    message = Message(TWINS, {"ANG1": A, "ANG2": B})
    result, files = download(message, "note.txt", "invoice.csv", "note.txt")
    assert [name for name, _, _ in files] == ["note.txt", "invoice.csv", "invoice.csv"]
    assert [t["target"] for t in result["targets"]] == ["note.txt", "invoice.csv"]
    # Content within the message is not fetched.
    assert sorted(message.asked) == ["ANG1", "ANG2", "full"]


def test_an_unknown_name_fails_only_its_target():
    with Message(TWINS, {"ANG1": A, "ANG2": B}) as message, Host(message.connection()) as host:
        result = host.result("download_email_attachment", arguments("note.txt", "invoices.csv"))
        assert result["return_data"] == "Partially Successful"
        assert [t["return_data"] for t in result["targets"]] == ["Successful", "Failed"]
        (error,) = result["errors"]
        assert (error["target"], error["kind"], error["status_code"]) == ("invoices.csv", "not_found", 404)
        assert "invoices.csv" in error["message"] and 'Did you mean "invoice.csv"?' in error["remedy"]
        assert len(result["files"]) == 1
        data = host.failure("download_email_attachment", arguments("x", "y"))
        assert data["failure_indicator"] == "Download Email Attachment failed."
        assert [t["target"] for t in data["targets"]] == ["x", "y"]
        assert host.call("files/list")["files"][0]["name"] == "note.txt"


@pytest.mark.parametrize("payload", [
    part("", "text/plain", data=b"Hi"),
    [part("0", "text/plain", data=b"Hi"), part("1", "text/html", data=b"<p>Hi")],
    part("", "text/html", data=b"x" * 9, attachment="ANG9"),
])
def test_a_message_without_attachments_has_the_documented_error(payload):
    with Message(payload) as message, Host(message.connection()) as host:
        data = host.failure("download_email_attachment", arguments("a.csv"))
        assert (data["status_code"], data["message"]) == (403, NONE)
        assert message.asked == ["full"]


def test_an_unknown_message_is_not_found():
    other = lambda request: reply(404, {"error": {"code": 404, "message": "Requested entity was not found."}})
    with Message(TWINS, other=other) as message, Host(message.connection()) as host:
        data = host.failure("download_email_attachment", arguments("a.csv"))
        assert (data["status_code"], data["kind"]) == (404, "not_found")


def test_inline_image_is_included():
    image = bytes(range(256))
    related = part("1", "multipart/related", parts=[
        part("1.0", "text/html", data=b"<img src=cid:x>"),
        part("1.1", "image/png", "logo.png", image, "ANG7", headers=[
            ("Content-ID", "<x>"), ("Content-Disposition", "inline; filename=logo.png")])])
    _, files = download(Message([part("0", "text/plain", data=b"x"), related], {"ANG7": image}), "logo.png")
    assert files == [("logo.png", "image/png", image)]


def test_base64_with_both_alphabets_and_without_padding_is_decoded():
    content = b"\xfb\xff\xfe" * 5 + b"x"
    for data in ("-__-" * 5 + "eA", "+//+" * 5 + "eA==", "-__-" * 5 + "eA=="):
        other = lambda r, d=data: reply(200, {"data": d}) if "/attachments/" in r.path else None
        _, files = download(Message(TWINS, other=other), "invoice.csv")
        assert files[0][2] == content


@pytest.mark.parametrize("change", [
    lambda text: text,
    lambda text: text.replace("=", "\\u003d").replace("/", "\\/"),
    lambda text: "\ufeff" + text,
    lambda text: text.replace("{", "{\n  ").replace(",", ",\n  "),
])
def test_data_is_decoded_however_the_json_is_written(change):
    content = hashlib.shake_256(b"attachment").digest(300_001)
    data = base64.b64encode(content).decode()
    text = change(json.dumps({"size": len(content), "data": data, "more": "x=/"})).encode()
    other = lambda r: reply(200, text) if "/attachments/" in r.path else None
    _, files = download(Message(TWINS[:2], other=other), "invoice.csv")
    assert files == [("invoice.csv", "text/csv", content)]


def test_attachment_needs_no_second_copy_in_memory():
    """The answer of Gmail is a third larger than the attachment."""
    content = hashlib.shake_256(b"large").digest(1_000_000) * 30
    with Message(TWINS[:2], {"ANG1": content}) as message, Host(message.connection()) as host:
        files = stored(host.result("download_email_attachment", arguments("invoice.csv")))
        assert files == [("invoice.csv", "text/csv", content)]
        assert host.peak_memory_bytes < 40_000_000 + 30 * 1024 * 1024


def test_an_empty_attachment_is_stored():
    raw = nested(b"", type="text/plain")
    _, files = download(Message([part("0", "text/plain", data=b"x"), part("1", "text/plain", "e.txt", b"")],
                                raw=raw), "e.txt")
    assert files == [("e.txt", "text/plain", b"")]


def test_names_are_compared_exactly():
    name = "r\u00e9sum\u00e9 \u4f60\u597d/../x.txt"
    _, files = download(Message([part("0", "text/plain", name, b"x")]), name)
    assert files == [(name, "text/plain", b"x")]


# Attached mails

# Line ends, folding and spelling that no writer reproduces.
INNER = (
    b"from:  x@evil.example\r\nSubject: Inner\r\n  folded \r\nX-Odd:\tyes\r\n"
    b"Content-Type: multipart/mixed; boundary=\"in\"\r\n\r\npreamble\r\n--in\r\n\r\nText \xe4\xf6\n"
    b"\r\n--in\r\nContent-Type: text/csv; name=deep.csv\r\n\r\na;b\r\n--in--\r\nepilogue\r\n")


def nested(content, name="reported.eml", type="message/rfc822"):
    disposition = f'Content-Disposition: attachment; filename="{name}"\r\n' if name else ""
    head = f"--out\r\nContent-Type: {type}\r\n{disposition}\r\n".encode()
    return (
        b"Subject: Outer\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\n"
        b"--out\r\nContent-Type: text/plain\r\n\r\nx\r\n" + head + content + b"\r\n--out--\r\n")


def tree(name="reported.eml", attachment=None):
    """Gmail's form of the mail of `nested`."""
    root = part("1.0", "multipart/mixed", parts=[
        part("1.0.0", "text/plain", data=b"Text"),
        part("1.0.1", "text/csv", "deep.csv", b"a;b")],
        headers=[("from", "x@evil.example"), ("Subject", "Inner folded")])
    return [part("0", "text/plain", data=b"x"),
            part("1", "message/rfc822", name, attachment=attachment, parts=[root],
                 headers=[("Content-Type", "message/rfc822")])]


@pytest.mark.parametrize("attachment", [None, "ANG5"])
def test_attached_mail_is_returned_byte_for_byte(attachment):
    message = Message(tree(attachment=attachment), {"ANG5": b"Gmail's own rendering"}, nested(INNER))
    result, files = download(message, "reported.eml")
    assert files == [("reported.eml", "message/rfc822", INNER)]
    assert email.message_from_bytes(files[0][2])["Subject"].startswith("Inner")
    assert message.asked == ["full", "raw"]
    assert result["raw_data"][0][0]["parts"][0]["partId"] == "1.0"


def test_an_encoded_attached_mail_is_decoded():
    raw = nested(base64.encodebytes(INNER).replace(b"\n", b"\r\n")).replace(
        b"Content-Disposition", b"Content-Transfer-Encoding: base64\r\nContent-Disposition")
    _, files = download(Message(tree(), raw=raw), "reported.eml")
    assert files == [("reported.eml", "message/rfc822", INNER)]


def test_an_attached_mail_is_found_if_part_ids_differ():
    raw = nested(INNER).replace(b"--out\r\n", b"--out\r\n\r\nOne more part.\r\n--out\r\n", 1)
    _, files = download(Message(tree(), raw=raw), "reported.eml")
    assert files == [("reported.eml", "message/rfc822", INNER)]


def test_attached_mails_with_equal_names_are_distinct():
    other = INNER.replace(b"Inner", b"Other")
    raw = nested(INNER).replace(b"--out--", nested(other).split(b"x\r\n", 1)[1])
    twin = part("2", "message/rfc822", "reported.eml", parts=[part("2.0", "text/plain", data=b"y")])
    _, files = download(Message([*tree(), twin], raw=raw), "reported.eml")
    assert [content for _, _, content in files] == [INNER, other]


@pytest.mark.parametrize("asked", ["Forwarded", "Forwarded.eml"])
def test_an_attached_mail_gets_the_suffix_eml(asked):
    _, files = download(Message(tree("Forwarded"), raw=nested(INNER, "Forwarded")), asked)
    assert files == [("Forwarded.eml", "message/rfc822", INNER)]


@pytest.mark.parametrize("asked", ["", "Inner folded.eml"])
def test_an_attached_mail_without_a_name_is_named_by_its_subject(asked):
    _, files = download(Message(tree(""), raw=nested(INNER, None)), asked)
    assert files == [("Inner folded.eml", "message/rfc822", INNER)]


def test_attachment_of_an_attached_mail_is_found_by_name():
    _, files = download(Message(tree(), raw=nested(INNER)), "deep.csv")
    assert files == [("deep.csv", "text/csv", b"a;b")]


def test_the_attachment_is_used_if_the_raw_message_is_unavailable():
    def other(request):
        return reply(403, {"error": {"message": "no"}}) if dict(request.query).get("format") == "raw" else None

    _, files = download(Message(tree(attachment="ANG5"), {"ANG5": INNER}, other=other), "reported.eml")
    assert files == [("reported.eml", "message/rfc822", INNER)]
    with Message(tree(), other=other) as message, Host(message.connection()) as host:
        assert host.failure("download_email_attachment", arguments("reported.eml"))["status_code"] == 403


def test_the_raw_message_is_used_if_an_attachment_id_has_expired():
    raw = nested(A, "invoice.csv", "text/csv")
    _, files = download(Message([part("0", "text/plain", data=b"x"), TWINS[1]], {}, raw), "invoice.csv")
    assert files == [("invoice.csv", "text/csv", A)]


def test_a_response_without_data_is_an_error():
    other = lambda request: reply(200, {"size": 3}) if "/attachments/" in request.path else None
    with Message(TWINS, other=other) as message, Host(message.connection()) as host:
        data = host.failure("download_email_attachment", arguments("invoice.csv"))
        assert data["kind"] == "upstream" and host.call("files/list")["files"] == []


def test_a_dry_run_shows_the_first_request():
    with Message(TWINS) as message, Host(message.connection()) as host:
        result = host.result("download_email_attachment", arguments("a", "b"), dry_run=True)
        (request,) = result["requests"]
        assert request["url"].endswith(f"{MESSAGES}/{ID}?format=full") and message.requests == []


def test_stream_returns_the_files_of_each_name():
    with Message(TWINS, {"ANG1": A, "ANG2": B}) as message, Host(message.connection()) as host:
        number = host.start("download_email_attachment", arguments("invoice.csv", "x"), stream=True)
        host.wait(number)
        items = {n["item"]["target"]: n["item"] for n in host.notifications("invoke/item", number)}
    assert len(items["invoice.csv"]["files"]) == 2 and items["x"]["return_data"] == "Failed"


@pytest.mark.parametrize("change", [{"attachment_file_names": []}, {"attachment_file_names": None}, {"message_id": ""}])
def test_invalid_arguments_are_rejected(change):
    with Message(TWINS) as message, Host(message.connection()) as host:
        answer = host.answer("download_email_attachment", arguments("a") | change)
        assert answer["error"]["code"] == -32602 and message.requests == []


# Hostile mail

MANY = 9_900  # just below the limit for the parts of a mail


def many(name, data=b"", count=MANY):
    return [part(str(number), "text/plain", name(number), data) for number in range(count)]


def test_thousands_of_equal_names_are_found_in_the_raw_message():
    parts = b"".join(
        b"--out\r\nContent-Type: text/plain; name=e.txt\r\n\r\n%d\r\n" % number for number in range(MANY))
    raw = b"Content-Type: multipart/mixed; boundary=out\r\n\r\n" + parts + b"--out--\r\n"
    message = Message(many(lambda number: "e.txt"), raw=raw)
    with message, Host(message.connection()) as host:
        files = host.result("download_email_attachment", arguments("e.txt"))["files"]
        contents = [pathlib.Path(file["path"]).read_bytes() for file in files]
    assert contents == [b"%d" % number for number in range(MANY)]
    assert message.asked == ["full", "raw"]


def test_several_expired_ids_read_the_raw_message_once():
    raw = nested(A, "invoice.csv", "text/csv").replace(
        b"--out--", nested(B, "invoice.csv", "text/csv").split(b"x\r\n", 1)[1])
    message = Message(TWINS[:3], raw=raw)
    _, files = download(message, "invoice.csv")
    assert [content for _, _, content in files] == [A, B]
    assert message.asked == ["full", "ANG1", "raw", "ANG2"]


def kept(host):
    files, params = [], {"limit": 1_000}
    while True:
        page = host.call("files/list", params)
        files += page["files"]
        if "next_cursor" not in page:
            return len(files)
        params["cursor"] = page["next_cursor"]


def test_it_can_be_cancelled_between_attachments_of_one_name():
    message = Message(many(lambda number: "e.txt", b"x"))
    with message, Host(message.connection()) as host:
        number = host.start("download_email_attachment", arguments("e.txt"))
        eventually(lambda: host.call("files/list", {"limit": 1})["files"], "a first file is kept")
        host.call("cancel", {"id": number})
        assert host.wait(number)[0]["error"]["data"]["kind"] == "cancelled"
        assert 0 < kept(host) < MANY


def test_the_deadline_is_checked_between_attachments_of_one_name():
    message = Message(many(lambda number: "e.txt", b"x"))
    with message, Host(message.connection()) as host:
        data = host.failure("download_email_attachment", arguments("e.txt"), timeout_ms=400)
        assert data["kind"] == "timeout" and kept(host) < MANY


def test_only_the_first_unknown_names_get_a_suggestion():
    wrong = [f"invoice-{number:04}.cvs" for number in range(1_000)]
    message = Message(many(lambda number: f"invoice-{number:04}.csv"))
    with message, Host(message.connection()) as host:
        data = host.failure("download_email_attachment", arguments(*wrong))
    errors = {t["target"]: t["error"] for t in data["targets"]}
    assert list(errors) == wrong and {e["status_code"] for e in errors.values()} == {404}
    hinted = {name for name, error in errors.items() if "Did you mean" in error["remedy"]}
    assert hinted == set(wrong[:5])
    assert errors[wrong[3]]["remedy"].endswith('Did you mean "invoice-0003.csv"?')


# The emulated Workspace


@pytest.fixture(scope="module")
def sandbox():
    sandbox = Sandbox()
    try:
        yield sandbox
    finally:
        sandbox.stop()


def raw_parts(workspace, id):
    """The parts of a message as parsed by Python from its raw form."""
    answer = workspace.messages(SOC).get(userId="me", id=id, format="raw").execute()
    raw = base64.urlsafe_b64decode(answer["raw"])
    return raw, list(email.message_from_bytes(raw).walk())


@pytest.mark.parametrize("kind", ["service", "oauth"])
@pytest.mark.parametrize("key, names, expected", [
    ("twins", ["invoice.csv", "note.txt"], ["invoice.csv", "invoice.csv", "note.txt"]),
    ("inline", ["logo.png"], ["logo.png"]),
    ("nested", ["reported.eml", "screenshot.png", "offer.pdf", "original.eml"],
     ["reported.eml", "screenshot.png", "offer.pdf", "original.eml"]),
    ("bare", [""], ["Inner.eml"]),
    ("outlook", ["winmail.dat"], ["winmail.dat"]),
])
def test_attachments_of_the_emulated_workspace_are_downloaded(sandbox, kind, key, names, expected):
    workspace = Workspace(sandbox.base)
    with Host(workspace.connection(kind)) as host:
        found = host.result(
            "search_emails", {"user_email": SOC, "filter": f"rfc822msgid:<{key}@triage.example>"})
        id = found["raw_data"]["messages"][0]["id"]
        result = host.result("download_email_attachment", {
            "user_email": SOC, "message_id": id, "attachment_file_names": names})
        files = stored(result)
    assert [name for name, _, _ in files] == expected
    raw, parts = raw_parts(workspace, id)
    for name, type, content in files:
        if type == "message/rfc822":
            assert content and content in raw
            inner = email.message_from_bytes(content)
            assert any(p.get_content_type() == "message/rfc822"
                       and p.get_payload(0).as_bytes() == inner.as_bytes() for p in parts)
        else:
            assert any(p.get_filename() == name and p.get_payload(decode=True) == content for p in parts)


def test_a_mail_of_the_emulated_workspace_without_attachments(sandbox):
    workspace = Workspace(sandbox.base)
    with Host(workspace.service) as host:
        found = host.result("search_emails", {"user_email": SOC, "filter": "rfc822msgid:<plain@triage.example>"})
        id = found["raw_data"]["messages"][0]["id"]
        data = host.failure("download_email_attachment", {
            "user_email": SOC, "message_id": id, "attachment_file_names": ["a"]})
    assert (data["status_code"], data["message"]) == (403, NONE)


def reported(*files):
    """A mail with files, as bytes."""
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"], made["Subject"] = "x@evil.test", "Pay now"
    made.set_content("See attached.")
    for name, content, subtype in files:
        made.add_attachment(content, maintype="application", subtype=subtype, filename=name)
    return made.as_bytes()


def test_attachments_of_a_mail_that_is_attached_as_a_file_are_found():
    inner = reported(("deep.pdf", B, "pdf"))
    content = reported(("offer.pdf", A, "pdf"), ("inner.eml", inner, "octet-stream"))
    parts = [part("0", "text/plain", data=b"See."), part("1", "application/octet-stream", "report.eml", content, "E1")]
    message = Message(parts, {"E1": content}, raw=b"From: x@y.test\r\n\r\nx")
    result, files = download(message, "offer.pdf", "deep.pdf", "inner.eml", "report.eml")
    assert files == [
        ("offer.pdf", "application/pdf", A), ("deep.pdf", "application/pdf", B),
        ("inner.eml", "message/rfc822", inner), ("report.eml", "message/rfc822", content)]
    assert result["return_data"] == "Successful"


def test_a_mail_that_is_attached_as_a_file_is_opened_only_for_other_names():
    content = reported(("offer.pdf", A, "pdf"))
    parts = [part("0", "application/octet-stream", "report.eml", content, "E1")]
    message = Message(parts, {"E1": content})
    _, files = download(message, "report.eml")
    assert files == [("report.eml", "application/octet-stream", content)] and sorted(message.asked) == ["E1", "full"]
    with Message(parts, {"E1": content}) as message, Host(message.connection()) as host:
        data = host.failure("download_email_attachment", arguments("ofer.pdf"))
        assert data["kind"] == "not_found" and 'Did you mean "offer.pdf"?' in data["targets"][0]["error"]["remedy"]
