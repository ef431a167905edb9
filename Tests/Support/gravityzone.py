"""The emulated GravityZone for tests: its keys, a plain client of it, and ids by name."""

import itertools

import requests

# Everything of both companies; it is the one in the sandbox's connection.
PARTNER = "b4a1c0de5eed00112233445566778899aabbccddeeff00112233445566778811"
# Network and incidents of Harbor Logistics, without the right to change the block list.
ANALYST = "b4a1c0de5eed00112233445566778899aabbccddeeff00112233445566778822"
# Everything of Lantern Clinics.
CLINIC = "b4a1c0de5eed00112233445566778899aabbccddeeff00112233445566778833"

NOWHERE = "0" * 24

SERVICES = {
    "getApiKeyDetails": "general",
    "addToBlocklist": "incidents",
    "getBlocklistItems": "incidents",
    "removeFromBlocklist": "incidents",
    "createIsolateEndpointTask": "incidents",
    "createRestoreEndpointFromIsolationTask": "incidents",
    "getQuarantineItemsList": "quarantine/computers",
    "createRemoveQuarantineItemTask": "quarantine/computers",
    "createAddFileToQuarantineTask": "quarantine/computers",
    "getReportsList": "reports",
    "getDownloadLinks": "reports",
}


class GravityZone:
    """Calls with one key. `base` is the sandbox's address."""

    def __init__(self, base, key=PARTNER):
        self.base = base
        self.session = requests.Session()
        self.session.auth = (key, "")
        self.numbers = itertools.count(1)

    def post(self, method, params=None, service=None, version="v1.0"):
        """The HTTP answer."""
        path = SERVICES.get(method, "network") if service is None else service
        body = {"id": str(next(self.numbers)), "jsonrpc": "2.0", "method": method,
                "params": {} if params is None else params}
        return self.session.post(f"{self.base}/api/{version}/jsonrpc/{path}", json=body)

    def call(self, method, service=None, version="v1.0", **params):
        """The result."""
        answer = self.post(method, params, service, version)
        body = answer.json()
        assert answer.status_code == 200 and "result" in body, answer.text
        return body["result"]

    def refusal(self, method, service=None, version="v1.0", **params):
        """The details of the error."""
        error = self.post(method, params, service, version).json()["error"]
        return error["data"]["details"]

    def pages(self, method, **params):
        items = []
        for page in itertools.count(1):
            answer = self.call(method, page=page, perPage=100, **params)
            items += answer["items"]
            if page >= answer["pagesCount"]:
                assert len(items) == answer["total"]
                return items


class Ids:
    """Ids of the seed by name: `Ids(base).endpoints["FIN-PC1"]`."""

    def __init__(self, base):
        client = GravityZone(base)
        everything = client.pages(
            "getNetworkInventoryItems", filters={"depth": {"allItemsRecursively": True}})
        self.companies = {e["name"]: e["id"] for e in everything if e["type"] == 1}
        # The system groups have the same names in both companies; the first is Harbor Logistics'.
        self.groups = {e["name"]: e["id"] for e in reversed(everything) if e["type"] in (2, 4)}
        self.endpoints = {e["name"]: e["id"] for e in everything if e["type"] > 4}
        self.macs = {e["name"]: e["details"]["macs"] for e in everything if e["type"] > 4}
        self.reports = {e["name"]: e["id"] for e in client.pages("getReportsList")}
