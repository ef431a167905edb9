"""Certificates, tunnels through a proxy, and HTTP/2."""

import json
import os
import ssl

import pytest
from Support.certificates import Authority, identity
from Support.http2 import HTTP2Server
from Support.session import Host, connection
from Support.upstream import RESCAN, SCANNERS, Tenant, Upstream, hang_up, reply, tunnel


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


# Certificates of clients


TLS_VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def demanding(authority, version):
    context = authority.wanting_clients(authority.server())
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("command", ["list_scanners", "patch_rescan"])
@pytest.mark.parametrize("version", TLS_VERSIONS, ids=["1.2", "1.3"])
def test_a_server_that_demands_a_client_certificate_is_tried_once(version, command, authority):
    with Tenant(tls=demanding(authority, version)) as tenant:
        with Host(trusting(tenant, authority)) as host:
            error = host.failure(command)
            assert (error["kind"], error["status_code"]) == ("network", 502)
            assert (error["outcome"], error["retryable"]) == ("not_applied", False)
            assert "tls.client_certificate" in error["remedy"]
            assert tenant.requests == [] and len(tenant.connections) == 1


@pytest.mark.parametrize("version", TLS_VERSIONS, ids=["1.2", "1.3"])
def test_a_demanded_client_certificate_is_named_behind_a_proxy(version, authority):
    with Tenant(tls=demanding(authority, version)) as tenant, Upstream(tunnel) as proxy:
        with Host({**trusting(tenant, authority), "proxy": proxy.url}) as host:
            error = host.failure("patch_rescan")
            assert (error["outcome"], error["retryable"]) == ("not_applied", False)
            assert "tls.client_certificate" in error["remedy"] and len(tenant.connections) == 1


@pytest.mark.parametrize("version", TLS_VERSIONS, ids=["1.2", "1.3"])
@pytest.mark.parametrize("why", ["another authority", "expired"])
def test_a_client_certificate_that_the_server_rejects_is_tried_once(why, version, authority, stranger):
    issuer, days = (stranger, 1) if why == "another authority" else (authority, -1)
    certificate, key = issuer.client(why.replace(" ", "-"), days)
    with Tenant(tls=demanding(authority, version)) as tenant:
        tls = {"client_certificate": certificate, "client_key": key}
        with Host(trusting(tenant, authority, **tls)) as host:
            error = host.failure("patch_rescan")
            assert (error["kind"], error["outcome"], error["retryable"]) == (
                "network", "not_applied", False)
            word = "unknown_ca" if why == "another authority" else "certificate_expired"
            assert f"TLS alert {word}" in error["message"]
            assert "tls.client_certificate" in error["remedy"]
            assert tenant.requests == [] and len(tenant.connections) == 1


def der(pem):
    return ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN"):])


UNUSABLE_AUTHORITIES = {
    "missing": (lambda file, pem: None, "No such file"),
    "a directory": (lambda file, pem: file.mkdir(), "directory"),
    "DER": (lambda file, pem: file.write_bytes(der(pem)), "DER"),
    "empty": (lambda file, pem: file.write_bytes(b""), "empty"),
    "text": (lambda file, pem: file.write_text("no certificate at all"), "PEM"),
    "a key": (lambda file, pem: file.write_text("-----BEGIN PRIVATE KEY-----\n"), "certificate"),
    "damaged": (lambda file, pem: file.write_text(pem.replace("M", "N")), "damaged"),
}


@pytest.mark.parametrize("is_relative", [False, True], ids=["absolute", "relative"])
@pytest.mark.parametrize("what", UNUSABLE_AUTHORITIES)
def test_an_unusable_ca_file_is_named_with_its_fault(what, is_relative, authority, tmp_path):
    make, word = UNUSABLE_AUTHORITIES[what]
    path = "authorities.pem" if is_relative else str(tmp_path / "authorities.pem")
    with Tenant(tls=authority.server()) as tenant:
        with Host(connection(tenant.url, tls={"ca_file": path})) as host:
            directory = host.path if is_relative else tmp_path
            make(directory / "authorities.pem", authority.file.read_text())
            error = refused(host, tenant)
            assert "authorities.pem" in error["message"] and word in error["message"], error
            assert str(directory) in error["message"]
            assert "tls.ca_file" in error["remedy"]


def unusable_clients(authority, stranger, tmp_path):
    certificate, key = authority.client("robot")
    _, other = stranger.client("other")
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    key_of = lambda path: {"client_certificate": certificate, "client_key": str(path)}
    return {
        "missing key": (key_of("/nowhere/key.pem"), "/nowhere/key.pem", "No such file"),
        "key of another certificate": (key_of(other), other, "another certificate"),
        "empty key": (key_of(empty), str(empty), "empty"),
        "damaged key": (key_of(damaged), str(damaged), "damaged"),
        "certificate as key": (key_of(certificate), certificate, "no private key"),
        "certificate alone": ({"client_certificate": certificate}, certificate, "tls.client_key"),
        "missing certificate": (
            {"client_certificate": "/nowhere/robot.pem", "client_key": key}, "/nowhere/robot.pem", "No such file"),
        "key as certificate": ({"client_certificate": key, "client_key": key}, key, "no certificate"),
    }


@pytest.mark.parametrize("what", [
    "missing key", "key of another certificate", "empty key", "damaged key", "certificate as key",
    "certificate alone", "missing certificate", "key as certificate"])
def test_an_unusable_client_file_is_named_with_its_fault(what, authority, stranger, tmp_path):
    tls, path, word = unusable_clients(authority, stranger, tmp_path)[what]
    with Tenant(tls=authority.wanting_clients(authority.server())) as tenant:
        with Host(trusting(tenant, authority, **tls)) as host:
            error = refused(host, tenant)
            assert path in error["message"] and word in error["message"], error
            setting = "tls.client_key" if "key" in what and "as cert" not in what else "tls.client_"
            assert setting in error["remedy"]


def test_a_redirect_never_leads_from_https_to_http(authority):
    with Upstream(lambda request: reply(200, [1])) as plain:
        away = reply(302, "", [("Location", plain.url + "/x/")])
        with Tenant(lambda request: away, tls=authority.server()) as tenant:
            with Host(trusting(tenant, authority)) as host:
                assert host.failure("list_scanners")["status_code"] == 302
                assert plain.requests == []


# Tunnels


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
