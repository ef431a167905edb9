"""Least privilege: `scopes` names what was delegated, and each request uses the least of them."""

import copy

import pytest
from Support.programmed_google import ADMIN, ANNA, Google, bearer
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import reply
from Support.workspace import FIONA, SOC, Workspace

AUTH = "https://www.googleapis.com/auth/"
FULL = "https://mail.google.com/"
ID = "182b676d244938bd"
MAIL = {"user_email": ANNA}
MESSAGES = MAIL | {"message_ids": [ID]}
SENDING = {"sender_email": ANNA, "subject": "S", "content": "c", "to_recipients": ["a@b.example"]}
USER = {"family_name": "A", "given_name": "B", "user_email": "b@corp.example", "password": "Change-Me-8"}
#: Scopes of the methods in Google's discovery documents, the one that allows least first.
SUFFICIENT = [
    ("search_emails", MAIL, ["gmail.metadata", "gmail.readonly", "gmail.modify", "mail.google.com"]),
    ("search_emails", MAIL | {"filter": "in:inbox"}, ["gmail.readonly", "gmail.modify", "mail.google.com"]),
    ("get_email", MESSAGES, ["gmail.readonly", "gmail.modify", "mail.google.com"]),
    ("download_email_attachment", MAIL | {"message_id": ID, "attachment_file_names": ["a"]},
     ["gmail.readonly", "gmail.modify", "mail.google.com"]),
    ("label_emails", MESSAGES | {"add_labels": ["IMPORTANT"]}, ["gmail.modify", "mail.google.com"]),
    ("report_spam", MESSAGES, ["gmail.modify", "mail.google.com"]),
    ("trash_emails", MESSAGES, ["gmail.modify", "mail.google.com"]),
    ("untrash_emails", MESSAGES, ["gmail.modify", "mail.google.com"]),
    ("delete_emails", MESSAGES, ["mail.google.com"]),
    ("send_email", SENDING, ["gmail.send", "gmail.compose", "gmail.modify", "mail.google.com"]),
    ("list_labels", MAIL,
     ["gmail.labels", "gmail.metadata", "gmail.readonly", "gmail.modify", "mail.google.com"]),
    ("get_auto_reply", MAIL, ["gmail.settings.basic", "gmail.readonly", "gmail.modify", "mail.google.com"]),
    ("set_auto_reply", MAIL | {"enable_auto_reply": True, "response_subject": "x"}, ["gmail.settings.basic"]),
    ("get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer"},
     ["admin.directory.user.readonly", "admin.directory.user", "cloud-platform"]),
    ("create_user", USER, ["admin.directory.user"]),
    ("set_user_password", {"user_key": "b@corp.example", "password": "Change-Me-8"}, ["admin.directory.user"]),
    ("delete_users", {"user_email_or_id": "b@corp.example"}, ["admin.directory.user"]),
]
EVERY = [
    "gmail.send", "gmail.labels", "gmail.metadata", "gmail.readonly", "gmail.compose", "gmail.insert",
    "gmail.modify", "gmail.settings.basic", "gmail.settings.sharing", "mail.google.com",
    "admin.directory.user.readonly", "admin.directory.user", "cloud-platform"]


def url(name):
    return FULL if name == "mail.google.com" else AUTH + name


def scoped(google, *scopes):
    return google.connection(settings={"scopes": list(scopes)})


@pytest.mark.parametrize("command, arguments, sufficient", SUFFICIENT, ids=lambda value: value if isinstance(value, str) else "")
def test_the_least_sufficient_scope_is_requested(command, arguments, sufficient):
    with Google(lambda request: reply(200, {})) as google:
        # Each scope alone, and all of them in any order.
        for named, used in [([name], name) for name in sufficient] + [(EVERY[::-1], sufficient[0])]:
            with Host(scoped(google, *named)) as host:
                host.answer(command, arguments)
            assert google.assertions.pop()["scope"] == url(used), named
            assert not google.assertions


@pytest.mark.parametrize("command, arguments, sufficient", SUFFICIENT, ids=lambda value: value if isinstance(value, str) else "")
def test_without_a_sufficient_scope_nothing_is_sent(command, arguments, sufficient):
    others = [name for name in EVERY if name not in sufficient]
    with Google() as google, Host(scoped(google, *others)) as host:
        for options in ({}, {"dry_run": True}):
            error = host.failure(command, arguments, **options)
            assert (error["kind"], error["status_code"], error["outcome"]) == ("permission", 403, "not_applied")
            assert error["message"].endswith(f"Sufficient is one of: {', '.join(sufficient)}.")
            assert "Delegate" in error["remedy"]
        assert google.requests == []


def test_turning_auto_replies_off_needs_both_scopes_before_it_reads():
    with Google() as google, Host(scoped(google, "gmail.readonly")) as host:
        error = host.failure("set_auto_reply", MAIL)
        assert error["message"].endswith("Sufficient is one of: gmail.settings.basic.")
        assert google.requests == []


def test_each_request_has_its_own_scope():
    with Google(lambda request: reply(200, {"enableAutoReply": False})) as google:
        with Host(scoped(google, "gmail.readonly", "gmail.settings.basic")) as host:
            host.result("set_auto_reply", MAIL)
            host.result("search_emails", MAIL)
        assert [(bearer(r)[1], bearer(r)[2]) for r in google.calls] == [
            (ANNA, AUTH + "gmail.settings.basic"), (ANNA, AUTH + "gmail.settings.basic"),
            (ANNA, AUTH + "gmail.readonly")]


@pytest.mark.parametrize("name, spelling", [
    ("gmail.readonly", AUTH + "gmail.readonly"), ("mail.google.com", FULL),
    ("mail.google.com", "https://mail.google.com"), ("mail.google.com", "mail.google.com/")])
def test_scopes_are_accepted_as_addresses(name, spelling):
    with Google(lambda request: reply(200, {})) as google, Host(scoped(google, spelling)) as host:
        host.result("search_emails", MAIL)
        assert google.assertions[0]["scope"] == url(name)


@pytest.mark.parametrize("scope, suggestion", [
    ("gmail.readonl", "gmail.readonly"), ("gmail.setings.basic", "gmail.settings.basic"),
    (AUTH + "gmail.modfy", AUTH + "gmail.modify"), ("https://mail.gogle.com/", FULL), ("drive", None)])
def test_an_unknown_scope_is_a_fault_of_the_connection(scope, suggestion):
    with Google() as google, Host(google.connection()) as host:
        host.integration = "gmail"
        answer = host.answer("search_emails", MAIL, connection=scoped(google, "gmail.send", scope))
        (problem,) = answer["error"]["data"]["problems"]
        assert answer["error"]["code"] == -32602 and problem["path"] == "/connection/settings/scopes/1"
        assert problem.get("did_you_mean") == suggestion
        assert "unknown scope; expected one of: " in problem["message"]
        assert google.requests == []


def test_an_empty_list_of_scopes_is_a_fault():
    with Google() as google, Host(google.connection()) as host:
        answer = host.answer("search_emails", MAIL, connection=scoped(google))
        assert answer["error"]["data"]["problems"][0]["path"] == "/connection/settings/scopes"


@pytest.mark.parametrize("scope, path, user", [
    ("gmail.metadata", "/profile", ADMIN), ("gmail.compose", "/profile", ADMIN),
    ("mail.google.com", "/profile", ADMIN), ("gmail.labels", "/labels", ADMIN),
    ("gmail.settings.basic", "/settings/vacation", ADMIN),
    ("admin.directory.user.readonly", "/admin/directory/v1/users", ADMIN),
    ("admin.directory.user", "/admin/directory/v1/users", ADMIN),
    ("gmail.send", None, ADMIN), ("gmail.settings.sharing", None, ADMIN)])
def test_a_connection_is_tested_with_the_scopes_that_it_has(scope, path, user):
    with Google(lambda request: reply(200, {})) as google, Host(scoped(google, scope)) as host:
        assert host.result("test_connection")["return_data"] == "Successful"
        assert [(claims["sub"], claims["scope"]) for claims in google.assertions] == [(user, url(scope))]
        assert [call.path.endswith(path) for call in google.calls] == ([True] if path else [])


def test_an_oauth_client_is_refused_what_its_user_did_not_consent_to():
    with Google(lambda request: reply(200, {})) as google:
        with Host(google.oauth(settings={"scopes": ["gmail.readonly"]})) as host:
            host.result("search_emails", MAIL)
            error = host.failure("trash_emails", MESSAGES)
            assert error["kind"] == "permission" and "sallyport auth gmail" in error["remedy"]
        # The token of the consent has its scopes already.
        assert len(google.forms) == 1 and "scope" not in google.forms[0]


# The emulated Workspace


@pytest.fixture(scope="module")
def workspace():
    with Sandbox() as sandbox:
        yield Workspace(sandbox.base)


def narrow(workspace, *scopes):
    """The second service account, which was delegated the narrow scopes only."""
    connection = copy.deepcopy(workspace.service)
    account = connection["settings"]["service_account_json"]
    account["client_email"] = account["client_email"].replace("sallyport@", "sallyport-narrow@")
    connection["settings"]["scopes"] = list(scopes)
    return connection


def test_commands_run_with_narrow_delegation(workspace):
    scopes = ["gmail.send", "gmail.readonly", "gmail.labels", "gmail.settings.basic", "admin.directory.user.readonly"]
    with Host(narrow(workspace, *scopes)) as host:
        found = host.result("search_emails", {"user_email": SOC, "filter": "in:inbox", "limit": 6})
        ids = [message["id"] for message in found["raw_data"]["messages"]]
        assert len(host.result("get_email", {"user_email": SOC, "message_ids": ids})["raw_data"]) == 6
        host.result("list_labels", {"user_email": SOC})
        host.result("send_email", SENDING | {"sender_email": SOC, "to_recipients": [FIONA]})
        host.result("get_auto_reply", {"user_email": FIONA})
        host.result("get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer"})
        host.result("test_connection")
        assert host.failure("trash_emails", {"user_email": SOC, "message_ids": ids})["kind"] == "permission"


def test_a_scope_that_was_not_delegated_is_refused_by_google(workspace):
    with Host(narrow(workspace, "mail.google.com")) as host:
        error = host.failure("search_emails", {"user_email": SOC})
        assert error["kind"] == "auth" and "Delegate" in error["remedy"]
