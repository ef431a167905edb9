"""The methods, their params, and what is said of faults in them."""

from __future__ import annotations

import json

import pytest
from Support.host import eventually, Host, invoke, request, run

CODA = "coda_footprint"

COMMANDS = [
    "test_connection", "list_tenants", "list_technical_contexts", "get_technical_context", "list_devices",
    "list_device_attack_avenues", "list_device_network_connections", "list_device_users",
    "list_device_vulnerabilities", "list_scanners", "list_scan_surfaces", "list_current_targets_ports",
    "update_target_scan_scope", "patch_rescan",
]


def call(params, *, host: Host):
    return host.ask(request("call", "invoke", params))


# capabilities

def test_capabilities_tell_everything_of_every_command():
    with Host() as host:
        result = host.result("capabilities")
    assert result["protocol_version"] == "1"
    assert result["host"]["name"] == "sallyport" and result["host"]["version"]
    (coda,) = (one for one in result["integrations"] if one["id"] == CODA)
    assert {"title", "description", "category"} <= set(coda)
    assert coda["connection"]["schema"]["properties"]["password"]["writeOnly"] is True
    assert sorted(command["id"] for command in coda["commands"]) == sorted(COMMANDS)
    for command in coda["commands"]:
        assert {
            "id", "title", "description", "parameters", "result", "effect", "idempotent",
            "partial_success", "pages", "permissions"} <= set(command), command["id"]
        assert command["effect"] in ("read", "write", "destructive")
        assert command["parameters"]["additionalProperties"] is False
        for name, parameter in command["parameters"]["properties"].items():
            assert parameter["title"] and parameter["description"], (command["id"], name)
        if command["effect"] != "read":
            assert command["read_back"] in COMMANDS


def test_every_source_of_a_value_is_a_command_that_exists():
    with Host() as host:
        (coda,) = host.result("capabilities", {"integration": CODA})["integrations"]
    sources = [
        source for command in coda["commands"]
        for parameter in command["parameters"]["properties"].values()
        for source in parameter.get("x-source", [])]
    assert sources
    assert all(source["command"] in COMMANDS and source["path"].startswith("$") for source in sources)


def test_a_summary_leaves_the_schemas_out():
    with Host() as host:
        full, summary = (host.result("capabilities", {"detail": detail}) for detail in ("full", "summary"))
    assert [one["id"] for one in summary["integrations"]] == [one["id"] for one in full["integrations"]]
    for integration in summary["integrations"]:
        assert "connection" not in integration
        for command in integration["commands"]:
            assert set(command) == {"id", "title", "description", "effect"}


def test_capabilities_can_be_asked_of_one_integration_or_command():
    with Host() as host:
        (coda,) = host.result("capabilities", {"integration": CODA})["integrations"]
        assert len(coda["commands"]) == len(COMMANDS)
        (coda,) = host.result("capabilities", {"integration": CODA, "command": "list_devices"})["integrations"]
        assert [command["id"] for command in coda["commands"]] == ["list_devices"]
        (coda,) = host.result(
            "capabilities", {"integration": CODA, "command": "list_devices", "detail": "summary"})["integrations"]
        assert [set(command) for command in coda["commands"]] == [{"id", "title", "description", "effect"}]


def test_hash_of_the_catalogue_is_the_same_for_every_query_and_process():
    hashes = set()
    for arguments in ((), ("--sandbox",), ("--read-only",)):
        with Host(*arguments) as host:
            for params in (None, {}, {"detail": "summary"}, {"integration": CODA},
                           {"integration": CODA, "command": "list_devices", "detail": "summary"}):
                hashes.add(host.result("capabilities", params)["hash"])
    (hash,) = hashes
    assert hash.startswith("sha256:") and len(hash) == 7 + 64


# Small methods

def test_ping_answers_with_an_empty_object():
    with Host() as host:
        for params in (None, {}, []):
            assert host.result("ping", params) == {}


def test_limits_name_the_limits_of_the_host_and_of_connections(sandbox):
    with Host("--connections", sandbox.file, "--max-in-flight", "5", "--max-line-bytes", "1000") as host:
        host.result("connections/put", {"name": "limited", "connection": sandbox.connection | {
            "rate_limits": {"default": {"requests": 10, "per_seconds": 1}}}})
        host.ask(invoke(1, "list_tenants", connection="limited"))
        # A request counts as in flight until its response is written.
        eventually(lambda: host.result("stats")["in_flight"] == 0, "the answer has been counted")
        limits = host.result("limits")
    assert limits["host"]["max_in_flight"] == 5 and limits["host"]["in_flight"] == 0
    assert limits["host"]["max_line_bytes"] == 1000 and limits["host"]["max_depth"] == 512
    assert set(limits["connections"]) == {"coda_sandbox", "limited"}


def test_stats_count_requests_in_flight(vendor):
    with Host() as host:
        host.send(invoke(1, "list_tenants", connection=vendor.connection))
        vendor.wait_for(1)
        assert host.result("stats")["in_flight"] == 1
        vendor.open()
        host.read()
        eventually(lambda: host.result("stats")["in_flight"] == 0, "the answer has been counted")


@pytest.mark.parametrize("method", ["ping", "stats", "limits", "shutdown", "connections/list"])
@pytest.mark.parametrize("params", [{"a": 1}, [1]])
def test_methods_without_params_refuse_params(method, params):
    with Host() as host:
        error = host.error(method, params)
        assert error["code"] == -32602
        # In particular no shutdown.
        assert host.result("ping") == {}


@pytest.mark.parametrize(("method", "meant"), [
    ("pong", "ping"), ("invok", "invoke"), ("Capabilities", "capabilities"), ("connection/list", "connections/list"),
    ("conections/put", "connections/put"), ("xyzzy", None), ("", None),
])
def test_an_unknown_method_is_answered_with_the_one_that_was_probably_meant(method, meant):
    with Host() as host:
        error = host.error(method)
    assert error["code"] == -32601
    assert error["data"].get("did_you_mean") == meant


def test_the_name_of_an_unknown_method_is_not_echoed_at_length():
    with Host() as host:
        assert len(json.dumps(host.error("x" * 100_000))) < 2_000


# Faults in an invoke

FAULTS = [
    # what it is, the params, [(path, did_you_mean)]
    ("no params", None, [("", None)]),
    ("params by position", [CODA, "list_devices"], [("", None)]),
    ("nothing in them", {}, [("/integration", None)]),
    ("an unknown integration", {"integration": "coda_footprnt", "command": "list_devices"},
     [("/integration", CODA)]),
    ("an integration that is no string", {"integration": 7, "command": "list_devices"}, [("/integration", None)]),
    ("no command", {"integration": CODA}, [("/command", None)]),
    ("an unknown command", {"integration": CODA, "command": "list_device"}, [("/command", "list_devices")]),
    ("an unknown member", {"integration": CODA, "command": "list_devices", "argument": {}},
     [("/argument", "arguments")]),
    ("an unknown connection", {"integration": CODA, "command": "list_devices", "connection": "coda_sandbx"},
     [("/connection", "coda_sandbox")]),
    ("a connection that is a number", {"integration": CODA, "command": "list_devices", "connection": 1},
     [("/connection", None)]),
    ("arguments by position", {"integration": CODA, "command": "list_devices", "arguments": [1]},
     [("/arguments", None)]),
    ("a missing argument", {"integration": CODA, "command": "get_technical_context"},
     [("/arguments/context_id", None)]),
    ("a required argument that is null",
     {"integration": CODA, "command": "get_technical_context", "arguments": {"context_id": None}},
     [("/arguments/context_id", None)]),
    ("an unknown argument", {"integration": CODA, "command": "list_devices", "arguments": {"pge": 1}},
     [("/arguments/pge", "page")]),
    ("an argument of a command that takes none",
     {"integration": CODA, "command": "list_tenants", "arguments": {"page": 1}}, [("/arguments/page", None)]),
    ("a choice that does not exist",
     {"integration": CODA, "command": "list_technical_contexts", "arguments": {"risk_level": "criticl"}},
     [("/arguments/risk_level", "critical")]),
    ("many at once", {
        "integration": CODA, "command": "list_devices",
        "arguments": {"page": 0, "footprint_tenant_id": "x", "tenant": 1, "filter": {
            "pageSize": 0, "risklevel": "all", "scope": "extern", "sortColumn": 1, "showDevicesWithNoApps": "yes"}}},
     [("/arguments/page", None), ("/arguments/footprint_tenant_id", None), ("/arguments/tenant", None),
      ("/arguments/filter/pageSize", None), ("/arguments/filter/risklevel", "riskLevel"),
      ("/arguments/filter/scope", "external"), ("/arguments/filter/sortColumn", None),
      ("/arguments/filter/showDevicesWithNoApps", None)]),
    ("an argument whose name needs escapes in a pointer",
     {"integration": CODA, "command": "list_devices", "arguments": {"a/b~c": 1}}, [("/arguments/a~1b~0c", None)]),
    ("unknown and wrong options", {
        "integration": CODA, "command": "list_devices",
        "options": {"dryrun": True, "timeout_ms": 0, "stream": 1, "idempotency_key": ""}},
     [("/options/dryrun", "dry_run"), ("/options/timeout_ms", None), ("/options/stream", None),
      ("/options/idempotency_key", None)]),
]


@pytest.mark.parametrize(("params", "places"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_all_problems_are_reported_at_once_with_path_and_suggestion(params, places):
    with Host("--sandbox") as host:
        error = host.error("invoke", params)
    assert error["code"] == -32602
    data = error["data"]
    assert (data["return_data"], data["status_code"], data["kind"]) == ("Failed", 400, "validation")
    assert (data["retryable"], data["outcome"]) == (False, "not_applied")
    assert data["failure_indicator"] == error["message"]
    assert data["message"] == data["message"].strip() and data["message"].endswith((".", "?"))
    found = [(problem["path"], problem.get("did_you_mean")) for problem in data["problems"]]
    assert sorted(found, key=str) == sorted(places, key=str)
    assert all(problem["message"] for problem in data["problems"])


@pytest.mark.parametrize(("arguments", "sentence"), [
    ({"context_id": "x"}, "The value for parameter (Context ID) is invalid."),
    ({}, "The value for parameter (Context ID) is required."),
    ({"context_id": 1, "footprint_tenant_id": -1, "nothing": 1},
     "The value for parameter (Footprint Tenant ID) is invalid. The parameter (nothing) is unknown."),
])
def test_a_bad_argument_is_named_by_its_documented_title(arguments, sentence):
    with Host("--sandbox") as host:
        error = host.error("invoke", invoke(0, "get_technical_context", arguments)["params"])
    assert (error["message"], error["data"]["message"]) == ("Get Technical Context failed.", sentence)


# Results

@pytest.mark.parametrize("identifier", [301, "301", "0301", 301.0])
def test_an_identifier_may_be_a_string_of_digits(identifier):
    with Host("--sandbox") as host:
        result = host.ask(invoke(1, "get_technical_context", {"context_id": identifier}))["result"]
    assert result["return_data"] == "Successful" and result["raw_data"]["id"] == 301


def test_a_failed_command_is_an_error_with_the_triple_of_the_documents():
    with Host("--sandbox") as host:
        error = host.ask(invoke(1, "get_technical_context", {"context_id": 999_999}))["error"]
    assert (error["code"], error["message"]) == (-32000, "Get Technical Context failed.")
    data = error["data"]
    assert (data["return_data"], data["failure_indicator"]) == ("Failed", "Get Technical Context failed.")
    assert (data["status_code"], data["message"], data["kind"]) == (404, "Not Found.", "not_found")
    assert (data["retryable"], data["outcome"]) == (False, "not_applied")


def test_result_reports_requests_and_durations():
    with Host("--sandbox") as host:
        meta = host.ask(invoke(1, "list_devices", all_pages=True))["result"]["meta"]
    assert meta["pages"] == 3 and meta["requests"] == 3 and meta["retries"] == 0
    assert {"duration_ms", "waited_ms"} <= set(meta)


def test_a_connection_may_be_left_out_where_only_one_is_active(sandbox):
    with Host("--connections", sandbox.file) as host:
        assert "result" in host.ask(invoke(1, "list_tenants"))
        host.result("connections/put", {"name": "second", "connection": sandbox.connection})
        error = host.ask(invoke(2, "list_tenants"))["error"]
        assert error["code"] == -32602 and error["data"]["problems"][0]["path"] == "/connection"
        assert "coda_sandbox" in error["data"]["message"] and "second" in error["data"]["message"]
        host.result("connections/put", {"name": "second", "connection": sandbox.connection | {"active": False}})
        assert "result" in host.ask(invoke(3, "list_tenants"))
        host.result("connections/remove", {"name": "coda_sandbox"})
        error = host.ask(invoke(4, "list_tenants"))["error"]
        assert error["code"] == -32602 and error["data"]["problems"][0]["path"] == "/connection"


def test_an_inactive_connection_is_refused(sandbox):
    with Host("--connections", sandbox.file) as host:
        host.result("connections/put", {"name": "off", "connection": sandbox.connection | {"active": False}})
        error = host.ask(invoke(1, "list_tenants", connection="off"))["error"]
        assert (error["code"], error["data"]["kind"], error["data"]["status_code"]) == (-32000, "policy", 403)
        inline = sandbox.connection | {"active": False}
        assert host.ask(invoke(1, "list_tenants", connection=inline))["error"]["data"]["kind"] == "policy"
    assert sandbox.log() == []


POLICIES = [
    # policy, allowed, refused
    ({"read_only": True}, ["list_tenants", "get_technical_context"], ["patch_rescan", "update_target_scan_scope"]),
    ({"allow": ["list_*"]}, ["list_tenants", "list_devices"], ["get_technical_context", "patch_rescan"]),
    ({"allow": []}, [], ["list_tenants", "patch_rescan"]),
    ({"deny": ["patch_*", "get_technical_contex?"]}, ["list_tenants"], ["patch_rescan", "get_technical_context"]),
    ({"allow": ["*"], "deny": ["list_tenants"]}, ["list_devices", "patch_rescan"], ["list_tenants"]),
    ({"read_only": True, "allow": ["patch_rescan"]}, [], ["patch_rescan", "list_tenants"]),
    ({}, ["list_tenants", "patch_rescan"], []),
]
ARGUMENTS = {
    "get_technical_context": {"context_id": 301}, "update_target_scan_scope": {"target_id": 7001, "scope": "out"}}


@pytest.mark.parametrize(("policy", "allowed", "refused"), POLICIES, ids=[json.dumps(row[0]) for row in POLICIES])
def test_the_policy_of_a_connection_decides_which_commands_run(policy, allowed, refused, sandbox):
    with Host("--connections", sandbox.file) as host:
        host.result("connections/put", {"name": "p", "connection": sandbox.connection | {"policy": policy}})
        for dry_run in (False, True):
            for command in allowed:
                assert "result" in host.ask(
                    invoke(1, command, ARGUMENTS.get(command), connection="p", dry_run=dry_run))
            for command in refused:
                error = host.ask(
                    invoke(1, command, ARGUMENTS.get(command), connection="p", dry_run=dry_run))["error"]
                assert error["code"] == -32000
                assert (error["data"]["kind"], error["data"]["status_code"]) == ("policy", 403)
                assert error["data"]["outcome"] == "not_applied"
    assert len(sandbox.log()) == len(allowed)


def test_a_read_only_host_refuses_every_change_on_every_connection(sandbox):
    with Host("--connections", sandbox.file, "--read-only") as host:
        for connection in (None, "coda_sandbox", sandbox.connection):
            error = host.ask(invoke(1, "patch_rescan", connection=connection))["error"]
            assert (error["data"]["kind"], error["data"]["status_code"]) == ("policy", 403)
            assert "--read-only" in error["data"]["message"]
            assert "result" in host.ask(invoke(1, "list_tenants", connection=connection))
    assert {entry["method"] for entry in sandbox.log()} == {"GET"}


# dry_run

def test_a_dry_run_shows_the_requests_and_sends_none(sandbox):
    with Host("--connections", sandbox.file) as host:
        result = host.ask(invoke(
            1, "list_devices", {"page": 2, "filter": {"riskLevel": "critical", "ip": "10.0 é&"},
                                "footprint_tenant_id": "2"}, dry_run=True))["result"]
        change = host.ask(invoke(
            2, "update_target_scan_scope", {"target_id": 77, "scope": "out"}, dry_run=True))["result"]
    assert set(result) == {"return_data", "dry_run", "requests", "meta"}
    assert (result["return_data"], result["dry_run"]) == ("Successful", True)
    (shown,) = result["requests"]
    assert shown["method"] == "GET" and "body" not in shown
    assert shown["url"].startswith(sandbox.base + "/api/console/elements/devices/?page=2&")
    assert "10.0%20%C3%A9%26" in shown["url"]
    assert shown["headers"]["FootprintTenantId"] == "2"
    assert shown["headers"]["Authorization"] == "[redacted]"
    (shown,) = change["requests"]
    assert (shown["method"], shown["body"]) == ("PATCH", {"scope": "OUT"})
    assert sandbox.control("GET", "log") == []


def test_a_dry_run_and_the_request_that_is_sent_are_alike(sandbox):
    arguments = {"page": 1, "filter": {"pageSize": 5, "scannerId": "9", "sortColumn": "name"}}
    with Host("--connections", sandbox.file) as host:
        (shown,) = host.ask(invoke(1, "list_devices", arguments, dry_run=True))["result"]["requests"]
        assert "result" in host.ask(invoke(2, "list_devices", arguments))
    (sent,) = sandbox.log()
    assert (shown["method"], shown["url"]) == (sent["method"], f"{sandbox.base}{sent['path']}?{sent['query']}")
    for name, value in shown["headers"].items():
        if name != "Authorization":
            assert sent["headers"][name.lower()] == value


def test_a_dry_run_checks_arguments_as_a_run_does():
    with Host("--sandbox") as host:
        for dry_run in (False, True):
            error = host.ask(invoke(1, "list_devices", {"page": 0}, dry_run=dry_run))["error"]
            assert error["data"]["problems"][0]["path"] == "/arguments/page"


# timeout_ms

def test_a_command_that_takes_too_long_fails_with_a_timeout(vendor):
    with Host() as host:
        error = host.ask(invoke(1, "list_tenants", connection=vendor.connection, timeout_ms=200))["error"]
        assert error["code"] == -32000
        assert (error["data"]["kind"], error["data"]["status_code"]) == ("timeout", 504)
        assert error["data"]["outcome"] == "not_applied"
        error = host.ask(invoke(1, "patch_rescan", connection=vendor.connection, timeout_ms=1_000))["error"]
        assert (error["data"]["kind"], error["data"]["outcome"]) == ("timeout", "unknown")
        assert "list_scanners" in error["data"]["remedy"]


def test_a_wait_that_cannot_fit_fails_at_once(sandbox):
    with Host("--connections", sandbox.file) as host:
        slow = sandbox.connection | {"rate_limits": {"default": {"requests": 1, "per_seconds": 3600}}}
        host.result("connections/put", {"name": "slow", "connection": slow})
        answers = [host.ask(invoke(id, "list_tenants", connection="slow", timeout_ms=20_000)) for id in range(3)]
    error = answers[-1]["error"]
    assert (error["code"], error["data"]["kind"], error["data"]["retryable"]) == (-32000, "rate_limited", True)
    assert 0 < error["data"]["retry_after_ms"] <= 3_600_250


# Streams

def test_streamed_items_are_numbered_and_come_before_the_answer(sandbox):
    with Host("--connections", sandbox.file) as host:
        whole = host.ask(invoke("whole", "list_devices", all_pages=True))["result"]["raw_data"]["items"]
        host.send(invoke("s", "list_devices", all_pages=True, stream=True))
        items = []
        while (message := host.read()).get("method"):
            assert message["params"]["id"] == "s"
            if message["method"] == "invoke/item":
                assert message["params"]["seq"] == len(items)
                items.append(message["params"]["item"])
    assert items == whole
    assert message["id"] == "s" and "raw_data" not in message["result"]
    assert message["result"]["meta"]["items"] == len(items)


def test_a_stream_of_an_invoke_without_an_id_sends_nothing():
    message = invoke(0, "list_devices", stream=True)
    del message["id"]
    ended = run("serve", "--sandbox", input=[message])
    assert (ended.code, ended.output) == (0, b"")
