"""Drafts of the emulated Gmail, with Google's Python client."""

import base64

import pytest
from Support.workspace import FIONA, MIKA, SOC, header, refusal


def content(subject, to=FIONA, **more):
    mail = f"To: {to}\r\nSubject: {subject}\r\n\r\n{subject}"
    return {"message": {"raw": base64.urlsafe_b64encode(mail.encode()).decode(), **more}}


@pytest.fixture
def drafts(workspace):
    return workspace.gmail(MIKA).users().drafts()


def test_each_version_of_a_draft_is_a_new_message(workspace, drafts):
    messages = workspace.messages(MIKA)
    first = drafts.create(userId="me", body=content("one")).execute()
    assert set(first) == {"id", "message"} and first["message"]["labelIds"] == ["DRAFT"]
    second = drafts.update(userId="me", id=first["id"], body=content("two")).execute()
    assert second["id"] == first["id"] and second["message"]["id"] != first["message"]["id"]
    assert second["message"]["threadId"] == first["message"]["threadId"]
    assert refusal(messages.get(userId="me", id=first["message"]["id"]))[0] == 404
    shown = drafts.get(userId="me", id=first["id"]).execute()
    assert header(shown["message"]["payload"], "Subject") == "two"
    assert drafts.list(userId="me").execute()["drafts"] == [
        {"id": first["id"], "message": {k: second["message"][k] for k in ("id", "threadId")}}]


def test_a_draft_that_is_sent_is_a_new_message(workspace, drafts):
    draft = drafts.create(userId="me", body=content("out")).execute()
    sent = drafts.send(userId="me", body={"id": draft["id"]}).execute()
    assert sent["labelIds"] == ["SENT"] and sent["id"] != draft["message"]["id"]
    assert "drafts" not in drafts.list(userId="me").execute()
    assert workspace.messages(FIONA).list(userId="me", q="subject:out").execute()["messages"]


def test_a_deleted_draft_is_gone(workspace, drafts):
    draft = drafts.create(userId="me", body=content("gone")).execute()
    drafts.delete(userId="me", id=draft["id"]).execute()
    for call in (drafts.get(userId="me", id=draft["id"]), drafts.send(userId="me", body={"id": draft["id"]}),
                 drafts.update(userId="me", id=draft["id"], body=content("x"))):
        assert refusal(call)[0] == 404
    assert "messages" not in workspace.messages(MIKA).list(userId="me").execute()


def test_a_draft_of_another_mailbox_is_unknown(workspace, drafts):
    draft = drafts.create(userId="me", body=content("mine")).execute()
    other = workspace.gmail(SOC).users().drafts()
    assert refusal(other.get(userId="me", id=draft["id"]))[0] == 404
    assert refusal(drafts.create(userId="me", body={"message": {}}))[0] == 400
