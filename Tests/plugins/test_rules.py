"""The rules of the host hold for commands of plugins: policy, fences, idempotency, audit, notices."""

from __future__ import annotations

import json

import pytest
from Support.host import request, run
from Support.plugins import SECRET, connection
from Support.upstream import Upstream, reply


@pytest.fixture
def vendor():
    with Upstream(lambda request: reply(200, {"ok": True})) as vendor:
        yield vendor


def post(url):
    return {"ask": ["host/http", {"method": "POST", "url": url, "json": {}}]}


def connections_file(tmp_path, **more):
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": {"raw1": connection() | more}}))
    path.chmod(0o600)
    return str(path)


def test_read_only_refuses_what_is_no_read(plugins):
    """Also a command whose plugin does not state its effect."""
    plugins.add()
    with plugins.host("--read-only") as host:
        assert "result" in host.call("look")
        for command in ("change", "put", "remove", "send", "unsaid"):
            failure = host.failure(command)
            assert failure["kind"] == "policy" and failure["outcome"] == "not_applied"


def test_policy_of_a_connection_holds(plugins, tmp_path):
    plugins.add()
    file = connections_file(tmp_path, policy={"deny": ["change"]})
    with plugins.host("--connections", file) as host:
        assert "result" in host.call("look", connection="raw1")
        assert host.failure("change", connection="raw1")["kind"] == "policy"
        assert "result" in host.call("put", connection="raw1")


def test_connections_only_refuses_inline_connections(plugins, tmp_path):
    plugins.add()
    with plugins.host("--connections", connections_file(tmp_path), "--connections-only") as host:
        assert "result" in host.call("look", connection="raw1")
        assert host.failure("look")["kind"] == "policy"
        error = host.error("connections/put", {"name": "x", "connection": connection()})
        assert error["data"]["kind"] == "policy"


@pytest.mark.parametrize(("mode", "command", "is_error"), [
    ("destructive", "look", False), ("destructive", "change", False), ("destructive", "remove", True),
    ("destructive", "send", True), ("always", "change", True), ("always", "look", False), ("never", "remove", False)])
def test_confirmation_is_due_for_tools_of_plugins(plugins, tmp_path, mode, command, is_error):
    """The client cannot be asked, so the command is refused."""
    plugins.add()
    with plugins.host("--connections", connections_file(tmp_path), "--confirm", mode) as host:
        host.ask(request(0, "initialize", {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}))
        answer = host.ask(request(1, "tools/call", {"name": f"raw__{command}", "arguments": {}}))
        assert answer["result"].get("isError", False) == is_error, answer


def test_tools_have_the_hints_of_their_effects(plugins):
    plugins.add()
    with plugins.host() as host:
        host.ask(request(0, "initialize", {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}))
        tools, cursor = {}, None
        while True:
            result = host.result("tools/list", {"cursor": cursor} if cursor else {})
            tools |= {one["name"]: one["annotations"] for one in result["tools"]}
            cursor = result.get("nextCursor")
            if not cursor:
                break
        assert tools["raw__look"]["readOnlyHint"] is True
        assert tools["raw__unsaid"]["readOnlyHint"] is False
        assert tools["raw__remove"]["destructiveHint"] is True


def test_idempotency_key_runs_a_write_once(plugins, vendor):
    plugins.add()
    with plugins.host() as host:
        first = host.call("change", [post(vendor.url)], url=vendor.url, idempotency_key="k1")
        second = host.call("change", [post(vendor.url)], url=vendor.url, idempotency_key="k1")
        assert first["result"]["raw_data"] == second["result"]["raw_data"]
        assert len(vendor.requests) == 1
        other = host.failure("change", [post(vendor.url), post(vendor.url)], url=vendor.url, idempotency_key="k1")
        assert other["kind"] == "validation" and len(vendor.requests) == 1


def test_idempotency_key_of_a_write_that_died_is_not_run_again(plugins, vendor):
    plugins.add()
    with plugins.host() as host:
        steps = [post(vendor.url), {"exit": 1}]
        assert host.failure("change", steps, url=vendor.url, idempotency_key="k2")["outcome"] == "unknown"
        again = host.failure("change", steps, url=vendor.url, idempotency_key="k2")
        assert again["outcome"] == "unknown" and len(vendor.requests) == 1


def test_audit_file_has_the_writes_of_plugins_without_secrets(plugins, tmp_path, vendor):
    plugins.add()
    audit = tmp_path / "audit.jsonl"
    with plugins.host("--audit", str(audit)) as host:
        host.call("change", [post(vendor.url)], url=vendor.url)
        host.failure("change", [{"exit": 1}], url=vendor.url)
        host.close_input()
        host.exit_code()
    records = [json.loads(line) for line in audit.read_text().splitlines()]
    finished = [one for one in records if one.get("integration") == "raw"]
    assert len(finished) >= 2 and {one["command"] for one in finished} == {"change"}
    assert "unknown" in json.dumps(finished[-1])
    assert SECRET not in audit.read_text()


def test_all_pages_of_a_command_without_pages_is_a_fault(plugins):
    plugins.add()
    with plugins.host() as host:
        assert "result" in host.call("look", all_pages=True)
        assert host.call("change", all_pages=True)["error"]["code"] == -32602


def test_settings_are_checked_by_the_schema_of_the_plugin(plugins):
    plugins.add()
    with plugins.host() as host:
        host.send(request(1, "connections/put", {"name": "x", "connection": {
            "integration": "raw", "settings": {"server_url": "http://vendor.example", "usr": 1, "api_key": 7}}}))
        problems = json.dumps(host.read()["error"])
        for text in ("server_url", "https://", "usr", "user", "api_key"):
            assert text in problems, problems


def test_capabilities_subcommand_knows_plugins(plugins):
    plugins.add()
    done = run("capabilities", "raw", "--plugins", str(plugins.path))
    assert done.code == 0 and "raw" in done.text and "look" in done.text


def test_capabilities_of_a_plugin_have_its_schemas(plugins):
    plugins.add()
    with plugins.host() as host:
        (integration,) = host.result("capabilities", {"integration": "raw"})["integrations"]
        look = integration["commands"][0]
        assert look["effect"] == "read" and look["parameters"]["properties"]["number"]["minimum"] == 1
        effects = {one["id"]: (one["effect"], one["idempotent"]) for one in integration["commands"]}
        assert effects["unsaid"] == ("write", False) and effects["put"] == ("write", True)
        assert integration["connection"]["schema"]["properties"]["api_key"]["writeOnly"] is True
