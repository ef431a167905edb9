"""The log at level debug, and as JSON (12.7)."""

import json
import re
import threading

import pytest
from Support.control_center import ControlCenter
from Support.host import run
from Support.session import PASSWORD, Host, connection
from Support.upstream import Tenant, in_turn, reply

DEBUG = ["--log-level", "debug"]
AS_JSON = ["--log-format", "json"]
LABEL = 'nightly "scan"'
DEVICE = 8_675_309


def lines(host):
    """Closes the host; returns its log, which must be JSON lines."""
    host.close()
    records = [json.loads(line) for line in host.stderr.decode().splitlines()]
    for record in records:
        assert list(record)[:3] == ["time", "level", "message"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", record["time"])
        assert record["level"] in ("error", "warning", "info", "debug")
    return records


def without_starts(records):
    """Without the waits of invocations until they started, on a busy machine."""
    return [record for record in records if record.get("reason") != "queue"]


def of(records, message):
    return [record for record in records if record["message"] == message]


def test_a_call_that_is_retried_twice_shows_it():
    with Tenant(in_turn(reply(503), reply(502), reply(200, []))) as tenant, \
            Host(connection(tenant.url), options=DEBUG) as host:
        trace = host.result("list_scanners")["meta"]["trace_id"]
        host.close()
        log = host.stderr.decode()
    attempts = re.findall(
        r"^\S+ debug HTTP request method=GET host=127\.0\.0\.1:\d+"
        r" path=/api/console/scanSurface/scanners/ status=(\d+) ms=\d+ attempt=(\d)"
        rf" trace_id={trace}$", log, re.M)
    assert attempts == [("503", "1"), ("502", "2"), ("200", "3")]
    waits = re.findall(rf"^\S+ debug wait reason=back_off ms=(\d+) trace_id={trace}$", log, re.M)
    assert len(waits) == 2 and all(int(wait) >= 100 for wait in waits)


def test_each_attempt_wait_and_sign_in_is_a_record():
    limits = {"list_device_users": {"requests": 1, "per_seconds": 0.2}}
    with Tenant() as tenant, \
            Host(connection(tenant.url, rate_limits=limits), options=DEBUG + AS_JSON) as host:
        traces = [
            host.result("list_device_users", {"device_id": DEVICE}, label=LABEL)["meta"]["trace_id"]
            for _ in range(2)]
        records = without_starts(r for r in lines(host) if r["level"] == "debug")
    first, second = ([r for r in records if r["trace_id"] == trace] for trace in traces)
    assert all(record["label"] == LABEL for record in records)
    assert [(r["message"], r.get("path"), r.get("sign_in")) for r in first] == [
        ("HTTP request", "/api/auth/token/", True), ("sign-in", None, None),
        ("HTTP request", "/api/console/elements/device/{}/users/", None)]
    assert first[0]["method"] == "POST" and first[0]["status"] == 200 and first[0]["attempt"] == 1
    assert first[0]["host"] == tenant.url.removeprefix("http://")
    wait, attempt = second
    assert (wait["reason"], wait["bucket"]) == ("rate_limit", "list_device_users")
    assert wait["ms"] >= 100
    assert attempt["status"] == 200 and attempt["ms"] >= 0


def test_no_argument_and_no_secret_is_in_the_log():
    with Tenant() as tenant, Host(connection(tenant.url), options=DEBUG) as host:
        host.result("list_device_users", {"device_id": DEVICE})
        host.result("list_devices", {"page": 424_242})
        host.close()
        log = host.stderr.decode()
    assert "HTTP request" in log
    for text in (str(DEVICE), "424242", PASSWORD, "access.", "refresh."):
        assert text not in log


def test_a_path_that_a_vendor_names_is_not_shown():
    def answer(request, method, params):
        if method == "getDownloadLinks":
            url = f"{center.url}/download/Secret-Report.zip?key=7"
            return reply(200, {"id": request.json["id"], "jsonrpc": "2.0",
                               "result": {"readyForDownload": True, "lastInstanceUrl": url}})
        return reply(404)

    with ControlCenter(answer) as center, \
            Host(center.connection(), options=DEBUG + AS_JSON) as host:
        host.answer("download_reports", {"report_ids": ["6affe1e0b1a43d0007000002"]})
        records = of(lines(host), "HTTP request")
    assert [record["path"] for record in records] == ["/api/v1.0/jsonrpc/reports", "/{}/{}"]


def test_an_attempt_without_a_response_names_its_error():
    with Tenant() as tenant:
        url = tenant.url
    with Host(connection(url), options=DEBUG + AS_JSON) as host:
        host.failure("list_scanners", timeout_ms=300)
        record = of(lines(host), "HTTP request")[0]
    assert record["error"] == "cannot_connect" and "status" not in record


def test_another_callers_sign_in_is_a_wait():
    gate = threading.Event()

    def login(request, number):
        gate.wait(20)
        return reply(200, Tenant.tokens(number))

    with Tenant(login=login) as tenant, \
            Host(connection(tenant.url), options=DEBUG + AS_JSON) as host:
        first = host.start("list_scanners")
        tenant.wait(lambda: tenant.logins, "a sign-in")
        second = host.start("list_scanners")
        host.call("ping")
        gate.set()
        traces = [host.wait(n)[0]["result"]["meta"]["trace_id"] for n in (first, second)]
        records = without_starts(lines(host))
    assert [r["trace_id"] for r in of(records, "sign-in")] == [traces[0]]
    assert [(r["trace_id"], r["reason"]) for r in of(records, "wait")] == [(traces[1], "sign_in")]


@pytest.mark.parametrize("text", [
    'quote " and \\', "line\nbreak", "\u2028\u202e\x1b[31m", "é" * 70, "nul \x00", "{}", "\ud83d\ude00"])
def test_every_line_is_json_whatever_the_text(text):
    with Tenant(lambda request: reply(404)) as tenant, \
            Host(connection(tenant.url), options=DEBUG + AS_JSON) as host:
        host.answer("list_scanners", label=text[:64], traceparent=text)
        host.send(json.dumps({"jsonrpc": "2.0", "method": text}))
        host.send(json.dumps({"jsonrpc": "2.0", "id": text, "result": text}))
        assert lines(host)


def test_the_level_is_off_by_default():
    with Tenant(in_turn(reply(503), reply(200, []))) as tenant, \
            Host(connection(tenant.url)) as host:
        host.result("list_scanners", label="x")
        host.close()
        assert b" debug " not in host.stderr and b" info " not in host.stderr


@pytest.mark.parametrize("words", [
    ["call", "coda_footprint", "list_scanners"], ["serve"], ["run", "-"], ["auth", "gmail"]])
def test_an_unknown_format_is_refused(words):
    ended = run(*words, "--log-format", "jsn")
    assert ended.code == 2
    assert '--log-format: unknown value "jsn"; expected one of: text, json' in ended.errors


@pytest.mark.parametrize("words", [["--log-format=json"], ["--log-format", "json"]])
def test_call_has_the_options_too(tmp_path, words):
    with Tenant() as tenant:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {"main": connection(tenant.url)}}))
        file.chmod(0o600)
        ended = run("call", "coda_footprint", "list_scanners", "--connections", str(file),
                    "--log-level=debug", *words)
    records = [json.loads(line) for line in ended.errors.splitlines()]
    assert [record["message"] for record in without_starts(records)] == [
        "HTTP request", "sign-in", "HTTP request"]
