"""Search Emails over several mailboxes: a result and an outcome for each."""

import json
import urllib.parse

import pytest
from Support.host import run
from Support.programmed_google import ADMIN, ANNA, Google, bearer, refusal, token_refusal
from Support.sandbox import Sandbox
from Support.session import Host
from Support.upstream import reply
from Support.workspace import FIONA, NILS, SOC, Workspace

BEN, CARA = "ben@corp.example", "cara@corp.example"


def owner(request):
    return urllib.parse.unquote(request.path.split("/")[4])


def mailboxes(sizes):
    """Google with mailboxes of so many messages; a reply instead of a number answers each search."""

    def answer(request):
        user, query = owner(request), dict(request.query)
        assert bearer(request)[1] == user
        if not isinstance(sizes[user], int):
            return sizes[user]
        begin, limit = int(query.get("pageToken", "t0")[1:]), int(query["maxResults"])
        end = min(begin + limit, sizes[user])
        found = [{"id": f"{user}-{n}", "threadId": "t"} for n in range(begin, end)]
        body = {"resultSizeEstimate": 201} | ({"messages": found} if found else {})
        return reply(200, body | ({"nextPageToken": f"t{end}"} if end < sizes[user] else {}))

    return Google(answer)


def ids(body):
    return [message["id"] for message in body.get("messages", [])]


def test_each_mailbox_is_searched_and_has_a_result():
    with mailboxes({ANNA: 2, BEN: 0, CARA: 1}) as google, Host(google.connection()) as host:
        result = host.result("search_emails", {
            "user_email": [CARA, ANNA, BEN, ANNA], "filter": "from:x", "label_ids": ["INBOX"]})
        assert result["return_data"] == "Successful" and "notices" not in result
        assert result["targets"] == [
            {"target": user, "return_data": "Successful"} for user in (CARA, ANNA, BEN)]
        assert [ids(body) for body in result["raw_data"]] == [[f"{CARA}-0"], [f"{ANNA}-0", f"{ANNA}-1"], []]
        assert {dict(r.query)["q"] for r in google.calls} == {"from:x"} and len(google.calls) == 3
        assert result["meta"]["pages"] == 3


def test_a_text_is_answered_as_before_and_a_list_of_one_as_a_list():
    with mailboxes({ANNA: 1}) as google, Host(google.connection()) as host:
        body = {"resultSizeEstimate": 201, "messages": [{"id": f"{ANNA}-0", "threadId": "t"}]}
        one = host.result("search_emails", {"user_email": ANNA})
        assert one["raw_data"] == body and "targets" not in one
        several = host.result("search_emails", {"user_email": [ANNA]})
        assert several["raw_data"] == [body] and len(several["targets"]) == 1


def test_a_mailbox_that_fails_does_not_stop_the_others():
    off = refusal(400, "Mail service not enabled", "failedPrecondition")
    with mailboxes({ANNA: 1, BEN: off, CARA: 1}) as google:
        # Google signs in for nobody who does not exist.
        granted = google.token
        google.token = lambda request, form, number: (
            token_refusal(400, "invalid_grant", "Invalid email or User ID")
            if google.verified(form["assertion"])["sub"] == ADMIN else granted(request, form, number))
        with Host(google.connection()) as host:
            result = host.result("search_emails", {"user_email": [ANNA, BEN, ADMIN, CARA]})
            assert result["return_data"] == "Partially Successful"
            assert [t["return_data"] for t in result["targets"]] == ["Successful", "Failed", "Failed", "Successful"]
            assert [ids(body) for body in result["raw_data"]] == [[f"{ANNA}-0"], [f"{CARA}-0"]]
            errors = {error["target"]: error for error in result["errors"]}
            assert errors[BEN]["status_code"] == 400 and "Enable Gmail" in errors[BEN]["remedy"]
            assert errors[ADMIN]["kind"] == "auth" and "existing user" in errors[ADMIN]["remedy"]
            error = host.failure("search_emails", {"user_email": [BEN]})
            assert [t["target"] for t in error["targets"]] == [BEN]


@pytest.mark.parametrize("stream", [False, True])
def test_all_pages_of_each_mailbox_are_read(stream):
    with mailboxes({ANNA: 7, BEN: 3, CARA: 0}) as google, Host(google.connection()) as host:
        arguments = {"user_email": [ANNA, BEN, CARA], "limit": 3}
        number = host.start("search_emails", arguments, all_pages=True, stream=stream)
        result = host.wait(number)[0]["result"]
        if stream:
            items = [params["item"] for params in host.notifications("invoke/item", number)]
            found = {item["target"]: item["data"] for item in items}
            assert "raw_data" not in result and len(items) == result["meta"]["items"] == 3
        else:
            found = dict(zip(arguments["user_email"], result["raw_data"]))
        assert ids(found[ANNA]) == [f"{ANNA}-{n}" for n in range(7)]
        assert ids(found[BEN]) == [f"{BEN}-{n}" for n in range(3)] and ids(found[CARA]) == []
        assert "notices" not in result and result["meta"]["pages"] == 5 == len(google.calls)


@pytest.mark.parametrize("options", [{}, {"stream": True}])
def test_mailboxes_with_more_messages_are_named(options):
    with mailboxes({ANNA: 3, BEN: 2, CARA: 9}) as google, Host(google.connection()) as host:
        arguments = {"user_email": [CARA, ANNA, BEN], "limit": 2}
        (notice,) = host.result("search_emails", arguments, **options)["notices"]
        assert "limit of 2" in notice and "all_pages" in notice
        assert notice.endswith(f"Mailboxes: {CARA}, {ANNA}.")


@pytest.mark.parametrize("users, path", [
    ([], "/arguments/user_email"), ([""], "/arguments/user_email/0"), ([ANNA, 7], "/arguments/user_email/1"),
    (7, "/arguments/user_email"), ([f"u{n}@x.example" for n in range(1001)], "/arguments/user_email")])
def test_an_invalid_list_is_refused(users, path):
    with Google() as google, Host(google.connection()) as host:
        answer = host.answer("search_emails", {"user_email": users})
        assert answer["error"]["code"] == -32602
        assert [p["path"] for p in answer["error"]["data"]["problems"]] == [path]
        assert google.requests == []


def test_a_dry_run_shows_a_request_for_each_mailbox():
    with Google() as google, Host(google.connection()) as host:
        requests = host.result("search_emails", {"user_email": [ANNA, BEN]}, dry_run=True)["requests"]
        assert [urllib.parse.unquote(r["url"]).split("/")[6] for r in requests] == [ANNA, BEN]
        assert google.requests == []


@pytest.mark.parametrize("all_pages", [True, False])
def test_the_results_of_all_mailboxes_are_bounded_together(all_pages):
    sizes = {f"u{n}@corp.example": 400 for n in range(16)}
    with mailboxes(sizes) as google:
        with Host(google.connection(), options=["--max-result-bytes", "300000"]) as host:
            result = host.result("search_emails", {"user_email": list(sizes), "limit": 200}, all_pages=all_pages)
            kinds = {error["kind"] for error in result["errors"]}
            assert kinds == {"too_large"} and 0 < len(result["raw_data"]) < 16
            # What the pages held is not counted twice.
            few = list(sizes)[:4]
            assert "errors" not in host.result("search_emails", {"user_email": few, "limit": 200}, all_pages=all_pages)


def test_a_campaign_is_found_across_the_emulated_mailboxes():
    with Sandbox() as sandbox:
        workspace = Workspace(sandbox.base)
        with Host(workspace.service) as host:
            users = [NILS, FIONA, SOC, "nobody@harbor.example"]
            result = host.result("search_emails", {"user_email": users, "filter": 'subject:"berth fees"'})
            assert result["return_data"] == "Partially Successful"
            assert [t["return_data"] for t in result["targets"]] == ["Successful"] * 3 + ["Failed"]
            assert [bool(body.get("messages")) for body in result["raw_data"]] == [True, True, False]


@pytest.mark.parametrize("words", [
    ["--user-email", FIONA, "--user-email", NILS], ["--user-email", f'["{FIONA}","{NILS}"]'],
    ["--json", f'{{"user_email":["{FIONA}","{NILS}"]}}']])
def test_a_parameter_that_is_repeated_on_the_command_line_is_a_list(words):
    ended = run("call", "gmail", "search_emails", *words, "--limit", "1", "--sandbox", "--raw")
    assert ended.code == 0, ended.errors
    assert [t["target"] for t in json.loads(ended.output)["targets"]] == [FIONA, NILS]
