"""What agents are offered: names, schemas, connections, pages, prompts."""

import json
import re

import jsonschema
import pytest
from Support.control_center import connection as gravityzone
from Support.mcp_client import REVISIONS, STATELESS, STRUCTURED, structure, text
from Support.session import connection as coda

NOWHERE = "http://127.0.0.1:9"
SECRETS = {"Correct-Horse-7", "ab12cd34ef56ab12cd34ef56ab12cd34"}
COMPACT = ["sallyport__find_commands", "sallyport__describe_command", "sallyport__run_command"]
FORBIDDEN_AT_THE_TOP = {"oneOf", "anyOf", "allOf", "not", "enum"}


def capabilities(client):
    return {
        f"{integration['id']}__{command['id']}": command
        for integration in client.result("capabilities")["integrations"]
        for command in integration["commands"]}


#: The changes that overwrite nothing and take nothing away.
ADDING = {
    "bitdefender_gravityzone__create_group", "bitdefender_gravityzone__add_to_blocklist",
    "bitdefender_gravityzone__create_scan_task", "coda_footprint__patch_rescan",
    "gmail__send_email", "gmail__create_user"}


def test_every_command_is_a_tool(start, revision):
    client = start(revision)
    tools, commands = client.tools(), capabilities(client)
    assert set(tools) == set(commands)
    for name, tool in tools.items():
        assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", name)
        assert commands[name]["description"] in tool["description"]
        assert ("title" in tool and "outputSchema" in tool) == (revision in STRUCTURED)
        if revision == "2024-11-05":
            assert "annotations" not in tool
            continue
        effect = commands[name]["effect"]
        hints = tool["annotations"]
        assert hints["readOnlyHint"] == (effect == "read")
        assert hints["destructiveHint"] == (effect != "read" and name not in ADDING)
        assert hints["idempotentHint"] == commands[name]["idempotent"]
        assert hints["openWorldHint"] is True


def test_schemas_are_those_that_strict_providers_take(start):
    client = start("2025-11-25")
    commands = capabilities(client)
    for name, tool in client.tools().items():
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object" and not FORBIDDEN_AT_THE_TOP & set(schema), name
            assert "$ref" not in json.dumps(schema)
        own = tool["inputSchema"]
        assert own["additionalProperties"] is False
        assert set(own["properties"]) - {"connection"} == set(commands[name]["parameters"].get("properties", {}))
        assert set(own.get("required", [])) <= set(own["properties"])
        for property in own["properties"].values():
            for example in [*property.get("examples", []), *([property["default"]] if "default" in property else [])]:
                jsonschema.validate(example, property, jsonschema.Draft202012Validator)


def test_names_in_descriptions_are_those_of_tools(start):
    tools = start("2025-11-25").tools()
    named = re.findall(r"\b(?:gmail|coda_footprint|bitdefender_gravityzone)__\w+", json.dumps(list(tools.values())))
    assert named and set(named) <= set(tools)


def test_no_list_has_a_setting_or_a_secret(start, revision):
    client = start(revision, main=coda(NOWHERE), zone=gravityzone(NOWHERE))
    everything = json.dumps([client.tools(), client.result("prompts/list"), client.result("resources/list")])
    for word in SECRETS | {"server_url", "api_key", "user_name", "operator@example.com", NOWHERE}:
        assert word not in everything


@pytest.mark.parametrize("per_page", [1, 7, 53, 200])
def test_pages_hold_every_tool_once(start, revision, per_page):
    client = start(revision, "--tools-per-page", str(per_page))
    whole = list(start(revision).tools())
    pages = list(client.pages("tools/list", "tools"))
    assert [tool["name"] for page in pages for tool in page] == whole
    assert [len(page) for page in pages[:-1]] == [per_page] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= per_page


@pytest.mark.parametrize("cursor", ["nobody", "", "gmail__", 7, {}, True, "eyJhIjoxfQ=="])
@pytest.mark.parametrize("method", ["tools/list", "prompts/list", "resources/list", "resources/templates/list"])
def test_foreign_cursors_are_refused(start, method, cursor):
    client = start("2025-11-25", "--tools-per-page", "7")
    assert client.error(method, {"cursor": cursor})["code"] == -32602


def test_connections_are_named_where_there_is_a_choice(start, revision):
    off = coda(NOWHERE, active=False)
    one = start(revision, main=coda(NOWHERE), off=off).tools()
    assert all("connection" not in tool["inputSchema"]["properties"] for tool in one.values())
    two = start(
        revision, main=coda(NOWHERE), other=coda(NOWHERE), off=off, zone=gravityzone(NOWHERE)).tools()
    for name, tool in two.items():
        properties = tool["inputSchema"]["properties"]
        if name.startswith("coda_footprint__"):
            assert properties["connection"]["enum"] == ["main", "other"]
            assert "connection" in tool["inputSchema"]["required"]
        else:
            assert "connection" not in properties
    assert not any(name.startswith("gmail__") for name in two)


def test_only_connections_whose_policy_allows_it_are_named(start):
    reader = coda(NOWHERE, policy={"read_only": True})
    tools = start("2025-11-25", main=coda(NOWHERE), reader=reader).tools()
    named = {name: tool["inputSchema"]["properties"]["connection"]["enum"] for name, tool in tools.items()}
    assert named["coda_footprint__patch_rescan"] == ["main"]
    assert named["coda_footprint__list_tenants"] == ["main", "reader"]


def test_denied_commands_are_not_listed(start, revision):
    denied = coda(NOWHERE, policy={"allow": ["list_*", "patch_rescan"], "deny": ["list_tenants"]})
    client = start(revision, main=denied)
    tools = client.tools()
    assert "coda_footprint__list_devices" in tools and "coda_footprint__patch_rescan" in tools
    assert not {"coda_footprint__list_tenants", "coda_footprint__update_target_scan_scope"} & set(tools)
    # A call by name is refused with the reason.
    failure = client.failure("coda_footprint__list_tenants")
    assert "deny" in text(failure) or "policy" in text(failure)


def test_read_only_lists_reading_commands(start, revision):
    client = start(revision, "--read-only")
    commands = capabilities(client)
    assert set(client.tools()) == {name for name in commands if commands[name]["effect"] == "read"}
    failure = client.failure("coda_footprint__patch_rescan", {})
    assert "--read-only" in text(failure)


def test_globs_choose_tools(start):
    client = start("2025-11-25", "--tools", "gmail__*_label*,*__list_tenants", "--tools", "*__test_connection")
    assert set(client.tools()) == {
        "coda_footprint__list_tenants", "gmail__list_labels", "gmail__label_emails",
        "coda_footprint__test_connection", "gmail__test_connection",
        "bitdefender_gravityzone__test_connection"} & set(client.tools())
    assert {"coda_footprint__list_tenants", "gmail__list_labels"} <= set(client.tools())
    assert client.error("tools/call", client.call_params("coda_footprint__list_devices"))["code"] == -32602


# The compact catalogue

@pytest.fixture
def compact(start, revision):
    return start(revision, "--catalogue", "compact")


def test_the_compact_catalogue_is_three_tools(compact):
    tools = compact.tools()
    assert list(tools) == COMPACT
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
    assert len(json.dumps(list(tools.values()))) < 5_000
    assert compact.error("tools/list", {"cursor": "x"})["code"] == -32602


def found(client, query=None):
    result = client.call(COMPACT[0], {} if query is None else {"query": query})
    commands = json.loads(text(result))["commands"]
    assert result.get("structuredContent", {"commands": commands}) == {"commands": commands}
    return [command["name"] for command in commands]


def test_commands_are_found_described_and_run(compact):
    everything = found(compact)
    assert len(everything) > 50 and found(compact, "") == everything
    assert found(compact, "isolate") == ["bitdefender_gravityzone__isolate_endpoints"]
    assert found(compact, "no such words at all") == []
    described = json.loads(text(compact.call(COMPACT[1], {"command": "coda_footprint__list_tenants"})))
    assert described["name"] == "coda_footprint__list_tenants" and "inputSchema" in described
    result = compact.call(COMPACT[2], {"command": "coda_footprint__list_tenants"})
    assert structure(result)["raw_data"][0]["name"] == "Acme Manufacturing"


def test_limits_of_the_compact_tools_are_described(compact):
    failure = compact.failure(COMPACT[1], {"command": "coda_footprint__list_tenant"})
    assert "coda_footprint__list_tenants" in text(failure)
    failure = compact.failure(COMPACT[2], {"command": "coda_footprint__list_tenant"})
    assert 'Did you mean "coda_footprint__list_tenants"?' in text(failure)
    for arguments in (
        {}, {"command": 5}, {"command": "coda_footprint__list_tenants", "arguments": []},
        {"command": "coda_footprint__list_devices", "page": 2}):
        assert text(compact.failure(COMPACT[2], arguments))
    failure = compact.failure(
        COMPACT[2], {"command": "coda_footprint__list_devices", "arguments": {"pag": 1}})
    assert "page" in text(failure)


@pytest.mark.parametrize(("tool", "arguments", "word"), [
    (COMPACT[0], {"query": 5}, "query"), (COMPACT[0], {"words": "isolate"}, "words"),
    (COMPACT[1], {}, "command"), (COMPACT[1], {"command": None}, "command"),
])
def test_arguments_of_the_compact_tools_are_checked(compact, tool, arguments, word):
    assert word in text(compact.failure(tool, arguments))


def test_compact_catalogue_respects_globs_and_read_only(start):
    client = start("2025-11-25", "--catalogue", "compact", "--read-only", "--tools", "coda_footprint__*")
    names = found(client)
    assert "coda_footprint__list_tenants" in names and "coda_footprint__patch_rescan" not in names
    assert all(name.startswith("coda_footprint__") for name in names)


# Prompts

def test_prompts_are_listed_and_written(start, revision):
    client = start(revision)
    prompts = {prompt["name"]: prompt for prompt in client.result("prompts/list")["prompts"]}
    assert set(prompts) == {"triage_phishing_mail", "isolate_host", "weekly_report"}
    for name, prompt in prompts.items():
        arguments = {argument["name"]: f"<{argument['name']}>" for argument in prompt["arguments"]}
        written = client.result("prompts/get", {"name": name, "arguments": arguments})
        (message,) = written["messages"]
        assert message["role"] == "user" and all(v in message["content"]["text"] for v in arguments.values())
        named = re.findall(r"\b\w+?__\w+", message["content"]["text"])
        assert named and set(named) <= set(client.tools())


def test_prompts_of_the_compact_catalogue_tell_how_commands_are_run(compact):
    params = {"name": "isolate_host", "arguments": {"host": "PC1"}}
    message = compact.result("prompts/get", params)["messages"][0]
    assert message["content"]["text"].endswith(f"\nRun these commands with {COMPACT[2]}.")


def test_optional_arguments_of_prompts_may_be_left_out(start):
    client = start("2025-11-25")
    for arguments in ({}, {"days": ""}, {"days": None}):
        written = client.result("prompts/get", {"name": "weekly_report", "arguments": arguments})
        assert "7 days" in written["messages"][0]["content"]["text"]
    assert client.result("prompts/get", {"name": "weekly_report"})


@pytest.mark.parametrize(("params", "word"), [
    ({"name": "isolate_host"}, "host"), ({"name": "isolate_host", "arguments": {"host": ""}}, "host"),
    ({"name": "isolate_host", "arguments": {"host": 5}}, "string"),
    ({"name": "isolate_host", "arguments": []}, "object"), ({"name": "isolate_hst"}, "isolate_hst"),
    ({"name": 5}, "name"), ({}, "name"), ({"name": "isolate_host", "arguments": {"host": "a", "resaon": "b"}}, "resaon"),
], ids=json.dumps)
def test_invalid_prompt_request_is_explained(start, params, word):
    error = start("2025-11-25").error("prompts/get", params)
    assert error["code"] == -32602 and word in error["message"]


def test_prompts_are_those_whose_tools_are_there(start):
    client = start("2025-11-25", main=coda(NOWHERE))
    assert [prompt["name"] for prompt in client.result("prompts/list")["prompts"]] == ["weekly_report"]
    message = client.result("prompts/get", {"name": "weekly_report"})["messages"][0]
    assert "gravityzone" not in message["content"]["text"]
    assert client.error("prompts/get", {"name": "isolate_host", "arguments": {"host": "a"}})["code"] == -32602
    assert start("2025-11-25", "--read-only").error(
        "prompts/get", {"name": "isolate_host", "arguments": {"host": "a"}})["code"] == -32602


def test_lists_of_the_stateless_revision_say_how_long_they_hold(start):
    client = start(STATELESS)
    for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        result = client.result(method)
        assert result["resultType"] == "complete"
        assert result["cacheScope"] == ("public" if "templates" in method else "private")
        assert (result["ttlMs"] == 0) == (method == "resources/list")


def test_older_revisions_get_nothing_of_it(start):
    for revision in REVISIONS[:-1]:
        assert not {"resultType", "ttlMs", "cacheScope", "_meta"} & set(start(revision).result("tools/list"))


def test_a_search_of_any_length_is_answered_at_once(start):
    client = start("2025-11-25", "--catalogue", "compact")
    result = client.failure(COMPACT[0], {"query": "e " * 100_000})
    assert "query must have at most 200 bytes." in text(result)
