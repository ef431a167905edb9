"""The requests of every command, as sent and in a dry run."""

import json

import pytest
from Support.programmed_google import ADMIN, ANNA, MAIL, SETTINGS, USERS, Google, bearer
from Support.session import Host
from Support.upstream import reply

ONE, TWO = "182b676d244938bd", "182b676d244938be"
BOX = "/gmail/v1/users/anna%40corp.example"
PEOPLE = "/admin/directory/v1/users"
PASSWORD = "PASSword!@#$"

#: command, arguments, [(method, target, body)], user and scope of the token
COMMANDS = [
    ("test_connection", {}, [("GET", "/gmail/v1/users/admin%40corp.example/profile", None)], ADMIN, MAIL),
    # Mail
    ("search_emails", {"user_email": ANNA}, [("GET", f"{BOX}/messages?maxResults=100", None)], ANNA, MAIL),
    ("search_emails",
     {"user_email": ANNA, "filter": "subject:\"good news\" from:a+b@x.io", "limit": 500,
      "label_ids": ["IMPORTANT", "Label_1"], "include_spam_trash": True},
     [("GET", f"{BOX}/messages?q=subject%3A%22good%20news%22%20from%3Aa%2Bb%40x.io&maxResults=500"
       "&labelIds=IMPORTANT&labelIds=Label_1&includeSpamTrash=true", None)], ANNA, MAIL),
    ("search_emails", {"user_email": ANNA, "include_spam_trash": False, "limit": 1},
     [("GET", f"{BOX}/messages?maxResults=1", None)], ANNA, MAIL),
    ("get_email", {"user_email": ANNA, "message_ids": [ONE]},
     [("GET", f"{BOX}/messages/{ONE}?format=full", None)], ANNA, MAIL),
    ("get_email", {"user_email": ANNA, "message_ids": ["../a b/?#"]},
     [("GET", f"{BOX}/messages/..%2Fa%20b%2F%3F%23?format=full", None)], ANNA, MAIL),
    ("delete_emails", {"user_email": ANNA, "message_ids": [ONE, TWO, ONE]},
     [("DELETE", f"{BOX}/messages/{ONE}", None), ("DELETE", f"{BOX}/messages/{TWO}", None)], ANNA, MAIL),
    ("trash_emails", {"user_email": ANNA, "message_ids": [ONE]},
     [("POST", f"{BOX}/messages/{ONE}/trash", b"")], ANNA, MAIL),
    ("untrash_emails", {"user_email": ANNA, "message_ids": [ONE]},
     [("POST", f"{BOX}/messages/{ONE}/untrash", b"")], ANNA, MAIL),
    ("label_emails",
     {"user_email": ANNA, "message_ids": [ONE, TWO], "add_labels": ["IMPORTANT", "Label_1"],
      "remove_labels": ["STARRED"]},
     [("POST", f"{BOX}/messages/{id}/modify",
       {"addLabelIds": ["IMPORTANT", "Label_1"], "removeLabelIds": ["STARRED"]}) for id in (ONE, TWO)],
     ANNA, MAIL),
    ("label_emails", {"user_email": ANNA, "message_ids": [ONE], "add_labels": [], "remove_labels": ["INBOX"]},
     [("POST", f"{BOX}/messages/{ONE}/modify", {"removeLabelIds": ["INBOX"]})], ANNA, MAIL),
    ("report_spam", {"user_email": ANNA, "message_ids": [ONE]},
     [("POST", f"{BOX}/messages/{ONE}/modify", {"addLabelIds": ["SPAM"], "removeLabelIds": ["INBOX"]})],
     ANNA, MAIL),
    ("list_labels", {"user_email": ANNA}, [("GET", f"{BOX}/labels", None)], ANNA, MAIL),
    # Auto replies
    ("get_auto_reply", {"user_email": ANNA}, [("GET", f"{BOX}/settings/vacation", None)], ANNA, SETTINGS),
    ("set_auto_reply", {"user_email": ANNA},
     [("GET", f"{BOX}/settings/vacation", None),
      ("PUT", f"{BOX}/settings/vacation",
       {"enableAutoReply": False, "restrictToContacts": False, "restrictToDomain": False})], ANNA, SETTINGS),
    ("set_auto_reply",
     {"user_email": ANNA, "enable_auto_reply": True, "response_subject": "Away",
      "response_body_plain_text": "<P>Happy Vacation</P>", "restrict_to_contacts": True,
      "restrict_to_domain": True, "start_time": "2022-05-20 00:00", "end_time": 1653868800000},
     [("PUT", f"{BOX}/settings/vacation",
       {"enableAutoReply": True, "responseSubject": "Away", "responseBodyHtml": "<P>Happy Vacation</P>",
        "restrictToContacts": True, "restrictToDomain": True, "startTime": "1653004800000",
        "endTime": "1653868800000"})], ANNA, SETTINGS),
    ("set_auto_reply",
     {"user_email": ANNA, "response_body_plain_text": "1 < 2 and 3 > 2", "end_time": "2022-05-30T02:00:00+02:00"},
     [("GET", f"{BOX}/settings/vacation", None),
      ("PUT", f"{BOX}/settings/vacation",
       {"enableAutoReply": False, "responseBodyPlainText": "1 < 2 and 3 > 2", "restrictToContacts": False,
        "restrictToDomain": False, "endTime": "1653868800000"})], ANNA, SETTINGS),
    # An address in angle brackets is not a tag.
    ("set_auto_reply",
     {"user_email": ANNA, "response_body_plain_text": "See <https://corp.example/> or <anna@corp.example>"},
     [("GET", f"{BOX}/settings/vacation", None),
      ("PUT", f"{BOX}/settings/vacation",
       {"enableAutoReply": False, "responseBodyPlainText": "See <https://corp.example/> or <anna@corp.example>",
        "restrictToContacts": False, "restrictToDomain": False})], ANNA, SETTINGS),
    # Users
    ("create_user",
     {"family_name": "McDonald", "given_name": "Mike", "password": PASSWORD, "user_email": "mike@corp.example",
      "custom_fields": {"name": {"displayName": "Mac"}}},
     [("POST", PEOPLE,
       {"primaryEmail": "mike@corp.example",
        "name": {"givenName": "Mike", "familyName": "McDonald", "displayName": "Mac"},
        "password": PASSWORD})], ADMIN, USERS),
    ("create_user",
     {"family_name": "McDonald", "given_name": "Mike", "password": PASSWORD, "user_email": "mike@corp.example"},
     [("POST", PEOPLE,
       {"primaryEmail": "mike@corp.example", "name": {"givenName": "Mike", "familyName": "McDonald"},
        "password": PASSWORD})], ADMIN, USERS),
    ("create_user",
     {"family_name": "McDonald", "given_name": "Mike", "password": PASSWORD, "user_email": "mike@corp.example",
      "custom_fields": {"phones": [{"value": "+1 604", "type": "work"}], "changePasswordAtNextLogin": True}},
     [("POST", PEOPLE,
       {"primaryEmail": "mike@corp.example", "name": {"givenName": "Mike", "familyName": "McDonald"},
        "password": PASSWORD, "phones": [{"value": "+1 604", "type": "work"}],
        "changePasswordAtNextLogin": True})], ADMIN, USERS),
    ("set_user_password", {"user_key": ANNA, "password": PASSWORD},
     [("PUT", f"{PEOPLE}/anna%40corp.example", {"password": PASSWORD})], ADMIN, USERS),
    ("delete_users", {"user_email_or_id": ANNA}, [("DELETE", f"{PEOPLE}/anna%40corp.example", None)], ADMIN, USERS),
    ("delete_users", {"user_email_or_id": [ANNA, "1158", ANNA]},
     [("DELETE", f"{PEOPLE}/anna%40corp.example", None), ("DELETE", f"{PEOPLE}/1158", None)], ADMIN, USERS),
    ("get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer"},
     [("GET", f"{PEOPLE}?customer=my_customer&maxResults=500", None)], ADMIN, USERS),
    ("get_user_list",
     {"customer_id_or_domain_name": "corp.example", "type": "domain", "limit": 10, "order_by": "family_name",
      "filter": "name:'Test User' isAdmin=false", "sort_order": "descending"},
     [("GET", f"{PEOPLE}?domain=corp.example&maxResults=10&orderBy=familyName"
       "&query=name%3A%27Test%20User%27%20isAdmin%3Dfalse&sortOrder=DESCENDING", None)], ADMIN, USERS),
]
NAMES = [f"{number}-{case[0]}" for number, case in enumerate(COMMANDS)]


@pytest.fixture(scope="module")
def google():
    with Google() as google:
        yield google


@pytest.fixture(scope="module")
def host(google):
    with Host(google.connection()) as host:
        yield host


def sent(request):
    """In the form of `COMMANDS`."""
    length = request.header("Content-Length")
    if length is None:
        return request.method, request.target, None
    if not request.body:
        return request.method, request.target, b""
    assert request.header("Content-Type") == "application/json"
    return request.method, request.target, request.json


@pytest.mark.parametrize("command, arguments, expected, user, scope", COMMANDS, ids=NAMES)
def test_command_sends_the_documented_request(google, host, command, arguments, expected, user, scope):
    before = len(google.calls)
    assert host.result(command, arguments)["return_data"] == "Successful"
    calls = google.calls[before:]
    # Targets run concurrently.
    assert sorted(map(repr, map(sent, calls))) == sorted(map(repr, expected))
    for call in calls:
        assert bearer(call)[1:] == (user, scope)
        assert call.header("Accept") == "application/json"


@pytest.mark.parametrize("command, arguments, expected, user, scope", COMMANDS, ids=NAMES)
def test_a_dry_run_shows_the_requests_and_sends_nothing(google, host, command, arguments, expected, user, scope):
    before = len(google.requests)
    result = host.result(command, arguments, dry_run=True)
    assert len(google.requests) == before
    assert PASSWORD not in json.dumps(result)
    shown = []
    for request in result["requests"]:
        assert request["headers"]["Authorization"] == "[redacted]"
        shown.append((request["method"], request["url"].removeprefix(google.url), request.get("body")))
    hidden = [
        (method, target, body | {"password": "[redacted]"} if isinstance(body, dict) and "password" in body else body)
        for method, target, body in expected]
    # Empty bodies are not shown.
    assert [(m, t, b or None) for m, t, b in shown] == [(m, t, b or None) for m, t, b in hidden]


@pytest.mark.parametrize("command, arguments, path, message", [
    ("search_emails", {"user_email": ANNA, "limit": 501}, "limit", "from 1 to 500"),
    ("search_emails", {"user_email": ANNA, "limit": 0}, "limit", "from 1 to 500"),
    ("search_emails", {}, "user_email", "is required"),
    ("get_email", {"user_email": ANNA, "message_ids": []}, "message_ids", "at least 1"),
    ("label_emails", {"user_email": ANNA, "message_ids": [ONE]}, "", "add_labels"),
    ("label_emails", {"user_email": ANNA, "message_ids": [ONE], "add_labels": ["L"] * 101}, "add_labels", "100"),
    ("set_auto_reply", {"user_email": ANNA, "start_time": 1653868800002, "end_time": 1653868800001}, "start_time",
     "before end_time"),
    ("set_auto_reply", {"user_email": ANNA, "start_time": 1653868800001, "end_time": 1653868800001}, "start_time",
     "before end_time"),
    ("set_user_password", {"user_key": ANNA, "password": "seven77"}, "password", "8 to 100"),
    ("set_user_password", {"user_key": ANNA, "password": "é" * 10}, "password", "ASCII"),
    ("set_user_password", {"user_key": ANNA, "password": "x" * 101}, "password", "8 to 100"),
    ("create_user", {"family_name": "x" * 61, "given_name": "x", "password": "12345678", "user_email": "a@b"},
     "family_name", "60"),
    ("create_user",
     {"family_name": "x", "given_name": "x", "password": "12345678", "user_email": "a@b",
      "custom_fields": {"password": "87654321"}}, "custom_fields/password", "parameter of the command"),
    ("create_user",
     {"family_name": "x", "given_name": "x", "password": "12345678", "user_email": "a@b",
      "custom_fields": {"name": {"givenName": "y"}}}, "custom_fields/name/givenName", "parameter of the command"),
    ("delete_users", {"user_email_or_id": []}, "user_email_or_id", "1"),
    ("delete_users", {"user_email_or_id": 7}, "user_email_or_id", ""),
    ("get_user_list", {"customer_id_or_domain_name": "x", "type": "group"}, "type", "customer, domain"),
])
def test_an_invalid_argument_is_rejected_before_anything_is_sent(google, host, command, arguments, path, message):
    before = len(google.requests)
    error = host.answer(command, arguments)["error"]
    assert error["code"] == -32602
    (problem, *_) = error["data"]["problems"]
    assert problem["path"].startswith(f"/arguments/{path}".rstrip("/")) and message in problem["message"]
    assert len(google.requests) == before


def test_api_version_sets_the_path():
    with Google() as google, Host(google.connection(settings={"api_version": "v2"})) as host:
        host.result("list_labels", {"user_email": ANNA})
        assert google.calls[0].path == "/gmail/v2/users/anna%40corp.example/labels"


# The user list


def users(google_pages):
    """Pages by token."""

    def answer(request):
        query = dict(request.query)
        page = google_pages[query.get("pageToken")]
        return reply(200, {"kind": "admin#directory#users", **page})

    return answer


def person(number):
    return {"id": str(number), "primaryEmail": f"u{number}@corp.example"}


PAGES = {
    None: {"users": [person(1), person(2)], "nextPageToken": "t/1="},
    "t/1=": {"users": [person(3)], "nextPageToken": "t2"},
    "t2": {"users": [person(4), person(5)]},
}


def test_all_pages_of_the_user_list_are_read():
    with Google(users(PAGES)) as google, Host(google.connection()) as host:
        result = host.result("get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer"})
        assert [user["id"] for user in result["raw_data"]["users"]] == ["1", "2", "3", "4", "5"]
        assert result["meta"]["pages"] == 3
        assert [dict(c.query).get("pageToken") for c in google.calls] == [None, "t/1=", "t2"]
        assert {dict(c.query)["maxResults"] for c in google.calls} == {"500"}


def test_a_limit_ends_the_user_list():
    with Google(users(PAGES)) as google, Host(google.connection()) as host:
        result = host.result(
            "get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer", "limit": 3})
        assert [user["id"] for user in result["raw_data"]["users"]] == ["1", "2", "3"]
        assert [dict(c.query)["maxResults"] for c in google.calls] == ["3", "1"]


def test_the_user_list_is_streamed():
    with Google(users(PAGES)) as google, Host(google.connection()) as host:
        number = host.start(
            "get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer"}, stream=True)
        message, _ = host.wait(number)
        assert "raw_data" not in message["result"] and message["result"]["meta"]["items"] == 5
        items = [n["item"]["id"] for n in host.notifications("invoke/item", number)]
        assert items == ["1", "2", "3", "4", "5"]


def test_a_repeated_page_token_ends_the_list():
    pages = {None: {"nextPageToken": "a"}, "a": {"users": [person(1)], "nextPageToken": "a"}}
    with Google(users(pages)) as google, Host(google.connection()) as host:
        result = host.result("get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer"})
        assert len(google.calls) == 2
        assert [user["id"] for user in result["raw_data"]["users"]] == ["1"]


def test_a_search_without_results_is_a_success():
    with Google(lambda request: reply(200, {"resultSizeEstimate": 0})) as google, Host(google.connection()) as host:
        result = host.result("search_emails", {"user_email": ANNA})
        assert result["raw_data"] == {"resultSizeEstimate": 0}
