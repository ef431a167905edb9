"""Gmail as a test programs it, for sending mail and fetching attachments: takes every sign-in, keeps
what it is sent, and serves resumable uploads as Google documents them."""

import base64
import email
import email.policy
import re
import tempfile
import threading

from Support.upstream import Reply, Upstream, reply

SENDER = "soc@corp.example"
SEND = f"/gmail/v1/users/{SENDER.replace('@', '%40')}/messages/send"
UPLOAD = f"/upload{SEND}"
MESSAGES = SEND.removesuffix("/send")
SENT = {"id": "182b676d244938bd", "threadId": "182b676d244938bd", "labelIds": ["SENT"]}


def encoded(data):
    """As Google writes bytes."""
    return base64.urlsafe_b64encode(data).decode()


def decoded(text):
    return base64.b64decode(text, altchars=b"-_", validate=True)


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


class Mailbox(Upstream):
    """`answer` gets every request of the APIs; None lets this class answer it."""

    def __init__(self, answer=None, **more):
        self.own_answer = answer or (lambda request: None)
        self.sent = []  # the bytes of each mail
        self.uploads = []  # the bytes of each upload so far
        self.pieces = []  # the Content-Range of each PUT
        self.takes = None  # bytes that are kept of the pieces, one number for each
        self.lock = threading.Lock()
        super().__init__(self.route, **more)

    def route(self, request):
        if request.path == "/token":
            return reply(200, {"access_token": f"ya29.{len(self.to('/token'))}", "expires_in": 3599})
        assert request.header("Authorization").startswith("Bearer ya29.")
        if request.method == "PUT":
            self.pieces.append(request.header("Content-Range"))
        return self.own_answer(request) or self.serve(request)

    def serve(self, request):
        if request.path == SEND and request.method == "POST":
            assert list(request.json) == ["raw"]
            return self.deliver(decoded(request.json["raw"]))
        if request.path == UPLOAD and request.method == "POST":
            return self.begin(request)
        if request.path == UPLOAD and request.method == "PUT":
            return self.resume(request)
        return reply(404, {"error": {"code": 404, "message": "Requested entity was not found."}})

    def deliver(self, raw):
        self.sent.append(raw)
        return reply(200, SENT)

    def begin(self, request):
        assert dict(request.query) == {"uploadType": "resumable"}
        assert request.header("X-Upload-Content-Type") == "message/rfc822"
        self.uploads.append(bytearray())
        number = len(self.uploads) - 1
        place = f"{self.url}{UPLOAD}?uploadType=resumable&upload_id={number}"
        return reply(200, headers=[("Location", place)])

    def resume(self, request):
        upload = self.uploads[int(dict(request.query)["upload_id"])]
        span, total = re.fullmatch(
            r"bytes (\d+-\d+|\*)/(\d+)", request.header("Content-Range")).groups()
        if span != "*":
            start, end = map(int, span.split("-"))
            assert start == len(upload), "a piece that does not follow the others"
            assert len(request.body) == end - start + 1
            assert end + 1 == int(total) or len(request.body) % (256 * 1024) == 0
            upload += request.body[: self.takes.pop(0) if self.takes else None]
        if len(upload) == int(total):
            return self.deliver(bytes(upload))
        headers = [("Range", f"bytes=0-{len(upload) - 1}")] if upload else []
        return Reply(308, headers=headers)

    @property
    def calls(self):
        """The requests without the sign-ins."""
        return [r for r in list(self.requests) if r.path != "/token"]

    def connection(self, **more):
        settings = {
            "authentication_type": "oauth_client_id", "client_id": "1067-qp8f.apps.example",
            "client_secret": "GOCSPX-e9hi-ejaY", "refresh_token": "1//0e-refresh-of-the-file",
            "gmail_url": self.url, "directory_url": self.url, "token_url": self.url + "/token"}
        return {"integration": "gmail", "settings": settings, **more}


def put(host, name, content, source="playbook_file", **more):
    """Stores a file; returns its id. One that is too large for a line goes by its path."""
    if len(content) > 16 * 1024 * 1024:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            params = {"name": name, "path": file.name, "source": source}
            return host.call("files/put", params | more)["file_id"]
    data = base64.b64encode(content).decode()
    return host.call(
        "files/put", {"name": name, "content_base64": data, "source": source, **more})["file_id"]


#: The least that send_email needs.
MAIL = {"sender_email": SENDER, "subject": "Test", "content": "Hi", "to_recipients": ["a@b.example"]}


def sent(mailbox, host, **arguments):
    """The mail that a call of send_email sends, as parsed by Python."""
    host.result("send_email", MAIL | arguments)
    return read(mailbox.sent[-1])
