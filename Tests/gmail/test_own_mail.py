"""Drafts and mail that the mailbox itself sent are no events, unless the search condition asks for them."""

import base64

import pytest
from Support.feed import SPAN, START, Mailbox, by_time, fetch, keys, mail, walk
from Support.session import Host
from Support.workspace import FIONA, MIKA, Workspace

RECEIVED = ["INBOX"], ["UNREAD", "INBOX"], ["Label_7"], [], ["SENT", "INBOX"], ["CATEGORY_PERSONAL", "UNREAD"]
DRAFT, SENT = ["DRAFT"], ["SENT"]
#: The parts of the query that leave out mail.
NO_DRAFTS, NO_SENT = " -in:drafts", " (in:inbox OR -in:sent)"


def labelled(*lists):
    return [mail(n, START + n * 1000) | {"labelIds": labels} for n, labels in enumerate(lists, 1)]


@pytest.mark.parametrize("left_out", [DRAFT, SENT, ["SENT", "IMPORTANT"], ["DRAFT", "INBOX"], ["SENT", "Label_1"]])
def test_the_labels_decide_what_is_an_event(left_out):
    # Gmail's answer to the query is not relied on: this mailbox ignores it.
    mails = labelled(left_out, *RECEIVED, left_out)
    mails.append({k: v for k, v in mail(90, START + 90_000).items() if k != "labelIds"})
    with Mailbox(mails) as google, Host(google.connection()) as host:
        result = fetch(host)
        assert keys(result) == by_time([m for m in mails if m.get("labelIds") != left_out])
        assert "notices" not in result and len(result["raw_data"]) == len(result["events"])
        assert google.queries[0].endswith(NO_DRAFTS + NO_SENT)
        assert fetch(host, cursor=result["cursor"])["events"] == []


@pytest.mark.parametrize("condition", [
    "in:drafts", "in:draft", "is:draft", "is:drafts", "label:draft", "label:drafts", "label:DRAFT", "IN:Drafts", "In:draft",
    "subject:a in:drafts", "(in:drafts)", "{in:drafts in:inbox}", "in:inbox OR in:draft", "in:{drafts inbox}", "in:(drafts)",
    'in:"drafts"', 'label:"draft"', "in: drafts", "in:drafts -in:sent", "-(-in:drafts)", "--in:drafts", "a|in:drafts"])
def test_conditions_that_ask_for_drafts(condition):
    with Mailbox(labelled(DRAFT, ["INBOX"], SENT)) as google, Host(google.connection()) as host:
        assert keys(fetch(host, search_condition=condition)) == [f"{n:016x}" for n in (1, 2)]
        assert google.queries[0].endswith(f"{NO_SENT} ({condition})") and NO_DRAFTS not in google.queries[0]


@pytest.mark.parametrize("condition", [
    "in:sent", "is:sent", "label:sent", "label:SENT", "IN:SENT", "from:fiona OR in:sent", "{in:sent in:inbox}", 'in:"sent"',
    "in: sent", "from:me", "FROM:ME", "from:anna@corp.example", "from:Anna@Corp.Example", 'from:"me"', "from:(me bob)",
    "in:(inbox OR sent)", "(subject:a (in:sent))", "in:sent -in:drafts", "label:sent-mail"])
def test_conditions_that_ask_for_sent_mail(condition):
    with Mailbox(labelled(SENT, ["INBOX"], DRAFT)) as google, Host(google.connection()) as host:
        assert keys(fetch(host, search_condition=condition)) == [f"{n:016x}" for n in (1, 2)]
        assert google.queries[0].endswith(f"{NO_DRAFTS} ({condition})") and NO_SENT not in google.queries[0]


@pytest.mark.parametrize("condition", [
    "-in:sent -in:drafts", "-is:draft", "-(in:sent)", "-{in:sent in:drafts}", '"in:sent"', '"a in:drafts b"', "in:sentry",
    "subject:sent", "subject:draft", "subject:(in:sent)", 'subject:"in:sent"', "drafts", "sent", "sent:in", "in:anywhere",
    "in:inbox", "-in:(sent drafts)", "NOT in:sent", "from:men", "-from:me", "to:me", "label:my-sent", "in:\"inbox\" sent",
    '"in:drafts', "begin:sent", "-(a (in:sent) b)", "-from:(me)", ")in:inbox("])
def test_conditions_that_ask_for_neither(condition):
    with Mailbox(labelled(SENT, ["INBOX"], DRAFT)) as google, Host(google.connection()) as host:
        assert keys(fetch(host, search_condition=condition)) == [f"{2:016x}"]
        assert google.queries[0].endswith(f"{NO_DRAFTS}{NO_SENT} ({condition})")


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_mail_that_is_left_out_shortens_no_call(count):
    mails = labelled(*[[DRAFT, SENT, ["INBOX"], DRAFT, ["INBOX"]][n % 5] for n in range(120)])
    events = by_time([m for m in mails if m["labelIds"] == ["INBOX"]])
    with Mailbox(mails, page=50) as google, Host(google.connection()) as host:
        assert len(keys(fetch(host, number_of_events_fetched=count))) == count
        assert walk(host, count)[0] == events


def test_only_mail_that_is_left_out_ends_the_feed_and_keeps_its_order():
    with Mailbox(labelled(*[DRAFT] * 60)) as google, Host(google.connection()) as host:
        result = fetch(host, number_of_events_fetched=3)
        assert result["events"] == result["raw_data"] == [] and "notices" not in result
        google.put(mail(200, START + 30_500), mail(201, START + 200_000))
        result = fetch(host, cursor=result["cursor"])
        assert keys(result) == [f"{n:016x}" for n in (200, 201)]


# The emulator


@pytest.fixture
def workspace(running):
    running.reset()
    return Workspace(running.base)


#: Mika has no other mail.
ALWAYS = SPAN | {"user_email": MIKA, "start_time": "2000-01-01", "end_time": "2100-01-01"}


def encoded(text):
    return {"raw": base64.urlsafe_b64encode(text.encode()).decode()}


def subjects(host, **more):
    return [event["fields"].get("Email subject") for event in fetch(host, ALWAYS, **more)["events"]]


def test_sent_mail_is_an_event_of_its_recipient_only(workspace):
    with Host(workspace.service) as host:
        for to, subject in ((FIONA, "Out"), (MIKA, "Self"), ("x@outside.example", "Far")):
            host.result("send_email", {"sender_email": MIKA, "to_recipients": [to], "subject": subject, "content": "x"})
        assert subjects(host) == ["Self"]
        assert subjects(host, user_email=FIONA).count("Out") == 1
        assert subjects(host, search_condition="in:sent") == ["Out", "Self", "Far"]
        assert subjects(host, search_condition="in:sent -subject:self") == ["Out", "Far"]


def test_a_draft_is_no_event_however_often_it_is_saved(workspace):
    drafts = workspace.gmail(MIKA).users().drafts()
    with Host(workspace.service) as host:
        cursor = fetch(host, ALWAYS)["cursor"]
        draft = drafts.create(userId="me", body={"message": encoded(f"Subject: v1\r\nTo: {FIONA}\r\n\r\n1")}).execute()
        ids = [draft["message"]["id"]]
        for n in (2, 3):
            draft = drafts.update(
                userId="me", id=draft["id"],
                body={"message": encoded(f"Subject: v{n}\r\nTo: {FIONA}\r\n\r\n{n}")}).execute()
            ids.append(draft["message"]["id"])
            assert fetch(host, ALWAYS, cursor=cursor)["events"] == []
        assert len(set(ids)) == 3 and draft["message"]["labelIds"] == ["DRAFT"]
        assert subjects(host, search_condition="in:drafts") == ["v3"]
        sent = drafts.send(userId="me", body={"id": draft["id"]}).execute()
        assert sent["id"] not in ids and sent["labelIds"] == ["SENT"]
        assert subjects(host) == [] and subjects(host, search_condition="in:drafts") == []
        assert subjects(host, user_email=FIONA).count("v3") == 1
