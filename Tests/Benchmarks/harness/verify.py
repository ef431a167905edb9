"""Checks that the responses of a host are correct."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

try:
    from orjson import loads
except ImportError:
    from json import loads


def check_dry_runs(name: str, path: Path, count: int) -> None:
    """Checks that each id from 1 to `count` got one response with one planned request."""
    seen = bytearray(count + 1)
    with path.open("rb") as file:
        for line in file:
            message = loads(line)
            identifier = message.get("id")
            if "result" not in message or len(message["result"]["requests"]) != 1:
                raise SystemExit(f"{name} failed: {line[:500].decode(errors='replace')}")
            seen[identifier] += 1
    answered = seen[1:]
    if any(times != 1 for times in answered):
        raise SystemExit(
            f"{name}: {answered.count(0)} ids without a response, "
            f"{count - answered.count(0) - answered.count(1)} with several."
        )


def digest(path: Path) -> str:
    """A hash over the meaning of all responses, independent of their order and the order of members.
    Equal hashes prove that the hosts did the same work."""
    total = 0
    with path.open("rb") as file:
        for line in file:
            message = loads(line)
            requests = [_meaning(request) for request in message["result"]["requests"]]
            text = json.dumps([message["id"], requests], sort_keys=True)
            total ^= int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    return f"{total:016x}"


def _meaning(request: dict[str, Any]) -> list[Any]:
    url = urlsplit(request["url"])
    query = sorted(parse_qsl(url.query))
    headers = {name.lower(): value for name, value in request["headers"].items()}
    # Other headers (Accept, User-Agent) may differ between hosts.
    tenant = headers.get("footprinttenantid")
    return [request["method"], url.netloc, url.path, query, tenant, request.get("body")]
