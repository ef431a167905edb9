"""The emulated Gmail, tested with Google's Python client."""

import base64
import email
import email.policy
import hashlib
import json
import pathlib

import pytest
import requests
from googleapiclient.discovery import build
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest, MediaInMemoryUpload
from Support.workspace import (
    ADMIN, AUTH, EPOCH, FIONA, MAIL, MIKA, NILS, SETTINGS, SOC, USERS, header, refusal)

DISCOVERY = pathlib.Path(__file__).resolve().parents[3] / "shared/vendor/discovery"


def found(messages, q=None, **more):
    """The ids of all pages."""
    ids = []
    call = messages.list(userId="me", q=q, **more)
    while call is not None:
        answer = call.execute()
        ids += [m["id"] for m in answer.get("messages", [])]
        call = messages.list_next(call, answer)
    return ids


def one(messages, key, **more):
    """The message of the triage inbox with the seed key `key`."""
    (id,) = found(messages, f"rfc822msgid:<{key}@triage.example>", includeSpamTrash=True)
    return messages.get(userId="me", id=id, **more).execute()


def keys(messages, q=None, **more):
    """The seed keys of the found messages."""
    ids = found(messages, q, **more)
    heads = [messages.get(userId="me", id=id, format="metadata").execute() for id in ids]
    names = [
        h["value"] for head in heads for h in head["payload"]["headers"]
        if h["name"].lower() == "message-id"]
    return [name.strip("<>").split("@")[0] for name in names]


def decoded(data):
    """Decodes base64url with padding, as Google encodes."""
    assert len(data) % 4 == 0
    return base64.b64decode(data, altchars=b"-_", validate=True)


def shape(part):
    """The tree of a payload: ids, types and file names, with children in a list."""
    own = (part["partId"], part["mimeType"], part["filename"])
    return own if "parts" not in part else (*own, [shape(child) for child in part["parts"]])


def leaves(part):
    yield part
    for child in part.get("parts", []):
        yield from leaves(child)


def content(messages, message, part):
    body = part["body"]
    if "data" in body:
        return decoded(body["data"])
    answer = messages.attachments().get(
        userId="me", messageId=message["id"], id=body["attachmentId"]).execute()
    assert set(answer) == {"size", "data"}
    assert answer["size"] == body["size"]
    return decoded(answer["data"])


def encoded(mail):
    return base64.urlsafe_b64encode(mail.encode() if isinstance(mail, str) else mail).decode()


# Lists


def test_list_is_newest_first_in_pages(messages):
    first = messages.list(userId="me", maxResults=10).execute()
    assert len(first["messages"]) == 10
    assert first["resultSizeEstimate"] > 10
    assert all(set(m) == {"id", "threadId"} and len(m["id"]) == 16 for m in first["messages"])
    everything = found(messages, maxResults=10)
    assert len(everything) == len(set(everything)) > 50
    assert everything[:10] == [m["id"] for m in first["messages"]]
    dates = [
        int(messages.get(userId="me", id=id, format="minimal").execute()["internalDate"])
        for id in everything]
    assert dates == sorted(dates, reverse=True)
    assert found(messages, maxResults=500) == everything


def test_mail_deleted_between_pages_does_not_shift_the_next_page(messages):
    everything = found(messages)
    call = messages.list(userId="me", maxResults=10)
    first = call.execute()
    for id in everything[:5] + everything[9:12]:
        messages.trash(userId="me", id=id).execute()
    second = messages.list_next(call, first).execute()
    assert [m["id"] for m in second["messages"]] == everything[12:22]


def test_empty_result_has_no_messages_member(messages):
    assert messages.list(userId="me", q="from:nobody.at.all").execute() == {"resultSizeEstimate": 0}


def test_page_has_at_most_500_and_by_default_100(workspace, messages):
    raw = encoded("To: mika@harbor.example\r\nSubject: n\r\n\r\nn")
    batch = workspace.gmail(SOC)
    for _ in range(6):
        bundle = batch.new_batch_http_request()
        for _ in range(100):
            bundle.add(messages.send(userId="me", body={"raw": raw}))
        bundle.execute()
    mika = workspace.messages(MIKA)
    assert len(mika.list(userId="me").execute()["messages"]) == 100
    for size in (500, 501, 5000):
        assert len(mika.list(userId="me", maxResults=size).execute()["messages"]) == 500
    assert len(found(mika)) == len(set(found(mika))) == 600


@pytest.mark.parametrize("query, wanted", [
    ("subject:parcel", ["alternative"]),
    ("subject:(strange mail) -in:sent", ["plain"]),
    ('"asks for my password"', ["plain"]),
    ("from:parcels.evil.example", ["alternative"]),
    ("from:shouter OR from:parcels", ["doubled", "alternative"]),
    ("{from:shouter from:parcels}", ["doubled", "alternative"]),
    ("cc:nils subject:parcel", ["alternative"]),
    ("has:attachment filename:invoice.csv", ["twins"]),
    ("label:phishing", ["alternative"]),
    ("is:starred", ["inline"]),
    ("in:spam", ["spam"]),
    ("in:trash", ["trash"]),
    ("in:sent", ["sent"]),
    ("in:draft", ["draft"]),
    ("subject:セキュリティ通知", ["shiftjis"]),
    ("Prüfung", ["latin"]),
    ("larger:50K", ["large"]),
    ("rfc822msgid:plain@triage.example", ["plain"]),
    ("subject:parcel is:read", []),
    ("subject:parc", []),
    ("label:no-such-label", []),
])
def test_query_finds_messages(messages, query, wanted):
    assert keys(messages, query) == wanted


def test_after_is_inclusive_and_before_is_exclusive_in_seconds(messages):
    start = EPOCH + 60
    assert keys(messages, f"after:{start} before:{start + 60}") == ["alternative"]
    assert keys(messages, f"after:{start} before:{start + 61}") == ["twins", "alternative"]
    assert found(messages, f"after:{start} before:{start}") == []
    # Days are in Gmail's time zone, eight hours behind UTC; other time formats find nothing.
    assert keys(messages, "before:2026/11/16 subject:strange") == []
    assert len(keys(messages, "after:2026/11/16 subject:strange")) == 2
    assert keys(messages, "after:2026-11-16T08:00:00Z") == []


def test_four_alerts_arrive_within_a_second_and_two_within_a_millisecond(messages):
    second = EPOCH + 3600 + 600
    ids = found(messages, f"after:{second} before:{second + 1}")
    dates = [
        int(messages.get(userId="me", id=id, format="minimal").execute()["internalDate"])
        for id in ids]
    assert [date - second * 1000 for date in dates] == [700, 120, 120, 0]


def test_labels_filter_a_list_and_all_must_match(messages):
    assert keys(messages, labelIds=["INBOX", "STARRED"]) == ["inline"]
    assert keys(messages, labelIds=["Label_13"]) == ["alternative"]
    assert keys(messages, labelIds="TRASH") == ["trash"]
    assert found(messages, labelIds=["STARRED", "Label_13"]) == []
    assert refusal(messages.list(userId="me", labelIds=["Label_99"])) == (
        400, "Invalid label: Label_99", "invalidArgument")


def test_spam_and_trash_are_excluded_by_default(messages):
    everything = set(found(messages, includeSpamTrash=True))
    assert everything - set(found(messages)) == set(found(messages, "in:spam OR in:trash"))
    assert everything == set(found(messages, "in:anywhere"))


def test_invalid_page_token_is_an_error(messages):
    assert refusal(messages.list(userId="me", pageToken="next"))[0] == 400


# Messages


def test_a_plain_message(messages):
    message = one(messages, "plain")
    assert set(message) == {
        "id", "threadId", "labelIds", "snippet", "payload", "sizeEstimate", "historyId",
        "internalDate"}
    assert message["internalDate"] == str(EPOCH * 1000 + 250)
    assert isinstance(message["historyId"], str) and message["historyId"].isdigit()
    assert message["labelIds"] == ["UNREAD", "INBOX"]
    assert message["snippet"] == "Is this mail real? It asks for my password."
    payload = message["payload"]
    assert shape(payload) == ("", "text/plain", "")
    assert decoded(payload["body"]["data"]) == b"Is this mail real? It asks for my password.\r\n"
    assert payload["body"]["size"] == 45
    assert header(payload, "Date") == "Mon, 16 Nov 2026 03:00:00 -0500"


def test_the_formats_of_a_message(messages):
    raw = one(messages, "alternative", format="raw")
    assert "payload" not in raw
    mail = email.message_from_bytes(decoded(raw["raw"]), policy=email.policy.default)
    assert mail["Subject"] == "Your parcel"
    assert mail.get_content_type() == "multipart/alternative"
    assert raw["sizeEstimate"] == len(decoded(raw["raw"]))
    minimal = one(messages, "alternative", format="minimal")
    assert set(minimal) == {
        "id", "threadId", "labelIds", "snippet", "sizeEstimate", "historyId", "internalDate"}
    metadata = one(messages, "alternative", format="metadata")
    assert set(metadata["payload"]) == {"mimeType", "headers"}
    few = one(messages, "alternative", format="metadata", metadataHeaders=["subject", "Cc"])
    assert few["payload"]["headers"] == [
        {"name": "Subject", "value": "Your parcel"},
        {"name": "Cc", "value": "Nils <nils@harbor.example>"}]


@pytest.mark.parametrize("id, wanted", [
    ("1a", (400, "Invalid id value", "invalidArgument")),
    ("not-an-id-at-all", (400, "Invalid id value", "invalidArgument")),
    ("0123456789abcdef", (404, "Requested entity was not found.", "notFound")),
])
def test_invalid_and_unknown_ids_have_different_errors(messages, id, wanted):
    body = {"addLabelIds": ["STARRED"]}
    for call in (
        messages.get(userId="me", id=id), messages.trash(userId="me", id=id),
        messages.untrash(userId="me", id=id), messages.delete(userId="me", id=id),
        messages.modify(userId="me", id=id, body=body),
        messages.attachments().get(userId="me", messageId=id, id="x"),
    ):
        assert refusal(call) == wanted


@pytest.mark.parametrize("key, wanted", [
    ("alternative", ("", "multipart/alternative", "", [
        ("0", "text/plain", ""), ("1", "text/html", "")])),
    ("twins", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""), ("1", "text/csv", "invoice.csv"),
        ("2", "text/csv", "invoice.csv"), ("3", "text/plain", "note.txt")])),
    ("inline", ("", "multipart/alternative", "", [
        ("0", "text/plain", ""),
        ("1", "multipart/related", "", [
            ("1.0", "text/html", ""), ("1.1", "image/png", "logo.png")])])),
    ("nested", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""),
        ("1", "message/rfc822", "reported.eml", [
            ("1.0", "multipart/mixed", "", [
                ("1.0.0", "multipart/alternative", "", [
                    ("1.0.0.0", "text/plain", ""), ("1.0.0.1", "text/html", "")]),
                ("1.0.1", "application/pdf", "offer.pdf"),
                ("1.0.2", "message/rfc822", "original.eml", [("1.0.2.0", "text/plain", "")])])]),
        ("2", "image/png", "screenshot.png")])),
    ("bare", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""), ("1", "message/rfc822", "", [("1.0", "text/plain", "")])])),
    ("rfc2231", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""), ("1", "application/pdf", "€ rates.pdf"),
        ("2", "application/pdf", "Prüfbericht.pdf"), ("3", "application/pdf", "資料.pdf")])),
    ("outlook", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""),
        ("1", "multipart/mixed", "winmail.dat", [
            ("1.0", "application/octet-stream", "agenda.docx"),
            ("1.1", "application/octet-stream", "budget.xlsx")])])),
    ("cut", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""), ("1", "application/pdf", "scan.pdf")])),
    ("headless", ("", "text/plain", "")),
    ("spoilt", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""), ("1", "multipart/alternative", ""), ("2", "text/plain", "")])),
    ("doubled", ("", "multipart/mixed", "", [
        ("0", "text/plain", ""), ("1", "application/octet-stream", "TOOL.BIN")])),
    ("empty", ("", "text/plain", "")),
])
def test_the_tree_of_parts(messages, key, wanted):
    assert shape(one(messages, key)["payload"]) == wanted


def converted(part):
    """The content of a part; Gmail returns texts in UTF-8."""
    content = part.get_payload(decode=True)
    if part.get_content_maintype() != "text":
        return content
    return content.decode(part.get_content_charset("utf-8")).encode()


def test_every_leaf_matches_the_raw_mail_as_read_by_python(messages):
    """Python's MIME parser agrees on every well-formed part."""
    for key in ("alternative", "twins", "inline", "latin", "shiftjis", "utf16", "rfc2231", "large"):
        mail = email.message_from_bytes(decoded(one(messages, key, format="raw")["raw"]))
        message = one(messages, key)
        ours = [part for part in leaves(message["payload"]) if "parts" not in part]
        theirs = [part for part in mail.walk() if not part.is_multipart()]
        assert [content(messages, message, part) for part in ours] == [
            converted(part) for part in theirs], key
        assert [part["mimeType"] for part in ours] == [p.get_content_type() for p in theirs]


def test_headers_are_decoded_and_texts_are_utf8_under_the_header_of_the_sender(messages):
    for key, charset, subject, text in [
        ("latin", "iso-8859-1", "Prüfung der Änderung", "Prüfung der Änderung für 5 £."),
        ("shiftjis", "shift_jis", "セキュリティ通知", "セキュリティ通知: ご確認ください。"),
        ("utf16", "utf-16", "Übersicht – 概要", "Übersicht – 概要"),
    ]:
        message = one(messages, key)
        assert header(message["payload"], "Subject") == subject
        assert charset in header(message["payload"], "Content-Type").lower()
        assert decoded(message["payload"]["body"]["data"]).decode().strip() == text
        assert message["snippet"].lstrip("\ufeff") == text


def test_attached_mail_has_its_headers_one_level_below(messages):
    message = one(messages, "nested")
    part = message["payload"]["parts"][1]
    assert {h["name"] for h in part["headers"]} == {"Content-Type", "Content-Disposition"}
    inner = part["parts"][0]
    assert header(inner, "From") == "Broker <broker@evil.example>"
    original = inner["parts"][2]["parts"][0]
    assert header(original, "Subject") == "Urgent transfer"
    eml = content(messages, message, part)
    assert part["body"]["size"] == len(eml)
    assert email.message_from_bytes(eml)["Message-ID"] == "<reported@evil.example>"
    assert eml in decoded(one(messages, "nested", format="raw")["raw"])


def test_attached_mail_without_a_name_has_no_attachment_id(messages):
    part = one(messages, "bare")["payload"]["parts"][1]
    assert set(part["body"]) == {"size"} and part["body"]["size"] > 0
    assert decoded(part["parts"][0]["body"]["data"]) == b"Click here.\r\n"


def test_small_named_text_is_inline_and_large_html_is_an_attachment(messages):
    note = one(messages, "twins")["payload"]["parts"][3]
    assert decoded(note["body"]["data"]) == b"Pay soon.\n"
    message = one(messages, "large")
    assert message["payload"]["filename"] == ""
    assert "data" not in message["payload"]["body"]
    assert b"10.0.0.1" in content(messages, message, message["payload"])


def test_outlook_container_is_available_as_a_whole_and_unwrapped(messages):
    message = one(messages, "outlook")
    part = message["payload"]["parts"][1]
    assert header(part, "Content-Type").startswith("application/ms-tnef")
    assert content(messages, message, part).startswith(b"\x78\x9f\x3e\x22")
    assert content(messages, message, part["parts"][1]) == b"nor a sheet"


def test_malformed_mail_is_read_as_far_as_possible(messages):
    headless = one(messages, "headless")
    assert decoded(headless["payload"]["body"]["data"]).startswith(b"This line is no header")
    spoilt = one(messages, "spoilt")["payload"]
    assert decoded(spoilt["parts"][0]["body"]["data"]) == b"The text is spoilt."
    assert header(spoilt, "Subject") == "=?x-unknown-9?B?????= spoilt"
    cut = one(messages, "cut")
    assert content(messages, cut, cut["payload"]["parts"][1]).startswith(b"page page")
    assert header(one(messages, "nodate")["payload"], "Date") is None
    empty = one(messages, "empty")
    assert empty["snippet"] == "" and empty["payload"]["body"] == {"size": 0}
    doubled = one(messages, "doubled")["payload"]
    names = [h["name"] for h in doubled["headers"]]
    assert names.count("Subject") == 2 and "CC" in names and "Message-Id" in names
    assert one(messages, "escapes")["snippet"].startswith("Tom &amp; Jerry&#39;s &lt;script&gt;")


def test_attachment_ids_change_with_every_read_and_expire(messages, workspace, workspace_sandbox):
    looks = [one(messages, "twins") for _ in range(2)]
    ids = [look["payload"]["parts"][1]["body"]["attachmentId"] for look in looks]
    assert ids[0] != ids[1]
    for id in ids:
        answer = messages.attachments().get(
            userId="me", messageId=looks[0]["id"], id=id).execute()
        assert hashlib.md5(decoded(answer["data"])).hexdigest() == hashlib.md5(
            b"a;1;first\n" * 40).hexdigest()
    other = one(messages, "plain")["id"]
    assert refusal(messages.attachments().get(userId="me", messageId=other, id=ids[0])) == (
        400, "Invalid attachment token", "invalidArgument")
    workspace_sandbox.advance(3601)
    assert refusal(messages.attachments().get(
        userId="me", messageId=looks[0]["id"], id=ids[0]))[0] == 400


def test_fields_mask_selects_members_without_recursion(workspace, messages):
    answer = messages.list(userId="me", maxResults=2, fields="messages/id,nextPageToken").execute()
    assert set(answer) == {"messages", "nextPageToken"}
    assert [set(m) for m in answer["messages"]] == [{"id"}, {"id"}]
    message = one(messages, "nested", fields="id,payload(parts(partId,filename,parts(partId)))")
    assert set(message) == {"id", "payload"}
    assert message["payload"]["parts"][1] == {
        "partId": "1", "filename": "reported.eml", "parts": [{"partId": "1.0"}]}
    assert refusal(messages.list(userId="me", fields="messages(id"))[0] == 400
    plain = messages.list(userId="me", prettyPrint=False, alt="json", maxResults=1).execute()
    assert len(plain["messages"]) == 1


# Changes


def test_trash_and_untrash(messages):
    id = one(messages, "plain")["id"]
    answer = messages.trash(userId="me", id=id).execute()
    assert set(answer) == {"id", "threadId", "labelIds"}
    assert set(answer["labelIds"]) == {"UNREAD", "TRASH"}
    assert id not in found(messages)
    assert messages.trash(userId="me", id=id).execute()["labelIds"] == answer["labelIds"]
    back = messages.untrash(userId="me", id=id).execute()
    # It is unknown whether INBOX is restored.
    assert "TRASH" not in back["labelIds"] and "UNREAD" in back["labelIds"]
    assert id in found(messages)


def test_modify_adds_and_removes(messages):
    before = one(messages, "plain")
    body = {"addLabelIds": ["STARRED", "Label_12"], "removeLabelIds": ["UNREAD", "SPAM"]}
    answer = messages.modify(userId="me", id=before["id"], body=body).execute()
    assert set(answer) == {"id", "threadId", "labelIds"}
    assert set(answer["labelIds"]) == {"INBOX", "STARRED", "Label_12"}
    after = one(messages, "plain")
    assert int(after["historyId"]) > int(before["historyId"])
    assert after["internalDate"] == before["internalDate"]


@pytest.mark.parametrize("body, message", [
    ({}, "No label add or removes specified"),
    ({"addLabelIds": [], "removeLabelIds": []}, "No label add or removes specified"),
    ({"addLabelIds": ["Ops/Review"]}, "Invalid label: Ops/Review"),
    ({"addLabelIds": ["SENT"]}, "Invalid label: SENT"),
    ({"removeLabelIds": ["DRAFT"]}, "Invalid label: DRAFT"),
    ({"addLabelIds": ["STARRED"] * 101}, "Too many labels"),
])
def test_invalid_labels_are_rejected(messages, body, message):
    id = one(messages, "plain")["id"]
    wanted = (400, message, "invalidArgument")
    assert refusal(messages.modify(userId="me", id=id, body=body)) == wanted
    assert refusal(messages.batchModify(userId="me", body={"ids": [id], **body})) == wanted
    assert one(messages, "plain")["labelIds"] == ["UNREAD", "INBOX"]


def test_batch_modify_ignores_unknown_ids(messages):
    id = one(messages, "plain")["id"]
    body = {"ids": [id, "0123456789abcdef"], "addLabelIds": ["SPAM"], "removeLabelIds": ["INBOX"]}
    assert messages.batchModify(userId="me", body=body).execute() == ""
    assert set(one(messages, "plain")["labelIds"]) == {"UNREAD", "SPAM"}
    body = {"ids": ["0123456789abcdef"] * 1001, "addLabelIds": ["SPAM"]}
    assert refusal(messages.batchModify(userId="me", body=body))[0] == 400
    body = {"ids": ["nothing"], "addLabelIds": ["SPAM"]}
    assert refusal(messages.batchModify(userId="me", body=body)) == (
        400, "Invalid id value", "invalidArgument")


def test_delete_is_permanent(messages):
    id = one(messages, "plain")["id"]
    assert messages.delete(userId="me", id=id).execute() == ""
    assert refusal(messages.get(userId="me", id=id))[0] == 404
    assert refusal(messages.delete(userId="me", id=id))[0] == 404
    ids = [one(messages, key)["id"] for key in ("twins", "inline")]
    body = {"ids": ids + ["0123456789abcdef"]}
    assert messages.batchDelete(userId="me", body=body).execute() == ""
    assert set(ids).isdisjoint(found(messages))


def test_unknown_members_and_parameters_are_rejected(workspace, messages):
    id = one(messages, "plain")["id"]
    url = f"{workspace.base}/gmail/v1/users/me/messages"
    for answer in (
        requests.post(f"{url}/{id}/modify", headers=workspace.bearer(), json={"labels": []}),
        requests.get(f"{url}?query=x", headers=workspace.bearer()),
    ):
        assert answer.status_code == 400
        assert "Unknown name" in answer.json()["error"]["message"]
    broken = requests.post(f"{url}/{id}/modify", headers=workspace.bearer(), data="{")
    assert broken.json()["error"]["errors"][0]["reason"] == "parseError"


def test_query_too_long_for_a_url_is_posted(workspace_sandbox, messages):
    query = "{" + " ".join(f"subject:nothing{n}" for n in range(300)) + " subject:parcel}"
    assert keys(messages, query) == ["alternative"]
    listed = [e for e in workspace_sandbox.log() if e["path"].endswith("/messages")]
    assert listed[-1]["method"] == "POST"


# Labels, profile, vacation


def test_labels_are_listed_without_counts(workspace):
    labels = workspace.gmail().users().labels()
    listed = labels.list(userId=SOC).execute()["labels"]
    by_id = {label["id"]: label for label in listed}
    assert {"INBOX", "SENT", "TRASH", "SPAM", "DRAFT", "STARRED", "UNREAD", "IMPORTANT"} < set(by_id)
    assert by_id["INBOX"] == {"id": "INBOX", "name": "INBOX", "type": "system"}
    assert (by_id["Label_12"]["name"], by_id["Label_12"]["type"]) == ("Ops/Review", "user")
    assert not any("messagesTotal" in label for label in listed)
    counted = labels.get(userId="me", id="Label_13").execute()
    assert (counted["messagesTotal"], counted["messagesUnread"]) == (1, 1)
    assert refusal(labels.get(userId="me", id="Label_99"))[0] == 404


def test_label_is_created_once_and_removed_from_messages_when_deleted(workspace, messages):
    labels = workspace.gmail().users().labels()
    made = labels.create(userId="me", body={"name": "Cases"}).execute()
    assert made["type"] == "user"
    assert refusal(labels.create(userId="me", body={"name": "cases"}))[0] == 409
    id = one(messages, "plain")["id"]
    body = {"addLabelIds": [made["id"]]}
    assert made["id"] in messages.modify(userId="me", id=id, body=body).execute()["labelIds"]
    labels.delete(userId="me", id=made["id"]).execute()
    assert made["id"] not in one(messages, "plain")["labelIds"]
    assert refusal(messages.modify(userId="me", id=id, body=body))[0] == 400


def test_profile_counts_the_mailbox(workspace, messages):
    users = workspace.gmail().users()
    before = users.getProfile(userId="me").execute()
    assert before["emailAddress"] == SOC
    assert before["messagesTotal"] == len(found(messages, "in:anywhere"))
    messages.delete(userId="me", id=one(messages, "plain")["id"]).execute()
    after = users.getProfile(userId=SOC).execute()
    assert after["messagesTotal"] == before["messagesTotal"] - 1
    assert int(after["historyId"]) > int(before["historyId"])


def test_vacation_settings_are_read_and_replaced(workspace):
    settings = workspace.gmail(FIONA, [MAIL, SETTINGS]).users().settings()
    assert settings.getVacation(userId="me").execute() == {
        "enableAutoReply": True, "responseSubject": "Away until Monday",
        "responseBodyPlainText": "I am at sea. For invoices write to nils@harbor.example.",
        "restrictToContacts": False, "restrictToDomain": True}
    wanted = {
        "enableAutoReply": True, "responseSubject": "Away",
        "responseBodyHtml": "<p>x</p><script>alert(1)</script>", "restrictToContacts": True,
        "startTime": "1653004800000", "endTime": 1653868800000}
    answer = settings.updateVacation(userId=FIONA, body=wanted).execute()
    assert answer == {
        "enableAutoReply": True, "responseSubject": "Away", "responseBodyHtml": "<p>x</p>",
        "restrictToContacts": True, "restrictToDomain": False, "startTime": "1653004800000",
        "endTime": "1653868800000"}
    assert settings.getVacation(userId="me").execute() == answer
    off = settings.updateVacation(userId="me", body={}).execute()
    assert off == {
        "enableAutoReply": False, "restrictToContacts": False, "restrictToDomain": False}


@pytest.mark.parametrize("body", [
    {"enableAutoReply": True},
    {"enableAutoReply": True, "responseSubject": " "},
    {"enableAutoReply": "yes", "responseSubject": "x"},
    {"responseSubject": "x", "startTime": "2000", "endTime": "1000"},
    {"responseSubject": "x", "startTime": "soon"},
    {"responseSubject": 5},
    {"autoReply": True},
])
def test_invalid_vacation_settings_are_rejected(workspace, body):
    settings = workspace.gmail(FIONA, [SETTINGS]).users().settings()
    before = settings.getVacation(userId="me").execute()
    assert refusal(settings.updateVacation(userId="me", body=body))[0] == 400
    assert settings.getVacation(userId="me").execute() == before


# Mailbox access and scopes


def test_access_to_another_mailbox_is_denied_with_the_callers_address(workspace, messages):
    users = workspace.gmail().users()
    for mailbox in (FIONA, "nobody@harbor.example", "x@elsewhere.example"):
        assert refusal(users.messages().list(userId=mailbox)) == (
            403, f"Delegation denied for {SOC}", "forbidden")
    assert found(messages)
    assert users.getProfile(userId=SOC.upper()).execute()["emailAddress"] == SOC
    ops = workspace.gmail("ops@harbor.example").users()
    assert ops.getProfile(userId="ops@harbor.example").execute()["emailAddress"] == NILS


@pytest.mark.parametrize("scopes, allowed", [
    ([MAIL], {"list", "delete", "send", "vacation"}),
    ([SETTINGS], {"vacation", "update"}),
    ([USERS], set()),
    ([USERS, SETTINGS, MAIL], {"list", "delete", "send", "vacation", "update"}),
])
def test_scope_allows_only_its_calls(workspace, scopes, allowed):
    id = one(workspace.messages(), "plain")["id"]
    users = workspace.gmail(SOC, scopes).users()
    calls = {
        "list": users.messages().list(userId="me"),
        "delete": users.messages().delete(userId="me", id=id),
        "send": users.messages().send(
            userId="me", body={"raw": encoded(f"To: {MIKA}\r\n\r\nhello")}),
        "vacation": users.settings().getVacation(userId="me"),
        "update": users.settings().updateVacation(userId="me", body={}),
    }
    for name, call in calls.items():
        if name in allowed:
            call.execute()
        else:
            assert refusal(call) == (
                403, "Request had insufficient authentication scopes.",
                "insufficientPermissions"), name


def test_metadata_scope_allows_neither_queries_nor_content(workspace):
    scopes = [AUTH + "gmail.metadata"]
    messages = workspace.gmail(credentials=workspace.asked(scopes, ADMIN)).users().messages()
    (id, *_) = found(messages)
    assert refusal(messages.list(userId="me", q="report"))[0] == 403
    for format in ("full", "raw"):
        assert refusal(messages.get(userId="me", id=id, format=format))[0] == 403
    assert "payload" in messages.get(userId="me", id=id, format="metadata").execute()


# Sending


def sent(messages, mail, **more):
    return messages.send(userId="me", body={"raw": encoded(mail), **more}).execute()


def test_sent_mail_is_in_sent_and_delivered_to_the_recipients(workspace, messages):
    mail = (
        "From: soc@harbor.example\r\nTo: Fiona <fiona@harbor.example>, x@outside.example\r\n"
        "Cc: ops@harbor.example\r\nBcc: mika@harbor.example\r\n"
        "Subject: =?UTF-8?B?w5xiZXI=?=\r\n\r\nBody\r\n")
    answer = sent(messages, mail)
    assert set(answer) == {"id", "threadId", "labelIds"} and answer["labelIds"] == ["SENT"]
    own = messages.get(userId="me", id=answer["id"]).execute()
    assert header(own["payload"], "Bcc") == MIKA
    assert header(own["payload"], "Message-ID") and header(own["payload"], "Date")
    for user in (FIONA, NILS, MIKA):
        inbox = workspace.messages(user)
        (id, *_) = found(inbox, "in:inbox subject:über is:unread")
        got = inbox.get(userId="me", id=id).execute()
        assert header(got["payload"], "Bcc") is None
        assert decoded(got["payload"]["body"]["data"]) == b"Body\r\n"
        assert header(got["payload"], "Message-ID") == header(own["payload"], "Message-ID")


def test_sent_mail_has_the_time_of_the_sandbox_clock(workspace_sandbox, messages):
    first = sent(messages, f"To: {MIKA}\r\n\r\n1")["id"]
    workspace_sandbox.advance(1000)
    second = sent(messages, f"To: {MIKA}\r\n\r\n2")["id"]
    times = [
        int(messages.get(userId="me", id=id).execute()["internalDate"]) for id in (first, second)]
    assert times[1] - times[0] >= 1_000_000


def test_sender_address_cannot_be_spoofed(messages):
    id = sent(messages, f"From: {ADMIN}\r\nTo: {MIKA}\r\n\r\nx")["id"]
    payload = messages.get(userId="me", id=id).execute()["payload"]
    assert [h["value"] for h in payload["headers"] if h["name"] == "From"] == [f"Sam Ochoa <{SOC}>"]


def test_mail_to_oneself_is_one_message(messages):
    answer = sent(messages, f"To: {SOC}\r\nSubject: myself\r\n\r\nx")
    assert set(answer["labelIds"]) == {"SENT", "INBOX", "UNREAD"}
    assert found(messages, "subject:myself") == [answer["id"]]


def test_reply_joins_the_thread(workspace, messages):
    first = one(messages, "plain")
    answer = sent(
        messages, f"To: {FIONA}\r\nSubject: Re: Strange mail\r\n"
        "In-Reply-To: <plain@triage.example>\r\n\r\nNo.")
    assert answer["threadId"] == first["threadId"] != answer["id"]
    for subject, fields, joins in [
            ("Re: Strange mail", "References: <plain@triage.example>\r\n", True),
            ("more", "References: <plain@triage.example>\r\n", False), ("Re: Strange mail", "", False)]:
        named = sent(
            messages, f"To: {FIONA}\r\nSubject: {subject}\r\n{fields}\r\nx", threadId=first["threadId"])
        assert (named["threadId"] == first["threadId"]) is joins, subject
    body = {"raw": encoded(f"To: {FIONA}\r\n\r\nx"), "threadId": "0123456789abcdef"}
    assert refusal(messages.send(userId="me", body=body))[0] == 404
    berths = workspace.messages(FIONA).list(userId="me", q='subject:"berth fees"').execute()
    assert len({m["threadId"] for m in berths["messages"]}) == 1


@pytest.mark.parametrize("body, message", [
    ({}, "'raw' RFC822 payload message string or uploading message via /upload/* URL required"),
    ({"raw": encoded("Subject: x\r\n\r\nx")}, "Recipient address required"),
    ({"raw": encoded("To: nobody\r\n\r\nx")}, "Invalid To header"),
    ({"raw": encoded(f"To: {FIONA}\r\nCc: a b@c\r\n\r\nx")}, "Invalid Cc header"),
    ({"raw": base64.b64encode(f"To: {FIONA}\r\n\r\n\xff\xfe\xfb??>".encode()).decode()},
     "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed"),
])
def test_invalid_mail_is_not_sent(messages, body, message):
    before = found(messages)
    assert refusal(messages.send(userId="me", body=body)) == (400, message, "invalidArgument")
    assert found(messages) == before


# Uploads

BIG = f"To: {MIKA}\r\nSubject: big\r\n\r\n".encode() + b"0123456789abcde\n" * 50_000


@pytest.mark.parametrize("resumable, chunk, body", [
    (False, -1, None),
    (False, -1, {}),
    (True, -1, {}),
    (True, 256 * 1024, {}),
])
def test_mail_is_uploaded(workspace, messages, resumable, chunk, body):
    media = MediaInMemoryUpload(
        BIG, mimetype="message/rfc822", resumable=resumable, chunksize=chunk)
    call = messages.send(userId="me", body=body, media_body=media)
    if resumable:
        steps = [call.next_chunk()[1] for _ in range(1 if chunk == -1 else 4)]
        assert steps[:-1] == [None] * (len(steps) - 1)
        answer = steps[-1]
        assert answer, "the server expects more chunks than there are"
    else:
        answer = call.execute()
    assert answer["labelIds"] == ["SENT"]
    mika = workspace.messages(MIKA)
    (id,) = found(mika)
    raw = mika.get(userId="me", id=id, format="raw").execute()["raw"]
    assert decoded(raw).endswith(BIG[-700_000:])


def test_interrupted_upload_reports_its_progress(workspace):
    headers = workspace.bearer()
    url = f"{workspace.base}/upload/gmail/v1/users/me/messages/send?uploadType=resumable"
    start = requests.post(url, headers={
        **headers, "X-Upload-Content-Type": "message/rfc822",
        "X-Upload-Content-Length": str(len(BIG))}, json={})
    assert start.status_code == 200
    place = start.headers["Location"]

    def put(data, span):
        return requests.put(
            place, data=data, headers={**headers, "Content-Range": span}, allow_redirects=False)

    asked = put(b"", f"bytes */{len(BIG)}")
    assert (asked.status_code, asked.headers.get("Range")) == (308, None)
    size = 262144
    first = put(BIG[:size], f"bytes 0-{size - 1}/{len(BIG)}")
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{size - 1}")
    assert put(BIG[size:size + 5], f"bytes {size}-{size + 4}/{len(BIG)}").status_code == 400
    assert put(b"", f"bytes */{len(BIG)}").headers["Range"] == f"bytes=0-{size - 1}"
    last = put(BIG[size:], f"bytes {size}-{len(BIG) - 1}/{len(BIG)}")
    assert last.status_code == 200 and last.json()["labelIds"] == ["SENT"]
    assert put(b"", f"bytes */{len(BIG)}").status_code == 404


def test_invalid_uploads_are_rejected(workspace):
    url = f"{workspace.base}/upload/gmail/v1/users/me/messages/send"
    headers = workspace.bearer() | {"Content-Type": "text/plain"}
    answer = requests.post(url + "?uploadType=media", headers=headers, data=BIG)
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["reason"] == "badContent"
    assert requests.post(url + "?uploadType=other", headers=headers).status_code == 400
    headers = workspace.bearer() | {"X-Upload-Content-Length": str(36_700_161)}
    assert requests.post(url + "?uploadType=resumable", headers=headers).status_code == 413


# Batches


def batch_of(workspace, calls, path="/batch"):
    """Responses and errors by position, as the client's batch reports them."""
    outcomes = {}

    def note(id, answer, error):
        outcomes[int(id)] = error or answer

    batch = BatchHttpRequest(callback=note, batch_uri=workspace.base + path)
    for position, call in enumerate(calls):
        batch.add(call, request_id=str(position))
    batch.execute(http=calls[0].http)
    return [outcomes[position] for position in range(len(calls))]


@pytest.mark.parametrize("path", ["/batch", "/batch/gmail/v1"])
def test_batch_answers_each_call(workspace, messages, path):
    ids = found(messages)[:20]
    calls = [messages.get(userId="me", id=id, format="minimal") for id in ids]
    calls.append(messages.get(userId="me", id="0123456789abcdef"))
    calls.append(messages.modify(userId="me", id=ids[0], body={"addLabelIds": ["STARRED"]}))
    calls.append(messages.delete(userId="me", id=ids[1]))
    answers = batch_of(workspace, calls, path)
    assert [answer["id"] for answer in answers[:20]] == ids
    assert answers[20].status_code == 404
    assert "STARRED" in answers[21]["labelIds"]
    assert ids[1] not in found(messages)


def test_only_the_failed_call_of_a_batch_fails(
    workspace, workspace_sandbox, messages
):
    ids = found(messages)[:6]
    workspace_sandbox.faults(
        "gmail: 429 tooManyConcurrentRequests every 3 on /gmail/v1/users/me/messages/*")
    answers = batch_of(workspace, [messages.get(userId="me", id=id) for id in ids])
    assert [isinstance(a, HttpError) and a.status_code for a in answers] == [
        False, False, 429, False, False, 429]
    workspace_sandbox.forget_log()
    workspace_sandbox.faults("gmail: expired token first 1 on GET /gmail/v1/users/me/messages/*")
    # The client refreshes its token and retries the calls that got 401.
    answers = batch_of(workspace, [messages.get(userId="me", id=id) for id in ids])
    assert [answer["id"] for answer in answers] == ids
    paths = [entry["path"] for entry in workspace_sandbox.log()]
    assert paths.count("/batch") == 2


def test_inner_calls_without_ids_are_answered_in_order_and_inherit_the_token(workspace):
    inner = "GET /gmail/v1/users/me/profile?alt=json HTTP/1.1\r\n\r\n"
    own = "GET /gmail/v1/users/me/labels\r\nAuthorization: Bearer none\r\n\r\n"
    body = "".join(
        f"--b\r\nContent-Type: application/http\r\n\r\n{part}\r\n" for part in (inner, own))
    answer = requests.post(
        workspace.base + "/batch/gmail/v1", data=body + "--b--",
        headers={**workspace.bearer(), "Content-Type": "multipart/mixed; boundary=b"})
    assert answer.status_code == 200
    whole = email.message_from_string(
        f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n{answer.text}")
    parts = [part.get_payload() for part in whole.get_payload()]
    assert [part.split("\r\n")[0] for part in parts] == [
        "HTTP/1.1 200 OK", "HTTP/1.1 401 Unauthorized"]
    assert all(part["Content-ID"] is None for part in whole.get_payload())


def test_batch_is_limited_to_100_calls(workspace, messages):
    calls = [messages.get(userId="me", id="0123456789abcdef") for _ in range(101)]
    with pytest.raises(HttpError) as error:
        batch_of(workspace, calls)
    assert error.value.status_code == 400
    assert json.loads(error.value.content)["error"]["message"] == (
        "Inner request count exceeds the limit. Received: 101, Limit: 100")
    assert len(batch_of(workspace, calls[:100])) == 100


# Fault injection


@pytest.mark.parametrize("fault, status, reason, domain, text", [
    ("429", 429, "rateLimitExceeded", "global", "Resource has been exhausted (e.g. check quota)."),
    ("429 tooManyConcurrentRequests", 429, "rateLimitExceeded", "global",
     "Too many concurrent requests for user"),
    ("403 rateLimitExceeded", 403, "rateLimitExceeded", "usageLimits",
     "Quota exceeded for quota metric 'Queries'"),
    ("403 userRateLimitExceeded", 403, "userRateLimitExceeded", "usageLimits",
     "User-rate limit exceeded.  Retry after "),
    ("429 userRateLimitExceeded", 429, "userRateLimitExceeded", "global",
     "User-rate limit exceeded.  Retry after "),
    ("403 dailyLimitExceeded", 403, "dailyLimitExceeded", "usageLimits", "Daily Limit"),
    ("403 quotaExceeded", 403, "quotaExceeded", "usageLimits", "Quota exceeded."),
    ("403 domainPolicy", 403, "domainPolicy", "global", "The domain administrators"),
    ("403", 403, "insufficientPermissions", "global", "Request had insufficient"),
    ("400 failedPrecondition", 400, "failedPrecondition", "global", "Mail service not enabled"),
    ("412 conditionNotMet", 412, "conditionNotMet", "global", "User creation is not complete."),
    ("503", 503, "backendError", "global", "Backend Error"),
])
def test_injected_error_has_the_form_of_the_real_one(
    workspace_sandbox, messages, fault, status, reason, domain, text
):
    workspace_sandbox.faults(f"gmail: {fault}")
    with pytest.raises(HttpError) as error:
        messages.list(userId="me").execute()
    body = json.loads(error.value.content)["error"]
    assert (error.value.status_code, body["code"]) == (status, status)
    assert body["message"].startswith(text)
    (detail,) = body["errors"]
    assert (detail["reason"], detail["domain"]) == (reason, domain)


def test_user_rate_limit_has_the_retry_time_only_in_its_message(workspace, workspace_sandbox):
    headers = workspace.bearer()
    url = f"{workspace.base}/gmail/v1/users/me/messages"
    workspace_sandbox.faults("gmail: 403 userRateLimitExceeded retry-after 7")
    answer = requests.get(url, headers=headers)
    assert "Retry-After" not in answer.headers
    assert answer.json()["error"]["message"][-1] == "Z"
    workspace_sandbox.faults("gmail: 429 retry-after 7")
    assert requests.get(url, headers=headers).headers["Retry-After"] == "7"


def test_client_retries_after_a_rate_limit(workspace_sandbox, messages):
    workspace_sandbox.faults("gmail: 403 userRateLimitExceeded first 1")
    answer = messages.list(userId="me", maxResults=1).execute(num_retries=1)
    assert len(answer["messages"]) == 1


def test_expired_token_is_refreshed_once(workspace, workspace_sandbox, messages):
    found(messages)
    workspace_sandbox.faults("gmail: expired token first 1")
    workspace_sandbox.forget_log()
    messages.list(userId="me", maxResults=1).execute()
    assert [(e["path"], e["status"]) for e in workspace_sandbox.log()] == [
        ("/gmail/v1/users/me/messages", 401), ("/token", 200), ("/gmail/v1/users/me/messages", 200)]


def test_unknown_paths_get_the_front_end_page(workspace):
    for verb, path in [
        ("GET", "/gmail/v2/users/me/messages"), ("GET", "/gmail/v1/users/me/nothing"),
        ("PATCH", "/gmail/v1/users/me/messages"), ("GET", "/gmail/v1/users/me"),
        ("GET", "/upload/gmail/v1/users/me/messages"),
    ]:
        answer = requests.request(verb, workspace.base + path, headers=workspace.bearer())
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")


def test_discovery_document_of_the_client_is_the_one_used_for_the_emulator():
    document = DISCOVERY / "gmail.v1.json"
    if not document.exists():
        pytest.skip(f"{document} is absent: the client's own copy is what the other tests use")
    assert json.loads(get_static_doc("gmail", "v1")) == json.loads(document.read_text())


def test_api_endpoint_option_of_the_client_works(workspace):
    api = build(
        "gmail", "v1", credentials=workspace.delegated(), static_discovery=True,
        cache_discovery=False, client_options={"api_endpoint": workspace.base})
    assert api.users().getProfile(userId="me").execute()["emailAddress"] == SOC


# The client's description of the API


def strays(document, schema, value, path="$"):
    """Positions where `value` has members or types that are not in the schema."""
    if "$ref" in schema:
        schema = document["schemas"][schema["$ref"]]
    types = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
        "any": object}
    if not isinstance(value, types[schema["type"]]):
        yield f"{path} is not of type {schema['type']}"
    elif schema["type"] == "array":
        for position, element in enumerate(value):
            yield from strays(document, schema["items"], element, f"{path}[{position}]")
    elif schema["type"] == "object":
        for name, member in value.items():
            if name not in schema.get("properties", {}):
                yield f"{path}.{name} is unknown"
            else:
                yield from strays(document, schema["properties"][name], member, f"{path}.{name}")


def test_responses_match_the_schema_of_the_client(workspace, messages):
    gmail = json.loads(get_static_doc("gmail", "v1"))
    users = workspace.gmail(SOC, [MAIL, SETTINGS]).users()
    answers = [
        ("ListMessagesResponse", messages.list(userId="me", maxResults=5).execute()),
        ("ListLabelsResponse", users.labels().list(userId="me").execute()),
        ("Label", users.labels().get(userId="me", id="INBOX").execute()),
        ("Profile", users.getProfile(userId="me").execute()),
        ("VacationSettings", users.settings().updateVacation(userId="me", body={
            "enableAutoReply": True, "responseSubject": "x", "responseBodyHtml": "x",
            "responseBodyPlainText": "x", "startTime": "1", "endTime": "2"}).execute()),
        ("Message", messages.trash(userId="me", id=one(messages, "plain")["id"]).execute()),
        ("Message", messages.send(userId="me", body={"raw": encoded(f"To: {MIKA}\n\nx")}).execute()),
    ]
    for format in ("full", "metadata", "raw", "minimal"):
        for id in found(messages, "-subject:alert", includeSpamTrash=True):
            answers.append(
                ("Message", messages.get(userId="me", id=id, format=format).execute()))
    part = one(messages, "nested")["payload"]["parts"][1]
    answers.append(("MessagePartBody", messages.attachments().get(
        userId="me", messageId=one(messages, "nested")["id"],
        id=part["body"]["attachmentId"]).execute()))
    for schema, answer in answers:
        assert list(strays(gmail, {"$ref": schema}, answer)) == []
    directory = json.loads(get_static_doc("admin", "directory_v1"))
    listed = workspace.directory().users().list(customer="my_customer", maxResults=3).execute()
    assert list(strays(directory, {"$ref": "Users"}, listed)) == []


def test_every_parameter_of_the_client_schema_is_accepted(workspace):
    document = json.loads(get_static_doc("gmail", "v1"))
    resource = document["resources"]["users"]["resources"]["messages"]["methods"]
    url = f"{workspace.base}/gmail/v1/users/me/messages"
    headers = workspace.bearer()
    for method, path in [("list", url), ("get", f"{url}/0123456789abcdef")]:
        own = resource[method]["parameters"].items()
        names = [name for name, parameter in own if parameter["location"] == "query"]
        for name in [*document["parameters"], *names]:
            body = requests.get(path, headers=headers, params={name: "x"}).text
            assert "Unknown name" not in body, name
    assert "Unknown name" in requests.get(url, headers=headers, params={"x": "x"}).text


# Hostile requests: the sandbox runs in the host's process


@pytest.mark.parametrize("query", [
    "-" * 20_000 + "x", "(" * 20_000, "{-" * 10_000 + "x", "a:(" * 10_000, '"', "a:\"", "OR OR",
    "subject:()", "- - -", "after:99999999999999999999", "newer_than:9999999999y", "larger:",
])
def test_hostile_query_is_answered(messages, query):
    messages.list(userId="me", q=query, maxResults=1).execute()


def test_deeply_nested_mail_is_answered(messages):
    mail = f"To: {SOC}\r\nSubject: deep\r\n"
    for level in range(200):
        mail += f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
    id = sent(messages, mail + "\r\nbottom")["id"]
    message = messages.get(userId="me", id=id).execute()
    assert len(list(leaves(message["payload"]))) == 25
    wrapped = f"To: {SOC}\r\nSubject: wrapped\r\n" + "Content-Type: message/rfc822\r\n\r\n" * 200
    messages.get(userId="me", id=sent(messages, wrapped)["id"]).execute()


def test_batch_accepts_only_calls_of_the_api(workspace):
    for target in ("/batch", "/_sandbox/log", "/api/console/elements/devices/", "/token"):
        body = f"--b\r\nContent-Type: application/http\r\n\r\nPOST {target}\r\n\r\n\r\n--b--"
        answer = requests.post(workspace.base + "/batch", data=body, headers={
            **workspace.bearer(), "Content-Type": "multipart/mixed; boundary=b"})
        assert answer.status_code == 400
