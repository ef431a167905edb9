"""The emulated vendor (`upstream/`), and the connections of Sallyport to it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LATENCY_MS = 20
API_KEY = "benchmark-secret-0123456789"
USER = "alex@harbor.example"
#: A limit that is never reached, so that no request waits. Each one is counted anyway.
WIDE_LIMIT = {"requests": 1_000_000, "per_seconds": 1}


@contextmanager
def vendor(
    upstream: Path, latency_ms: float = LATENCY_MS, **flags: int
) -> Iterator[tuple[str, dict[str, int]]]:
    """Runs the emulated vendor: its address, and a dictionary of counts that is filled in at the
    end. `flags` are those of its command line."""
    command = [str(upstream), "-latency", f"{latency_ms}ms"]
    for name, value in flags.items():
        command += [f"-{name.replace('_', '-')}", str(value)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    seen: dict[str, int] = {}
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", seen
    finally:
        process.stdin.close()
        seen.update(json.loads(process.stdout.readline()))
        process.wait()
        process.stdout.close()


def gravityzone(address: str, **extra: Any) -> dict[str, Any]:
    names = ("default", "tasks", "blocklist")
    return {
        "integration": "bitdefender_gravityzone",
        "settings": {"server_url": address, "api_key": API_KEY},
        "rate_limits": dict.fromkeys(names, WIDE_LIMIT),
        **extra,
    }


def gmail(address: str, key: Path, **extra: Any) -> dict[str, Any]:
    return {
        "integration": "gmail",
        "settings": {
            "authentication_type": "service_account",
            "admin_email": "admin@harbor.example",
            "service_account_json": json.loads(key.read_text()),
            "gmail_url": address,
            "token_url": f"{address}/token",
        },
        **extra,
    }


def write_key(folder: Path) -> Path:
    """A service account's key file in Google's format."""
    path = folder / "account.json"
    if path.exists():
        return path
    pem = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    account = {
        "type": "service_account",
        "client_email": "sallyport@harbor.example",
        "private_key_id": "1",
        "private_key": pem,
    }
    path.write_text(json.dumps(account))
    return path
