"""Connections over the wire and in a file, and that secrets stay where they are."""

from __future__ import annotations

import base64
import json
import stat
import urllib.parse

import pytest
from Support.host import Host, invoke, parse, request

PASSWORD = "pa\"ss/wörd+ 17&x"


def coda(url: str = "http://127.0.0.1:9", password="secret-word", **more):
    return {"integration": "coda_footprint", **more, "settings": {
        "server_url": url, "user_name": "user@example.com", "password": password}}


def forms(secret: str) -> list[str]:
    """The ways in which a secret could get out."""
    plain = secret.encode()
    inside = base64.b64encode(b"user@example.com:" + plain).decode()
    return [
        secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
        urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret),
        base64.b64encode(plain).decode().rstrip("=")[:-1], inside[24:-4]]


def test_connections_can_be_put_listed_and_removed():
    with Host() as host:
        assert host.result("connections/list") == {"connections": []}
        assert host.result("connections/put", {"name": "a", "connection": coda()}) == {"name": "a", "replaced": False}
        assert host.result("connections/put", {"name": "b", "connection": coda(description="B")})["replaced"] is False
        assert host.result("connections/put", {"name": "a", "connection": coda(active=False)})["replaced"] is True
        assert host.result("connections/list") == {"connections": [
            {"name": "a", "integration": "coda_footprint", "active": False, "settings": {
                "server_url": "http://127.0.0.1:9", "user_name": "user@example.com", "password": "[redacted]"}},
            {"name": "b", "integration": "coda_footprint", "description": "B", "active": True, "settings": {
                "server_url": "http://127.0.0.1:9", "user_name": "user@example.com", "password": "[redacted]"}}]}
        assert host.result("connections/remove", {"name": "a"}) == {"removed": True}
        assert [one["name"] for one in host.result("connections/list")["connections"]] == ["b"]
        error = host.error("connections/remove", {"name": "bb"})
        assert error["code"] == -32602
        assert [(one["path"], one["did_you_mean"]) for one in error["data"]["problems"]] == [("/name", "b")]


def test_a_connection_that_was_put_can_be_used(sandbox):
    with Host() as host:
        host.result("connections/put", {"name": "new", "connection": sandbox.connection})
        assert "result" in host.ask(invoke(1, "list_tenants", connection="new"))
        assert "result" in host.ask(invoke(2, "list_tenants"))


def test_an_inline_connection_can_be_used_and_is_not_listed(sandbox):
    with Host() as host:
        assert "result" in host.ask(invoke(1, "list_tenants", connection=sandbox.connection))
        assert host.result("connections/list") == {"connections": []}


def test_calls_on_one_inline_connection_share_a_sign_in(sandbox):
    with Host() as host:
        for id in range(3):
            assert "result" in host.ask(invoke(id, "list_tenants", connection=sandbox.connection))
    assert sum("/auth/token/" in entry["path"] for entry in sandbox.control("GET", "log")) == 1


BAD = [
    # what it is, the connection, path below /connection, did_you_mean
    ("no integration", {"settings": {}}, "/integration", None),
    ("an unknown integration", coda() | {"integration": "coda_footprnt"}, "/integration", "coda_footprint"),
    ("no settings", {"integration": "coda_footprint"}, "/settings", None),
    ("an unknown member", coda(polcy={}), "/polcy", "policy"),
    ("an unknown member of the policy", coda(policy={"readonly": True}), "/policy/readonly", "read_only"),
    ("an unknown setting", {"integration": "coda_footprint", "settings": coda()["settings"] | {"pasword": "x"}},
     "/settings/pasword", "password"),
    ("a missing setting", {"integration": "coda_footprint", "settings": {
        "server_url": "http://127.0.0.1:9", "user_name": "u"}}, "/settings/password", None),
    ("plain http to another host", coda("http://example.com"), "/settings/server_url", None),
    ("no URL", coda("example.com"), "/settings/server_url", None),
    ("another scheme", coda("ftp://127.0.0.1"), "/settings/server_url", None),
    ("an unknown profile", {"integration": "coda_footprint", "settings": coda()["settings"] | {
        "api_profile": "curent"}}, "/settings/api_profile", "current"),
    ("a bad rate limit", coda(rate_limits={"default": {"requests": 0, "per_seconds": 1}}),
     "/rate_limits/default/requests", None),
    ("no concurrency", coda(max_concurrency=0), "/max_concurrency", None),
    ("a variable", coda(password={"$env": "HOME"}), "/settings/password", None),
    ("a file", coda(password={"$file": "/etc/hostname"}), "/settings/password", None),
    ("a program", coda(password={"$command": ["touch", "/tmp/x"]}), "/settings/password", None),
]


@pytest.mark.parametrize(("connection", "path", "meant"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_connection_with_a_fault_or_a_reference_is_refused_over_the_wire(connection, path, meant):
    with Host() as host:
        error = host.error("connections/put", {"name": "x", "connection": connection})
        assert error["code"] == -32602
        assert (f"/connection{path}", meant) in [
            (one["path"], one.get("did_you_mean")) for one in error["data"]["problems"]]
        assert host.result("connections/list") == {"connections": []}
        if connection.get("integration") == "coda_footprint":
            error = host.ask(invoke(1, "list_tenants", connection=connection))["error"]
            assert error["code"] == -32602
            assert f"/connection{path}" in [one["path"] for one in error["data"]["problems"]]


@pytest.mark.parametrize("params", [
    None, {}, {"name": "a"}, {"connection": coda()}, {"name": 1, "connection": coda()}, {"name": "", "connection": coda()},
    {"name": "a", "connection": "coda"}, {"name": "a", "connection": coda(), "x": 1},
    {"name": "n" * 129, "connection": coda()}])
def test_put_needs_a_name_and_a_connection(params):
    with Host() as host:
        assert host.error("connections/put", params)["code"] == -32602


# A file

def file_of(path, **connections) -> str:
    path.write_text(json.dumps({"connections": connections}))
    return str(path)


def test_secrets_of_a_file_may_be_references(sandbox, tmp_path):
    settings = sandbox.connection["settings"]
    (tmp_path / "secret").write_text(settings["password"] + "\n")
    references = {
        "environment": {"$env": "CODA_PASSWORD"}, "file": {"$file": str(tmp_path / "secret")},
        "command": {"$command": ["cat", str(tmp_path / "secret")]}}
    path = file_of(tmp_path / "connections.json", **{
        name: sandbox.connection | {"settings": settings | {"password": reference}}
        for name, reference in references.items()})
    with Host("--connections", path, more_environment={"CODA_PASSWORD": settings["password"]}) as host:
        for name in references:
            assert "result" in host.ask(invoke(name, "list_tenants", connection=name)), name
        assert settings["password"] not in json.dumps(host.result("connections/list"))


def test_the_file_may_be_named_by_a_variable(sandbox):
    with Host(more_environment={"SALLYPORT_CONNECTIONS": sandbox.file}) as host:
        assert [one["name"] for one in host.result("connections/list")["connections"]] == ["coda_sandbox"]


@pytest.mark.parametrize(("reference", "words"), [
    ({"$env": "SALLYPORT_TEST_UNSET"}, ["SALLYPORT_TEST_UNSET"]),
    ({"$file": "/nonexistent/secret"}, ["/nonexistent/secret"]),
    ({"$command": ["/nonexistent/program"]}, ["/nonexistent/program"]),
    ({"$command": ["false"]}, ["false"]),
])
def test_a_secret_that_cannot_be_had_is_said_clearly(reference, words, tmp_path):
    path = file_of(tmp_path / "connections.json", c=coda(password=reference))
    with Host("--connections", path) as host:
        error = host.ask(invoke(1, "list_tenants"))["error"]
    assert (error["code"], error["data"]["kind"]) == (-32000, "auth")
    for word in words:
        assert word in error["data"]["message"] + error["data"].get("remedy", "")


# Secrets

def test_a_secret_leaves_by_no_way(sandbox, tmp_path):
    """Put where a vendor or the host might repeat it. The caller's own text comes back as it was sent."""
    audit = tmp_path / "audit.jsonl"
    connection = coda(sandbox.base, PASSWORD)
    with Host("--audit", str(audit), "--log-level", "debug") as host:
        frames = []

        def ask(message):
            host.send(message)
            frames.append(host.read_line().decode())
            return parse(frames[-1].encode())

        assert "result" in ask(request(1, "connections/put", {"name": "c", "connection": connection}))
        ask(request(2, "connections/list"))
        # The sign-in fails, with an error of the vendor's.
        assert ask(invoke(3, "list_tenants", connection="c"))["error"]["data"]["kind"] == "auth"
        ask(invoke(5, "list_devices", {"filter": {"ip": PASSWORD}}, connection="c"))
        host.send({"jsonrpc": "2.0", "method": PASSWORD})
        assert host.finish() == (0, [])
    outputs = {"stdout": "\n".join(frames), "stderr": host.errors, "audit": audit.read_text()}
    # One connection_put, and two reads that finished.
    assert outputs["audit"].count("\n") == 3
    assert stat.S_IMODE(audit.stat().st_mode) == 0o600
    for name, text in outputs.items():
        for form in forms(PASSWORD):
            assert form not in text, (name, form)


@pytest.mark.parametrize("password", ["jsonrpc", "result", "error", "code", "2.0x", "null", "true", "1234567", "data"])
def test_password_equal_to_a_protocol_member_breaks_no_frame(password):
    with Host() as host:
        host.result("connections/put", {"name": "c", "connection": coda(password=password)})
        assert host.ask(request(1234567, "ping")) == {"jsonrpc": "2.0", "id": 1234567, "result": {}}
        error = host.ask(request(2, "nobody"))
        assert error["error"]["code"] == -32601


def test_id_that_looks_like_a_secret_is_not_redacted():
    with Host() as host:
        host.result("connections/put", {"name": "c", "connection": coda(password="secret-word")})
        assert host.ask(request("secret-word", "ping"))["result"] == {}
