"""`meta` in every answer: which connection, which trace, and how the time was spent (12.1)."""

import json
import re
import threading
import time

import pytest
from Support.host import request, run
from Support.mcp_client import Client
from Support.session import Host, connection
from Support.upstream import Tenant, in_turn, reply

TRACE_ID = re.compile(r"[0-9a-f]{32}")
#: Milliseconds that the parts of a duration may miss; 5 on a machine that is idle.
SLACK = 40
WAIT = 150  # milliseconds


def check(meta, **expected):
    assert TRACE_ID.fullmatch(meta["trace_id"]) and int(meta["trace_id"], 16)
    assert meta["duration_ms"] >= 0
    for name, value in expected.items():
        assert meta.get(name) == value, (name, meta)


def check_sum(meta, member, at_least=WAIT):
    """The parts add up to the duration, and one of them is what was waited for."""
    spent = meta["spent_ms"]
    assert spent[member] >= at_least, meta
    assert all(value > 0 for value in spent.values()), meta
    assert abs(sum(spent.values()) - meta["duration_ms"]) <= SLACK, meta


@pytest.fixture
def tenant():
    with Tenant() as tenant:
        yield tenant


@pytest.fixture
def configured(tenant, tmp_path):
    """A connections file with one connection."""
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": {"main": connection(tenant.url)}}))
    return str(path)


def slowly(answer, seconds=WAIT / 1000):
    def act(request):
        time.sleep(seconds)
        return answer

    return act


# Where it stands


def test_a_result_has_meta(tenant):
    with Host(connection(tenant.url)) as host:
        meta = host.result("list_scanners")["meta"]
    check(meta, connection="main", requests=1, retries=0, waited_ms=0, pages=1)
    assert "replayed" not in meta and "items" not in meta


def test_each_invocation_has_its_own_trace(tenant):
    with Host(connection(tenant.url)) as host, Host(connection(tenant.url)) as other:
        ids = [h.result("list_scanners", dry_run=dry)["meta"]["trace_id"]
               for h in (host, other) for dry in (False, True) for _ in range(5)]
    assert len(set(ids)) == 20


def test_a_dry_run_has_what_applies(tenant):
    with Host(connection(tenant.url)) as host:
        meta = host.result("list_scanners", dry_run=True)["meta"]
    check(meta, connection="main")
    assert set(meta) == {"connection", "trace_id", "duration_ms"}


def test_an_error_of_a_command_has_meta():
    with Tenant(lambda request: reply(404, None)) as tenant, Host(connection(tenant.url)) as host:
        meta = host.failure("list_scanners")["meta"]
    check(meta, connection="main", requests=1, retries=0)
    assert "spent_ms" in meta or meta["duration_ms"] <= SLACK


@pytest.mark.parametrize("command, arguments, options, name", [
    ("list_scanners", {"x": 1}, {}, "main"),
    ("list_scanners", {}, {"timeout_ms": 0}, None),
    ("list_scanner", {}, {}, None),
])
def test_invalid_params_have_meta(tenant, command, arguments, options, name):
    with Host(connection(tenant.url)) as host:
        data = host.failure(command, arguments, **options)
    assert data["status_code"] == 400
    check(data["meta"])
    assert set(data["meta"]) == {"trace_id", "duration_ms"} | ({"connection"} if name else set())


def test_an_unknown_connection_has_meta_without_a_connection(tenant):
    with Host(connection(tenant.url)) as host:
        meta = host.failure("list_scanners", connection="nobody")["meta"]
    assert set(meta) == {"trace_id", "duration_ms"}


def test_an_inline_connection_has_no_name(tenant):
    with Host() as host:
        meta = host.result("list_scanners", connection=connection(tenant.url))["meta"]
    check(meta, requests=1)
    assert "connection" not in meta


@pytest.mark.parametrize("options, more", [
    (["--read-only"], {}), ([], {"policy": {"deny": ["patch_rescan"]}}),
], ids=["read-only", "policy"])
def test_a_refused_command_has_meta(tenant, options, more):
    with Host(connection(tenant.url, **more), options=options) as host:
        data = host.failure("patch_rescan", {})
    assert data["kind"] == "policy"
    check(data["meta"], connection="main")
    assert not tenant.requests


def test_a_cancelled_call_has_meta():
    gate = threading.Event()

    def answer(request):
        gate.wait(20)
        return reply(200, [])

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        number = host.start("list_scanners")
        while not tenant.calls:
            time.sleep(0.01)
        host.call("cancel", {"id": number})
        error = host.wait(number)[0]["error"]
        assert error["code"] == -32800
        check(error["data"]["meta"], connection="main", requests=1)
        gate.set()


def test_parked_calls_have_meta():
    gate = threading.Event()

    def answer(request):
        gate.wait(20)
        return reply(200, [])

    with Tenant(answer) as tenant, \
            Host(connection(tenant.url), options=["--max-in-flight", "1"]) as host:
        first = host.start("list_scanners")
        late = host.start("list_scanners", timeout_ms=WAIT)
        parked = host.start("list_scanners")
        error = host.wait(late)[0]["error"]["data"]
        assert error["kind"] == "timeout"
        check(error["meta"], connection="main")
        host.call("cancel", {"id": parked})
        error = host.wait(parked)[0]["error"]
        assert error["code"] == -32800
        check(error["data"]["meta"], connection="main")
        gate.set()
        host.wait(first)


def invocation(number, command, **options):
    return request(number, "invoke", {
        "integration": "coda_footprint", "command": command, "options": options})


def test_the_members_of_a_batch_have_meta(tenant, configured):
    members = [invocation(0, "list_scanners"), invocation(1, "list_scanners", dry_run=True),
               invocation(2, "no_command")]
    answers = run("serve", "--connections", configured, input=[members]).answers[0]
    metas = {a["id"]: (a.get("result") or a["error"]["data"])["meta"] for a in answers}
    for meta in metas.values():
        check(meta)
    assert metas[0]["requests"] == 1
    assert len({meta["trace_id"] for meta in metas.values()}) == 3


def test_call_shows_meta(tenant, configured):
    shown = run("call", "coda_footprint", "list_scanners", "--raw", "--connections", configured)
    check(json.loads(shown.output)["meta"], connection="main", requests=1)


def test_the_answers_of_a_request_file_have_meta(tenant, configured, tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(invocation(n, "list_scanners")) + "\n" for n in range(3)))
    ended = run("run", str(file), "--connections", configured)
    for answer in ended.answers:
        check(answer["result"]["meta"], connection="main")


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_tool_results_have_meta(tenant, configured, revision):
    with Client(revision, "--connections", configured) as client:
        result = client.call("coda_footprint__list_scanners")
        check(result["structuredContent"]["meta"], connection="main", requests=1)
        failed = client.failure("coda_footprint__list_scanners", {"x": 1})["structuredContent"]
        assert failed["status_code"] == 400
        check(failed["meta"], connection="main")


def test_a_tool_call_that_is_not_confirmed_has_meta(tenant, configured):
    with Client("2025-11-25", "--connections", configured, "--confirm", "always") as client:
        failed = client.failure("coda_footprint__patch_rescan", {})
    assert failed["structuredContent"]["kind"] == "policy"
    check(failed["structuredContent"]["meta"], connection="main")


# How the time was spent


def test_the_time_of_the_vendor():
    with Tenant(slowly(reply(200, []))) as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners")
        meta = host.result("list_scanners")["meta"]
    check_sum(meta, "vendor")
    assert set(meta["spent_ms"]) == {"vendor"}


def test_the_time_of_a_sign_in():
    with Tenant(login=lambda request, number: slowly(reply(200, Tenant.tokens(number)))(request)) \
            as tenant, Host(connection(tenant.url)) as host:
        meta = host.result("list_scanners")["meta"]
    check_sum(meta, "sign_in")


def test_the_time_of_another_callers_sign_in():
    gate = threading.Event()

    def login(request, number):
        gate.wait(20)
        return slowly(reply(200, Tenant.tokens(number)))(request)

    with Tenant(login=login) as tenant, Host(connection(tenant.url)) as host:
        first = host.start("list_scanners")
        tenant.wait(lambda: tenant.logins, "a sign-in")
        second = host.start("list_scanners")
        host.call("ping")
        gate.set()
        for number in (first, second):
            check_sum(host.wait(number)[0]["result"]["meta"], "sign_in")
        assert tenant.sign_ins == 1


def test_the_time_of_a_secret_helper(tenant):
    helper = {"$command": ["sh", "-c", f"sleep {WAIT / 1000}; echo secret-of-the-helper"]}
    with Host(connection(tenant.url, settings={"password": helper})) as host:
        check_sum(host.result("list_scanners")["meta"], "sign_in")


def test_the_time_of_a_rate_limit(tenant):
    limits = {"list_scanners": {"requests": 1, "per_seconds": 0.3}}
    with Host(connection(tenant.url, rate_limits=limits)) as host:
        host.result("list_scanners")
        meta = host.result("list_scanners")["meta"]
    check_sum(meta, "rate_limit")


def test_the_time_after_a_refusal_by_rate():
    busy = reply(429, None, [("Retry-After", "1")])
    with Tenant(in_turn(busy, reply(200, []))) as tenant, Host(connection(tenant.url)) as host:
        meta = host.result("list_scanners")["meta"]
    check(meta, retries=1, requests=2)
    check_sum(meta, "rate_limit", at_least=900)


def test_the_time_of_a_back_off():
    with Tenant(in_turn(reply(503), reply(200, []))) as tenant, \
            Host(connection(tenant.url)) as host:
        meta = host.result("list_scanners")["meta"]
    check(meta, retries=1)
    check_sum(meta, "back_off", at_least=125)


def test_the_time_until_a_slot_of_the_connection_is_free():
    gate = threading.Event()

    def answer(request):
        gate.wait(20)
        return slowly(reply(200, []))(request)

    with Tenant(answer) as tenant, Host(connection(tenant.url, max_concurrency=1)) as host:
        first = host.start("list_scanners")
        tenant.wait(lambda: tenant.calls, "the first call")
        second = host.start("list_scanners")
        host.call("ping")
        gate.set()
        host.wait(first)
        check_sum(host.wait(second)[0]["result"]["meta"], "queue")


def test_the_time_until_a_slot_of_the_host_is_free():
    gate = threading.Event()

    def answer(request):
        gate.wait(20)
        return slowly(reply(200, []))(request)

    with Tenant(answer) as tenant, \
            Host(connection(tenant.url), options=["--max-in-flight", "1"]) as host:
        first = host.start("list_scanners")
        tenant.wait(lambda: tenant.calls, "the first call")
        second = host.start("list_scanners")
        host.call("ping")
        gate.set()
        host.wait(first)
        meta = host.wait(second)[0]["result"]["meta"]
    check_sum(meta, "queue")
    assert meta["duration_ms"] >= 2 * WAIT


# Replays


def test_a_replay_has_the_meta_of_now():
    with Tenant(slowly(reply(200, {}))) as tenant, Host(connection(tenant.url)) as host:
        call = ("patch_rescan", {})
        first = host.result(*call, idempotency_key="k")
        again = host.result(*call, idempotency_key="k")
        assert len(tenant.calls) == 1
    meta = again.pop("meta")
    check(meta, connection="main", replayed=True, requests=0)
    assert meta["trace_id"] != first["meta"]["trace_id"]
    assert meta["duration_ms"] < first["meta"]["duration_ms"]
    assert "replayed" not in first.pop("meta")
    assert again == first


def test_a_replay_of_an_earlier_host_has_the_meta_of_now(tmp_path):
    call = ("patch_rescan", {})
    trace = []
    with Tenant(lambda request: reply(200, {})) as tenant:
        for _ in range(2):
            with Host(connection(tenant.url), options=["--state-dir", str(tmp_path)]) as host:
                meta = host.result(*call, idempotency_key="k")["meta"]
                trace.append((meta["trace_id"], meta.get("replayed")))
        assert len(tenant.calls) == 1
    assert trace[0][0] != trace[1][0] and [t[1] for t in trace] == [None, True]
