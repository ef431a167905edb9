"""The requests of each command: path, method, params, headers."""

import uuid

import pytest
from Support.control_center import AUTHORIZATION, KEY, ControlCenter
from Support.session import Host

A, B = "5b680f6fb1a43d860a7b23c1", "5b680f6fb1a43d860a7b23c2"
NETWORK, INCIDENTS, REPORTS = "/network", "/incidents", "/reports"
COMPUTERS, EXCHANGE = "/quarantine/computers", "/quarantine/exchange"
SERVICE = "computers_and_virtual_machines"

#: command, arguments, service, and (method, params) of each request
CASES = [
    ("add_to_blocklist", {"hashes": ["aa", "bb"], "hash_type": "sha256", "description": "Why"},
     INCIDENTS, [("addToBlocklist", {"hashType": 1, "hashList": ["aa", "bb"], "sourceInfo": "Why"})]),
    ("add_to_blocklist", {"hashes": ["aa"], "hash_type": "md5", "description": "Why"},
     INCIDENTS, [("addToBlocklist", {"hashType": 2, "hashList": ["aa"], "sourceInfo": "Why"})]),
    ("create_group", {"group_name": "G"}, NETWORK, [("createCustomGroup", {"groupName": "G"})]),
    ("create_group", {"group_name": "G", "parent_id": A},
     NETWORK, [("createCustomGroup", {"groupName": "G", "parentId": A})]),
    ("create_scan_task", {"endpoint_ids": [A]},
     NETWORK, [("createScanTask", {"targetIds": [A], "type": 1})]),
    ("create_scan_task", {"mac_addresses": ["00:0C:29:AB:CD:EF", "324935237335"],
                          "scan_type": "memory_scan", "scan_name": "night"},
     NETWORK, [("createScanTaskByMac", {"macAddresses": ["000C29ABCDEF", "324935237335"],
                                        "type": 3, "name": "night"})]),
    ("create_scan_task", {"endpoint_ids": [A, A, B], "mac_addresses": ["324935237335"],
                          "scan_type": "full_scan"},
     NETWORK, [("createScanTask", {"targetIds": [A, B], "type": 2}),
               ("createScanTaskByMac", {"macAddresses": ["324935237335"], "type": 2})]),
    ("create_scan_task", {"endpoint_ids": [A], "scan_type": "custom_scan",
                          "custom_scan_paths": ["LocalDrives"]},
     NETWORK, [("createScanTask", {"targetIds": [A], "type": 4, "customScanSettings":
                                   {"scanDepth": 1, "scanPath": ["LocalDrives"]}})]),
    ("create_scan_task", {"endpoint_ids": [A], "scan_type": "custom_scan",
                          "custom_scan_depth": "permissive", "custom_scan_paths": ["c:\\x"]},
     NETWORK, [("createScanTask", {"targetIds": [A], "type": 4, "customScanSettings":
                                   {"scanDepth": 3, "scanPath": ["c:\\x"]}})]),
    ("delete_endpoints", {"endpoint_ids": [A, B]},
     NETWORK, [("deleteEndpoint", {"endpointId": A}), ("deleteEndpoint", {"endpointId": B})]),
    ("get_managed_endpoint_details", {"managed_endpoint_ids": [A]},
     NETWORK, [("getManagedEndpointDetails", {"endpointId": A})]),
    ("isolate_endpoints", {"endpoint_ids": [A]},
     INCIDENTS, [("createIsolateEndpointTask", {"endpointId": A})]),
    ("list_block_list", {}, INCIDENTS, [("getBlocklistItems", {})]),
    ("list_block_list", {"page": 2, "page_size": 100},
     INCIDENTS, [("getBlocklistItems", {"page": 2, "perPage": 100})]),
    ("list_endpoints", {"endpoint_type": "endpoints"}, NETWORK, [("getEndpointsList", {})]),
    ("list_endpoints", {"endpoint_type": "endpoints", "is_managed": False},
     NETWORK, [("getEndpointsList", {})]),
    ("list_endpoints", {"endpoint_type": "endpoints", "is_managed": True, "page": 1,
                        "page_size": 10, "company_or_group_id": A,
                        "filters": "details.name:*PC1 AND depth.allItemsRecursively:true"},
     NETWORK, [("getEndpointsList", {
         "parentId": A, "isManaged": True, "page": 1, "perPage": 10,
         "filters": {"details": {"name": "*PC1"}, "depth": {"allItemsRecursively": True}}})]),
    ("list_endpoints", {"endpoint_type": "active_directory_endpoints", "is_managed": False,
                        "filters": "type.groups:True"},
     NETWORK, [("getNetworkInventoryItems", {"filters": {"type": {"groups": True}}})]),
    ("list_groups", {}, NETWORK, [("getCustomGroupsList", {})]),
    ("list_groups", {"parent_id": A}, NETWORK, [("getCustomGroupsList", {"parentId": A})]),
    ("list_quarantine_items", {"quarantine_item_service": SERVICE},
     COMPUTERS, [("getQuarantineItemsList", {})]),
    ("list_quarantine_items", {
        "quarantine_item_service": "security_for_exchange", "endpoint_id": A,
        "start_date": "05/19/2022 02:00 AM", "end_date": "2022-05-31T02:00:00+02:00",
        "threat_name": "Trojan", "action_status": "none", "page": 1, "page_size": 5},
     EXCHANGE, [("getQuarantineItemsList", {
         "endpointId": A, "page": 1, "perPage": 5, "filters": {
             "startDate": "2022-05-19T02:00:00", "endDate": "2022-05-31T00:00:00",
             "threatName": "Trojan", "actionStatus": 0}})]),
    ("list_quarantine_items", {"quarantine_item_service": SERVICE, "start_date": 1652925600000,
                               "action_status": "failed_save"},
     COMPUTERS, [("getQuarantineItemsList", {"filters": {
         "startDate": "2022-05-19T02:00:00", "actionStatus": 17}})]),
    ("list_reports", {}, REPORTS, [("getReportsList", {})]),
    ("list_reports", {"report_name": "R", "report_type": "product_trial_status", "page": 3},
     REPORTS, [("getReportsList", {"name": "R", "type": 41, "page": 3})]),
    ("list_scan_tasks", {}, NETWORK, [("getScanTasksList", {})]),
    ("list_scan_tasks", {"scan_name": "S", "status": "in_progress", "page_size": 1},
     NETWORK, [("getScanTasksList", {"name": "S", "status": 2, "perPage": 1})]),
    ("move_endpoints", {"endpoint_ids": [A, B, A], "group_id": B},
     NETWORK, [("moveEndpoints", {"endpointIds": [A, B], "groupId": B})]),
    ("quarantine_files", {"endpoint_ids": [A], "file_path": "d:\\x.dll"}, COMPUTERS,
     [("createAddFileToQuarantineTask", {"endpointIds": [A], "filePath": "d:\\x.dll"})]),
    ("remove_from_block_list", {"hash_item_ids": [A, B]},
     INCIDENTS, [("removeFromBlocklist", {"hashItemId": A}),
                 ("removeFromBlocklist", {"hashItemId": B})]),
    ("remove_quarantine_files",
     {"quarantine_item_ids": [A, B], "quarantine_item_service": "security_for_exchange"},
     EXCHANGE, [("createRemoveQuarantineItemTask", {"quarantineItemsIds": [A, B]})]),
    ("remove_quarantine_files",
     {"quarantine_item_ids": [str(n) for n in range(250)], "quarantine_item_service": SERVICE},
     COMPUTERS, [("createRemoveQuarantineItemTask", {"quarantineItemsIds": [str(n) for n in part]})
                 for part in (range(100), range(100, 200), range(200, 250))]),
    ("restore_endpoints", {"endpoint_ids": [A]},
     INCIDENTS, [("createRestoreEndpointFromIsolationTask", {"endpointId": A})]),
    ("update_endpoint_labels", {"endpoint_ids": [A], "label": "L"},
     NETWORK, [("setEndpointLabel", {"endpointId": A, "label": "L"})]),
    ("update_endpoint_labels", {"endpoint_ids": [A]},
     NETWORK, [("setEndpointLabel", {"endpointId": A, "label": ""})]),
    ("update_endpoint_labels", {"endpoint_ids": [A], "label": "  "},
     NETWORK, [("setEndpointLabel", {"endpointId": A, "label": ""})]),
    ("update_endpoint_labels", {"endpoint_ids": [A], "label": ""},
     NETWORK, [("setEndpointLabel", {"endpointId": A, "label": ""})]),
    ("update_endpoint_labels", {"endpoint_ids": [A], "label": "é" * 70},
     NETWORK, [("setEndpointLabel", {"endpointId": A, "label": "é" * 64})]),
    # A flag has two code points. It is omitted rather than split.
    ("update_endpoint_labels", {"endpoint_ids": [A], "label": "x" * 63 + "🇫🇷"},
     NETWORK, [("setEndpointLabel", {"endpointId": A, "label": "x" * 63})]),
    # A single character with more code points than the limit.
    ("update_endpoint_labels", {"endpoint_ids": [A], "label": "a" + "\u0301" * 80},
     NETWORK, [("setEndpointLabel", {"endpointId": A, "label": "a" + "\u0301" * 63})]),
    ("update_groups", {"group_ids": [A], "parent_id": B},
     NETWORK, [("moveCustomGroup", {"groupId": A, "parentId": B})]),
    ("update_groups", {"group_ids": [A], "update_method": "delete"},
     NETWORK, [("deleteCustomGroup", {"groupId": A, "force": False})]),
    ("update_groups", {"group_ids": [A], "update_method": "delete", "force_delete": True},
     NETWORK, [("deleteCustomGroup", {"groupId": A, "force": True})]),
    ("test_connection", {}, "/general", [("getApiKeyDetails", {})]),
]
each_case = pytest.mark.parametrize(
    "command, arguments, service, expected", CASES,
    ids=[f"{number} {case[0]}" for number, case in enumerate(CASES)])


@pytest.fixture(scope="module")
def center():
    with ControlCenter() as center:
        yield center


@pytest.fixture(scope="module")
def host(center):
    with Host(center.connection(), center.connection(settings={"server_url": center.url + "/api/"}),
              center.connection(settings={"deployment": "on_premises"})) as host:
        yield host


@each_case
def test_the_vendor_receives(center, host, command, arguments, service, expected):
    center.requests.clear()
    host.result(command, arguments, "main")
    # Targets run concurrently, so their order varies.
    assert sorted(map(repr, center.calls)) == sorted(
        repr((f"/api/v1.0/jsonrpc{service}", method, params)) for method, params in expected)
    for request in center.requests:
        assert request.method == "POST"
        assert request.header("authorization") == AUTHORIZATION
        assert request.header("content-type") == "application/json"
        assert set(request.json) == {"jsonrpc", "id", "method", "params"}
        assert request.json["jsonrpc"] == "2.0"
        assert uuid.UUID(request.json["id"]).version == 4
    assert len({request.json["id"] for request in center.requests}) == len(expected)


@each_case
def test_a_dry_run_shows_the_requests_and_sends_nothing(
    center, host, command, arguments, service, expected
):
    center.requests.clear()
    result = host.result(command, arguments, "main", dry_run=True)
    shown = [(r["url"], r["body"]["method"], r["body"]["params"]) for r in result["requests"]]
    assert shown == [
        (f"{center.url}/api/v1.0/jsonrpc{service}", method, params) for method, params in expected]
    assert all(r["headers"]["Authorization"] == "[redacted]" for r in result["requests"])
    assert center.requests == []


def test_an_access_url_may_end_in_api(center, host):
    center.requests.clear()
    host.result("list_groups", {}, "other1")
    assert [path for path, _, _ in center.calls] == ["/api/v1.0/jsonrpc/network"]


ON_PREMISES = [
    ("list_groups", {}, "/network/computers"),
    ("list_reports", {}, "/reports/computers"),
    ("list_block_list", {}, "/incidents"),
    ("list_quarantine_items", {"quarantine_item_service": SERVICE}, COMPUTERS),
    ("test_connection", {}, "/general"),
]


@pytest.mark.parametrize("command, arguments, service", ON_PREMISES)
def test_on_premises_some_services_have_other_paths(center, host, command, arguments, service):
    center.requests.clear()
    host.result(command, arguments, "other2")
    assert [path for path, _, _ in center.calls] == [f"/api/v1.0/jsonrpc{service}"]


HASH_RULES = {"type": "hash", "rules": [
    {"note": "Why", "details": {"algorithm": "md5", "hash": "aa"}},
    {"note": "Why", "details": {"algorithm": "md5", "hash": "bb"}}]}
#: command, arguments, then (version, params) for a connection of v1.1 and one of v1.2
VERSIONS = [
    ("add_to_blocklist", {"hashes": ["aa", "bb"], "hash_type": "md5", "description": "Why"},
     ("v1.0", {"hashType": 2, "hashList": ["aa", "bb"], "sourceInfo": "Why"}),
     ("v1.2", HASH_RULES)),
    ("list_block_list", {"page": 1}, ("v1.0", {"page": 1}), ("v1.2", {"page": 1})),
    ("remove_from_block_list", {"hash_item_ids": [A]},
     ("v1.0", {"hashItemId": A}), ("v1.2", {"ids": [A]})),
    ("isolate_endpoints", {"endpoint_ids": [A]},
     ("v1.1", {"endpointId": A}), ("v1.2", {"endpointIds": [A]})),
    ("restore_endpoints", {"endpoint_ids": [A]},
     ("v1.1", {"endpointId": A}), ("v1.2", {"endpointIds": [A]})),
    ("list_endpoints", {"endpoint_type": "endpoints"}, ("v1.1", {}), ("v1.1", {})),
    ("list_groups", {}, ("v1.0", {}), ("v1.0", {})),
    ("remove_quarantine_files",
     {"quarantine_item_ids": [A], "quarantine_item_service": SERVICE},
     ("v1.1", {"quarantineItemsIds": [A]}), ("v1.1", {"quarantineItemsIds": [A]})),
]


@pytest.mark.parametrize("command, arguments, older, newer", VERSIONS)
def test_each_version_gets_its_request_shape(center, command, arguments, older, newer):
    connections = [center.connection(settings={"api_version": v}) for v in ("v1.1", "v1.2")]
    with Host(*connections) as host:
        for name, (version, params) in (("main", older), ("other1", newer)):
            center.requests.clear()
            host.result(command, arguments, name)
            ((path, _, sent),) = center.calls
            assert path.startswith(f"/api/{version}/jsonrpc/")
            assert sent == params


@pytest.mark.parametrize("version", ["v1.3", "1.3", "V1.3", "v1.20", "v2.0"])
def test_a_version_that_no_method_has_uses_the_next_lower_one(center, version):
    with Host(center.connection(settings={"api_version": version})) as host:
        for command, arguments, (older, _), (newer, params) in VERSIONS:
            center.requests.clear()
            host.result(command, arguments)
            ((path, _, sent),) = center.calls
            assert path.startswith(f"/api/{newer}/jsonrpc/") and sent == params


@pytest.mark.parametrize("version", ["v1", "1", "v1.0.0", "v1.", "v.1", "latest", "v1.0/..", "vv1.0", "v1.0000", 1.0, ""])
def test_what_is_no_version_is_refused(center, version):
    with Host(center.connection()) as host:
        data = host.failure("list_groups", {}, center.connection(settings={"api_version": version}))
    assert [problem["path"] for problem in data["problems"]] == ["/connection/settings/api_version"]


def test_the_key_is_redacted_everywhere(center):
    with Host(center.connection(), options=["--log-level", "debug"]) as host:
        host.result("list_groups")
        host.call("connections/list")
        host.failure("list_groups", {"parent": KEY})
        seen = host.everything()
    assert KEY.encode() not in seen
    assert AUTHORIZATION.removeprefix("Basic ").encode() not in seen


def test_reads_reuse_a_connection_and_each_write_opens_one(center):
    with Host(center.connection()) as host:
        center.requests.clear()
        for command in ("list_groups", "list_groups", "list_block_list"):
            host.result(command)
        host.result("isolate_endpoints", {"endpoint_ids": [A]})
        host.result("list_groups")
    first, second, third, write, last = [request.connection.number for request in center.requests]
    assert first == second == third == last != write
