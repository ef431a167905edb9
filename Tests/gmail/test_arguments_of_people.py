"""Arguments as people write them: file names, addresses, times, hashes and auto replies."""

import pytest
from Support.mailbox import MAIL, put, read, sent
from Support.programmed_google import ANNA, Google
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import reply
from Support.workspace import SOC

RANGE = {"user_email": ANNA, "start_time": 1796067000000, "end_time": 1796067060000}
NEW_USER = {"family_name": "A", "given_name": "B", "user_email": "b@corp.example"}
CRYPT = "$6$" + "s" * 16 + "$" + "h" * 86


# File names


@pytest.mark.parametrize("name, plain", [
    ("Prüfung.pdf", "Pr_fung.pdf"), ("résumé.tar.gz", "r_sum_.tar.gz"), ("ü.txt", "_.txt"),
    ("x=?y.doc", "x=_y.doc"), ("報告", "__"), (".ü", "._"), ("é." + "x" * 40, "_." + "x" * 15),
    ("a" * 80 + ".pdf", "a" * 56 + ".pdf")])
def test_an_extension_is_sent_once(mailbox, host, name, plain):
    mail = sent(mailbox, host, file_ids=[put(host, name, b"a")])
    (part,) = mail.iter_attachments()
    assert part.get_filename() == name
    assert part.get_param("name") == plain


# Addresses


@pytest.mark.parametrize("address, words", [
    ("a@x.test, b@x.test", "one item per address"), ("a@x.test; b@x.test", "one item per address"),
    ("a@x.test b@x.test", "one item per address"), ("A <a@x.test>, B <b@x.test>", "one item per address"),
    ("a@x.test,", "invalid domain"),
    ("Doe, Jane <jane@x.test>", "in quotes"), ("CORP: Jane <jane@x.test>", "in quotes"),
    ("Jane (CORP <jane@x.test>", "in quotes"),
])
def test_an_invalid_recipient_is_refused_with_its_cause(mailbox, host, address, words):
    answer = host.answer("send_email", MAIL | {"to_recipients": [address]})
    (problem,) = answer["error"]["data"]["problems"]
    assert answer["error"]["code"] == -32602 and words in problem["message"], problem
    assert not mailbox.requests


@pytest.mark.parametrize("address, name, bare", [
    (" a@x.test ", "", "a@x.test"), ("\tA <a@x.test> ", "A", "a@x.test"),
    ("Jane (CORP) <jane@x.test>", "Jane (CORP)", "jane@x.test"),
    ("(CORP) Jane <jane@x.test>", "(CORP) Jane", "jane@x.test"),
    ('"Jane" (CORP, DE) <jane@x.test>', "Jane (CORP, DE)", "jane@x.test"),
    ('"Doe, Jane (CORP)" <jane@x.test>', "Doe, Jane (CORP)", "jane@x.test"),
    ('"jane@corp" <jane@x.test>', "jane@corp", "jane@x.test"),
    ('"a@b c"@x.test', "", '"a@b c"@x.test'),
])
def test_a_recipient_is_sent_whole(mailbox, host, address, name, bare):
    mail = sent(mailbox, host, to_recipients=[address])
    (to,) = mail["To"].addresses
    assert (to.display_name, to.addr_spec) == (name, bare)


# Times


@pytest.mark.parametrize("start, end", [
    (1796067000, 1796067060), (1, 2), (0, 1796067060000), (1796067000000, 17960670600), (-1, 1796067000000)])
def test_epoch_seconds_as_an_integer_are_refused(start, end):
    with Google() as google, Host(google.connection()) as host:
        error = host.answer("fetch_event", RANGE | {"start_time": start, "end_time": end})["error"]
        assert error["code"] == -32602 and "milliseconds" in str(error["data"]["problems"])
        assert not google.requests
    text = {"start_time": str(start), "end_time": str(end)}
    with Google() as google, Host(google.connection()) as host:
        assert host.answer("fetch_event", RANGE | text)["error"]["code"] == -32602


def test_epoch_milliseconds_as_an_integer_are_read():
    with Google() as google, Host(google.connection()) as host:
        assert host.result("fetch_event", RANGE)["return_data"] == "Successful"
        assert "after%3A179606" in google.calls[0].target


# Hashed passwords


@pytest.mark.parametrize("function, password", [
    ("crypt", CRYPT), ("crypt", "$6$rounds=999999999" + CRYPT[2:]), ("crypt", "abJnggxhB/yWI"),
    ("MD5", "0" * 32), ("SHA-1", "0" * 40)])
def test_a_hash_may_be_as_long_as_crypt_makes_it(function, password):
    arguments = NEW_USER | {"password": password, "custom_fields": {"hashFunction": function}}
    with Google(lambda request: reply(200, {"id": "1"})) as google, Host(google.connection()) as host:
        host.result("create_user", arguments)
        body = google.calls[0].json
        assert (body["password"], body["hashFunction"]) == (password, function)
        assert password.encode() not in host.everything()


@pytest.mark.parametrize("fields", [{}, {"custom_fields": {"hashFunction": None}}, {"custom_fields": {}}])
def test_a_clear_password_keeps_its_limit(fields):
    with Google() as google, Host(google.connection()) as host:
        answer = host.answer("create_user", NEW_USER | {"password": CRYPT} | fields)
        assert answer["error"]["code"] == -32602 and "hashFunction" in str(answer["error"]["data"])
        assert host.answer("create_user", NEW_USER | {"password": "x" * 100} | fields).get("result")
        long = NEW_USER | {"password": "x" * 384, "custom_fields": {"hashFunction": "crypt"}}
        assert host.answer("create_user", long)["error"]["code"] == -32602


# Auto replies

FORMER = {
    "enableAutoReply": True, "responseSubject": "Away", "responseBodyPlainText": "Back soon",
    "responseBodyHtml": "<p>Back soon</p>", "restrictToContacts": True, "restrictToDomain": False,
    "startTime": "1796067000000", "endTime": "1796167000000"}


def answers(request):
    return reply(200, FORMER if request.method == "GET" else request.body)


def test_turning_an_auto_reply_off_keeps_the_texts_and_returns_the_former_settings():
    with Google(answers) as google, Host(google.connection()) as host:
        result = host.result("set_auto_reply", {"user_email": ANNA, "enable_auto_reply": False})
        assert [call.method for call in google.calls] == ["GET", "PUT"]
        off = FORMER | {"enableAutoReply": False}
        assert google.calls[1].json == off
        assert result["raw_data"] == off | {"formerSettings": FORMER}


def test_given_values_replace_the_kept_ones():
    given = {"user_email": ANNA, "response_body_plain_text": "Gone", "end_time": 1796067600000}
    with Google(answers) as google, Host(google.connection()) as host:
        host.result("set_auto_reply", given)
        kept = {name: value for name, value in FORMER.items() if name != "responseBodyHtml"}
        assert google.calls[1].json == kept | {
            "enableAutoReply": False, "responseBodyPlainText": "Gone", "endTime": "1796067600000"}


def test_settings_that_cannot_be_read_are_not_overwritten():
    with Google(lambda request: reply(403, {})) as google, Host(google.connection()) as host:
        data = host.failure("set_auto_reply", {"user_email": ANNA})
        assert data["outcome"] == "not_applied" and [call.method for call in google.calls] == ["GET"]


@pytest.mark.parametrize("more", [
    {}, {"response_subject": "  "}, {"response_body_plain_text": "\n"}, {"restrict_to_domain": True}])
def test_an_auto_reply_needs_a_subject_or_a_text(more):
    with Google() as google, Host(google.connection()) as host:
        error = host.answer("set_auto_reply", {"user_email": ANNA, "enable_auto_reply": True} | more)["error"]
        assert error["code"] == -32602 and not google.requests


def test_the_emulated_workspace_keeps_the_texts():
    sandbox = Sandbox()
    try:
        with Host(sandbox.document["connections"]["gmail_sandbox"]) as host:
            on = {"user_email": SOC, "enable_auto_reply": True, "response_subject": "Away"}
            host.result("set_auto_reply", on)
            off = host.result("set_auto_reply", {"user_email": SOC})["raw_data"]
            assert off["formerSettings"]["enableAutoReply"] is True
            read = host.result("get_auto_reply", {"user_email": SOC})["raw_data"]
            assert (read["enableAutoReply"], read["responseSubject"]) == (False, "Away")
    finally:
        sandbox.stop()
