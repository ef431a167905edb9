#!/usr/bin/env python3
"""An emulated vendor for plugins: Acme EDR, with a sign-in, pages, alerts and a report.

Usage: vendor.py [--port N] [INTEGRATION…]

It listens on loopback, prints a connections file for these plugins (default: acme_edr, acme_edr_go), and runs until
it is interrupted. It accepts a token, which `POST /api/login` returns for the user `analyst` with the password
`correct-horse`, or the header `X-API-Key: acme-key`. `POST /_vendor/expire` invalidates all tokens.
"""

from __future__ import annotations

import argparse
import http.server
import json
import re
import secrets
import threading
import urllib.parse
from typing import Any, Callable, NamedTuple, Optional

USER, PASSWORD, API_KEY = "analyst", "correct-horse", "acme-key"

#: The plugins next to this file.
EXAMPLES = ["acme_edr", "acme_edr_go"]

ENDPOINTS: list[dict[str, Any]] = [
    {"id": f"ep-{number}", "name": name, "online": number % 4 != 0, "isolated": False}
    for number, name in enumerate(
        ["PC-FIN-101", "PC-FIN-102", "SRV-DC-103", "LNX-BLD-104", "HMI-LINE-105", "PC-HR-106", "PC-HR-107"], 1)]
ALERTS: list[dict[str, Any]] = [
    {"id": number, "title": title, "severity": severity, "endpoint": {"id": f"ep-{number}"},
     "created": f"2026-11-20T0{number}:00:00Z"}
    for number, (title, severity) in enumerate(
        [("Credential dump", "high"), ("Unsigned driver", "medium"), ("Beacon", "high"), ("Macro", "low"),
         ("Port scan", "medium")], 1)]
REPORTS = {"rep-1": b"endpoint,alerts\r\nep-1,3\r\nep-2,1\r\n"}


class Answer(NamedTuple):
    status: int
    body: Any


def failed(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"message": message}})


class Acme:
    """The state of the vendor, and a function per route."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.endpoints = {one["id"]: dict(one) for one in ENDPOINTS}
        self.comments: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.log: list[tuple[str, str]] = []

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Answer:
        url = urllib.parse.urlsplit(target)
        query = {name: values[-1] for name, values in urllib.parse.parse_qs(url.query).items()}
        with self.lock:
            self.log.append((method, url.path))
            for verb, pattern, handle in self.routes():
                found = re.fullmatch(pattern, url.path)
                if found and verb == method:
                    break
            else:
                return failed(404, f"No route {method} {url.path}")
            is_open = url.path == "/api/login" or url.path.startswith("/_vendor/")
            if not is_open and not self.is_known(headers):
                return failed(401, "The token is missing or has expired")
            try:
                params = json.loads(body) if body else {}
            except ValueError:
                return failed(400, "The body is not JSON")
            return handle(*found.groups(), query=query, params=params)

    def is_known(self, headers: Any) -> bool:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        return token in self.tokens or headers.get("X-API-Key") == API_KEY

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        return [
            ("POST", "/api/login", self.login),
            ("GET", "/api/whoami", self.whoami),
            ("GET", "/api/endpoints", self.list_endpoints),
            ("GET", "/api/endpoints/([^/]+)", self.get_endpoint),
            ("POST", "/api/endpoints/([^/]+)/isolation", self.isolate),
            ("GET", "/api/alerts", self.list_alerts),
            ("POST", "/api/alerts/([0-9]+)/comments", self.comment),
            ("GET", "/api/reports/([^/]+)/content", self.report),
            ("POST", "/_vendor/expire", self.expire),
        ]

    def login(self, query: dict[str, str], params: dict[str, Any]) -> Answer:
        if (params.get("user"), params.get("password")) != (USER, PASSWORD):
            return failed(401, "Wrong user or password")
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return Answer(200, {"access_token": token, "expires_in": 3600})

    def expire(self, query: dict[str, str], params: dict[str, Any]) -> Answer:
        self.tokens.clear()
        return Answer(200, {})

    def whoami(self, query: dict[str, str], params: dict[str, Any]) -> Answer:
        return Answer(200, {"user": USER})

    def list_endpoints(self, query: dict[str, str], params: dict[str, Any]) -> Answer:
        found = [one for one in self.endpoints.values() if query.get("name", "").lower() in one["name"].lower()]
        page, size = int(query.get("page", 1)), int(query.get("page_size", 3))
        return Answer(200, {"items": found[(page - 1) * size : page * size], "page": page, "total": len(found)})

    def get_endpoint(self, id: str, query: dict[str, str], params: dict[str, Any]) -> Answer:
        endpoint = self.endpoints.get(id)
        return Answer(200, endpoint) if endpoint else failed(404, f"No endpoint {id}")

    def isolate(self, id: str, query: dict[str, str], params: dict[str, Any]) -> Answer:
        endpoint = self.endpoints.get(id)
        if not endpoint:
            return failed(404, f"No endpoint {id}")
        if not endpoint["online"]:
            return failed(409, f"{endpoint['name']} is offline")
        endpoint["isolated"] = params.get("isolated", True)
        return Answer(200, {"endpoint_id": id, "isolated": endpoint["isolated"]})

    def list_alerts(self, query: dict[str, str], params: dict[str, Any]) -> Answer:
        after, limit = int(query.get("after", 0)), int(query.get("limit", 100))
        found = [one for one in ALERTS if one["id"] > after][:limit]
        return Answer(200, {"alerts": found, "last": found[-1]["id"] if found else after})

    def comment(self, id: str, query: dict[str, str], params: dict[str, Any]) -> Answer:
        if not any(one["id"] == int(id) for one in ALERTS):
            return failed(404, f"No alert {id}")
        self.comments.append({"alert": int(id), "text": params.get("text", "")})
        return Answer(201, {"comment_id": len(self.comments), **self.comments[-1]})

    def report(self, id: str, query: dict[str, str], params: dict[str, Any]) -> Answer:
        content = REPORTS.get(id)
        return Answer(200, content) if content else failed(404, f"No report {id}")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, acme: Optional[Acme] = None) -> None:
        self.acme = acme or Acme()
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.acme.answer(self.command, self.path, self.headers, body)
        is_file = isinstance(answer.body, bytes)
        content = answer.body if is_file else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/csv" if is_file else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Without a log on stderr."""


def connections(url: str, integrations: list[str]) -> dict[str, Any]:
    """A connection per integration, with its name. The example plugins sign in, others have the key."""
    with_user = {"server_url": url, "user_name": USER, "password": PASSWORD}
    with_key = {"server_url": url, "api_key": API_KEY}
    return {"connections": {
        one: {"integration": one, "settings": with_user if one in EXAMPLES else with_key} for one in integrations}}


def main() -> None:
    parser = argparse.ArgumentParser(description="An emulated vendor for plugins.")
    parser.add_argument("integrations", nargs="*", default=EXAMPLES, help="ids of plugins to connect")
    parser.add_argument("--port", type=int, default=0, help="the port on loopback (default: a free one)")
    options = parser.parse_args()
    server = Server(options.port)
    print(json.dumps(connections(server.url, options.integrations)), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
