"""Hostile callers and vendors with 256 MiB of memory: every request is answered, and the host lives.

The limit is one of a cgroup where a cgroup can be made. Otherwise it is one of the address space (RLIMIT_AS), with
an allowance: it also counts libraries, the stacks of threads and the arenas of malloc that are not used.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pathlib
import threading
import time

import pytest
from Support.host import EXECUTABLE, TIMEOUT, Host, request
from Support.session import connection
from Support.upstream import DEVICES, Tenant, reply

MEBIBYTE = 1024 * 1024
LIMIT = 256 * MEBIBYTE
#: Address space that a host reserves and does not use.
RESERVED = 512 * MEBIBYTE
#: Seconds for one attack; far above what a loaded machine needs.
PATIENCE = 6 * TIMEOUT


def memory_cgroup() -> pathlib.Path | None:
    """The cgroup of this process, if groups can be made in it."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        root = "/sys/fs/cgroup" if not controllers else f"/sys/fs/cgroup/{controllers}"
        folder = pathlib.Path(root + path.rstrip("/"))
        is_memory = controllers == "memory" or not controllers and (folder / "memory.max").exists()
        if is_memory and os.access(folder, os.W_OK):
            return folder
    return None


class Cgroup:
    """A cgroup with the limit, for one process."""

    def __init__(self, parent: pathlib.Path) -> None:
        self.folder = parent / f"sallyport-test-{os.getpid()}-{time.monotonic_ns()}"
        self.folder.mkdir()
        limit = self.folder / "memory.max"
        if not limit.exists():
            limit = self.folder / "memory.limit_in_bytes"
        try:
            limit.write_text(str(LIMIT))
        except OSError:
            self.folder.rmdir()
            raise

    def remove(self) -> None:
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                self.folder.rmdir()
                return
            except OSError:  # The process is not gone yet.
                time.sleep(0.01)


def limit_of(stack: contextlib.ExitStack) -> tuple[str, tuple[str, ...]]:
    """A program, and its first arguments, that starts the host with the limit."""
    if parent := memory_cgroup():
        with contextlib.suppress(OSError):
            group = Cgroup(parent)
            stack.callback(group.remove)
            return "sh", ("-c", f'echo $$ > "{group.folder}/cgroup.procs" && exec "$@"', "sh")
    return "prlimit", (f"--as={LIMIT + RESERVED}",)


@pytest.fixture
def limited():
    """Starts hosts with the limit."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, **more) -> Host:
            program, words = limit_of(stack)
            return stack.enter_context(
                Host(*options, command=(*words, EXECUTABLE, "serve"), executable=program, **more))

        yield start


def feed(host: Host, *data: bytes) -> threading.Thread:
    """Writes in a thread, because the host may answer before it has read everything."""
    thread = threading.Thread(target=lambda: [host.send_bytes(one, PATIENCE) for one in data], daemon=True)
    thread.start()
    return thread


def answers(host: Host, ids) -> dict:
    """The answers to these ids, each once, in any order and also in arrays."""
    missing, found = set(ids), {}
    while missing:
        message = json.loads(host.read_line(PATIENCE))
        for one in message if isinstance(message, list) else [message]:
            if "method" in one:
                continue
            assert one["id"] in missing, f"{one['id']} is answered twice, or was not asked"
            missing.remove(one["id"])
            found[one["id"]] = one
    return found


def must_live(host: Host) -> None:
    assert host.ask(request("alive", "ping")) == {"jsonrpc": "2.0", "id": "alive", "result": {}}
    code, rest = host.finish()
    assert (code, rest) == (0, []), host.errors


def is_answered(one: dict) -> bool:
    """With a result, or with an error that says what is too large."""
    return "result" in one or one["error"].get("data", {}).get("kind") in ("too_large", "validation") \
        or one["error"]["code"] in (-32700, -32600)  # fmt: skip


def test_a_batch_of_many_file_reads(limited, tmp_path):
    host = limited("--files-dir", str(tmp_path / "files"))
    content = ("A" * 4 * MEBIBYTE)[: 4 * MEBIBYTE]
    host.send(request(1, "files/put", {"name": "a.bin", "source": "playbook_file", "content_base64": content}))
    file = host.read()["result"]["file_id"]
    calls = [request(n, "files/get", {"file_id": file, "length": 4 * MEBIBYTE}) for n in range(200)]
    host.send(calls)
    found = answers(host, range(200))
    assert all(is_answered(one) for one in found.values())
    assert "result" in found[0]
    must_live(host)


def test_a_batch_of_many_catalogues(limited):
    host = limited()
    host.send([request(n, "capabilities") for n in range(2_000)])
    found = answers(host, range(2_000))
    assert all(is_answered(one) for one in found.values())
    must_live(host)


@pytest.mark.parametrize("values", [1_900_000, 7_900_000, 16_000_000])
@pytest.mark.parametrize("pattern", [b"[]", b"0", b'"a":{}', b'"\\u0061"'])
def test_a_line_of_many_small_values(limited, pattern, values):
    host = limited()
    open, close = (b"{", b"}") if b":" in pattern else (b"[", b"]")
    head = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + open
    each = 2 if b":" in pattern else 1
    count = min(values // each, (32 * MEBIBYTE - len(head) - 8) // (len(pattern) + 1))
    feed(host, head + b",".join([pattern] * count) + close + b"}\n")
    # Its id cannot be known if the line is refused as a whole.
    answer = json.loads(host.read_line(PATIENCE))
    assert answer["id"] in (1, None)
    must_live(host)


def test_lines_beyond_the_limit(limited):
    host = limited()
    line = b"x" * (40 * MEBIBYTE) + b"\n"
    feed(host, line, line, line)
    for _ in range(3):
        assert json.loads(host.read_line(PATIENCE))["id"] is None
    must_live(host)


def test_many_connections_of_a_caller(limited):
    host = limited()
    count = 10_000
    settings = {"server_url": "https://vendor.example", "user_name": "u"}

    def put(n: int) -> dict:
        one = {"integration": "coda_footprint", "settings": {**settings, "password": f"password-{n:08d}"}}
        return request(n, "connections/put", {"name": f"c{n}", "connection": one})

    feed(host, b"".join(json.dumps(put(n)).encode() + b"\n" for n in range(count)))
    assert len(answers(host, range(count))) == count
    must_live(host)


def test_large_secrets_of_refused_connections(limited):
    host = limited()
    for n in range(4):
        settings = {"server_url": "not a url", "user_name": "u", "password": f"{n}" * 8 * MEBIBYTE}
        host.send(request(n, "connections/put", {
            "name": "a", "connection": {"integration": "coda_footprint", "settings": settings}}))  # fmt: skip
    found = answers(host, range(4))
    assert all("error" in one for one in found.values())
    must_live(host)


def vendor_file(tmp_path, vendor, **more) -> str:
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {"main": connection(vendor.url, **more)}}))
    file.chmod(0o600)
    return str(file)


def invoke(id: int, **options) -> dict:
    return request(id, "invoke", {
        "integration": "coda_footprint", "command": "list_devices", "connection": "main",
        "options": {"timeout_ms": 60_000, **options}})  # fmt: skip


@pytest.mark.parametrize("at_once", [1, pytest.param(8, marks=pytest.mark.xfail(
    strict=False, reason="each response has a limit of 64 MiB; those in flight have none together"))])  # fmt: skip
def test_compressed_bombs_of_a_vendor(limited, tmp_path, at_once):
    text = b'{"page":1,"totalPages":1,"items":[' + b'{"a":[]},' * (13 * MEBIBYTE) + b"{}]}"
    bomb = gzip.compress(text, 9)
    assert len(bomb) < MEBIBYTE
    headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
    with Tenant(lambda _: reply(200, bomb, headers)) as vendor:
        host = limited("--connections", vendor_file(tmp_path, vendor))
        for first in range(0, 8, at_once):
            ids = range(first, first + at_once)
            host.send(*(invoke(n) for n in ids))
            assert all("error" in one for one in answers(host, ids).values())
        must_live(host)


def test_endless_pages_of_a_vendor(limited, tmp_path):
    def page(request) -> object:
        number = int(dict(request.query).get("page", 1))
        if request.path != DEVICES:
            return reply(404, {})
        items = [{"id": number * 1_000 + n, "name": "x" * 900} for n in range(1_000)]
        return reply(200, {"page": number, "totalPages": 1_000_000, "items": items})

    with Tenant(page) as vendor:
        host = limited("--connections", vendor_file(tmp_path, vendor))
        host.send(*(invoke(n, all_pages=True) for n in range(2)))
        found = answers(host, range(2))
        assert all(one["error"]["data"]["kind"] == "too_large" for one in found.values()), found
        must_live(host)


def test_many_calls_behind_a_vendor_that_does_not_answer(limited, tmp_path):
    gate = threading.Event()

    def wait(_: object) -> object:
        gate.wait(PATIENCE)
        return reply(200, {"page": 1, "totalPages": 1, "items": []})

    with Tenant(wait) as vendor:
        host = limited("--connections", vendor_file(tmp_path, vendor))
        count = 64 + 400
        padding = "x" * 50_000

        def call(n: int) -> dict:
            one = invoke(n)
            one["params"]["arguments"] = {"filter": {"name": padding}}
            return one

        feed(host, b"".join(json.dumps(call(n)).encode() + b"\n" for n in range(count)))
        threading.Timer(2, gate.set).start()
        assert len(answers(host, range(count))) == count
        must_live(host)
