"""One trace from an agent's client over the host to the vendor."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest
from Support.collector import Collector
from Support.host import EXECUTABLE, environment
from Support.virtual_environment import virtual_environment

PROGRAM = pathlib.Path(__file__).with_name("programs") / "traced.py"
#: Seconds that the program may take, on a loaded machine.
PATIENCE = 120


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_client_server_and_http_request_are_one_trace(mode, sandbox):
    python = virtual_environment("mcp>=2,<3", "opentelemetry-sdk") / "python"
    with Collector() as collector:
        ended = subprocess.run(
            [python, PROGRAM, mode, EXECUTABLE, "serve", "--connections", sandbox.file,
             "--otlp", collector.url],
            capture_output=True, text=True, timeout=PATIENCE, env=environment())
        assert ended.returncode == 0, ended.stderr
        [server] = collector.of(Collector.SERVER)
        requests = collector.of(Collector.CLIENT)
    client = json.loads(ended.stdout)
    [triage] = [span for span in client if span["name"] == "triage"]
    [call] = [span for span in client if "tools/call" in span["name"]]
    assert call["parent"] == triage["id"] and call["trace"] == triage["trace"]
    assert server.name == "coda_footprint list_devices"
    assert server.attributes["rpc.method"] == "tools/call"
    assert (server.trace_id, server.parent) == (call["trace"], call["id"])
    assert requests
    assert {(request.trace_id, request.parent) for request in requests} == {
        (call["trace"], server.span_id)}
