"""The emulated Google sign-in: tokens and consent, with google-auth and with raw requests."""

import base64
import hashlib
import html
import json
import re
import time

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, load_pem_private_key)
from google.auth import crypt, jwt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google_auth_oauthlib.flow import Flow
from Support.sandbox import CONTROL
from Support.workspace import (
    ADMIN, AUTH, GRANTED, MAIL, MIKA, OTTO, SETTINGS, SOC, USERS, refusal)

ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE = "https://oauth2.googleapis.com/token"
UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
    "for any of the scopes requested.")
TIMES = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim.")


def told(answer):
    """The status and both members of an error."""
    body = answer.json()
    assert set(body) <= {"error", "error_description"}
    return answer.status_code, body["error"], body.get("error_description")


@pytest.fixture
def sign(workspace):
    """Posts an assertion; omits claims that are None."""
    def post(key=workspace.key, header=None, **claims):
        now = int(time.time())
        payload = {
            "iss": key["client_email"], "sub": SOC, "scope": MAIL, "aud": GOOGLE, "iat": now,
            "exp": now + 3600} | claims
        payload = {name: value for name, value in payload.items() if value is not None}
        signer = crypt.RSASigner.from_service_account_info(key)
        text = jwt.encode(signer, payload, header=header)
        return requests.post(
            workspace.token_url, data={"grant_type": ASSERTION, "assertion": text})
    return post


# Connections


def test_both_connections_are_printed(workspace):
    service, oauth = workspace.service, workspace.oauth
    base = workspace.base
    addresses = {
        "api_version": "v1", "gmail_url": base, "directory_url": base,
        "token_url": base + "/token", "authorization_url": base + "/o/oauth2/v2/auth"}
    assert service["integration"] == oauth["integration"] == "gmail"
    settings = dict(service["settings"])
    key = settings.pop("service_account_json")
    assert settings == {
        "authentication_type": "service_account", "admin_email": ADMIN, **addresses}
    assert key["type"] == "service_account" and key["token_uri"] == base + "/token"
    assert load_pem_private_key(key["private_key"].encode(), None).key_size == 2048
    assert set(oauth["settings"]) == {
        "authentication_type", "client_id", "client_secret", "authorization_code", "callback_url",
        "refresh_token", *addresses}


def test_printed_connections_contain_both_sign_in_methods(workspace, workspace_process):
    printed = workspace_process.document["connections"]
    assert printed["gmail_sandbox"] == workspace.service
    assert printed["gmail_oauth_sandbox"] == workspace.oauth


# The service account


def test_service_account_impersonates_a_user(workspace):
    credentials = workspace.delegated(SOC, GRANTED)
    credentials.refresh(Request())
    assert credentials.token.startswith("ya29.")
    assert credentials.valid
    assert workspace.gmail(credentials=credentials).users().getProfile(
        userId="me").execute()["emailAddress"] == SOC


def test_token_response_has_the_documented_members(sign):
    answer = sign()
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access_token", "expires_in", "token_type"}
    assert (body["expires_in"], body["token_type"]) == (3599, "Bearer")
    assert "no-store" in answer.headers["Cache-Control"]


def test_both_audiences_are_valid(workspace, sign):
    assert sign(aud=workspace.token_url).status_code == 200
    assert told(sign(aud="https://example.com/token"))[:2] == (400, "invalid_grant")
    assert told(sign(aud=None))[:2] == (400, "invalid_grant")


def test_one_scope_that_was_not_granted_fails_the_request(workspace, sign):
    wanted = (401, "unauthorized_client", UNAUTHORIZED)
    assert told(sign(scope=AUTH + "gmail.readonly")) == wanted
    assert told(sign(scope=f"{MAIL} {AUTH}gmail.modify")) == wanted
    assert sign(scope=" ".join(GRANTED)).status_code == 200
    assert told(sign(scope=AUTH + "gmail.nothing"))[:2] == (400, "invalid_scope")
    assert told(sign(scope=None))[:2] == (400, "invalid_scope")
    with pytest.raises(RefreshError, match="unauthorized_client"):
        workspace.delegated(SOC, [AUTH + "gmail.readonly"]).refresh(Request())


@pytest.mark.parametrize("user", [OTTO, "nobody@harbor.example", "soc@elsewhere.example", ""])
def test_unknown_user_cannot_be_impersonated(sign, user):
    assert told(sign(sub=user)) == (400, "invalid_grant", "Invalid email or User ID")


def test_wrong_key_issuer_or_modified_claims_invalidate_the_signature(workspace, sign):
    wanted = (400, "invalid_grant", "Invalid JWT Signature.")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert told(sign(key={**workspace.key, "private_key": stranger})) == wanted
    assert told(sign(key={**workspace.key, "private_key_id": "another"})) == wanted
    assert told(sign(iss="someone@sandbox-project.iam.gserviceaccount.com")) == wanted

    signer = crypt.RSASigner.from_service_account_info(workspace.key)
    now = int(time.time())
    claims = {
        "iss": workspace.key["client_email"], "sub": SOC, "scope": MAIL, "aud": GOOGLE, "iat": now,
        "exp": now + 3600}
    words = jwt.encode(signer, claims).decode().split(".")
    changed = json.dumps(claims | {"sub": ADMIN}).encode()
    words[1] = base64.urlsafe_b64encode(changed).decode().rstrip("=")
    for text in (".".join(words), ".".join(words[:2]) + "."):
        assert told(requests.post(
            workspace.token_url, data={"grant_type": ASSERTION, "assertion": text})) == wanted


def test_other_algorithms_are_rejected(workspace, sign):
    claims = base64.urlsafe_b64encode(json.dumps({
        "iss": workspace.key["client_email"], "sub": SOC, "scope": MAIL, "aud": GOOGLE,
        "iat": int(time.time()), "exp": int(time.time()) + 60}).encode()).decode().rstrip("=")
    for algorithm in ("none", "HS256"):
        header = base64.urlsafe_b64encode(
            json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).decode().rstrip("=")
        answer = requests.post(
            workspace.token_url,
            data={"grant_type": ASSERTION, "assertion": f"{header}.{claims}.AAAA"})
        assert told(answer) == (400, "invalid_grant", "Invalid JWT Signature.")


@pytest.mark.parametrize("issued, expires", [
    (-2**62, 2**62), (0, 2**62), (0, 3601), (900, 4500), (-7200, -3600), (0, 0), (None, 60), (0, None)])
def test_assertion_must_be_short_lived_and_current(sign, issued, expires):
    now = int(time.time())
    answer = sign(
        iat=None if issued is None else now + issued,
        exp=None if expires is None else now + expires)
    assert told(answer) == (400, "invalid_grant", TIMES)


def test_sandbox_clock_determines_validity(workspace_sandbox, sign):
    workspace_sandbox.advance(7200)
    assert told(sign()) == (400, "invalid_grant", TIMES)
    now = int(time.time()) + 7200
    assert sign(iat=now, exp=now + 3600).status_code == 200


def test_service_account_without_a_user_has_no_mailbox(workspace):
    users = workspace.gmail(credentials=workspace.delegated(None, [MAIL])).users()
    assert refusal(users.getProfile(userId="me")) == (
        400, "Precondition check failed.", "failedPrecondition")
    directory = workspace.directory(credentials=workspace.delegated(None, [USERS]))
    assert refusal(directory.users().list(customer="my_customer")) == (
        403, "Not Authorized to access this resource/api", "forbidden")


@pytest.mark.parametrize("form, wanted", [
    ({}, (400, "invalid_request")),
    ({"grant_type": "password"}, (400, "unsupported_grant_type")),
    ({"grant_type": ASSERTION}, (400, "invalid_request")),
    ({"grant_type": ASSERTION, "assertion": "a.b"}, (400, "invalid_grant")),
    ({"grant_type": "refresh_token"}, (400, "invalid_request")),
    ([("grant_type", ASSERTION), ("grant_type", ASSERTION)], (400, "invalid_request")),
])
def test_invalid_token_requests_are_rejected(workspace, form, wanted):
    assert told(requests.post(workspace.token_url, data=form or "x=y", headers={
        "Content-Type": "application/x-www-form-urlencoded"}))[:2] == wanted


def test_token_endpoint_accepts_only_posted_forms(workspace):
    assert told(requests.post(workspace.token_url, json={"grant_type": "x"}))[:2] == (
        400, "invalid_request")
    assert requests.get(workspace.token_url).status_code == 404


def test_access_tokens_expire(workspace, workspace_sandbox):
    headers = workspace.bearer()
    url = workspace.base + "/gmail/v1/users/me/profile"
    workspace_sandbox.advance(3500)
    assert requests.get(url, headers=headers).status_code == 200
    workspace_sandbox.advance(100)
    answer = requests.get(url, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == {
        "code": 401, "message": "Invalid Credentials", "status": "UNAUTHENTICATED",
        "errors": [{
            "message": "Invalid Credentials", "domain": "global", "reason": "authError",
            "location": "Authorization", "locationType": "header"}]}


def test_missing_token_is_rejected(workspace):
    answer = requests.get(workspace.base + "/gmail/v1/users/me/profile")
    assert answer.status_code == 401
    assert answer.json()["error"]["errors"][0]["reason"] == "required"


# Refresh tokens


def test_refresh_token_returns_access_and_stays_valid(workspace):
    credentials = workspace.consented()
    before = credentials.refresh_token
    users = workspace.gmail(credentials=credentials).users()
    assert users.getProfile(userId="me").execute()["emailAddress"] == ADMIN
    assert credentials.refresh_token == before
    assert refusal(users.messages().list(userId=SOC)) == (
        403, f"Delegation denied for {ADMIN}", "forbidden")
    listed = workspace.directory(credentials=workspace.consented()).users().list(
        customer="my_customer").execute()
    assert len(listed["users"]) == 6


def test_wrong_client_credentials_are_rejected(workspace):
    token = workspace.oauth["settings"]["refresh_token"]

    def refresh(**form):
        return told(workspace.exchange(
            grant_type="refresh_token", **{"refresh_token": token, **form}))

    assert refresh(client_id="x") == (401, "invalid_client", "The OAuth client was not found.")
    assert refresh(client_secret="x") == (401, "invalid_client", "Unauthorized")
    assert refresh(client_secret="")[:2] == (400, "invalid_request")
    assert refresh(refresh_token="1//0x") == (
        400, "invalid_grant", "Token has been expired or revoked.")
    assert refresh(scope=AUTH + "gmail.send")[:2] == (400, "invalid_scope")


def test_expired_refresh_token_is_rejected(workspace, workspace_sandbox):
    workspace_sandbox.faults("gmail-auth: expired token first 1")
    for _ in range(2):
        with pytest.raises(RefreshError, match="Token has been expired or revoked"):
            workspace.consented().refresh(Request())


def test_refresh_may_return_a_new_refresh_token(workspace, workspace_sandbox):
    workspace_sandbox.faults("gmail-auth: new refresh token")
    credentials = workspace.consented()
    before = credentials.refresh_token
    credentials.refresh(Request())
    after = credentials.refresh_token
    assert after != before
    with pytest.raises(RefreshError, match="invalid_grant"):
        workspace.consented().refresh(Request())
    workspace.consented(refresh_token=after).refresh(Request())


@pytest.mark.parametrize("fault, status, error", [
    ("400 invalid_grant", 400, "invalid_grant"), ("503", 503, "internal_failure"),
    ("500 server_error", 500, "server_error"), ("401 disabled_client", 401, "disabled_client"),
    ("503 temporarily_unavailable", 503, "temporarily_unavailable"),
])
def test_injected_errors_of_the_token_endpoint(workspace, workspace_sandbox, fault, status, error):
    workspace_sandbox.faults(f"gmail-auth: {fault} first 1")
    form = {
        "grant_type": "refresh_token", "refresh_token": workspace.oauth["settings"]["refresh_token"]}
    assert told(workspace.exchange(**form))[:2] == (status, error)
    assert workspace.exchange(**form).status_code == 200


def test_google_auth_retries_a_temporary_error(workspace, workspace_sandbox):
    workspace_sandbox.faults("gmail-auth: 503 temporarily_unavailable first 1")
    workspace_sandbox.forget_log()
    workspace.delegated().refresh(Request())
    assert [entry["status"] for entry in workspace_sandbox.log()] == [503, 200]


def test_fault_reasons_are_validated(workspace_sandbox):
    for text in ("gmail: 429 rateLimited", "gmail: 403 invalid_grant", "coda: 429 quotaExceeded",
                 "gmail: new token"):
        answer = requests.post(
            workspace_sandbox.base + "/_sandbox/faults", headers=CONTROL, json=[text])
        assert answer.status_code == 400, text


# Consent


@pytest.fixture
def redirect():
    return "http://127.0.0.1:59999/callback"


def test_complete_flow_with_google_auth_oauthlib(workspace, redirect, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    settings = workspace.oauth["settings"]
    flow = Flow.from_client_config({"installed": {
        "client_id": settings["client_id"], "client_secret": settings["client_secret"],
        "auth_uri": settings["authorization_url"], "token_uri": settings["token_url"],
    }}, scopes=[MAIL, SETTINGS], redirect_uri=redirect)
    address, state = flow.authorization_url(prompt="consent", login_hint=MIKA)
    assert "code_challenge_method=S256" in address
    page = requests.get(address)
    assert page.status_code == 200 and MIKA in page.text and MAIL in page.text
    answer = requests.get(address + "&auto=1", allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(redirect + f"?state={state}&code=4%2F0A")
    flow.fetch_token(authorization_response=answer.headers["Location"])
    credentials = flow.credentials
    assert credentials.refresh_token.startswith("1//")
    assert set(credentials.granted_scopes or credentials.scopes) == {MAIL, SETTINGS}
    users = workspace.gmail(credentials=credentials).users()
    assert users.getProfile(userId="me").execute()["emailAddress"] == MIKA


def test_consent_page_has_links_to_allow_and_cancel(workspace, redirect):
    settings = workspace.oauth["settings"]
    query = {
        "client_id": settings["client_id"], "redirect_uri": redirect, "response_type": "code",
        "scope": MAIL, "state": "a b\"<"}
    page = requests.get(workspace.consent_url, params=query)
    assert "<script" not in page.text and ADMIN in page.text
    cancel, allow = (html.unescape(link) for link in re.findall(r'href="([^"]+)"', page.text))
    answer = requests.get(workspace.consent_url + allow, allow_redirects=False)
    assert "state=a%20b%22%3C&code=" in answer.headers["Location"]
    answer = requests.get(workspace.consent_url + cancel, allow_redirects=False)
    assert answer.headers["Location"].endswith("&error=access_denied")


@pytest.mark.parametrize("change, status, word", [
    ({"client_id": "x"}, 401, "invalid_client"),
    ({"redirect_uri": "https://evil.example/"}, 400, "redirect_uri_mismatch"),
    ({"redirect_uri": "http://127.0.0.1.evil.example/"}, 400, "redirect_uri_mismatch"),
    ({"redirect_uri": "http://127.0.0.1/\r\nSet-Cookie: x"}, 400, "redirect_uri_mismatch"),
    ({"response_type": "token"}, 400, "unsupported_response_type"),
    ({"scope": "everything"}, 400, "invalid_scope"),
    ({"code_challenge": "x", "code_challenge_method": "MD5"}, 400, "invalid_request"),
    ({"login_hint": "nobody@harbor.example"}, 400, "find your Google Account"),
])
def test_invalid_consent_request_is_rejected_without_a_redirect(
    workspace, redirect, change, status, word
):
    query = {
        "client_id": workspace.oauth["settings"]["client_id"], "redirect_uri": redirect,
        "response_type": "code", "scope": MAIL, "auto": "1"} | change
    answer = requests.get(workspace.consent_url, params=query, allow_redirects=False)
    assert answer.status_code == status and word in answer.text
    assert "Location" not in answer.headers


def test_code_is_valid_once_for_one_redirect_uri(workspace, redirect):
    def exchange(code, address=redirect):
        return workspace.exchange(
            grant_type="authorization_code", code=code, redirect_uri=address)

    code = workspace.consent([MAIL], redirect_uri=redirect)["code"]
    answer = exchange(code)
    assert answer.status_code == 200
    assert answer.json()["scope"] == MAIL and "refresh_token" in answer.json()
    assert told(exchange(code))[:2] == (400, "invalid_grant")
    code = workspace.consent([MAIL], redirect_uri=redirect)["code"]
    assert told(exchange(code, redirect + "/"))[:2] == (400, "redirect_uri_mismatch")
    # The failed attempt has consumed the code.
    assert told(exchange(code))[:2] == (400, "invalid_grant")


def test_a_code_expires(workspace, workspace_sandbox, redirect):
    code = workspace.consent([MAIL], redirect_uri=redirect)["code"]
    workspace_sandbox.advance(601)
    assert told(workspace.exchange(
        grant_type="authorization_code", code=code, redirect_uri=redirect))[:2] == (
            400, "invalid_grant")


@pytest.mark.parametrize("verifier, good", [("v" * 43, True), ("w" * 43, False), (None, False)])
def test_pkce_verifier_is_checked(workspace, redirect, verifier, good):
    digest = hashlib.sha256(b"v" * 43).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    code = workspace.consent(
        [MAIL], redirect_uri=redirect, code_challenge=challenge, code_challenge_method="S256")
    form = {"grant_type": "authorization_code", "code": code["code"], "redirect_uri": redirect}
    answer = workspace.exchange(**form, **({"code_verifier": verifier} if verifier else {}))
    if good:
        assert answer.status_code == 200
    else:
        assert told(answer)[:2] == (400, "invalid_grant")


def test_repeated_consent_returns_no_refresh_token_by_default(workspace, redirect):
    def tokens(**more):
        code = workspace.consent([MAIL], user=MIKA, redirect_uri=redirect, **more)["code"]
        return workspace.exchange(
            grant_type="authorization_code", code=code, redirect_uri=redirect).json()

    assert "refresh_token" not in tokens(access_type="online")
    assert "refresh_token" in tokens(prompt="")
    assert "refresh_token" not in tokens(prompt="")
    assert "refresh_token" in tokens(prompt="consent")
