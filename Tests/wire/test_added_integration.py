"""An integration in another package: Tests/AddedIntegration, built as a stranger would build it."""

import json

import pytest

from Support.host import ROOT, Host
from Support.upstream import Upstream, reply

HOST = ROOT / ".build/added/debug/acme-host"


@pytest.fixture(autouse=True)
def built():
    if not HOST.is_file():
        pytest.skip("not built: swift build --package-path Tests/AddedIntegration "
                    "--scratch-path .build/added")


def invoke(id, arguments, url):
    return {"jsonrpc": "2.0", "id": id, "method": "invoke", "params": {
        "integration": "acme_edr", "command": "list_hosts", "arguments": arguments,
        "connection": {"integration": "acme_edr",
                       "settings": {"server_url": url, "token": "token-of-acme"}}}}


def test_its_command_runs_on_the_host_with_its_client():
    hosts = {"hosts": [{"name": "WEB-1"}]}
    with Upstream(lambda request: reply(200, hosts)) as upstream:
        with Host(executable=HOST) as host:
            answer = host.ask(invoke(1, {"site": "berlin"}, upstream.url))
    assert answer["result"]["raw_data"] == hosts
    [request] = upstream.requests
    assert (request.path, request.query) == ("/hosts", [("site", "berlin")])
    assert request.header("Authorization") == "Bearer token-of-acme"


def test_its_secret_is_redacted_and_its_arguments_are_checked():
    with Upstream(lambda request: reply(500, "token-of-acme is wrong")) as upstream:
        with Host(executable=HOST) as host:
            failed = host.ask(invoke(1, {"site": "berlin"}, upstream.url))
            invalid = host.ask(invoke(2, {"sitee": "berlin"}, upstream.url))
    assert "token-of-acme" not in json.dumps(failed)
    assert failed["error"]["data"]["upstream"] == "[redacted] is wrong"
    problems = {one["path"]: one for one in invalid["error"]["data"]["problems"]}
    assert problems["/arguments/site"]["message"] == "is required"
    assert problems["/arguments/sitee"]["did_you_mean"] == "site"


def test_the_catalogue_has_it_beside_the_vendors_of_the_project_and_a_hash_of_its_own():
    def catalogue(**options):
        with Host(**options) as host:
            return host.ask({"jsonrpc": "2.0", "id": 1, "method": "capabilities"})["result"]
    added, own = catalogue(executable=HOST), catalogue()
    ids = [integration["id"] for integration in own["integrations"]]
    assert [one["id"] for one in added["integrations"]] == [*ids, "acme_edr"]
    assert added["hash"].startswith("sha256:") and added["hash"] != own["hash"]
