"""`capabilities` compared with the product document, and the rules between parameters."""

import json
import pathlib
import re

import pytest
from Support.control_center import connection
from Support.host import ROOT
from Support.session import Host

DOCUMENT = pathlib.Path(ROOT).parent / "shared/seeds/commands.json"
A, B = "5b680f6fb1a43d860a7b23c1", "5b680f6fb1a43d860a7b23c2"
RIGHTS = ["Manage Networks", "Manage Users", "Manage Company", "View and analyze data"]
#: Documented as required, but with a default.
DEFAULTED = {("create_scan_task", "scan_type"), ("update_groups", "update_method")}


@pytest.fixture(scope="module")
def host():
    with Host(connection("http://127.0.0.1:9")) as host:
        yield host


@pytest.fixture(scope="module")
def catalogue(host):
    (integration,) = host.call("capabilities", {"integration": "bitdefender_gravityzone"})[
        "integrations"]
    return {command["id"]: command for command in integration["commands"]}


@pytest.fixture(scope="module")
def documented():
    if not DOCUMENT.exists():
        pytest.skip("the list of documented commands is missing")
    return json.loads(DOCUMENT.read_text())["bitdefender_gravityzone"]


def snake_case(title):
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"[()]", "", title).lower()).strip("_")


def properties(catalogue, command):
    return catalogue[command]["parameters"]["properties"]


def test_exactly_the_documented_commands_exist(catalogue, documented):
    assert [c["title"] for c in catalogue.values()] == [c["title"] for c in documented]
    assert all(id == snake_case(command["title"]) for id, command in catalogue.items())
    assert len(catalogue) == 21


def test_exactly_the_documented_parameters_exist(catalogue, documented):
    for command in documented:
        id = snake_case(command["title"])
        schema = catalogue[id]["parameters"]
        assert schema["additionalProperties"] is False
        titles = [p["title"] for p in schema["properties"].values()]
        assert titles == [p["title"] for p in command["params"]], id
        required = {snake_case(p["title"]) for p in command["params"] if p["required"]}
        defaulted = {name for command, name in DEFAULTED if command == id}
        assert set(schema.get("required", [])) == required - defaulted, id
        for name in defaulted:
            assert "default" in schema["properties"][name]


def test_every_parameter_has_a_description(catalogue):
    for command in catalogue.values():
        assert len(command["description"]) > 10
        assert command["permissions"] == RIGHTS
        for name, parameter in command["parameters"]["properties"].items():
            assert len(parameter["description"]) > 10, (command["id"], name)


def test_values_from_another_command_have_a_source(catalogue, documented):
    for command in documented:
        shown = properties(catalogue, snake_case(command["title"]))
        for parameter in command["params"]:
            found = re.search(r"can be obtained using the (.*?) command", parameter["desc"])
            if found:
                sources = shown[snake_case(parameter["title"])]["x-source"]
                assert snake_case(found[1]) in {s["command"] for s in sources}, parameter["title"]


def test_documented_defaults(catalogue):
    defaults = {
        (id, name): parameter["default"]
        for id, command in catalogue.items()
        for name, parameter in command["parameters"]["properties"].items()
        if "default" in parameter
    }
    assert defaults == {
        ("create_scan_task", "scan_type"): "quick_scan",
        ("create_scan_task", "custom_scan_depth"): "aggressive",
        ("list_endpoints", "is_managed"): False,
        ("update_groups", "update_method"): "move",
        ("update_groups", "force_delete"): False,
    }


def test_documented_choices(catalogue):
    def choices(command, name):
        return properties(catalogue, command)[name]["enum"]

    assert choices("add_to_blocklist", "hash_type") == ["sha256", "md5"]
    assert choices("create_scan_task", "scan_type") == [
        "quick_scan", "full_scan", "memory_scan", "custom_scan"]
    assert choices("create_scan_task", "custom_scan_depth") == [
        "aggressive", "normal", "permissive"]
    assert choices("list_endpoints", "endpoint_type") == [
        "endpoints", "active_directory_endpoints"]
    assert choices("list_quarantine_items", "action_status") == [
        "none", "pending_remove", "pending_restore", "remove_failed", "restore_failed",
        "pending_save", "failed_save"]
    assert choices("list_scan_tasks", "status") == ["pending", "in_progress", "finished"]
    assert choices("update_groups", "update_method") == ["move", "delete"]
    for command in ("list_quarantine_items", "remove_quarantine_files"):
        assert choices(command, "quarantine_item_service") == [
            "computers_and_virtual_machines", "security_for_exchange"]


#: As the vendor numbers them; 11 and 25 to 28 are not in use.
REPORT_TYPES = {
    1: "Antiphishing Activity", 2: "Blocked Applications", 3: "Blocked Websites",
    4: "Customer Status Overview", 5: "Data Protection", 6: "Device Control Activity",
    7: "Endpoint Modules Status", 8: "Endpoint Protection Status", 9: "Firewall Activity",
    10: "License Status", 12: "Malware Status", 13: "Monthly License Usage", 14: "Network Status",
    15: "On Demand Scanning", 16: "Policy Compliance", 17: "Security Audit",
    18: "Security Server Status", 19: "Top 10 Detected Malware", 20: "Top 10 Infected Companies",
    21: "Top 10 Infected Endpoints", 22: "Update Status", 23: "Upgrade Status",
    24: "AWS Monthly Usage", 29: "Email Security Usage", 30: "Endpoint Encryption Status",
    31: "HyperDetect Activity", 32: "Network Patch Status",
    33: "Sandbox Analyzer Failed Submissions", 34: "Network Incidents", 35: "MDR Service Status",
    36: "Integrity Monitoring Activity", 37: "Integrity Monitoring Configuration Changes",
    38: "Mobile Security Monthly License Usage", 39: "Data Insights License Usage",
    40: "Extended Email Security Usage", 41: "Product Trial Status",
}


def test_every_report_type_has_the_vendors_number(host, catalogue):
    names = properties(catalogue, "list_reports")["report_type"]["enum"]
    assert names == [snake_case(title) for title in REPORT_TYPES.values()]
    for number, name in zip(REPORT_TYPES, names):
        result = host.result("list_reports", {"report_type": name}, dry_run=True)
        assert result["requests"][0]["body"]["params"] == {"type": number}


def test_rate_limits_match_the_document(catalogue):
    limits = {id: (c["rate_limit"]["requests"], c["rate_limit"]["per_seconds"])
              for id, c in catalogue.items()}
    per_minute = {"create_scan_task": 30, "delete_endpoints": 30, "quarantine_files": 30,
                  "remove_quarantine_files": 30, "add_to_blocklist": 5, "remove_from_block_list": 5}
    assert limits == {
        id: (per_minute[id], 60) if id in per_minute else (10, 1) for id in catalogue}


def test_effects_are_declared(catalogue):
    changing = {c["id"]: (c["effect"], c["idempotent"], c.get("read_back"))
                for c in catalogue.values() if c["effect"] != "read"}
    assert changing == {
        "add_to_blocklist": ("write", False, "list_block_list"),
        "create_group": ("write", False, "list_groups"),
        "create_scan_task": ("write", False, "list_scan_tasks"),
        # Repeated, it deletes permanently.
        "delete_endpoints": ("destructive", False, "list_endpoints"),
        "isolate_endpoints": ("write", False, "get_managed_endpoint_details"),
        "move_endpoints": ("write", True, "list_endpoints"),
        "quarantine_files": ("write", False, "list_quarantine_items"),
        "remove_from_block_list": ("destructive", False, "list_block_list"),
        "remove_quarantine_files": ("destructive", False, "list_quarantine_items"),
        "restore_endpoints": ("write", False, "get_managed_endpoint_details"),
        "update_endpoint_labels": ("write", True, "get_managed_endpoint_details"),
        "update_groups": ("destructive", False, "list_groups"),
    }


# Rules

SERVICE = "computers_and_virtual_machines"
NO_TARGETS = "The input parameters 'Endpoint IDs' & 'Mac Addresses' cannot be empty at the same time."
NO_ORDER = "Start Time cannot be greater than End Time."


def invalid(title):
    return f"The value for parameter ({title}) is invalid."


#: command, arguments, the documents' sentence, the paths of the problems
REFUSED = [
    ("create_scan_task", {}, NO_TARGETS, [""]),
    ("create_scan_task", {"endpoint_ids": [], "mac_addresses": []}, NO_TARGETS, [""]),
    ("create_scan_task", {"mac_addresses": ["a"] * 101}, invalid("Mac Addresses"),
     ["/mac_addresses"]),
    ("create_scan_task", {"endpoint_ids": [A], "scan_type": "custom_scan"},
     "The value for parameter (Custom Scan Paths) is required.", ["/custom_scan_paths"]),
    ("create_scan_task", {"endpoint_ids": [A], "custom_scan_paths": ["x"]},
     invalid("Custom Scan Paths"), ["/custom_scan_paths"]),
    ("create_scan_task", {"endpoint_ids": [A], "scan_type": "full_scan",
                          "custom_scan_depth": "normal"},
     invalid("Custom Scan Depth"), ["/custom_scan_depth"]),
    ("create_scan_task", {"endpoint_ids": [A], "scan_type": "quick"}, invalid("Scan Type"),
     ["/scan_type"]),
    ("update_groups", {"group_ids": [A]}, "The value for parameter (Parent ID) is required.",
     ["/parent_id"]),
    ("update_groups", {"group_ids": [A], "parent_id": B, "force_delete": True},
     invalid("Force Delete"), ["/force_delete"]),
    ("update_groups", {"group_ids": [], "parent_id": B}, invalid("Group IDs"), ["/group_ids"]),
    ("list_block_list", {"page_size": 0}, invalid("Page Size"), ["/page_size"]),
    ("list_block_list", {"page_size": 101}, invalid("Page Size"), ["/page_size"]),
    ("list_reports", {"page_size": 101}, invalid("Page Size"), ["/page_size"]),
    ("list_scan_tasks", {"page": 0}, invalid("Page"), ["/page"]),
    ("list_endpoints", {}, "The value for parameter (Endpoint Type) is required.",
     ["/endpoint_type"]),
    ("list_endpoints", {"endpoint_type": "active_directory_endpoints", "is_managed": True},
     invalid("Is Managed"), ["/is_managed"]),
    ("list_quarantine_items", {"quarantine_item_service": SERVICE, "start_date": "2022-05-20",
                               "end_date": "05/19/2022"}, NO_ORDER, ["/start_date"]),
    ("list_quarantine_items", {"quarantine_item_service": SERVICE, "start_date": "tomorrow"},
     invalid("Start Date"), ["/start_date"]),
    ("list_quarantine_items", {"quarantine_item_service": "security_for_exchange",
                               "action_status": "pending_save"},
     invalid("Action Status"), ["/action_status"]),
    ("delete_endpoints", {"endpoint_ids": []}, invalid("Endpoint IDs"), ["/endpoint_ids"]),
    ("delete_endpoints", {"endpoint_ids": A}, invalid("Endpoint IDs"), ["/endpoint_ids"]),
    ("delete_endpoints", {"endpoint_ids": [A, ""]}, invalid("Endpoint IDs"), ["/endpoint_ids/1"]),
    ("create_group", {}, "The value for parameter (Group Name) is required.", ["/group_name"]),
]


@pytest.mark.parametrize("command, arguments, sentence, paths", REFUSED)
def test_broken_rule_is_reported_before_any_request(host, command, arguments, sentence, paths):
    message = host.answer(command, arguments)
    assert message["error"]["code"] == -32602
    data = message["error"]["data"]
    assert (data["return_data"], data["status_code"], data["message"]) == ("Failed", 400, sentence)
    assert [p["path"] for p in data["problems"]] == ["/arguments" + path for path in paths]


@pytest.mark.parametrize("command, arguments", [
    # Giving a default is always allowed.
    ("create_scan_task", {"endpoint_ids": [A], "custom_scan_depth": "aggressive"}),
    ("update_groups", {"group_ids": [A], "parent_id": B, "force_delete": False}),
    ("update_groups", {"group_ids": [A], "parent_id": B, "update_method": "delete"}),
    ("list_endpoints", {"endpoint_type": "active_directory_endpoints", "is_managed": False}),
    ("create_scan_task", {"mac_addresses": ["a"] * 100}),
    ("create_scan_task", {"endpoint_ids": [], "mac_addresses": ["a"]}),
    ("list_quarantine_items", {"quarantine_item_service": SERVICE, "start_date": "2022-05-20",
                               "end_date": "05/20/2022"}),
    ("list_quarantine_items", {"quarantine_item_service": SERVICE, "action_status": "pending_save"}),
    ("list_block_list", {"page_size": 100}),
    ("list_block_list", {"page": None, "page_size": None}),
])
def test_arguments_that_satisfy_the_rules_are_accepted(host, command, arguments):
    assert host.result(command, arguments, dry_run=True)["requests"]


def test_settings_have_the_documented_defaults(host):
    answer = host.call("capabilities", {"integration": "bitdefender_gravityzone"})
    schema = answer["integrations"][0]["connection"]["schema"]
    shown = schema["properties"]
    assert shown["server_url"]["default"] == "https://cloud.gravityzone.bitdefender.com"
    assert shown["api_version"]["default"] == "v1.0"
    assert shown["deployment"]["default"] == "cloud"
    assert shown["api_key"]["writeOnly"] is True
    assert schema["required"] == ["api_key"]


def test_server_url_defaults_to_the_cloud(host):
    cloud = {"integration": "bitdefender_gravityzone", "settings": {"api_key": "k" * 32}}
    result = host.result("list_groups", {}, cloud, dry_run=True)
    assert result["requests"][0]["url"] == (
        "https://cloud.gravityzone.bitdefender.com/api/v1.0/jsonrpc/network")


def test_server_url_is_required_on_premises(host):
    settings = {"api_key": "k" * 32, "deployment": "on_premises"}
    data = host.failure(
        "list_groups", {}, {"integration": "bitdefender_gravityzone", "settings": settings})
    assert [p["path"] for p in data["problems"]] == ["/connection/settings/server_url"]
