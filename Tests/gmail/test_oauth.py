"""Sign-in as a user who consented, and refresh tokens."""

import json
import os
import stat

import pytest
from Support.programmed_google import (
    ANNA, CALLBACK, CLIENT_ID, CLIENT_SECRET, CODE, REFRESH_TOKEN, Google, bearer, refusal,
    token_refusal,
)
from Support.session import Host
from Support.upstream import reply

LABELS = {"user_email": ANNA}
REFRESH = {
    "grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN}
EXCHANGE = {
    "grant_type": "authorization_code", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
    "code": CODE, "redirect_uri": CALLBACK}
FIRST = {"refresh_token": None, "authorization_code": CODE}
ISSUED = "1//0e-refresh-1-of-the-code"


def changes(host):
    return [m["params"] for m in host.messages if m["method"] == "connections/changed"]


def settings_in(host, name="main"):
    return json.loads((host.path / "connections.json").read_text())["connections"][name]["settings"]


def test_refresh_token_yields_one_token_for_all_commands():
    with Google() as google, Host(google.oauth()) as host:
        host.result("list_labels", LABELS)
        host.result("get_auto_reply", LABELS)
        host.result("get_user_list", {"customer_id_or_domain_name": "my_customer", "type": "customer"})
        assert google.forms == [REFRESH]
        assert {bearer(call) for call in google.calls} == {(1, None, None)}
        assert changes(host) == [] and settings_in(host)["refresh_token"] == REFRESH_TOKEN


def test_connection_reads_the_users_mailbox():
    with Google() as google, Host(google.oauth()) as host:
        host.result("test_connection")
        assert google.calls[0].path == "/gmail/v1/users/me/profile"


def test_a_code_is_exchanged_once_and_the_refresh_token_is_saved():
    with Google() as google, Host(google.oauth(settings=FIRST)) as host:
        file = host.path / "connections.json"
        file.chmod(0o644)
        for number in [host.start("list_labels", LABELS) for _ in range(10)]:
            assert "result" in host.wait(number)[0]
        assert google.forms == [EXCHANGE]
        assert changes(host) == [{"name": "main"}]
        assert settings_in(host)["refresh_token"] == ISSUED
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert sorted(os.listdir(host.path)) == ["connections.json"]
        # The next host signs in with what the file has now.
        connection = json.loads(file.read_text())["connections"]["main"]
        with Host(connection) as other:
            other.result("list_labels", LABELS)
            assert google.forms[1] == REFRESH | {"refresh_token": ISSUED}
        assert b"1//0e" not in host.everything()


def test_an_issued_refresh_token_is_used_from_then_on_also_after_a_failure():
    """A code is valid once: its refresh token must not be lost if a later refresh fails."""
    with Google() as google:
        google.answer_signed_in = lambda request: (
            refusal(401, "Invalid Credentials", "authError") if bearer(request)[0] == 1 else reply(200, {}))
        google.token = lambda request, form, number: (
            token_refusal(400, "invalid_request", "Try later") if number == 2 else google.grant(form, number))
        with Host(google.oauth(settings=FIRST)) as host:
            host.failure("list_labels", LABELS)
            host.result("list_labels", LABELS)
        kinds = [form["grant_type"] for form in google.forms]
        assert kinds[0] == "authorization_code" and kinds[-1] == "refresh_token"
        assert google.forms[-1]["refresh_token"] == ISSUED


def test_a_rotated_refresh_token_is_saved_and_used():
    with Google() as google:
        google.token = lambda request, form, number: google.grant(
            form, number, expires_in=0, refresh_token=f"1//0e-rotated-{number}")
        with Host(google.oauth()) as host:
            host.result("list_labels", LABELS)
            assert settings_in(host)["refresh_token"].startswith("1//0e-rotated-")
            used = [form["refresh_token"] for form in google.forms]
            assert used == [REFRESH_TOKEN, *(f"1//0e-rotated-{n}" for n in range(1, len(used)))]
            assert len(changes(host)) == len(used)


def test_the_rest_of_the_file_is_unchanged():
    with Google() as google, Host(google.oauth(settings=FIRST)) as host:
        connection = google.oauth(settings=FIRST)
        text = ('{\n  "connections" : {\n    "ä": ' + json.dumps(connection).replace("{", "{\n\t", 1)
                .replace('"settings": {', '"settings": {\n      ') + ',\n    "b": {"integration":"gmail","settings":' + json.dumps(connection["settings"])
                + ',"active":false}\n  },  "note": 1.50e2\n}\n')
        file = host.path / "own.json"
        file.write_text(text)
        with Host(options=["--connections", str(file)]) as other:
            other.integration = "gmail"
            other.result("list_labels", LABELS)
        # Formatted like the following member.
        member = f'\n      "refresh_token": "{ISSUED}",'
        written = file.read_text()
        assert written.count(member) == 1 and written.replace(member, "") == text


def test_a_concurrent_edit_is_not_lost():
    with Google() as google, Host(google.oauth(settings=FIRST)) as host:
        host.call("ping")
        file = host.path / "connections.json"
        document = json.loads(file.read_text())
        document["connections"]["new"] = {"integration": "gmail"}
        file.write_text(json.dumps(document))
        host.result("list_labels", LABELS)
        assert settings_in(host)["refresh_token"] == ISSUED
        assert "new" in json.loads(file.read_text())["connections"]


def test_refresh_token_in_its_own_file_is_replaced_there(tmp_path):
    own = tmp_path / "refresh"
    own.write_text(REFRESH_TOKEN + "\n")
    with Google() as google:
        google.token = lambda request, form, number: google.grant(form, number, refresh_token="1//0e-rotated")
        with Host(google.oauth(settings={"refresh_token": {"$file": str(own)}})) as host:
            host.result("list_labels", LABELS)
            assert own.read_text() == "1//0e-rotated\n"
            assert settings_in(host)["refresh_token"] == {"$file": str(own)}
            assert changes(host) == [{"name": "main"}]


def test_a_link_to_the_file_stays_a_link(tmp_path):
    with Google() as google:
        target, link = tmp_path / "target.json", tmp_path / "link.json"
        target.write_text(json.dumps({"connections": {"main": google.oauth(settings=FIRST)}}))
        link.symlink_to(target)
        with Host(options=["--connections", str(link)]) as host:
            host.integration = "gmail"
            host.result("list_labels", LABELS)
        assert link.is_symlink() and ISSUED in target.read_text()


@pytest.mark.parametrize("trouble", ["variable", "gone"])
def test_a_refresh_token_that_cannot_be_saved_is_still_used(trouble):
    with Google() as google:
        google.token = lambda request, form, number: google.grant(form, number, refresh_token="1//0e-rotated")
        given = {"$env": "REFRESH"} if trouble == "variable" else REFRESH_TOKEN
        with Host(google.oauth(settings={"refresh_token": given}), env={"REFRESH": REFRESH_TOKEN}) as host:
            host.call("ping")
            if trouble == "gone":
                (host.path / "connections.json").unlink()
            host.result("list_labels", LABELS)
            host.result("list_labels", LABELS)
            assert changes(host) == [] and len(google.forms) == 1
        assert b"cannot save the new refresh_token of the connection main" in host.stderr
        assert b"rotated" not in host.stderr


def test_inline_connection_keeps_the_refresh_token_in_memory():
    with Google() as google, Host() as host:
        host.integration = "gmail"
        host.call("connections/put", {"name": "put", "connection": google.oauth(settings=FIRST)})
        for _ in range(2):
            host.result("list_labels", LABELS, connection="put")
        assert google.forms == [EXCHANGE] and changes(host) == []


@pytest.mark.parametrize("status, error, description, remedy", [
    (400, "invalid_grant", "Token has been expired or revoked.", "consent again"),
    (400, "invalid_grant", "Malformed auth code.", "consent again"),
    (401, "invalid_client", "The OAuth client was not found.", "client_secret"),
    (400, "redirect_uri_mismatch", "Bad Request", "callback_url"),
])
def test_each_sign_in_error_has_its_remedy(status, error, description, remedy):
    with Google(token=lambda *_: token_refusal(status, error, description)) as google:
        with Host(google.oauth()) as host:
            data = host.failure("list_labels", LABELS)
        assert (data["kind"], data["status_code"], data["message"]) == ("auth", status, description)
        assert remedy in data["remedy"] and len(google.forms) == 1


def test_no_request_without_refresh_token_and_code():
    with Google() as google, Host(google.oauth(settings={"refresh_token": None})) as host:
        data = host.failure("list_labels", LABELS)
        assert data["kind"] == "auth" and "consent" in data["remedy"]
        assert google.requests == []


def test_code_without_a_refresh_token_is_an_error():
    with Google() as google:
        google.token = lambda request, form, number: google.grant(form, number, refresh_token=None)
        with Host(google.oauth(settings=FIRST)) as host:
            assert "no refresh token" in host.failure("list_labels", LABELS)["message"]


def test_new_code_replaces_an_expired_refresh_token():
    def token(request, form, number):
        if form.get("refresh_token") == REFRESH_TOKEN:
            return token_refusal(400, "invalid_grant", "Token has been expired or revoked.")
        return google.grant(form, number)

    with Google(token=token) as google, Host(google.oauth(settings={"authorization_code": CODE})) as host:
        host.result("list_labels", LABELS)
        assert google.forms == [REFRESH, EXCHANGE]
        assert settings_in(host)["refresh_token"] == "1//0e-refresh-2-of-the-code"


def test_a_used_code_does_not_hide_the_error_of_the_refresh_token():
    def token(request, form, number):
        words = "Token has been expired or revoked." if "refresh_token" in form else "Malformed auth code."
        return token_refusal(400, "invalid_grant", words)

    with Google(token=token) as google, Host(google.oauth(settings={"authorization_code": CODE})) as host:
        assert host.failure("list_labels", LABELS)["message"] == "Token has been expired or revoked."


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_the_settings_of_a_client_are_required(missing):
    with Google() as google, Host() as host:
        host.integration = "gmail"
        error = host.answer("list_labels", LABELS, connection=google.oauth(settings={missing: None}))["error"]
        assert [p["path"] for p in error["data"]["problems"]] == [f"/connection/settings/{missing}"]
