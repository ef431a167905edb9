"""mcp-fuzzer against the host: no crash, no hang, and nothing malformed is taken.

Its report calls "accepted malformed" whatever was not answered by an error, also what is well formed:
a ping, a list without arguments, any notification. So the verdict is made here, from what was really
sent (see tap.sh), with the schemas: of the protocol, and of the tools as they were listed.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from Support.host import EXECUTABLE, environment
from Support.sandbox import Sandbox
from Support.tap import SCRIPT, Tapped, tapped
from Support.virtual_environment import virtual_environment

REQUIREMENT = "mcp-fuzzer==0.7.0"
REVISION = "2025-11-25"
#: Seconds of a run, far above what it takes.
PATIENCE = 300
MAXIMUM_LINE_BYTES = 32 * 1024 * 1024

RUNS = {
    "protocol-realistic": ("--mode", "protocol", "--protocol-phase", "realistic", "--runs-per-type", "5"),
    "protocol-aggressive": ("--mode", "protocol", "--protocol-phase", "aggressive", "--runs-per-type", "5"),
    "coda_footprint": ("--mode", "tools", "--phase", "both", "--runs", "3"),
    "bitdefender_gravityzone": ("--mode", "tools", "--phase", "both", "--runs", "3"),
    "gmail": ("--mode", "tools", "--phase", "both", "--runs", "3"),
}
#: The vendors' own limits would make a careful host wait longer than the fuzzer does.
UNLIMITED = {"requests": 1_000_000, "per_seconds": 1}
LIMITS = {"bitdefender_gravityzone": dict.fromkeys(("default", "tasks", "blocklist"), UNLIMITED)}

#: What the report may hold: see above; and an unknown id comes back in the answer that says so, as JSON
#: and not as a page, which it calls a reflection.
EXPLAINED = {"accepted_malformed", "injection_reflection"}


@dataclasses.dataclass
class Fuzzed:
    findings: list[dict[str, Any]]
    hosts: list[Tapped]
    report: str

    def calls(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Requests with their answers."""
        for host in self.hosts:
            answers = {answer["id"]: answer for answer in answers_of(host) if "id" in answer}
            for message in requests_of(host):
                if message["id"] in answers:
                    yield message, answers[message["id"]]


    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        return {
            tool["name"]: tool for request, answer in self.calls() if request["method"] == "tools/list"
            for tool in answer.get("result", {}).get("tools", [])}

    def explains(self, finding: dict[str, Any]) -> bool:
        if finding["category"] == "non_determinism":
            # A group of a name is made once; the second time the vendor refuses it.
            return not self.tools[finding["target"]]["annotations"]["readOnlyHint"]
        return finding["category"] in EXPLAINED


def requests_of(host: Tapped) -> list[dict[str, Any]]:
    """Without notifications, what it answered to questions of the host, and what is refused unread."""
    lines = (line for line in host.sent if refusal(line) is None)
    return [message for message in map(host.parse, lines) if "id" in message and "method" in message]


def refusal(line: bytes) -> int | None:
    """The code with which the host refuses a line without knowing whose it is."""
    if len(line) > MAXIMUM_LINE_BYTES:
        return -32600
    # NaN and Infinity, which Python writes and JSON does not have.
    return -32700 if Tapped.parse(line) is None else None


def answers_of(host: Tapped) -> list[dict[str, Any]]:
    return [message for message in host.answers if "method" not in message]


def fuzz(name: str, folder: pathlib.Path) -> Fuzzed:
    program = virtual_environment(REQUIREMENT) / "mcp-fuzzer"
    log, connections = folder / "log", folder / "connections.json"
    with Sandbox("gravityzone: no rate limits") as sandbox:
        accounts = {
            name: account | {"rate_limits": LIMITS.get(account["integration"], {"default": UNLIMITED})}
            for name, account in sandbox.document["connections"].items() if "oauth" not in name}
        connections.write_text(json.dumps({"connections": accounts}))
        connections.chmod(0o600)
        # It reads lines of 64 KiB at most, and the first page only. In its protocol mode it also ends
        # with its own error at a schema whose `type` is a list, as an id of CODA has it.
        tools = f"{'bitdefender_gravityzone' if name.startswith('protocol') else name}__*"
        command = f"{SCRIPT} {log} {EXECUTABLE} serve --connections {connections} --tools {tools}"
        ended = subprocess.run(
            [program, "--protocol", "stdio", "--endpoint", command, *RUNS[name], "--seed", "7",
             "--timeout", "2", "--tool-timeout", "20", "--no-network", "--no-corpus",
             "--fs-root", folder / "root", "--output-dir", folder / "reports"],
            capture_output=True, text=True, timeout=PATIENCE, cwd=folder, env=environment())
    report = ended.stdout + ended.stderr
    findings = folder / "reports/findings.json"
    assert findings.is_file(), report
    return Fuzzed(json.loads(findings.read_text())["findings"], tapped(log), report)


_runs: dict[str, Fuzzed] = {}


@pytest.fixture(params=RUNS)
def fuzzed(request, tmp_path):
    if request.param not in _runs:
        _runs[request.param] = fuzz(request.param, tmp_path)
    return _runs[request.param]


def test_the_report_names_no_crash_no_hang_and_nothing_unexplained(fuzzed):
    assert "BLOCKED" not in fuzzed.report, fuzzed.report
    assert [finding for finding in fuzzed.findings if not fuzzed.explains(finding)] == []
    assert sum(1 for _ in fuzzed.calls()) > 50, "it has fuzzed"


def test_every_request_is_answered_once_and_every_line_that_cannot_be_read(fuzzed):
    for host in fuzzed.hosts:
        asked = collections.Counter(request["id"] for request in requests_of(host))
        answered = collections.Counter(
            answer["id"] for answer in answers_of(host) if answer.get("id") is not None)
        assert answered == asked
        refused = [(refusal(line), number) for number, line in enumerate(host.sent, 1) if refusal(line)]
        told = [answer["error"] for answer in answers_of(host) if answer.get("id") is None]
        assert [(error["code"], error["data"]["line"]) for error in told] == refused
        assert host.errors == ""


def read(message: dict[str, Any]) -> dict[str, Any]:
    """What the host reads of a request. Of a handshake that is little: a client may tell more, such as
    icons and capabilities that are none of a server's business, and newer clients will."""
    if message["method"] != "initialize":
        return message
    params = message["params"]
    capabilities = {
        name: value for name, value in params["capabilities"].items() if name == "elicitation"}
    client = {name: params["clientInfo"][name] for name in ("name", "version")}
    return message | {"params": {
        "protocolVersion": params["protocolVersion"], "capabilities": capabilities,
        "clientInfo": client}}


def test_accepted_requests_are_well_formed(fuzzed, schemas):
    protocol = schemas(REVISION)
    accepted = []
    for request, answer in fuzzed.calls():
        if "error" in answer or answer["result"].get("isError"):
            continue
        assert protocol.accepts_request(read(request)), request
        if request["method"] == "tools/call":
            schema = fuzzed.tools[request["params"]["name"]]["inputSchema"]
            jsonschema.Draft202012Validator(schema).validate(request["params"].get("arguments", {}))
        accepted.append(request["method"])
    assert "initialize" in accepted
