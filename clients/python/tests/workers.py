"""Redis, workers and a vendor for the tests of `sallyport.celery`."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import trustme
from conftest import ROOT, TIMEOUT, eventually
from sallyport.celery import Remote
from sallyport.celery.signature import signer_for

sys.path.insert(0, str(ROOT / "Tests"))
from Support.ports import free_port  # noqa: E402
from Support.upstream import DEVICES, Tenant, reply  # noqa: E402

RESCAN = "/api/console/scanSurface/rescan/"
#: Seconds; short, so that what a killed worker held comes back soon.
LEASE, DRAIN = 3, 1.5
#: Of Redis.
PASSWORD = "only-callers-and-workers"


class Redis:
    """A separate server on loopback, without persistence. Its password is PASSWORD unless it is open."""

    def __init__(self, folder: pathlib.Path, *, tls: bool = False, open: bool = False) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("there is no redis-server on this machine; Tests/run-all.sh installs Debian's")
        self.port = free_port()
        login = "" if open else f":{PASSWORD}@"
        self.url = f"redis://{login}127.0.0.1:{self.port}/0"
        self.socket = folder / "redis.sock"
        options = ["--bind", "127.0.0.1", "--save", "", "--dir", str(folder),
                   "--unixsocket", str(self.socket), "--unixsocketperm", "700"]  # fmt: skip
        options += [] if open else ["--requirepass", PASSWORD]
        if tls:
            authority, server = trustme.CA(), folder / "server.pem"
            authority.cert_pem.write_to_path(folder / "ca.pem")
            authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(server)
            self.url = f"rediss://{login}127.0.0.1:{self.port}/0?ssl_cert_reqs=required&ssl_ca_certs={folder}/ca.pem"
            options += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no",
                        "--tls-cert-file", str(server), "--tls-key-file", str(server),
                        "--tls-ca-cert-file", f"{folder}/ca.pem"]  # fmt: skip
        else:
            options += ["--port", str(self.port)]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        self.client: Any = redis.Redis.from_url(self.url, decode_responses=True)
        eventually(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "redis-server does not start"
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def monitor(self, file: pathlib.Path) -> subprocess.Popen[bytes]:
        """Writes every command that the server gets to a file, from now on."""
        with file.open("wb") as output:
            process = subprocess.Popen(
                ["redis-cli", "-p", str(self.port), "monitor"], stdout=output,
                env={**os.environ, "REDISCLI_AUTH": PASSWORD},
            )  # fmt: skip
        eventually(lambda: b"OK" in file.read_bytes())
        return process

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(TIMEOUT)


class Worker:
    """`celery -A sallyport.celery worker`, with the given variables `SALLYPORT_…`."""

    def __init__(self, server: Redis, folder: pathlib.Path, *, threads: int = 4, **settings: Any) -> None:
        self.log = folder / f"worker-{len(list(folder.glob('worker-*')))}.log"
        settings = {"broker_url": server.url, "lease_seconds": LEASE, "drain_seconds": DRAIN, **settings}
        variables = {f"SALLYPORT_{name.upper()}": str(value) for name, value in settings.items()}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-B", "-m", "celery", "-A", "sallyport.celery", "worker", "--loglevel", "INFO",
                 "--concurrency", str(threads), "--hostname", f"{self.log.stem}@test", "--without-mingle"],
                env={**os.environ, **variables}, cwd=folder, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def has_said(self, text: str) -> bool:
        return text in self.log.read_text()

    def wait_until_ready(self) -> None:
        eventually(lambda: self.has_said(" ready."))

    @property
    def hosts(self) -> list[int]:
        """The processes of hosts that it has."""
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(child) for thread in threads for child in thread.read_text().split()]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)


class Vendor(Tenant):
    """A vendor that answers when the gate is open. Devices come on two pages, the gate between them."""

    PAGES = (("a", "b", "c"), ("d", "e"))

    def __init__(self, folder: pathlib.Path, **more: Any) -> None:
        super().__init__(self.answer_at_the_gate)
        self.gate = threading.Event()
        connection = {
            "integration": "coda_footprint",
            "settings": {"server_url": self.url, "user_name": "u@acme.example",
                         "password": {"$file": str(folder / "password")}},
            **more,
        }  # fmt: skip
        (folder / "password").write_text("never-in-redis")
        self.file = folder / "connections.json"
        self.file.write_text(json.dumps({"connections": {"a": connection, "b": connection}}))

    def answer_at_the_gate(self, request: Any) -> Any:
        page = int(dict(request.query).get("page", 1))
        if (request.path, page) != (DEVICES, 1):
            self.gate.wait(TIMEOUT)
        if request.path == DEVICES:
            items = self.PAGES[page - 1]
            return reply(200, {"page": page, "totalPages": len(self.PAGES), "items": items})
        return reply(200, [])

    @property
    def rescans(self) -> list[str]:
        """The scanners that got a rescan request, one entry for each request."""
        return sorted(call.path.split("/")[-2] for call in self.calls if call.path.startswith(RESCAN))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


def send(remote: Remote, message: dict[str, Any], task: str, queue: str = "sallyport.a") -> Any:
    """Sends a task as Celery alone does. Returns Celery's result."""
    return remote._application.send_task("sallyport.invoke", kwargs=message, queue=queue, task_id=task)


def signed_of(machines: Machines, task: str, message: dict[str, Any]) -> dict[str, Any]:
    """The message with the signature of a caller that has the password of Redis."""
    signer = signer_for(machines.server.url, {})
    assert signer is not None
    return {**message, "signature": signer.sign(task, message)}


class Machines:
    """Workers of one test, and what they work with."""

    def __init__(self, server: Redis, folder: pathlib.Path) -> None:
        self.server = server
        self.folder = folder
        self.workers: list[Worker] = []
        self.vendors: list[Vendor] = []

    def vendor(self, **more: Any) -> Vendor:
        """One with the connections `a` and `b`, which have also what is given."""
        self.vendors.append(Vendor(self.folder, **more))
        return self.vendors[-1]

    def worker(self, **settings: Any) -> Worker:
        if self.vendors:
            settings = {"connections": self.vendors[-1].file, "worker_connections": "a", **settings}
        self.workers.append(Worker(self.server, self.folder, **settings))
        return self.workers[-1]

    def end(self) -> None:
        for vendor in self.vendors:
            vendor.gate.set()
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        for vendor in self.vendors:
            vendor.close()


@pytest.fixture
def machines(redis_server: Redis, tmp_path: pathlib.Path) -> Iterator[Machines]:
    redis_server.client.flushall()
    machines = Machines(redis_server, tmp_path)
    yield machines
    machines.end()
