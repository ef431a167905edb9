"""The emulated GravityZone, over real HTTP, against the vendor's contract."""

import concurrent.futures
import csv
import io
import json
import re
import threading
import zipfile

import pytest
import requests
from Support.gravityzone import ANALYST, CLINIC, NOWHERE, PARTNER, GravityZone, Ids
from Support.sandbox import Sandbox

NO_LIMITS = "gravityzone: no rate limits"
AS_STATUS = "gravityzone: errors as http status"
RECURSIVE = {"depth": {"allItemsRecursively": True}}
SHA256 = "ab" * 32
MD5 = "cd" * 16
DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


@pytest.fixture(scope="module")
def running():
    sandbox = Sandbox()
    try:
        yield sandbox
    finally:
        sandbox.stop()


@pytest.fixture
def sandbox(running):
    """A reset sandbox without rate limits."""
    running.reset()
    running.faults(NO_LIMITS)
    return running


@pytest.fixture(scope="module")
def ids(running):
    running.reset()
    return Ids(running.base)


@pytest.fixture
def client(sandbox):
    return GravityZone(sandbox.base)


@pytest.fixture
def limited(sandbox):
    sandbox.faults()
    return GravityZone(sandbox.base)


def invalid(name):
    return f"Invalid value for '{name}' parameter."


def names(items):
    return [item["name"] for item in items]


# Authentication and routing


def test_printed_connection_names_the_integration_and_works(sandbox, client):
    connection = sandbox.gravityzone
    assert connection["integration"] == "bitdefender_gravityzone"
    assert connection["settings"] == {
        "server_url": sandbox.base, "api_key": PARTNER, "api_version": "v1.0"}
    details = client.call("getApiKeyDetails")
    assert details["enabledApis"] == ["general", "network", "incidents", "quarantine", "reports"]
    assert re.fullmatch(DATE, details["createdAt"])


@pytest.mark.parametrize("key", ["", "x", PARTNER[:-1], PARTNER.upper()])
@pytest.mark.parametrize("verb, path", [
    ("POST", "/api/v1.0/jsonrpc/network"), ("GET", "/api/v1.0/jsonrpc/network"),
    ("POST", "/api/v1.0/jsonrpc/nothing"), ("GET", "/api/v1.0/http/downloadReportZip"),
])
def test_wrong_key_is_401_before_other_checks(sandbox, key, verb, path):
    answer = requests.request(verb, sandbox.base + path, auth=(key, ""), data="{")
    assert (answer.status_code, answer.content) == (401, b"")


def test_key_is_the_user_name_with_an_empty_password(sandbox):
    url = sandbox.base + "/api/v1.0/jsonrpc/general"
    assert requests.post(url).status_code == 401
    assert requests.post(url, auth=("", PARTNER)).status_code == 401
    assert requests.post(url, auth=(PARTNER, "x")).status_code == 401
    assert requests.post(url, headers={"Authorization": "Bearer " + PARTNER}).status_code == 401
    assert requests.post(url, auth=(PARTNER, ""), data="{}").status_code == 200


@pytest.mark.parametrize("service, status", [
    ("general", 200), ("network", 200), ("incidents", 200), ("reports", 200),
    ("quarantine/computers", 200), ("quarantine/exchange", 200),
    ("network/computers", 200), ("network/virtualmachines", 200), ("reports/computers", 200),
    ("quarantine", 404), ("quarantine/virtualmachines", 404), ("network/exchange", 404),
    ("network/", 404), ("networks", 404), ("general/computers", 404), ("", 404),
])
def test_service_exists_or_is_404(sandbox, client, service, status):
    assert client.post("nothing", {}, service).status_code == status


@pytest.mark.parametrize("path", [
    "/api/v1.3/jsonrpc/network", "/api/v2/jsonrpc/network", "/api/v1.0/rest/network", "/api/v1.0"])
def test_other_versions_and_protocols_are_404(sandbox, client, path):
    assert client.session.post(sandbox.base + path, json={}).status_code == 404


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_verb_other_than_post_is_405(sandbox, client, verb):
    answer = client.session.request(verb, sandbox.base + "/api/v1.0/jsonrpc/network")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("method", [
    "getApiKeyDetails", "getQuarantineItemsList", "getReportsList"])
def test_area_without_permission_is_403(sandbox, method):
    answer = GravityZone(sandbox.base, ANALYST).post(method, {})
    assert answer.status_code == 403
    assert answer.json()["error"]["data"]["details"] == "Unauthorized."


def test_key_of_one_company_sees_only_that_company(sandbox, ids):
    clinic = GravityZone(sandbox.base, CLINIC)
    items = clinic.pages("getNetworkInventoryItems", filters=RECURSIVE)
    assert {item["companyId"] for item in items} == {ids.companies["Lantern Clinics"]}
    ours = ids.endpoints["FIN-PC1"]
    assert clinic.refusal("deleteEndpoint", endpointId=ours) == invalid("endpointId")
    assert clinic.refusal("getEndpointsList", parentId=ids.groups["Finance"]) == invalid("parentId")
    assert clinic.refusal(
        "getDownloadLinks", reportId=ids.reports["Malware Review daily"]) == invalid("reportId")
    assert names(clinic.call("getReportsList")["items"]) == ["Clinic Overview"]


# JSON-RPC


def raw(client, text, version="v1.0"):
    answer = client.session.post(f"{client.base}/api/{version}/jsonrpc/network", data=text)
    return answer.status_code, answer.json()


def test_response_echoes_the_id(client):
    for identifier in ("x", "caf\u00e9", 7):
        body = {"id": identifier, "jsonrpc": "2.0", "method": "getCustomGroupsList", "params": {}}
        status, answer = raw(client, json.dumps(body))
        assert (status, answer["id"], answer["jsonrpc"]) == (200, identifier, "2.0")
        body["params"] = {"parentId": 1}
        assert raw(client, json.dumps(body))[1]["id"] == identifier


@pytest.mark.parametrize("text, code, message", [
    ("", -32700, "Parse error"), ("{", -32700, "Parse error"), ("[" * 99, -32700, "Parse error"),
    ("[]", -32600, "Invalid Request"), ("1", -32600, "Invalid Request"),
    ('{"jsonrpc":"2.0","method":"getEndpointsList","params":{}}', -32600, "Invalid Request"),
    ('{"id":null,"jsonrpc":"2.0","method":"getEndpointsList","params":{}}', -32600, "Invalid Request"),
    ('{"id":"1","jsonrpc":"2.0","method":"getEndpointsList"}', -32600, "Invalid Request"),
    ('{"id":"1","jsonrpc":"2.0","method":"getEndpointsList","params":[]}', -32600, "Invalid Request"),
    ('{"id":"1","jsonrpc":"1.0","method":"getEndpointsList","params":{}}', -32600, "Invalid Request"),
    ('{"id":"1","jsonrpc":"2.0","params":{}}', -32600, "Invalid Request"),
    ('{"id":"1","jsonrpc":"2.0","method":"getendpointslist","params":{}}', -32601, "Method not found"),
    ('{"id":"1","jsonrpc":"2.0","method":"getReportsList","params":{}}', -32601, "Method not found"),
])
def test_invalid_call_is_rejected_with_its_code(client, text, code, message):
    status, answer = raw(client, text)
    assert (status, answer["error"]["code"], answer["error"]["message"]) == (200, code, message)


@pytest.mark.parametrize("text, status", [
    ("{", 400), ("{}", 400), ('{"id":1,"jsonrpc":"2.0","method":"x","params":{}}', 404)])
def test_invalid_call_is_rejected_with_a_status(sandbox, client, text, status):
    sandbox.faults(AS_STATUS)
    assert raw(client, text)[0] == status


@pytest.mark.parametrize("method, params, name", [
    ("getEndpointsList", {"x": 1}, "x"),
    ("getEndpointsList", {"parentId": None}, "parentId"),
    ("getEndpointsList", {"parentId": ""}, "parentId"),
    ("getEndpointsList", {"parentId": "5A" * 12}, "parentId"),
    ("getEndpointsList", {"parentId": NOWHERE}, "parentId"),
    ("getEndpointsList", {"isManaged": "true"}, "isManaged"),
    ("getEndpointsList", {"page": 0}, "page"),
    ("getEndpointsList", {"page": "1"}, "page"),
    ("getEndpointsList", {"perPage": 0}, "perPage"),
    ("getEndpointsList", {"perPage": 101}, "perPage"),
    ("getEndpointsList", {"perPage": 1.5}, "perPage"),
    ("getEndpointsList", {"filters": []}, "filters"),
    ("getEndpointsList", {"filters": {"type": {"groups": True}}}, "filters.type"),
    ("getEndpointsList", {"filters": {"details": {"name": "*PC"}}}, "filters.details.name"),
    ("getNetworkInventoryItems", {"filters": {"depth": {"x": True}}}, "filters.depth.x"),
    ("getNetworkInventoryItems", {"perPage": 101}, "perPage"),
    ("getManagedEndpointDetails", {}, "endpointId"),
    ("getManagedEndpointDetails", {"endpointId": NOWHERE}, "endpointId"),
    ("setEndpointLabel", {"endpointId": NOWHERE}, "label"),
    ("setEndpointLabel", {"endpointId": NOWHERE, "label": "x" * 65}, "label"),
    ("moveEndpoints", {"endpointIds": [], "groupId": NOWHERE}, "endpointIds"),
    ("moveEndpoints", {"endpointIds": ["x"], "groupId": NOWHERE}, "endpointIds"),
    ("createCustomGroup", {"groupName": ""}, "groupName"),
    ("moveCustomGroup", {"groupId": NOWHERE, "newParentId": NOWHERE}, "newParentId"),
    ("deleteCustomGroup", {"groupId": NOWHERE, "force": "no"}, "force"),
    ("createScanTask", {"targetIds": [NOWHERE], "type": 1}, "targetIds"),
    ("createScanTask", {"targetIds": [NOWHERE]}, "type"),
    ("createScanTask", {"targetIds": [NOWHERE], "type": 5}, "type"),
    ("createScanTask", {"targetIds": [NOWHERE], "type": 4}, "customScanSettings"),
    ("createScanTask", {"targetIds": [NOWHERE], "type": 4,
                        "customScanSettings": {"scanDepth": 4, "scanPath": ["/"]}},
     "customScanSettings.scanDepth"),
    ("createScanTaskByMac", {"macAddresses": ["0250f2ffffff"], "type": 1}, "macAddresses"),
    ("createScanTaskByMac", {"macAddresses": ["x"] * 101, "type": 1}, "macAddresses"),
    ("getScanTasksList", {"status": 4}, "status"),
    ("addToBlocklist", {"hashType": 3, "hashList": [MD5], "sourceInfo": "x"}, "hashType"),
    ("addToBlocklist", {"hashType": 1, "hashList": [MD5], "sourceInfo": "x"}, "hashList"),
    ("addToBlocklist", {"hashType": 2, "hashList": ["z" * 32], "sourceInfo": "x"}, "hashList"),
    ("addToBlocklist", {"hashType": 2, "hashList": [MD5]}, "sourceInfo"),
    ("getQuarantineItemsList", {"filters": {"startDate": "2026-02-30T00:00:00"}}, "filters.startDate"),
    ("getQuarantineItemsList", {"filters": {"endDate": "05/19/2022"}}, "filters.endDate"),
    ("getQuarantineItemsList", {"filters": {"actionStatus": 5}}, "filters.actionStatus"),
    ("getQuarantineItemsList", {"endpointId": NOWHERE}, "endpointId"),
    ("createRemoveQuarantineItemTask", {"quarantineItemsIds": [NOWHERE] * 101}, "quarantineItemsIds"),
    ("createAddFileToQuarantineTask", {"endpointIds": [NOWHERE], "filePath": "a.dll"}, "filePath"),
    ("getReportsList", {"type": 11}, "type"),
    ("getDownloadLinks", {"reportId": NOWHERE}, "reportId"),
])
def test_parameters_are_strict(client, method, params, name):
    answer = client.post(method, params)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (200, -32602)
    assert error["data"]["details"] == invalid(name)


# The error samples of the product page, word for word


def test_every_error_of_the_product_page_is_emulated(sandbox, client, ids):
    pc, guest, clinic = (ids.endpoints[name] for name in ("FIN-PC1", "GUEST-01", "CLINIC-PC1"))
    samples = [
        (ANALYST, "addToBlocklist", {"hashType": 2, "hashList": [MD5], "sourceInfo": "x"}, 403,
         "Not enough rights for this companyId to add a hash to blocklist."),
        (PARTNER, "createCustomGroup", {"groupName": "Warehouse"}, 409,
         "Group name already exists."),
        (PARTNER, "deleteEndpoint", {"endpointId": "x"}, 400,
         "Invalid value for 'endpointId' parameter."),
        (PARTNER, "getDownloadLinks", {"reportId": "x"}, 400,
         "Invalid value for 'reportId' parameter."),
        (PARTNER, "getManagedEndpointDetails", {"endpointId": guest}, 403,
         "This endpoint cannot be queried."),
        (PARTNER, "createIsolateEndpointTask", {"endpointId": guest}, 422,
         "Invalid value for this 'endpointId'. The endpoint is not managed."),
        (PARTNER, "getCustomGroupsList", {"parentId": pc}, 400,
         "Invalid value for 'parentId' parameter."),
        (PARTNER, "moveEndpoints", {"endpointIds": [pc, clinic], "groupId": ids.groups["Warehouse"]}, 409,
         "One or more endpoints do not belong to the same company with the target custom group."),
        (PARTNER, "createAddFileToQuarantineTask", {"endpointIds": [guest], "filePath": r"d:\a.dll"}, 400,
         "No valid target provided."),
        (PARTNER, "removeFromBlocklist", {"hashItemId": NOWHERE}, 403,
         "The blocklisted file does not exist or you do not have enough rights to access this item."),
        (PARTNER, "createRemoveQuarantineItemTask", {"quarantineItemsIds": [NOWHERE]}, 400,
         "At least one specified target is invalid."),
        (PARTNER, "createRestoreEndpointFromIsolationTask", {"endpointId": pc}, 409,
         "This endpoint cannot be restored from isolation. It is either not isolated, cannot be isolated"
         " or a isolation task is already in progress."),
        (PARTNER, "setEndpointLabel", {"endpointId": NOWHERE, "label": "x"}, 403,
         "Endpoint not found or not enough privileges to access this resource."),
        (PARTNER, "deleteCustomGroup", {"groupId": ids.groups["Computers and Groups"]}, 400,
         "Incorrect custom group specified through the 'groupId' parameter."
         " Please provide the id of a custom group."),
    ]
    for faults, shows_status in (([NO_LIMITS], False), ([NO_LIMITS, AS_STATUS], True)):
        sandbox.faults(*faults)
        for key, method, params, status, details in samples:
            answer = GravityZone(sandbox.base, key).post(method, params)
            error = answer.json()["error"]
            assert answer.status_code == (status if shows_status else 200), method
            assert (error["code"], error["message"]) == (-32602, "Invalid params")
            assert error["data"]["details"] == details


# Network inventory


def test_pages_of_endpoints(client):
    first = client.call("getEndpointsList", perPage=4)
    assert {k: v for k, v in first.items() if k != "items"} == {
        "page": 1, "pagesCount": 3, "perPage": 4, "total": 9}
    assert len(first["items"]) == 4
    assert len(client.call("getEndpointsList", page=3, perPage=4)["items"]) == 1
    for page in (4, 2**62):
        assert client.call("getEndpointsList", page=page, perPage=4)["items"] == []
    assert client.call("getEndpointsList")["perPage"] == 30


def test_endpoint_has_the_documented_members(client, ids):
    (item,) = client.call(
        "getEndpointsList", filters={**RECURSIVE, "details": {"name": "ENG-WS01"}})["items"]
    assert set(item) == {
        "id", "name", "label", "fqdn", "groupId", "isManaged", "machineType",
        "operatingSystemVersion", "ip", "macs", "ssid", "managedWithBest"}
    assert item["groupId"] == ids.groups["Engineering"] and item["machineType"] == 1
    assert all(re.fullmatch("[0-9a-f]{12}", mac) for mac in item["macs"])
    assert re.fullmatch("[0-9a-f]{24}", item["id"])


def under(client, parent=None, **filters):
    parameters = {} if parent is None else {"parentId": parent}
    return names(client.pages("getEndpointsList", filters=filters, **parameters))


def test_endpoints_are_listed_by_parent_or_recursively(client, ids):
    assert under(client, ids.groups["Finance"]) == [f"FIN-PC{n}" for n in range(1, 9)]
    everywhere = under(client, ids.groups["Headquarters"], **RECURSIVE)
    assert len(everywhere) == 23 and under(client, ids.groups["Headquarters"]) == []
    assert len(under(client)) == 9
    # The tree of the company contains the group Deleted; Computers and Groups does not.
    assert len(under(client, **RECURSIVE)) == 54
    assert len(under(client, ids.companies["Harbor Logistics"], **RECURSIVE)) == 56
    assert len(under(client, ids.companies["Lantern Clinics"], **RECURSIVE)) == 4
    assert len(ids.endpoints) == 60


@pytest.mark.parametrize("filters, shown", [
    ({"details": {"name": "pay"}}, [f"PAY-PC{n}" for n in range(1, 6)]),
    ({"details": {"name": "*PC1"}}, ["LOBBY-PC1", "FIN-PC1", "PAY-PC1"]),
    ({"details": {"name": "PC1"}}, []),
    ({"details": {"ssid": "harbor-guest"}}, [f"LOBBY-PC{n}" for n in range(1, 5)]),
    ({"security": {"management": {"managedRelays": True}}}, ["SRV-RELAY1", "SRV-RELAY2"]),
    ({"security": {"management": {"managedExchangeServers": True}}}, ["SRV-EXCH1"]),
    ({"security": {"management": {"securityServers": True}}}, ["SVA-01"]),
    ({"security": {"management": {"managedWithBest": True, "managedRelays": True}},
      "details": {"name": "*LAY2"}}, ["SRV-RELAY2"]),
])
def test_endpoints_are_filtered(client, filters, shown):
    assert under(client, **{**RECURSIVE, **filters}) == shown


def test_mac_filter_matches_any_of_several(client, ids):
    macs = [ids.macs["FIN-PC2"][0], ids.macs["LOBBY-PC1"][1], "0250f2ffffff"]
    assert under(client, **RECURSIVE, details={"macs": macs}) == ["LOBBY-PC1", "FIN-PC2"]


def test_endpoints_are_filtered_by_management(client):
    counts = [len(client.call("getEndpointsList", **more)["items"])
              for more in ({}, {"isManaged": True}, {"isManaged": False})]
    assert counts == [9, 4, 5]


def test_role_flags_are_present_only_if_true(client):
    items = client.pages("getEndpointsList", filters=RECURSIVE)
    for flag in ("managedRelay", "managedExchangeServer", "securityServer"):
        assert {item[flag] for item in items if flag in item} == {True}


def test_v1_1_endpoint_pages_may_be_large(client):
    answer = client.call("getEndpointsList", version="v1.1", perPage=1000, filters=RECURSIVE)
    assert (len(answer["items"]), answer["pagesCount"]) == (54, 1)
    assert client.refusal("getEndpointsList", version="v1.1", perPage=1001) == invalid("perPage")


def test_inventory_starts_with_the_companies(client, ids):
    items = client.call("getNetworkInventoryItems")["items"]
    assert [(item["name"], item["type"]) for item in items] == [
        ("Harbor Logistics", 1), ("Lantern Clinics", 1)]
    below = client.call("getNetworkInventoryItems", parentId=items[0]["id"])["items"]
    assert names(below) == ["Computers and Groups", "Deleted"]
    below = client.call("getNetworkInventoryItems", parentId=below[0]["id"])["items"]
    assert {item["type"] for item in below} == {4, 5}
    assert "details" not in below[0] and below[0]["parentId"] == ids.groups["Computers and Groups"]
    assert below[-1]["details"]["isManaged"] is False


@pytest.mark.parametrize("types, count", [
    (["groups"], 10), (["computers"], 49), (["virtualMachines"], 10), (["ec2Instances"], 1),
    (["companies"], 2), (["companyFolders"], 0), (["groups", "ec2Instances"], 11), ([], 76),
])
def test_inventory_is_filtered_by_type(client, types, count):
    filters = {**RECURSIVE, "type": {name: True for name in types} | {"containers": False}}
    assert client.refusal("getNetworkInventoryItems", filters=filters) == invalid("filters.type.containers")
    del filters["type"]["containers"]
    assert client.call("getNetworkInventoryItems", filters=filters)["total"] == count


def test_inventory_has_other_filters(client, ids):
    def shown(**filters):
        return names(client.pages("getNetworkInventoryItems", filters={**RECURSIVE, **filters}))
    assert shown(details={"name": "*and"}) == ["Computers and Groups", "Computers and Groups"]
    assert shown(security={"management": {"managedRelays": True}}) == ["SRV-RELAY1", "SRV-RELAY2"]
    assert shown(details={"macs": ids.macs["AWS-WEB1"]}, type={"ec2Instances": True}) == ["AWS-WEB1"]


def test_v1_1_inventory_has_totals_only_on_the_first_page(client):
    def page(number):
        return client.call("getNetworkInventoryItems", version="v1.1", page=number, perPage=40,
                           filters=RECURSIVE)
    first, second = page(1), page(2)
    assert (first["pagesCount"], first["total"], first["hasMoreRecords"]) == (2, 76, True)
    assert set(second) == {"page", "perPage", "hasMoreRecords", "items"}
    assert (len(second["items"]), second["hasMoreRecords"]) == (36, False)


def test_on_premises_paths_separate_machine_types(client):
    for service, types in (("network/computers", {0, 1}), ("network/virtualmachines", {2, 3})):
        answer = client.call("getEndpointsList", service=service, perPage=100, filters=RECURSIVE)
        assert {item["machineType"] for item in answer["items"]} == types


def test_managed_endpoint_has_details(client, ids):
    details = client.call("getManagedEndpointDetails", endpointId=ids.endpoints["SRV-RELAY1"])
    assert set(details) >= {
        "id", "name", "companyId", "operatingSystem", "state", "ip", "lastSeen", "machineType",
        "agent", "group", "malwareStatus", "modules", "policy", "label", "managedWithBest"}
    assert details["group"] == {"id": ids.groups["Servers"], "name": "Servers"}
    assert details["managedRelay"] is True and re.fullmatch(DATE, details["lastSeen"])
    for other in (ids.groups["Servers"], ids.companies["Lantern Clinics"], ids.endpoints["GUEST-02"]):
        assert client.refusal(
            "getManagedEndpointDetails", endpointId=other) == "This endpoint cannot be queried."


# Groups


def groups(client, parent=None):
    return names(client.call("getCustomGroupsList", **({} if parent is None else {"parentId": parent})))


def test_groups_are_listed_by_level(client, ids):
    assert groups(client) == groups(client, ids.companies["Harbor Logistics"]) == [
        "Computers and Groups", "Deleted"]
    assert groups(client, ids.groups["Computers and Groups"]) == [
        "Headquarters", "Warehouse", "Servers", "Spare Room"]
    assert groups(client, ids.groups["Headquarters"]) == ["Finance", "Engineering"]
    assert groups(client, ids.groups["Finance"]) == ["Payroll"]
    assert groups(client, ids.groups["Payroll"]) == groups(client, ids.groups["Deleted"]) == []


def test_group_is_created_below_a_company_or_a_group(client, ids):
    made = client.call("createCustomGroup", groupName="New")
    inner = client.call("createCustomGroup", groupName="New", parentId=made)
    other = client.call("createCustomGroup", groupName="New", parentId=ids.companies["Lantern Clinics"])
    assert len({made, inner, other}) == 3 and re.fullmatch("[0-9a-f]{24}", made)
    assert "New" in groups(client, ids.groups["Computers and Groups"])
    assert groups(client, made) == ["New"]
    assert client.refusal("createCustomGroup", groupName="New") == "Group name already exists."
    assert client.refusal(
        "createCustomGroup", groupName="New", parentId=ids.groups["Deleted"]) == invalid("parentId")


def test_group_is_moved_with_its_content(client, ids):
    finance, warehouse = ids.groups["Finance"], ids.groups["Warehouse"]
    assert client.call("moveCustomGroup", groupId=finance, parentId=warehouse) is None
    assert groups(client, warehouse) == ["Finance", "Dock Terminals"]
    assert len(under(client, warehouse, **RECURSIVE)) == 8 + 5 + 8
    clash = client.call("createCustomGroup", groupName="Payroll", parentId=warehouse)
    assert client.refusal(
        "moveCustomGroup", groupId=clash, parentId=finance) == "Group name already exists."


@pytest.mark.parametrize("group, parent, details", [
    ("Headquarters", "Payroll", "parent"), ("Finance", "Finance", "parent"),
    ("Finance", "Deleted", "parent"), ("Finance", "Wards", "parent"),
    ("Computers and Groups", "Finance", "group"), ("Deleted", "Finance", "group"),
])
def test_invalid_group_move_is_rejected(client, ids, group, parent, details):
    expected = {
        "parent": invalid("parentId"),
        "group": "Incorrect custom group specified through the 'groupId' parameter."
                 " Please provide the id of a custom group."}[details]
    assert client.refusal(
        "moveCustomGroup", groupId=ids.groups[group], parentId=ids.groups[parent]) == expected


def test_group_is_deleted_if_empty_or_by_force(client, ids):
    assert client.call("deleteCustomGroup", groupId=ids.groups["Spare Room"]) is None
    finance = ids.groups["Finance"]
    assert "not empty" in client.refusal("deleteCustomGroup", groupId=finance)
    assert "not empty" in client.refusal("deleteCustomGroup", groupId=finance, force=False)
    assert client.call("deleteCustomGroup", groupId=finance, force=True) is None
    assert groups(client, ids.groups["Headquarters"]) == ["Engineering"]
    assert len(under(client, ids.groups["Deleted"])) == 2 + 8 + 5
    assert "Incorrect custom group" in client.refusal("deleteCustomGroup", groupId=finance, force=True)


# Endpoints


def test_endpoints_are_moved_all_or_none(client, ids):
    moved = [ids.endpoints["FIN-PC1"], ids.endpoints["GUEST-01"]]
    empty = ids.groups["Spare Room"]
    assert client.refusal("moveEndpoints", endpointIds=[*moved, NOWHERE], groupId=empty) == invalid("endpointIds")
    assert client.refusal(
        "moveEndpoints", endpointIds=[moved[0], ids.groups["Finance"]], groupId=empty) == invalid("endpointIds")
    for target in (ids.groups["Deleted"], NOWHERE, ids.companies["Harbor Logistics"]):
        assert "Incorrect custom group" in client.refusal("moveEndpoints", endpointIds=moved, groupId=target)
    assert under(client, empty) == []
    assert client.call("moveEndpoints", endpointIds=moved, groupId=empty) is None
    assert sorted(under(client, empty)) == ["FIN-PC1", "GUEST-01"]


def test_endpoint_is_deleted_in_two_steps(client, ids):
    endpoint = ids.endpoints["FIN-PC3"]
    assert client.call("deleteEndpoint", endpointId=endpoint) is None
    assert "FIN-PC3" in under(client, ids.groups["Deleted"])
    assert client.call("deleteEndpoint", endpointId=endpoint) is None
    assert "FIN-PC3" not in under(client, ids.companies["Harbor Logistics"], **RECURSIVE)
    assert client.refusal("deleteEndpoint", endpointId=endpoint) == invalid("endpointId")
    assert client.refusal("deleteEndpoint", endpointId=ids.groups["Finance"]) == invalid("endpointId")


def test_label_is_set_shown_and_cleared(client, ids):
    endpoint = ids.endpoints["GUEST-03"]
    for label in ("x" * 64, "caf\u00e9", ""):
        assert client.call("setEndpointLabel", endpointId=endpoint, label=label) is True
        (item,) = client.call("getEndpointsList", filters={"details": {"name": "GUEST-03"}})["items"]
        assert item["label"] == label
    assert client.call("setEndpointLabel", endpointId=ids.groups["Finance"], label="x") is True


# Isolation

NOT_RESTORABLE = (
    "This endpoint cannot be restored from isolation. It is either not isolated, cannot be isolated"
    " or a isolation task is already in progress.")


def test_isolation_and_restoration_take_time(sandbox, client, ids):
    endpoint = ids.endpoints["ENG-WS02"]
    def isolate():
        return client.call("createIsolateEndpointTask", endpointId=endpoint)
    def restore():
        body = client.post("createRestoreEndpointFromIsolationTask", {"endpointId": endpoint}).json()
        return body["result"] if "result" in body else body["error"]["data"]["details"]
    assert restore() == NOT_RESTORABLE
    assert isolate() is True
    assert restore() == NOT_RESTORABLE  # still isolating
    sandbox.advance(31)
    assert isolate() is True  # once more changes nothing
    assert restore() is True
    assert restore() == NOT_RESTORABLE  # still restoring
    sandbox.advance(31)
    assert restore() == NOT_RESTORABLE
    assert isolate() is True


def test_isolation_in_v1_1_and_v1_2(sandbox, client, ids):
    method = "createIsolateEndpointTask"
    one, two, clinic = (ids.endpoints[name] for name in ("FIN-PC1", "FIN-PC2", "CLINIC-PC1"))
    task = client.call(method, version="v1.1", endpointId=one)
    tasks = client.call(method, version="v1.2", endpointIds=[one, two, clinic])
    assert len({task, *tasks}) == 3 and all(re.fullmatch("[0-9a-f]{24}", each) for each in [task, *tasks])
    assert client.refusal(method, version="v1.2", endpointId=one) == invalid("endpointId")
    assert client.refusal(method, version="v1.0", endpointIds=[one]) == invalid("endpointIds")
    assert client.refusal(method, version="v1.2", endpointIds=[one] * 1001) == invalid("endpointIds")
    # All or nothing.
    three, guest = ids.endpoints["FIN-PC3"], ids.endpoints["GUEST-01"]
    assert "not managed" in client.refusal(method, version="v1.2", endpointIds=[three, guest])
    sandbox.advance(31)
    restore = "createRestoreEndpointFromIsolationTask"
    assert client.refusal(restore, version="v1.2", endpointIds=[one, three]) == NOT_RESTORABLE
    assert len(client.call(restore, version="v1.2", endpointIds=[one, two])) == 1


# Blocklist


def blocked(client, **more):
    return {item["hash"]: item for item in client.pages("getBlocklistItems", **more)}


def test_hashes_are_added_once_and_removed_individually(client, ids):
    before = blocked(client)
    added = {"hashType": 1, "hashList": [SHA256, SHA256.upper(), "ef" * 32], "sourceInfo": "a note"}
    assert client.call("addToBlocklist", **added) is True
    assert client.call("addToBlocklist", **added) is True
    assert client.call("addToBlocklist", hashType=2, hashList=[MD5], sourceInfo="x") is True
    after = blocked(client)
    assert set(after) - set(before) == {SHA256, "ef" * 32, MD5}
    item = after[SHA256]
    assert (item["hashType"], item["source"], item["sourceInfo"]) == (1, 3, "a note")
    assert item["companyId"] == ids.companies["Harbor Logistics"] and "filename" not in item
    assert client.call("removeFromBlocklist", hashItemId=item["id"]) is True
    assert SHA256 not in blocked(client)
    assert "does not exist" in client.refusal("removeFromBlocklist", hashItemId=item["id"])


def test_each_company_has_a_separate_blocklist(sandbox, client, ids):
    lantern = ids.companies["Lantern Clinics"]
    before = set(blocked(client))
    assert client.call("addToBlocklist", hashType=2, hashList=[MD5], sourceInfo="x", companyId=lantern)
    assert MD5 in blocked(client, companyId=lantern) and set(blocked(client)) == before
    clinic = GravityZone(sandbox.base, CLINIC)
    assert MD5 in blocked(clinic)
    refused = {"hashType": 2, "hashList": [MD5], "sourceInfo": "x",
               "companyId": ids.companies["Harbor Logistics"]}
    assert "Not enough rights" in clinic.refusal("addToBlocklist", **refused)
    analyst = GravityZone(sandbox.base, ANALYST)
    assert set(blocked(analyst)) == before
    item = next(iter(blocked(analyst).values()))
    assert "enough rights" in analyst.refusal("removeFromBlocklist", hashItemId=item["id"])


def test_v1_2_has_other_formats_and_rejects_those_of_v1_0(client):
    hashes = {"hashType": 2, "hashList": [MD5], "sourceInfo": "x"}
    rules = {"type": "hash", "rules": [{"note": "n", "details": {"algorithm": "md5", "hash": MD5}}]}
    assert client.refusal("addToBlocklist", version="v1.2", **hashes) == invalid("hashType")
    assert client.refusal("addToBlocklist", version="v1.0", **rules) == invalid("type")
    assert client.call("addToBlocklist", version="v1.1", **hashes) is True
    assert client.call("addToBlocklist", version="v1.2", **rules, recursive=True) is True
    path = {"type": "path", "rules": [{"details": {"path": "/tmp/x"}}]}
    assert client.call("addToBlocklist", version="v1.2", **path) is True
    items = client.call("getBlocklistItems", version="v1.2", perPage=100)["items"]
    assert {"id", "type", "source", "company", "owner", "created", "details"} <= set(items[-1])
    assert (items[-1]["type"], items[-1]["details"]) == ("path", {"path": "/tmp/x"})
    assert items[-2]["details"] == {"algorithm": "md5", "hash": MD5}
    assert MD5 in blocked(client) and "path" not in json.dumps(blocked(client))
    both = [item["id"] for item in items[-2:]]
    assert client.refusal("removeFromBlocklist", version="v1.2", hashItemId=both[0]) == invalid("hashItemId")
    assert client.refusal("removeFromBlocklist", version="v1.0", ids=both) == invalid("ids")
    assert client.call("removeFromBlocklist", version="v1.2", ids=both) is True
    assert MD5 not in blocked(client)


# Scan tasks


def test_scan_goes_from_pending_to_finished(sandbox, client, ids):
    target = ids.endpoints["FIN-PC1"]
    def status():
        (task,) = client.call("getScanTasksList", name="mine")["items"]
        assert set(task) == {"id", "name", "status", "startDate"}
        return task["status"]
    assert client.call("createScanTask", targetIds=[target], type=1, name="Mine") is True
    assert status() == 1
    sandbox.advance(11)
    assert status() == 2
    sandbox.advance(60)
    assert status() == 3


def test_scan_task_response_format(client, ids):
    both = [ids.endpoints["FIN-PC1"], ids.groups["Wards"]]
    made = client.call("createScanTask", targetIds=both, type=2, returnAllTaskIds=True)
    assert len(made) == 2  # one for each company
    custom = {"scanDepth": 1, "scanPath": ["LocalDrives"]}
    one = client.call("createScanTaskByMac", macAddresses=ids.macs["LOBBY-PC1"], type=4,
                      customScanSettings=custom, returnTaskId=True)
    assert client.call("createScanTaskByMac", macAddresses=ids.macs["FIN-PC1"], type=3,
                       customScanSettings={"any": 1}) is True
    tasks = client.pages("getScanTasksList", status=1)
    assert [task["id"] for task in tasks][:3] == [*made, one] and len(tasks) == 4
    assert [task["name"].split("2")[0] for task in tasks] == [
        "Full Scan ", "Full Scan ", "Custom Scan ", "Memory Scan "]
    guest = ids.endpoints["GUEST-01"]
    assert client.refusal("createScanTask", targetIds=[guest], type=1) == invalid("targetIds")


def test_scan_tasks_are_filtered_by_name_and_status(client):
    def count(**more):
        return client.call("getScanTasksList", **more)["total"]
    assert [count(), count(name="weekly"), count(name="Scan"), count(name="*scan"), count(status=3),
            count(status=2)] == [12, 8, 0, 12, 12, 0]


# Quarantine


def test_quarantine_lists_files_and_mails(client):
    files = client.pages("getQuarantineItemsList")
    mails = client.pages("getQuarantineItemsList", service="quarantine/exchange")
    assert (len(files), len(mails)) == (20, 6)
    assert set(files[0]) >= {
        "id", "quarantinedOn", "actionStatus", "endpointId", "endpointName", "endpointIP",
        "canBeRestored", "canBeRemoved", "threatName", "details"}
    assert set(files[0]["details"]) == {"filePath"} and "email" in mails[0]["details"]
    assert {mail["endpointName"] for mail in mails} == {"SRV-EXCH1"}


@pytest.mark.parametrize("filters, count", [
    ({}, 20), ({"threatName": "trojan"}, 8), ({"threatName": "SANDBOX.a"}, 4),
    ({"actionStatus": 3}, 3), ({"actionStatus": 17}, 0), ({"ip": "10.1.0.20"}, 2),
    ({"filePath": "setup1.exe"}, 1),
    ({"startDate": "2026-11-18T06:00:00"}, 3), ({"startDate": "2026-11-18T06:00:01Z"}, 2),
    ({"startDate": "2026-11-18T08:00:00.000+02:00"}, 3),
    ({"endDate": "2026-11-18T06:00:00Z", "startDate": "2026-11-17T00:00:00Z"}, 2),
    ({"endDate": "2026-11-18T06:00:00Z", "threatName": "Ransom"}, 4),
])
def test_quarantine_is_filtered(client, filters, count):
    assert client.call("getQuarantineItemsList", filters=filters)["total"] == count


def test_quarantine_is_listed_by_endpoint(client, ids):
    items = client.pages("getQuarantineItemsList", endpointId=ids.endpoints["FIN-PC1"])
    assert {item["endpointName"] for item in items} == {"FIN-PC1"} and len(items) == 2


def test_removal_is_pending_before_the_items_disappear(sandbox, client):
    items = client.pages("getQuarantineItemsList")
    first, second = (item["id"] for item in items[:2])
    remove = "createRemoveQuarantineItemTask"
    assert client.refusal(remove, service="quarantine/exchange", quarantineItemsIds=[first]) == (
        "At least one specified target is invalid.")
    assert client.call(remove, quarantineItemsIds=[first, second, first]) is True
    pending = client.call("getQuarantineItemsList", filters={"actionStatus": 1})["items"]
    assert [(item["id"], item["canBeRemoved"]) for item in pending] == [(first, False), (second, False)]
    unavailable = "One or more items are not available for the specified action."
    assert client.refusal(remove, quarantineItemsIds=[first]) == unavailable
    locked = next(item["id"] for item in items if not item["canBeRemoved"])
    assert client.refusal(remove, quarantineItemsIds=[items[2]["id"], locked]) == unavailable
    sandbox.advance(31)
    left = [item["id"] for item in client.pages("getQuarantineItemsList")]
    assert left == [item["id"] for item in items[2:]]
    tasks = client.call(remove, version="v1.1", quarantineItemsIds=left[:2])
    assert len(set(tasks)) == 2


def test_file_is_quarantined_on_supported_endpoints(sandbox, client, ids):
    add, path = "createAddFileToQuarantineTask", r"d:\taskSample\sample.dll"
    targets = [ids.endpoints[name] for name in ("FIN-PC1", "GUEST-01", "DOCK-HMI1")]
    assert client.call(add, endpointIds=targets, filePath=path) is True
    def found():
        return client.call("getQuarantineItemsList", filters={"filePath": path})["items"]
    assert found() == []
    sandbox.advance(31)
    assert names([{"name": item["endpointName"]} for item in found()]) == ["FIN-PC1"]
    assert client.refusal(add, endpointIds=targets[1:], filePath=path) == "No valid target provided."
    assert len(client.call(add, version="v1.1", endpointIds=targets[:1], filePath="/x")) == 1
    error = client.post(add, {}, "quarantine/exchange").json()["error"]
    assert error["code"] == -32601


# Reports


def test_reports_are_filtered_by_name_and_type(client):
    reports = client.pages("getReportsList")
    assert len(reports) == 41 and {r["occurrence"] for r in reports} == {1, 2, 3, 4, 5}
    assert set(reports[0]) == {"id", "name", "type", "occurrence"}
    assert names(client.call("getReportsList", name="Web Control daily")["items"]) == ["Web Control daily"]
    assert client.call("getReportsList", name="Web Control")["total"] == 0
    assert {r["type"] for r in client.call("getReportsList", type=12)["items"]} == {12}


def test_archive_has_a_csv_and_a_pdf_per_instance(sandbox, client, ids):
    links = client.call("getDownloadLinks", reportId=ids.reports["Web Control daily"])
    assert links["readyForDownload"] is True and set(links) == {
        "readyForDownload", "lastInstanceUrl", "allInstancesUrl"}
    assert links["lastInstanceUrl"].startswith(sandbox.base + "/api/v1.0/http/downloadReportZip?reportId=")
    for link, instances in ((links["lastInstanceUrl"], 1), (links["allInstancesUrl"], 3)):
        answer = client.session.get(link)
        assert answer.status_code == 200 and answer.content.startswith(b"PK\x03\x04")
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="Web Control daily.zip"'
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        assert archive.testzip() is None
        files = archive.namelist()
        assert len(files) == 2 * instances and len(set(files)) == len(files)
        table = list(csv.reader(io.StringIO(archive.read(files[0]).decode())))
        assert files[0].endswith(".csv") and len({len(row) for row in table}) == 1 and len(table) == 6
        page = archive.read(files[1])
        start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", page)[1])
        assert page.startswith(b"%PDF-1.4") and page[start:].startswith(b"xref\n0 6\n")
        for number, line in enumerate(page[start:].split(b"\n")[3:8], 1):
            assert page[int(line[:10]):].startswith(b"%d 0 obj" % number)
        assert requests.get(link).status_code == 401
        assert requests.get(link, auth=(ANALYST, "")).status_code == 403
        assert requests.get(link, auth=(CLINIC, "")).status_code == 404
        assert requests.post(link, auth=(PARTNER, "")).status_code == 405


def test_instant_report_has_one_link_and_disappears_after_a_day(sandbox, client, ids):
    report = ids.reports["Malware Review instant"]
    links = client.call("getDownloadLinks", reportId=report)
    assert set(links) == {"readyForDownload", "lastInstanceUrl"}
    assert client.session.get(links["lastInstanceUrl"].replace("Instances=0", "Instances=1")).status_code == 404
    sandbox.advance(86_400)
    assert client.refusal("getDownloadLinks", reportId=report) == invalid("reportId")
    assert client.session.get(links["lastInstanceUrl"]).status_code == 404


def test_report_that_is_not_ready_has_no_link(sandbox, client, ids):
    soon, never = ids.reports["Ready In Five Minutes"], ids.reports["Never Ready"]
    for report in (soon, never):
        assert client.call("getDownloadLinks", reportId=report) == {"readyForDownload": False}
    sandbox.advance(300)
    assert client.call("getDownloadLinks", reportId=soon)["readyForDownload"] is True
    assert client.call("getDownloadLinks", reportId=never) == {"readyForDownload": False}


@pytest.mark.parametrize("report, start", [
    ("Link To Another Address", "http://127.0.0.2:{port}/api/v1.0/http/"),
    ("Link To Another Name", "https://reports.example.invalid/api/v1.0/http/"),
])
def test_some_download_links_point_to_other_hosts(sandbox, client, ids, report, start):
    link = client.call("getDownloadLinks", reportId=ids.reports[report])["lastInstanceUrl"]
    assert link.startswith(start.format(port=sandbox.base.rpartition(":")[2]))


def test_one_download_is_an_html_page(client, ids):
    links = client.call("getDownloadLinks", reportId=ids.reports["Page Instead Of An Archive"])
    answer = client.session.get(links["lastInstanceUrl"])
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")


# Rate limits


def together(*works):
    """Runs the functions concurrently."""
    gate = threading.Barrier(len(works))
    def run(work):
        gate.wait()
        return work()
    pool = concurrent.futures.ThreadPoolExecutor(len(works))
    return [pool.submit(run, work) for work in works]


def test_sixth_blocklist_change_in_a_minute_is_429(sandbox, limited):
    def add():
        return limited.post("addToBlocklist", {"hashType": 2, "hashList": [MD5], "sourceInfo": "x"})
    def remove():
        return limited.post("removeFromBlocklist", {"hashItemId": NOWHERE})
    assert [work().status_code for work in (add, add, remove, remove, add)] == [200] * 5
    refused = remove()
    assert refused.status_code == 429 and 50 <= int(refused.headers["Retry-After"]) <= 60
    # Other buckets and other keys have separate limits.
    assert limited.post("getBlocklistItems").status_code == 200
    assert GravityZone(sandbox.base, CLINIC).post("removeFromBlocklist", {}).status_code == 200
    sandbox.advance(int(refused.headers["Retry-After"]))
    assert add().status_code == 200


def test_task_31_in_a_minute_is_queued_and_task_41_is_429(sandbox, limited):
    scan = {"macAddresses": [], "type": 1}  # refused, and counted like others
    for number in range(30):
        method = ("createScanTaskByMac", "createScanTask", "deleteEndpoint")[number % 3]
        assert limited.post(method, scan).status_code == 200
    clients = [GravityZone(sandbox.base) for _ in range(11)]
    calls = together(*[lambda c=c: c.post("createScanTaskByMac", scan) for c in clients])
    done, waiting = concurrent.futures.wait(
        calls, timeout=30, return_when=concurrent.futures.FIRST_COMPLETED)
    # The queue has ten slots, so the call that gets a response is the eleventh.
    assert [call.result().status_code for call in done] == [429] and len(waiting) == 10
    assert 1 <= int(next(iter(done)).result().headers["Retry-After"]) <= 60
    sandbox.advance(61)
    assert [call.result(30).status_code for call in waiting] == [200] * 10


def test_burst_above_ten_per_second_is_queued_and_then_429(sandbox, limited):
    clients = [GravityZone(sandbox.base) for _ in range(60)]
    calls = together(*[lambda c=c: c.post("getApiKeyDetails") for c in clients])
    answers = [call.result(30) for call in calls]
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) >= 20 and set(statuses) == {200, 429}
    assert {answer.headers["Retry-After"] for answer in answers if answer.status_code == 429} == {"1"}


def test_reset_releases_queued_calls(sandbox, limited):
    for _ in range(30):
        limited.post("createScanTask", {})
    (call,) = together(lambda: GravityZone(sandbox.base).post("createScanTask", {}))
    while not call.done():
        sandbox.control("POST", "reset")
    assert call.result().status_code == 200


def test_rate_limits_and_retry_after_can_be_disabled(sandbox, limited):
    def statuses():
        return [limited.post("removeFromBlocklist", {}).status_code for _ in range(7)]
    assert statuses() == [200] * 5 + [429] * 2
    sandbox.faults("gravityzone: no retry-after header")
    answer = limited.post("addToBlocklist", {})
    assert answer.status_code == 429 and "Retry-After" not in answer.headers
    sandbox.faults("gravityzone: no rate limits on removeFromBlocklist")
    assert statuses() == [200] * 7
    assert limited.post("addToBlocklist", {}).status_code == 429


# Fault injection


def test_fault_is_limited_to_a_method(sandbox, client):
    sandbox.faults(NO_LIMITS, "gravityzone: 503 first 1 on getReportsList")
    assert client.post("getEndpointsList").status_code == 200
    assert client.post("getReportsList").status_code == 503
    assert client.post("getReportsList").status_code == 200
    sandbox.faults(NO_LIMITS, "gravityzone: 500 on POST /api/v1.0/jsonrpc/quarantine/*")
    assert client.post("getReportsList").status_code == 200
    assert client.post("getQuarantineItemsList").status_code == 500


def test_quirk_is_limited_to_a_method_or_periodic(sandbox, client):
    sandbox.faults(NO_LIMITS, AS_STATUS + " on deleteEndpoint")
    assert client.post("deleteEndpoint").status_code == 400
    assert client.post("setEndpointLabel").status_code == 200
    sandbox.faults(NO_LIMITS, AS_STATUS + " every 2")
    assert [client.post("deleteEndpoint").status_code for _ in range(4)] == [200, 400, 200, 400]


def test_injected_statuses_and_other_faults(sandbox, client):
    for status in (401, 403, 404, 405, 429, 418, 500, 503):
        sandbox.faults(f"gravityzone: {status}")
        assert client.post("getReportsList").status_code == status
    sandbox.faults("gravityzone: 429 retry-after 7")
    assert client.post("getReportsList").headers["Retry-After"] == "7"
    sandbox.faults("gravityzone: garbage")
    answer = client.post("getReportsList")
    assert answer.status_code == 200 and not answer.text.startswith("{")
    sandbox.faults("gravityzone: reset")
    with pytest.raises(requests.ConnectionError):
        client.post("getReportsList")


def test_dropped_body_has_taken_effect(sandbox, client):
    sandbox.faults(NO_LIMITS, "gravityzone: drop body first 1 on createCustomGroup")
    with pytest.raises(requests.RequestException):
        client.post("createCustomGroup", {"groupName": "Once"})
    assert client.refusal("createCustomGroup", groupName="Once") == "Group name already exists."


def test_faults_affect_only_their_vendor(sandbox, client):
    sandbox.faults("coda: 500", NO_LIMITS)
    assert client.post("getReportsList").status_code == 200
    sandbox.faults("gravityzone: 500")
    assert requests.get(sandbox.base + "/api/console/elements/devices/").status_code == 401


@pytest.mark.parametrize("text, column, hint", [
    ("gravityzon: 429", 1, "did you mean 'gravityzone:'?"),
    ("gravityzone-auth: 429", 1, "gravityzone:"),
    ("gravityzone: expired token", 14, "has no tokens"),
    ("gravityzone: eror", 14, "errors as http status"),
    ("gravityzone: errors as htp status", 24, "did you mean 'http'?"),
    ("gravityzone: no", 16, "'retry-after' or 'rate'"),
    ("gravityzone: no rate limit", 22, "did you mean 'limits'?"),
    ("gravityzone: no rate limits now", 29, "on [VERB] PATH"),
    ("gravityzone: no rate limits retry-after 2", 14, "requires a status"),
    ("gravityzone: 429 on getEndpointList", 21, "did you mean 'getEndpointsList'?"),
    ("coda: 429 on getEndpointsList", 14, "expected a verb"),
    ("coda: errors as http status", 7, "from 400 to 599"),
])
def test_invalid_fault_text_is_explained(sandbox, text, column, hint):
    answer = requests.post(
        sandbox.base + "/_sandbox/faults", json=[text], headers={"X-Sandbox": "1"})
    message = answer.json()["error"]
    assert answer.status_code == 400 and hint in message, message
    assert f"column {column}:" in message, message


# The sandbox


def test_requests_are_logged_and_reset_restores_the_initial_state(sandbox, client, ids):
    client.call("createCustomGroup", groupName="Gone")
    entry = sandbox.log()[-1]
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/api/v1.0/jsonrpc/network", 200)
    assert json.loads(entry["body"])["method"] == "createCustomGroup"
    sandbox.control("POST", "reset")
    assert "Gone" not in groups(client, ids.groups["Computers and Groups"])


def test_concurrent_clients_lose_no_changes(sandbox, ids):
    parent = ids.groups["Spare Room"]
    def work(number):
        client = GravityZone(sandbox.base)
        for each in range(10):
            client.call("createCustomGroup", groupName=f"{number}-{each}", parentId=parent)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    made = GravityZone(sandbox.base).call("getCustomGroupsList", parentId=parent)
    assert len({group["id"] for group in made}) == len(set(names(made))) == 160
