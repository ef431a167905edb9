"""The vendor behind the kit's side of `host/http`: fixed responses, or the vendor of `--sample`."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socketserver
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any

FAILED = -32000
EMPTY = {"status": 200, "headers": {"Content-Type": "application/json"}, "json": {}}
PLACEHOLDER = re.compile(r"\{\{secret:([^{}]*)\}\}")
MEMBERS = {"invocation", "method", "url", "query", "headers", "body", "json", "body_base64", "basic", "sign_in"}


class Refusal(dict):
    """An error in response to a request of the plugin."""


def refusal(kind: str, status: int, message: str, **more: Any) -> Refusal:
    return Refusal(code=FAILED, message=message, data={
        "return_data": "Failed", "failure_indicator": "host/http failed.", "status_code": status, "message": message,
        "kind": kind, "retryable": False, "outcome": "not_applied", **more})


def request_problem(params: Any, origins: set[str]) -> str | None:
    """What is wrong with the params of `host/http`; None if nothing is."""
    if not isinstance(params, dict):
        return "the params are not an object"
    unknown = set(params) - MEMBERS
    if unknown:
        return f"unknown member {min(unknown)!r}"
    if "invocation" not in params:
        return "invocation is missing"
    method, url = params.get("method"), params.get("url")
    if not isinstance(method, str) or not re.fullmatch(r"[A-Z]+", method):
        return f"method is {method!r}; expected a name such as GET"
    if not isinstance(url, str) or not re.match(r"https?://", url):
        return f"url is {url!r}; expected an absolute URL"
    if PLACEHOLDER.search(origin_of(url)):
        return "the origin of the URL contains a placeholder"
    if origins and origin_of(url) not in origins:
        return f"the origin {origin_of(url)} is not one of the connection's URL settings: {', '.join(sorted(origins))}"
    if sum(name in params for name in ("body", "json", "body_base64")) > 1:
        return "more than one of body, json and body_base64"
    for name in ("query", "headers", "basic"):
        if not isinstance(params.get(name, {}), dict):
            return f"{name} is not an object"
    if not all(isinstance(one, str) for one in params.get("headers", {}).values()):
        return "a header is not text"
    if "basic" in params and not all(isinstance(params["basic"].get(name), str) for name in ("user", "password")):
        return "basic needs user and password"
    return None


def origin_of(url: str) -> str:
    return "/".join(url.split("/", 3)[:3]).lower()


class Forwarder:
    """Sends requests to the vendor of `--sample`, with secrets in place of their placeholders."""

    def __init__(self, secrets: Mapping[str, str], timeout: float) -> None:
        self.secrets = dict(secrets)
        self._timeout = timeout

    def __call__(self, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._response(params)
        except OSError as error:
            return refusal("network", 502, f"{params['url']}: {error}")

    def _response(self, params: Mapping[str, Any]) -> dict[str, Any]:
        parts = urllib.parse.urlsplit(params["url"])
        query = urllib.parse.urlencode(
            [(name, self._filled(one)) for name, value in params.get("query", {}).items()
             for one in (value if isinstance(value, list) else [value])])
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", "&".join(filter(None, [parts.query, query])), ""))
        headers = {name: self._filled(value) for name, value in params.get("headers", {}).items()}
        body = None
        if "json" in params:
            body = self._filled(json.dumps(params["json"])).encode()
            headers.setdefault("Content-Type", "application/json")
        elif "body" in params:
            body = self._filled(params["body"]).encode()
        elif "body_base64" in params:
            body = base64.b64decode(params["body_base64"])
        if "basic" in params:
            pair = f"{self._filled(params['basic']['user'])}:{self._filled(params['basic']['password'])}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout)
        try:
            connection.request(params["method"], target, body, headers)
            answer = connection.getresponse()
            return response(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _filled(self, value: Any) -> str:
        return PLACEHOLDER.sub(lambda found: self.secrets.get(found[1], found[0]), str(value))


def response(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    made: dict[str, Any] = {"status": status, "headers": headers}
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return {**made, "body_base64": base64.b64encode(body).decode()}
    if "json" in kind:
        try:
            return {**made, "json": json.loads(text)}
        except ValueError:
            pass
    if not kind.startswith("text/") and "json" not in kind:
        return {**made, "body_base64": base64.b64encode(body).decode()}
    return {**made, "body": text}


class Listener:
    """A loopback port behind the URL settings. It counts the connections that did not go through the host."""

    def __init__(self) -> None:
        self.connections = 0

        class Handler(socketserver.BaseRequestHandler):
            def handle(inner) -> None:
                self.connections += 1
                inner.request.settimeout(1.0)
                try:
                    inner.request.recv(65536)
                    inner.request.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                        b"Connection: close\r\n\r\n{}")
                except OSError:
                    pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
