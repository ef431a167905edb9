"""Measure 5: one command that reads many messages, spawn to exit."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .programs import Program
from .table import note, print_table, ratio
from .upstream import LATENCY_MS, vendor

MESSAGES = 400
IDS = [f"{0x182B00000000 + number:x}" for number in range(MESSAGES)]
USER = "alex@harbor.example"
GO = "Go, 32 connections"
LIMITED = "Sallyport within a rate limit"


@dataclass(frozen=True)
class Run:
    """Durations in seconds, and the number of mail requests that the vendor received."""

    wall: float
    cpu: float
    requests: int


def measure(sallyport: Program, go_mail: Path, upstream: Path, folder: Path, runs: int) -> None:
    key = _write_key(folder)
    (folder / "ids").write_text("\n".join(IDS))
    done: dict[str, list[Run]] = {GO: [], "Sallyport": [], LIMITED: []}
    for _ in range(runs):
        for name, all_ in done.items():
            with vendor(upstream) as (port, seen):
                address = f"http://127.0.0.1:{port}"
                if name == GO:
                    command = [str(go_mail), "-key", str(key), "-address", address]
                    command += ["-user", USER, "-ids", str(folder / "ids")]
                    wall, cpu = _run(name, command, os.devnull, folder)
                else:
                    batches = name != LIMITED
                    connections = _write_connections(folder, key, address, batches=batches)
                    request = _write_request(folder)
                    wall, cpu = _run(name, sallyport.serving(connections), str(request), folder)
            if seen["messages"] != MESSAGES:
                raise SystemExit(f"{name} requested {seen['messages']} messages.")
            all_.append(Run(wall, cpu, seen["reads"]))
    _report(done, runs)


def _write_key(folder: Path) -> Path:
    """A service account's key file in Google's format."""
    path = folder / "account.json"
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


def _write_connections(folder: Path, key: Path, address: str, *, batches: bool) -> Path:
    connection = {
        "integration": "gmail",
        "settings": {
            "authentication_type": "service_account",
            "admin_email": "admin@harbor.example",
            "service_account_json": json.loads(key.read_text()),
            "gmail_url": address,
            "token_url": f"{address}/token",
        },
    }
    if not batches:
        # With a rate limit on the connection, each message is requested individually and counted in
        # a file that all processes share.
        connection["rate_limits"] = {"get_email": {"requests": 1_000_000, "per_seconds": 1}}
    path = folder / "mail.json"
    path.write_text(json.dumps({"connections": {"main": connection}}))
    path.chmod(0o600)
    return path


def _write_request(folder: Path) -> Path:
    arguments = {"user_email": USER, "message_ids": IDS}
    params = {
        "integration": "gmail",
        "command": "get_email",
        "connection": "main",
        "arguments": arguments,
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "invoke", "params": params}
    path = folder / "mail.jsonl"
    path.write_text(json.dumps(message) + "\n")
    return path


def _run(name: str, command: list[str], source: str, folder: Path) -> tuple[float, float]:
    output = folder / "mail.out"
    files = [
        (os.POSIX_SPAWN_OPEN, 0, source, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"{name} exited with wait status {status}.")
    result = json.loads(output.read_bytes()).get("result")
    messages = result["raw_data"] if isinstance(result, dict) else result
    if [message["id"] for message in messages or []] != IDS:
        raise SystemExit(f"{name} returned an unexpected result: {output.read_bytes()[:500]!r}")
    return wall, usage.ru_utime + usage.ru_stime


def _report(done: dict[str, list[Run]], runs: int) -> None:
    wall = {name: statistics.median(run.wall for run in all_) for name, all_ in done.items()}
    cpu = {name: statistics.median(run.cpu for run in all_) for name, all_ in done.items()}
    rows = [
        [
            name,
            f"{wall[name] * 1000:.1f}",
            ratio(wall[name], wall[GO]),
            f"{cpu[name] * 1000:.1f}",
            ratio(cpu[name], cpu[GO]),
            str(done[name][-1].requests),
        ]
        for name in done
    ]
    print_table(
        f"5. `get_email` of {MESSAGES} messages, {LATENCY_MS} ms per request "
        f"(medians of {runs} interleaved runs)",
        ["program", "wall ms", "to Go", "CPU ms", "to Go", "requests"],
        rows,
    )
    note("Every message was returned once, in the requested order. A batch takes as long as a call.")
