"""`sallyport auth gmail`: user consent, from the page to the connections file. The tests act as the
browser."""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import pty
import re
import signal
import stat
import subprocess
import threading
import urllib.parse

import pytest
import requests
from Support import host, session
from Support.host import Host
from Support.ports import free_port
from Support.programmed_google import CLIENT_SECRET, Google, token_refusal
from Support.upstream import reply
from Support.workspace import ADMIN, MIKA

TIMEOUT = 30
SCOPES = [
    "https://mail.google.com/", "https://www.googleapis.com/auth/gmail.settings.basic",
    "https://www.googleapis.com/auth/admin.directory.user"]


class Auth(Host):
    """A running `sallyport auth gmail`, at the point where it has printed the page."""

    def __init__(self, file, *options, stdin=subprocess.PIPE, env=None):
        super().__init__(
            "gmail", "--connections", str(file), *options, command=("auth",), stdin=stdin, more_environment=env)
        self.page = self.read_line().decode()
        self.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.page).query))

    @property
    def redirect(self):
        return self.query["redirect_uri"]

    def paste(self, text):
        self.send_bytes(text.encode() + b"\n")

    def visit(self, **query):
        """Redirects the browser like the page."""
        return requests.get(self.redirect, params={"state": self.query["state"]} | query, timeout=TIMEOUT)

    def end(self):
        """Ends the input; returns the exit status. `output` is then what followed the page."""
        self.close_input()
        self.output = "".join(line.decode() + "\n" for line in self.rest_lines())
        return self.exit_code()


@pytest.fixture
def workspace(running, tmp_path):
    """A connections file with an OAuth connection without consent."""
    running.reset()
    document = json.loads(json.dumps(running.document))
    settings = document["connections"]["gmail_oauth_sandbox"]["settings"]
    del settings["refresh_token"], settings["authorization_code"]
    file = tmp_path / "connections.json"
    file.write_text(json.dumps(document, indent=2))
    file.chmod(0o644)
    return file


def settings_in(file, name="gmail_oauth_sandbox"):
    return json.loads(file.read_text())["connections"][name]["settings"]


def consented(auth):
    """The redirect address of the emulated page after consent."""
    answer = requests.get(auth.page + "&auto=1", allow_redirects=False, timeout=TIMEOUT)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


# In a browser on this machine


def test_a_browser_on_this_machine_completes_the_sign_in(workspace, running):
    with Auth(workspace) as auth:
        assert auth.page.startswith(settings_in(workspace)["authorization_url"] + "?")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", auth.redirect)
        assert auth.query["scope"].split(" ") == SCOPES
        assert (auth.query["access_type"], auth.query["prompt"], auth.query["response_type"]) == (
            "offline", "consent", "code")
        assert auth.query["code_challenge_method"] == "S256"
        assert len(auth.query["code_challenge"]) == 43 and len(auth.query["state"]) == 43
        # The user allows access, and the browser is redirected.
        assert "wants to access" in requests.get(auth.page, timeout=TIMEOUT).text
        shown = requests.get(auth.page + "&auto=1", timeout=TIMEOUT)
        assert shown.history[0].status_code == 302 and shown.url.startswith(auth.redirect)
        assert shown.status_code == 200 and "close this window" in shown.text
        assert shown.headers["Cache-Control"] == "no-store"
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert auth.end() == 0
        assert auth.output == f"Signed in as {ADMIN}. The refresh token is saved in the connection gmail_oauth_sandbox.\n"
    token = settings_in(workspace)["refresh_token"]
    assert token.startswith("1//")
    assert stat.S_IMODE(workspace.stat().st_mode) == 0o600
    assert os.listdir(workspace.parent) == ["connections.json"]
    with session.Host(options=["--connections", str(workspace)]) as serving:
        serving.integration = "gmail"
        assert serving.result("test_connection", connection="gmail_oauth_sandbox")["return_data"] == "Successful"


def test_every_run_has_its_own_state_and_challenge(workspace):
    with Auth(workspace) as one, Auth(workspace) as other:
        for name in ("state", "code_challenge", "redirect_uri"):
            assert one.query[name] != other.query[name]


def test_page_asks_the_user_named_by_the_option(workspace):
    with Auth(workspace, "--user", MIKA, "--connection", "gmail_oauth_sandbox") as auth:
        assert requests.get(consented(auth), timeout=TIMEOUT).status_code == 200
        assert auth.end() == 0 and MIKA in auth.output


def test_the_port_can_be_chosen(workspace):
    port = free_port()
    with Auth(workspace, "--port", str(port)) as auth:
        assert auth.redirect == f"http://127.0.0.1:{port}/"
        ended = run(workspace, "--port", str(port))
        assert ended.code == 2 and "--port" in ended.errors and ended.output == b""


def test_other_requests_get_404(workspace):
    with Auth(workspace) as auth:
        state = auth.query["state"]
        for path in ("favicon.ico", "", "?state=" + state, "?code=&state=" + state,
                     f"?code=a&code=b&state={state}", f"callback?code=a&state={state}"):
            assert requests.get(auth.redirect + path, timeout=TIMEOUT).status_code == 404, path
        for verb in ("POST", "HEAD", "PUT"):
            answer = requests.request(verb, auth.redirect, params={"code": "a", "state": state}, timeout=TIMEOUT)
            assert answer.status_code == 404, verb
        # It is still waiting.
        assert requests.get(consented(auth), timeout=TIMEOUT).status_code == 200
        assert auth.end() == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(auth.redirect, timeout=TIMEOUT)


def test_a_second_response_gets_409_while_the_first_is_exchanged(tmp_path):
    entered, go_on = threading.Event(), threading.Event()

    def token(request, form, number):
        entered.set()
        assert go_on.wait(TIMEOUT)
        return google.grant(form, number)

    with Google(token=token) as google, programmed(tmp_path, google) as auth:
        first = []
        browser = threading.Thread(target=lambda: first.append(auth.visit(code="4/first")))
        browser.start()
        assert entered.wait(TIMEOUT)
        assert auth.visit(code="4/second").status_code == 409
        go_on.set()
        browser.join(TIMEOUT)
        assert first[0].status_code == 200 and auth.end() == 0
        assert [form["code"] for form in google.forms] == ["4/first"]


# In a browser elsewhere


@pytest.mark.parametrize("form", ["address", "code", "escaped code", "code and scope", "with blanks"])
def test_address_of_a_browser_elsewhere_can_be_pasted(workspace, form):
    with Auth(workspace) as auth:
        address = consented(auth)
        escaped = re.search(r"code=([^&]+)", address)[1]
        assert escaped.startswith("4%2F")
        code = urllib.parse.unquote(escaped)
        auth.paste("")
        auth.paste("what is this?")
        auth.paste({"address": address, "code": code, "escaped code": escaped,
                    "code and scope": f"{escaped}&scope=x", "with blanks": f"  {address}\t"}[form])
        assert auth.end() == 0, auth.errors
        assert "not a code" in auth.errors and code not in auth.output + auth.errors
    assert settings_in(workspace)["refresh_token"].startswith("1//")


def test_eof_on_stdin_does_not_stop_the_listener(workspace):
    with Auth(workspace, stdin=subprocess.DEVNULL) as auth:
        assert requests.get(consented(auth), timeout=TIMEOUT).status_code == 200
        assert auth.end() == 0


def test_the_address_can_be_pasted_in_a_terminal(workspace):
    owner, terminal = pty.openpty()
    with Auth(workspace, stdin=terminal) as auth:
        os.close(terminal)
        os.write(owner, consented(auth).encode() + b"\n")
        assert auth.end() == 0
    os.close(owner)


def test_the_callback_url_of_a_web_application_can_be_pasted(workspace):
    with Auth(workspace, "--paste") as auth:
        assert auth.redirect == settings_in(workspace)["callback_url"]
        auth.paste(consented(auth))
        assert auth.end() == 0
    assert settings_in(workspace)["refresh_token"].startswith("1//")


def test_paste_fails_on_eof(workspace):
    with Auth(workspace, "--paste", stdin=subprocess.DEVNULL) as auth:
        assert auth.end() == 1 and "stdin ended" in auth.errors


@pytest.mark.parametrize("by", ["option", "stdin"])
def test_a_code_from_elsewhere_is_exchanged(workspace, running, by):
    settings = settings_in(workspace)
    page = requests.get(settings["authorization_url"], params={
        "client_id": settings["client_id"], "redirect_uri": settings["callback_url"], "response_type": "code",
        "scope": " ".join(SCOPES), "access_type": "offline", "prompt": "consent", "auto": "1"},
        allow_redirects=False, timeout=TIMEOUT)
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.headers["Location"]).query))["code"]
    given, input = (code, b"") if by == "option" else ("-", code.encode() + b"\n")
    ended = run(workspace, "--code", given, input=input)
    assert ended.code == 0, ended.errors
    assert settings_in(workspace)["refresh_token"].startswith("1//")
    assert code.encode() not in ended.output + ended.errors.encode()


def run(file, *options, input=b"", env=None):
    return host.run("auth", "gmail", "--connections", str(file), *options, input=input, more_environment=env)


# Errors on the page


def test_a_user_can_deny_consent(workspace):
    with Auth(workspace) as auth:
        shown = requests.get(auth.page + "&deny=1", timeout=TIMEOUT)
        assert shown.status_code == 400 and "could not sign in" in shown.text
        assert auth.end() == 1
        assert auth.output == "" and "The user did not consent." in auth.errors
    assert "refresh_token" not in settings_in(workspace)


def test_refusal_text_cannot_control_the_terminal(workspace):
    with Auth(workspace) as auth:
        shown = auth.visit(error="invalid_scope", error_description="Not \x1b[31mthis one")
        assert shown.status_code == 400 and "this one" not in shown.text
        assert auth.end() == 1 and "invalid_scope: Not \\u{1B}[31mthis one" in auth.errors


@pytest.mark.parametrize("way", ["browser", "paste"])
@pytest.mark.parametrize("state", ["", "x", None])
def test_redirect_with_another_state_is_refused(workspace, running, way, state):
    with Auth(workspace) as auth:
        mine = consented(auth)
        address = urllib.parse.urlsplit(mine)
        query = dict(urllib.parse.parse_qsl(address.query))
        query.pop("state")
        if state is not None:
            query["state"] = state
        forged = address._replace(query=urllib.parse.urlencode(query)).geturl()
        running.forget_log()
        if way == "browser":
            answer = requests.get(forged, timeout=TIMEOUT)
            assert answer.status_code == 400 and "another request" in answer.text
            assert running.log() == [] and "refresh_token" not in settings_in(workspace)
            # Any page can redirect a browser there. The command still waits for the right response.
            assert requests.get(mine, timeout=TIMEOUT).status_code == 200
            assert auth.end() == 0 and "refresh_token" in settings_in(workspace)
            return
        auth.paste(forged)
        assert auth.end() == 1 and "another request" in auth.errors
        assert running.log() == []
    assert "refresh_token" not in settings_in(workspace)


def test_a_code_of_another_request_fails_pkce(workspace):
    """A code alone has no state. PKCE detects that it belongs to another request."""
    with Auth(workspace) as one, Auth(workspace) as other:
        # A code of the first request, redirected to the address of the second.
        page = one.page.replace(
            urllib.parse.quote(one.redirect, safe=""), urllib.parse.quote(other.redirect, safe=""))
        answer = requests.get(page + "&auto=1", allow_redirects=False, timeout=TIMEOUT)
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))["code"]
        other.paste(code)
        assert other.end() == 1
        assert "400  Missing or invalid code verifier." in other.errors and "consent again" in other.errors


def test_waiting_for_consent_ends_at_the_timeout(workspace):
    with Auth(workspace, "--timeout", "1") as auth:
        assert auth.end() == 1
        assert "The user did not consent within 1 seconds." in auth.errors and "redirect_uri_mismatch" in auth.errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it(workspace, number):
    with Auth(workspace) as auth:
        auth.process.send_signal(number)
        assert auth.end() == 130 and "Traceback" not in auth.errors
    assert "refresh_token" not in settings_in(workspace)


# Errors of the code exchange


@contextlib.contextmanager
def programmed(tmp_path, google, *options, settings=None, **more):
    """`auth` against a programmed Google."""
    file = tmp_path / "connections.json"
    connection = google.oauth(settings={"refresh_token": None, "authorization_url": google.url + "/auth"}
                              | (settings or {}))
    file.write_text(json.dumps({"connections": {"main": connection}}))
    with Auth(file, *options, **more) as auth:
        auth.file = file
        yield auth


def test_code_exchange_sends_the_verifier_of_the_challenge(tmp_path):
    with Google() as google, programmed(tmp_path, google) as auth:
        assert auth.visit(code="4/0Ab/c+d").status_code == 200
        assert auth.end() == 0, auth.errors
        (form,) = google.forms
        verifier = form.pop("code_verifier")
        assert form == {
            "grant_type": "authorization_code", "client_id": auth.query["client_id"],
            "client_secret": CLIENT_SECRET, "code": "4/0Ab/c+d", "redirect_uri": auth.redirect}
        digest = hashlib.sha256(verifier.encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == auth.query["code_challenge"]
        # The user is unknown to it, which is no failure.
        assert auth.output == "Signed in. The refresh token is saved in the connection main.\n"


@pytest.mark.parametrize("status, error, description, remedy", [
    (400, "invalid_grant", "Malformed auth code.", "consent again"),
    (401, "invalid_client", "The OAuth client was not found.", "client_secret"),
    (400, "redirect_uri_mismatch", "Bad Request", "callback_url"),
    (401, "unauthorized_client", "Client is unauthorized.", "client_id"),
])
def test_a_rejected_exchange_has_a_remedy(tmp_path, status, error, description, remedy):
    with Google(token=lambda *_: token_refusal(status, error, description)) as google:
        with programmed(tmp_path, google) as auth:
            assert auth.visit(code="4/0A").status_code == 400
            assert auth.end() == 1
            assert f"{status}  {description}" in auth.errors and remedy in auth.errors
            assert len(google.forms) == 1


def test_a_response_without_a_refresh_token_is_an_error(tmp_path):
    with Google() as google:
        google.token = lambda request, form, number: google.grant(form, number, refresh_token=None)
        with programmed(tmp_path, google) as auth:
            auth.visit(code="4/0A")
            assert auth.end() == 1
            assert "no refresh token" in auth.errors and "prompt=consent" in auth.errors


def test_missing_scopes_are_listed(tmp_path):
    with Google() as google:
        google.token = lambda request, form, number: google.grant(form, number, scope=" ".join(SCOPES[:2]))
        with programmed(tmp_path, google) as auth:
            auth.visit(code="4/0A")
            assert auth.end() == 0
            assert f"Scope not granted: {SCOPES[2]}" in auth.errors and SCOPES[0] not in auth.errors


def test_no_secret_is_shown_or_logged(tmp_path):
    with Google(lambda request: reply(200, {"emailAddress": "anna@corp.example"})) as google:
        with programmed(tmp_path, google, "--log-level", "debug") as auth:
            # Also not in the process list.
            words = pathlib.Path(f"/proc/{auth.process.pid}/cmdline").read_bytes()
            assert CLIENT_SECRET.encode() not in words
            auth.visit(code="4/0A-code-of-this-test")
            assert auth.end() == 0
            shown = auth.page + auth.output + auth.errors
            assert "anna@corp.example" in shown
            refresh = json.loads(auth.file.read_text())["connections"]["main"]["settings"]["refresh_token"]
            for secret in (CLIENT_SECRET, "code-of-this-test", refresh, "ya29.", google.forms[0]["code_verifier"]):
                assert secret not in shown


def test_a_token_that_cannot_be_saved_is_an_error(tmp_path):
    with Google() as google, programmed(tmp_path, google) as auth:
        auth.file.unlink()
        assert auth.visit(code="4/0A").status_code == 400
        assert auth.end() == 1 and "could not be saved" in auth.errors


# Usage errors


@pytest.mark.parametrize("options, words", [
    (["--connection", "gmail_oauth_sanbox"], 'did you mean "gmail_oauth_sandbox"?'),
    (["--connection", "gmail_sandbox"], "service account"),
    (["--connection", "coda_sandbox"], 'unknown connection "coda_sandbox" of gmail'),
    (["--conection", "x"], 'did you mean "--connection"?'),
    (["--port", "0"], "--port"), (["--port", "65536"], "--port"), (["--timeout", "3601"], "3600"),
    (["--code", "a", "--paste"], "--paste cannot be used with --code"),
    (["--paste", "--port", "8765"], "--port cannot be used with --paste"),
    (["--code", ""], "--code requires a code"), (["--code", "a b"], "--code requires a code"),
    (["more"], 'unexpected argument "more"'),
])
def test_wrong_option_fails_before_the_user_is_asked(workspace, options, words):
    ended = run(workspace, *options)
    assert (ended.code, ended.output) == (2, b"") and words in ended.errors


@pytest.mark.parametrize("integration, words", [
    ("gmial", 'did you mean "gmail"?'), ("coda_footprint", "no connection of coda_footprint requires consent"),
])
def test_a_vendor_without_consent_is_refused(workspace, integration, words):
    ended = host.run("auth", integration, "--connections", str(workspace))
    assert ended.code == 2 and words in ended.errors


def test_a_connection_that_cannot_save_the_token_is_rejected_first(tmp_path):
    with Google() as google:
        file = tmp_path / "connections.json"
        connection = google.oauth(settings={"refresh_token": {"$env": "REFRESH"}})
        file.write_text(json.dumps({"connections": {"main": connection}}))
        ended = run(file, env={"REFRESH": "1//x"})
        assert ended.code == 2 and "cannot save the refresh_token" in ended.errors
        assert google.requests == []


def test_refresh_token_is_written_to_its_own_file(tmp_path):
    own = tmp_path / "refresh"
    with Google() as google:
        # The file may be missing.
        with programmed(tmp_path, google, settings={"refresh_token": {"$file": str(own)}}) as auth:
            auth.visit(code="4/0A")
            assert auth.end() == 0, auth.errors
        assert own.read_text().startswith("1//") and stat.S_IMODE(own.stat().st_mode) == 0o600
        kept = json.loads((tmp_path / "connections.json").read_text())["connections"]["main"]["settings"]
        assert kept["refresh_token"] == {"$file": str(own)}


def test_new_token_replaces_the_expired_one_only(tmp_path):
    with Google() as google, programmed(tmp_path, google, settings={"refresh_token": "1//dead"}) as auth:
        before = auth.file.read_text()
        auth.visit(code="4/0A")
        assert auth.end() == 0
        assert auth.file.read_text() == before.replace("1//dead", "1//0e-refresh-1-of-the-code")
        assert len(google.forms) == 1


def test_paste_and_code_require_callback_url(tmp_path):
    with Google() as google:
        file = tmp_path / "connections.json"
        connection = google.oauth(settings={"refresh_token": None, "callback_url": None})
        file.write_text(json.dumps({"connections": {"main": connection}}))
        for option in (["--paste"], ["--code", "4/0A"]):
            ended = run(file, *option)
            assert ended.code == 2 and "callback_url" in ended.errors


def test_connection_is_required_if_several_need_consent(tmp_path):
    with Google() as google:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {"one": google.oauth(), "two": google.oauth()}}))
        ended = run(file)
        assert ended.code == 2 and "expected one of: one, two" in ended.errors


def test_a_token_file_that_is_a_link_is_refused_before_the_consent(tmp_path):
    """A file that the host writes is never replaced through a link."""
    target, link, file = tmp_path / "target", tmp_path / "link", tmp_path / "connections.json"
    target.write_text("1//0e-old\n")
    target.chmod(0o600)
    link.symlink_to(target)
    with Google() as google:
        connection = google.oauth(settings={"refresh_token": {"$file": str(link)}})
        file.write_text(json.dumps({"connections": {"main": connection}}))
        file.chmod(0o600)
        ended = run(file)
        assert ended.code == 2 and "cannot save the refresh_token" in ended.errors, ended.errors
        assert str(link) in ended.errors and google.requests == []
    assert target.read_text() == "1//0e-old\n"
