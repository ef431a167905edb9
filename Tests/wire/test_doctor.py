"""`sallyport doctor`: its verdicts agree with those of openssl, curl and google-auth, and it changes nothing."""

from __future__ import annotations

import email.utils
import json
import subprocess
import time

import pytest
from google.auth import _helpers
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import credentials, service_account
from Support import control_center
from Support.certificates import Authority
from Support.host import run
from Support.plugins import Plugins
from Support.plugins import connection as plugin_connection
from Support.programmed_google import (
    ADMIN, CLIENT_ID, CLIENT_SECRET, MAIL, REFRESH_TOKEN, SETTINGS, TOKEN, USERS, Google, key_file, token_refusal)
from Support.session import PASSWORD, connection
from Support.upstream import Tenant, Upstream, reply, tunnel

CHECKS = ["settings", "files", "references", "dns", "proxy", "connect", "tls", "clock", "credentials"]


class Diagnosis:
    """What doctor says about one connection."""

    def __init__(self, one, code):
        self.code = code
        self.raw = one
        assert [check["check"] for check in one["checks"]] == CHECKS
        self.checks = {check["check"]: check for check in one["checks"]}
        self.verdicts = {name: check["verdict"] for name, check in self.checks.items()}
        self.commands = {command["command"]: command["verdict"] for command in one["commands"]}
        self.messages = {command["command"]: command["message"] for command in one["commands"]}

    @property
    def failed(self):
        return [name for name, verdict in self.verdicts.items() if verdict == "failed"]

    def remedy(self, check):
        return self.checks[check]["remedy"]


def write(path, connections):
    path.write_text(json.dumps({"connections": connections}))
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def doctor(tmp_path):
    """Examines connections; a single one is returned alone."""

    def examine(*connections, options=(), env=None):
        names = ["main", *(f"other{number}" for number in range(1, len(connections)))]
        file = write(tmp_path / "connections.json", dict(zip(names, connections)))
        result = run("doctor", "--json", "--connections", file, *options, more_environment=env)
        assert result.code in (0, 1), result.errors
        document = json.loads(result.output)
        found = [Diagnosis(one, result.code) for one in document["connections"]]
        text = result.text + result.errors
        assert PASSWORD not in text and CLIENT_SECRET not in text and REFRESH_TOKEN not in text
        assert "PRIVATE KEY" not in text
        return found[0] if len(connections) == 1 else found

    return examine


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"), "stranger")


def dated(seconds=0):
    """The Date header of a vendor whose clock is that far ahead."""
    return ("Date", email.utils.formatdate(time.time() + seconds, usegmt=True))


# Well

def test_a_connection_that_works(doctor):
    with Tenant(lambda request: reply(200, [], headers=[dated()])) as tenant:
        found = doctor(connection(tenant.url))
        assert found.code == 0
        assert found.verdicts == {
            "settings": "ok", "files": "ok", "references": "skipped", "dns": "ok", "proxy": "ok", "connect": "ok",
            "tls": "skipped", "clock": "ok", "credentials": "ok"}
        assert found.commands["list_tenants"] == "will_run"
        assert found.commands["patch_rescan"] == "not_verified"
        assert len(found.commands) == 14
        # A HEAD without credentials, one sign-in, and one read.
        assert [(one.method, one.header("Authorization") is None) for one in tenant.requests] == [
            ("HEAD", True), ("POST", True), ("GET", False)]
        assert len(tenant.logins) == 1


def test_the_emulated_vendors_are_well():
    result = run("doctor", "--sandbox", "--json")
    document = json.loads(result.output)
    assert [one["integration"] for one in document["connections"]]
    for one in document["connections"]:
        failed = [check for check in one["checks"] if check["verdict"] == "failed"]
        assert not failed, failed
        assert {command["verdict"] for command in one["commands"]} <= {"will_run", "not_verified"}
    assert result.code == 0


def test_what_a_policy_forbids_is_well(doctor):
    with Tenant(lambda request: reply(200, [])) as tenant:
        found = doctor(connection(tenant.url, policy={"read_only": True, "deny": ["list_scanners"]}))
        assert found.code == 0
        assert found.commands["patch_rescan"] == found.commands["list_scanners"] == "forbidden_by_policy"
        assert "read-only" in found.messages["patch_rescan"]
        assert found.commands["list_tenants"] == "will_run"


def test_a_policy_that_forbids_test_connection_keeps_doctor_from_signing_in(doctor):
    with Tenant() as tenant:
        found = doctor(connection(tenant.url, policy={"deny": ["test_connection"]}))
        assert (found.code, found.verdicts["credentials"]) == (0, "not_verified")
        assert [one.method for one in tenant.requests] == ["HEAD"]


def test_an_inactive_connection_is_well_and_sends_nothing(doctor):
    with Tenant() as tenant:
        found = doctor(connection(tenant.url, active=False))
        assert found.code == 0 and tenant.requests == []
        assert set(found.commands.values()) == {"forbidden_by_policy"}
        assert found.verdicts["credentials"] == "skipped"


# TLS: openssl and curl judge

def judged_by_openssl(tenant, authority):
    host, port = tenant.url.removeprefix("https://").split(":")
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", authority.file, "-verify_return_error",
         "-verify_ip", host],
        input=b"", capture_output=True, timeout=30)
    text = (result.stdout + result.stderr).decode(errors="replace")
    return None if result.returncode == 0 else text


def judged_by_curl(tenant, authority):
    result = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--cacert", authority.file, tenant.url], capture_output=True, text=True,
        timeout=30)
    return None if result.returncode == 0 else result.stderr


@pytest.mark.parametrize("context, phrase, openssl, curl", [
    (lambda own, other: own.server(), None, None, None),
    (lambda own, other: own.server(days=-1), "has expired", "certificate has expired", "certificate has expired"),
    (lambda own, other: own.server(days=20), "is not yet valid", "certificate is not yet valid", "not yet valid"),
    (lambda own, other: own.server("example.com"), "is for another name", "IP address mismatch", "subject name"),
    (lambda own, other: other.server(), "is issued by an unknown authority", "unable to get local issuer",
     "unable to get local issuer"),
], ids=["valid", "expired", "not yet valid", "another name", "another authority"])
def test_tls_verdicts_agree_with_openssl_and_curl(context, phrase, openssl, curl, doctor, authority, stranger):
    with Tenant(lambda request: reply(200, []), tls=context(authority, stranger)) as tenant:
        found = doctor(connection(tenant.url, tls={"ca_file": str(authority.file)}))
        sent = [one.method for one in tenant.requests]
        by_openssl, by_curl = judged_by_openssl(tenant, authority), judged_by_curl(tenant, authority)
        if phrase is None:
            assert by_openssl is None and by_curl is None
            assert (found.code, found.verdicts["tls"], found.verdicts["credentials"]) == (0, "ok", "ok")
            return
        assert openssl in by_openssl and curl in by_curl
        assert (found.code, found.failed, sent) == (1, ["tls"], [])
        assert found.checks["tls"]["message"] == f"127.0.0.1: the certificate {phrase}"
        assert found.remedy("tls") and found.verdicts["credentials"] == "skipped"
        assert set(found.commands.values()) == {"not_verified"}


def test_a_demanded_client_certificate_is_named(doctor, authority):
    with Tenant(tls=authority.wanting_clients(authority.server())) as tenant:
        found = doctor(connection(tenant.url, tls={"ca_file": str(authority.file)}))
        assert (found.code, found.failed) == (1, ["tls"])
        assert "tls.client_certificate" in found.remedy("tls")


# The way to the vendor

def test_a_name_that_does_not_resolve(doctor):
    found = doctor(connection("https://vendor.invalid"))
    assert (found.code, found.failed) == (1, ["dns"])
    assert "vendor.invalid" in found.checks["dns"]["message"]
    assert {found.verdicts[name] for name in ("connect", "tls", "clock", "credentials")} == {"skipped"}


def test_a_port_that_nobody_listens_on(doctor):
    found = doctor(connection("http://127.0.0.1:9"))
    assert (found.code, found.failed) == (1, ["connect"])
    assert found.verdicts["dns"] == "ok"


def test_a_proxy(doctor, authority):
    with Tenant(lambda request: reply(200, []), tls=authority.server()) as tenant, Upstream(tunnel) as proxy:
        found = doctor(connection(
            tenant.url, proxy=proxy.url.replace("//", "//user:Proxy-Word-1@"), tls={"ca_file": str(authority.file)}))
        assert (found.code, found.verdicts["dns"], found.verdicts["tls"]) == (0, "skipped", "ok")
        assert proxy.url in found.checks["proxy"]["message"] and proxy.requests[0].method == "CONNECT"
        assert "Proxy-Word-1" not in json.dumps(found.raw)


def test_a_proxy_that_cannot_be_reached(doctor, authority):
    found = doctor(connection("https://vendor.example", proxy="http://127.0.0.1:9"))
    assert (found.code, found.failed) == (1, ["proxy"])
    assert found.verdicts["dns"] == found.verdicts["connect"] == "skipped"


def test_a_proxy_that_wants_a_password(doctor):
    with Upstream(lambda request: reply(407, None, headers=[("Proxy-Authenticate", "Basic")])) as proxy:
        found = doctor(connection("https://vendor.example", proxy=proxy.url))
        assert (found.code, found.failed) == (1, ["proxy"])
        assert "user:password@" in found.remedy("proxy")


# Clock

@pytest.mark.parametrize("seconds, word", [(290, None), (600, "behind"), (-600, "ahead")])
def test_clock_skew(seconds, word, doctor):
    with Tenant(lambda request: reply(200, [], headers=[dated(seconds)])) as tenant:
        found = doctor(connection(tenant.url))
        assert found.verdicts["credentials"] == "ok"
        if word is None:
            assert (found.code, found.verdicts["clock"]) == (0, "ok")
        else:
            assert (found.code, found.failed) == (1, ["clock"])
            assert word in found.checks["clock"]["message"] and "clock" in found.remedy("clock")


def test_a_clock_that_google_refuses(doctor):
    """google-auth judges: Google's clock is ten minutes behind that of this machine."""
    behind = -600

    def token(request, form, number):
        claims = Google.verified(form["assertion"])
        now = _helpers.datetime_to_secs(_helpers.utcnow()) + behind
        if claims["iat"] > now + 300:
            return token_refusal(400, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) "
                                 "and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
        return reply(200, {"access_token": "ya29.1", "expires_in": 3599})

    with Google(lambda request: reply(200, {}, headers=[dated(behind)]), token) as google:
        found = doctor(google.connection())
        assert found.failed == ["clock", "credentials"]
        assert "clock" in found.remedy("credentials")
        assert len(google.forms) == 1
        with pytest.raises(RefreshError, match="reasonable timeframe"):
            signed_in(google, [MAIL])


# Credentials

@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_password_is_sent_once(status, doctor):
    with Tenant(login=lambda request, number: reply(status, {"detail": "No active account"})) as tenant:
        found = doctor(connection(tenant.url))
        assert (found.code, found.failed) == (1, ["credentials"])
        assert "refused" in found.checks["credentials"]["message"] and "password" in found.remedy("credentials")
        assert [one.method for one in tenant.requests] == ["HEAD", "POST"]


def test_nothing_is_sent_after_a_401(doctor):
    """A host would sign in again."""
    with Tenant(lambda request: reply(200 if request.method == "HEAD" else 401)) as tenant:
        found = doctor(connection(tenant.url))
        assert (found.code, found.failed) == (1, ["credentials"])
        assert [one.method for one in tenant.requests] == ["HEAD", "POST", "GET"]


def test_a_sign_in_is_not_repeated(doctor):
    with Tenant(login=lambda request, number: reply(503)) as tenant:
        found = doctor(connection(tenant.url))
        assert (found.code, found.failed) == (1, [])
        assert found.verdicts["credentials"] == "not_verified"
        assert len(tenant.logins) == 1


def test_an_api_key_with_its_apis(doctor):
    def answer(request, method, params):
        if request.method == "HEAD":
            return reply(200)
        assert method == "getApiKeyDetails"
        return control_center.success(request, {"enabledApis": ["network", "general"], "createdAt": "2019-04-11T12:00:54"})

    with control_center.ControlCenter(answer) as center:
        found = doctor(center.connection())
        assert found.code == 1 and found.failed == []
        assert found.commands["list_endpoints"] == found.commands["test_connection"] == "will_run"
        assert found.commands["isolate_endpoints"] == "lacks_permission"
        assert found.messages["list_reports"] == "lacks permission API reports of the key"
        assert len(center.calls) == 1


def test_a_wrong_api_key(doctor):
    def answer(request, method, params):
        return reply(200) if request.method == "HEAD" else reply(401)

    with control_center.ControlCenter(answer) as center:
        found = doctor(center.connection())
        assert (found.code, found.failed) == (1, ["credentials"])
        assert len(center.calls) == 1


# Google: google-auth judges

def signed_in(google, scopes):
    """Signs in as google-auth does."""
    info = {**key_file(), "token_uri": google.url + TOKEN}
    own = service_account.Credentials.from_service_account_info(info, subject=ADMIN, scopes=scopes)
    # The audience of Google's own endpoint.
    own = own.with_token_uri(google.url + TOKEN)
    own.refresh(Request())
    return own


def delegating(*scopes):
    def token(request, form, number):
        asked = set(Google.verified(form["assertion"])["scope"].split())
        if not asked <= set(scopes):
            return token_refusal(401, "unauthorized_client", "Client is unauthorized to retrieve access tokens")
        return reply(200, {"access_token": "ya29.1", "expires_in": 3599})
    return token


def test_a_service_account_with_all_scopes(doctor):
    with Google(token=delegating(MAIL, SETTINGS, USERS)) as google:
        found = doctor(google.connection())
        assert found.code == 0 and set(found.commands.values()) == {"will_run"}
        assert [claims["scope"] for claims in google.assertions] == [f"{MAIL} {SETTINGS} {USERS}"]
        assert [one.method for one in google.calls] == ["HEAD", "GET"]
        assert google.calls[1].path.endswith("/profile")
        signed_in(google, [MAIL, SETTINGS, USERS])


def test_a_service_account_without_a_scope(doctor):
    with Google(token=delegating(MAIL)) as google:
        found = doctor(google.connection())
        assert (found.code, found.failed, len(google.forms)) == (1, ["credentials"], 1)
        assert "Delegate" in found.remedy("credentials")
        with pytest.raises(RefreshError, match="unauthorized_client"):
            signed_in(google, [MAIL, SETTINGS, USERS])


def test_scopes_that_a_connection_leaves_out(doctor):
    with Google(token=delegating(MAIL)) as google:
        found = doctor(google.connection(settings={"scopes": [MAIL]}))
        assert (found.code, found.failed) == (1, [])
        assert found.commands["send_email"] == found.commands["search_emails"] == "will_run"
        assert found.commands["set_auto_reply"] == found.commands["get_user_list"] == "lacks_permission"
        assert SETTINGS in found.messages["set_auto_reply"]


def test_the_scopes_that_a_user_granted(doctor):
    readonly = "https://www.googleapis.com/auth/gmail.readonly"
    send = "https://www.googleapis.com/auth/gmail.send"

    def token(request, form, number):
        assert form["refresh_token"] == REFRESH_TOKEN
        return reply(200, {"access_token": "ya29.1", "expires_in": 3599, "scope": readonly})

    with Google(token=token) as google:
        found = doctor(google.oauth(settings={"scopes": [readonly, send]}))
        assert (found.code, found.failed, len(google.forms)) == (1, [], 1)
        assert found.commands["search_emails"] == "will_run"
        assert found.commands["send_email"] == "lacks_permission"
        assert found.messages["send_email"] == f"lacks permission {send}"
        judge = credentials.Credentials(
            None, refresh_token=REFRESH_TOKEN, token_uri=google.url + TOKEN, client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET, scopes=[readonly, send])
        judge.refresh(Request())
        assert (judge.scopes, judge.granted_scopes) == ([readonly, send], [readonly])


def test_a_rotated_refresh_token_is_kept(doctor, tmp_path):
    def token(request, form, number):
        return reply(200, {"access_token": "ya29.1", "expires_in": 3599, "refresh_token": "1//0e-rotated-token",
                           "scope": MAIL})

    with Google(token=token) as google:
        found = doctor(google.oauth())
        assert found.verdicts["credentials"] == "ok"
        assert "1//0e-rotated-token" not in json.dumps(found.raw)
    written = json.loads((tmp_path / "connections.json").read_text())
    assert written["connections"]["main"]["settings"]["refresh_token"] == "1//0e-rotated-token"


# Definition, files and references

def test_a_definition_with_faults(doctor):
    good = connection("http://127.0.0.1:9", active=False)
    bad, well = doctor({"integration": "coda_footprint", "settings": {"server_url": "http://127.0.0.1:9"}}, good)
    assert (bad.failed, well.failed, bad.code) == (["settings"], [], 1)
    assert "/settings/user_name" in bad.checks["settings"]["message"]
    assert set(bad.commands.values()) == {"not_verified"}


def test_an_unknown_integration(doctor):
    found = doctor({"integration": "coda_footprnt", "settings": {}})
    assert found.failed == ["settings"] and found.commands == {}


@pytest.mark.parametrize("reference, part", [
    ({"$env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"), ({"$file": "/nonexistent/secret"}, "/nonexistent/secret"),
    ({"$command": ["sh", "-c", "echo no such item >&2; exit 3"]}, "no such item"),
], ids=["variable", "file", "command"])
def test_a_reference_that_does_not_resolve(reference, part, doctor):
    with Tenant() as tenant:
        found = doctor(connection(tenant.url, settings={"password": reference}))
        assert (found.code, found.failed) == (1, ["references"])
        assert part in found.checks["references"]["message"] and found.remedy("references")
        assert found.verdicts["connect"] == "ok" and found.verdicts["credentials"] == "skipped"
        assert tenant.logins == []


def test_a_command_runs_once(doctor, tmp_path):
    count = tmp_path / "count"
    script = f"echo x >> {count}; echo '{PASSWORD}'"
    with Tenant(lambda request: reply(200, [])) as tenant:
        found = doctor(connection(tenant.url, settings={"password": {"$command": ["sh", "-c", script]}}))
        assert (found.code, found.checks["references"]["message"]) == (0, "password")
        assert [one.json["password"] for one in tenant.logins] == [PASSWORD]
    assert count.read_text() == "x\n"


def test_a_file_that_others_can_write(doctor, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o666)
    with Tenant() as tenant:
        found = doctor(connection(tenant.url, settings={"password": {"$file": str(secret)}}))
        assert (found.code, found.failed, tenant.requests) == (1, ["files"], [])
        secret.chmod(0o644)
        found = doctor(connection(tenant.url, settings={"password": {"$file": str(secret)}}))
        assert (found.code, found.verdicts["files"]) == (0, "ok")
        assert "other users can read" in found.checks["files"]["message"]


def test_a_missing_certificate_file(doctor):
    found = doctor(connection("https://127.0.0.1:9", tls={"ca_file": "/nonexistent.pem"}))
    assert (found.code, found.failed) == (1, ["files"])


# Plugins

def test_the_connection_of_a_plugin(doctor, tmp_path):
    plugins = Plugins(tmp_path / "plugins")
    plugins.add()
    with Upstream(lambda request: reply(200, {})) as vendor:
        found = doctor(plugin_connection(vendor.url), options=["--plugins", str(plugins.path)])
        assert (found.code, found.failed, found.verdicts["connect"]) == (0, [], "ok")
        assert set(found.commands.values()) == {"not_verified"}
        assert [one.method for one in vendor.requests] == ["HEAD"]
    found = doctor(plugin_connection(id="gone"), options=["--plugins", str(plugins.path)])
    assert (found.code, found.failed) == (1, ["settings"])


# Many, and the command line

def test_at_most_eight_at_a_time_and_in_the_order_of_the_file(doctor):
    with Tenant(lambda request: reply(200, [])) as tenant:
        found = doctor(*[connection(tenant.url, settings={"user_name": f"u{n}@example.com"}) for n in range(40)])
        assert [one.raw["name"] for one in found] == ["main", *(f"other{n}" for n in range(1, 40))]
        assert all(one.verdicts["credentials"] == "ok" for one in found)
        assert len(tenant.logins) == 40


def test_one_of_several_connections(doctor):
    with Tenant(lambda request: reply(200, [])) as tenant:
        found = doctor(connection("http://127.0.0.1:9"), connection(tenant.url), options=["--connection", "other1"])
        assert [one.raw["name"] for one in found] == ["other1"] and found[0].code == 0


@pytest.mark.parametrize("options, part", [
    (["--connection", "mian"], 'did you mean "main"'), (["extra"], "unexpected argument"), (["--jsn"], "--json"),
])
def test_usage_errors(options, part, tmp_path):
    file = write(tmp_path / "connections.json", {"main": connection("http://127.0.0.1:9")})
    result = run("doctor", "--connections", file, *options)
    assert result.code == 2 and part in result.errors


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_file_that_is_no_connections_file(content, tmp_path):
    file = tmp_path / "connections.json"
    file.write_text(content)
    assert run("doctor", "--connections", str(file)).code == 2
    assert run("doctor").code == 2


def test_text_fits_eighty_columns(tmp_path):
    with Tenant(login=lambda request, number: reply(401)) as tenant:
        file = write(tmp_path / "connections.json", {
            "main": connection(tenant.url, policy={"read_only": True}), "inactive": connection(tenant.url, active=False)})
        result = run("doctor", "--connections", file, more_environment={"COLUMNS": "80"})
    assert result.code == 1
    lines = result.text.splitlines()
    assert max(map(len, lines)) <= 80
    at = next(number for number, text in enumerate(lines) if text.startswith("  credentials  failed"))
    assert "refused: 401" in lines[at] and "Check server_url" in lines[at + 1]
    assert "forbidden" in result.text and "1 of 2 connections not well" in lines[-1]
