"""A file of tool calls is answered to its end, although nobody waits: `serve < batch`.

Servers made with the reference kits end with their input: with this file one made with mcp 1.30
answers the handshake only, and one made with mcp 2.3 says "Connection closed" to each of the calls.
"""

from __future__ import annotations

import json
import tempfile

import pytest
from Support.host import Host, line, request
from Support.vendor import GatedVendor

CALLS = 20
TOOL = "coda_footprint__list_tenants"

HANDSHAKE = [
    request(0, "initialize", {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "a file", "version": "1"}}),
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
]
STATELESS = {"_meta": {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "a file", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {}}}


@pytest.mark.parametrize("opening, more", [(HANDSHAKE, {}), ([], STATELESS)], ids=["handshake", "stateless"])
def test_all_slow_calls_of_a_file_are_answered(opening, more, tmp_path):
    calls = [request(id, "tools/call", {"name": TOOL, "arguments": {}, **more})
             for id in range(1, CALLS + 1)]
    connections = tmp_path / "connections.json"
    with GatedVendor() as vendor, tempfile.TemporaryFile() as file:
        connection = {**vendor.connection, "max_concurrency": CALLS}
        connections.write_text(json.dumps({"connections": {"slow": connection}}))
        file.write(b"".join(map(line, [*opening, *calls])))
        file.seek(0)
        with Host("--connections", str(connections), stdin=file) as host:
            # The file is at its end by now, and not one call is answered.
            vendor.wait_for(CALLS)
            vendor.open()
            code, answers = host.finish()
    answered = {answer["id"]: answer["result"] for answer in answers}
    assert code == 0
    assert answered.pop(0, {}).get("protocolVersion") == ("2025-11-25" if opening else None)
    assert sorted(answered) == list(range(1, CALLS + 1)) and len(answers) == len(opening[:1]) + CALLS
    for result in answered.values():
        assert result["structuredContent"]["return_data"] == "Successful"
        assert result.get("resultType") == (None if opening else "complete")
