"""Every command against the emulated vendor: changes and results."""

import io
import pathlib
import zipfile

import pytest
from Support.gravityzone import GravityZone, Ids
from Support.session import Host

COMPUTERS, EXCHANGE = "computers_and_virtual_machines", "security_for_exchange"
RECURSIVE = {"depth": {"allItemsRecursively": True}}


@pytest.fixture
def sandbox(running):
    running.reset()
    running.faults("gravityzone: no rate limits")
    return running


@pytest.fixture(scope="module")
def host(running, tmp_path_factory):
    limits = {name: {"requests": 100_000, "per_seconds": 1}
              for name in ("default", "tasks", "blocklist")}
    with Host({**running.gravityzone, "rate_limits": limits}) as host:
        yield host


@pytest.fixture
def vendor(sandbox):
    """An independent client of the vendor."""
    return GravityZone(sandbox.base)


@pytest.fixture
def ids(sandbox):
    return Ids(sandbox.base)


@pytest.fixture
def managed(vendor):
    """IDs of managed endpoints."""
    return [e["id"] for e in vendor.pages("getEndpointsList", isManaged=True, filters=RECURSIVE)]


def pages(vendor, method, **params):
    return vendor.pages(method, **params)


# Block list


def test_hashes_are_added_listed_and_removed(host, vendor):
    hashes = ["0a1b" * 16, "0c2d" * 16]
    result = host.result("add_to_blocklist", {
        "hashes": hashes, "hash_type": "sha256", "description": "incident 4711"})
    assert result["raw_data"]["result"] is True
    items = host.result("list_block_list", all_pages=True)["raw_data"]["result"]["items"]
    own = {item["hash"]: item for item in items if item["hash"] in hashes}
    assert set(own) == set(hashes)
    assert all((i["hashType"], i["sourceInfo"]) == (1, "incident 4711") for i in own.values())
    assert items == vendor.pages("getBlocklistItems")
    removed = host.result(
        "remove_from_block_list", {"hash_item_ids": [own[hash]["id"] for hash in hashes]})
    assert removed["return_data"] == "Successful"
    left = {item["hash"] for item in vendor.pages("getBlocklistItems")}
    assert left.isdisjoint(hashes)


# Groups


def test_groups_are_created_moved_and_deleted(host, vendor):
    parent = host.result("create_group", {"group_name": "Parent"})["raw_data"]["result"]
    child = host.result("create_group", {"group_name": "Child", "parent_id": parent})[
        "raw_data"]["result"]
    other = host.result("create_group", {"group_name": "Other"})["raw_data"]["result"]
    listed = host.result("list_groups", {"parent_id": parent})["raw_data"]["result"]
    assert listed == [{"id": child, "name": "Child"}]
    host.result("update_groups", {"group_ids": [child], "parent_id": other})
    assert vendor.call("getCustomGroupsList", parentId=other) == [{"id": child, "name": "Child"}]
    data = host.failure("update_groups", {"group_ids": [other], "update_method": "delete"})
    assert data["outcome"] == "not_applied"
    result = host.result("update_groups", {
        "group_ids": [other, "0" * 24], "update_method": "delete", "force_delete": True})
    assert result["return_data"] == "Partially Successful"
    assert [t["return_data"] for t in result["targets"]] == ["Successful", "Failed"]
    system = host.result("list_groups")["raw_data"]["result"]
    assert {"Computers and Groups", "Deleted"} <= {group["name"] for group in system}


# Endpoints


def test_endpoints_of_both_types_are_listed(host, vendor, sandbox):
    arguments = {"endpoint_type": "endpoints", "filters": "depth.allItemsRecursively:True",
                 "page_size": 100}
    items = host.result("list_endpoints", arguments)["raw_data"]["result"]["items"]
    assert [i["id"] for i in items] == [
        i["id"] for i in vendor.pages("getEndpointsList", filters=RECURSIVE)][:100]
    managed = host.result("list_endpoints", {**arguments, "is_managed": True})
    managed = managed["raw_data"]["result"]["items"]
    assert 0 < len(managed) < len(items) and all(i["isManaged"] for i in managed)
    directory = host.result("list_endpoints", {
        **arguments, "endpoint_type": "active_directory_endpoints",
        "filters": "depth.allItemsRecursively:True AND type.groups:True"})
    directory = directory["raw_data"]["result"]["items"]
    assert directory and {item["type"] for item in directory} == {4}


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
@pytest.mark.parametrize("type", ["endpoints", "active_directory_endpoints"])
def test_all_pages_are_read_in_every_version(sandbox, vendor, version, type, tmp_path):
    connection = {**sandbox.gravityzone, "rate_limits": {"default": {
        "requests": 1_000, "per_seconds": 1}}}
    connection["settings"] = {**connection["settings"], "api_version": version}
    method = "getEndpointsList" if type == "endpoints" else "getNetworkInventoryItems"
    expected = [i["id"] for i in vendor.pages(method, filters=RECURSIVE)]
    arguments = {"endpoint_type": type, "filters": "depth.allItemsRecursively:True",
                 "page_size": 7}
    with Host(connection, options=["--state-dir", str(tmp_path)]) as host:
        result = host.result("list_endpoints", arguments, all_pages=True)
        number = host.start("list_endpoints", arguments, all_pages=True, stream=True)
        host.wait(number)
        streamed = [n["item"]["id"] for n in host.notifications("invoke/item", number)]
    assert [i["id"] for i in result["raw_data"]["result"]["items"]] == expected
    assert streamed == expected
    assert result["meta"]["pages"] == -(-len(expected) // 7)


def test_all_pages_from_a_later_page_reads_to_the_end(sandbox, vendor, tmp_path):
    """In v1.1, only the first page contains the page count."""
    connection = dict(sandbox.gravityzone)
    connection["settings"] = {**connection["settings"], "api_version": "v1.1"}
    expected = [i["id"] for i in vendor.pages("getNetworkInventoryItems", filters=RECURSIVE)]
    arguments = {"endpoint_type": "active_directory_endpoints", "page": 2, "page_size": 20,
                 "filters": "depth.allItemsRecursively:True"}
    with Host(connection, options=["--state-dir", str(tmp_path)]) as host:
        result = host.result("list_endpoints", arguments, all_pages=True)
    assert [i["id"] for i in result["raw_data"]["result"]["items"]] == expected[20:]


def test_details_are_returned_in_input_order(host, managed):
    wanted = [managed[5], managed[0], managed[3]]
    result = host.result("get_managed_endpoint_details", {"managed_endpoint_ids": wanted})
    assert [body["result"]["id"] for body in result["raw_data"]] == wanted


def test_labels_are_set_and_cleared(host, vendor, managed):
    def label():
        return vendor.call("getManagedEndpointDetails", endpointId=managed[0])["label"]

    host.result("update_endpoint_labels", {"endpoint_ids": [managed[0]], "label": "Ärzte 🏥"})
    assert label() == "Ärzte 🏥"
    host.result("update_endpoint_labels", {"endpoint_ids": [managed[0]]})
    assert label() == ""


def test_endpoints_are_moved_then_deleted_permanently(host, vendor, managed):
    group = vendor.call("createCustomGroup", groupName="New home")
    host.result("move_endpoints", {"endpoint_ids": managed[:2], "group_id": group})
    moved = [e["id"] for e in vendor.pages("getEndpointsList", parentId=group)]
    assert sorted(moved) == sorted(managed[:2])
    deleted = {"endpoint_ids": managed[:1]}
    assert host.result("delete_endpoints", deleted)["return_data"] == "Successful"
    assert [e["id"] for e in vendor.pages("getEndpointsList", parentId=group)] == managed[1:2]
    assert host.result("delete_endpoints", deleted)["return_data"] == "Successful"
    assert host.failure("delete_endpoints", deleted)["status_code"] == 400


def test_endpoints_are_isolated_and_restored(host, sandbox, managed):
    arguments = {"endpoint_ids": managed[:1]}
    assert host.result("isolate_endpoints", arguments)["raw_data"][0]["result"] is True
    # The isolation is still pending.
    assert host.failure("restore_endpoints", arguments)["status_code"] == 409
    sandbox.advance(60)
    assert host.result("restore_endpoints", arguments)["return_data"] == "Successful"
    assert host.failure("restore_endpoints", arguments)["status_code"] == 409


@pytest.mark.parametrize("version", ["v1.0", "v1.1", "v1.2"])
def test_the_emulator_accepts_the_requests_of_every_version(sandbox, managed, version, tmp_path):
    connection = {**sandbox.gravityzone, "rate_limits": {"blocklist": {
        "requests": 1_000, "per_seconds": 1}}}
    connection["settings"] = {**connection["settings"], "api_version": version}
    with Host(connection, options=["--state-dir", str(tmp_path)]) as host:
        host.result("add_to_blocklist", {
            "hashes": ["c3" * 16], "hash_type": "md5", "description": "x"})
        items = host.result("list_block_list", all_pages=True)["raw_data"]["result"]["items"]
        added = items[-1] if version == "v1.2" else next(
            i for i in items if i.get("hash") == "c3" * 16)
        host.result("remove_from_block_list", {"hash_item_ids": [added["id"]]})
        isolated = host.result("isolate_endpoints", {"endpoint_ids": managed[:2]})
        sandbox.advance(60)
        host.result("restore_endpoints", {"endpoint_ids": managed[:2]})
        host.result("list_groups")
        host.result("list_reports")
    assert isolated["return_data"] == "Successful"


# Scans


def test_a_scan_task_runs_until_finished(host, sandbox, ids, managed):
    mac = next(macs[0] for name, macs in ids.macs.items()
               if ids.endpoints[name] in managed and macs)
    result = host.result("create_scan_task", {
        "scan_name": "Watch 4711", "endpoint_ids": managed[:2], "mac_addresses": [mac],
        "scan_type": "custom_scan", "custom_scan_depth": "normal",
        "custom_scan_paths": ["LocalDrives"]})
    assert result["return_data"] == "Successful" and len(result["raw_data"]) == 2

    def tasks(**more):
        found = host.result("list_scan_tasks", {"scan_name": "Watch", **more})
        return [task["name"] for task in found["raw_data"]["result"]["items"]]

    assert len(tasks()) == 2 and len(tasks(status="pending")) == 2
    sandbox.advance(15)
    assert len(tasks(status="in_progress")) == 2
    sandbox.advance(120)
    assert len(tasks(status="finished")) == 2 and tasks(status="pending") == []


# Quarantine


@pytest.mark.parametrize("service", [COMPUTERS, EXCHANGE])
def test_quarantined_items_are_listed_and_removed(host, sandbox, service):
    def items(**more):
        found = host.result(
            "list_quarantine_items", {"quarantine_item_service": service, **more}, all_pages=True)
        return found["raw_data"]["result"]["items"]

    everything = items()
    assert everything
    first, *_ = everything
    same = items(threat_name=first["threatName"])
    assert first["id"] in [i["id"] for i in same]
    day = sorted(i["quarantinedOn"] for i in everything)[len(everything) // 2]
    early, late = items(end_date=day), items(start_date=day)
    assert all(i["quarantinedOn"] <= day for i in early)
    assert all(i["quarantinedOn"] >= day for i in late)
    assert {i["id"] for i in early} | {i["id"] for i in late} == {i["id"] for i in everything}
    removable = next(i["id"] for i in everything if i["canBeRemoved"])
    host.result("remove_quarantine_files", {
        "quarantine_item_ids": [removable], "quarantine_item_service": service})
    assert removable in [i["id"] for i in items(action_status="pending_remove")]
    sandbox.advance(60)
    assert removable not in [i["id"] for i in items()]


def test_a_file_is_quarantined(host, sandbox, managed):
    path = "d:\\taskSample\\sample.dll"
    for endpoint in managed:
        answer = host.answer("quarantine_files", {"endpoint_ids": [endpoint], "file_path": path})
        if "result" in answer:
            break
    assert answer["result"]["raw_data"]["result"] is True
    sandbox.advance(60)
    found = host.result("list_quarantine_items", {
        "quarantine_item_service": COMPUTERS, "endpoint_id": endpoint}, all_pages=True)
    items = found["raw_data"]["result"]["items"]
    assert path in [i["details"].get("filePath") for i in items]


# Reports


def test_reports_are_listed_and_downloaded(host, vendor):
    items = host.result("list_reports", {"page_size": 100})["raw_data"]["result"]["items"]
    assert [i["id"] for i in items] == [i["id"] for i in vendor.pages("getReportsList")]
    one = items[0]
    named = host.result("list_reports", {"report_name": one["name"]})
    assert [i["id"] for i in named["raw_data"]["result"]["items"]] == [one["id"]]
    ready = [i["id"] for i in items
             if vendor.call("getDownloadLinks", reportId=i["id"])["readyForDownload"]][:2]
    result = host.result("download_reports", {"report_ids": ready})
    assert len(result["files"]) == 2
    for file in result["files"]:
        with zipfile.ZipFile(io.BytesIO(pathlib.Path(file["path"]).read_bytes())) as archive:
            assert archive.testzip() is None
            assert {name.rsplit(".")[-1] for name in archive.namelist()} == {"csv", "pdf"}


@pytest.mark.parametrize("name, words", [
    ("Link To Another Address", "different server"), ("Link To Another Name", "different server"),
    ("Page Instead Of An Archive", "not a complete ZIP"), ("Never Ready", "not ready"),
])
def test_a_report_that_cannot_be_downloaded(host, ids, name, words):
    data = host.failure("download_reports", {"report_ids": [ids.reports[name]]})
    assert words in data["message"]



def test_report_becomes_available(host, sandbox, ids):
    report = {"report_ids": [ids.reports["Ready In Five Minutes"]]}
    assert host.failure("download_reports", report)["retryable"] is True
    sandbox.advance(600)
    assert len(host.result("download_reports", report)["files"]) == 1


def test_connection_succeeds(host):
    result = host.result("test_connection")
    assert result["return_data"] == "Successful" and "raw_data" not in result


def test_connection_fails_with_an_invalid_key(sandbox, host):
    bad = dict(sandbox.gravityzone)
    bad["settings"] = {**bad["settings"], "api_key": "not a key at all"}
    data = host.failure("test_connection", {}, bad)
    assert (data["status_code"], data["kind"]) == (401, "auth")


# Values from other commands

SOURCED = {
    "delete_endpoints": "endpoint_ids", "get_managed_endpoint_details": "managed_endpoint_ids",
    "isolate_endpoints": "endpoint_ids", "update_endpoint_labels": "endpoint_ids",
}


@pytest.mark.parametrize("command, parameter", SOURCED.items())
def test_incident_source_is_accepted(host, managed, command, parameter):
    listed = host.result("list_endpoints", {
        "endpoint_type": "endpoints", "is_managed": True,
        "filters": "depth.allItemsRecursively:True"})
    id = listed["raw_data"]["result"]["items"][-1]["id"]
    assert host.result(command, {parameter: [id]})["return_data"] == "Successful"
