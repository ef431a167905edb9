"""Every command against the emulated Workspace, with both authentication types."""

import base64
import hashlib
import json
import pathlib

import pytest
from Support.session import Host
from Support.workspace import ADMIN, DOMAIN, FIONA, MIKA, NILS, OTTO, SOC

COMMANDS = 18


@pytest.fixture(params=["gmail_sandbox", "gmail_oauth_sandbox"])
def way(request, running):
    """The connection and the owner of its mailbox."""
    running.reset()
    owner = SOC if request.param == "gmail_sandbox" else ADMIN
    return running.document["connections"][request.param], owner


@pytest.fixture
def owner(way):
    return way[1]


@pytest.fixture
def host(way):
    with Host(way[0]) as host:
        yield host


def found(host, user, **more):
    return [m["id"] for m in host.result("search_emails", {"user_email": user, **more})["raw_data"].get("messages", [])]


def labels_of(host, user, message):
    (body,) = host.result("get_email", {"user_email": user, "message_ids": [message]})["raw_data"]
    return set(body["labelIds"])


def test_connection_succeeds(host):
    assert host.result("test_connection")["return_data"] == "Successful"


def test_mail_is_found_and_read(host, owner):
    ids = found(host, owner)
    assert ids
    bodies = host.result("get_email", {"user_email": owner, "message_ids": ids})["raw_data"]
    assert [body["id"] for body in bodies] == ids
    times = [int(body["internalDate"]) for body in bodies]
    assert times == sorted(times, reverse=True) and all(body["payload"]["headers"] for body in bodies)
    assert found(host, owner, limit=1) == ids[:1]
    assert found(host, owner, filter="subject:nothing-has-this") == []


def test_labels_are_added_and_removed(host, owner):
    labels = host.result("list_labels", {"user_email": owner})["raw_data"]["labels"]
    assert {"INBOX", "SPAM", "TRASH"} <= {label["id"] for label in labels}
    (message,) = found(host, owner, limit=1)
    result = host.result("label_emails", {
        "user_email": owner, "message_ids": [message], "add_labels": ["STARRED"], "remove_labels": ["UNREAD"]})
    assert set(result["raw_data"][0]["labelIds"]) >= {"STARRED"}
    after = labels_of(host, owner, message)
    assert "STARRED" in after and "UNREAD" not in after


def test_mail_is_moved_to_spam_to_trash_and_deleted(host, owner):
    message, other, *_ = found(host, owner)
    host.result("report_spam", {"user_email": owner, "message_ids": [other]})
    assert "SPAM" in labels_of(host, owner, other) and "INBOX" not in labels_of(host, owner, other)
    host.result("trash_emails", {"user_email": owner, "message_ids": [message]})
    assert "TRASH" in labels_of(host, owner, message)
    assert {message, other}.isdisjoint(found(host, owner))
    assert {message, other} <= set(found(host, owner, include_spam_trash=True))
    host.result("untrash_emails", {"user_email": owner, "message_ids": [message]})
    assert "TRASH" not in labels_of(host, owner, message)
    result = host.result("delete_emails", {"user_email": owner, "message_ids": [message]})
    assert [t["return_data"] for t in result["targets"]] == ["Successful"]
    assert host.failure("get_email", {"user_email": owner, "message_ids": [message]})["status_code"] == 404


def test_unknown_messages_fail_individually(host, owner):
    (message,) = found(host, owner, limit=1)
    result = host.result("trash_emails", {
        "user_email": owner, "message_ids": ["18f0000000000000", message, "no id"]})
    assert result["return_data"] == "Partially Successful"
    assert [(e["target"], e["status_code"]) for e in result["errors"]] == [("18f0000000000000", 404), ("no id", 400)]


def test_many_messages_are_changed_in_one_batch(host, owner):
    ids = found(host, owner, limit=8)
    assert len(ids) >= 5  # with the unknown one enough for a batch
    for command, more, name, there in [
            ("label_emails", {"add_labels": ["STARRED"], "remove_labels": ["UNREAD"]}, "STARRED", True),
            ("report_spam", {}, "SPAM", True), ("trash_emails", {}, "TRASH", True),
            ("untrash_emails", {}, "TRASH", False)]:
        result = host.result(command, {"user_email": owner, "message_ids": [*ids, "18f0000000000000"], **more})
        assert result["meta"]["requests"] == 1
        assert [body["id"] for body in result["raw_data"]] == ids
        assert [(e["target"], e["status_code"]) for e in result["errors"]] == [("18f0000000000000", 404)]
        assert all((name in labels_of(host, owner, id)) is there for id in ids)


def test_an_auto_reply_is_set_and_read(host, owner):
    settings = {
        "user_email": owner, "enable_auto_reply": True, "response_subject": "Away",
        "response_body_plain_text": "Back soon", "restrict_to_domain": True,
        "start_time": "2027-05-20 00:00", "end_time": "2027-05-30 00:00"}
    host.result("set_auto_reply", settings)
    read = host.result("get_auto_reply", {"user_email": owner})["raw_data"]
    assert (read["enableAutoReply"], read["responseSubject"], read["startTime"]) == (True, "Away", "1810771200000")
    host.result("set_auto_reply", {"user_email": owner})
    assert not host.result("get_auto_reply", {"user_email": owner})["raw_data"].get("enableAutoReply")


def test_users_are_created_changed_and_deleted(host):
    def listed(**more):
        arguments = {"customer_id_or_domain_name": DOMAIN, "type": "domain", **more}
        return [u["primaryEmail"] for u in host.result("get_user_list", arguments)["raw_data"].get("users", [])]

    everyone = {ADMIN, FIONA, MIKA, NILS, OTTO, SOC}
    assert set(listed()) == everyone
    assert listed(order_by="email", sort_order="descending", limit=2) == [SOC, OTTO]
    new = f"mike@{DOMAIN}"
    made = host.result("create_user", {
        "family_name": "McDonald", "given_name": "Mike", "password": "PASSword!@#$", "user_email": new,
        "custom_fields": {"phones": [{"value": "+1 604 123 4567", "type": "work"}]}})["raw_data"]
    assert made["primaryEmail"] == new and made["phones"][0]["value"] == "+1 604 123 4567"
    assert host.failure("create_user", {
        "family_name": "M", "given_name": "M", "password": "PASSword!@#$", "user_email": new})["status_code"] == 409
    host.result("set_user_password", {"user_key": made["id"], "password": "other-password"})
    result = host.result("delete_users", {"user_email_or_id": [new, f"nobody@{DOMAIN}", MIKA]})
    assert [t["return_data"] for t in result["targets"]] == ["Successful", "Failed", "Successful"]
    assert set(listed()) == everyone - {MIKA}
    assert "PASSword!@#$" not in json.dumps(host.messages)


def test_a_token_that_has_expired_is_replaced(host, owner, running):
    host.result("list_labels", {"user_email": owner})
    running.advance(3_700)
    assert host.result("list_labels", {"user_email": owner})["return_data"] == "Successful"


def test_another_users_mailbox_requires_the_service_account(running):
    running.reset()
    with Host(running.document["connections"]["gmail_oauth_sandbox"]) as host:
        data = host.failure("list_labels", {"user_email": SOC})
        assert (data["status_code"], data["kind"]) == (403, "permission")
        assert "service account" in data["remedy"]


def test_a_suspended_user_cannot_be_impersonated(running):
    running.reset()
    with Host(running.document["connections"]["gmail_sandbox"]) as host:
        data = host.failure("list_labels", {"user_email": OTTO})
        assert data["kind"] == "auth" and "suspended" in data["remedy"]


@pytest.mark.parametrize("fault", [
    "gmail: 429 rateLimitExceeded first 2 retry-after 0",
    "gmail: 403 userRateLimitExceeded first 2 retry-after 0",
    "gmail: expired token first 1",
    "gmail: 503 first 2",
    "gmail: reset first 1",
    "gmail-auth: 503 first 1",
])
def test_mail_is_read_despite_faults(running, fault):
    running.reset()
    with Host(running.document["connections"]["gmail_sandbox"]) as host:
        ids = found(host, SOC)
    running.faults(fault)
    with Host(running.document["connections"]["gmail_sandbox"]) as host:
        bodies = host.result("get_email", {"user_email": SOC, "message_ids": ids})["raw_data"]
        assert [body["id"] for body in bodies] == ids


def test_sent_mail_arrives_with_its_file_and_as_an_event(host, owner):
    content = "id;amount\n17;4,20 €\n".encode()
    kept = host.call("files/put", {
        "name": "Beträge.csv", "source": "artifact_file",
        "content_base64": base64.b64encode(content).decode()})
    host.result("send_email", {
        "sender_email": owner, "to_recipients": [owner], "subject": "Beträge – geprüft",
        "content": "<p>See <b>the file</b>.</p>", "file_ids": [kept["file_id"]],
        "file_source": "artifact_file"})
    (message,) = found(host, owner, filter="in:inbox subject:geprüft")

    brought = host.result("download_email_attachment", {
        "user_email": owner, "message_id": message, "attachment_file_names": ["Beträge.csv"]})
    (file,) = brought["files"]
    assert pathlib.Path(file["path"]).read_bytes() == content
    assert file["sha256"] == hashlib.sha256(content).hexdigest()

    span = {"user_email": owner, "start_time": "2020-01-01", "end_time": "2099-01-01"}
    events = host.result("fetch_event", {**span, "search_condition": "in:inbox subject:geprüft"})
    (event,) = events["events"]
    assert event["fields"]["Unique Event Key"] == message
    assert event["fields"]["Email subject"] == "Beträge – geprüft"
    more = host.result("fetch_event", {
        **span, "search_condition": "in:inbox subject:geprüft", "cursor": events["cursor"]})
    assert more["events"] == []


def test_every_command_is_covered(host):
    (integration,) = host.call("capabilities", {"integration": "gmail"})["integrations"]
    assert len(integration["commands"]) == COMMANDS
