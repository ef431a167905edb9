"""Proxies, redirects, TLS versions, client keys and headers that mean harm, or carry secrets."""

import base64
import gzip
import json
import pathlib
import ssl
import urllib.parse

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from Support.certificates import Authority
from Support.programmed_google import ANNA, Google, key_file
from Support.session import Host, connection
from Support.upstream import SCANNERS, Tenant, Upstream, raw, reply

VENDOR = "https://vendor.invalid"
KEY_PASSWORD = "Key-Password-5"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


# Client keys

FORMATS = {
    "PKCS #8": serialization.PrivateFormat.PKCS8,
    "traditional": serialization.PrivateFormat.TraditionalOpenSSL,
}


@pytest.fixture(params=FORMATS)
def encrypted(request, authority, tmp_path):
    """A certificate and its encrypted key."""
    certificate, key = authority.client("robot")
    plain = serialization.load_pem_private_key(pathlib.Path(key).read_bytes(), None)
    file = tmp_path / "encrypted-key.pem"
    file.write_bytes(plain.private_bytes(
        serialization.Encoding.PEM, FORMATS[request.param],
        serialization.BestAvailableEncryption(KEY_PASSWORD.encode())))
    return {"client_certificate": certificate, "client_key": str(file)}


def mutual(tenant, authority, tls):
    return connection(tenant.url, tls={"ca_file": str(authority.file), **tls})


@pytest.fixture
def guarded(authority):
    with Tenant(tls=authority.wanting_clients(authority.server())) as tenant:
        yield tenant


def test_an_encrypted_client_key_reads_no_input(guarded, authority, encrypted):
    with Host(mutual(guarded, authority, encrypted)) as host:
        numbers = [host.start("list_scanners", timeout_ms=20_000) for _ in range(5)]
        pings = [host.request("ping") for _ in range(20)]
        for number in pings:
            assert "result" in host.wait(number)[0]
        for number in numbers:
            error = host.wait(number)[0]["error"]["data"]
            assert (error["kind"], error["outcome"], error["retryable"]) == ("network", "not_applied", False)
            assert "encrypted-key.pem is encrypted: set tls.client_key_password" in error["message"]
        assert guarded.requests == []


@pytest.mark.parametrize("reference", [
    KEY_PASSWORD, {"$env": "KEY_PASSWORD"}, {"$command": ["printf", "%s", KEY_PASSWORD]}],
    ids=["literal", "variable", "command"])
def test_an_encrypted_client_key_is_used_with_its_password(guarded, authority, encrypted, reference):
    one = mutual(guarded, authority, encrypted | {"client_key_password": reference})
    with Host(one, env={"KEY_PASSWORD": KEY_PASSWORD}, options=["--log-level", "debug"]) as host:
        host.result("list_scanners")
        host.call("connections/list")
        assert KEY_PASSWORD.encode() not in host.everything()


def test_a_wrong_password_is_an_error_and_is_read_again(guarded, authority, encrypted, tmp_path):
    file = tmp_path / "password"
    file.write_text("Wrong-Password")
    one = mutual(guarded, authority, encrypted | {"client_key_password": {"$file": str(file)}})
    with Host(one) as host:
        error = host.failure("list_scanners")
        assert "encrypted-key.pem cannot be decrypted: tls.client_key_password is wrong" in error["message"]
        assert "Wrong-Password" not in json.dumps(error)
        file.write_text(KEY_PASSWORD + "\n")
        host.result("list_scanners")


def test_a_password_that_cannot_be_read_is_named(guarded, authority, encrypted):
    one = mutual(guarded, authority, encrypted | {"client_key_password": {"$env": "NO_SUCH"}})
    with Host(one) as host:
        error = host.failure("list_scanners")
        assert error["kind"] == "auth" and "tls.client_key_password" in error["message"]
        assert "NO_SUCH" in error["message"]


@pytest.mark.parametrize("way", ["invoke", "connections/put"])
def test_a_caller_cannot_run_a_program_for_a_key_password(guarded, authority, encrypted, way):
    one = mutual(guarded, authority, encrypted | {"client_key_password": {"$command": ["touch", "made"]}})
    with Host() as host:
        if way == "invoke":
            assert "error" in host.answer("list_scanners", {}, one)
        else:
            params = {"name": "mine", "connection": one}
            assert "error" in host.wait(host.request(way, params))[0]
        assert not (host.path / "made").exists() and guarded.requests == []


@pytest.mark.parametrize("key", ["pkcs11:token=t;object=k", "engine:pkcs11:k"])
def test_keys_of_engines_are_files(guarded, authority, encrypted, key):
    with Host(mutual(guarded, authority, encrypted | {"client_key": key})) as host:
        assert host.failure("list_scanners")["kind"] == "network"
        host.call("ping")


def test_an_encrypted_service_account_key_reads_no_input():
    """Also one whose PEM says that it is not encrypted."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret")).decode()
    for text in pem, pem.replace("ENCRYPTED PRIVATE KEY", "PRIVATE KEY"):
        with Google() as google:
            with Host(google.connection(settings={"service_account_json": key_file(private_key=text)})) as host:
                number = host.start("list_labels", {"user_email": ANNA})
                for _ in range(5):
                    host.call("ping")
                assert host.wait(number)[0]["error"]["data"]["kind"] == "auth"


# TLS versions

def test_tls_before_1_2_is_refused(authority, tmp_path):
    """Also if the system's OpenSSL would allow it."""
    lax = tmp_path / "openssl.cnf"
    lax.write_text(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
        "[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n")
    context = authority.server()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Tenant(tls=context) as tenant:
        one = connection(tenant.url, tls={"ca_file": str(authority.file)})
        with Host(one, env={"OPENSSL_CONF": str(lax)}) as host:
            error = host.failure("list_scanners", timeout_ms=5_000)
            assert error["kind"] == "network" and error["outcome"] == "not_applied"
            assert tenant.requests == []


# Proxies

RAW = ["Winter#2026pw", "Win@ter2026pw", "Winter/2026pw", "Winter?2026pw", "Winter%2026pw%", "Win%zz2026pw"]
PIECES = ("Winter", "2026pw", "ter2026", "Win@", "Win%")


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("password", RAW)
def test_a_raw_character_in_a_proxy_password_leaks_no_piece(name, password):
    with Upstream(lambda request: reply(502)) as proxy:
        url = f"http://soar:{password}@127.0.0.1:{proxy.port}"
        with Host(connection(VENDOR), env={name: url}, options=["--log-level", "debug"]) as host:
            error = host.failure("list_scanners", timeout_ms=5_000)
            everything = host.everything().decode()
        if password == "Winter%2026pw%":  # %20 is an escape, the % at the end is none
            everything = everything.replace("%20", "")
        assert error["kind"] == "network" and error["retryable"] is False
        assert name in error["message"] and "percent-encode" in error["message"]
        assert not [piece for piece in PIECES if piece in everything], everything
        assert proxy.requests == []


@pytest.mark.parametrize("password", RAW)
def test_a_raw_character_in_a_configured_proxy_is_refused(password, tmp_path):
    with Host() as host:
        one = connection(VENDOR, proxy=f"http://soar:{password}@127.0.0.1:9")
        text = json.dumps(host.answer("list_scanners", {}, one))
    assert "percent-encode" in text or "proxy" in text
    assert not [piece for piece in PIECES if piece in text], text


@pytest.mark.parametrize("password", ["Winter#2026pw", "p@ss/wörd? %25", "short"])
def test_an_encoded_proxy_password_reaches_the_proxy_only(password):
    with Upstream(lambda request: reply(407)) as proxy:
        quoted = urllib.parse.quote(password, safe="")
        env = {"https_proxy": f"http://soar:{quoted}@127.0.0.1:{proxy.port}"}
        with Host(connection(VENDOR), env=env, options=["--log-level", "debug"]) as host:
            host.failure("list_scanners", timeout_ms=5_000)
            everything = host.everything()
        expected = base64.b64encode(f"soar:{password}".encode()).decode()
        assert proxy.requests[0].header("proxy-authorization") == f"Basic {expected}"
        for form in password.encode(), quoted.encode(), expected.encode():
            assert form not in everything


def test_errors_show_a_proxy_without_its_user():
    env = {"https_proxy": "http://soar:Winter-2026@proxy.invalid:3128"}
    with Host(connection(VENDOR), env=env) as host:
        error = host.failure("list_scanners", timeout_ms=20_000)
        assert "proxy.invalid" in error["message"] and "soar" not in error["message"], error


def test_a_proxy_of_the_environment_needs_no_scheme():
    with Upstream(lambda request: reply(502)) as proxy:
        with Host(connection(VENDOR), env={"https_proxy": f"127.0.0.1:{proxy.port}"}) as host:
            host.failure("list_scanners", timeout_ms=20_000)
        assert proxy.requests[0].target == "vendor.invalid:443"


@pytest.mark.parametrize("env", [
    {"no_proxy": "vendor.invalid"}, {"NO_PROXY": "other,.invalid"}, {"no_proxy": "*"},
    {"https_proxy": ""}])
def test_hosts_without_a_proxy_are_reached_directly(env):
    with Upstream(lambda request: reply(502)) as proxy:
        all_env = {"https_proxy": proxy.url, "all_proxy": proxy.url} | env
        with Host(connection(VENDOR), env=all_env) as host:
            error = host.failure("list_scanners", timeout_ms=20_000)
            assert "vendor.invalid" in error["message"]
        assert proxy.requests == []


# Redirects

def test_a_download_goes_to_another_origin_without_credentials(authority):
    """A GravityZone report that is stored elsewhere, behind TLS: no key and no client certificate."""
    from gravityzone.test_reports import R, ZIP, Reports
    certificate, key = authority.client("gravity")
    seen = []
    elsewhere = authority.server()
    authority.authority.configure_trust(elsewhere)
    elsewhere.verify_mode = ssl.CERT_OPTIONAL

    def store(request):
        seen.append(request.connection.certificate)
        return reply(200, ZIP)

    with Upstream(store, tls=elsewhere) as foreign:
        moved = reply(302, "", [("Location", foreign.url + "/x?signature=1")])
        context = authority.wanting_clients(authority.server())
        with Reports(lambda request: moved, tls=context) as center:
            tls = {"ca_file": str(authority.file), "client_certificate": certificate, "client_key": key}
            with Host({**center.connection(), "tls": tls}) as host:
                assert len(host.result("download_reports", {"report_ids": [R]})["files"]) == 1
    (request,) = foreign.requests
    assert request.header("authorization") is None and request.path == "/x"
    assert not seen[0], "a client certificate went to another origin"


@pytest.mark.parametrize("location", [
    "https://evil.example\r\nX: y", "//evil.example/a", "https://a:b@evil.example/p@th?q=1#f",
    "https://evil.example/" + "x" * 10_000, "https:evil.example",
    "https://evil.example/\u202etxt"])
def test_strange_locations_are_shown_safely(location):
    header = raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
                 + location.replace("\r\n", " ").encode() + b"\r\n\r\n")
    with Tenant(lambda request: header) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners")
        assert error["status_code"] == 302 and "redirects to" in error["message"]
        assert len(error["message"]) < 300 and error["message"].isascii()
        assert "a:b" not in error["message"] and "q=1" not in error["message"]


# Headers of responses

def headers_of(count, line):
    return raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + line * count + b"\r\n[]")


@pytest.mark.parametrize("answer", [
    headers_of(20_000, b"A: b\r\n"), headers_of(20, b"X-Filler: " + b"x" * 60_000 + b"\r\n"),
    raw(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 20_000),
], ids=["many", "long", "interim"])
def test_the_headers_of_a_response_are_bounded(answer):
    with Tenant(lambda request: answer) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_scanners", timeout_ms=20_000)
        assert (error["kind"], error["status_code"]) == ("too_large", 413), error
        assert "headers of the response are larger than 262144 bytes" in error["message"]
        assert len(tenant.calls) == 1
        host.call("ping")


# Bodies that cost many times their size

def compressed(body):
    return reply(200, gzip.compress(body, 9), [("Content-Encoding", "gzip")])


def peak(answer):
    """Mebibytes that a host needs more for one answer than for a small one."""
    with Tenant(lambda request: reply(200, [1])) as tenant, Host(connection(tenant.url)) as host:
        host.result("list_scanners")
        before = host.peak_mebibytes()
        tenant.answer_signed_in = lambda request: answer
        message = host.answer("list_scanners", timeout_ms=30_000)
        host.call("ping")
        return host.peak_mebibytes() - before, message


BOMBS = {
    "arrays": b"[" + b"[]," * 7_000_000 + b"1]",
    "objects": b"[" + b"{}," * 7_000_000 + b"1]",
    "numbers": b"[" + b"0," * 7_900_000 + b"1]",
    "unclosed": b"[" + b"[[],0]," * 3_000_000,
}


@pytest.mark.parametrize("what", BOMBS)
def test_values_cost_no_more_than_a_limit(what):
    answer = compressed(BOMBS[what])
    assert len(answer.body) < 120_000
    mebibytes, message = peak(answer)
    error = message["error"]["data"]
    assert (error["kind"], error["status_code"]) == ("too_large", 413), error
    assert "more than 2000000 values" in error["message"] and error["outcome"] == "not_applied"
    assert mebibytes < 100, f"{mebibytes} MiB for {len(answer.body)} bytes"


def test_depth_is_an_error():
    _, message = peak(compressed(b"[" * 10_000_000))
    assert "nested" in message["error"]["data"]["message"]


def test_an_answer_of_many_values_is_taken():
    values = [{"id": number} for number in range(600_000)]
    _, message = peak(reply(200, values))
    assert len(message["result"]["raw_data"]) == 600_000
