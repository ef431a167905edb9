"""Choices in the spellings of the product documents: each sends the same request as the value of the schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from Support.control_center import ControlCenter
from Support.control_center import connection as control_center
from Support.host import run
from Support.programmed_google import Google
from Support.session import Host
from Support.session import connection as tenant

ID = "5b680f6fb1a43d860a7b23c1"
HASHES = {"hashes": ["aa"], "description": "x"}
CUSTOM = {"endpoint_ids": [ID], "scan_type": "custom_scan", "custom_scan_paths": ["c:\\x"]}
ITEMS = {"quarantine_item_ids": [ID]}
SERVICE = {"quarantine_item_service": "computers_and_virtual_machines"}
GROUP = {"group_ids": [ID], "parent_id": ID}
USERS = {"customer_id_or_domain_name": "example.com"}

#: command, other arguments, parameter, value of the schema, other spellings
SPELLINGS: list[tuple[str, dict[str, Any], str, str, list[Any]]] = [
    ("add_to_blocklist", HASHES, "hash_type", "sha256",
     ["SHA256 - 1", "sha256 - 1", "SHA256", "SHA-256", "1", 1, 1.0]),
    ("add_to_blocklist", HASHES, "hash_type", "md5", ["MD5 - 2", "MD5", "2", 2]),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "quick_scan",
     ["Quick Scan - 1", "quick scan - 1", "QUICK SCAN", "Quick Scan-1", "QuickScan", "1", 1]),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "memory_scan", ["Memory Scan - 3", 3]),
    ("create_scan_task", CUSTOM, "scan_type", "custom_scan", ["Custom Scan - 4", "CUSTOM SCAN", 4, "4"]),
    ("create_scan_task", CUSTOM, "custom_scan_depth", "aggressive", ["Aggressive - 1", "AGGRESSIVE", 1]),
    ("create_scan_task", CUSTOM, "custom_scan_depth", "permissive", ["Permissive - 3", 3]),
    ("list_endpoints", {}, "endpoint_type", "endpoints", ["Endpoints", "ENDPOINTS"]),
    ("list_endpoints", {}, "endpoint_type", "active_directory_endpoints", ["Active Directory Endpoints"]),
    ("list_endpoints", {"is_managed": True}, "endpoint_type", "endpoints", ["Endpoints"]),
    ("list_quarantine_items", {}, "quarantine_item_service", "computers_and_virtual_machines",
     ["Computers and Virtual Machines", "computers And virtual machines"]),
    ("list_quarantine_items", SERVICE, "action_status", "pending_remove", ["Pending remove - 1", "Pending Remove", 1]),
    ("list_quarantine_items", SERVICE, "action_status", "none", ["None - 0", "NONE", 0, "0"]),
    ("list_quarantine_items", {"quarantine_item_service": "Computers and Virtual Machines"}, "action_status",
     "failed_save", ["Failed save - 17", 17]),
    ("list_reports", {}, "report_type", "antiphishing_activity", ["Antiphishing Activity - 1", 1]),
    ("list_reports", {}, "report_type", "top_10_detected_malware", ["Top 10 Detected Malware - 19", 19]),
    ("list_scan_tasks", {}, "status", "finished", ["Finished - 3", "FINISHED", "3"]),
    ("list_scan_tasks", {}, "status", "in_progress", ["In Progress - 2", "in-progress"]),
    ("remove_quarantine_files", ITEMS, "quarantine_item_service", "security_for_exchange", ["Security for Exchange"]),
    ("update_groups", GROUP, "update_method", "move", ["Move", "MOVE"]),
    ("update_groups", {"group_ids": [ID], "force_delete": True}, "update_method", "delete", ["Delete", "DELETE"]),
    ("get_user_list", USERS, "type", "domain", ["Domain", "DOMAIN"]),
    ("get_user_list", {**USERS, "type": "customer"}, "sort_order", "ascending", ["Ascending"]),
    ("get_user_list", {**USERS, "type": "domain"}, "order_by", "family_name", ["Family Name", "familyName"]),
    ("list_technical_contexts", {}, "risk_level", "all", ["All", "ALL"]),
    ("list_technical_contexts", {}, "risk_level", "critical", ["Critical"]),
    # Not in the schema.
    ("update_target_scan_scope", {"target_id": 1}, "scope", "all", ["All", "ALL"]),
    ("update_target_scan_scope", {"target_id": 1}, "scope", "out", ["Out", "OUT"]),
]
CASES = [(command, others, name, value, spelling)
         for command, others, name, value, spellings in SPELLINGS for spelling in spellings]
each_spelling = pytest.mark.parametrize(
    "command, others, name, value, spelling", CASES, ids=[f"{case[0]} {case[4]!r}" for case in CASES])


@pytest.fixture(scope="module")
def host():
    with Google() as google, Host(
            control_center("http://127.0.0.1:9"), google.connection(), tenant("http://127.0.0.1:9")) as host:
        host.owners = {
            command["id"]: (integration["id"], connection)
            for integration in host.call("capabilities", {"detail": "summary"})["integrations"]
            for connection in [{"bitdefender_gravityzone": "main", "gmail": "other1"}.get(integration["id"], "other2")]
            for command in integration["commands"]}
        yield host


def answer(host, command, arguments):
    integration, connection = host.owners[command]
    return host.wait(host.request("invoke", {
        "integration": integration, "command": command, "connection": connection, "arguments": arguments,
        "options": {"dry_run": True}}))[0]


def requests(host, command, arguments):
    message = answer(host, command, arguments)
    assert "result" in message, message
    return [without_id(request) for request in message["result"]["requests"]]


def without_id(request):
    """The id of each JSON-RPC request of GravityZone differs."""
    if isinstance(request.get("body"), dict):
        request["body"].pop("id", None)
    return request


@each_spelling
def test_a_documented_spelling_sends_the_same_request(host, command, others, name, value, spelling):
    expected = requests(host, command, {**others, name: value})
    assert requests(host, command, {**others, name: spelling}) == expected


@pytest.mark.parametrize("command, others, name, value, suggestion", [
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "quik_scan", "quick_scan"),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "Quick Scam - 1", "quick_scan"),
    # The number of another value.
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "Quick Scan - 4", "quick_scan"),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", 5, None),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", 1.5, None),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", True, None),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "", None),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", " - ", None),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "quick_scan ", "quick_scan"),
    ("create_scan_task", {"endpoint_ids": [ID]}, "scan_type", "quick_scan,", "quick_scan"),
    ("list_endpoints", {}, "endpoint_type", "Endpoints - 1", "endpoints"),
    ("list_endpoints", {}, "endpoint_type", 1, None),
    ("add_to_blocklist", HASHES, "hash_type", "SHA1", None),
    ("update_target_scan_scope", {"target_id": 1}, "scope", "both", None),
])
def test_other_values_are_refused_with_the_values_of_the_schema(host, command, others, name, value, suggestion):
    error = answer(host, command, {**others, name: value})["error"]
    assert error["code"] == -32602
    (problem,) = error["data"]["problems"]
    assert problem["path"] == f"/arguments/{name}" and "expected one of: " in problem["message"]
    if suggestion:
        assert problem["did_you_mean"] == suggestion


@pytest.mark.parametrize("arguments, path", [
    ({"endpoint_ids": [ID], "scan_type": "Custom Scan - 4"}, "/arguments/custom_scan_paths"),
    ({"endpoint_ids": [ID], "scan_type": 2, "custom_scan_depth": "Normal - 2"}, "/arguments/custom_scan_depth"),
    ({"endpoint_ids": [ID], "scan_type": "Full Scan", "custom_scan_paths": ["x"]}, "/arguments/custom_scan_paths"),
])
def test_rules_between_parameters_know_the_spellings(host, arguments, path):
    problems = answer(host, "create_scan_task", arguments)["error"]["data"]["problems"]
    assert [problem["path"] for problem in problems] == [path]


def test_rules_know_the_spellings_of_the_values_that_they_restrict(host):
    problems = answer(host, "list_quarantine_items", {
        "quarantine_item_service": "Security for Exchange", "action_status": "Pending save - 16"})["error"]["data"]
    assert [problem["path"] for problem in problems["problems"]] == ["/arguments/action_status"]


def test_the_default_is_allowed_in_any_spelling(host):
    assert requests(host, "create_scan_task", {"endpoint_ids": [ID], "custom_scan_depth": "Aggressive - 1"})


def test_the_schema_lists_only_its_own_values(host):
    (integration,) = host.call("capabilities", {
        "integration": "bitdefender_gravityzone", "command": "create_scan_task"})["integrations"]
    shown = integration["commands"][0]["parameters"]["properties"]["scan_type"]
    assert shown["type"] == "string"
    assert shown["enum"] == ["quick_scan", "full_scan", "memory_scan", "custom_scan"]


def test_members_of_a_filter_and_settings_take_them_too(host):
    def url(filter, **settings):
        connection = tenant("http://127.0.0.1:9", settings=settings)
        message = host.wait(host.request("invoke", {
            "integration": "coda_footprint", "command": "list_devices", "connection": connection,
            "arguments": {"filter": filter}, "options": {"dry_run": True}}))[0]
        return message["result"]["requests"][0]["url"]

    plain = {"riskLevel": "nonvisible", "sortColumn": "lastScanned", "source": "agentless"}
    assert url({"riskLevel": "Nonvisible", "sortColumn": "Last Scanned", "source": "AgentLess"}) == url(plain)
    assert url({"riskLevel": "NonVisible"}, api_profile="Current") == url(
        {"riskLevel": "nonvisible"}, api_profile="current")


def test_the_vendor_receives_the_value_of_the_schema(tmp_path):
    arguments = {"endpoint_ids": [ID], "scan_type": "Memory Scan - 3"}
    call = {"integration": "bitdefender_gravityzone", "command": "create_scan_task", "arguments": arguments}
    with ControlCenter() as center:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {"main": center.connection()}}))
        connections = ("--connections", str(file))
        ended = run("call", "bitdefender_gravityzone", "create_scan_task", *connections, "--endpoint_ids", ID,
                    "--scan_type", "Memory Scan - 3")
        assert ended.code == 0, ended.errors
        assert run("call", "bitdefender_gravityzone", "create_scan_task", *connections, "--endpoint_ids", ID,
                   "--scan_type", "3").code == 0
        batch = tmp_path / "batch.jsonl"
        batch.write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "invoke", "params": call}) + "\n")
        assert run("run", str(batch), *connections).code == 0
        assert [params["type"] for _, _, params in center.calls] == [3, 3, 3]


def test_tools_of_agents_take_them(tmp_path):
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "bitdefender_gravityzone__create_scan_task",
            "arguments": {"endpoint_ids": [ID], "scan_type": "Memory Scan - 3"}}}]
    with ControlCenter() as center:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {"main": center.connection()}}))
        ended = run("serve", "--connections", str(file), input=messages)
        assert ended.answers[-1]["result"].get("isError") in (None, False), ended.text
        assert [params["type"] for _, _, params in center.calls] == [3]
