"""Messages that the hostile cases send."""

from __future__ import annotations

import json
from typing import Any

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
PONG = b'{"jsonrpc":"2.0","id":1,"result":{}}'
BOM = b"\xef\xbb\xbf"

#: Options that make calls of the emulated vendor slow, so that they are in flight.
SLOW = ("--sandbox", "--sandbox-fault", "coda: slow 300ms")
ENDLESS = ("--sandbox", "--sandbox-fault", "coda: slow 60s")


def ping(id: str) -> bytes:
    """With the id as source text."""
    return b'{"jsonrpc":"2.0","id":%s,"method":"ping"}' % id.encode()


def pong(id: str) -> bytes:
    """The response to `ping`."""
    return b'{"jsonrpc":"2.0","id":%s,"result":{}}' % id.encode()


def call(id: str, command: str = "test_connection", **more: Any) -> bytes:
    """An invoke; the id as source text, `more` as further params."""
    params = {"integration": "coda_footprint", "command": command, **more}
    return b'{"jsonrpc":"2.0","id":%s,"method":"invoke","params":%s}' % (
        id.encode(), json.dumps(params, separators=(",", ":")).encode())
