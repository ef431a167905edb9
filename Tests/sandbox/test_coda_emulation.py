"""The emulated CODA Footprint tenant, over real HTTP, against the vendor's contract."""

import base64
import concurrent.futures
import contextlib
import json
import random
import re
import socket
import struct
import time
import urllib.parse

import pytest
import requests
from Support.host import TIMEOUT, eventually
from Support.sandbox import Sandbox

SECOND_USER = ("reporting@northwind.example", "Sandbox-Footprint-2")

TENANTS = "/api/common/auth/session/accounts/"
DEVICES = "/api/console/elements/devices/"
CONTEXTS = "/api/console/elements/contexts/technical/"
SCANNERS = "/api/console/scanSurface/scanners/"
SURFACE = "/api/console/scanSurface/"
PORTS = "/api/console/scanSurface/currentTargets/ports/"
RESCAN = "/api/console/scanSurface/rescan/"
TARGET = "/api/console/scanSurface/currentTargets/"


def device(identifier, what):
    return f"/api/console/elements/device/{identifier}/{what}/"


class CODASandbox(Sandbox):
    """With the tenant's user, raw sockets, and sign-ins in the log."""

    def __init__(self, *faults):
        super().__init__(*faults)
        self.settings = self.connection["settings"]
        parts = urllib.parse.urlsplit(self.base)
        self.address = (parts.hostname, parts.port)
        self.user = (self.settings["user_name"], self.settings["password"])

    def log(self):
        return super().log(sign_ins=True)

    def sign_in(self, user=None):
        name, password = user or self.user
        answer = requests.post(
            self.base + "/api/auth/token/", json={"username": name, "password": password}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def raw(self, data, timeout=TIMEOUT):
        """Sends bytes as they are; returns everything until the server hangs up."""
        with socket.create_connection(self.address, timeout=timeout) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return read_to_end(client)


def read_to_end(client):
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


class Client:
    """A signed-in user of one API profile."""

    def __init__(self, sandbox, profile="classic", tenant=None, user=None):
        self.prefix = sandbox.base + ("/current" if profile == "current" else "")
        self.session = requests.Session()
        access = sandbox.sign_in(user)["access"]
        self.session.headers["Authorization"] = "Bearer " + access
        if tenant is not None:
            self.session.headers["FootprintTenantId"] = str(tenant)

    def get(self, path, **query):
        return self.session.get(self.prefix + path, params=query)

    def patch(self, path, body=None):
        return self.session.patch(self.prefix + path, json=body)

    def pages(self, path, **query):
        items = []
        for page in range(1, 100):
            answer = self.get(path, page=page, **query).json()
            items += answer["items"]
            if page >= answer["totalPages"]:
                assert len(items) == answer["totalCount"]
                return items
        raise AssertionError("the pages have no end")


@pytest.fixture(scope="module")
def running():
    with CODASandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.reset()
    return running


@pytest.fixture
def classic(sandbox):
    return Client(sandbox)


@pytest.fixture
def current(sandbox):
    return Client(sandbox, "current")


def detail(text):
    return {"detail": text}


# The executable


def test_the_first_line_is_a_connections_file_and_an_interrupt_ends_it():
    with CODASandbox("coda: 503 first 1") as sandbox:
        assert sandbox.connection["integration"] == "coda_footprint"
        assert set(sandbox.settings) == {"server_url", "user_name", "password"}
        client = Client(sandbox)
        assert client.get(TENANTS).status_code == 503
        assert client.get(TENANTS).status_code == 200
    with pytest.raises(requests.ConnectionError):
        client.get(TENANTS)


def test_it_listens_on_loopback_alone(sandbox):
    assert sandbox.base.startswith("http://127.0.0.1:")


# Signing in


def claims(token):
    header, payload, signature = token.split(".")
    for part in (header, payload, signature):
        assert re.fullmatch(r"[A-Za-z0-9_-]+", part)
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_sign_in_gives_tokens_whose_claims_name_the_tenant_and_the_end(sandbox):
    before = time.time()
    tokens = sandbox.sign_in()
    assert set(tokens) == {"access", "refresh"}
    access, refresh = claims(tokens["access"]), claims(tokens["refresh"])
    assert access["original_tenant_id"] == 1 and isinstance(access["user_id"], int)
    after = time.time()
    assert before - 1 <= access["exp"] - 300 <= after + 1
    assert before - 1 <= refresh["exp"] - 86_400 <= after + 1
    assert claims(sandbox.sign_in(SECOND_USER)["access"])["original_tenant_id"] == 2


@pytest.mark.parametrize(
    "route, body, status, answer",
    [
        ("token/", {"username": "x", "password": "y"}, 401,
         detail("No active account found with the given credentials")),
        ("token/", {}, 400, {"username": ["This field is required."],
                             "password": ["This field is required."]}),
        ("token/", {"username": "", "password": None}, 400,
         {"username": ["This field may not be blank."],
          "password": ["This field may not be null."]}),
        ("token/", {"username": 1, "password": "y"}, 400, {"username": ["Not a valid string."]}),
        ("token/", [], 400, {"non_field_errors": ["Invalid data. Expected a dictionary."]}),
        ("token/refresh/", {"refresh": "x"}, 401,
         {"detail": "Token is invalid or expired", "code": "token_not_valid"}),
        ("token/refresh/", {}, 400, {"refresh": ["This field is required."]}),
    ],
)
def test_a_bad_sign_in_is_answered_as_the_framework_does(sandbox, route, body, status, answer):
    response = requests.post(f"{sandbox.base}/api/auth/{route}", json=body)
    assert (response.status_code, response.json()) == (status, answer)


def test_the_sign_in_body_is_json(sandbox):
    url = sandbox.base + "/api/auth/token/"
    assert requests.post(url, data="username=x").status_code == 415
    broken = requests.post(url, data="{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400 and broken.json()["detail"].startswith("JSON parse error")
    deep = requests.post(
        url, data="[" * 100_000, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert deep.status_code == 400


def test_the_session_sign_in_gives_the_same_kind_of_tokens(sandbox):
    url = sandbox.base + "/api/common/auth/session/"
    name, password = sandbox.user
    answer = requests.post(url, json={"username": name, "password": password})
    assert answer.status_code == 200
    assert answer.json()["accountId"] == 1 and answer.json()["role"] == "technical"
    assert "XSRF-TOKEN" in answer.cookies
    bearer = {"Authorization": "Bearer " + answer.json()["access"]}
    assert requests.get(sandbox.base + TENANTS, headers=bearer).status_code == 200
    assert requests.post(url, json={"username": name, "password": "no"}).status_code == 400


def test_an_access_token_lasts_five_minutes_and_a_refresh_token_a_day(sandbox):
    tokens = sandbox.sign_in()
    bearer = {"Authorization": "Bearer " + tokens["access"]}
    sandbox.advance(290)
    assert requests.get(sandbox.base + TENANTS, headers=bearer).status_code == 200
    sandbox.advance(11)
    expired = requests.get(sandbox.base + TENANTS, headers=bearer)
    assert expired.status_code == 401 and expired.json()["code"] == "token_not_valid"

    url = sandbox.base + "/api/auth/token/refresh/"
    fresh = requests.post(url, json={"refresh": tokens["refresh"]})
    assert fresh.status_code == 200 and set(fresh.json()) == {"access"}
    bearer = {"Authorization": "Bearer " + fresh.json()["access"]}
    assert requests.get(sandbox.base + TENANTS, headers=bearer).status_code == 200
    sandbox.advance(86_400)
    assert requests.post(url, json={"refresh": tokens["refresh"]}).status_code == 401


@pytest.mark.parametrize(
    "header, message",
    [
        (None, "Authentication credentials were not provided."),
        ("Basic eDp5", "Authentication credentials were not provided."),
        ("Bearer", "Authorization header must contain two space-delimited values"),
        ("Bearer a b", "Authorization header must contain two space-delimited values"),
        ("Bearer nonsense", "Given token not valid for any token type"),
    ],
)
@pytest.mark.parametrize(
    "path", [TENANTS, DEVICES, device(1001, "users"), SURFACE, "/current" + PORTS]
)
def test_every_other_route_needs_a_token(sandbox, path, header, message):
    headers = {"Authorization": header} if header else {}
    answer = requests.get(sandbox.base + path, headers=headers)
    assert answer.status_code == 401 and answer.json()["detail"] == message
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_refresh_token_opens_nothing(sandbox):
    bearer = {"Authorization": "Bearer " + sandbox.sign_in()["refresh"]}
    answer = requests.get(sandbox.base + TENANTS, headers=bearer)
    assert answer.status_code == 401
    assert answer.json()["messages"][0]["message"] == "Token has wrong type"


# Tenants


@pytest.mark.parametrize(
    "header, status", [("1", 200), ("2", 200), ("3", 403), ("-1", 403), ("acme", 400), ("", 400)]
)
def test_the_tenant_header_is_checked(sandbox, header, status):
    assert Client(sandbox, tenant=header).get(DEVICES).status_code == status


def test_without_the_header_the_token_names_the_tenant(sandbox):
    assert Client(sandbox).get(DEVICES).json()["totalCount"] == 45
    own = Client(sandbox, user=SECOND_USER)
    assert own.get(DEVICES).json()["totalCount"] == 4
    assert [tenant["id"] for tenant in own.get(TENANTS).json()] == [2]
    assert Client(sandbox, tenant=1, user=SECOND_USER).get(DEVICES).status_code == 403


def test_no_id_of_one_tenant_is_known_in_the_other(sandbox):
    first, second = Client(sandbox, tenant=1), Client(sandbox, tenant=2)
    for what in ("attackavenues", "networkConnections", "users", "vulnerabilities"):
        assert second.get(device(1001, what)).status_code == 404
        assert first.get(device(2001, what)).status_code == 404
    assert second.get(CONTEXTS + "301/").status_code == 404
    assert second.patch(RESCAN + "12/", {}).status_code == 404
    assert second.patch(TARGET + "7001/", {"scope": "OUT"}).status_code == 404
    for path in (DEVICES, CONTEXTS, SURFACE):
        ids = [{row["id"] for row in client.pages(path)} for client in (first, second)]
        assert ids[0] and ids[1] and not ids[0] & ids[1]
    assert "acme" not in json.dumps([second.pages(p) for p in (DEVICES, SURFACE, PORTS)]).lower()


def test_classic_lists_tenants_bare_and_current_in_pages(classic, current):
    tenants = classic.get(TENANTS).json()
    assert [(t["id"], t["isPrimaryAccount"]) for t in tenants] == [(1, "True"), (2, "False")]
    assert set(tenants[0]) == {"id", "name", "photo", "lastLogin", "isPrimaryAccount"}
    paged = current.get(TENANTS, size=100_000).json()
    assert [(t["id"], t["isPrimaryAccount"]) for t in paged["items"]] == [(1, True), (2, False)]
    assert {"registrationId", "label", "managedType", "isTrialMode"} <= set(paged["items"][0])
    assert current.get(TENANTS, size=1, page=2).json()["items"][0]["id"] == 2
    assert current.get(TENANTS, filter="northwind").json()["totalCount"] == 1


# Routes


EVERY_ROUTE = [
    ("POST", "/api/auth/token/"), ("POST", "/api/auth/token/refresh/"),
    ("POST", "/api/common/auth/session/"), ("GET", TENANTS), ("GET", DEVICES),
    ("GET", device(1001, "attackavenues")), ("GET", device(1001, "networkConnections")),
    ("GET", device(1001, "users")), ("GET", device(1001, "vulnerabilities")), ("GET", CONTEXTS),
    ("GET", CONTEXTS + "301/"), ("GET", SCANNERS), ("GET", SURFACE), ("GET", PORTS),
    ("PATCH", RESCAN), ("PATCH", RESCAN + "12/"), ("PATCH", TARGET + "7001/"),
]


@pytest.mark.parametrize("profile", ["classic", "current"])
@pytest.mark.parametrize("verb, path", EVERY_ROUTE)
def test_a_wrong_verb_is_405_and_a_missing_slash_404(sandbox, profile, verb, path):
    client = Client(sandbox, profile)
    for other in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {verb}:
        answer = client.session.request(other, client.prefix + path)
        assert answer.status_code == 405, other
        assert verb in answer.headers["Allow"].split(", ")
        assert answer.json() == detail(f'Method "{other}" not allowed.')
    for wrong in (path[:-1], path + "x/y/", path + "/"):
        answer = client.session.request(verb, client.prefix + wrong)
        assert answer.status_code == 404 and "html" in answer.headers["Content-Type"]


@pytest.mark.parametrize("verb, path", [row for row in EVERY_ROUTE if row[0] == "GET"])
def test_head_is_a_get_without_a_body(classic, verb, path):
    got = classic.session.get(classic.prefix + path)
    head = classic.session.head(classic.prefix + path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert got.headers["Content-Type"] == "application/json"


def test_an_id_that_is_no_number_is_another_path(classic):
    for path in (device("x", "users"), CONTEXTS + "x/", CONTEXTS + "-1/"):
        assert classic.get(path).status_code == 404
    assert classic.patch(TARGET + "x/", {"scope": "IN"}).status_code == 404
    assert classic.get(device(9 * 10**30, "users")).json() == detail("Not found.")


# Devices


def test_devices_come_in_three_pages_newest_id_first(classic, current):
    for client in (classic, current):
        first = client.get(DEVICES).json()
        assert {k: first[k] for k in ("page", "totalPages", "totalCount")} == {
            "page": 1, "totalPages": 3, "totalCount": 45,
        }
        assert [row["id"] for row in client.pages(DEVICES)] == list(range(1045, 1000, -1))
        past = client.get(DEVICES, page=4)
        assert past.status_code == 200 and past.json()["items"] == []
        assert len(client.get(DEVICES, pageSize=50).json()["items"]) == 45
        assert client.get(DEVICES, page=10**18, pageSize=10**18).json()["items"] == []


def test_classic_devices_have_every_required_member(classic, current):
    rows = classic.pages(DEVICES)
    required = set(
        "id type agentStatus disclaimer provider isAttackAvenuesAvailable isOnline riskLevel ip "
        "name originalName discoveredOn lastSeen hostnames applicationsCount protocols agentId "
        "hasScapResults hasAgentInstalled isNetworkEdgeScanDisabled numberOfCves "
        "numberOfAttackAvenues avoidBruteForce".split()
    )
    assert all(set(row) == required for row in rows)
    assert {row["type"] for row in rows} == {"AgentDevice", "Server"}
    assert {row["isOnline"] for row in rows} == {"True", "False"}
    assert {row["riskLevel"] for row in rows} == {0, 1, 2, 3}
    assert {r["id"] for r in rows if not r["isAttackAvenuesAvailable"]} == {1011, 1022, 1033, 1044}
    assert len({row["ip"] for row in rows}) == 45 and len({row["name"] for row in rows}) == 45

    added = {"scannerName", "ports", "deviceState", "tags", "lastScanned"}
    rows = current.pages(DEVICES)
    assert all(set(row) == required - {"isAttackAvenuesAvailable"} | added for row in rows)
    systems = {row["agentStatus"]["osType"] for row in rows if row["type"] == "AgentDevice"}
    assert systems == {"WIN", "MAC", "LNX"}


def test_some_rows_have_the_oddities_of_the_real_wire(classic, current):
    rows = classic.pages(DEVICES)
    assert any(row["disclaimer"] == "None" for row in rows)
    assert any(row["agentId"] == "" for row in rows)
    assert any(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$", row["lastSeen"]) for row in rows)
    assert any(row["agentStatus"] == "" for row in current.pages(DEVICES))
    surface = classic.pages(SURFACE)
    assert any(row["user"] == "" for row in surface)
    assert any(row["scanDate"] == "None" for row in surface)
    schedules = [row["schedulerConfig"] for row in classic.get(SCANNERS).json()]
    assert {} in schedules and "None" in schedules


def check_filter(client, query, keeps, path=DEVICES):
    everything = client.pages(path)
    expected = [row["id"] for row in everything if keeps(row)]
    assert [row["id"] for row in client.pages(path, **query)] == expected
    assert 0 < len(expected) < len(everything)


RISKS = {"secure": 0, "nonvisible": 1, "vulnerable": 2, "critical": 3}


@pytest.mark.parametrize("word, level", RISKS.items())
def test_classic_devices_are_filtered_by_one_risk_level(classic, word, level):
    check_filter(classic, {"riskLevel": word}, lambda row: row["riskLevel"] == level)


@pytest.mark.parametrize("words", ["secure", "unknown,critical", "vulnerable,secure,unknown"])
def test_current_devices_are_filtered_by_a_list_of_risk_levels(current, words):
    levels = {RISKS[word.replace("unknown", "nonvisible")] for word in words.split(",")}
    check_filter(current, {"riskLevel": words}, lambda row: row["riskLevel"] in levels)


@pytest.mark.parametrize(
    "query, keeps",
    [
        ({"filter": "10.20."}, lambda row: "10.20." in row["ip"]),
        ({"scanType": "discovered"}, lambda row: row["lastScanned"] is None),
        ({"scanType": "scanned"}, lambda row: row["lastScanned"] is not None),
        ({"scannerId": 12}, lambda row: row["scannerName"] == "Plant Floor Scanner"),
        ({"scope": "external"}, lambda row: row["ip"].startswith("203.")),
        ({"scope": "internal"}, lambda row: row["ip"].startswith("10.")),
        ({"source": "agentbased"}, lambda row: row["type"] == "AgentDevice"),
    ],
)
def test_devices_are_filtered_in_both_profiles(classic, current, query, keeps):
    check_filter(current, query, keeps)
    ids = [row["id"] for row in current.pages(DEVICES, **query)]
    assert [row["id"] for row in classic.pages(DEVICES, **query)] == ids


@pytest.mark.parametrize(
    "query, keeps",
    [
        ({"ip": "203."}, lambda row: row["ip"].startswith("203.")),
        ({"name": "srv"}, lambda row: row["name"].startswith("SRV")),
        ({"os": "mac"}, lambda row: row["name"].startswith("MAC")),
        ({"status": "offline"}, lambda row: row["isOnline"] == "False"),
        ({"tags": "pci,laptop"},
         lambda row: {tag["tag"] for tag in row["tags"]} & {"pci", "laptop"}),
    ],
)
def test_current_devices_have_more_filters(current, query, keeps):
    check_filter(current, query, keeps)


def test_filters_work_together_and_all_means_all(classic):
    everything = {"riskLevel": "all", "scanType": "all", "scope": "all", "source": "all"}
    assert classic.get(DEVICES, **everything).json()["totalCount"] == 45
    check_filter(
        classic, {"riskLevel": "critical", "source": "agentbased", "filter": "10.10"},
        lambda row: (row["riskLevel"], row["type"]) == (3, "AgentDevice") and "10.10" in row["ip"],
    )
    split = [classic.get(DEVICES, source=s).json()["totalCount"]
             for s in ("agentbased", "agentless", "nessusimport")]
    assert sum(split) == 45 and all(split)
    assert classic.get(DEVICES, scannerId=999).json() == {
        "page": 1, "totalPages": 1, "totalCount": 0, "items": [],
    }


def test_devices_without_applications_can_be_hidden(classic):
    check_filter(
        classic, {"showDevicesWithNoApps": "false"}, lambda row: row["applicationsCount"] > 0)
    assert classic.get(DEVICES, showDevicesWithNoApps="true").json()["totalCount"] == 45


@pytest.mark.parametrize("column", ["discoveredOn", "lastScanned", "name", "ip"])
def test_devices_are_sorted(current, column):
    def key(row):
        if column == "ip":
            return [int(part) for part in row["ip"].split(".")]
        return (row[column] or "").replace(" ", "T").replace("+00:00", "Z")

    rows = current.pages(DEVICES, sortColumn=column)
    assert [key(row) for row in rows] == sorted(key(row) for row in rows)
    turned = current.pages(DEVICES, sortColumn=column, sortDirection="descending")
    assert [row["id"] for row in turned] == [row["id"] for row in reversed(rows)]


def test_a_direction_alone_sorts_by_id(classic):
    ascending = classic.pages(DEVICES, sortDirection="ascending")
    assert [row["id"] for row in ascending] == list(range(1001, 1046))


@pytest.mark.parametrize(
    "profile, query, message",
    [
        ("classic", {"riskLevel": "High"}, '"High" is not a valid choice.'),
        ("classic", {"riskLevel": "secure,critical"}, '"secure,critical" is not a valid choice.'),
        ("current", {"riskLevel": "secure,all"}, '"all" is not a valid choice.'),
        ("current", {"riskLevel": "nonvisible"}, '"nonvisible" is not a valid choice.'),
        ("classic", {"scanType": "x"}, '"x" is not a valid choice.'),
        ("classic", {"scope": "EXTERNAL"}, '"EXTERNAL" is not a valid choice.'),
        ("classic", {"source": "agent"}, '"agent" is not a valid choice.'),
        ("classic", {"sortColumn": "ip"}, '"ip" is not a valid choice.'),
        ("classic", {"sortDirection": "up"}, '"up" is not a valid choice.'),
        ("classic", {"scannerId": "x"}, "A valid integer is required."),
        ("classic", {"showDevicesWithNoApps": "maybe"}, "Must be a valid boolean."),
        ("classic", {"page": "0"}, "Ensure this value is greater than or equal to 1."),
        ("classic", {"page": "x"}, "A valid integer is required."),
        ("classic", {"pageSize": "-5"}, "Ensure this value is greater than or equal to 1."),
        ("current", {"status": "asleep"}, '"asleep" is not a valid choice.'),
    ],
)
def test_a_bad_device_filter_is_a_field_error(sandbox, profile, query, message):
    answer = Client(sandbox, profile).get(DEVICES, **query)
    assert answer.status_code == 400
    assert answer.json() == {next(iter(query)): [message]}


def test_all_bad_fields_are_named_at_once_and_unknown_ones_ignored(classic):
    answer = classic.get(DEVICES, scope="x", source="y", page="z")
    assert answer.status_code == 400 and set(answer.json()) == {"scope", "source", "page"}
    assert classic.get(DEVICES, nonsense="x", scope="").status_code == 200


# One device


def test_attack_avenues(classic, current):
    rows = classic.get(device(1004, "attackavenues")).json()
    assert rows and all(row["elementId"] == 1004 for row in rows)
    assert {"title", "state", "cvssBase", "severity", "solution"} <= set(rows[0])
    paged = current.get(device(1004, "attackavenues"), page=1, size=2).json()
    assert paged["totalCount"] == len(rows) and len(paged["items"]) == 2
    few = current.get(device(1004, "attackavenues"), hideInformationalEntries="true").json()
    assert few["totalCount"] == len([r for r in rows if r["severity"] != "informational"])
    assert few["totalCount"] < len(rows)
    state = rows[0]["state"]
    chosen = current.get(device(1004, "attackavenues"), states=state).json()["items"]
    assert chosen and {row["state"] for row in chosen} == {state}
    assert current.get(device(1004, "attackavenues"), states="open").status_code == 400


def test_a_device_without_attack_avenues_has_none_and_no_connections(classic, current):
    for identifier in (1011, 1033):
        assert classic.get(device(identifier, "attackavenues")).json() == []
        assert current.get(device(identifier, "attackavenues")).json()["items"] == []
    assert classic.get(device(1011, "networkConnections")).json() == []
    # The type is looked at first.
    assert classic.get(device(1033, "networkConnections")).status_code == 501


def test_network_connections_and_users_are_not_for_servers(classic, current):
    for client in (classic, current):
        for what in ("networkConnections", "users"):
            assert client.get(device(1001, what)).status_code == 200
            assert client.get(device(1003, what)).status_code == 501
            assert client.get(device(9999, what)).status_code == 404
    users = classic.get(device(1001, "users")).json()
    assert all(isinstance(value, str) for user in users for value in user.values())
    assert {user["disabled"] for user in users} == {"True", "False"}
    assert all(c["remotePort"] for c in classic.get(device(1001, "networkConnections")).json())


def test_vulnerabilities(classic, current):
    rows = {row["id"]: row["numberOfCves"] for row in classic.pages(DEVICES)}
    for identifier, count in rows.items():
        found = classic.get(device(identifier, "vulnerabilities"), page=1).json()
        assert len(found) == count
        for row in found:
            assert row["elementId"] == identifier and re.match(r"CVE-\d{4}-\d{4,}$", row["cve"])
            assert 0 < row["cvssScore"] <= 10
            assert row["isCriticalSeverity"] == (row["severity"] == "critical")
    assert len([count for count in rows.values() if count]) > 20
    paged = current.get(device(1001, "vulnerabilities"), size=2).json()
    assert len(paged["items"]) == 2 and paged["totalCount"] == rows[1001]
    assert classic.get(device(9999, "vulnerabilities")).json() == detail("Not found.")
    assert classic.get(device(9999, "attackavenues")).status_code == 404


# Technical contexts


def test_technical_contexts(classic, current):
    for client in (classic, current):
        assert client.get(CONTEXTS).json()["totalPages"] == 3
        assert [row["id"] for row in client.pages(CONTEXTS)] == list(range(301, 344))
        past = client.get(CONTEXTS, page=4)
        assert past.status_code == 200 and past.json()["items"] == []
    for word, level in RISKS.items():
        check_filter(classic, {"risk_level": word}, lambda row: row["state"] == level, CONTEXTS)
    check_filter(
        current, {"riskLevel": "unknown,secure"},
        lambda row: row["riskLevel"] in ("unknown", "secure"), CONTEXTS)
    assert classic.get(CONTEXTS, risk_level="all").json()["totalCount"] == 43
    assert classic.get(CONTEXTS, risk_level="x").json() == {
        "risk_level": ['"x" is not a valid choice.']}
    # Each profile ignores the other's spelling.
    assert classic.get(CONTEXTS, riskLevel="x").status_code == 200


def test_one_technical_context(classic, current):
    listed = classic.get(CONTEXTS).json()["items"][4]
    assert classic.get(CONTEXTS + f"{listed['id']}/").json() == listed
    assert set(listed["info"]["levels"]) == set(RISKS)
    detailed = current.get(CONTEXTS + "301/").json()
    assert {"created", "createdBy", "technicalContexts"} <= set(detailed)
    assert classic.get(CONTEXTS + "999/").json() == detail("Not found.")


# Scanners and scan surface


def test_scanners_are_a_bare_list_of_one_in_each_state(classic, current):
    rows = {row["id"]: row for row in classic.get(SCANNERS).json()}
    assert list(rows) == [9, 12, 14, 15] and current.get(SCANNERS).json() == list(rows.values())
    assert rows[9]["isDefaultCloudScanner"] and rows[9]["type"] == "external"
    assert rows[12]["administrativeState"] == "Active" and rows[12]["type"] == "internal"
    assert rows[14]["administrativeState"] != "Active"
    assert rows[15]["extendScanRunning"] is True


def targets(items):
    return {t["id"]: t for i in items for s in i["scanners"] for t in s["currentTargets"]}


def test_the_scan_surface_nests_targets_and_is_narrowed_by_scanner(classic, current):
    everything = classic.pages(SURFACE)
    assert len(everything) == 24 and sorted(targets(everything)) == list(range(7001, 7040))
    assert any(len(row["scanners"]) == 2 for row in everything)
    narrowed = classic.pages(SURFACE, scannerId=12)
    assert {s["id"] for row in narrowed for s in row["scanners"]} == {12} and len(narrowed) == 8
    for invalid in ("999", "x", ""):
        assert classic.pages(SURFACE, scannerId=invalid) == everything
    assert classic.get(SURFACE, page=9).json()["items"] == []
    assert classic.get(SURFACE, page="x").status_code == 400
    assert current.get(SURFACE, textFilter="SHOP").json()["totalCount"] == 1
    assert classic.get(SURFACE, textFilter="SHOP").json()["totalCount"] == 24


def test_ports_of_current_targets(classic, current):
    rows = classic.pages(PORTS)
    assert len(rows) == 39
    assert set(rows[0]) == {"userInput", "ipAddress", "portTransportProtocolList"}
    kinds = {p["transportProtocol"] for row in rows for p in row["portTransportProtocolList"]}
    assert kinds == {"tcp", "udp"}
    assert len(classic.pages(PORTS, scannerId=15)) == 39
    assert len(current.pages(PORTS, scannerId=15)) == 6
    assert "lastScanned" in current.pages(PORTS)[0]


def test_rescan_all_takes_the_scanners_that_are_ready(classic):
    answer = classic.patch(RESCAN, {})
    assert answer.status_code == 200
    assert [row["scannerId"] for row in answer.json()] == [9, 12]
    uuid = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert all(re.fullmatch(uuid, row["scanUuid"]) for row in answer.json())
    assert len({row["scanUuid"] for row in answer.json()}) == 2
    assert classic.session.patch(classic.prefix + RESCAN).status_code == 200
    broken = classic.session.patch(
        classic.prefix + RESCAN, data="{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400


@pytest.mark.parametrize(
    "scanner, status",
    [("9", 200), ("12", 200), ("14", 406), ("15", 405), ("21", 404), ("999", 404), ("0", 404),
     ("-1", 400), ("abc", 400), ("1.5", 400), ("%20", 400), ("9" * 30, 404)],
)
def test_rescan_one(classic, scanner, status):
    answer = classic.patch(RESCAN + scanner + "/", {})
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["scannerId"] == int(scanner)
    else:
        assert set(answer.json()) == {"detail"}


def test_a_rescan_shows_in_the_scan_surface(classic):
    before = {row["id"]: row["scanDate"] for row in classic.pages(SURFACE)}
    classic.patch(RESCAN + "12/", {})
    after = {row["id"]: row["scanDate"] for row in classic.pages(SURFACE)}
    changed = {i for i in before if before[i] != after[i]}
    assert changed == {row["id"] for row in classic.pages(SURFACE, scannerId=12)}


def test_scope_stops_and_resumes_a_target_until_the_reset(sandbox, classic):
    def is_stopped():
        return targets(classic.pages(SURFACE))[7003]["isTargetStopped"]

    assert is_stopped() is False
    for scope, expected in (("OUT", True), ("OUT", True), ("IN", False), ("OUT", True)):
        answer = classic.patch(TARGET + "7003/", {"scope": scope})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Content-Length"] == "0" and is_stopped() is expected
    sandbox.reset()
    assert classic.get(SURFACE).status_code == 401
    fresh = Client(sandbox)
    assert targets(fresh.pages(SURFACE))[7003]["isTargetStopped"] is False


@pytest.mark.parametrize(
    "profile, target, body, status, answer",
    [
        ("classic", 7001, {}, 400, {"scope": ["This field is required."]}),
        ("classic", 7001, {"scope": "All"}, 400, {"scope": ['"All" is not a valid choice.']}),
        ("classic", 7001, {"scope": "in"}, 400, {"scope": ['"in" is not a valid choice.']}),
        ("classic", 7001, {"scope": 1}, 400, {"scope": ["Not a valid string."]}),
        ("classic", 1, {"scope": "IN"}, 404, detail("Not found.")),
        ("current", 7001, {"scope": "IN"}, 400, {"scope": ["The scope is not OUT."]}),
        ("current", 1, {"scope": "OUT"}, 404, detail("Not found.")),
    ],
)
def test_a_bad_scope(sandbox, profile, target, body, status, answer):
    response = Client(sandbox, profile).patch(f"{TARGET}{target}/", body)
    assert (response.status_code, response.json()) == (status, answer)


def test_the_current_profile_takes_targets_out_of_scope(current):
    assert current.patch(TARGET + "7001/", {"scope": "OUT"}).status_code == 200
    assert targets(current.pages(SURFACE))[7001]["isTargetStopped"] is True


# Control


def test_control_routes_need_their_header(sandbox):
    for verb, route in (("GET", "log"), ("POST", "reset"), ("POST", "faults"), ("POST", "clock")):
        assert requests.request(verb, f"{sandbox.base}/_sandbox/{route}").status_code == 404
    assert sandbox.control_response("GET", "nonsense").status_code == 404
    assert sandbox.control_response("POST", "faults", data="x").status_code == 400
    assert sandbox.control_response("POST", "faults", json=[1]).status_code == 400
    assert sandbox.control_response("POST", "clock", json={"advance_seconds": -1}).status_code == 400
    assert sandbox.log() == []


def test_the_log_tells_what_the_vendor_received(sandbox, classic):
    classic.get(DEVICES, filter="10.1 x", page=2)
    classic.patch(TARGET + "7001/", {"scope": "nö"})
    entries = sandbox.log()
    assert [(e["method"], e["path"], e["status"]) for e in entries] == [
        ("POST", "/api/auth/token/", 200), ("GET", DEVICES, 200), ("PATCH", TARGET + "7001/", 400),
    ]
    assert urllib.parse.parse_qs(entries[1]["query"]) == {"filter": ["10.1 x"], "page": ["2"]}
    assert entries[1]["headers"]["authorization"].startswith("Bearer ")
    assert json.loads(entries[2]["body"]) == {"scope": "nö"}


def test_the_log_keeps_the_last_ten_thousand(sandbox):
    request = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"
    for _ in range(4):
        sandbox.raw(request * 2_500)
    sandbox.raw(request.replace(b"/x", b"/y") * 3)
    paths = [entry["path"] for entry in sandbox.log()]
    assert len(paths) == 10_000 and paths[-4:] == ["/api/x"] + ["/api/y"] * 3


# Faults


def statuses(client, count, path=TENANTS):
    return [client.get(path).status_code for _ in range(count)]


def test_a_status_comes_every_so_often_with_its_retry_after(sandbox, classic):
    sandbox.faults("coda: 429 every 3 retry-after 2")
    assert statuses(classic, 7) == [200, 200, 429, 200, 200, 429, 200]
    classic.get(TENANTS)
    throttled = classic.get(TENANTS)
    assert throttled.headers["Retry-After"] == "2" and "throttled" in throttled.json()["detail"]
    sandbox.faults("coda: 429 always")
    assert "Retry-After" not in classic.get(TENANTS).headers


def test_a_status_comes_first_or_always(sandbox, classic):
    sandbox.faults("coda: 503 first 2")
    assert statuses(classic, 4) == [503, 503, 200, 200]
    sandbox.faults("coda: 402 always", "coda: 500 always")
    assert statuses(classic, 3) == [402, 402, 402]
    assert classic.get(TENANTS).json() == detail("Your trial has expired.")
    sandbox.faults("coda: 502")
    assert "html" in classic.get(TENANTS).headers["Content-Type"]


def test_a_fault_is_kept_to_a_path_in_both_profiles(sandbox, classic, current):
    sandbox.faults(f"coda: 500 on GET {DEVICES}", f"coda: 402 on PATCH {RESCAN}*")
    assert classic.get(TENANTS).status_code == 200
    assert classic.get(DEVICES, page=2).status_code == 500
    assert current.get(DEVICES).status_code == 500
    assert classic.patch(RESCAN, {}).status_code == 402
    assert classic.patch(RESCAN + "12/", {}).status_code == 402
    assert classic.get(RESCAN).status_code == 405


def test_faults_leave_signing_in_alone_unless_they_say_so(sandbox):
    sandbox.faults("coda: 500 always")
    tokens = sandbox.sign_in()
    sandbox.faults("coda-auth: 503 first 1")
    url = sandbox.base + "/api/auth/token/refresh/"
    assert requests.post(url, json={"refresh": tokens["refresh"]}).status_code == 503
    assert requests.post(url, json={"refresh": tokens["refresh"]}).status_code == 200
    assert Client(sandbox).get(TENANTS).status_code == 200


def test_an_expired_token_is_really_gone(sandbox, classic):
    sandbox.faults("coda: expired token every 2")
    assert statuses(classic, 4) == [200, 401, 401, 401]
    sandbox.faults()
    answer = classic.get(TENANTS)
    assert answer.status_code == 401 and answer.json()["code"] == "token_not_valid"

    tokens = sandbox.sign_in()
    sandbox.faults("coda-auth: expired token first 1")
    url = sandbox.base + "/api/auth/token/refresh/"
    for _ in range(2):
        assert requests.post(url, json={"refresh": tokens["refresh"]}).status_code == 401


def test_slow_adds_to_other_faults(sandbox, classic):
    sandbox.faults("coda: slow 200ms", "coda: 503 first 1")
    for expected in (503, 200):
        began = time.monotonic()
        assert classic.get(TENANTS).status_code == expected
        assert time.monotonic() - began >= 0.2


def test_a_dropped_body_breaks_off_after_the_vendor_acted(sandbox, classic):
    sandbox.faults("coda: drop body every 2")
    assert classic.get(TENANTS).status_code == 200
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        classic.get(DEVICES)
    assert classic.get(TENANTS).status_code == 200
    # A body that is empty breaks off too.
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        classic.patch(TARGET + "7001/", {"scope": "OUT"})
    sandbox.faults()
    assert targets(classic.pages(SURFACE))[7001]["isTargetStopped"] is True


def test_a_reset_comes_before_the_vendor_acts(sandbox, classic):
    sandbox.faults("coda: reset every 1")
    with pytest.raises(requests.ConnectionError):
        classic.patch(TARGET + "7001/", {"scope": "OUT"})
    assert sandbox.log()[-1]["status"] == 0
    with socket.create_connection(sandbox.address) as client:
        client.sendall(b"GET " + TENANTS.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    sandbox.faults()
    assert targets(classic.pages(SURFACE))[7001]["isTargetStopped"] is False


def test_garbage_is_a_success_that_is_not_json(sandbox, classic):
    sandbox.faults("coda: garbage every 1")
    answer = classic.get(DEVICES)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_a_reset_of_the_sandbox_starts_the_counts_again(sandbox):
    sandbox.faults("coda: 503 first 1")
    assert statuses(Client(sandbox), 2) == [503, 200]
    sandbox.control("POST", "reset")
    assert statuses(Client(sandbox), 2) == [503, 200]


@pytest.mark.parametrize(
    "text, column, hint",
    [
        ("", 1, "expected a vendor"),
        ("cida: 429", 1, "did you mean 'coda:'"),
        ("coda 429", 5, "colon"),
        ("coda:", 6, "expected a status"),
        ("coda: 42", 7, "from 400 to 599"),
        ("coda: 200", 7, "from 400 to 599"),
        ("coda: slow", 11, "200ms"),
        ("coda: slow 5", 12, "200ms"),
        ("coda: slow 9999s", 12, "600s"),
        ("coda: expird token", 7, "did you mean 'expired'"),
        ("coda: expired", 14, "expected 'token'"),
        ("coda: drop", 11, "expected 'body'"),
        ("coda: 429 evry 10", 11, "did you mean 'every'"),
        ("coda: 429 every", 16, "number of requests"),
        ("coda: 429 every 0", 17, "number of requests"),
        ("coda: 429 every 2 first 3", 19, "'first' conflicts with an earlier clause"),
        ("coda: 429 retry-after soon", 23, "seconds"),
        ("coda: reset retry-after 1", 7, "retry-after requires a status"),
        ("coda: 429 on", 13, "expected a path"),
        ("coda: 429 on GTE /x", 14, "did you mean 'GET'"),
        ("coda: 429 on GET x", 18, "expected a path"),
    ],
)
def test_a_bad_fault_text_is_explained(sandbox, text, column, hint):
    answer = sandbox.control_response("POST", "faults", json=[text])
    message = answer.json()["error"]
    assert answer.status_code == 400 and hint in message
    assert f"column {column}:" in message and "Example: coda: 429 every 10" in message


# HTTP


def post_token(body, *headers):
    lines = ["POST /api/auth/token/ HTTP/1.1", "Host: a", "Content-Type: application/json"]
    return "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + body


def test_connections_are_kept_and_pipelined_requests_answered_in_order(sandbox):
    asked = [f"GET /api/{number} HTTP/1.1\r\nHost: a\r\n\r\n" for number in range(50)]
    answers = sandbox.raw("".join(asked).encode())
    assert answers.count(b"HTTP/1.1 404 Not Found\r\n") == 50
    assert b"Connection: close" not in answers
    assert [entry["path"] for entry in sandbox.log()] == [f"/api/{n}" for n in range(50)]


def test_a_request_may_come_byte_by_byte(sandbox):
    with socket.create_connection(sandbox.address, timeout=TIMEOUT) as client:
        for byte in post_token(b"{}", "Content-Length: 2", "Connection: close"):
            client.sendall(bytes([byte]))
        assert read_to_end(client).startswith(b"HTTP/1.1 400 ")


def test_chunked_bodies_are_joined(sandbox):
    body = b'4;x=y\r\n{"us\r\nA\r\nername":"x\r\n3\r\n"}\n\r\n0\r\nTrailer: a\r\n\r\n'
    answer = sandbox.raw(post_token(body, "Transfer-Encoding: chunked") * 2)
    assert answer.count(b'{"password":["This field is required."]}') == 2


def test_expect_continue_is_answered_before_the_body(sandbox):
    with socket.create_connection(sandbox.address, timeout=TIMEOUT) as client:
        client.sendall(post_token(b"", "Content-Length: 2", "Expect: 100-continue"))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_http_1_0_closes_unless_asked_not_to(sandbox):
    answer = sandbox.raw(b"GET /api/ HTTP/1.0\r\n\r\nGET /api/ HTTP/1.0\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404") == 1 and b"Connection: close" in answer
    kept = sandbox.raw(b"GET /api/ HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" * 2)
    assert kept.count(b"HTTP/1.1 404") == 2 and b"Connection: keep-alive" in kept


def test_paths_are_decoded_and_may_be_whole_addresses(sandbox):
    plain = b"GET /api/console/elements/device%73/ HTTP/1.1\r\nHost: a\r\n\r\n"
    assert sandbox.raw(plain).startswith(b"HTTP/1.1 401 ")
    whole = b"GET http://a" + DEVICES.encode() + b"?a=%zz&b HTTP/1.1\r\nHost: a\r\n\r\n"
    assert sandbox.raw(whole).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "data, status",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x00\xff\xfe" * 100 + b"\n\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / FTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"x" * 70_000, 431),
        (post_token(b"", "Content-Length: x"), 400),
        (post_token(b"", "Content-Length: -1"), 400),
        (post_token(b"", "Content-Length: +1"), 400),
        (post_token(b"", "Content-Length: "), 400),
        (post_token(b"", "Content-Length: 1", "Content-Length: 2"), 400),
        (post_token(b"", "Content-Length: 67108865"), 413),
        (post_token(b"", "Content-Length: 67108865", "Expect: 100-continue"), 413),
        (post_token(b"", "Content-Length: " + "9" * 18), 413),
        (post_token(b"", "Content-Length: " + "9" * 40), 400),
        (post_token(b"0\r\n\r\n", "Transfer-Encoding: gzip"), 501),
        (post_token(b"0\r\n\r\n", "Transfer-Encoding: gzip, chunked"), 501),
        (post_token(b"0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5"), 400),
        (post_token(b"x\r\n", "Transfer-Encoding: chunked"), 400),
        (post_token(b"-1\r\n", "Transfer-Encoding: chunked"), 400),
        (post_token(b"\r\n", "Transfer-Encoding: chunked"), 400),
        (post_token(b"1\r\nab\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), 400),
        (post_token(b"1" * 2_000, "Transfer-Encoding: chunked"), 400),
        (post_token(b"fffffffffffffff\r\n", "Transfer-Encoding: chunked"), 413),
        (post_token(b"f" * 16 + b"\r\n", "Transfer-Encoding: chunked"), 400),
        (post_token(b"{}", "Content-Length: 2", "Expect: miracles"), 417),
    ],
)
def test_a_bad_request_is_refused_and_the_next_connection_served(sandbox, data, status):
    answer = sandbox.raw(data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert answer.count(b"Date: ") == 1 and b"Connection: close" in answer
    sandbox.sign_in()


@pytest.mark.parametrize(
    "data", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: a\r\n", post_token(b"{", "Content-Length: 9"),
             post_token(b"5\r\nab", "Transfer-Encoding: chunked")],
)
def test_a_client_that_leaves_in_the_middle_gets_nothing(sandbox, data):
    assert sandbox.raw(data) == b""
    sandbox.sign_in()


def test_a_client_that_sends_too_much_sees_the_refusal(sandbox):
    with socket.create_connection(sandbox.address, timeout=10) as client:
        client.sendall(post_token(b"", "Content-Length: 70000000"))
        try:
            client.sendall(b"x" * 4_000_000)
        except OSError:
            pass
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_is_read_whole(sandbox):
    body = json.dumps({"username": "x" * 20_000_000, "password": "y"}).encode()
    answer = requests.post(
        sandbox.base + "/api/auth/token/", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 401
    assert sandbox.log()[-1]["body"] == body[: 64 * 1024].decode()


def test_garbage_on_the_socket_does_no_harm(sandbox):
    generator = random.Random(7)
    for length in [1, 10, 100, 1_000, 10_000, 200_000] * 5:
        with socket.create_connection(sandbox.address, timeout=TIMEOUT) as client:
            try:
                client.sendall(generator.randbytes(length))
                client.shutdown(socket.SHUT_WR)
                read_to_end(client)
            except ConnectionError:
                pass
    sandbox.sign_in()


def test_clients_that_reset_do_no_harm(sandbox):
    for _ in range(50):
        client = socket.create_connection(sandbox.address)
        client.sendall(b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    sandbox.sign_in()


def test_64_clients_at_once(sandbox):
    def work(number):
        tenant = 1 + number % 2
        client = Client(sandbox, ("classic", "current")[number // 2 % 2], tenant)
        for _ in range(30):
            answer = client.get(DEVICES)
            assert answer.status_code == 200
            assert {row["id"] // 1000 for row in answer.json()["items"]} == {tenant}
        return 30

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(work, range(64))) == 64 * 30
    assert len(sandbox.log()) == 64 * 31


@pytest.fixture
def alone():
    """A sandbox with no connections of other tests."""
    with CODASandbox() as sandbox:
        yield sandbox


def test_slow_answers_do_not_wait_for_each_other(alone):
    client = Client(alone)
    count = len(alone.log())
    alone.faults(f"coda: slow 60s on GET {SCANNERS}")
    with contextlib.ExitStack() as slow:
        for _ in range(64):
            connection = slow.enter_context(socket.create_connection(alone.address, timeout=TIMEOUT))
            connection.sendall(f"GET {SCANNERS} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        # None of them is answered for a minute; all of them arrive, and others are answered.
        eventually(lambda: len(alone.log()) == count + 64, "64 slow requests are in flight")
        assert client.get(TENANTS).status_code == 200


def test_the_512th_connection_is_the_last_and_room_comes_back(alone):
    request = b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n"
    open_connections = []
    refused = 0
    for _ in range(520):
        client = socket.create_connection(alone.address, timeout=TIMEOUT)
        try:
            client.sendall(request)
            refused += not client.recv(1_000).startswith(b"HTTP/1.1 404 ")
        except ConnectionError:
            refused += 1
        open_connections.append(client)
    assert 8 <= refused <= 12
    for client in open_connections:
        client.close()
    eventually(lambda: sandbox_answers(alone), "there is room for a connection")


def sandbox_answers(sandbox):
    try:
        return sandbox.raw(b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    except ConnectionError:
        return False
