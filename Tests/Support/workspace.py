"""Google's own clients against the emulated Workspace."""

import json
import logging
import urllib.parse

import google_auth_httplib2
import pytest
import requests
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import build_http

from Support.sandbox import CONTROL

DOMAIN = "harbor.example"
ADMIN = f"ada@{DOMAIN}"
SOC = f"soc@{DOMAIN}"
FIONA = f"fiona@{DOMAIN}"
NILS = f"nils@{DOMAIN}"
MIKA = f"mika@{DOMAIN}"
OTTO = f"otto@{DOMAIN}"

MAIL = "https://mail.google.com/"
AUTH = "https://www.googleapis.com/auth/"
SETTINGS = AUTH + "gmail.settings.basic"
SHARING = AUTH + "gmail.settings.sharing"
USERS = AUTH + "admin.directory.user"
GRANTED = [USERS, MAIL, SHARING, SETTINGS]
# 2026-11-16T08:00:00Z, when the first mail of the sandbox came.
EPOCH = 1794816000

# The client logs every refused request; tests refuse on purpose.
logging.getLogger("googleapiclient").setLevel(logging.CRITICAL)


class Workspace:
    """The two connections of a running sandbox, and clients built from them."""

    def __init__(self, base):
        self.base = base
        answer = requests.get(f"{base}/_sandbox/connections", headers=CONTROL)
        assert answer.status_code == 200, answer.text
        connections = answer.json()["connections"]
        self.service = connections["gmail_sandbox"]
        self.oauth = connections["gmail_oauth_sandbox"]
        self.token_url = self.service["settings"]["token_url"]
        self.consent_url = self.service["settings"]["authorization_url"]
        self.key = self.service["settings"]["service_account_json"]

    def delegated(self, user=SOC, scopes=(MAIL,), **more):
        """Credentials of the service account, acting for `user`."""
        info = json.loads(json.dumps(self.key))
        return service_account.Credentials.from_service_account_info(
            info, scopes=list(scopes), subject=user, **more)

    def consented(self, scopes=None, **more):
        settings = self.oauth["settings"] | more
        return user_credentials.Credentials(
            None, refresh_token=settings["refresh_token"], token_uri=settings["token_url"],
            client_id=settings["client_id"], client_secret=settings["client_secret"],
            scopes=scopes)

    def consent(self, scopes, user=None, **more):
        """Parameters with which the consent page sends the browser back."""
        settings = self.oauth["settings"]
        query = {
            "client_id": settings["client_id"], "redirect_uri": settings["callback_url"],
            "response_type": "code", "scope": " ".join(scopes), "access_type": "offline",
            "prompt": "consent", "auto": "1"}
        query |= ({"login_hint": user} if user else {}) | more
        answer = requests.get(self.consent_url, params=query, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        target = answer.headers["Location"]
        assert target.startswith(query["redirect_uri"] + "?")
        return dict(urllib.parse.parse_qsl(target.split("?", 1)[1]))

    def exchange(self, **form):
        settings = self.oauth["settings"]
        form = {
            "client_id": settings["client_id"], "client_secret": settings["client_secret"]} | form
        return requests.post(self.token_url, data=form)

    def asked(self, scopes, user):
        """Credentials of `user`, who consented to `scopes` just now."""
        code = self.consent(scopes, user)["code"]
        answer = self.exchange(
            grant_type="authorization_code", code=code,
            redirect_uri=self.oauth["settings"]["callback_url"])
        assert answer.status_code == 200, answer.text
        return self.consented(refresh_token=answer.json()["refresh_token"])

    def connection(self, kind, user=SOC):
        """Of the service account, or with the consent of `user`."""
        if kind == "service":
            return self.service
        token = self.asked([MAIL], user).refresh_token
        return self.oauth | {"settings": self.oauth["settings"] | {"refresh_token": token}}

    def token(self, user=SOC, scopes=(MAIL,)):
        credentials = self.delegated(user, scopes)
        credentials.refresh(Request())
        return credentials.token

    def bearer(self, user=SOC, scopes=(MAIL,)):
        return {"Authorization": f"Bearer {self.token(user, scopes)}"}

    def gmail(self, user=SOC, scopes=(MAIL,), credentials=None):
        return self._api("gmail", "v1", credentials or self.delegated(user, scopes))

    def directory(self, user=ADMIN, scopes=(USERS,), credentials=None):
        return self._api("admin", "directory_v1", credentials or self.delegated(user, scopes))

    def _api(self, name, version, credentials):
        http = google_auth_httplib2.AuthorizedHttp(credentials, http=build_http())
        # The client's own description of the API. `api_endpoint` would leave its uploads and
        # batches at Google's address.
        document = json.loads(get_static_doc(name, version))
        document["rootUrl"] = self.base + "/"
        return build_from_document(document, http=http)

    def messages(self, user=SOC):
        return self.gmail(user).users().messages()


def header(part, name):
    """The first of that name as the API spells it."""
    return next((h["value"] for h in part["headers"] if h["name"] == name), None)


def refusal(call):
    """Status, message and reason with which the client sees `call` fail."""
    with pytest.raises(HttpError) as error:
        call.execute()
    (detail,) = error.value.error_details
    return error.value.status_code, error.value.reason, detail["reason"]
