"""Certificates, tunnels through a proxy, and HTTP/2."""

import json
import select
import socket

import pytest
from Support.certificates import Authority, identity
from Support.http2 import HTTP2Server
from Support.session import Host, connection
from Support.upstream import RESCAN, SCANNERS, Tenant, Upstream, hang_up, reply


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"), "stranger")


def trusting(vendor, authority, **tls):
    return connection(vendor.url, tls={"ca_file": str(authority.file), **tls})


def refused(host, vendor):
    """The error of a call that TLS stopped; nothing of it may have been sent."""
    error = host.failure("patch_rescan")
    assert (error["kind"], error["status_code"]) == ("network", 502)
    assert error["outcome"] == "not_applied" and error["retryable"] is False
    assert vendor.requests == []
    return error


def test_a_certificate_of_a_given_authority_is_accepted(authority):
    with Tenant(tls=authority.server()) as tenant, Host(trusting(tenant, authority)) as host:
        assert host.result("list_scanners")["raw_data"] == []
        assert [r.path for r in tenant.calls] == [SCANNERS]


def test_a_certificate_of_an_unknown_authority_is_refused(authority):
    with Tenant(tls=authority.server()) as tenant, Host(connection(tenant.url)) as host:
        error = refused(host, tenant)
        assert "certificate" in error["message"]
        assert "ca_file" in error["remedy"]
        assert len(tenant.connections) == 1


@pytest.mark.parametrize("why, context", [
    ("another authority", lambda own, other: other.server()),
    ("another name", lambda own, other: own.server("example.com", "localhost")),
    ("expired", lambda own, other: own.server(days=-1)),
], ids=["another authority", "another name", "expired"])
def test_a_certificate_that_does_not_fit_is_refused(why, context, authority, stranger):
    with Tenant(tls=context(authority, stranger)) as tenant:
        with Host(trusting(tenant, authority)) as host:
            error = refused(host, tenant)
            word = {"another name": "subject name", "expired": "expired"}.get(why, "certificate")
            assert word in error["message"], error
            assert "certificate" in error["remedy"]


def test_certificate_is_matched_by_host_name(authority):
    with Tenant(tls=authority.server("localhost"), name="localhost") as tenant:
        with Host(trusting(tenant, authority)) as host:
            host.result("list_scanners")
        assert len(tenant.to(SCANNERS)) == 1


def test_a_vendor_without_tls_behind_https_is_a_network_error(authority):
    with Upstream(lambda request: hang_up) as vendor:
        url = vendor.url.replace("http:", "https:")
        with Host(connection(url, tls={"ca_file": str(authority.file)})) as host:
            error = host.failure("list_scanners", timeout_ms=400)
            assert error["kind"] in ("network", "timeout")


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_invalid_ca_file_is_named_in_the_error(content, authority, tmp_path):
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    with Tenant(tls=authority.server()) as tenant:
        with Host(connection(tenant.url, tls={"ca_file": str(file)})) as host:
            error = refused(host, tenant)
            assert "authorities.pem" in error["message"] or "CAfile" in error["message"], error


def test_a_client_certificate_is_presented(authority):
    certificate, key = authority.client("robot")
    context = authority.wanting_clients(authority.server())
    with Tenant(tls=context) as tenant:
        tls = {"client_certificate": certificate, "client_key": key}
        with Host(trusting(tenant, authority, **tls)) as host:
            host.result("list_scanners")
            for request in tenant.requests:
                names = request.connection.certificate["subjectAltName"]
                assert ("email", identity("robot")) in names


def test_a_missing_client_certificate_is_an_error_and_nothing_is_sent(authority):
    context = authority.wanting_clients(authority.server())
    with Tenant(tls=context) as tenant, Host(trusting(tenant, authority)) as host:
        error = host.failure("patch_rescan", timeout_ms=3_000)
        assert error["kind"] == "network", error
        assert "certificate" in error["message"].lower()
        assert error["outcome"] == "not_applied"
        assert tenant.requests == []


def test_a_client_key_that_cannot_be_read_is_named(authority):
    certificate, _ = authority.client("careless")
    context = authority.wanting_clients(authority.server())
    with Tenant(tls=context) as tenant:
        tls = {"client_certificate": certificate, "client_key": "/nowhere/key.pem"}
        with Host(trusting(tenant, authority, **tls)) as host:
            error = refused(host, tenant)
            assert "key.pem" in error["message"], error


def test_a_redirect_never_leads_from_https_to_http(authority):
    with Upstream(lambda request: reply(200, [1])) as plain:
        away = reply(302, "", [("Location", plain.url + "/x/")])
        with Tenant(lambda request: away, tls=authority.server()) as tenant:
            with Host(trusting(tenant, authority)) as host:
                assert host.failure("list_scanners")["status_code"] == 302
                assert plain.requests == []


# Tunnels


def splice(client, address):
    """Bytes both ways until one side ends."""
    with socket.create_connection(address) as server:
        while True:
            for source in select.select([client, server], [], [], 20)[0]:
                data = source.recv(65_536)
                if not data:
                    return
                (server if source is client else client).sendall(data)


def tunnel(request):
    """What a proxy does when it is asked for a tunnel."""
    host, _, port = request.target.rpartition(":")

    def act(client):
        client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        splice(client.socket, (host, int(port)))
        return True

    return act


def test_https_proxy_sees_a_tunnel_only(authority):
    with Tenant(tls=authority.server()) as tenant, Upstream(tunnel) as proxy:
        with Host({**trusting(tenant, authority), "proxy": proxy.url}) as host:
            host.result("list_scanners")
            assert len(tenant.calls) == 1
            for request in proxy.requests:
                assert request.method == "CONNECT"
                assert request.target == f"127.0.0.1:{tenant.port}"
                assert request.header("authorization") is None


@pytest.mark.parametrize("status", [403, 407, 502, 503])
def test_a_write_that_the_proxy_refuses_was_not_applied(status, authority):
    with Tenant(tls=authority.server()) as tenant, Upstream(tunnel) as proxy:
        with Host({**trusting(tenant, authority), "proxy": proxy.url}) as host:
            host.result("list_scanners")
            proxy.answer = lambda request: reply(status)
            error = host.failure("patch_rescan", timeout_ms=3_000)
            assert (error["kind"], error["outcome"]) == ("network", "not_applied"), error
            assert str(status) in error["message"]
            assert tenant.to(RESCAN) == []


# HTTP/2


def h2_tenant(stream):
    if stream.path.endswith("/auth/token/"):
        return 200, json.dumps(Tenant.tokens(1)).encode()
    return 200, json.dumps([{"id": 1, "path": stream.path}]).encode()


def test_http2_is_used_where_it_is_offered_and_calls_at_once_share_a_connection(authority):
    tls = authority.server(protocols=("h2", "http/1.1"))
    with HTTP2Server(h2_tenant, tls, together=17) as vendor, Host(trusting(vendor, authority)) as host:
        started = [host.start("list_scanners") for _ in range(64)]
        for number in started:
            assert host.wait(number)[0]["result"]["raw_data"] == [{"id": 1, "path": SCANNERS}]
        assert set(vendor.protocols) == {"h2"}
        assert len(vendor.protocols) <= 2
        assert vendor.most_at_once >= 17
        calls = [s for s in vendor.streams if s.path == SCANNERS]
        assert len(calls) == 64
        for stream in calls:
            assert stream.header("authorization") == "Bearer " + Tenant.tokens(1)["access"]


def test_a_write_over_http2_carries_its_body(authority):
    tls = authority.server(protocols=("h2",))
    with HTTP2Server(h2_tenant, tls) as vendor, Host(trusting(vendor, authority)) as host:
        host.result("update_target_scan_scope", {"target_id": 77, "scope": "out"})
        write = vendor.streams[-1]
        assert write.header(":method") == "PATCH"
        assert write.body == b'{"scope":"OUT"}'


def test_http1_is_used_where_http2_is_not_offered(authority):
    with Tenant(tls=authority.server()) as tenant, Host(trusting(tenant, authority)) as host:
        host.result("list_scanners")
        assert {request.version for request in tenant.requests} == {"HTTP/1.1"}
