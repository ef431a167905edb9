"""The text of `filters`: conversion and syntax errors."""

import pytest
from Support.control_center import connection
from Support.session import Host

SENTENCE = (
    "Wrong syntax string provided in parameter 'Filters', please refer to the parameter description"
    " and sample data."
)
EP, AD = "endpoints", "active_directory_endpoints"


@pytest.fixture(scope="module")
def host():
    with Host(connection("http://127.0.0.1:9")) as host:
        yield host


def sent(host, text, type=EP):
    arguments = {"endpoint_type": type, "filters": text}
    result = host.result("list_endpoints", arguments, dry_run=True)
    return result["requests"][0]["body"]["params"]["filters"]


def management(**flags):
    return {"security": {"management": flags}}


@pytest.mark.parametrize("text, expected", [
    # The documented sample.
    ("security.management.managedWithBest:True AND security.management.managedRelays:True AND "
     "details.name:*PC1 AND details.macs in (123456, 1234456)",
     {**management(managedWithBest=True, managedRelays=True),
      "details": {"name": "*PC1", "macs": ["123456", "1234456"]}}),
    ("security.management.managedExchangeServers:false", management(managedExchangeServers=False)),
    ("security.management.securityServers:TRUE", management(securityServers=True)),
    ("depth.allItemsRecursively : true", {"depth": {"allItemsRecursively": True}}),
    ("  details.ssid:corp wifi  ", {"details": {"ssid": "corp wifi"}}),
    ("details.name:Sales and Marketing", {"details": {"name": "Sales and Marketing"}}),
    ('details.name:"R AND D" AND details.ssid:x', {"details": {"name": "R AND D", "ssid": "x"}}),
    (r'details.name:"a \"quoted\" \\ name"', {"details": {"name": r'a "quoted" \ name'}}),
    ("details.name:PCé*", {"details": {"name": "PCé"}}),
    ("details.name:ANDROID-1", {"details": {"name": "ANDROID-1"}}),
    ("details.name:host:8080", {"details": {"name": "host:8080"}}),
    ("details.macs:324935237335", {"details": {"macs": ["324935237335"]}}),
    ("details.macs in(00:0C:29:AB:CD:EF ,00-0c-29-ab-cd-ef)",
     {"details": {"macs": ["000C29ABCDEF", "000c29abcdef"]}}),
    ('details.macs in ("a,b", c)', {"details": {"macs": ["a,b", "c"]}}),
    ("details.name:abc\tAND\n details.ssid:x", {"details": {"name": "abc", "ssid": "x"}}),
])
def test_filter_is_translated(host, text, expected):
    assert sent(host, text) == expected
    assert sent(host, text, AD) == expected


@pytest.mark.parametrize(
    "name",
    ["groups", "computers", "virtualMachines", "ec2Instances", "companies", "companyFolders"])
def test_item_types_are_allowed_only_for_active_directory(host, name):
    text = f"details.name:abc AND type.{name}:True"
    assert sent(host, text, AD)["type"] == {name: True}
    data = host.failure("list_endpoints", {"endpoint_type": EP, "filters": text})
    assert (data["status_code"], data["message"]) == (400, SENTENCE)
    (problem,) = data["problems"]
    assert problem["path"] == "/arguments/filters"
    assert problem["message"].startswith(f"at character 22: type.{name} is allowed only when ")


@pytest.mark.parametrize("text, position, words", [
    ("details.nam:abc", 1, 'unknown field "details.nam"'),
    ("details.name:abc AND detail.ssid:x", 22, 'unknown field "detail.ssid"'),
    ("details.name:abc OR details.ssid:x", 18, "OR"),
    ("NOT details.name:abc", 1, "NOT"),
    ("details.name:abc AND NOT details.ssid:x", 22, "NOT"),
    ("details.name:abc && details.ssid:x", 18, "&&"),
    ("details.name:abc AND", 21, "missing field name"),
    ("AND details.name:abc", 1, 'unknown field "AND"'),
    ("details.name abc", 14, "missing colon"),
    ("details.name", 13, "missing colon"),
    ("details.name:", 14, "missing value"),
    ("details.name: AND details.ssid:x", 14, "missing value"),
    ("details.name:ab", 14, "3 characters"),
    ("details.name:*ab", 14, "3 characters"),
    ("details.name:***", 14, "3 characters"),
    ("security.management.managedRelays: yes", 36, "True or False"),
    ("details.name in (abc)", 14, "takes one value"),
    ("details.macs in abc", 17, "missing parenthesis"),
    ("details.macs in (a, b", 17, "unterminated list"),
    ("details.macs in ()", 18, "empty value"),
    ("details.macs in (a,,b)", 20, "empty value"),
    ("details.macs in (a) details.ssid:x", 21, "expected AND or the end"),
    ('details.name:"abc', 14, "unterminated quote"),
    ('details.name:"abc" x', 20, "expected AND or the end"),
    ("details.name:abc AND details.name:def", 22, "duplicate field"),
    ("   ", 4, "missing field name"),
    (":x", 1, "missing field name"),
    ("🇫🇷:x", 1, "missing field name"),
    ("details.name:🇫🇷🇫🇷🇫🇷 AND x:1", 22, 'unknown field "x"'),
])
def test_problem_has_its_path(host, text, position, words):
    data = host.failure("list_endpoints", {"endpoint_type": EP, "filters": text})
    assert (data["failure_indicator"], data["status_code"], data["message"]) == (
        "List Endpoints failed.", 400, SENTENCE)
    (problem,) = data["problems"]
    assert problem["path"] == "/arguments/filters"
    assert problem["message"].startswith(f"at character {position}: "), problem
    assert words in problem["message"]


def test_a_misspelt_field_gets_a_suggestion(host):
    arguments = {"endpoint_type": EP, "filters": "details.nmae:abc"}
    data = host.failure("list_endpoints", arguments)
    assert data["problems"][0]["did_you_mean"] == "details.name"


def test_an_empty_filter_is_rejected(host):
    data = host.failure("list_endpoints", {"endpoint_type": EP, "filters": ""})
    assert data["problems"][0]["message"] == "must not be empty"
