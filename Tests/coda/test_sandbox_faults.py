"""Fault injection with --sandbox-fault, and the responses that callers get."""

import pytest
from Support.host import run
from Support.sandbox import Sandbox
from Support.session import Host

RESCAN = "/api/console/scanSurface/rescan/"
DEVICES = "/api/console/elements/devices/"


class FaultyHost:
    """A host with the sandbox in its process, and that sandbox."""

    def __init__(self, *faults):
        options = ["--sandbox"]
        for fault in faults:
            options += ["--sandbox-fault", fault]
        self.host = Host(options=options)

    def __enter__(self):
        listed = next(
            each for each in self.host.call("connections/list")["connections"]
            if each["integration"] == "coda_footprint")
        return self.host, Sandbox(base=listed["settings"]["server_url"])

    def __exit__(self, *raised):
        self.host.__exit__(*raised)


def statuses(sandbox, path=None):
    return [entry["status"] for entry in sandbox.log() if path in (None, entry["path"])]


def test_without_faults_everything_succeeds():
    with FaultyHost() as (host, sandbox):
        assert len(host.result("list_devices")["raw_data"]["items"]) == 20
        assert statuses(sandbox) == [200]


def test_a_429_with_retry_after_is_retried():
    with FaultyHost("coda: 429 every 3 retry-after 1") as (host, sandbox):
        metas = [host.result("patch_rescan")["meta"] for _ in range(3)]
        assert statuses(sandbox) == [200, 200, 429, 200]
        assert [meta["retries"] for meta in metas] == [0, 0, 1]
        assert metas[2]["waited_ms"] >= 1_000


def test_a_permanent_429_is_rate_limited():
    with FaultyHost("coda: 429 always retry-after 600") as (host, sandbox):
        error = host.failure("patch_rescan", timeout_ms=30_000)
        assert (error["kind"], error["status_code"]) == ("rate_limited", 429)
        assert error["retry_after_ms"] > 500_000
        assert statuses(sandbox) == [429]


def test_first_503s_are_retried_for_a_read():
    with FaultyHost(f"coda: 503 first 2 on GET {DEVICES}") as (host, sandbox):
        assert host.result("list_devices")["meta"]["retries"] == 2
        assert statuses(sandbox) == [503, 503, 200]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_5xx_of_a_rescan_is_unknown_and_not_retried(status):
    with FaultyHost(f"coda: {status} on PATCH {RESCAN}*") as (host, sandbox):
        error = host.failure("patch_rescan")
        assert (error["status_code"], error["outcome"]) == (status, "unknown")
        assert "list_scanners" in error["remedy"]
        assert statuses(sandbox) == [status]


@pytest.mark.parametrize("status, kind", [
    (400, "upstream"), (401, "auth"), (402, "permission"), (403, "permission"), (404, "not_found"),
    (405, "upstream"), (409, "upstream"), (418, "upstream"), (422, "upstream"), (501, "upstream"),
    (599, "upstream"),
])
def test_a_status_maps_to_its_kind(status, kind):
    with FaultyHost(f"coda: {status}") as (host, sandbox):
        error = host.failure("list_scanners")
        assert (error["status_code"], error["kind"]) == (status, kind)
        assert set(statuses(sandbox)) == {status}
        assert len(statuses(sandbox)) <= 2


def test_a_slow_response_is_limited_by_the_deadline():
    with FaultyHost("coda: slow 200ms") as (host, sandbox):
        assert host.result("list_scanners")["meta"]["duration_ms"] >= 200
    with FaultyHost("coda: slow 60s") as (host, sandbox):
        error = host.failure("list_scanners", timeout_ms=300)
        assert (error["kind"], error["status_code"]) == ("timeout", 504)
        error = host.failure("patch_rescan", timeout_ms=1_000)
        assert (error["kind"], error["outcome"]) == ("timeout", "unknown")


def test_an_expired_token_is_refreshed():
    with FaultyHost("coda: expired token every 4") as (host, sandbox):
        for _ in range(12):
            host.result("list_scanners")
        log = [(e["path"], e["status"]) for e in sandbox.log(sign_ins=True)]
        refreshes = [status for path, status in log if path.endswith("/refresh/")]
        assert statuses(sandbox).count(200) == 12
        assert len(refreshes) == statuses(sandbox).count(401) == 3
        assert [status for path, status in log if path.endswith("/auth/token/")] == [200]


def test_an_expired_refresh_token_leads_to_a_login():
    faults = ("coda: expired token every 3", "coda-auth: expired token on /api/auth/token/refresh/")
    with FaultyHost(*faults) as (host, sandbox):
        for _ in range(6):
            host.result("list_scanners")
        log = [(e["path"], e["status"]) for e in sandbox.log(sign_ins=True)]
        signed = [(path.rstrip("/").rpartition("/")[2], s) for path, s in log if "/auth/token/" in path]
        assert signed[:3] == [("token", 200), ("refresh", 401), ("token", 200)]


def test_dropped_body_is_retried_for_a_read_and_unknown_for_a_write():
    with FaultyHost("coda: drop body first 1") as (host, sandbox):
        assert host.result("list_devices")["meta"]["retries"] == 1
    with FaultyHost("coda: drop body") as (host, sandbox):
        error = host.failure("patch_rescan")
        assert (error["kind"], error["outcome"]) == ("network", "unknown")
        assert statuses(sandbox) == [200]  # the vendor applied it


def test_reset_is_retried_for_repeatable_requests():
    with FaultyHost("coda: reset first 1") as (host, sandbox):
        host.result("update_target_scan_scope", {"target_id": 7001, "scope": "out"})
        assert statuses(sandbox) == [0, 200]
    with FaultyHost("coda: reset") as (host, sandbox):
        error = host.failure("patch_rescan")
        assert (error["kind"], error["outcome"]) == ("network", "unknown")
        assert statuses(sandbox) == [0]


def test_garbage_is_an_error_with_an_excerpt():
    with FaultyHost("coda: garbage") as (host, sandbox):
        error = host.failure("list_devices")
        assert (error["kind"], error["status_code"]) == ("upstream", 502)
        assert "not JSON" in error["message"] and "Sign in" in error["upstream"]["body"]
        assert host.failure("patch_rescan")["outcome"] == "unknown"


SIGN_IN = {
    "coda-auth: 503 first 1": None,
    "coda-auth: reset first 2": None,
    "coda-auth: drop body first 1": None,
    "coda-auth: 429 first 1 retry-after 1": None,
    "coda-auth: 401": ("auth", 401),
    "coda-auth: 403": ("permission", 403),
    "coda-auth: garbage": ("upstream", 502),
}


@pytest.mark.parametrize("fault", SIGN_IN)
def test_faults_during_sign_in(fault):
    with FaultyHost(fault) as (host, sandbox):
        if SIGN_IN[fault] is None:
            assert host.result("patch_rescan")["raw_data"]
        else:
            error = host.failure("patch_rescan")
            assert (error["kind"], error["status_code"]) == SIGN_IN[fault]
            assert error["outcome"] == "not_applied"
            assert sandbox.log() == []


def test_all_pages_are_read_despite_mixed_faults():
    # Not every third token: the repetition for one page could get the expired token after it.
    faults = ("coda: 503 every 4", "coda: expired token first 1", "coda: slow 10ms")
    with FaultyHost(*faults) as (host, sandbox):
        items = host.result("list_devices", {"filter": {"pageSize": 10}}, all_pages=True)
        identifiers = [item["id"] for item in items["raw_data"]["items"]]
        assert identifiers == sorted(identifiers, reverse=True) and len(set(identifiers)) == 45


@pytest.mark.parametrize("fault, words", [
    ("coda: 4290", ["column 7", "400 to 599"]),
    ("cdoa: 429", ["coda"]),
    ("coda: slo 2s", ["slow"]),
    ("coda: 429 evry 3", ["every"]),
    ("", ["vendor"]),
])
def test_invalid_fault_is_refused_with_its_position(fault, words):
    ended = run("serve", "--sandbox", "--sandbox-fault", fault)
    assert ended.code == 2 and ended.text == ""
    for word in words:
        assert word in ended.errors


def test_sandbox_fault_requires_sandbox():
    ended = run("serve", "--sandbox-fault", "coda: 429")
    assert ended.code == 2 and "--sandbox" in ended.errors


def test_run_completes_under_fault_injection(tmp_path):
    lines = [
        '{"jsonrpc":"2.0","id":%d,"method":"invoke","params":{"integration":"coda_footprint",'
        '"command":"list_scanners"}}\n' % number for number in range(50)
    ]
    batch = tmp_path / "batch.jsonl"
    batch.write_text("".join(lines))
    ended = run("run", str(batch), "--sandbox", "--sandbox-fault", "coda: 503 every 10")
    assert ended.code == 0, ended.errors
    assert ended.text.count('"return_data":"Successful"') == 50
