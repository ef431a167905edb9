"""A vendor that answers when the test says so: what is slow, and how many requests there are at a
time, is then a matter of order and not of time.
"""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any

from host import TIMEOUT


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    #: Connections that the system keeps for us; the standard library's 5 lose some of 64.
    request_queue_size = 256


class GatedVendor:
    """Speaks enough of CODA Footprint to sign in; every other request waits for `release`."""

    def __init__(self, body: bytes = b"[]") -> None:
        self.body = body
        self._condition = threading.Condition()
        self._places = 0
        self._is_open = False
        self.arrived = 0
        self.answered = 0
        self.most_at_once = 0
        self._server = Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> GatedVendor:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._server.shutdown()
        self._server.server_close()

    @property
    def connection(self) -> dict[str, Any]:
        return {
            "integration": "coda_footprint",
            "settings": {
                "server_url": f"http://127.0.0.1:{self._server.server_port}",
                "user_name": "gate@example.com", "password": "open-the-gate",
            },
        }

    def wait_for(self, count: int) -> None:
        """Until that many requests have come in all."""
        with self._condition:
            came = self._condition.wait_for(lambda: self.arrived >= count, TIMEOUT)
        assert came, f"{self.arrived} of {count} requests came"

    def release(self, count: int = 1) -> None:
        """Lets that many more requests be answered."""
        with self._condition:
            self._places += count
            self._condition.notify_all()

    def open(self) -> None:
        with self._condition:
            self._is_open = True
            self._condition.notify_all()

    def _wait_in_line(self) -> None:
        with self._condition:
            self.arrived += 1
            self.most_at_once = max(self.most_at_once, self.arrived - self.answered)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._is_open or self.answered < self._places)
            self.answered += 1

    def _handler(vendor) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self._answer(json.dumps({"access": "gate-access", "refresh": "gate-refresh"}).encode())

            def do_GET(self) -> None:
                vendor._wait_in_line()
                self._answer(vendor.body)

            def do_PATCH(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.do_GET()

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

        return Handler
