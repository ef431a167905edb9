"""Secrets: a password sent over the wire must not leave the host again, in any encoding."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterable
from typing import Any

from case import hostile
from comparison import Number
from expectations import expect_each_once, id_text
from faults import Fault, shown
from frames import read_frame
from messages import call
from process import Launch

#: Its JSON, percent-encoded and base64 forms differ from it and from each other.
SECRET = 'kit pass"word/é+%'


def forms_of(secret: str) -> dict[str, bytes]:
    data = secret.encode()
    return {
        "verbatim": data,
        "JSON-escaped": json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        "JSON-escaped in ASCII": json.dumps(secret)[1:-1].encode(),
        "percent-encoded": urllib.parse.quote(secret, safe="").encode(),
        "form-encoded": urllib.parse.quote_plus(secret).encode(),
        "in base64": base64.b64encode(data),
        "in base64 with the user": base64.b64encode(b"kit.user:" + data),
    }


def expect_no_secret(frames: list[Any], errors: bytes = b"") -> None:
    """The secret is in no frame and not in stderr, in any encoding."""
    # As JSON, and as decoded strings.
    output = json.dumps(frames, ensure_ascii=False).encode("utf-8", "surrogatepass")
    decoded = "\n".join(_strings(frames)).encode("utf-8", "surrogatepass")
    for form, text in forms_of(SECRET).items():
        for name, data in (("a response", output), ("a response", decoded), ("stderr", errors)):
            at = data.find(text)
            if at >= 0:
                around = data[max(0, at - 60):at + len(text) + 20]
                raise Fault(f"{name} contains the secret, {form}", expected="[redacted]", got=shown(around))


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.items() if isinstance(value, dict) else value:
            yield from _strings(list(one) if isinstance(one, tuple) else one)


def _texts(frame: Any) -> str:
    """Without what may differ: numbers, such as the calls in flight, and `meta`, which has the id of a trace."""
    return "\n".join(text for text in _strings(_without_meta(frame)) if not isinstance(text, Number))


def _without_meta(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_meta(one) for name, one in value.items() if name != "meta"}
    return [_without_meta(one) for one in value] if isinstance(value, list) else value


def put(id: int, name: str, **settings: Any) -> bytes:
    settings = {"user_name": "kit.user", "password": SECRET, **settings}
    params = {"name": name, "connection": {"integration": "coda_footprint", "settings": settings}}
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": "connections/put", "params": params}).encode()


def echoes() -> list[bytes]:
    """Lines that tempt a host to repeat the secret, which it knows."""
    quoted = urllib.parse.quote(SECRET, safe="")
    return [json.dumps({"jsonrpc": "2.0", "id": 10 + number, **rest}).encode() for number, rest in enumerate([
        {"method": "connections/list"}, {"method": f"say {SECRET}"}, {"method": f"say {quoted}"},
        {"method": "capabilities", "params": {"integration": SECRET}}, {"method": "ping", "params": {SECRET: 1}},
        {"method": "files/get", "params": {"file_id": SECRET}},
        {"method": "connections/remove", "params": {"name": base64.b64encode(SECRET.encode()).decode()}},
        {"method": "stats"}, {"method": "limits"}, {"method": "health/status"},
    ])]


@hostile("secrets", "3.12", "6.2", "6.3", needs_sandbox=True)
def secrets(launch: Launch) -> None:
    """A password sent over the wire is in no response, error or log, in any encoding."""
    with launch("--log-level", "debug") as host:
        # Nothing listens at port 9. The secret is repeated as a wrong value and next to wrong names.
        host.send(put(1, "kit", server_url="http://127.0.0.1:9"))
        frames = [read_frame(host.expect('{"jsonrpc":"2.0","id":1,"result":{"name":"kit","replaced":false}}'))]
        lines = [
            put(2, "other", server_url="http://127.0.0.1:9", pasword=SECRET), put(3, "other", server_url=SECRET),
            call("4", connection="kit"), call("5", SECRET, connection="kit"),
            call("6", "list_devices", connection="kit", arguments={"page": SECRET}), *echoes()]
        host.send(*lines)
        frames += host.finish()
        expect_each_once(frames, [id_text(json.loads(line)["id"]) for line in lines] + ["1"])
        # A response may repeat the text of the request (11.7), the log may not.
        repeating = {
            id_text(json.loads(line)["id"]) for line in lines[3:]
            if any(text in line for text in forms_of(SECRET).values())}
        expect_no_secret([frame for frame in frames if id_text(frame["id"]) not in repeating], host.all_errors())


@hostile("secrets-guessed", "11.7", needs_sandbox=True)
def secrets_guessed(launch: Launch) -> None:
    """No response tells whether text of the caller is a secret of a connection."""
    answers = []
    for password in (SECRET, "another secret"):
        with launch() as host:
            host.send(put(1, "kit", server_url="http://127.0.0.1:9", password=password))
            host.expect('{"jsonrpc":"2.0","id":1,"result":{"name":"kit","replaced":false}}')
            lines = [
                call("5", SECRET, connection="kit"),
                call("6", "list_devices", connection="kit", arguments={"page": SECRET}),
                call("7", "list_devices", connection="kit", arguments={"filter": {"ip": SECRET}},
                     options={"dry_run": True}),
                *(line for line in echoes() if b"stats" not in line)]
            host.send(*lines)
            answers.append({id_text(frame["id"]): _texts(frame) for frame in host.finish()})
    guessed, other = answers
    for id, text in other.items():
        if guessed.get(id) != text:
            raise Fault("a response differs if text of its request is a secret", expected=shown(text.encode()),
                        got=shown(guessed.get(id, "").encode()))


@hostile("secrets-echoed", "6.3", needs_sandbox=True)
def secrets_echoed(launch: Launch) -> None:
    """A password that the vendor echoes is in no response, error or log."""
    with EchoingVendor() as vendor, launch("--log-level", "debug") as host:
        host.send(put(1, "kit", server_url=vendor.url))
        host.expect('{"jsonrpc":"2.0","id":1,"result":{"name":"kit","replaced":false}}')
        for id, status in enumerate((401, 400, 418, 200), 2):
            vendor.status = status
            host.send(call(str(id), "list_tenants", connection="kit", options={"timeout_ms": 20_000}))
            expect_no_secret([host.read()])
        expect_no_secret(host.finish(), host.all_errors())
        if not vendor.asked:
            raise Fault("the host sent no request to the vendor")


class EchoingVendor(http.server.ThreadingHTTPServer):
    """Echoes every request in many encodings."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.status = 401
        self.asked = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> EchoingVendor:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        server.asked += 1
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        told = {form: text.decode() for form, text in forms_of(SECRET).items()}
        body = json.dumps({"detail": f"{sent} {SECRET}", "forms": told, "headers": dict(self.headers)}).encode()
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Echo", urllib.parse.quote(SECRET))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Prints nothing: the kit prints only the report."""
