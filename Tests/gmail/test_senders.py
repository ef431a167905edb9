"""Send Email: the From address and its name, the type of the content, and domains in other scripts."""

import pytest
from Support.mailbox import MAIL, MESSAGES, SENDER, sent
from Support.programmed_google import refusal
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import reply
from Support.workspace import FIONA, SOC, Workspace

ALIAS = "alerts@corp.example"
SEND_AS = MESSAGES.removesuffix("/messages") + "/settings/sendAs/alerts%40corp.example"


# From


@pytest.mark.parametrize("name", ["Harbor SOC", "M\u00fcller, J\u00f6rg", 'The "SOC" (24x7)', "\u5831\u544a" * 5])
def test_from_has_the_name(mailbox, host, name):
    (sender,) = sent(mailbox, host, from_name=name)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, SENDER)


@pytest.mark.parametrize("name", ["a\r\nBcc: x@evil.test", "a\nb", "a\x00"])
def test_a_name_with_a_line_break_is_refused(mailbox, host, name):
    answer = host.answer("send_email", MAIL | {"from_name": name})
    assert answer["error"]["code"] == -32602 and mailbox.requests == []


@pytest.mark.parametrize("status", ["accepted", "verificationStatusUnspecified", None])
def test_an_alias_is_checked_and_is_the_from_address(mailbox, host, status):
    body = {"sendAsEmail": ALIAS} | ({"verificationStatus": status} if status else {})
    mailbox.own_answer = lambda r: reply(200, body) if r.path == SEND_AS else None
    mail = sent(mailbox, host, send_as=ALIAS, from_name="Alerts")
    assert mail["From"] == f"Alerts <{ALIAS}>" and mail["Sender"] is None
    assert [r.method for r in mailbox.requests if r.path == SEND_AS] == ["GET"]


@pytest.mark.parametrize("answer, kind, words", [
    (refusal(404, "Requested entity was not found.", "notFound"), "not_found", "cannot send as this address"),
    (reply(200, {"sendAsEmail": ALIAS, "verificationStatus": "pending"}), "validation", "verification mail"),
])
def test_mail_is_not_sent_as_an_address_that_gmail_would_replace(mailbox, host, answer, kind, words):
    mailbox.own_answer = lambda r: answer if r.path == SEND_AS else None
    error = host.failure("send_email", MAIL | {"send_as": ALIAS})
    assert (error["kind"], error["outcome"]) == (kind, "not_applied") and words in error["remedy"]
    assert mailbox.sent == []


def test_a_dry_run_shows_the_check_of_the_alias(mailbox, host):
    get, post = host.result("send_email", MAIL | {"send_as": ALIAS}, dry_run=True)["requests"]
    assert get["url"] == mailbox.url + SEND_AS and post["method"] == "POST"
    assert mailbox.requests == []


@pytest.mark.parametrize("alias, sends", [
    ("alerts@harbor.example", True), (SOC, True), ("press@partner.example", False), (FIONA, False)])
def test_the_emulated_mailbox_sends_as_its_aliases(alias, sends):
    with Sandbox() as sandbox:
        workspace = Workspace(sandbox.base)
        with Host(workspace.service) as host:
            mail = {"sender_email": SOC, "subject": "as", "to_recipients": [FIONA], "send_as": alias}
            if not sends:
                assert host.failure("send_email", mail)["outcome"] == "not_applied"
                return
            id = host.result("send_email", mail)["raw_data"]["id"]
        headers = workspace.messages(SOC).get(userId="me", id=id).execute()["payload"]["headers"]
        assert [h["value"] for h in headers if h["name"] == "From"] == [alias]


# The type of the content


@pytest.mark.parametrize("content", [
    "Remove the <b> tag from the page", "Use <br> to break a line", "Write `<br>` or '<p>'", "x<b>y",
    "Drop <p>, <div> and <br>.", "The end is </div>", "a <b", "1 < 2 > 0"])
def test_text_that_mentions_a_tag_stays_text(mailbox, host, content):
    mail = sent(mailbox, host, content=content)
    assert mail.get_content_type() == "text/plain" and mail.get_content().strip() == content


@pytest.mark.parametrize("content", [
    "Hi<br/>The report", "Hi<br>there", "<p>Hi", "Hi <b>you</b>!", "<!doctype html>Hi", " <HTML>Hi",
    "<div>\nHi\n</div>", "See <a href='https://x.test'>this</a>", "line\n<br>\nline"])
def test_html_is_recognised(mailbox, host, content):
    assert sent(mailbox, host, content=content).get_content_type() == "multipart/alternative"


def test_the_type_can_be_given(mailbox, host):
    html = "<p>On Monday you wrote:</p>\n<blockquote>x</blockquote>"
    mail = sent(mailbox, host, content=html, content_type="text")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n").strip() == html
    mail = sent(mailbox, host, content="Fish &amp; chips", content_type="html")
    plain, marked = mail.iter_parts()
    assert plain.get_content().strip() == "Fish & chips" and marked.get_content().strip() == "Fish &amp; chips"
    assert sent(mailbox, host, content=html, content_type="auto").get_content_type() == "multipart/alternative"
    assert host.answer("send_email", MAIL | {"content_type": "htlm"})["error"]["data"]["problems"][0][
        "did_you_mean"] == "html"


def test_an_auto_reply_that_mentions_a_tag_is_text(mailbox, host):
    arguments = {"user_email": SENDER, "enable_auto_reply": True, "response_body_plain_text": "Use the <b> tag"}
    (request,) = host.result("set_auto_reply", arguments, dry_run=True)["requests"]
    assert request["body"]["responseBodyPlainText"] == "Use the <b> tag"


# Domains

#: The samples of RFC 3492 section 7.1 that are labels, in lower case.
SAMPLES = [
    ("\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587", "ihqwcrb4cv8a8dqg056pqjye"),
    ("\u4ed6\u5011\u7232\u4ec0\u9ebd\u4e0d\u8aaa\u4e2d\u6587", "ihqwctvzc91f659drss3x8bo0yb"),
    ("Pro\u010dprost\u011bnemluv\u00ed\u010desky", "proprostnemluvesky-uyb24dma41a"),
    ("\u05dc\u05de\u05d4\u05d4\u05dd\u05e4\u05e9\u05d5\u05d8\u05dc\u05d0\u05de\u05d3\u05d1\u05e8\u05d9\u05dd\u05e2\u05d1\u05e8\u05d9\u05ea",
     "4dbcagdahymbxekheh6e0a7fei0b"),
    ("\u306a\u305c\u307f\u3093\u306a\u65e5\u672c\u8a9e\u3092\u8a71\u3057\u3066\u304f\u308c\u306a\u3044\u306e\u304b",
     "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"),
    ("\u043f\u043e\u0447\u0435\u043c\u0443\u0436\u0435\u043e\u043d\u0438\u043d\u0435\u0433\u043e\u0432\u043e\u0440\u044f\u0442\u043f\u043e\u0440\u0443\u0441\u0441\u043a\u0438",
     "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
    ("Porqu\u00e9nopuedensimplementehablarenEspa\u00f1ol", "porqunopuedensimplementehablarenespaol-fmd56a"),
    ("T\u1ea1isaoh\u1ecdkh\u00f4ngth\u1ec3ch\u1ec9n\u00f3iti\u1ebfngVi\u1ec7t", "tisaohkhngthchnitingvit-kjcr8268qyxafd2f1b9g"),
    ("3\u5e74B\u7d44\u91d1\u516b\u5148\u751f", "3b-ww4c5e180e575a65lsy2b"),
    ("\u5b89\u5ba4\u5948\u7f8e\u6075-with-SUPER-MONKEYS", "-with-super-monkeys-pc58ag80a8qai00g7n9n"),
    ("Hello-Another-Way-\u305d\u308c\u305e\u308c\u306e\u5834\u6240", "hello-another-way--fc4qua05auwb3674vfr0b"),
    ("\u3072\u3068\u3064\u5c4b\u6839\u306e\u4e0b2", "2-u9tlzr9756bt3uc0v"),
    ("Maji\u3067Koi\u3059\u308b5\u79d2\u524d", "majikoi5-783gue6qz075azm5e"),
    ("\u30d1\u30d5\u30a3\u30fcde\u30eb\u30f3\u30d0", "de-jg4avhby1noc0d"),
    ("\u305d\u306e\u30b9\u30d4\u30fc\u30c9\u3067", "d9juau41awczczp"),
]


def raw_recipient(mailbox, host, address):
    sent(mailbox, host, to_recipients=[address])
    head = mailbox.sent[-1].split(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
    return next(line.removeprefix(b"To: ") for line in head.split(b"\r\n") if line.startswith(b"To: ")).decode()


def test_domains_of_other_scripts_are_sent_in_ascii(mailbox, host):
    for label, encoded in SAMPLES:
        assert label.lower().encode("punycode").decode() == encoded
        assert raw_recipient(mailbox, host, f"a@{label}.example") == f"a@xn--{encoded}.example"


@pytest.mark.parametrize("address, wire", [
    ("a@b\u00fccher.example", "a@xn--bcher-kva.example"), ("a@B\u00dcCHER.Example", "a@xn--bcher-kva.Example"),
    ("a@bu\u0308cher.example", "a@xn--bcher-kva.example"), ("a@stra\u00dfe.example", "a@xn--strae-oqa.example"),
    ("J\u00f6 <a@b\u00fccher.b\u00fccher>", "=?UTF-8?B?SsO2?= <a@xn--bcher-kva.xn--bcher-kva>"),
    ("a@mail.b\u00fccher.example", "a@mail.xn--bcher-kva.example"), ("a@paral\u00b7lel.example", "a@xn--parallel-koa.example"),
    ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"), ("a@[127.0.0.1]", "a@[127.0.0.1]"),
    ("a@\u0928\u0947\u092a\u093e\u0932.example", "a@xn--l2bey1c2b.example"),
    # SMTPUTF8 (RFC 6531): there is no other form of a local part.
    ("m\u00fcller@b\u00fccher.example", "m\u00fcller@xn--bcher-kva.example"),
])
def test_only_the_domain_of_an_address_is_converted(mailbox, host, address, wire):
    assert raw_recipient(mailbox, host, address) == wire


@pytest.mark.parametrize("domain, words", [
    ("i\u2764.example", "U+2764"), ("\U0001f600.example", "U+1F600"), ("\u212b\u2126x\u00b2.example", "U+B2"),
    ("a\u200db.example", "U+200D"), ("a\u202eb.example", "U+202E"), ("a\u00b7b.example", "U+00B7"),
    ("\u0308x.example", "U+0308"), ("ab--\u00fc.example", "hyphens"), ("-\u00fc.example", "hyphens"),
    ("\u00fc-.example", "hyphens"), ("\u00fc" * 60 + "a.example", "63"), ("\uff41.example", "U+FF41"),
    ("b\u00fccher..example", "invalid domain"), ("b\u00fc_cher.example", "U+005F"),
])
def test_a_domain_that_cannot_be_registered_is_refused(mailbox, host, domain, words):
    answer = host.answer("send_email", MAIL | {"to_recipients": [f"a@{domain}"]})
    (problem,) = answer["error"]["data"]["problems"]
    assert answer["error"]["code"] == -32602 and words.replace("U+B2", "U+00B2") in problem["message"], problem
    assert mailbox.requests == []


def test_the_mailbox_of_a_domain_of_another_script_is_named_in_ascii(mailbox, host):
    (request,) = host.result(
        "send_email", MAIL | {"sender_email": "a@b\u00fccher.example"}, dry_run=True)["requests"]
    assert "/users/a%40xn--bcher-kva.example/messages/send" in request["url"]
