"""Each error sample of the product's document, word for word, from the emulated vendor in both of
its forms of errors: HTTP 200 with an error body, and another HTTP status.
"""

import pytest
from Support.gravityzone import ANALYST, NOWHERE, GravityZone, Ids
from Support.session import Host

COMPUTERS = "computers_and_virtual_machines"


@pytest.fixture(scope="module")
def ids(running):
    return Ids(running.base)


@pytest.fixture(scope="module")
def unmanaged(running):
    items = GravityZone(running.base).pages(
        "getEndpointsList", isManaged=False, filters={"depth": {"allItemsRecursively": True}})
    return items[0]["id"]


@pytest.fixture(scope="module")
def managed(running):
    items = GravityZone(running.base).pages(
        "getEndpointsList", isManaged=True, filters={"depth": {"allItemsRecursively": True}})
    return items[0]["id"]


@pytest.fixture(scope="module")
def of_two_companies(ids):
    """An endpoint of one company, a custom group of the other."""
    return {"endpoint": ids.endpoints, "groups": ids.groups}


@pytest.fixture(params=["HTTP 200", "HTTP error status"])
def sandbox(running, request):
    running.reset()
    faults = ["gravityzone: no rate limits"]
    if request.param != "HTTP 200":
        faults.append("gravityzone: errors as http status")
    running.faults(*faults)
    return running


@pytest.fixture
def host(sandbox, tmp_path):
    analyst = dict(sandbox.gravityzone)
    analyst["settings"] = {**analyst["settings"], "api_key": ANALYST}
    with Host(sandbox.gravityzone, analyst, options=["--state-dir", str(tmp_path)]) as host:
        yield host


def check(host, command, arguments, indicator, status, message, connection="main"):
    data = host.failure(command, arguments, connection)
    assert (data["return_data"], data["failure_indicator"]) == ("Failed", indicator)
    assert (data["status_code"], data["message"]) == (status, message)
    assert data["outcome"] == "not_applied"


def test_add_to_blocklist(host):
    check(host, "add_to_blocklist",
          {"hashes": ["d" * 64], "hash_type": "sha256", "description": "x"},
          "Add to Blocklist failed.", 403,
          "Not enough rights for this companyId to add a hash to blocklist.", "other1")


def test_create_group(host):
    host.result("create_group", {"group_name": "Twice"}, "main")
    check(host, "create_group", {"group_name": "Twice"}, "Create Group failed.", 409,
          "Group name already exists.")


def test_create_scan_task(host):
    check(host, "create_scan_task", {}, "Create Scan Task failed.", 400,
          "The input parameters 'Endpoint IDs' & 'Mac Addresses' cannot be empty at the same time.")


def test_delete_endpoints(host):
    check(host, "delete_endpoints", {"endpoint_ids": [NOWHERE]}, "Delete Endpoints failed.", 400,
          "Invalid value for 'endpointId' parameter.")


def test_download_reports(host):
    # The document prints a stray quotation mark before this text.
    check(host, "download_reports", {"report_ids": [NOWHERE]}, "Download Reports failed.", 400,
          "Invalid value for 'reportId' parameter.")


def test_get_managed_endpoint_details(host, unmanaged):
    check(host, "get_managed_endpoint_details", {"managed_endpoint_ids": [unmanaged]},
          "Get Managed Endpoint Details failed.", 403, "This endpoint cannot be queried.")


def test_isolate_endpoints(host, unmanaged):
    check(host, "isolate_endpoints", {"endpoint_ids": [unmanaged]}, "Isolate Endpoints failed.",
          422, "Invalid value for this 'endpointId'. The endpoint is not managed.")


def test_list_block_list(host):
    check(host, "list_block_list", {"page_size": 101}, "List Block List failed.", 400,
          "The value for parameter (Page Size) is invalid.")


def test_list_endpoints(host):
    check(host, "list_endpoints", {"endpoint_type": "endpoints", "filters": "name=PC1"},
          "List Endpoints failed.", 400,
          "Wrong syntax string provided in parameter 'Filters', please refer to the parameter"
          " description and sample data.")


def test_list_groups(host):
    check(host, "list_groups", {"parent_id": NOWHERE}, "List Groups failed.", 400,
          "Invalid value for 'parentId' parameter.")


def test_list_quarantine_items(host):
    check(host, "list_quarantine_items",
          {"quarantine_item_service": COMPUTERS, "start_date": "05/31/2022 02:00 AM",
           "end_date": "05/19/2022 02:00 AM"},
          "List Quarantine Items failed.", 400, "Start Time cannot be greater than End Time.")


def test_list_reports(host):
    check(host, "list_reports", {"page_size": 0}, "List Reports failed.", 400,
          "The value for parameter (Page Size) is invalid.")


def test_list_scan_tasks(host):
    check(host, "list_scan_tasks", {"page": 0}, "List Scan Tasks failed.", 400,
          "The value for parameter (Page) is invalid.")


def test_move_endpoints(host, sandbox, ids, managed):
    # A custom group of the other company.
    clinic = GravityZone(sandbox.base)
    own = clinic.call("createCustomGroup", groupName="A ward of tests",
                      parentId=ids.companies["Lantern Clinics"])
    check(host, "move_endpoints", {"endpoint_ids": [managed], "group_id": own},
          "Move Endpoints failed.", 409,
          "One or more endpoints do not belong to the same company with the target custom group.")


def test_quarantine_files(host, unmanaged):
    check(host, "quarantine_files", {"endpoint_ids": [unmanaged], "file_path": "d:\\x.dll"},
          "Quarantine Files failed.", 400, "No valid target provided.")


def test_remove_from_block_list(host):
    check(host, "remove_from_block_list", {"hash_item_ids": [NOWHERE]},
          "Remove From Block List failed.", 403,
          "The blocklisted file does not exist or you do not have enough rights to access this item.")


def test_remove_quarantine_files(host):
    check(host, "remove_quarantine_files",
          {"quarantine_item_ids": [NOWHERE], "quarantine_item_service": COMPUTERS},
          "Remove Quarantine Files failed.", 400, "At least one specified target is invalid.")


def test_restore_endpoints(host, managed):
    check(host, "restore_endpoints", {"endpoint_ids": [managed]}, "Restore Endpoints failed.", 409,
          "This endpoint cannot be restored from isolation. It is either not isolated, cannot be"
          " isolated or a isolation task is already in progress.")


def test_update_endpoint_labels(host):
    check(host, "update_endpoint_labels", {"endpoint_ids": [NOWHERE], "label": "x"},
          "Update Endpoint Labels failed.", 403,
          "Endpoint not found or not enough privileges to access this resource.")


def test_update_groups(host, managed):
    groups = host.result("list_groups", {}, "main")["raw_data"]["result"]
    check(host, "update_groups", {"group_ids": [groups[0]["id"]], "update_method": "delete"},
          "Update Groups failed.", 400,
          "Incorrect custom group specified through the 'groupId' parameter. Please provide the id"
          " of a custom group.")


def test_test_connection(host):
    check(host, "test_connection", {},
          "Test Connection failed. Failed to check the connector.", 403, "Unauthorized.", "other1")
