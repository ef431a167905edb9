"""Deterministic input: the same bytes on every machine and in every run."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

SEED = 20261120
RISK_LEVELS = ("all", "critical", "nonvisible", "secure", "vulnerable")
SORT_COLUMNS = ("discoveredOn", "lastScanned", "name")

Arguments = dict[str, Any]


def _list_devices(rng: random.Random) -> tuple[str, Arguments]:
    filters: Arguments = {"riskLevel": rng.choice(RISK_LEVELS), "pageSize": rng.randint(10, 100)}
    if rng.random() < 0.25:
        filters["sortColumn"] = rng.choice(SORT_COLUMNS)
    return "list_devices", {"page": rng.randint(1, 40), "filter": filters}


def _get_technical_context(rng: random.Random) -> tuple[str, Arguments]:
    return "get_technical_context", {"context_id": rng.randint(1, 9999)}


def _list_device_users(rng: random.Random) -> tuple[str, Arguments]:
    device = rng.randint(1, 99999)
    # An id may also be a string of digits: each host must accept both.
    return "list_device_users", {"device_id": str(device) if rng.random() < 0.25 else device}


def _update_target_scan_scope(rng: random.Random) -> tuple[str, Arguments]:
    return "update_target_scan_scope", {
        "target_id": rng.randint(1, 99999),
        "scope": rng.choice(("in", "out")),
    }


MIX = (_list_devices, _get_technical_context, _list_device_users, _update_target_scan_scope)


def dry_run_line(identifier: int, rng: random.Random, connection: str = "prod") -> str:
    """One valid invocation; each of the four commands gets a quarter of the lines."""
    command, arguments = MIX[identifier % len(MIX)](rng)
    arguments["footprint_tenant_id"] = rng.randint(1, 9)
    options = {"dry_run": True}
    return invoke_line(identifier, "coda_footprint", command, arguments, options, connection)


def upstream_line(identifier: int) -> str:
    """One invocation that calls the vendor."""
    arguments = {"device_id": identifier, "footprint_tenant_id": 1}
    return invoke_line(identifier, "coda_footprint", "list_device_users", arguments)


def capabilities_line() -> str:
    """The first request of a client."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "capabilities",
        "params": {"detail": "summary"},
    }
    return json.dumps(message, separators=(",", ":")) + "\n"


def invoke_line(
    identifier: int,
    integration: str,
    command: str,
    arguments: Arguments,
    options: Arguments | None = None,
    connection: str = "prod",
) -> str:
    params: Arguments = {
        "integration": integration,
        "command": command,
        "connection": connection,
        "arguments": arguments,
    }
    if options is not None:
        params["options"] = options
    message = {"jsonrpc": "2.0", "id": identifier, "method": "invoke", "params": params}
    return json.dumps(message, separators=(",", ":")) + "\n"


def write_dry_runs(folder: Path, count: int) -> Path:
    """Writes the input file of `count` lines with the ids 1 to `count`."""
    path = folder / f"dry-run-{count}.jsonl"
    if not path.exists():
        rng = random.Random(SEED)
        with path.open("w") as file:
            for identifier in range(1, count + 1):
                file.write(dry_run_line(identifier, rng))
    return path


def coda(server_url: str, **extra: Any) -> dict[str, Any]:
    """A connection of CODA Footprint."""
    return {
        "integration": "coda_footprint",
        "settings": {
            "server_url": server_url,
            "user_name": "u@example.com",
            "password": "benchmark-secret",
        },
        **extra,
    }


def write_connection(folder: Path, name: str, connection: dict[str, Any]) -> Path:
    """Writes a connections file with a single connection, `prod`."""
    return write_connections(folder / name, {"prod": connection})


def write_connections(path: Path, connections: dict[str, dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"connections": connections}))
    # Hosts may reject a file with secrets that other users can read.
    path.chmod(0o600)
    return path
