"""Spans over OTLP/HTTP: one for each invocation and each HTTP request (12.6)."""

from __future__ import annotations

import json
import threading
import time

import pytest
from Support.collector import Collector
from Support.host import Host, invoke, request, run
from Support.session import connection
from Support.upstream import Tenant, Upstream, in_turn, reply, reset

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOT_SAMPLED = PARENT[:-1] + "0"
#: In no span.
SECRETS = (b"Correct-Horse-7", b"access.", b"1043", b"operator@example.com")


def read(id, vendor, command="list_device_users", **options):
    return invoke(id, command, {"device_id": 1043}, connection=connection(vendor.url), **options)


def waits(span):
    """The reasons of its waits, without those for its start, which depend on the machine."""
    reasons = [event["sallyport.wait.reason"] for _, event in span.events]
    return [reason for reason in reasons if reason != "queue"]


def test_spans_of_a_call_with_a_sign_in():
    with Tenant() as vendor, Collector() as collector:
        with Host("--otlp", collector.url + "/") as host:
            answer = host.ask(read(7, vendor, traceparent=PARENT, label="case 17"))
            spans = collector.wait_for(3)
        [server] = collector.of(Collector.SERVER)
        [sign_in, call] = collector.of(Collector.CLIENT)
    assert [r.target for r in collector.requests] == ["/v1/traces"]
    assert {span.trace_id for span in spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert answer["result"]["meta"]["trace_id"] == server.trace_id
    assert server.parent == "00f067aa0ba902b7"
    assert (sign_in.parent, call.parent) == (server.span_id, server.span_id)
    assert len({span.span_id for span in spans}) == 3

    assert server.name == "coda_footprint list_device_users" and not server.failed
    assert server.attributes == {
        "rpc.system": "jsonrpc", "rpc.method": "invoke", "sallyport.integration": "coda_footprint",
        "sallyport.command": "list_device_users", "sallyport.result": "successful",
        "sallyport.label": "case 17"}
    assert call.name == "GET /api/console/elements/device/{}/users/"
    assert call.attributes == {
        "http.request.method": "GET", "url.template": "/api/console/elements/device/{}/users/",
        "server.address": "127.0.0.1", "server.port": vendor.port, "http.response.status_code": 200}
    assert sign_in.attributes["sallyport.sign_in"] is True

    assert {name for name, _ in server.events} == {"wait"}
    assert waits(server) == ["sign_in"]
    for span in (server, call):
        assert 0 < span.message.start_time_unix_nano <= span.message.end_time_unix_nano
        assert abs(span.message.start_time_unix_nano / 1e9 - time.time()) < 3600
    assert server.message.start_time_unix_nano <= call.message.start_time_unix_nano
    assert collector.resource == {
        "service.name": "sallyport", "service.version": collector.resource["service.version"],
        "process.pid": host.process.pid}
    for sent in collector.requests:
        assert not [secret for secret in SECRETS if secret in sent.body]


def test_a_trace_that_is_not_sampled_is_not_exported():
    with Tenant() as vendor, Collector() as collector:
        with Host("--otlp", collector.url) as host:
            assert "result" in host.ask(read(1, vendor, traceparent=NOT_SAMPLED))
            assert "result" in host.ask(read(2, vendor))
            assert host.finish()[0] == 0
        spans = collector.spans
    assert len(spans) == 2 and len({span.trace_id for span in spans}) == 1
    [server] = collector.of(Collector.SERVER)
    assert server.parent == "" and server.trace_id != PARENT[3:35]


def test_retries_and_errors():
    answers = in_turn(reset, reply(503), reply(404, {"detail": "Not Found."}))
    with Tenant(answers) as vendor, Collector() as collector:
        with Host("--otlp", collector.url) as host:
            assert host.ask(read(1, vendor))["error"]["data"]["kind"] == "not_found"
            assert host.finish()[0] == 0
        [server] = collector.of(Collector.SERVER)
        calls = collector.of(Collector.CLIENT)[1:]
    assert server.failed and server.attributes["error.type"] == "not_found"
    assert (server.attributes["sallyport.result"], server.attributes["sallyport.outcome"]) == (
        "failed", "not_applied")
    assert [call.failed for call in calls] == [True] * 3
    assert [call.attributes["error.type"] for call in calls] == ["network", "503", "404"]
    assert [call.attributes.get("http.request.resend_count") for call in calls] == [None, 1, 2]
    assert waits(server) == ["sign_in", "back_off", "back_off"]
    assert all(event["sallyport.wait.duration_ms"] >= 0 for _, event in server.events)


def test_wait_for_a_rate_limit_names_its_bucket():
    with Tenant() as vendor, Collector() as collector:
        with Host("--otlp", collector.url) as host:
            limited = connection(
                vendor.url, rate_limits={"default": {"requests": 2, "per_seconds": 1}})
            host.send(*(
                invoke(id, "list_device_users", {"device_id": 1043}, connection=limited) for id in range(2)))
            assert all("result" in answer for answer in host.read_all(2))
            assert host.finish()[0] == 0
        events = [event for span in collector.of(Collector.SERVER) for _, event in span.events]
    assert "default" in [event.get("sallyport.wait.bucket") for event in events]


def test_a_call_that_is_refused_has_a_span_in_the_trace_of_its_answer():
    with Collector() as collector:
        with Host("--otlp", collector.url) as host:
            answer = host.ask(invoke(1, "list_device_users", {}, traceparent=PARENT, label="case 17"))
            assert host.finish()[0] == 0
        [span] = collector.spans
    assert span.trace_id == answer["error"]["data"]["meta"]["trace_id"] == PARENT[3:35]
    assert span.parent == PARENT[36:52] and span.failed
    assert span.attributes == {
        "rpc.system": "jsonrpc", "rpc.method": "invoke", "sallyport.integration": "coda_footprint",
        "sallyport.command": "list_device_users", "sallyport.label": "case 17",
        "sallyport.result": "refused", "error.type": "validation", "sallyport.outcome": "not_applied"}


def test_a_dry_run_has_no_span():
    with Tenant() as vendor, Collector() as collector:
        with Host("--otlp", collector.url) as host:
            assert "result" in host.ask(read(1, vendor, dry_run=True))
            assert host.finish()[0] == 0
        assert collector.requests == []


def test_spans_of_call_and_run(tmp_path):
    with Tenant() as vendor, Collector() as collector:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {"main": connection(vendor.url)}}))
        ended = run(
            "call", "coda_footprint", "list_device_users", "--device-id", "1043",
            "--connections", str(file), "--otlp", collector.url + "/prefix/")
        assert ended.code == 0, ended.errors
        [server] = collector.of(Collector.SERVER)
        assert "rpc.method" not in server.attributes
        assert server.attributes["sallyport.connection"] == "main"
        requests = tmp_path / "requests.jsonl"
        requests.write_text(json.dumps(invoke(1, "list_device_users", {"device_id": 1043})) + "\n")
        ended = run("run", str(requests), "--connections", str(file), "--otlp", collector.url)
        assert ended.code == 0, ended.errors
        assert len(collector.of(Collector.SERVER)) == 2
    assert [r.target for r in collector.requests] == ["/prefix/v1/traces", "/v1/traces"]


# The collector


def test_headers_of_the_environment_are_sent_and_redacted():
    environment = {
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20Zebra-Quay-7431, x-tenant=north"}
    with Tenant() as vendor, Collector(lambda request: reply(400, "Zebra-Quay-7431")) as collector:
        with Host("--otlp", collector.url, "--log-level", "debug", more_environment=environment) as host:
            host.ask(read(1, vendor, label="Zebra-Quay-7431"))
            host.wait_for_log("the collector answered 400")
            assert host.finish()[0] == 0
        assert "Zebra-Quay" not in host.errors
    sent = collector.requests[0]
    assert sent.header("Authorization") == "Bearer Zebra-Quay-7431"
    assert sent.header("x-tenant") == "north"
    assert b"Zebra-Quay" not in sent.body


@pytest.mark.parametrize("url", ["collector:4318", "ftp://collector", "https://user:pw@collector", "https://"])
def test_a_url_that_is_no_collector_ends_the_start(url):
    ended = run("serve", "--otlp", url)
    assert ended.code == 2 and ended.errors.startswith("sallyport: --otlp: ")


def test_credentials_are_not_sent_in_clear_text():
    environment = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret"}
    ended = run("serve", "--otlp", "http://collector.example:4318", more_environment=environment)
    assert ended.code == 2 and "clear text" in ended.errors
    assert run("serve", "--otlp", "http://collector.example:4318").code == 0


@pytest.mark.parametrize("headers", ["novalue", "=x", "a b=c", "name=%zz", "name=a%0d%0ab"])
def test_headers_that_cannot_be_read_end_the_start(headers):
    ended = run(
        "serve", "--otlp", "http://127.0.0.1:4318",
        more_environment={"OTEL_EXPORTER_OTLP_HEADERS": headers})
    assert ended.code == 2 and "name=value" in ended.errors


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_collector_gets_the_spans_again(status):
    answer = in_turn(reply(status, headers=[("Retry-After", "1")]), reply(200, {}))
    with Tenant() as vendor, Collector(lambda request: answer(request)) as collector:
        with Host("--otlp", collector.url) as host:
            host.ask(read(1, vendor))
            assert len(collector.wait_for(3)) == 3
            assert host.result("metrics")["text"].count("sallyport_spans_dropped_total 0\n") == 1
        first, second = collector.requests
    assert first.body == second.body and second.at - first.at >= 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_spans_that_are_refused_are_dropped_and_counted(status):
    with Tenant() as vendor, Collector(lambda request: reply(status)) as collector:
        with Host("--otlp", collector.url) as host:
            host.ask(read(1, vendor))
            host.wait_for_log(f"otlp: 3 spans dropped: the collector answered {status}")
            assert "sallyport_spans_dropped_total 3\n" in host.result("metrics")["text"]
        assert len(collector.requests) == 1


def test_spans_that_are_rejected_in_part_are_counted():
    partial = reply(200, {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}})
    with Tenant() as vendor, Collector(lambda request: partial) as collector:
        with Host("--otlp", collector.url) as host:
            host.ask(read(1, vendor))
            host.wait_for_log("otlp: 2 spans dropped: the collector rejected them: too old")
        assert len(collector.requests) == 1


def test_a_collector_that_hangs_delays_no_answer_and_the_exit_for_a_bounded_time():
    gate = threading.Event()

    def hang(request):
        gate.wait(60)
        return reply(200, {})

    with Tenant() as vendor, Collector(hang) as collector:
        with Host("--otlp", collector.url) as host:
            for id in range(200):
                assert "result" in host.ask(read(id, vendor))
            begun = time.monotonic()
            assert host.finish()[0] == 0
            # 2 s for the last spans; far below the 30 s of a drain.
            assert time.monotonic() - begun < 15
        assert "spans dropped: the process ends" in host.errors
        gate.set()


def test_the_queue_is_bounded_and_drops_are_counted():
    gate = threading.Event()

    def hang(request):
        gate.wait(60)
        return reply(200, {})

    # A refused call sends nothing and has one span.
    call = request(1, "invoke", {"integration": "coda_footprint", "command": "list_device_users"})
    with Collector(hang) as collector, Host("--otlp", collector.url) as host:
        host.send(*(call | {"id": id} for id in range(9_000)))
        host.read_all(9_000)
        host.wait_for_log("spans dropped: the queue is full")
        text = host.result("metrics")["text"]
        [line] = [line for line in text.splitlines() if line.startswith("sallyport_spans_dropped_total")]
        assert int(line.split()[1]) == 9_000 - 8_192
        gate.set()


def test_no_collector_at_all_is_logged_and_stops_nothing():
    with Upstream(lambda request: reply(200)) as gone:
        pass
    with Tenant() as vendor, Host("--otlp", gone.url) as host:
        assert "result" in host.ask(read(1, vendor))
        assert host.finish()[0] == 0
    assert "otlp: 3 spans dropped" in host.errors
