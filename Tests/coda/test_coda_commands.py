"""Every command of CODA Footprint: requests, results and errors."""

import json
import pathlib
import re
import urllib.parse

import pytest
import requests
from Support.host import ROOT, run
from Support.session import Host

DOCUMENT = pathlib.Path(ROOT).parent / "shared/seeds/commands.json"
ROLES = ["Administrator", "Management", "Operations", "Reporting"]
PROFILES = ["classic", "current"]
ELEMENTS = "/api/console/elements"
SURFACE = "/api/console/scanSurface"


class Case:
    """A command with arguments and the expected request."""

    def __init__(self, command, arguments, path, query="", method="GET", body="", has_tenant=True,
                 current=None):
        self.command = command
        self.arguments = arguments
        self.method = method
        self.path = path
        self.query = {"classic": query, "current": query if current is None else current}
        self.body = body
        self.has_tenant = has_tenant


def device(what, arguments=None, query=""):
    command = {"attackavenues": "attack_avenues", "networkConnections": "network_connections"}
    return Case(f"list_device_{command.get(what, what)}", {"device_id": 1043, **(arguments or {})},
                f"{ELEMENTS}/device/1043/{what}/", query)


CASES = [
    Case("get_technical_context", {"context_id": 303}, f"{ELEMENTS}/contexts/technical/303/"),
    Case("list_current_targets_ports", {}, f"{SURFACE}/currentTargets/ports/"),
    Case("list_current_targets_ports", {"page": 2}, f"{SURFACE}/currentTargets/ports/", "page=2"),
    device("attackavenues"),
    device("networkConnections"),
    Case("list_devices", {}, f"{ELEMENTS}/devices/"),
    Case("list_devices", {"page": 3}, f"{ELEMENTS}/devices/", "page=3"),
    device("users"),
    device("vulnerabilities"),
    device("vulnerabilities", {"page": 1}, "page=1"),
    Case("list_scanners", {}, f"{SURFACE}/scanners/"),
    Case("list_scan_surfaces", {}, f"{SURFACE}/"),
    Case("list_scan_surfaces", {"page": 1, "scanner_id": 9}, f"{SURFACE}/", "page=1&scannerId=9"),
    Case("list_technical_contexts", {}, f"{ELEMENTS}/contexts/technical/"),
    Case("list_technical_contexts", {"page": 2}, f"{ELEMENTS}/contexts/technical/", "page=2"),
    *(
        Case("list_technical_contexts", {"risk_level": level}, f"{ELEMENTS}/contexts/technical/",
             f"risk_level={level}", current=current)
        for level, current in (
            ("all", ""), ("critical", "riskLevel=critical"), ("nonvisible", "riskLevel=unknown"),
            ("secure", "riskLevel=secure"), ("vulnerable", "riskLevel=vulnerable"),
        )
    ),
    Case("list_tenants", {}, "/api/common/auth/session/accounts/", has_tenant=False),
    Case("patch_rescan", {}, f"{SURFACE}/rescan/", method="PATCH", body="{}"),
    Case("patch_rescan", {"scanner_id": 12}, f"{SURFACE}/rescan/12/", method="PATCH", body="{}"),
    Case("update_target_scan_scope", {"target_id": 7001, "scope": "out"},
         f"{SURFACE}/currentTargets/7001/", method="PATCH", body='{"scope":"OUT"}'),
    Case("update_target_scan_scope", {"target_id": 7001, "scope": "OUT"},
         f"{SURFACE}/currentTargets/7001/", method="PATCH", body='{"scope":"OUT"}'),
    Case("test_connection", {}, "/api/common/auth/session/accounts/", has_tenant=False),
]
COMMANDS = sorted({case.command for case in CASES})
each_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.command} {case.arguments}" for case in CASES]
)
each_profile = pytest.mark.parametrize("profile", PROFILES)


@pytest.fixture(scope="module")
def hosts(running):
    """A host with one connection per profile. Their sign-ins are reused between tests."""
    with Host(*(running.connection_of(profile) for profile in PROFILES)) as host:
        yield host


@pytest.fixture
def sandbox(running):
    running.reset()
    return running


@pytest.fixture
def coda(sandbox, hosts):
    """Runs commands per profile. Both connections have signed in."""

    class Coda:
        host = hosts

        @staticmethod
        def name(profile):
            return dict(zip(PROFILES, ("main", "other1")))[profile]

        def start(self, command, arguments=None, profile="classic", **options):
            return hosts.start(command, arguments or {}, self.name(profile), **options)

        def result(self, command, arguments=None, profile="classic", **options):
            message = hosts.wait(self.start(command, arguments, profile, **options))[0]
            assert "result" in message, message
            return message["result"]

        def error(self, command, arguments=None, profile="classic", **options):
            message = hosts.wait(self.start(command, arguments, profile, **options))[0]
            assert "error" in message, message
            return message["error"]

    coda = Coda()
    for profile in PROFILES:
        coda.result("test_connection", {}, profile)
    sandbox.forget_log()
    return coda


@pytest.fixture(scope="module")
def catalogue():
    with Host() as host:
        (integration,) = [
            i for i in host.call("capabilities")["integrations"] if i["id"] == "coda_footprint"
        ]
        return {command["id"]: command for command in integration["commands"]}


def exact(text):
    """Parses JSON and keeps the text of numbers and the order of members."""
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)


def direct(sandbox, profile, path, query="", tenant=None):
    """The vendor's response to the same request, sent directly."""
    settings = sandbox.connection["settings"]
    tokens = requests.post(
        sandbox.base + "/api/auth/token/",
        json={"username": settings["user_name"], "password": settings["password"]},
    ).json()
    headers = {"Authorization": "Bearer " + tokens["access"]}
    if tenant is not None:
        headers["FootprintTenantId"] = str(tenant)
    prefix = "/current" if profile == "current" else ""
    answer = requests.get(f"{sandbox.base}{prefix}{path}?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


# Requests


@each_profile
@each_case
def test_command_sends_the_documented_request(case, profile, coda, sandbox):
    coda.result(case.command, case.arguments, profile)
    (entry,) = sandbox.log()
    prefix = "/current" if profile == "current" else ""
    assert (entry["method"], entry["path"]) == (case.method, prefix + case.path)
    assert entry["query"] == case.query[profile]
    assert entry["body"] == case.body
    headers = entry["headers"]
    assert "footprinttenantid" not in headers
    assert headers["authorization"].startswith("Bearer ")
    assert headers["accept"] == "application/json"
    assert headers.get("content-type") == ("application/json" if case.body else None)


@each_profile
@pytest.mark.parametrize("tenant", [1, "1"])
@each_case
def test_tenant_is_sent_as_a_header(case, tenant, profile, coda, sandbox):
    arguments = {**case.arguments, "footprint_tenant_id": tenant}
    if not case.has_tenant:
        assert coda.error(case.command, arguments, profile)["code"] == -32602
        assert sandbox.log() == []
        return
    coda.result(case.command, arguments, profile)
    assert [e["headers"]["footprinttenantid"] for e in sandbox.log()] == ["1"]


@each_profile
@each_case
def test_dry_run_shows_the_request_and_sends_nothing(case, profile, coda, sandbox):
    result = coda.result(case.command, case.arguments, profile, dry_run=True)
    (request,) = result["requests"]
    prefix = "/current" if profile == "current" else ""
    query = case.query[profile]
    assert request["method"] == case.method
    assert request["url"] == sandbox.base + prefix + case.path + ("?" + query if query else "")
    assert request.get("body") == (json.loads(case.body) if case.body else None)
    assert sandbox.log(sign_ins=True) == []


# Results


@each_profile
@pytest.mark.parametrize(
    "case", [c for c in CASES if c.method == "GET" and c.command != "test_connection"],
    ids=lambda case: f"{case.command} {case.arguments}",
)
def test_raw_data_equals_the_vendors_body(case, profile, coda, sandbox):
    number = coda.start(case.command, case.arguments, profile)
    assert coda.host.wait(number)[0]["result"]["return_data"] == "Successful"
    expected = direct(sandbox, profile, case.path, case.query[profile])
    assert exact(coda.host.raw_data(number)) == exact(expected)


@each_profile
def test_another_tenant_has_other_data(profile, coda):
    own = coda.result("list_devices", {}, profile)["raw_data"]["items"]
    other = coda.result("list_devices", {"footprint_tenant_id": 2}, profile)["raw_data"]["items"]
    assert {item["id"] for item in own} & {item["id"] for item in other} == set()
    assert coda.error("list_devices", {"footprint_tenant_id": 99}, profile)["data"]["kind"] == (
        "permission"
    )


def test_an_empty_response_is_null(coda):
    result = coda.result("update_target_scan_scope", {"target_id": 7001, "scope": "out"})
    assert result["raw_data"] is None and result["return_data"] == "Successful"


def test_connection_returns_no_data(coda):
    result = coda.result("test_connection")
    assert result["return_data"] == "Successful" and "raw_data" not in result


def test_the_scope_of_a_target_changes_at_the_vendor(coda):
    def is_stopped():
        surfaces = coda.result("list_scan_surfaces", all_pages=True)["raw_data"]["items"]
        targets = [t for s in surfaces for scanner in s["scanners"] for t in scanner["currentTargets"]]
        return next(t["isTargetStopped"] for t in targets if t["id"] == 7001)

    for scope, stopped in (("out", True), ("in", False)):
        coda.result("update_target_scan_scope", {"target_id": 7001, "scope": scope})
        assert is_stopped() is stopped


def test_a_tenant_of_the_current_profile_only_removes_targets(coda):
    arguments = {"target_id": 7001, "scope": "in"}
    error = coda.error("update_target_scan_scope", arguments, "current")["data"]
    assert error["status_code"] == 400 and "removing a target" in error["remedy"]


# Parameters


@pytest.fixture(scope="module")
def documented():
    if not DOCUMENT.exists():
        pytest.skip("the list of documented commands is missing")
    return json.loads(DOCUMENT.read_text())["coda_footprint"]


def snake_case(title):
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"[()]", "", title).lower()).strip("_")


def test_exactly_the_documented_commands_exist(catalogue, documented):
    assert [c["title"] for c in catalogue.values()] == [c["title"] for c in documented]
    for identifier, command in catalogue.items():
        assert identifier == snake_case(command["title"])
    assert len(catalogue) == 14 and COMMANDS == sorted(catalogue)


def test_exactly_the_documented_parameters_exist_with_their_required_flags(catalogue, documented):
    for command in documented:
        schema = catalogue[snake_case(command["title"])]["parameters"]
        assert schema["additionalProperties"] is False
        titles = {p["title"]: name for name, p in schema["properties"].items()}
        assert sorted(titles) == sorted(p["title"] for p in command["params"]), command["title"]
        required = {snake_case(p["title"]) for p in command["params"] if p["required"]}
        assert set(schema.get("required", [])) == required, command["title"]
        for title, name in titles.items():
            assert name == snake_case(title)


def test_every_parameter_and_filter_key_is_described(catalogue):
    for command in catalogue.values():
        assert len(command["description"]) > 20
        for name, parameter in command["parameters"]["properties"].items():
            assert len(parameter["description"]) > 10, (command["id"], name)
            assert "examples" in parameter or "properties" in parameter, (command["id"], name)
            for key, member in parameter.get("properties", {}).items():
                assert len(member["description"]) > 10, key


def test_parameters_from_another_command_have_a_source(catalogue, documented):
    for command in documented:
        properties = catalogue[snake_case(command["title"])]["parameters"]["properties"]
        for parameter in command["params"]:
            found = re.search(r"can be obtained using the (.*?) command", parameter["desc"])
            if found:
                sources = properties[snake_case(parameter["title"])]["x-source"]
                assert {s["command"] for s in sources} == {snake_case(found[1])}


def test_every_command_names_the_documented_roles(catalogue):
    assert all(command["permissions"] == ROLES for command in catalogue.values())


def test_effects_are_declared(catalogue):
    writes = {c["id"]: (c["effect"], c["idempotent"], c.get("read_back"))
              for c in catalogue.values() if c["effect"] != "read"}
    assert writes == {
        "patch_rescan": ("write", False, "list_scanners"),
        "update_target_scan_scope": ("write", True, "list_scan_surfaces"),
    }
    for command in catalogue.values():
        assert command["partial_success"] is False
        assert command["idempotent"] is (command["id"] != "patch_rescan")


# Sources of ids

ACCEPTED_BY = {
    "context_id": ("get_technical_context", {}),
    "device_id": ("list_device_vulnerabilities", {}),
    "scanner_id": ("list_scan_surfaces", {}),
    "target_id": ("update_target_scan_scope", {"scope": "out"}),
    "footprint_tenant_id": ("list_scanners", {}),
}


def sources(catalogue):
    """(command, parameter, source) of every x-source, including those of members."""
    for command in catalogue.values():
        properties = command["parameters"]["properties"]
        for name, parameter in properties.items():
            for source in parameter.get("x-source", []):
                yield command["id"], name, source
            for key, member in parameter.get("properties", {}).items():
                for source in member.get("x-source", []):
                    yield command["id"], key, source


def jsonpath(query, document):
    ended = run("jsonpath", query, input=document.encode())
    assert ended.code == 0, ended.errors
    return json.loads(ended.text)


@each_profile
def test_every_source_returns_accepted_ids(profile, catalogue, coda):
    found = {}
    for command, name, source in sources(catalogue):
        assert source["command"] in catalogue, source
        assert catalogue[source["command"]]["effect"] == "read"
        key = {"scannerId": "scanner_id"}.get(name, name)
        found.setdefault(key, set()).add((source["command"], source["path"]))
    assert set(found) == set(ACCEPTED_BY)
    for name, places in found.items():
        identifiers = []
        for command, path in places:
            number = coda.start(command, {}, profile)
            assert "result" in coda.host.wait(number)[0]
            identifiers += jsonpath(path, coda.host.raw_data(number))
        assert identifiers, (name, places)
        assert all(isinstance(identifier, int) for identifier in identifiers)
        taker, others = ACCEPTED_BY[name]
        for identifier in identifiers[:3]:
            coda.result(taker, {name: identifier, **others}, profile)


def test_items_paths_select_the_streamed_items(catalogue, coda):
    for command in catalogue.values():
        if "items_path" not in command:
            continue
        case = next(case for case in CASES if case.command == command["id"])
        whole = coda.start(case.command, case.arguments)
        coda.host.wait(whole)
        items = jsonpath(command["items_path"], coda.host.raw_data(whole))
        streamed = coda.start(case.command, case.arguments, stream=True)
        result = coda.host.wait(streamed)[0]["result"]
        sent = coda.host.notifications("invoke/item", streamed)
        assert [note["item"] for note in sent] == items
        assert [note["seq"] for note in sent] == list(range(len(items)))
        assert result["meta"]["items"] == len(items) and "raw_data" not in result


# The filter of List Devices

FILTERS = [
    ("ip", "10.0.", "filter", "10.0."),
    ("ip", "a b&c=d#é", "filter", "a b&c=d#é"),
    ("pageSize", 7, "pageSize", "7"),
    # No maximum is documented.
    ("pageSize", 50_000, "pageSize", "50000"),
    *(("riskLevel", level, "riskLevel", level)
      for level in ("all", "critical", "nonvisible", "secure", "vulnerable")),
    *(("scanType", value, "scanType", value) for value in ("all", "discovered", "scanned")),
    ("scannerId", 9, "scannerId", "9"),
    ("scannerId", "9", "scannerId", "9"),
    *(("scope", value, "scope", value) for value in ("all", "external", "internal")),
    ("showDevicesWithNoApps", True, "showDevicesWithNoApps", "true"),
    ("showDevicesWithNoApps", False, "showDevicesWithNoApps", "false"),
    *(("sortColumn", value, "sortColumn", value) for value in ("discoveredOn", "lastScanned", "name")),
    *(("sortDirection", value, "sortDirection", value) for value in ("ascending", "descending")),
    *(("source", value, "source", value)
      for value in ("agentbased", "agentless", "all", "nessusimport")),
]


@pytest.mark.parametrize("key, value, name, sent", FILTERS)
def test_filter_key_is_sent_as_its_query_parameter(key, value, name, sent, coda, sandbox):
    result = coda.result("list_devices", {"filter": {key: value}})
    (entry,) = sandbox.log()
    assert urllib.parse.parse_qsl(entry["query"], keep_blank_values=True) == [(name, sent)]
    query = entry["query"]
    assert exact(direct(sandbox, "classic", f"{ELEMENTS}/devices/", query)) == exact(
        json.dumps(result["raw_data"])
    )


def test_exactly_the_documented_filter_keys_exist(catalogue):
    schema = catalogue["list_devices"]["parameters"]["properties"]["filter"]
    assert set(schema["properties"]) == {key for key, *_ in FILTERS}
    assert schema["additionalProperties"] is False
    for key, member in schema["properties"].items():
        if "enum" in member:
            assert member["enum"] == [value for name, value, *_ in FILTERS if name == key]


@pytest.mark.parametrize("key, value", [
    ("riskLevel", "high"), ("pageSize", 0), ("pageSize", "many"), ("scannerId", "nine"),
    ("scannerId", 1.5), ("scope", "outside"), ("showDevicesWithNoApps", "true"), ("risklevel", "all"),
    ("sortColumn", "ip"), ("ip", 10), ("unknown", 1),
])
def test_an_undocumented_filter_is_rejected(key, value, coda, sandbox):
    error = coda.error("list_devices", {"filter": {key: value}})
    assert error["code"] == -32602
    assert [p["path"] for p in error["data"]["problems"]] == [f"/arguments/filter/{key}"]
    assert sandbox.log() == []


def test_all_filter_keys_are_sent_with_the_page(coda, sandbox):
    together = {"ip": "10.", "pageSize": 5, "riskLevel": "all", "scanType": "all", "scannerId": 12,
                "scope": "all", "showDevicesWithNoApps": True, "sortColumn": "name",
                "sortDirection": "ascending", "source": "all"}
    result = coda.result("list_devices", {"page": 2, "filter": together})
    (entry,) = sandbox.log()
    query = dict(urllib.parse.parse_qsl(entry["query"]))
    assert query.pop("page") == "2" and query.pop("filter") == "10."
    assert query == {k: str(v).replace("True", "true") for k, v in together.items() if k != "ip"}
    names = [item["name"] for item in result["raw_data"]["items"]]
    assert len(names) == 5 and names == sorted(names)


# Errors

FAILURES = {
    "get_technical_context": (404, "Not Found."),
    "list_current_targets_ports": (401, "Unauthorized."),
    "list_device_attack_avenues": (404, "Not Found."),
    "list_device_network_connections": (404, "Not Found."),
    "list_devices": (401, "Unauthorized."),
    "list_device_users": (404, "Not Found."),
    "list_device_vulnerabilities": (404, "Not Found."),
    "list_scanners": (401, "Unauthorized."),
    "list_scan_surfaces": (401, "Unauthorized."),
    "list_technical_contexts": (401, "Unauthorized."),
    "list_tenants": (401, "Unauthorized."),
    "patch_rescan": (401, "Unauthorized."),
    "update_target_scan_scope": (401, "Unauthorized."),
    "test_connection": (401, "Unauthorized."),
}


@each_profile
@pytest.mark.parametrize("command", FAILURES)
def test_documented_error_is_returned_verbatim(command, profile, coda, sandbox, catalogue):
    status, message = FAILURES[command]
    case = next(case for case in CASES if case.command == command)
    arguments = dict(case.arguments)
    if status == 404:
        arguments = {name: 999_999 for name in arguments}
    else:
        sandbox.faults("coda: 401")
    error = coda.error(command, arguments, profile)
    indicator = {
        "test_connection": "Test Connection failed. Failed to check the connector."
    }.get(command, catalogue[command]["title"] + " failed.")
    assert error["code"] == -32000 and error["message"] == indicator
    data = error["data"]
    assert data["return_data"] == "Failed"
    triple = (data["failure_indicator"], data["status_code"], data["message"])
    assert triple == (indicator, status, message)
    assert data["kind"] == {401: "auth", 404: "not_found"}[status]
    assert data["outcome"] == "not_applied" and data["retryable"] is False
    assert data["upstream"]["detail"]
    assert data["remedy"]
    if status == 404:
        source = {"context_id": "list_technical_contexts", "device_id": "list_devices"}
        assert source[next(iter(arguments))] in data["remedy"]


@each_profile
@pytest.mark.parametrize("command", ["list_device_users", "list_device_network_connections"])
def test_a_server_fails_with_501(command, profile, coda):
    servers = [d["id"] for d in coda.result("list_devices", {}, profile)["raw_data"]["items"]
               if d["type"] == "Server"]
    for identifier in servers[:2]:
        error = coda.error(command, {"device_id": identifier}, profile)["data"]
        assert error["status_code"] == 501 and error["message"] == "Not Implemented."
        assert error["retryable"] is False and "AgentDevice" in error["remedy"]


@pytest.mark.parametrize("command", ["list_device_attack_avenues", "list_device_network_connections"])
def test_a_device_without_attack_avenues_returns_empty_data(command, coda):
    result = coda.result(command, {"device_id": 1011})
    assert (result["return_data"], result["raw_data"]) == ("Successful", [])


def test_a_rescan_without_a_scanner_starts_every_ready_scanner(coda):
    result = coda.result("patch_rescan")
    assert sorted(r["scannerId"] for r in result["raw_data"]) == [9, 12]
    assert "notices" not in result


@pytest.mark.parametrize("command", ["patch_rescan", "list_scan_surfaces"])
@pytest.mark.parametrize("scanner", ["cloud", "12a", "", -1, 1.5, [12], {}])
def test_a_scanner_that_is_no_id_is_refused_and_scans_nothing(scanner, command, coda, sandbox):
    error = coda.error(command, {"scanner_id": scanner})
    assert error["code"] == -32602 and not sandbox.log()


def test_descriptions_say_what_an_unknown_scanner_means(catalogue):
    for command in ("patch_rescan", "list_scan_surfaces"):
        text = catalogue[command]["parameters"]["properties"]["scanner_id"]["description"]
        assert "if the tenant does not know the ID" in text
        assert "not an ID is refused" in catalogue[command]["description"]


def test_the_scope_of_the_documents_example_is_sent_as_the_document_writes_it(coda, sandbox):
    # The emulated vendor knows in and out only, as the vendor's specification.
    error = coda.error("update_target_scan_scope", {"target_id": 7001, "scope": "ALL"})["data"]
    (entry,) = sandbox.log()
    assert (error["status_code"], entry["body"]) == (400, '{"scope":"All"}')


@each_profile
@pytest.mark.parametrize("scanner", [999, 0])
def test_a_rescan_with_an_unknown_scanner_starts_all_and_adds_a_notice(scanner, profile, coda, sandbox):
    result = coda.result("patch_rescan", {"scanner_id": scanner}, profile)
    assert sorted(r["scannerId"] for r in result["raw_data"]) == [9, 12]
    (notice,) = result["notices"]
    assert f"Scanner {scanner} is unknown" in notice and "Every active scanner" in notice
    paths = [entry["path"].removeprefix("/current") for entry in sandbox.log()]
    assert paths == [f"{SURFACE}/rescan/{scanner}/", f"{SURFACE}/rescan/"]
    assert result["meta"]["requests"] == 2


@pytest.mark.parametrize("scanner, status, words", [
    (14, 406, "not active"),
    (15, 405, "extended scan"),
])
def test_a_rescan_with_an_unavailable_scanner_fails_without_a_fallback(
    scanner, status, words, coda, sandbox
):
    error = coda.error("patch_rescan", {"scanner_id": scanner})["data"]
    assert error["status_code"] == status and words in error["remedy"]
    assert [entry["path"] for entry in sandbox.log()] == [f"{SURFACE}/rescan/{scanner}/"]


@pytest.mark.parametrize("status, kind", [(401, "auth"), (402, "permission"), (403, "permission")])
def test_a_rescan_without_permission_fails_without_a_fallback(status, kind, coda, sandbox):
    sandbox.faults(f"coda: {status} on PATCH {SURFACE}/rescan/*")
    error = coda.error("patch_rescan", {"scanner_id": 999})["data"]
    assert (error["status_code"], error["kind"]) == (status, kind)
    assert error["remedy"] and error["outcome"] == "not_applied"
    assert f"{SURFACE}/rescan/" not in [entry["path"] for entry in sandbox.log()]


def test_an_expired_trial_has_a_remedy(coda, sandbox):
    sandbox.faults("coda: 402")
    error = coda.error("patch_rescan")["data"]
    assert error["message"] == "Payment Required." and "trial" in error["remedy"]


# Pages

PAGED = [
    ("list_devices", {}, 45),
    ("list_devices", {"filter": {"pageSize": 4}}, 45),
    ("list_devices", {"filter": {"riskLevel": "critical", "pageSize": 2}}, None),
    ("list_technical_contexts", {}, 43),
    ("list_scan_surfaces", {}, 24),
    ("list_current_targets_ports", {}, 39),
    ("list_device_vulnerabilities", {"device_id": 1043}, None),
    ("list_device_attack_avenues", {"device_id": 1043}, None),
    ("list_tenants", {}, 2),
]


def items_of(body):
    return body if isinstance(body, list) else body["items"]


@each_profile
@pytest.mark.parametrize("command, arguments, count", PAGED)
def test_all_pages_returns_the_items_of_every_page(command, arguments, count, profile, coda):
    result = coda.result(command, arguments, profile, all_pages=True)
    first = coda.result(command, arguments, profile)["raw_data"]
    union = list(items_of(first))
    if isinstance(first, dict):
        for page in range(2, first["totalPages"] + 1):
            union += coda.result(command, {**arguments, "page": page}, profile)["raw_data"]["items"]
        assert result["meta"]["pages"] == first["totalPages"]
        assert len(union) == first["totalCount"]
        others = {name: value for name, value in result["raw_data"].items() if name != "items"}
        assert others == {name: value for name, value in first.items() if name != "items"}
    assert items_of(result["raw_data"]) == union
    if count is not None:
        assert len(union) == count
    number = coda.start(command, arguments, profile, all_pages=True, stream=True)
    meta = coda.host.wait(number)[0]["result"]["meta"]
    sent = coda.host.notifications("invoke/item", number)
    assert [note["item"] for note in sent] == union
    assert [note["seq"] for note in sent] == list(range(len(union)))
    assert meta["items"] == len(union) and meta["pages"] == result["meta"]["pages"]
    progress = coda.host.notifications("invoke/progress", number)
    if isinstance(first, dict):
        assert [note["done"] for note in progress] == list(range(1, meta["pages"] + 1))
        assert {note["total"] for note in progress} == {meta["pages"]}


def test_all_pages_starts_at_the_given_page(coda):
    last = coda.result("list_devices", {"page": 3})["raw_data"]["items"]
    result = coda.result("list_devices", {"page": 2}, all_pages=True)
    assert result["meta"]["pages"] == 2
    assert len(result["raw_data"]["items"]) == 25
    assert result["raw_data"]["items"][20:] == last


@each_profile
@pytest.mark.parametrize("command", [
    "list_devices", "list_technical_contexts", "list_scan_surfaces", "list_current_targets_ports",
])
@pytest.mark.parametrize("all_pages", [False, True])
def test_a_page_past_the_end_is_a_success_without_items(command, all_pages, profile, coda):
    result = coda.result(command, {"page": 999}, profile, all_pages=all_pages)
    assert result["return_data"] == "Successful" and result["raw_data"]["items"] == []
    assert result["meta"]["requests"] == 1


def test_paginated_commands_are_declared(catalogue):
    paged = {command["id"] for command in catalogue.values() if command["pages"]}
    assert paged == {command for command, *_ in PAGED}


# Expired tokens


@each_profile
def test_an_expired_token_is_refreshed(profile, sandbox):
    with Host(sandbox.connection_of(profile)) as host:
        host.result("list_scanners")
        sandbox.advance(301)
        started = [host.start("list_scanners") for _ in range(20)]
        for number in started:
            assert "result" in host.wait(number)[0]
        sandbox.advance(90_000)
        host.result("list_scanners")
        prefix = "/current" if profile == "current" else ""
        signed = [e["path"] for e in sandbox.log(sign_ins=True) if "/auth/token/" in e["path"]]
        login, refresh = f"{prefix}/api/auth/token/", f"{prefix}/api/auth/token/refresh/"
        assert signed == [login, refresh, refresh, login]


def test_call_runs_a_command_for_a_person(sandbox):
    ended = run("call", "coda_footprint", "list_devices", "--sandbox", "--page", "3", "--raw")
    assert ended.code == 0, ended.errors
    assert len(json.loads(ended.text)["raw_data"]["items"]) == 5
