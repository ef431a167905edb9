"""Send Email as a reply: the thread, its headers and its subject."""

import copy
import json

import pytest
from Support.mailbox import MESSAGES, SEND, SENDER, SENT, UPLOAD, Mailbox, decoded, read
from Support.programmed_google import refusal
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import reply
from Support.workspace import FIONA, NILS, SOC, Workspace

ID = "182b676d244938bd"
THREAD = "182b000000000001"
REPLY = {
    "sender_email": SENDER, "content": "Hi", "to_recipients": ["a@b.example"], "reply_to_message_id": ID}


class Threaded(Mailbox):
    """A mailbox with one message; its `headers` are as Gmail returns them: decoded."""

    def __init__(self, **headers):
        self.headers = headers
        self.posted = []
        super().__init__(self.answer_call)

    def answer_call(self, request):
        if request.path == f"{MESSAGES}/{ID}":
            headers = [{"name": name.replace("_", "-"), "value": value} for name, value in self.headers.items()]
            return reply(200, {"id": ID, "threadId": THREAD, "payload": {"headers": headers}})
        if request.path == SEND:
            self.posted.append(request.json)
            self.sent.append(decoded(request.json["raw"]))
            return reply(200, SENT)
        return None


def answered(arguments=(), **headers):
    """The mail that answers a message with these headers."""
    with Threaded(**headers) as mailbox, Host(mailbox.connection()) as host:
        host.result("send_email", REPLY | dict(arguments))
        (posted,) = mailbox.posted
        assert posted["threadId"] == THREAD
        mail = read(mailbox.sent[0])
        assert not mail.defects
        assert all(len(line) <= 998 for line in mailbox.sent[0].split(b"\r\n"))
        return mail


def test_a_reply_reads_the_headers_and_joins_the_thread():
    with Threaded(Message_ID="<m3@x.example>", References="<m1@x.example> <m2@x.example>",
                  Subject="Strange mail") as mailbox:
        with Host(mailbox.connection()) as host:
            assert host.result("send_email", REPLY)["raw_data"] == SENT
        get, post = [r for r in mailbox.requests if r.path != "/token"]
        assert (get.method, get.path) == ("GET", f"{MESSAGES}/{ID}")
        assert list(get.query) == [
            ("format", "metadata"), ("metadataHeaders", "Message-ID"), ("metadataHeaders", "In-Reply-To"),
            ("metadataHeaders", "References"), ("metadataHeaders", "Subject")]
        assert (post.path, list(post.json)) == (SEND, ["raw", "threadId"])
        mail = read(mailbox.sent[0])
        assert (mail["In-Reply-To"], mail["Subject"]) == ("<m3@x.example>", "Re: Strange mail")
        assert mail["References"] == "<m1@x.example> <m2@x.example> <m3@x.example>"


@pytest.mark.parametrize("headers, references", [
    # RFC 5322 section 3.6.4.
    ({}, "<m@x>"),
    ({"In_Reply_To": "<p@x>"}, "<p@x> <m@x>"),
    ({"In_Reply_To": "<p@x> <q@x>"}, "<m@x>"),
    ({"In_Reply_To": "<p@x>", "References": "<r@x>"}, "<r@x> <m@x>"),
    ({"References": "<r@x>\r\n\t<m@x>"}, "<r@x> <m@x>"),
    ({"References": "no id <> <a b> <\u00fc@x> <" + "a" * 2000 + "> <r@x>"}, "<r@x> <m@x>"),
    ({"References": "<=?utf-8?q?no_word?=@x>"}, "<=?utf-8?q?no_word?=@x> <m@x>"),
    ({"References": " ".join(f"<{n}@x>" for n in range(300))},
     " ".join(["<0@x>", *(f"<{n}@x>" for n in range(202, 300)), "<m@x>"])),
])
def test_references_are_those_of_the_message_and_the_message(headers, references):
    mail = answered(Message_ID="<m@x>", Subject="S", **headers)
    assert mail["In-Reply-To"] == "<m@x>"
    raw = next(value for name, value in mail.raw_items() if name == "References")
    assert " ".join(raw.split()) == references


@pytest.mark.parametrize("subject, expected", [
    ("Offer", "Re: Offer"), ("Re: Offer", "Re: Offer"), ("RE: Offer", "RE: Offer"), ("Fwd: Offer", "Re: Fwd: Offer"),
    ("Gr\u00fc\u00dfe", "Re: Gr\u00fc\u00dfe"), ("Regarding x", "Re: Regarding x"),
    # The text of an encoded word may have a line break.
    ("a\r\nBcc: evil@x.test", "Re: a Bcc: evil@x.test"), ("a\nb\x00c", "Re: a b c"),
])
def test_the_default_subject_is_that_of_the_message(subject, expected):
    mail = answered(Message_ID="<m@x>", Subject=subject)
    assert mail["Subject"] == expected and mail["Bcc"] is None


def test_a_message_without_a_subject_is_answered():
    assert answered(Message_ID="<m@x>")["Subject"].strip() == "Re:"


@pytest.mark.parametrize("subject", [
    "Offer", "Re: Offer", "RE:  offer", "AW: Re: Offer", "Re[2]: Offer", "Re:Offer"])
def test_a_subject_of_the_thread_is_kept(subject):
    assert answered({"subject": subject}, Message_ID="<m@x>", Subject="Re: Offer")["Subject"] == subject


@pytest.mark.parametrize("subject, headers, words", [
    ("Other", {"Message_ID": "<m@x>", "Subject": "Offer"}, 'differs from that of the thread, "Offer"'),
    (None, {"Subject": "Offer"}, "no Message-ID"),
    (None, {"Message_ID": "none", "Subject": "Offer"}, "no Message-ID"),
])
def test_a_mail_that_would_leave_the_thread_is_not_sent(subject, headers, words):
    with Threaded(**headers) as mailbox, Host(mailbox.connection()) as host:
        error = host.failure("send_email", REPLY | {"subject": subject})
        assert (error["kind"], error["outcome"]) == ("validation", "not_applied")
        assert words in error["message"] and error["remedy"]
        assert mailbox.sent == []


def test_a_large_reply_names_its_thread_when_the_upload_begins():
    with Threaded(Message_ID="<m@x>", Subject="S") as mailbox, Host(mailbox.connection()) as host:
        host.result("send_email", REPLY | {"content": "x" * 76 + "\n" + "y" * 6_000_000})
        (begin,) = [r for r in mailbox.requests if r.path == UPLOAD and r.method == "POST"]
        assert begin.json == {"threadId": THREAD}
        assert read(bytes(mailbox.uploads[0]))["In-Reply-To"] == "<m@x>"


def test_a_dry_run_shows_both_requests():
    with Threaded() as mailbox, Host(mailbox.connection()) as host:
        get, post = host.result("send_email", REPLY, dry_run=True)["requests"]
        assert get["url"].startswith(f"{mailbox.url}{MESSAGES}/{ID}?format=metadata&")
        assert post["body"] == {"raw": "[reply]", "threadId": f"[thread of {ID}]"}
        assert mailbox.requests == []


def test_a_subject_or_a_message_is_required():
    with Threaded() as mailbox, Host(mailbox.connection()) as host:
        answer = host.answer("send_email", {**REPLY, "reply_to_message_id": None})
        assert answer["error"]["code"] == -32602
        assert "subject" in str(answer["error"]["data"]["problems"])
        assert mailbox.requests == []


@pytest.mark.parametrize("step", ["get", "send"])
def test_a_message_that_does_not_exist_is_named_as_such(step):
    gone = refusal(404, "Requested entity was not found.", "notFound")
    with Threaded(Message_ID="<m@x>") as mailbox, Host(mailbox.connection()) as host:
        served = mailbox.own_answer
        mailbox.own_answer = lambda r: gone if (r.path == SEND) is (step == "send") else served(r)
        error = host.failure("send_email", REPLY)
        assert (error["kind"], error["outcome"]) == ("not_found", "not_applied")
        assert error["remedy"].startswith("The message to reply to does not exist")
        # Without a message to reply to it is the mailbox.
        mailbox.own_answer = lambda r: gone
        error = host.failure("send_email", REPLY | {"reply_to_message_id": None, "subject": "S"})
        assert error["remedy"].startswith("The mailbox does not exist")


def test_reading_the_headers_is_retried_and_the_mail_is_sent_once():
    with Threaded(Message_ID="<m@x>") as mailbox, Host(mailbox.connection()) as host:
        served, failures = mailbox.own_answer, [reply(503, {})]
        mailbox.own_answer = lambda r: failures.pop() if failures and r.method == "GET" else served(r)
        assert host.result("send_email", REPLY)["return_data"] == "Successful"
        assert len(mailbox.sent) == 1


# The emulated Workspace


@pytest.fixture(scope="module")
def workspace():
    with Sandbox() as sandbox:
        yield Workspace(sandbox.base)


def thread_of(host, user, filter):
    found = host.result("search_emails", {"user_email": user, "filter": filter})["raw_data"]["messages"]
    return found[0]["id"], {message["threadId"] for message in found}


def test_a_reply_joins_the_thread_of_both_mailboxes(workspace):
    with Host(workspace.service) as host:
        id, threads = thread_of(host, NILS, 'subject:"berth fees"')
        sent = host.result("send_email", {
            "sender_email": NILS, "content": "Paid.", "to_recipients": [FIONA], "reply_to_message_id": id})
        assert {sent["raw_data"]["threadId"]} == threads
        assert len(thread_of(host, FIONA, 'subject:"berth fees"')[1]) == 1


def test_an_unknown_message_is_refused_by_the_emulated_mailbox(workspace):
    with Host(workspace.service) as host:
        error = host.failure("send_email", {
            "sender_email": SOC, "to_recipients": [FIONA], "reply_to_message_id": "0123456789abcdef"})
        assert (error["kind"], error["outcome"]) == ("not_found", "not_applied")
        assert "message to reply to" in error["remedy"]


def test_narrow_scopes_suffice_for_a_reply(workspace):
    connection = copy.deepcopy(workspace.service)
    account = connection["settings"]["service_account_json"]
    account["client_email"] = account["client_email"].replace("sallyport@", "sallyport-narrow@")
    connection["settings"]["scopes"] = ["gmail.metadata", "gmail.send"]
    with Host(connection) as host:
        found = host.result("search_emails", {"user_email": SOC, "limit": 1})["raw_data"]["messages"]
        result = host.result("send_email", {
            "sender_email": SOC, "to_recipients": [FIONA], "reply_to_message_id": found[0]["id"]})
        assert result["raw_data"]["threadId"] == found[0]["threadId"], json.dumps(result)
