"""The text of an event: what Gmail returns as UTF-8, and every text that a reader of the mail sees."""

import base64
import json
import pathlib
import urllib.parse

import pytest
from Support.host import ROOT
from Support.programmed_google import ANNA, BATCH, Google, batch_reply, batched, refusal
from Support.session import Host
from Support.upstream import reply

BOX = "/gmail/v1/users/anna%40corp.example/messages"
RECEIVED = 1_794_000_000_000
SPAN = {"user_email": ANNA, "start_time": RECEIVED - 1000, "end_time": RECEIVED + 1000}
CASES = pathlib.Path(ROOT).parent / "shared/cases/mail"
LINK = '<p>Your account is locked, <a href="http://login.evil.example/">unlock it</a></p>'
WORDS = ["Your account is locked", "http://login.evil.example/"]


def url64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def part(type, content=None, *, id="", disposition=None, name="", attachment=None, headers=None, parts=None):
    """A part as Gmail returns it. `type` is a Content-Type; `content` is text, or the bytes of `data`."""
    fields = {"Content-Type": type} | (headers or {})
    if disposition:
        fields["Content-Disposition"] = disposition
    body = {"size": len(content or "")}
    if attachment:
        body["attachmentId"] = attachment
    elif content is not None:
        body["data"] = url64(content)
    made = {
        "partId": id, "mimeType": type.split(";")[0], "filename": name,
        "headers": [{"name": name, "value": value} for name, value in fields.items()], "body": body}
    return made | ({"parts": parts} if parts is not None else {})


def multipart(kind, *parts, id="", **more):
    prefix = id + "." if id else ""
    return part(f"multipart/{kind}", id=id, parts=[numbered(p, f"{prefix}{n}") for n, p in enumerate(parts)], **more)


def numbered(part, id):
    inner = {"parts": [numbered(p, f"{id}.{n}") for n, p in enumerate(part["parts"])]} if "parts" in part else {}
    return part | {"partId": id} | inner


def attached(root):
    """A mail whose only attachment is the mail with this root."""
    return multipart(
        "mixed", part("text/plain", "see"),
        part("message/rfc822", name="p.eml", disposition="attachment", parts=[root]))


class OneMail(Google):
    """Answers with one message and its attachments."""

    def __init__(self, message, attachments=None):
        self.message = message
        self.attachments = attachments or {}
        super().__init__(self.respond)

    def respond(self, request):
        if request.path == BATCH:
            return batch_reply([(id, self.one(target)) for id, _, target in batched(request)])
        return self.one(request.target)

    def one(self, target):
        path = urllib.parse.unquote(target.partition("?")[0]).removeprefix(urllib.parse.unquote(BOX))
        id = self.message["id"]
        if path == "":
            return reply(200, {"messages": [{"id": id, "threadId": id}], "resultSizeEstimate": 1})
        if path == f"/{id}":
            return reply(200, self.message)
        content = self.attachments.get(path.rpartition("/")[2])
        return reply(200, content) if content else refusal(404, "Requested entity was not found.")


def fetched(message, attachments=None):
    """The result of fetch_event for one message."""
    with OneMail(message, attachments) as google, Host(google.connection()) as host:
        result = host.result("fetch_event", SPAN)
        assert [event["raw"] for event in result["events"]] == [message]
        return result


def fields(payload, attachments=None, **headers):
    payload = payload | {"headers": payload["headers"] + [{"name": n, "value": v} for n, v in headers.items()]}
    message = {"id": "18c5000000000001", "threadId": "18c5000000000001", "labelIds": ["INBOX"], "snippet": "",
               "internalDate": str(RECEIVED), "payload": payload}
    encoded = {id: {"size": len(data), "data": url64(data)} for id, data in (attachments or {}).items()}
    return fetched(message, encoded)["events"][0]["fields"]


def decoded(text):
    return base64.urlsafe_b64decode(text).decode()


# The files of the cases


def right_values(case):
    """Each message of a case, with the texts that its fields must contain."""
    message, right = case["message"], case.get("right", {})
    for row in case.get("rows", []):
        headers = [h for h in message["payload"]["headers"] if h["name"] != "Content-Type"]
        payload = message["payload"] | {
            "headers": headers + [{"name": "Content-Type", "value": row["content_type"]}],
            "body": {"size": 1, "data": row["data"]}}
        yield message | {"payload": payload}, {"Decoded Body Data": [row["right"]], "Message body": [row["right"]]}
    if not case.get("rows"):
        yield message, {field: words(case, field, value) for field, value in right.items()}


def words(case, field, right):
    """What a field must contain: the value itself, or what its description refers to."""
    html = ["Your mailbox is full", "evil.test/login"]
    described = {
        "the words of the HTML": html, "has the words of the HTML": html, "the HTML": html,
        "both HTML parts": ["one", *html], "both": ["First part.", "Second part: http://evil.test/login"],
        "both texts, in order": ["First part.", "Second part: http://evil.test/login"]}
    return described.get(right, [right.removesuffix(" (base64url)")])


@pytest.mark.skipif(not CASES.is_dir(), reason=f"there is no {CASES}")
@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.json")))
def test_a_reported_case_gives_the_right_fields(name):
    case = json.loads((CASES / f"{name}.json").read_text())
    for message, right in right_values(case):
        event = fetched(message, case.get("attachments"))["events"][0]["fields"]
        for field, expected in right.items():
            text = decoded(event[field]) if field == "Attached EML Body" else event[field]
            positions = [text.find(words) for words in expected]
            assert -1 not in positions and positions == sorted(positions), (field, text)


# Character sets

CHARSETS = {
    "iso-2022-jp": "請求書の確認", "shift_jis": "支払い", "euc-jp": "見積もり", "windows-1251": "Срочный платёж",
    "koi8-r": "Оплатите счёт", "iso-8859-5": "Ваш пароль", "gb2312": "请付款", "gbk": "发票", "gb18030": "账户", "hz-gb-2312": "账户已锁定",
    "big5": "付款通知", "euc-kr": "송금 요청", "ks_c_5601-1987": "비밀번호", "iso-8859-1": "Überweisung fällig",
    "iso-8859-2": "Zapłać fakturę", "iso-8859-9": "Ödeme gecikti", "windows-1252": "„Prüfung“ – 9 €", "windows-1255": "חשבונית",
    "windows-1256": "فاتورة", "windows-874": "ใบแจ้งหนี้", "utf-16": "Änderung", "utf-16le": "Änderung", "utf-7": "Rückzahlung",
    "iso-8859-15": "5 €", "macintosh": "Prüfung", "utf-8": "Ümlaut", "us-ascii": "Ümlaut", "x-unknown": "Ümlaut", "ibm037": "Prüfung"}


@pytest.mark.parametrize("charset", CHARSETS)
def test_text_that_gmail_returns_as_utf8_is_not_decoded_again(charset):
    text = CHARSETS[charset]
    plain = part(f'text/plain; charset="{charset}"', text)
    html = part(f"text/html; charset={charset}", f"<p>{text}</p>")
    event = fields(multipart("alternative", plain, html))
    assert (event["Decoded Body Data"], event["Message body"]) == (text, f"<p>{text}</p>")
    event = fields(attached(plain | {"partId": "1.0"}))
    assert decoded(event["Attached EML Body"]) == text
    event = fields(attached(html | {"partId": "1.0"}))
    assert decoded(event["Attached EML Body"]).strip() == text


@pytest.mark.parametrize("charset", ["utf-16", "utf-16be", "ibm037", "iso-2022-jp", "hz-gb-2312", "big5", "utf-7"])
def test_ascii_that_gmail_returns_stays_ascii(charset):
    text = "Pay now: http://login.evil.example/?a=b&c=~1"
    assert fields(part(f"text/plain; charset={charset}", text))["Decoded Body Data"] == text


@pytest.mark.parametrize(("charset", "text"), [
    ("iso-2022-jp", "請求書"), ("iso-2022-kr", "송금"), ("windows-1251", "Оплата"), ("shift_jis", "支払い"),
    ("utf-16", "Pay Ü"), ("utf-16le", "Pay now"), ("utf-16be", "Pay now"), ("iso-8859-1", "fällig"), ("utf-7", "Rückzahlung")])
def test_text_in_the_bytes_of_the_sender_is_decoded_by_its_charset(charset, text):
    data = text.encode(charset)
    event = fields(part(f"text/plain; charset={charset}", data))
    assert event["Decoded Body Data"] == text
    event = fields(part(f"text/plain; charset={charset}", attachment="T1", name="a.txt"), {"T1": data})
    assert event["Decoded Body Data"] == text


@pytest.mark.parametrize("subject", ["=?utf-8?Q?Pay_now?=", "Re: =?utf-8?B?UGF5?= =?utf-8?B?bm93?="])
def test_a_decoded_subject_that_looks_like_an_encoded_word_stays(subject):
    event = fields(part("text/plain", "x"), Subject=subject)
    assert event["Email subject"] == subject
    inner = part("text/plain", "x", id="1.0", headers={"Subject": subject, "From": f"{subject} <a@x.example>"})
    event = fields(attached(inner))
    assert (event["Attached EML Subject"], event["Attached EML Sender"]) == (subject, f"{subject} <a@x.example>")


# Which texts are the body

PLAIN, HTML, FOOTER = part("text/plain", "First words."), part("text/html", LINK), part("text/plain", "-- \r\na list")
PICTURE = part("image/png", name="a.png", disposition="inline; filename=a.png", attachment="P1")
BLANK = ["\r\n", " \t\r\n\r\n", "\u00a0\r\n", "\u200b\ufeff\u2060", "", "\u3000", "\u00ad\u034f"]


def phish(type="text/plain", **more):
    text = LINK if type == "text/html" else "Your account is locked: http://login.evil.example/"
    return part(type, text, **more)


PLACES = {
    "text behind a picture": multipart("mixed", PLAIN, PICTURE, phish()),
    "text before a picture": multipart("mixed", phish(), PICTURE, PLAIN),
    "HTML before a footer": multipart("mixed", HTML, FOOTER),
    "HTML behind a plain text": multipart("mixed", PLAIN, HTML),
    "the second HTML": multipart("mixed", part("text/html", "<p>a</p>"), PICTURE, HTML),
    "HTML behind HTML, as an alternative": multipart("alternative", PLAIN, part("text/html", "<p>a</p>"), HTML),
    "HTML before HTML, as an alternative": multipart("alternative", HTML, part("text/html", "<p>a</p>")),
    "the second plain alternative": multipart("alternative", PLAIN, phish(), part("text/html", "<p>a</p>")),
    "HTML in a related part of an alternative":
        multipart("alternative", PLAIN, multipart("related", HTML, PICTURE)),
    "a footer around an alternative":
        multipart("mixed", multipart("alternative", PLAIN, part("text/html", "<p>a</p>")), phish()),
    "HTML in an alternative before a footer": multipart("mixed", multipart("alternative", PLAIN, HTML), FOOTER),
    "plain text in an alternative of an alternative": multipart(
        "alternative", PLAIN,
        multipart("mixed", multipart("alternative", phish(), part("text/html", "<p>a</p>")), part("text/html", "b"))),
    "deeply nested": multipart("mixed", multipart("mixed", multipart("related", multipart("mixed", PLAIN, HTML)))),
    "HTML with a name": multipart("mixed", PLAIN, phish("text/html", name="b.html", disposition="inline")),
    "a plain text with a name": multipart("mixed", PLAIN, phish(name="b.txt")),
    "a text of another type": multipart("mixed", PLAIN, phish("text/markdown")),
    "a text of an unknown disposition": multipart("mixed", PLAIN, phish(disposition="form-data; name=x")),
    "a signed mail": multipart("signed", HTML, part("application/pgp-signature", name="s.asc", attachment="P1")),
    "a report": multipart("report", phish(), part("message/delivery-status", "Status: 5.0.0")),
    "the HTML of mail that Gmail shows itself": multipart(
        "alternative", PLAIN, phish("text/x-amp-html"), part("text/html", "<p>a</p>")),
    "behind blank alternatives": multipart("alternative", part("text/plain", "\r\n"), HTML),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_link_is_in_the_event_wherever_it_is(place):
    event = fields(PLACES[place])
    text = event["Decoded Body Data"] + event["Message body"]
    for words in WORDS:
        assert words in text, event


#: The field of an attached mail has the plain alternative only.
WITHOUT_ALTERNATIVES = [name for name, root in PLACES.items() if "multipart/alternative" not in json.dumps(root)]


@pytest.mark.parametrize("place", WITHOUT_ALTERNATIVES)
def test_a_link_is_in_the_text_of_an_attached_mail(place):
    event = fields(attached(numbered(PLACES[place], "1.0")))
    for words in WORDS:
        assert words in decoded(event["Attached EML Body"])


def test_texts_are_joined_in_order():
    third = part("text/plain", "Third <words>.\r\n")
    event = fields(multipart("mixed", PLAIN, PICTURE, HTML, third, part("text/plain", "Last.")))
    first, words, second, last = event["Decoded Body Data"].split("\r\n")
    assert (first, second, last) == ("First words.", "Third <words>.", "Last.") and all(w in words for w in WORDS)
    assert event["Message body"] == "\r\n".join([
        "<pre>First words.</pre>", LINK, "<pre>Third &lt;words&gt;.\r\n</pre>", "<pre>Last.</pre>"])


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_alternative_is_not_the_text(blank):
    event = fields(multipart("alternative", part("text/plain", blank), HTML))
    assert event["Message body"] == event["Decoded Body Data"] == LINK
    for html in (blank, "<html><body>&nbsp;<br></body></html>", '<div dir="ltr"><br></div>'):
        event = fields(multipart("alternative", PLAIN, part("text/html", html)))
        assert (event["Decoded Body Data"], event["Message body"]) == ("First words.", "<pre>First words.</pre>")
    event = fields(multipart("mixed", part("text/plain", blank), part("text/plain", "Last."), part("text/plain", blank)))
    assert event["Decoded Body Data"] == "Last."


def test_html_without_words_is_shown_if_it_has_a_picture_or_link():
    picture = '<a href="http://login.evil.example/"><img src="cid:a"></a>'
    event = fields(multipart("alternative", part("text/plain", "\r\n"), part("text/html", picture)))
    assert event["Message body"] == event["Decoded Body Data"] == picture


def test_alternatives_are_not_mixed():
    event = fields(multipart("alternative", PLAIN, HTML, part("text/calendar", "BEGIN:VCALENDAR")))
    assert (event["Decoded Body Data"], event["Message body"]) == ("First words.", LINK)


@pytest.mark.parametrize("disposition", ["attachment", "ATTACHMENT; filename=b.txt"])
def test_an_attachment_is_not_the_text(disposition):
    more = {"disposition": disposition, "name": "b.txt", "attachment": "T1"}
    event = fields(multipart("mixed", PLAIN, part("text/plain", **more)), {"T1": b"A file."})
    assert event["Decoded Body Data"] == "First words."
    event = fields(part("text/plain", **more), {"T1": b"A file."})
    assert "Decoded Body Data" not in event and "Message body" not in event


def test_an_attached_mail_has_one_text_and_its_named_texts_are_files_too():
    inner = multipart(
        "mixed", part("text/plain", "First."), PICTURE, part("text/html", LINK, name="b.html", disposition="inline"),
        part("text/plain", "Last."), part("text/plain", name="c.txt", disposition="attachment", attachment="T1"))
    # A text with a name may be a file of the attacker: it has hashes, and its words are in the text.
    event = fields(attached(numbered(inner, "1.0")), {"P1": b"\x89PNG", "T1": b"A file."})
    first, *_, last = lines = decoded(event["Attached EML Body"]).split("\r\n")
    assert (first, last) == ("First.", "Last.") and all(words in lines[1] for words in WORDS)
    assert event["Attached EML Attachment File Names"] == ["a.png", "b.html", "c.txt"]


def test_many_texts_behind_attachment_ids_are_limited_with_a_notice():
    parts = [part("text/plain", name="a.txt", attachment=f"T{n}") for n in range(102)]
    message = {"id": "18c5000000000001", "threadId": "18c5000000000001", "internalDate": str(RECEIVED),
               "payload": multipart("mixed", *parts)}
    texts = {f"T{n}": {"size": 9, "data": url64(f"Text {n}.")} for n in range(102)}
    result = fetched(message, texts)
    assert result["events"][0]["fields"]["Decoded Body Data"] == "\r\n".join(f"Text {n}." for n in range(100))
    assert result["notices"] == [
        "Message 18c5000000000001 has 102 texts that Gmail returns as attachments. The event contains the first 100."]


NAMED = {
    "the only text, inline": ({"id": "1.0", "name": "a.txt", "disposition": "inline; filename=a.txt"}, False),
    "the only text, no disposition": ({"id": "1.0", "name": "a.txt"}, False),
    "the only text, behind an attachment ID": ({"id": "1.0", "name": "a.txt", "attachment": "T1"}, False),
    "a part": ({"name": "a.txt"}, True),
    "a part, inline": ({"name": "a.txt", "disposition": "INLINE"}, True),
    "a part behind an attachment ID": ({"name": "a.txt", "attachment": "T1", "disposition": "inline"}, True),
}


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("place", NAMED)
def test_a_named_text_of_an_attached_mail_is_its_text_and_a_file(place, kind):
    more, is_part = NAMED[place]
    text = "Pay at http://evil.example/ now"
    named = part(f"text/{kind}; charset=utf-8", text, **more)
    root = numbered(multipart("mixed", part("image/png", name="p.png", attachment="P1"), named), "1.0") if is_part else named
    event = fields(attached(root), {"T1": text.encode(), "P1": b"\x89PNG"})
    assert decoded(event["Attached EML Body"]).strip() == text
    names = event["Attached EML Attachment File Names"]
    assert names == (["p.png", "a.txt"] if is_part else "a.txt")


def test_a_named_text_of_an_attached_mail_is_an_attachment_if_it_says_so():
    named = part("text/plain", "A file.", name="a.txt", disposition="attachment; filename=a.txt")
    root = numbered(multipart("mixed", part("text/plain", "Words."), named), "1.0")
    event = fields(attached(root))
    assert decoded(event["Attached EML Body"]) == "Words."
    assert event["Attached EML Attachment File Names"] == "a.txt"
