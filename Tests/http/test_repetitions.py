"""Requests that libcurl would repeat by itself: refused HTTP/2 streams and reused connections that
break. Each request on the wire is counted, and what was not processed is said to be not applied."""

import json
import threading

import pytest
from Support.certificates import Authority
from Support.http2 import HTTP2Server, ask_for_http1, break_off, leave, refuse
from Support.session import Host, connection
from Support.upstream import LOGIN, RESCAN, SCANNERS, Tenant, Upstream, hang_up, in_turn, reply, reset, tunnel


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def signing_in(answer):
    """A tenant over HTTP/2 that signs in everybody."""

    def act(stream):
        if stream.path == LOGIN:
            return 200, json.dumps(Tenant.tokens(1)).encode()
        return answer(stream)

    return act


def calls(vendor):
    return [stream for stream in vendor.streams if stream.path != LOGIN]


def trusting(vendor, authority, **more):
    return connection(vendor.url, tls={"ca_file": str(authority.file)}, **more)


def server(answer, authority, http1=None):
    protocols = ("h2",) if http1 is None else ("h2", "http/1.1")
    return HTTP2Server(signing_in(answer), authority.server(protocols=protocols), http1=http1)


@pytest.mark.parametrize("refusal", [refuse, leave])
def test_each_request_of_a_vendor_that_refuses_streams_is_counted(refusal, authority):
    seen = []

    def answer(stream):
        seen.append(stream)
        return refusal if len(seen) % 2 else (200, b"[]")

    with server(answer, authority) as vendor, Host(trusting(vendor, authority)) as host:
        host.result("list_scanners")  # signs in
        del seen[:], vendor.streams[:]
        metas = [host.result("list_scanners")["meta"] for _ in range(6)]
        assert [meta["requests"] for meta in metas] == [2] * 6
        assert [meta["retries"] for meta in metas] == [1] * 6
        assert len(calls(vendor)) == 12


@pytest.mark.parametrize("refusal", [refuse, leave])
def test_a_write_whose_stream_is_refused_is_not_applied(refusal, authority):
    with server(lambda stream: refusal, authority) as vendor:
        with Host(trusting(vendor, authority)) as host:
            error = host.failure("patch_rescan")
            assert (error["kind"], error["outcome"], error["retryable"]) == (
                "network", "not_applied", True)
            assert "REFUSED_STREAM" in error["message"]
            assert len(calls(vendor)) == 4


@pytest.mark.parametrize("refusal", [refuse, leave])
def test_a_refused_stream_behind_a_proxy_is_not_applied(refusal, authority):
    with server(lambda stream: refusal, authority) as vendor, Upstream(tunnel) as proxy:
        with Host(trusting(vendor, authority, proxy=proxy.url)) as host:
            assert host.failure("patch_rescan")["outcome"] == "not_applied"
            assert len(calls(vendor)) == 4


def test_a_write_is_retried_after_its_stream_was_refused(authority):
    answers = in_turn(refuse, (200, b"{}"))
    with server(answers, authority) as vendor, Host(trusting(vendor, authority)) as host:
        assert host.result("patch_rescan")["meta"]["retries"] == 1
        assert [stream.path for stream in calls(vendor)] == [RESCAN] * 2


def test_a_write_whose_stream_breaks_otherwise_is_unknown_and_sent_once(authority):
    with server(lambda stream: break_off, authority) as vendor:
        with Host(trusting(vendor, authority)) as host:
            error = host.failure("patch_rescan")
            assert (error["kind"], error["outcome"]) == ("network", "unknown")
            assert len(calls(vendor)) == 1


def test_a_write_whose_shared_connection_breaks_is_sent_once(authority):
    """libcurl calls a connection reused as soon as another request joins it."""
    write_is_here = threading.Event()

    def sign_in_and_leave(h2_connection, identifier):
        body = json.dumps(Tenant.tokens(1)).encode()
        h2_connection.send_headers(identifier, [(":status", "200")])
        h2_connection.send_data(identifier, body, end_stream=True)
        h2_connection.close_connection()

    def answer(stream):
        if stream.path == LOGIN:
            return sign_in_and_leave
        if stream.path == RESCAN:
            write_is_here.set()
            return lambda *_: None
        return break_connection if len(vendor.streams) == 3 else (200, b"[]")

    def break_connection(*_):
        raise ConnectionAbortedError

    with HTTP2Server(answer, authority.server(protocols=("h2",))) as vendor:
        with Host(trusting(vendor, authority)) as host:
            write = host.start("patch_rescan")
            assert write_is_here.wait(20)
            host.result("list_scanners")
            error = host.wait(write)[0]["error"]["data"]
            assert (error["kind"], error["outcome"]) == ("network", "unknown")
            assert vendor.streams[1].connection == vendor.streams[2].connection, "it was shared"
            assert [stream.path for stream in vendor.streams].count(RESCAN) == 1


def test_refused_streams_count_against_the_rate_limit(authority):
    limits = {"list_scanners": {"requests": 2, "per_seconds": 3600}}
    with server(lambda stream: refuse, authority) as vendor:
        with Host(trusting(vendor, authority, rate_limits=limits)) as host:
            host.failure("list_scanners", timeout_ms=5_000)
            assert len(calls(vendor)) == 2


def test_a_server_that_requires_http1_gets_it(authority):
    with Tenant() as tenant, server(lambda stream: ask_for_http1, authority, tenant) as vendor:
        with Host(trusting(vendor, authority)) as host:
            metas = [host.result("list_scanners")["meta"] for _ in range(2)]
            host.result("patch_rescan")
        assert [meta["retries"] for meta in metas] == [1, 0]
        assert len(calls(vendor)) == 1 and len(tenant.calls) == 3


# Connections that were used before


def breaks_at_its_second_request(breaking):
    seen = {}

    def answer(request):
        number = request.connection.number
        seen[number] = seen.get(number, 0) + 1
        return breaking if seen[number] == 2 else reply(200, [])

    return answer


@pytest.mark.parametrize("breaking", [reset, hang_up])
def test_a_read_on_a_reused_connection_that_breaks_is_counted(breaking):
    with Tenant(breaks_at_its_second_request(breaking)) as tenant, Host(connection(tenant.url)) as host:
        counted = sum(host.result("list_scanners")["meta"]["requests"] for _ in range(6))
        assert counted == len(tenant.calls)


def test_a_read_gets_through_although_every_reused_connection_breaks():
    with Tenant(breaks_at_its_second_request(reset)) as tenant, Host(connection(tenant.url)) as host:
        for _ in range(2):
            started = [host.start("list_scanners") for _ in range(16)]
            for number in started:
                meta = host.wait(number)[0]["result"]["meta"]
                assert meta["requests"] <= 3
        assert {request.path for request in tenant.calls} == {SCANNERS}
