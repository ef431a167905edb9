"""What one request, or one line, can make the host hold in memory."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import threading

import pytest
from Support.host import Host, invoke, line, request
from Support.session import connection
from Support.upstream import Tenant, reply

MEBIBYTE = 1024 * 1024
CHUNK = 4 * MEBIBYTE


@pytest.fixture
def stored(tmp_path):
    """The options of a host, and the id of a stored file of 4 MiB."""
    options = ["--files-dir", str(tmp_path / "files")]
    with Host(*options) as host:
        put = {
            "name": "large.bin", "source": "artifact_file",
            "content_base64": base64.b64encode(bytes(CHUNK)).decode()}
        id = host.result("files/put", put)["file_id"]
        assert host.finish() == (0, [])
    return options, id


def get(id, file, length=CHUNK):
    return request(id, "files/get", {"file_id": file, "length": length})


class LargeLines:
    """Reads long lines of a host that was started with `reads_output=False`."""

    def __init__(self, host: Host) -> None:
        assert host.process.stdout
        self._source = host.process.stdout.fileno()
        self._rest = bytearray()

    def read(self):
        end = self._rest.find(b"\n")
        while end < 0:
            ready, _, _ = select.select([self._source], [], [], 60)
            assert ready and (piece := os.read(self._source, MEBIBYTE)), "no answer came"
            start = len(self._rest)
            self._rest += piece
            end = self._rest.find(b"\n", start)
        line = json.loads(self._rest[:end])
        del self._rest[:end + 1]
        return line


def assert_too_large(error, outcome="not_applied"):
    data = error["data"]
    assert (error["code"], data["kind"], data["status_code"]) == (-32000, "too_large", 413)
    assert data["retryable"] is False and data["outcome"] == outcome
    assert data["return_data"] == "Failed" and data["failure_indicator"] and data["remedy"]


# Batches.

def test_batch_of_files_is_bounded(stored):
    options, file = stored
    with Host(*options, reads_output=False) as host:
        lines = LargeLines(host)
        host.send([get(id, file) for id in range(200)])
        answers = {answer["id"]: answer for answer in lines.read()}
        assert set(answers) == set(range(200))
        results = [answer for answer in answers.values() if "result" in answer]
        errors = [answer["error"] for answer in answers.values() if "error" in answer]
        # 64 MiB are eleven chunks in Base64.
        assert len(results) == 11 and len(errors) == 189
        for error in errors:
            assert_too_large(error)
            assert error["message"] == "Get File failed."
        assert host.peak_memory_bytes < 400 * MEBIBYTE
        # The memory is free again.
        host.send([get("again", file)])
        assert "result" in lines.read()[0]


def test_batch_of_ready_answers_is_bounded():
    with Host(reads_output=False) as host:
        lines = LargeLines(host)
        host.send([request(id, "capabilities") for id in range(2_000)])
        answers = lines.read()
        assert len(answers) == 2_000
        errors = [answer["error"] for answer in answers if "error" in answer]
        assert 0 < len(errors) < 2_000
        for error in errors:
            assert_too_large(error)
        assert host.peak_memory_bytes < 400 * MEBIBYTE
        host.send(request("p", "ping"))
        assert lines.read()["result"] == {}


def test_unread_batches_share_their_limit(stored):
    options, file = stored
    batches = [[get(f"{batch}.{id}", file, MEBIBYTE) for id in range(10)] for batch in range(20)]
    with Host(*options, "--max-result-bytes", str(8 * MEBIBYTE), reads_output=False) as host:
        host.send(*batches)
        # Each batch is complete; only a part of one is written.
        host.wait_until_input_is_read()
        lines = LargeLines(host)
        answers = [answer for _ in batches for answer in lines.read()]
        assert sorted(answer["id"] for answer in answers) == sorted(
            one["id"] for batch in batches for one in batch)
        assert host.peak_memory_bytes < 100 * MEBIBYTE


def test_members_that_have_not_started_do_not_run(tmp_path):
    requests = []
    page = reply(200, ["x" * 1_000] * 2_000)

    def answer(request):
        requests.append(request)
        return page

    with Tenant(answer) as tenant, Host("--max-result-bytes", "10000000", "--max-in-flight", "1") as host:
        own = connection(tenant.url)
        host.send([
            *(invoke(id, "list_tenants", connection=own) for id in range(20)),
            *(invoke(id, "patch_rescan", connection=own) for id in range(20, 40))])
        answers = {answer["id"]: answer for answer in host.read()}
    assert len(answers) == 40
    results = [id for id, answer in answers.items() if "result" in answer]
    assert results == [0, 1, 2, 3]
    for id, answer in answers.items():
        if id not in results:
            assert_too_large(answer["error"])
    assert answers[39]["error"]["message"] == "Patch Rescan failed."
    # The call that showed that the limit is reached, and none after it.
    assert len(requests) == 5


def test_method_behind_a_full_batch_does_not_run():
    put = {"name": "late", "connection": connection("http://127.0.0.1:9")}
    with Host("--max-result-bytes", "1000000") as host:
        host.send([*(request(id, "capabilities") for id in range(20)), request("put", "connections/put", put)])
        answers = {answer["id"]: answer for answer in host.read()}
        assert len(answers) == 21
        assert_too_large(answers["put"]["error"])
        assert host.result("connections/list")["connections"] == []
        assert host.finish() == (0, [])


def test_write_whose_answer_does_not_fit_may_have_been_applied():
    body = reply(200, {"text": "x" * 100_000})
    with Tenant(lambda request: body) as tenant, Host("--max-result-bytes", "50000") as host:
        error = host.ask(invoke(1, "patch_rescan", connection=connection(tenant.url)))["error"]
        assert_too_large(error, outcome="unknown")
        assert "list_scanners" in error["data"]["remedy"]
        host.send([invoke(2, "patch_rescan", connection=connection(tenant.url))])
        assert_too_large(host.read()[0]["error"], outcome="unknown")
        assert host.finish() == (0, [])


# Single requests.

def test_single_result_is_bounded(stored):
    options, file = stored
    with Host(*options, "--max-result-bytes", "1000000") as host:
        assert_too_large(host.ask(get(1, file))["error"])
        assert "result" in host.ask(get(2, file, 500_000))
        assert host.result("limits")["host"]["max_result_bytes"] == 1_000_000
        assert host.finish() == (0, [])


def test_unread_files_are_bounded(stored):
    options, file = stored
    with Host(*options, reads_output=False) as host:
        host.offer(b"".join(line(get(id, file)) for id in range(40)), 2)
        assert host.peak_memory_bytes < 100 * MEBIBYTE
        lines = LargeLines(host)
        assert sorted(lines.read()["id"] for _ in range(40)) == list(range(40))
        assert host.peak_memory_bytes < 100 * MEBIBYTE


class EndlessVendor(Tenant):
    """Pages of many small values that never end."""

    def __init__(self, values: int = 100_000) -> None:
        numbers = itertools.count()
        lock = threading.Lock()

        def answer(request):
            with lock:
                number = next(numbers)
            page = {"page": number + 1, "totalPages": 1_000_000, "items": [number] + [0] * values}
            return reply(200, page)

        super().__init__(answer)


@pytest.mark.parametrize("command", ["list_devices"])
def test_all_pages_of_an_endless_vendor_fail(command):
    with EndlessVendor() as vendor, Host() as host:
        own = connection(vendor.url)
        answer = host.ask(invoke(1, command, connection=own, all_pages=True, timeout_ms=30_000))
        assert_too_large(answer["error"])
        assert "stream" in answer["error"]["data"]["remedy"]
        # A page has 200 KB of text and 1.6 MB of values.
        assert len(vendor.calls) < 60
        assert host.peak_memory_bytes < 200 * MEBIBYTE


def test_all_pages_side_by_side_share_a_limit():
    """Each may use 16 MiB, but not 64 of them at a time: the others wait, here until their timeout."""
    count = 64
    options = {"all_pages": True, "timeout_ms": 10_000}
    with EndlessVendor() as vendor, Host("--max-result-bytes", str(16 * MEBIBYTE)) as host:
        own = connection(vendor.url)
        host.send(*(invoke(id, "list_devices", connection=own, **options) for id in range(count)))
        answers = host.read_all(count)
        assert sorted(answer["id"] for answer in answers) == list(range(count))
        for answer in answers:
            assert answer["error"]["data"]["kind"] in ("too_large", "timeout")
        # Also one page of 2 MB that each has received, and what parsing needs.
        assert host.peak_memory_bytes < 400 * MEBIBYTE


def test_call_is_bounded_too(tmp_path):
    file = tmp_path / "connections.json"
    with EndlessVendor() as vendor:
        file.write_text(json.dumps({"connections": {"main": connection(vendor.url)}}))
        with Host(
            "coda_footprint", "list_devices", "--all-pages", "--raw", "--connections", str(file),
            "--max-result-bytes", "5000000", command=("call",)) as call:
            answer = json.loads(b"".join(call.rest_lines()))
            assert call.exit_code() == 1
    assert answer["data"]["kind"] == "too_large", answer


@pytest.mark.parametrize("text", ["0", "1000", "-1", "many", "64MiB"])
def test_max_result_bytes_is_a_number_from_1024(text):
    with Host("--max-result-bytes", text) as host:
        assert host.exit_code() == 2
        assert "--max-result-bytes" in host.errors
