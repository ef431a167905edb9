"""What a review found: each was wrong once."""

from __future__ import annotations

import json

import pytest
from Support.host import Host, invoke, run
from Support.sandbox import Sandbox


def test_an_error_in_a_notification_is_redacted(sandbox):
    """Only the error of a response is an object of the protocol's own."""
    settings = sandbox.connection["settings"] | {
        "server_url": "http://127.0.0.1:9", "password": "onnect"}
    with Host() as host:
        host.result("connections/put", {
            "name": "p", "connection": sandbox.connection | {"settings": settings}})
        host.result("health/watch", {"connection": "p", "interval_seconds": 60})
        while (message := host.read()).get("method") != "health/changed":
            pass
    error = message["params"]["error"]
    assert set(error) == {"kind", "message", "meta"} and error["kind"] == "network"
    assert "onnect" not in error["message"]
    assert "[redacted]" in error["message"]


@pytest.mark.parametrize("seconds", ["1e300", "0", "-1", "1e-9", "31536001"])
def test_a_window_beyond_reason_is_refused(sandbox, seconds):
    connection = json.dumps(sandbox.connection)[:-1] + (
        ',"rate_limits":{"default":{"requests":1,"per_seconds":%s}}}' % seconds)
    with Host() as host:
        host.send_bytes((
            '{"jsonrpc":"2.0","id":1,"method":"invoke","params":{"integration":"coda_footprint",'
            '"command":"list_tenants","connection":%s}}\n' % connection).encode())
        error = host.read()["error"]
        assert host.result("ping") == {}
    assert error["code"] == -32602
    assert error["data"]["problems"][0]["path"].endswith("/rate_limits/default/per_seconds")


def test_a_sign_in_that_is_not_found_rescans_nothing():
    with Sandbox("coda-auth: 404 first 1") as sandbox:
        with Host("--connections", sandbox.file) as host:
            answer = host.ask(invoke(1, "patch_rescan", {"scanner_id": 12}))
        log = sandbox.log()
    assert answer["error"]["data"]["status_code"] == 404
    assert not [entry for entry in log if entry["method"] == "PATCH"]


@pytest.mark.parametrize("policy", [{"deny": ["pach_*"]}, {"allow": ["list_devises"]}])
def test_misspelled_policy_is_refused(sandbox, policy):
    with Host() as host:
        error = host.error("connections/put", {
            "name": "p", "connection": sandbox.connection | {"policy": policy}})
    [problem] = error["data"]["problems"]
    assert problem["path"].startswith("/connection/policy/")
    assert "matches no command" in problem["message"]


def test_very_many_problems_are_reported_in_part(sandbox):
    members = ",".join(f'"x{number}":1' for number in range(200_000))
    with Host("--connections", sandbox.file) as host:
        host.send_bytes((
            '{"jsonrpc":"2.0","id":1,"method":"invoke","params":{"integration":"coda_footprint",'
            '"command":"list_tenants","arguments":{%s},%s}}\n' % (members, members)).encode())
        problems = host.read()["error"]["data"]["problems"]
        assert host.result("ping") == {}
    assert len(problems) == 100


def test_a_limit_beyond_reason_is_a_usage_error():
    finished = run("serve", "--max-line-bytes", str(2**63 - 1))
    assert finished.code == 2


def test_sandbox_replaces_the_default_connections(tmp_path):
    file = tmp_path / "connections.json"
    file.write_text('{"connections":{"real":{"integration":"coda_footprint","settings":{'
                    '"server_url":"https://127.0.0.1:9","user_name":"u","password":"pppp"}}}}')
    finished = run("call", "coda_footprint", "list_tenants", "--sandbox",
                   more_environment={"SALLYPORT_CONNECTIONS": str(file)})
    assert finished.code == 0


def test_an_option_does_not_take_the_next_one_for_its_value():
    finished = run("call", "coda_footprint", "list_devices", "--page", "--sandbox")
    assert finished.code == 2
    assert "--page requires a value" in finished.errors


def test_samples_can_share_one_file():
    ids = [
        json.loads(run("sample", "coda_footprint", command).output)["id"]
        for command in ("list_tenants", "list_devices", "patch_rescan")]
    assert len(set(ids)) == 3


def test_a_connection_that_is_removed_is_not_watched_any_more(sandbox):
    with Host("--connections", sandbox.file) as host:
        host.result("health/watch", {"connection": "coda_sandbox", "interval_seconds": 60})
        host.send({"jsonrpc": "2.0", "id": 5, "method": "connections/remove",
                   "params": {"name": "coda_sandbox"}})
        while host.read().get("id") != 5:
            pass
        host.send({"jsonrpc": "2.0", "id": 6, "method": "health/status"})
        while (message := host.read()).get("id") != 6:
            pass
    assert message["result"] == {"watches": []}
