"""The part of CODA Footprint that the benchmark needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from parameters import Parameter, boolean, choice, identifier, instance, integer, text

INTEGRATION = "coda_footprint"
Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    base: str


@dataclass(frozen=True, slots=True)
class Command:
    title: str
    parameters: dict[str, Parameter]
    plan: Callable[[Connection, Arguments], dict[str, Any]]


def load_connections(path: str) -> dict[str, Connection]:
    """Reads the same file as Sallyport."""
    file = orjson.loads(Path(path).read_bytes())
    return {
        name: Connection(entry["settings"]["server_url"].rstrip("/") + "/api")
        for name, entry in file["connections"].items()
        if entry["integration"] == INTEGRATION
    }


TENANT = Parameter("Footprint Tenant ID", identifier)

LIST_DEVICES = {
    "page": Parameter("Page", integer(1, (1 << 31) - 1)),
    "footprint_tenant_id": TENANT,
    "filter": Parameter(
        "Filter",
        instance,
        members={
            "ip": Parameter("ip", text),
            "pageSize": Parameter("pageSize", integer(1, (1 << 31) - 1)),
            "riskLevel": Parameter(
                "riskLevel", choice("all", "critical", "nonvisible", "secure", "vulnerable")
            ),
            "scanType": Parameter("scanType", choice("all", "discovered", "scanned")),
            "scannerId": Parameter("scannerId", identifier),
            "scope": Parameter("scope", choice("all", "external", "internal")),
            "showDevicesWithNoApps": Parameter("showDevicesWithNoApps", boolean),
            "sortColumn": Parameter("sortColumn", choice("discoveredOn", "lastScanned", "name")),
            "sortDirection": Parameter("sortDirection", choice("ascending", "descending")),
            "source": Parameter("source", choice("agentbased", "agentless", "all", "nessusimport")),
        },
    ),
}


def _plan(
    connection: Connection, method: str, path: str, arguments: Arguments, body: Any = None
) -> dict[str, Any]:
    headers = {"Accept": "application/json", "Authorization": "Bearer [redacted]"}
    if "footprint_tenant_id" in arguments:
        headers["FootprintTenantId"] = str(arguments["footprint_tenant_id"])
    planned = {"method": method, "url": connection.base + path, "headers": headers}
    if body is not None:
        headers["Content-Type"] = "application/json"
        planned["body"] = body
    return planned


def _list_devices(connection: Connection, arguments: Arguments) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if "page" in arguments:
        query["page"] = arguments["page"]
    for name, value in arguments.get("filter", {}).items():
        # The classic API uses another name for the IP address.
        key = "filter" if name == "ip" else name
        query[key] = str(value).lower() if value is True or value is False else value
    path = "/console/elements/devices/"
    if query:
        path += "?" + urlencode(query)
    return _plan(connection, "GET", path, arguments)


def _segment(value: Any) -> str:
    return quote(str(value), safe="")


def _get_technical_context(connection: Connection, arguments: Arguments) -> dict[str, Any]:
    path = f"/console/elements/contexts/technical/{_segment(arguments['context_id'])}/"
    return _plan(connection, "GET", path, arguments)


def _list_device_users(connection: Connection, arguments: Arguments) -> dict[str, Any]:
    path = f"/console/elements/device/{_segment(arguments['device_id'])}/users/"
    return _plan(connection, "GET", path, arguments)


def _update_target_scan_scope(connection: Connection, arguments: Arguments) -> dict[str, Any]:
    path = f"/console/scanSurface/currentTargets/{_segment(arguments['target_id'])}/"
    return _plan(connection, "PATCH", path, arguments, {"scope": arguments["scope"].upper()})


COMMANDS = {
    "list_devices": Command("List Devices", LIST_DEVICES, _list_devices),
    "get_technical_context": Command(
        "Get Technical Context",
        {
            "context_id": Parameter("Context ID", identifier, required=True),
            "footprint_tenant_id": TENANT,
        },
        _get_technical_context,
    ),
    "list_device_users": Command(
        "List Device Users",
        {
            "device_id": Parameter("Device ID", identifier, required=True),
            "footprint_tenant_id": TENANT,
        },
        _list_device_users,
    ),
    "update_target_scan_scope": Command(
        "Update Target Scan Scope",
        {
            "target_id": Parameter("Target ID", identifier, required=True),
            "scope": Parameter("Scope", choice("in", "out"), required=True),
            "footprint_tenant_id": TENANT,
        },
        _update_target_scan_scope,
    ),
}
