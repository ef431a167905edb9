"""Writes a vendor's commands as a plugin for Sallyport.

    plugin = Plugin("acme_edr", settings=Settings)

    @plugin.command(effect="read", items="$.devices[*]")
    def list_devices(call: Call[Settings], name: str = "") -> Any:
        \"\"\"Lists the devices.\"\"\"
        return call.get("/devices", query={"name": name}).raise_for_status().json()

    plugin.run()
"""

from __future__ import annotations

from .call import AsyncCall, Call
from .errors import Cancelled, DryRun, PluginError
from .plugin import Plugin
from .response import Response
from .result import Events, Result
from .schema import URL, Field, Secret

__all__ = [
    "URL",
    "AsyncCall",
    "Call",
    "Cancelled",
    "DryRun",
    "Events",
    "Field",
    "Plugin",
    "PluginError",
    "Response",
    "Result",
    "Secret",
]
