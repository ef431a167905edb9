"""Google as a test programs it, over raw sockets (see `upstream`): a token endpoint that verifies
what is signed, Gmail, and the Directory."""

import base64
import functools
import json
import threading
import urllib.parse
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from Support.upstream import Upstream, reply

TOKEN = "/token"
DOMAIN = "corp.example"
ADMIN = f"admin@{DOMAIN}"
ANNA = f"anna@{DOMAIN}"
EMAIL = "robot@project.iam.gserviceaccount.com"
KEY_ID = "69ba0123456789abcdef59ae"
#: Where Google's own clients say that an assertion is for.
AUDIENCE = "https://oauth2.googleapis.com/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

MAIL = "https://mail.google.com/"
SETTINGS = "https://www.googleapis.com/auth/gmail.settings.basic"
USERS = "https://www.googleapis.com/auth/admin.directory.user"

CLIENT_ID = "1067-qp8f.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-e9hi-secret-ejaY"
REFRESH_TOKEN = "1//0e-refresh-of-the-file"
#: Codes hold slashes.
CODE = "4/0AdQt8qh-code-of-the-consent"
CALLBACK = "https://soar.example/Auth2Callback.aspx"


@functools.cache
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def private_key():
    return key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()


def key_file(**more):
    """As Google Cloud hands it out."""
    return {
        "type": "service_account", "project_id": "project", "private_key_id": KEY_ID,
        "private_key": private_key(), "client_email": EMAIL, "client_id": "1004",
        "token_uri": AUDIENCE, **more}


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def refusal(status, message, reason=None, domain="global", name=None, headers=()):
    """An error of the APIs; `name` is the status that newer ones carry."""
    error = {"code": status, "message": message}
    if reason:
        error["errors"] = [{"message": message, "domain": domain, "reason": reason}]
    if name:
        error["status"] = name
    return reply(status, {"error": error}, headers)


def token_refusal(status, error, description=None):
    """An error of the token endpoint."""
    body = {"error": error} | ({"error_description": description} if description else {})
    return reply(status, body)


class Google(Upstream):
    """`answer` gets each request of the APIs; `token` may take the place of the token endpoint: it
    gets the request, its form and the number of the exchange, from 1."""

    def __init__(self, answer=None, token=None, **more):
        self.answer_signed_in = answer or (lambda request: reply(200, {}))
        self.token = token or (lambda request, form, number: self.grant(form, number))
        self.assertions = []  # the claims of each
        self.forms = []
        self.lock = threading.Lock()
        super().__init__(self.route, **more)

    def route(self, request):
        if request.path != TOKEN:
            return self.answer_signed_in(request)
        pairs = urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True)
        form = dict(pairs)
        assert len(form) == len(pairs), "a field that comes twice"
        assert request.method == "POST"
        assert request.header("Content-Type") == "application/x-www-form-urlencoded"
        with self.lock:
            self.forms.append(form)
            number = len(self.forms)
            if form["grant_type"] == JWT_BEARER:
                self.assertions.append(self.verified(form["assertion"]))
        return self.token(request, form, number)

    @staticmethod
    def verified(assertion):
        """The claims of an assertion that the service account has signed."""
        head, claims, signature = assertion.split(".")
        key().public_key().verify(
            decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        return json.loads(decoded(claims))

    def grant(self, form, number, **more):
        """An access token that says for whom it is."""
        subject = "consented"
        if form["grant_type"] == JWT_BEARER:
            claims = self.verified(form["assertion"])
            subject = f"{claims['sub']} {claims['scope']}".encode().hex()
        body = {
            "access_token": f"ya29.{number}.{subject}", "expires_in": 3599, "token_type": "Bearer"}
        if form["grant_type"] == "authorization_code":
            body["refresh_token"] = f"1//0e-refresh-{number}-of-the-code"
        return reply(200, body | more)

    @property
    def calls(self):
        """The requests without the sign-ins."""
        return [r for r in list(self.requests) if r.path != TOKEN]

    def settings(self, **more):
        return {
            "gmail_url": self.url, "directory_url": self.url, "token_url": self.url + TOKEN,
            **more}

    def connection(self, **more):
        """With a service account; `settings` add to its own."""
        own = {"service_account_json": key_file(), "admin_email": ADMIN} | more.pop("settings", {})
        return {"integration": "gmail", "settings": self.settings(**own), **more}

    def oauth(self, **more):
        """With an OAuth client, whose user has consented."""
        own = {
            "authentication_type": "oauth_client_id", "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET, "callback_url": CALLBACK,
            "refresh_token": REFRESH_TOKEN} | more.pop("settings", {})
        settings = self.settings(**{name: value for name, value in own.items() if value})
        return {"integration": "gmail", "settings": settings, **more}


def bearer(request):
    """The token that a request came with: the number of its exchange and, of a service account,
    the user and the scope."""
    scheme, token = request.header("Authorization").split(" ")
    assert scheme == "Bearer"
    _, number, subject = token.split(".")
    if subject == "consented":
        return int(number), None, None
    user, scope = bytes.fromhex(subject).decode().split(" ")
    return int(number), user, scope


# The batch endpoint

BATCH = "/batch/gmail/v1"


class InnerCall(NamedTuple):
    id: str
    method: str
    target: str
    headers: dict
    body: bytes


def inner_calls(request):
    """The calls in a batch."""
    kind, boundary = request.header("Content-Type").split("; boundary=")
    assert kind == "multipart/mixed"
    *parts, end = request.body.split(f"--{boundary}".encode())
    assert parts.pop(0) == b"" and end == b"--\r\n"
    calls = []
    for part in parts:
        head, call, rest = part.removeprefix(b"\r\n").split(b"\r\n\r\n", 2)
        fields = fields_of(head)
        assert fields["content-type"] == "application/http"
        line, _, headers = call.partition(b"\r\n")
        method, target, version = line.decode().split(" ")
        assert version == "HTTP/1.1" and target.startswith("/gmail/v1/")
        headers = fields_of(headers)
        body = rest.removesuffix(b"\r\n")
        # Google refuses a POST that does not say how long it is.
        assert headers.get("content-length", "0" if method == "GET" else None) == str(len(body))
        assert "authorization" not in headers and headers["accept"] == "application/json"
        calls.append(InnerCall(fields["content-id"], method, target, headers, body))
    return calls


def fields_of(head):
    pairs = (line.split(": ", 1) for line in head.decode().split("\r\n"))
    return {name.lower(): value for name, value in pairs}


def batched(request):
    """The calls in a batch: `[(id, method, target)]`."""
    return [call[:3] for call in inner_calls(request)]


def batch_reply(answers, boundary="batch_x", quoted=False, lengths=True, end=True):
    """`[(id of the call, Reply)]` as one answer."""
    body = b""
    for id, answer in answers:
        names = [f"Content-Length: {len(answer.body)}"] if lengths else []
        names += [f"{name}: {value}" for name, value in answer.headers]
        inner = "\r\n".join([f"HTTP/1.1 {answer.status} Status", *names]).encode()
        body += (
            f"--{boundary}\r\nContent-Type: application/http\r\n"
            f"Content-ID: {id.replace('<', '<response-')}\r\n\r\n").encode()
        body += inner + b"\r\n\r\n" + answer.body + b"\r\n"
    shown = f'"{boundary}"' if quoted else boundary
    body += f"--{boundary}--\r\n".encode() if end else b""
    return reply(200, body, [("Content-Type", f"multipart/mixed; boundary={shown}")])


BOX = f"/gmail/v1/users/{ANNA.replace('@', '%40')}/messages/"


def message_id(target):
    return target.removeprefix(BOX).split("?")[0].split("/")[0]


def message(target):
    return reply(200, {"id": message_id(target), "snippet": "--batch_x\r\n"})


class BatchingGoogle(Google):
    """`inner(id, times)` answers a call: how often it was asked before, alone or not."""

    def __init__(self, inner=lambda id, times: None, **form):
        self.inner = inner
        self.times = {}
        self.form = form
        super().__init__(self.answer_call)

    def one(self, target):
        name = message_id(target)
        with self.lock:
            times = self.times[name] = self.times.get(name, -1) + 1
        return self.inner(name, times) or message(target)

    def answer_call(self, request):
        if request.path != BATCH:
            return self.one(request.target)
        answers = [(id, self.one(target)) for id, _, target in batched(request)]
        return batch_reply(answers[::-1], **self.form)  # no order is promised

    @property
    def batches(self):
        return [r for r in self.calls if r.path == BATCH]

    @property
    def singles(self):
        """The messages that were asked for alone."""
        return [message_id(r.path) for r in self.calls if r.path != BATCH]
