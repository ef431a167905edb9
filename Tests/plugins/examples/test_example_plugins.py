"""The example plugins in Python and Go: the kit finds no fault, and both do the same, alone and behind the host."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from plugin_launch import Sample, read_launch
from plugin_process import PluginProcess
from Support.host import ROOT, TIMEOUT, environment
from Support.session import Host

PLUGINS = {"acme_edr_python": "acme_edr", "acme_edr_go": "acme_edr_go"}
ARGUMENTS = {
    "get_endpoint": {"endpoint_id": "ep-1"}, "isolate_endpoints": {"endpoint_ids": ["ep-1", "ep-4"]},
    "restore_endpoints": {"endpoint_ids": ["ep-1"]}, "download_report": {"report_id": "rep-1"},
    "add_alert_comment": {"alert_id": 1, "text": "Checked."}}
EP_1 = {"id": "ep-1", "name": "PC-FIN-101", "online": True, "isolated": False}


@pytest.fixture(params=PLUGINS)
def folder(request, plugins):
    return plugins / request.param


@pytest.fixture
def host(folder, settings):
    """The host with one of the plugins."""
    connection = {"integration": PLUGINS[folder.name], "settings": settings}
    with Host(connection, options=["--plugins", str(folder.parent)]) as host:
        yield host


def test_the_kit_finds_no_fault(folder):
    ended = kit(folder)
    assert ended.returncode == 0, ended.stdout
    assert "21 passed, 0 failed, 0 skipped" in ended.stdout


def test_the_kit_finds_no_fault_with_the_vendor(folder, settings, tmp_path):
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps({"settings": settings, "arguments": ARGUMENTS}))
    ended = kit(folder, "--sample", str(sample))
    assert ended.returncode == 0, ended.stdout
    assert "21 passed, 0 failed, 0 skipped" in ended.stdout


def kit(folder, *words):
    return subprocess.run(
        [sys.executable, "-B", str(ROOT / "protocol/conformance"), *words, "--plugin", str(folder)],
        capture_output=True, text=True, timeout=8 * TIMEOUT, env=environment())


def test_both_declare_the_same(plugins):
    said = []
    for name, id in PLUGINS.items():
        with PluginProcess(read_launch(str(plugins / name), TIMEOUT, None)) as process:
            integration = process.integration()
        assert integration.pop("id") == id
        said.append({**integration, "title": ""})
    assert len(said[0]["commands"]) <= 10
    assert said[0] == said[1]


def test_the_child_never_has_a_secret(folder, settings):
    """With a vendor that echoes what it gets, the kit's broker does not redact: the token is all that comes back."""
    launch = read_launch(str(folder), TIMEOUT, None)
    with PluginProcess(type(launch)(**{**launch.__dict__, "sample": Sample(settings, ARGUMENTS)})) as process:
        process.answer(process.invoke("test_connection"))
        text = json.dumps([process.settings(), process.http])
        assert settings["password"] not in text and "{{secret:password}}" in text
        (name, params), = [one for one in process.asked if one[0] == "host/secret"]
        assert process.http[-1]["headers"] == {"Authorization": "Bearer {{secret:access_token}}"}
        assert params["value"] not in json.dumps(process.http)


# Behind the host


def test_list_with_pages(host):
    result = host.result("list_endpoints", {"page_size": 2})
    assert [one["id"] for one in result["raw_data"]["items"]] == ["ep-1", "ep-2"]
    result = host.result("list_endpoints", {"page_size": 2}, all_pages=True)
    assert (len(result["raw_data"]["items"]), result["raw_data"]["total"]) == (7, 7)
    assert host.result("get_endpoint", {"endpoint_id": "ep-1"})["raw_data"] == EP_1


def test_stream(host):
    number = host.start("list_endpoints", {"name": "PC-FIN"}, stream=True, all_pages=True)
    message, _ = host.wait(number)
    assert "raw_data" not in message["result"] and message["result"]["meta"]["items"] == 2
    items = host.notifications("invoke/item", number)
    assert [(one["seq"], one["item"]["name"]) for one in items] == [(0, "PC-FIN-101"), (1, "PC-FIN-102")]


def test_targets_with_partial_success(host, vendor):
    result = host.result("isolate_endpoints", {"endpoint_ids": ["ep-1", "ep-4", "ep-1", "nothing"]})
    assert (result["return_data"], result["raw_data"]) == (
        "Partially Successful", [{"endpoint_id": "ep-1", "isolated": True}])
    assert [(one["target"], one["return_data"]) for one in result["targets"]] == [
        ("ep-1", "Successful"), ("ep-4", "Failed"), ("nothing", "Failed")]
    assert [(one["target"], one["status_code"], one["message"], one["outcome"]) for one in result["errors"]] == [
        ("ep-4", 409, "LNX-BLD-104 is offline", "not_applied"), ("nothing", 404, "No endpoint nothing", "not_applied")]
    assert vendor.acme.endpoints["ep-1"]["isolated"] is True
    failure = host.failure("restore_endpoints", {"endpoint_ids": ["ep-4"]})
    assert (failure["failure_indicator"], failure["status_code"]) == ("Restore Endpoints failed.", 409)


def test_dry_run_sends_nothing(host, vendor):
    result = host.result("isolate_endpoints", {"endpoint_ids": ["ep-1"]}, dry_run=True)
    assert result["dry_run"] is True
    (request,) = result["requests"]
    assert (request["method"], request["url"], request["body"]) == (
        "POST", f"{vendor.url}/api/endpoints/ep-1/isolation", {"isolated": True})
    assert "[redacted]" in request["headers"]["Authorization"]
    assert vendor.acme.log == []


def test_events_continue_with_the_cursor(host):
    seen = []
    cursor = None
    while True:
        arguments = {"number_of_alerts": 2} if cursor is None else {"number_of_alerts": 2, "cursor": cursor}
        result = host.result("fetch_alert", arguments)
        if not result.get("events"):
            break
        cursor = result["cursor"]
        seen += [one["fields"] for one in result["events"]]
    assert [one["Unique Event Key"] for one in seen] == [1, 2, 3, 4, 5]
    assert seen[0] == {
        "Unique Event Key": 1, "Event Type": "Acme Alert", "Title": "Credential dump", "Severity": "high",
        "Endpoint": "ep-1", "Time": "2026-11-20T01:00:00Z"}


def test_file_and_write(host, vendor):
    (file,) = host.result("download_report", {"report_id": "rep-1"})["files"]
    assert (file["name"], file["content_type"], file["size"]) == ("rep-1.csv", "text/csv", 33)
    assert host.result("add_alert_comment", {"alert_id": 3, "text": "é"})["raw_data"]["comment_id"] == 1
    assert vendor.acme.comments == [{"alert": 3, "text": "é"}]


def test_expired_token_is_renewed(host, vendor):
    host.result("test_connection")
    host.result("test_connection")
    vendor.acme.tokens.clear()
    host.result("test_connection")
    assert [path for _, path in vendor.acme.log] == [
        "/api/login", "/api/whoami", "/api/whoami", "/api/whoami", "/api/login", "/api/whoami"]


def test_vendors_error_and_wrong_arguments(host):
    failure = host.failure("get_endpoint", {"endpoint_id": "../alerts"})
    assert (failure["kind"], failure["status_code"], failure["message"]) == ("not_found", 404, "No endpoint ..%2Falerts")
    failure = host.failure("get_endpoint", {"endpont_id": "ep-1"})
    assert failure["problems"][0]["did_you_mean"] == "endpoint_id"


def test_wrong_password_is_an_auth_error(plugins, settings):
    for id in PLUGINS.values():
        connection = {"integration": id, "settings": {**settings, "password": "wrong-horse"}}
        with Host(connection, options=["--plugins", str(plugins)]) as host:
            failure = host.failure("isolate_endpoints", {"endpoint_ids": ["ep-1", "ep-2"]})
            assert (failure["kind"], failure["message"], failure["outcome"]) == (
                "auth", "Wrong user or password", "not_applied")
            assert "wrong-horse" not in host.everything().decode()
