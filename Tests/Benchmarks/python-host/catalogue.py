"""The summary of the 14 commands, of the same size as the Go host's."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

_COMMANDS = (
    ("Get Technical Context", "Returns details of a specified technical context.", "read"),
    ("List Current Targets Ports", "Retrieves user input, current targets, and port.", "read"),
    ("List Device Attack Avenues", "Lists available attack avenues on a device.", "read"),
    ("List Device Network Connections", "Lists network connections on a device.", "read"),
    ("List Devices", "Returns a list of discovered devices.", "read"),
    ("List Device Users", "Returns users of a device.", "read"),
    ("List Device Vulnerabilities", "Returns vulnerabilities found on a device.", "read"),
    ("List Scanners", "Returns a list of available scanners.", "read"),
    ("List Scan Surfaces", "Returns a list of user inputs and resulting assets.", "read"),
    ("List Technical Contexts", "Returns a list of available technical contexts.", "read"),
    ("List Tenants", "Lists tenant accounts that the current user can log in to.", "read"),
    ("Patch Rescan", "Rescans all user inputs from the scan surface.", "write"),
    ("Update Target Scan Scope", "Edits the scope of existing scan entries (in/out).", "write"),
    ("Test Connection", "Checks the connection.", "read"),
)


def capabilities() -> dict[str, Any]:
    integrations = [
        {
            "id": "coda_footprint",
            "title": "CODA Footprint",
            "description": "An AI-based, cloud-agnostic cyber security platform.",
            "category": "Threat Intelligence",
            "commands": [
                {
                    "id": title.lower().replace(" ", "_"),
                    "title": title,
                    "description": description,
                    "effect": effect,
                }
                for title, description, effect in _COMMANDS
            ],
        }
    ]
    digest = hashlib.sha256(orjson.dumps(integrations)).hexdigest()
    return {
        "protocol_version": "1",
        "host": {"name": "python-host", "version": "0.1.0"},
        "hash": "sha256:" + digest,
        "integrations": integrations,
    }
