"""The caller's trace and label: `options.traceparent` and `options.label` (12.2)."""

import json

import pytest
from Support.mcp_client import Client
from Support.session import Host, connection
from Support.upstream import Tenant, reply

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
NOTICE = "traceparent is invalid and was ignored; expected a header of W3C Trace Context."

VALID = [
    PARENT, f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-ff", f"00-{TRACE}-{SPAN}-02",
    # Later versions are read as version 00.
    f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01", f"fe-{TRACE}-{SPAN}-01-what-comes-then",
    f"01-{TRACE}-{SPAN}-01-",
]
INVALID = [
    "", "00", PARENT[:-1], PARENT + "-", PARENT + "-00", PARENT + " ", " " + PARENT,
    f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
    PARENT.upper(), PARENT.replace("4bf9", "4BF9"), PARENT.replace("4bf9", "4bg9"),
    PARENT.replace("-", "_"), f"0-{TRACE}0-{SPAN}-01", f"00-{TRACE}-{SPAN}-0x",
    f"01-{TRACE}-{SPAN}-01x", f"00-{TRACE[:-1]}é-{SPAN}-01", "x" * 10_000, PARENT + "\n",
]


@pytest.fixture(scope="module")
def tenant():
    with Tenant() as tenant:
        yield tenant


@pytest.fixture(scope="module")
def host(tenant):
    with Host(connection(tenant.url)) as host:
        yield host


@pytest.mark.parametrize("header", VALID)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_valid_traceparent_is_the_parent(host, header, dry_run):
    result = host.result("list_scanners", traceparent=header, dry_run=dry_run)
    assert result["meta"]["trace_id"] == TRACE
    assert "notices" not in result


@pytest.mark.parametrize("header", INVALID, ids=repr)
@pytest.mark.parametrize("dry_run", [False, True])
def test_an_invalid_traceparent_is_ignored_with_a_notice(host, header, dry_run):
    result = host.result("list_scanners", traceparent=header, dry_run=dry_run)
    assert result["meta"]["trace_id"] not in (TRACE, "0" * 32)
    assert result["notices"] == [NOTICE]


def test_errors_have_the_trace_of_the_caller(host):
    for command, arguments, options in [
            ("list_scanners", {"x": 1}, {}), ("list_scanners", {}, {"timeout_ms": 0}),
            ("no_command", {}, {}), ("list_scanners", {}, {"label": "x" * 65})]:
        data = host.failure(command, arguments, traceparent=PARENT, **options)
        assert data["status_code"] == 400 and data["meta"]["trace_id"] == TRACE
    unknown = host.failure("list_scanners", connection="nobody", traceparent=PARENT)
    assert unknown["meta"]["trace_id"] == TRACE


def test_an_invalid_traceparent_of_a_failed_command_is_logged():
    with Tenant(lambda request: reply(404)) as tenant, \
            Host(connection(tenant.url), options=["--log-level", "info"]) as host:
        traces = [
            host.failure("list_scanners", arguments, traceparent="x", **options)["meta"]["trace_id"]
            for arguments, options in (({}, {}), ({"x": 1}, {}), ({}, {"timeout_ms": 0}))]
        host.close()
        for trace in traces:
            assert f"{NOTICE} trace_id={trace}\n" in host.stderr.decode()


def test_a_traceparent_that_is_no_text_is_a_fault(host):
    assert host.failure("list_scanners", traceparent=7)["problems"][0]["path"] == "/options/traceparent"


def test_the_vendor_gets_no_traceparent(tenant, host):
    host.result("list_scanners", traceparent=PARENT)
    assert all(request.header("traceparent") is None for request in tenant.requests)


@pytest.mark.parametrize("label", ["x", "x" * 64, "é" * 64, "nightly: CODA \u2028 \"quoted\""])
def test_a_label_of_64_characters_is_taken(host, label):
    assert host.result("list_scanners", label=label, dry_run=True)["dry_run"]


@pytest.mark.parametrize("label", ["", "x" * 65, 7, ["x"]])
def test_another_label_is_an_argument_fault(host, label):
    data = host.failure("list_scanners", label=label)
    assert data["status_code"] == 400
    assert data["problems"][0]["path"] == "/options/label"


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-11-25", "2026-07-28"])
def test_tool_calls_have_their_traceparent_in_meta(tenant, tmp_path, revision):
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {"main": connection(tenant.url)}}))
    with Client(revision, "--connections", str(file)) as client:
        for header, is_valid in ((PARENT, True), ("x", False), (7, False)):
            params = client.message("tools/call", client.call_params("coda_footprint__list_scanners"))["params"]
            params["_meta"] = params.get("_meta", {}) | {"traceparent": header}
            result = client.result("tools/call", params)
            text = result["content"][0]["text"]
            assert (TRACE in text) == is_valid
            assert (NOTICE in text) == (header == "x")


def test_a_tool_call_may_have_a_label(tenant, tmp_path):
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {"main": connection(tenant.url)}}))
    with Client("2025-11-25", "--connections", str(file)) as client:
        params = client.call_params("coda_footprint__list_scanners")
        params["_meta"] = {"sallyport/options": {"label": "x" * 65}}
        content = client.result("tools/call", params)["structuredContent"]
        assert content["problems"][0]["path"].endswith("/label")
        params["_meta"] = {"sallyport/options": {"label": "x"}}
        assert "isError" not in client.result("tools/call", params)


def test_the_schema_has_both_options(host):
    schema = host.call("rpc.discover")["components"]["schemas"]["options"]
    assert schema["properties"]["label"]["maxLength"] == 64
    assert schema["properties"]["traceparent"]["type"] == "string"
