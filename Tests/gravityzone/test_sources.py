"""`x-source`: the arguments with which another command returns valid values, followed against the emulated vendor."""

import json

import pytest
from Support.host import run
from Support.sandbox import Sandbox
from Support.session import Host

ALL = {"filters": "depth.allItemsRecursively:True"}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        sandbox.faults("gravityzone: no rate limits")
        yield sandbox


@pytest.fixture(scope="module")
def host(sandbox):
    limits = {name: {"requests": 100_000, "per_seconds": 1} for name in ("default", "tasks", "blocklist")}
    with Host({**sandbox.gravityzone, "rate_limits": limits}) as host:
        yield host


@pytest.fixture(scope="module")
def sources(host):
    """The sources of a parameter: `sources("move_endpoints", "group_id")`."""
    (integration,) = host.call("capabilities", {"integration": "bitdefender_gravityzone"})["integrations"]
    commands = {command["id"]: command["parameters"]["properties"] for command in integration["commands"]}
    return lambda command, parameter: commands[command][parameter]["x-source"]


def values(host, source, **more):
    """What a source returns: `with` are its arguments, `more` those that it requires without a value."""
    assert set(source.get("required", [])) <= set(more)
    document = host.result(source["command"], {**source.get("with", {}), **more})["raw_data"]
    ended = run("jsonpath", source["path"], input=json.dumps(document).encode())
    assert ended.code == 0, ended.errors
    return json.loads(ended.text)


def test_every_source_is_a_valid_call(host, sources):
    (integration,) = host.call("capabilities", {"integration": "bitdefender_gravityzone"})["integrations"]
    shown = [source for command in integration["commands"]
             for parameter in command["parameters"]["properties"].values() for source in parameter.get("x-source", [])]
    assert sum("with" in source for source in shown) == 3 and sum("required" in source for source in shown) == 4
    commands = {command["id"]: command["parameters"]["properties"] for command in integration["commands"]}
    for source in shown:
        parameters = commands[source["command"]]
        assert set(source.get("required", [])) <= set(parameters)
        for name, value in source.get("with", {}).items():
            assert value in parameters[name]["enum"]


def test_a_company_or_group_comes_from_the_directory(host, sources):
    source = sources("list_endpoints", "company_or_group_id")[0]
    assert source == {"command": "list_endpoints", "path": "$.result.items[*].id",
                      "with": {"endpoint_type": "active_directory_endpoints"}}
    containers = values(host, source)
    listed = [host.answer("list_endpoints", {"endpoint_type": "endpoints", "company_or_group_id": id})
              for id in containers]
    assert any("result" in message for message in listed)


def test_mac_addresses_have_a_path_for_each_type_of_endpoint(host, sources):
    plain, directory = sources("create_scan_task", "mac_addresses")
    assert plain["with"] == {"endpoint_type": "endpoints"} and plain["path"].endswith(".items[*].macs[*]")
    assert directory["with"] == {"endpoint_type": "active_directory_endpoints"}
    assert values(host, plain, **ALL) and values(host, directory, **ALL)
    # The path of one type finds nothing in the other.
    assert values(host, {**plain, "with": directory["with"]}, **ALL) == []


@pytest.mark.parametrize("command, parameter", [
    ("move_endpoints", "group_id"), ("update_groups", "group_ids"), ("update_groups", "parent_id"),
    ("create_group", "parent_id")])
def test_custom_groups_come_from_list_groups_with_a_parent(command, parameter, sources):
    assert sources(command, parameter) == [
        {"command": "list_groups", "path": "$.result[*].id", "required": ["parent_id"]}]


def test_without_a_parent_list_groups_returns_groups_that_are_refused(host, sandbox):
    system = values(host, {"command": "list_groups", "path": "$.result[*].id"})
    assert host.failure("update_groups", {"group_ids": system[:1], "update_method": "delete"})["status_code"] == 400
    custom = host.result("create_group", {"group_name": "Below"})["raw_data"]["result"]
    parents = [group for group in system if custom in values(
        host, {"command": "list_groups", "path": "$.result[*].id", "required": ["parent_id"]}, parent_id=group)]
    assert len(parents) == 1
    deleted = host.result("update_groups", {"group_ids": [custom], "update_method": "delete"})
    assert deleted["return_data"] == "Successful"


def test_help_and_tools_name_the_arguments_of_a_source(sandbox):
    shown = " ".join(run("capabilities", "bitdefender_gravityzone", "create_scan_task").text.split())
    assert "Source: list_endpoints with endpoint_type endpoints at $.result.items[*].macs[*]." in shown
    shown = " ".join(run("capabilities", "bitdefender_gravityzone", "move_endpoints").text.split())
    assert "Source: list_groups with a parent_id at $.result[*].id." in shown
    ended = run("serve", "--sandbox", input=[
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}])
    assert "__list_groups with a parent_id at $.result[*].id." in ended.text
