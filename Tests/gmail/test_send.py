"""Send Email: Python's `email` package parses the sent mail, and nothing is sent twice."""

import base64
import hashlib
import threading

import pytest
from Support.mailbox import MAIL, SEND, SENDER, SENT, UPLOAD, Mailbox, put, read
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import Reply, after, hang_up, in_turn, reply, reset
from Support.workspace import FIONA, NILS, SOC, Workspace

MIB = 1024 * 1024
CHUNK = 8 * MIB
LIMIT = 36_700_160


def noise(size, seed=b"seed"):
    """Deterministic bytes."""
    return hashlib.shake_128(seed).digest(size)


def refusal(status, message, reason="x", headers=()):
    error = {"code": status, "message": message, "errors": [{"reason": reason}]}
    return reply(status, {"error": error}, headers)


def sent(mailbox, host, **arguments):
    """The mail that a call sends, as parsed by Python."""
    before = len(mailbox.sent)
    result = host.result("send_email", MAIL | arguments)
    assert (result["return_data"], result["raw_data"]) == ("Successful", SENT)
    assert len(mailbox.sent) == before + 1
    mail = read(mailbox.sent[-1])
    assert not mail.defects and not any(part.defects for part in mail.walk())
    assert all(len(line) <= 998 for line in mailbox.sent[-1].split(b"\r\n"))
    return mail


def text(part):
    """The text of a part. Lines of a mail end with CRLF (RFC 2046 section 4.1.1)."""
    return part.get_content().replace("\r\n", "\n")


def addresses(mail, field):
    return [(a.display_name, a.addr_spec) for a in mail[field].addresses]


# The mail


def test_a_text_is_sent_as_plain_text(mailbox, host):
    mail = sent(mailbox, host, content="Hi,\nthere.\n")
    assert addresses(mail, "From") == [("", SENDER)]
    assert addresses(mail, "To") == [("", "a@b.example")]
    assert mail["Subject"] == "Test" and mail["Cc"] is None and mail["Bcc"] is None
    assert mail["Date"].datetime and mail["Message-ID"].endswith("@corp.example>")
    assert mail.get_content_type() == "text/plain" and text(mail) == "Hi,\nthere.\n"
    (call,) = mailbox.calls
    assert (call.method, call.path) == ("POST", SEND)
    assert call.header("Content-Type") == "application/json"


def test_html_mail_has_a_text_alternative(mailbox, host):
    mail = sent(mailbox, host, content="Hi<br/>Html <b>Ema\u00efl</b>")
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.iter_parts()
    assert (plain.get_content_type(), text(plain).rstrip("\n")) == ("text/plain", "Hi\nHtml Ema\u00efl")
    assert (html.get_content_type(), text(html).rstrip("\n")) == (
        "text/html", "Hi<br/>Html <b>Ema\u00efl</b>")


@pytest.mark.parametrize("content", ["1 < 2 > 0", "if (a<b) return", "<mike@b.example> wrote"])
def test_text_with_angle_brackets_is_not_html(mailbox, host, content):
    mail = sent(mailbox, host, content=content)
    assert mail.get_content_type() == "text/plain" and text(mail).rstrip("\n") == content


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_mail_is_sent(mailbox, host, content):
    assert sent(mailbox, host, content=content).get_content().strip() == ""


@pytest.mark.parametrize("subject", [
    "Gr\u00fc\u00dfe aus K\u00f6ln", "\u4f60\u597d " * 60, "\U0001f600" * 40, "=?utf-8?q?no=20trick?=",
    "long " * 90 + "end", "w" * 300, "e\u0301 combining", " two  spaces ", "a" + "\u0301" * 30])
def test_subjects_are_preserved(mailbox, host, subject):
    assert sent(mailbox, host, subject=subject)["Subject"] == subject


@pytest.mark.parametrize("content", [
    "\u4f60\u597d, \u0437\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439", "x" * 5_000, "." * 3 + "\n.\nFrom here\n", "tab\there  \nend ",
    "\U0001f600" * 3_000, "a\x00b", "=3D=\n"])
def test_texts_are_preserved(mailbox, host, content):
    assert text(sent(mailbox, host, content=content)).rstrip("\n") == content.rstrip("\n")


def test_recipients_are_in_their_header_fields(mailbox, host):
    mail = sent(
        mailbox, host, to_recipients=["a@b.example", "J\u00f6rg M\u00fcller <j.m+x@b.example>"],
        cc_recipients=['"Doe, Jane" <jane@b.example>'], bcc_recipients=["boss@b.example"])
    assert addresses(mail, "To") == [("", "a@b.example"), ("J\u00f6rg M\u00fcller", "j.m+x@b.example")]
    assert addresses(mail, "Cc") == [("Doe, Jane", "jane@b.example")]
    assert addresses(mail, "Bcc") == [("", "boss@b.example")]


def test_many_recipients_are_sent(mailbox, host):
    everybody = [f"person.number.{n}@department.b.example" for n in range(500)]
    mail = sent(mailbox, host, to_recipients=None, bcc_recipients=everybody)
    assert [address for _, address in addresses(mail, "Bcc")] == everybody and mail["To"] is None


# Files


def files(mail):
    return [(p.get_filename(), p.get_content_type(), p.get_payload(decode=True)) for p in mail.iter_attachments()]


def test_files_are_attached(mailbox, host):
    mine = [
        ("r\u00e9sum\u00e9 \u4f60\u597d.pdf", "application/pdf", noise(10_000)),
        ("data.bin", "application/octet-stream", bytes(range(256))),
        ("empty.txt", "text/plain", b""),
        ('quoted "name".csv', "text/csv", b"a;b\r\n"),
        ("long " + "n" * 200 + ".txt", "text/plain", b"x"),
        ("lines.txt", "text/plain", b"one\ntwo\r\nthree"),
    ]
    ids = [put(host, name, content) for name, _, content in mine]
    mail = sent(mailbox, host, content="<p>Hi</p>", file_ids=ids)
    assert mail.get_content_type() == "multipart/mixed"
    assert files(mail) == mine
    assert mail.get_body(("html",)).get_content().rstrip("\n") == "<p>Hi</p>"


def test_mail_is_attached_byte_for_byte(mailbox, host):
    inner = b"From: x@evil.example\r\nSubject: Inner\r\n\r\nClick.\r\n"
    mail = sent(mailbox, host, file_ids=[put(host, "inner.eml", inner)])
    (part,) = mail.iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("message/rfc822", "inner.eml")
    assert part.get_content()["Subject"] == "Inner"
    assert inner in mailbox.sent[-1]


@pytest.mark.parametrize("type", ["multipart/mixed", "text/plain; charset=utf-16", "a/" + "b" * 100])
def test_an_unsupported_type_preserves_the_bytes(mailbox, host, type):
    id = put(host, "odd", b"\x00\xff", content_type=type)
    ((name, _, content),) = files(sent(mailbox, host, file_ids=[id]))
    assert (name, content) == ("odd", b"\x00\xff")


@pytest.mark.parametrize("source", ["incident_attachment_file", "playbook_file", "artifact_file"])
def test_the_source_of_files_is_checked(mailbox, host, source):
    id = put(host, "a.txt", b"a", source)
    assert files(sent(mailbox, host, file_ids=[id], file_source=source)) == [("a.txt", "text/plain", b"a")]
    other = "artifact_file" if source != "artifact_file" else "playbook_file"
    data = host.failure("send_email", MAIL | {"file_ids": [id], "file_source": other})
    assert (data["kind"], data["status_code"], data["outcome"]) == ("validation", 400, "not_applied")
    assert id in data["message"] and source in data["message"] and other in data["message"]
    assert len(mailbox.sent) == 1


def test_unknown_files_are_reported_before_anything_is_sent(mailbox, host):
    good = put(host, "a.txt", b"a")
    data = host.failure("send_email", MAIL | {"file_ids": ["278", good, "0" * 32]})
    assert (data["failure_indicator"], data["kind"], data["status_code"]) == ("Send Email failed.", "validation", 400)
    assert data["message"] == f"The files 278, {'0' * 32} are unknown." and "files/list" in data["remedy"]
    assert data["outcome"] == "not_applied" and mailbox.requests == []


def test_a_file_name_cannot_inject_a_header(mailbox, host):
    id = put(host, "a.txt\r\nX-Evil: 1", b"a")
    data = host.failure("send_email", MAIL | {"file_ids": [id]})
    assert data["kind"] == "validation" and "attachment 1" in data["message"] and mailbox.requests == []


# Invalid arguments


@pytest.mark.parametrize("address", [
    "", "nobody", "a@", "@b.example", "a b@c.example", "a@b..example", "a@b.example, c@d.example",
    "a@b.example\r\nBcc: x@evil.example", "A <a@b.example>\r\nX-Evil: 1", "a@b.example\x00", "A <a@b.example",
    "<a@b.example> B", "G: a@b.example;", "A <a@b.example> <c@d.example>", "a@-b.example"])
@pytest.mark.parametrize("field", ["to_recipients", "cc_recipients", "bcc_recipients"])
def test_invalid_recipients_are_rejected(mailbox, host, field, address):
    answer = host.answer("send_email", MAIL | {field: ["good@b.example", address]})
    assert answer["error"]["code"] == -32602
    (problem,) = answer["error"]["data"]["problems"]
    assert problem["path"] == f"/arguments/{field}/1"
    if address:
        assert answer["error"]["data"]["message"] == "The Recipients contain invalid email address."
    assert mailbox.requests == []


@pytest.mark.parametrize("change, path", [
    ({"to_recipients": None}, "/arguments"),
    ({"to_recipients": [], "cc_recipients": []}, "/arguments"),
    ({"subject": "a\r\nBcc: x@evil.example"}, "/arguments/subject"),
    ({"subject": "a\nb"}, "/arguments/subject"),
    ({"subject": None}, "/arguments/subject"),
    ({"sender_email": "nobody"}, "/arguments/sender_email"),
    ({"sender_email": "Soc <soc@corp.example>"}, "/arguments/sender_email"),
    ({"sender_email": "soc@corp.example\r\nX: 1"}, "/arguments/sender_email"),
    ({"file_source": "ir"}, "/arguments/file_source"),
])
def test_invalid_arguments_are_rejected(mailbox, host, change, path):
    answer = host.answer("send_email", MAIL | change)
    assert answer["error"]["code"] == -32602
    assert [problem["path"] for problem in answer["error"]["data"]["problems"]] == [path]
    assert mailbox.requests == []


def test_all_problems_are_reported_at_once(mailbox, host):
    arguments = MAIL | {"subject": "a\nb", "to_recipients": ["x", "a@b.example", "y"], "cc_recipients": ["z"]}
    problems = host.answer("send_email", arguments)["error"]["data"]["problems"]
    assert [p["path"] for p in problems] == [
        "/arguments/subject", "/arguments/to_recipients/0", "/arguments/to_recipients/2",
        "/arguments/cc_recipients/0"]


# No duplicates


@pytest.mark.parametrize("action", [refusal(503, "Backend Error"), refusal(500, "x"), reset, hang_up])
def test_mail_that_may_have_been_sent_is_not_retried(action):
    with Mailbox(lambda request: action) as mailbox, Host(mailbox.connection()) as host:
        data = host.failure("send_email", MAIL)
        assert len(mailbox.calls) == 1
    assert data["outcome"] == "unknown" and "search_emails" in data["remedy"]


@pytest.mark.parametrize("status, kind", [(400, "upstream"), (403, "permission")])
def test_refused_mail_was_not_sent(status, kind):
    with Mailbox(lambda request: refusal(status, "Invalid To header")) as mailbox:
        with Host(mailbox.connection()) as host:
            data = host.failure("send_email", MAIL)
            assert len(mailbox.calls) == 1
    assert (data["status_code"], data["message"], data["kind"]) == (status, "Invalid To header", kind)
    assert data["outcome"] == "not_applied"


@pytest.mark.parametrize("first", [
    refusal(429, "Too many", "rateLimitExceeded", [("Retry-After", "0")]),
    refusal(403, "Too many", "userRateLimitExceeded", [("Retry-After", "0")]),
    refusal(401, "Invalid Credentials", "authError"),
])
def test_mail_that_was_not_accepted_is_retried(first):
    with Mailbox(in_turn(first, None)) as mailbox, Host(mailbox.connection()) as host:
        host.result("send_email", MAIL)
        assert len(mailbox.sent) == 1 and len(mailbox.calls) == 2
        bodies = [call.body for call in mailbox.calls]
        assert bodies[0] == bodies[1]


def test_an_idempotency_key_sends_a_mail_once(mailbox, host):
    one, two = (host.result("send_email", MAIL, idempotency_key="k") for _ in range(2))
    assert one["raw_data"] == two["raw_data"] and len(mailbox.sent) == 1


# Large mail


def attachment(size):
    """Content for a mail of slightly more than `size` bytes."""
    return noise(size * 57 // 78)


def upload(mailbox, host, size):
    content = attachment(size)
    mail = sent(mailbox, host, file_ids=[put(host, "large.bin", content)])
    assert files(mail) == [("large.bin", "application/octet-stream", content)]
    return len(mailbox.sent[-1])


def test_mail_up_to_five_megabytes_is_one_request(mailbox, host):
    size = upload(mailbox, host, 5 * MIB - 2_000)
    assert 5 * MIB - 3_000 < size <= 5 * MIB
    assert [call.path for call in mailbox.calls] == [SEND]


def test_larger_mail_is_a_resumable_upload(mailbox, host):
    size = upload(mailbox, host, 5 * MIB + 1_000)
    assert [(call.method, call.path) for call in mailbox.calls] == [("POST", UPLOAD), ("PUT", UPLOAD)]
    assert mailbox.calls[0].header("X-Upload-Content-Length") == str(size)
    assert mailbox.pieces == [f"bytes 0-{size - 1}/{size}"]


def test_upload_is_sent_in_chunks(mailbox, host):
    size = upload(mailbox, host, 18 * MIB)
    assert mailbox.pieces == [
        f"bytes 0-{CHUNK - 1}/{size}", f"bytes {CHUNK}-{2 * CHUNK - 1}/{size}",
        f"bytes {2 * CHUNK}-{size - 1}/{size}"]


def test_bytes_that_gmail_did_not_keep_are_sent_again(mailbox, host):
    mailbox.takes = [0, 3 * MIB, CHUNK]
    size = upload(mailbox, host, 10 * MIB)
    starts = [int(piece.split()[1].split("-")[0]) for piece in mailbox.pieces]
    assert starts == [0, 0, 3 * MIB]
    assert len(mailbox.sent[0]) == size


def large(host):
    return MAIL | {"file_ids": [put(host, "large.bin", attachment(10 * MIB))]}


def put_in_turn(*actions):
    """Each PUT gets the next action; None uses the response of the mailbox."""
    rest = list(actions)

    def answer(request):
        return rest.pop(0)(request) if request.method == "PUT" and rest else None

    return answer


def is_status_query(piece):
    return piece.startswith("bytes */")


@pytest.mark.parametrize("action", [refusal(503, "Backend Error"), refusal(408, "x"), reset, hang_up])
def test_interrupted_upload_resumes_where_gmail_says(action):
    with Mailbox() as mailbox:
        def keep_some(request):
            mailbox.takes = [MIB]
            mailbox.serve(request)
            return action

        mailbox.own_answer = put_in_turn(keep_some)
        with Host(mailbox.connection()) as host:
            result = host.result("send_email", large(host))
        first, question, rest = mailbox.pieces[:3]
        size = len(mailbox.sent[0])
        assert first == f"bytes 0-{CHUNK - 1}/{size}" and question == f"bytes */{size}"
        assert rest == f"bytes {MIB}-{MIB + CHUNK - 1}/{size}"
        assert result["raw_data"] == SENT and len(mailbox.sent) == 1
        assert read(mailbox.sent[0]).get_payload(1).get_payload(decode=True) == attachment(10 * MIB)


@pytest.mark.parametrize("action", [refusal(503, "Backend Error"), reset])
def test_an_unknown_outcome_is_queried_and_was_sent(action):
    with Mailbox() as mailbox:
        def lose(request):
            mailbox.serve(request)  # It was sent, but the response is lost.
            return action

        def tell(request):
            assert request.body == b"" and is_status_query(request.header("Content-Range"))
            return reply(200, SENT)

        mailbox.own_answer = put_in_turn(lambda request: None, lose, tell)
        with Host(mailbox.connection()) as host:
            assert host.result("send_email", large(host))["raw_data"] == SENT
        assert len(mailbox.sent) == 1 and len(mailbox.pieces) == 3


@pytest.mark.parametrize("action", [refusal(503, "Backend Error"), reset])
def test_upload_resumes_if_its_end_was_not_received(action):
    actions = put_in_turn(lambda request: None, lambda request: action)
    with Mailbox(actions) as mailbox, Host(mailbox.connection()) as host:
        host.result("send_email", large(host))
        first, last, question, again = mailbox.pieces
        assert first.startswith("bytes 0-") and is_status_query(question) and last == again
        assert len(mailbox.sent) == 1


def test_an_unfinished_upload_with_all_bytes_has_an_unknown_outcome():
    def tell(request):
        total = int(request.header("Content-Range").split("/")[1])
        return Reply(308, headers=[("Range", f"bytes=0-{total - 1}")])

    actions = put_in_turn(lambda request: None, lambda request: reset, tell)
    with Mailbox(actions) as mailbox, Host(mailbox.connection()) as host:
        data = host.failure("send_email", large(host))
        assert data["outcome"] == "unknown" and len(mailbox.pieces) == 3


def test_an_unavailable_status_has_an_unknown_outcome():
    actions = put_in_turn(lambda r: None, lambda r: reset, *[lambda r: refusal(404, "gone")] * 9)
    with Mailbox(actions) as mailbox, Host(mailbox.connection()) as host:
        data = host.failure("send_email", large(host))
        assert data["outcome"] == "unknown" and "search_emails" in data["remedy"]
        assert len(mailbox.pieces) == 3 and mailbox.sent == []


@pytest.mark.parametrize("action", [refusal(503, "Backend Error"), reset])
def test_a_failure_before_the_last_chunk_is_not_applied(action):
    lose = lambda request: None if is_status_query(request.header("Content-Range")) else action
    with Mailbox(put_in_turn(*[lose] * 99)) as mailbox, Host(mailbox.connection()) as host:
        data = host.failure("send_email", large(host))
        assert data["status_code"] == (502 if action is reset else 503) and data["outcome"] == "not_applied"
        pieces = [piece for piece in mailbox.pieces if not is_status_query(piece)]
        assert len(pieces) == 4 and len(set(pieces)) == 1 and len(mailbox.pieces) == 8


def test_an_unavailable_status_before_the_last_chunk_is_not_applied():
    actions = put_in_turn(*[lambda request: refusal(503, "Backend Error")] * 99)
    with Mailbox(actions) as mailbox, Host(mailbox.connection()) as host:
        data = host.failure("send_email", large(host))
        assert (data["status_code"], data["outcome"]) == (503, "not_applied")
        assert [is_status_query(piece) for piece in mailbox.pieces] == [False] + [True] * 4


def test_upload_without_progress_is_aborted():
    answers = [Reply(308, headers=[("Range", "bytes=0-1048575")]), Reply(308)] * 50
    with Mailbox(put_in_turn(*[lambda request, a=a: a for a in answers])) as mailbox:
        with Host(mailbox.connection()) as host:
            data = host.failure("send_email", large(host))
            assert data["outcome"] == "not_applied" and len(mailbox.pieces) < 10


def test_a_failed_start_of_an_upload_is_not_applied():
    with Mailbox(lambda request: refusal(500, "Backend Error")) as mailbox:
        with Host(mailbox.connection()) as host:
            data = host.failure("send_email", large(host))
            assert data["outcome"] == "not_applied" and len(mailbox.calls) == 4


def test_an_upload_without_progress_ends():
    with Mailbox(put_in_turn(*[lambda request: Reply(308)] * 99)) as mailbox:
        with Host(mailbox.connection()) as host:
            data = host.failure("send_email", large(host))
            assert data["kind"] == "upstream" and len(mailbox.pieces) < 10 and mailbox.sent == []


@pytest.mark.parametrize("range", ["bytes=5-9", "bytes=0-99999999", "x", "bytes=0--5", "bytes=0-"])
def test_invalid_range_aborts_the_upload(range):
    with Mailbox(put_in_turn(lambda r: Reply(308, headers=[("Range", range)]))) as mailbox:
        with Host(mailbox.connection()) as host:
            assert host.failure("send_email", large(host))["kind"] == "upstream"
            assert len(mailbox.pieces) == 1


@pytest.mark.parametrize("place", [None, "https://evil.example/u", "http://127.0.0.1:1/u", "/relative"])
def test_token_is_not_sent_to_another_origin(place):
    headers = [("Location", place)] if place else []
    with Mailbox(lambda request: reply(200, headers=headers)) as mailbox:
        with Host(mailbox.connection()) as host:
            data = host.failure("send_email", large(host))
            assert (data["kind"], data["outcome"]) == ("upstream", "not_applied")
            assert len(mailbox.calls) == 1


def encoded_size(content):
    """The size of Base64 in lines of 76 characters."""
    return (len(content) + 2) // 3 * 4 + (len(content) + 56) // 57 * 2


def filling(size):
    """A text with this size in the mail, in lines that need no encoding."""
    return "x" * size if size < 70 else "x" * 40 + "\n" + "x" * (size - 42)


def test_a_mail_of_the_maximum_size_is_sent_and_a_larger_one_rejected(mailbox, host):
    overhead = upload(mailbox, host, MIB) - encoded_size(attachment(MIB)) - len("Hi")
    # The text fills the mail up to the exact size.
    lines, rest = divmod(LIMIT - overhead - 1, 78)
    id = put(host, "large.bin", noise(lines * 57))
    host.result("send_email", MAIL | {"file_ids": [id], "content": filling(rest + 1)}, timeout_ms=60_000)
    assert len(mailbox.sent[1]) == LIMIT
    before = len(mailbox.requests)
    data = host.failure("send_email", MAIL | {"file_ids": [id], "content": filling(rest + 2)})
    assert (data["kind"], data["status_code"], data["outcome"]) == ("validation", 400, "not_applied")
    assert str(LIMIT) in data["message"] and str(LIMIT + 1) in data["message"]
    assert len(mailbox.requests) == before


def test_a_too_large_file_is_rejected_before_it_is_read(mailbox, host, tmp_path):
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        file.truncate(200 * MIB)
    id = host.call("files/put", {"path": str(path), "source": "artifact_file"})["file_id"]
    data = host.failure("send_email", MAIL | {"file_ids": [id]})
    assert data["kind"] == "validation" and str(LIMIT) in data["message"]
    assert mailbox.requests == [] and host.peak_mebibytes() < 150


def test_a_cancelled_mail_has_an_unknown_outcome():
    never = threading.Event()
    with Mailbox(lambda request: after(never, reply(200, SENT))) as mailbox:
        with Host(mailbox.connection()) as host:
            number = host.start("send_email", MAIL)
            mailbox.wait_for(1, SEND)
            host.call("cancel", {"id": number})
            error = host.wait(number)[0]["error"]
            assert error["code"] == -32800 and error["data"]["outcome"] == "unknown"


# Dry run


def test_a_dry_run_shows_the_mail(mailbox, host):
    result = host.result("send_email", MAIL, dry_run=True)
    (request,) = result["requests"]
    assert request["url"].endswith(SEND) and request["headers"]["Authorization"] == "[redacted]"
    assert read(base64.urlsafe_b64decode(request["body"]["raw"]))["Subject"] == "Test"
    id = put(host, "large.bin", noise(MIB))
    result = host.result("send_email", MAIL | {"file_ids": [id]}, dry_run=True)
    assert result["requests"][0]["body"]["raw"] == "[mail with 1 file]"
    assert mailbox.requests == []


def test_it_is_declared_as_a_write_without_idempotency(host):
    answer = host.call("capabilities", {"integration": "gmail", "command": "send_email"})
    (command,) = answer["integrations"][0]["commands"]
    assert (command["effect"], command["idempotent"], command["read_back"]) == ("write", False, "search_emails")
    assert command["parameters"]["required"] == ["sender_email"]
    # A reply has a subject without one.
    assert {"anyOf": [{"required": ["subject"]}, {"required": ["reply_to_message_id"]}]} in command["parameters"]["allOf"]


# The emulated Workspace


@pytest.fixture(scope="module")
def sandbox():
    sandbox = Sandbox()
    try:
        yield sandbox
    finally:
        sandbox.stop()


@pytest.mark.parametrize("kind", ["service", "oauth"])
@pytest.mark.parametrize("size", [1_000, 12 * MIB])
def test_the_emulated_workspace_delivers_the_mail(sandbox, kind, size):
    workspace = Workspace(sandbox.base)
    content = noise(size)
    with Host(workspace.connection(kind)) as host:
        id = put(host, "\u00fcber.bin", content)
        result = host.result("send_email", {
            "sender_email": SOC, "subject": f"Gr\u00fc\u00dfe {kind} {size}", "content": "<b>Sch\u00f6n</b>",
            "to_recipients": [f"F\u00efona <{FIONA}>"], "bcc_recipients": [NILS], "file_ids": [id]})
        found = host.result(
            "search_emails", {"user_email": SOC, "filter": f"in:sent subject:{size}"})["raw_data"]
    assert result["raw_data"]["id"] in [message["id"] for message in found["messages"]]
    own = workspace.messages(SOC).get(userId="me", id=result["raw_data"]["id"], format="raw").execute()
    mail = read(base64.urlsafe_b64decode(own["raw"]))
    assert mail["Subject"] == f"Gr\u00fc\u00dfe {kind} {size}"
    assert addresses(mail, "To") == [("F\u00efona", FIONA)] and addresses(mail, "Bcc") == [("", NILS)]
    assert files(mail) == [("\u00fcber.bin", "application/octet-stream", content)]
    for user in (FIONA, NILS):
        got = workspace.messages(user).list(userId="me", q=f"in:inbox subject:{size}").execute()
        assert got["messages"]
