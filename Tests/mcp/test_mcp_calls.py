"""Tool calls: successes, failures and their texts for models, all valid in the tool's
own output schema (the client checks that of every answer)."""

import json
import threading

import pytest
from Support.control_center import ControlCenter, failure, success
from Support.mcp_client import STATELESS, STRUCTURED, meta, structure, text
from Support.programmed_google import ANNA, CODE, Google
from Support.session import PASSWORD, connection as coda
from Support.upstream import DEVICES, TENANTS, UNAUTHORIZED, Tenant, after, hang_up, reply

TENANT = [{"id": 1, "name": "Acme"}]
LIST_TENANTS = "coda_footprint__list_tenants"
LABEL = "bitdefender_gravityzone__update_endpoint_labels"
DETAILS = "bitdefender_gravityzone__get_managed_endpoint_details"
IDS = [f"5b680f6fb1a43d860a7b{number:04x}" for number in range(4)]


def tenant(answer):
    return Tenant(lambda request: answer)


def test_a_success_is_the_result_of_an_invoke(start, revision):
    with tenant(reply(200, TENANT)) as vendor:
        client = start(revision, main=coda(vendor.url))
        result = client.call(LIST_TENANTS)
    assert "isError" not in result or result["isError"] is False
    own = structure(result)
    assert (own["return_data"], own["raw_data"]) == ("Successful", TENANT)
    assert text(result).startswith("List Tenants: Successful. 1 item.")
    assert json.loads(text(result).partition("\n\n")[2]) == own
    assert ("structuredContent" in result) == (revision in STRUCTURED)


@pytest.mark.parametrize(("answer", "kind", "words"), [
    (reply(404, {"detail": "Not found."}), "not_found", ["(404)", "Not Found"]),
    (reply(403, {"detail": "No."}), "permission", ["(403)", "What to do: "]),
    (reply(401, UNAUTHORIZED), "auth", ["(401)", "What to do: "]),
    (reply(200, "no JSON"), "upstream", ["List Tenants failed."]),
    (hang_up, "network", ["It is retryable."]),
], ids=["404", "403", "401", "no JSON", "hung up"])
def test_a_failure_of_the_vendor_is_a_result_with_the_remedy(start, revision, answer, kind, words):
    with tenant(answer) as vendor:
        client = start(revision, main=coda(vendor.url))
        failed = client.failure(LIST_TENANTS)
    for word in ["List Tenants failed.", *words]:
        assert word in text(failed)
    if revision in STRUCTURED:
        assert (structure(failed)["return_data"], structure(failed)["kind"]) == ("Failed", kind)


def test_an_unknown_outcome_tells_how_to_look(start, revision):
    with ControlCenter(lambda *_: hang_up) as center:
        failed = start(revision, "--confirm", "never", main=center.connection()).failure(
            "bitdefender_gravityzone__isolate_endpoints", {"endpoint_ids": IDS[:2]})
    assert "The outcome is unknown" in text(failed) and "get_managed_endpoint_details" in text(failed)
    if revision in STRUCTURED:
        assert structure(failed)["outcome"] == "unknown"


def test_all_wrong_arguments_are_reported_at_once(start, revision):
    client = start(revision)
    failed = client.failure("coda_footprint__list_devices", {
        "page": 0, "pagesize": 10, "filter": {"riskLevel": "criticl"}})
    for word in ("page: ", "pagesize", "filter/riskLevel", 'did you mean "critical"?'):
        assert word in text(failed)
    if revision in STRUCTURED:
        assert {problem["path"] for problem in structure(failed)["problems"]} == {
            "/arguments/page", "/arguments/pagesize", "/arguments/filter/riskLevel"}
    client.expect_silence()


@pytest.mark.parametrize("arguments", [
    {"connection": 5}, {"connection": {"integration": "coda_footprint"}}, {"connection": ""},
    {"connection": "nobody"}, {"connection": ["main"]}, {}])
def test_a_connection_is_one_of_the_names(start, arguments):
    with tenant(reply(200, TENANT)) as vendor:
        client = start("2025-11-25", main=coda(vendor.url), other=coda(vendor.url))
        assert "connection" in text(client.failure(LIST_TENANTS, arguments)).lower()
        assert client.call(LIST_TENANTS, {"connection": "other"})["structuredContent"]["raw_data"] == TENANT
        assert len(vendor.calls) == 1


def test_targets_that_fail_are_named(start, revision):
    def answer(request, method, params):
        bad = params["endpointId"] == IDS[1]
        return failure(request, "Endpoint not found.") if bad else success(request, True)

    with ControlCenter(answer) as center:
        client = start(revision, main=center.connection())
        partly = client.call(LABEL, {"endpoint_ids": IDS, "label": "x"})
        wholly = client.failure(LABEL, {"endpoint_ids": IDS[1:2], "label": "x"})
    assert text(partly).startswith("Update Endpoint Labels: Partially Successful. 3 of 4 targets.")
    own = structure(partly)
    assert own["return_data"] == "Partially Successful" and own["errors"][0]["target"] == IDS[1]
    assert f"- {IDS[1]}: Endpoint not found." in text(wholly)


BAD_CALLS = [
    None, [], {}, {"name": 5}, {"name": None}, {"name": LIST_TENANTS, "arguments": []},
    {"name": LIST_TENANTS, "arguments": "x"}, {"name": LIST_TENANTS, "arguments": 5},
    {"name": LIST_TENANTS, "_meta": []}, {"name": LIST_TENANTS, "inputResponses": []},
    {"name": LIST_TENANTS, "requestState": 5},
]


@pytest.mark.parametrize("params", BAD_CALLS, ids=json.dumps)
def test_malformed_calls_are_errors_of_the_protocol(start, params):
    client = start("2025-11-25")
    message = {"jsonrpc": "2.0", "id": 99, "method": "tools/call"}
    client.send(message if params is None else message | {"params": params})
    answer = client.read()
    assert (answer["id"], answer["error"]["code"]) == (99, -32602)
    client.expect_silence()


def test_an_unknown_tool_is_an_error_with_a_suggestion(start, revision):
    client = start(revision)
    error = client.error("tools/call", client.call_params("coda_footprint__list_tenant"))
    assert error["code"] == -32602 and error["data"]["did_you_mean"] == LIST_TENANTS


def test_a_secret_that_the_vendor_echoes_is_redacted_everywhere(start, revision):
    tenants = [{"id": 1, "name": PASSWORD, "deep": json.dumps({"note": f'"{PASSWORD}"'})}]
    page = {"detail": f"bad password {PASSWORD}", "filter": [PASSWORD]}
    with Tenant(lambda request: reply(400, page) if request.path == DEVICES else reply(200, tenants)) as vendor:
        client = start(revision, main=coda(vendor.url))
        for tool in (LIST_TENANTS, "coda_footprint__list_devices"):
            client.start_call(tool)
            line = client.read_line()
            client.checked(line)
            assert PASSWORD.encode() not in line
            assert b"[redacted]" in line or (revision not in STRUCTURED and b"isError" in line)


def test_text_of_the_caller_comes_back_as_it_was_sent(start, revision):
    """Also if it is a secret: otherwise a caller could guess secrets and see which ones are redacted."""
    client = start(revision, "--catalogue", "compact", main=coda("http://127.0.0.1:9"))
    for method, params in [
        ("tools/call", client.call_params("sallyport__describe_command", {"command": PASSWORD})),
        ("tools/call", client.call_params(PASSWORD)), ("prompts/get", {"name": PASSWORD}),
        ("prompts/get", {"name": "weekly_report", "arguments": {"days": PASSWORD}}),
        ("tools/call", client.call_params(LIST_TENANTS, {PASSWORD: 1})),
        ("resources/read", {"uri": f"sallyport://files/{PASSWORD}"}),
    ]:
        client.start(method, params)
        line = client.read_line()
        client.checked(line)
        assert PASSWORD.encode() in line and b"[redacted]" not in line, method


def test_sallyport_reports_changes_of_health_and_connections_on_the_same_stream(start, revision):
    with tenant(reply(200, TENANT)) as vendor:
        client = start(revision, main=coda(vendor.url))
        client.send({"jsonrpc": "2.0", "id": "w", "method": "health/watch", "params": {
            "connection": "main", "interval_seconds": 3600}})
        seen = client.read_all(2)
        assert {message.get("method", message.get("id")) for message in seen} == {"w", "health/changed"}
        assert structure(client.call(LIST_TENANTS))["raw_data"] == TENANT


def test_slow_call_is_answered_after_eof(start, revision):
    gate = threading.Event()
    with Tenant(lambda request: after(gate, reply(200, TENANT))) as vendor:
        client = start(revision, main=coda(vendor.url))
        ids = [client.start_call(LIST_TENANTS) for _ in range(20)]
        client.close_input()
        vendor.wait_for(20, TENANTS)
        gate.set()
        answers = client.rest()
        assert client.exit_code() == 0
    assert sorted(answer["id"] for answer in answers) == ids
    assert all(structure(answer["result"])["raw_data"] == TENANT for answer in answers)


ODD = [None, True, 5, "text", [], {}, [None], [[]], [5], {"items": None}, {"items": [None]}, {"items": {}}]
READS = [
    ("coda_footprint__list_devices", {}), ("coda_footprint__list_tenants", {}),
    ("coda_footprint__list_scanners", {}), ("coda_footprint__list_scan_surfaces", {}),
    ("coda_footprint__list_current_targets_ports", {}), ("coda_footprint__list_technical_contexts", {}),
    ("coda_footprint__get_technical_context", {"context_id": 1}),
    ("coda_footprint__list_device_users", {"device_id": 1}),
    ("coda_footprint__list_device_vulnerabilities", {"device_id": 1}),
    ("coda_footprint__list_device_attack_avenues", {"device_id": 1}),
    ("coda_footprint__list_device_network_connections", {"device_id": 1}),
]


def test_every_vendor_body_matches_the_output_schema(start):
    """Clients refuse a result that does not: an odd body must not become a failure there."""
    bodies = [*ODD, *({"id": value, "name": value, "items": [{"id": value, "name": value}]} for value in ODD)]
    for body in bodies:
        with tenant(reply(200, body)) as vendor:
            client = start("2025-11-25", main=coda(vendor.url))
            for tool, arguments in READS:
                client.call(tool, arguments)


@pytest.mark.parametrize("body", ODD, ids=json.dumps)
def test_odd_gravityzone_bodies_match_the_output_schema(start, body):
    with ControlCenter(lambda request, method, params: success(request, body)) as center:
        client = start("2025-11-25", main=center.connection())
        for tool, arguments in [
            (DETAILS, {"managed_endpoint_ids": IDS}), (LABEL, {"endpoint_ids": IDS, "label": "x"}),
            ("bitdefender_gravityzone__list_endpoints", {"endpoint_type": "endpoints"}),
            ("bitdefender_gravityzone__list_groups", {}), ("bitdefender_gravityzone__list_reports", {}),
            ("bitdefender_gravityzone__list_scan_tasks", {}), ("bitdefender_gravityzone__list_block_list", {}),
            ("bitdefender_gravityzone__create_group", {"group_name": "x"}),
            ("bitdefender_gravityzone__test_connection", {}),
        ]:
            client.call(tool, arguments)


def test_reissued_token_is_stored_and_not_shown(start, revision, tmp_path):
    """An agent has no use for connections/changed, and no revision has a form for it."""
    with Google() as google:
        client = start(revision, main=google.oauth(settings={"refresh_token": None, "authorization_code": CODE}))
        assert structure(client.call("gmail__list_labels", {"user_email": ANNA}))["return_data"] == "Successful"
        client.expect_silence()
        assert client.finish() == (0, [])
    kept = json.loads((tmp_path / "connections.json").read_text())["connections"]["main"]["settings"]
    assert kept["refresh_token"] == "1//0e-refresh-1-of-the-code"


def test_host_methods_ignore_session_members_of_params(start):
    client = start(STATELESS)
    stamp = {"_meta": meta()}
    assert client.result("connections/list", stamp)["connections"]
    assert client.result("connections/remove", {"name": "coda_sandbox", **stamp}) == {"removed": True}
    assert client.error("connections/list", {"_mate": 1})["code"] == -32602


def test_a_wait_beyond_the_time_of_a_tool_fails_at_once(start):
    with tenant(reply(200, TENANT)) as vendor:
        # One for the sign-in, one for the first call.
        limits = {"default": {"requests": 2, "per_seconds": 3600}}
        client = start("2025-11-25", "--tool-timeout", "60", main=coda(vendor.url, rate_limits=limits))
        client.call(LIST_TENANTS)
        failure = structure(client.call(LIST_TENANTS))
        assert failure["kind"] == "rate_limited" and failure["retry_after_ms"] > 60_000
        assert [request.path for request in vendor.requests].count(TENANTS) == 1


def with_options(client, tool, arguments, options, **more):
    own = meta() if client.is_stateless else {}
    params = client.call_params(tool, arguments) | {"_meta": {**own, "sallyport/options": options}}
    return client.start("tools/call", params, **more)


def test_a_call_cannot_take_longer_than_the_time_of_a_tool(start):
    with tenant(reply(200, TENANT)) as vendor:
        limits = {"default": {"requests": 2, "per_seconds": 3600}}
        client = start("2025-11-25", "--tool-timeout", "60", main=coda(vendor.url, rate_limits=limits))
        client.call(LIST_TENANTS)
        # Would wait for the rate limit.
        id = with_options(client, LIST_TENANTS, {}, {"timeout_ms": 3_600_000})
        answer, _ = client.answer(id)
        assert structure(answer["result"])["kind"] == "rate_limited"


def test_options_are_given_in_meta(start, revision):
    slow = "coda: slow 60s on GET /api/console/scanSurface/scanners/"
    client = start(
        revision, "--tool-timeout", "60", "--max-tool-result-bytes", "1000000", "--sandbox-fault", slow)
    id = with_options(client, "coda_footprint__list_devices", {}, {"all_pages": True}, token="t")
    answer, told = client.answer(id)
    assert len(structure(answer["result"])["raw_data"]["items"]) == 45
    assert [(one["params"]["progress"], one["params"]["total"]) for one in told] == [(1, 3), (2, 3), (3, 3)]
    late = with_options(client, "coda_footprint__list_scanners", {}, {"timeout_ms": 1})
    assert "(504)" in text(client.answer(late)[0]["result"])


@pytest.mark.parametrize(("options", "path"), [
    ({"all_page": True}, "/_meta/sallyport~1options/all_page"), ({"dry_run": True}, "/_meta/sallyport~1options/dry_run"),
    ({"stream": True}, "/_meta/sallyport~1options/stream"), ({"all_pages": "yes"}, "/options/all_pages"),
])
def test_unknown_options_of_a_tool_are_reported(start, options, path):
    client = start("2025-11-25")
    failed = client.answer(with_options(client, "coda_footprint__list_devices", {}, options))[0]["result"]
    assert failed["isError"] is True and structure(failed)["problems"][0]["path"] == path


def test_options_that_are_no_object_are_refused(start):
    client = start("2025-11-25")
    answer = client.answer(with_options(client, "coda_footprint__list_devices", {}, [1]))[0]
    assert answer["error"]["code"] == -32602


def test_the_same_idempotency_key_acts_once(start, tmp_path):
    with ControlCenter() as center:
        client = start("2025-11-25", "--state-dir", str(tmp_path), main=center.connection())
        for _ in range(2):
            id = with_options(client, LABEL, {"endpoint_ids": IDS[:1], "label": "x"}, {"idempotency_key": "k"})
            assert structure(client.answer(id)[0]["result"])["return_data"] == "Successful"
        assert len(center.calls) == 1
