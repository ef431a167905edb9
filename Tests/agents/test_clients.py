"""The clients that agents are made with, unmodified, each in its own virtual environment.

What each one does is in programs/scenario.py; it prints what it saw, and that is compared here.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import pytest
from Support.host import EXECUTABLE, ROOT, environment
from Support.sandbox import Sandbox
from Support.tap import SCRIPT, tapped
from Support.vendor import GatedVendor
from Support.virtual_environment import virtual_environment

PROGRAMS = pathlib.Path(__file__).with_name("programs")
#: Seconds that a whole program may take, on a loaded machine.
PATIENCE = 120

ACCOUNTS = ("coda_sandbox", "gravityzone_sandbox", "gmail_sandbox")
TOOLS = [
    f"{integration['id']}__{command['id']}"
    for integration in (
        json.loads(path.read_text()) for path in sorted((ROOT / "protocol/integrations").glob("*.json")))
    for command in integration["commands"]
]

#: The names of managed endpoints are known; the other one has its id only.
QUESTION = (
    "Bitdefender GravityZone: Delete Endpoints on the connection gravityzone_sandbox?\n"
    'endpoint_ids: "LOBBY-PC4, 10.1.0.14" (6affe1e0b1a43d0003000004); 6affe1e0b1a43d0003000005 (2)\n'
    "This cannot be undone.")

#: What each step of the scenario sees with every client.
SEEN: dict[str, dict[str, Any]] = {
    "tools": {"names": TOOLS},
    "read": {
        "error": False, "text": "List Devices: Successful. 5 items.",
        "names": ["HMI-LINE-142", "LNX-BLD-140", "PC-FIN-136", "SRV-DC-135", "HMI-LINE-133"]},
    "failed": {
        "error": True, "kind": "not_found",
        "text": "List Device Users failed. Not Found. (404)\n"
                "What to do: Use a device_id from list_devices."},
    "invalid": {
        "error": True,
        "text": "List Devices failed. The value for parameter (Filter) is invalid. (400)\n"
                '- filter/riskLevl: unknown parameter; did you mean "riskLevel"?'},
    "unknown": {
        "code": -32602, "text": 'Unknown tool "gmail__search_emials".',
        "data": {"did_you_mean": "gmail__search_emails"}},
    "progress": {
        "rising": True, "last": [5, 5, "5 of 5"],
        "text": "Update Endpoint Labels: Successful. 5 of 5 targets."},
    "files": {
        "links": [["invoice.csv", "text/csv", 400], ["invoice.csv", "text/csv", 550]],
        "listed": True, "same": True, "kind": "text/csv", "text": "a;1;first", "characters": 400},
    "prompts": {
        "names": ["triage_phishing_mail", "isolate_host", "weekly_report"], "role": "user",
        "text": "Isolate the endpoint LOBBY-PC1. Reason: beaconing."},
    "decline": {
        "error": True, "text": "Delete Endpoints failed. The user did not confirm the command. (403)",
        "left": 9},
    "accept": {
        "error": False, "text": "Delete Endpoints: Successful. 2 of 2 targets.", "left": 7},
    "questions": {"asked": [QUESTION, QUESTION]},
    "changed": {"connections": ["gravityzone_sandbox", "second"], "required": ["connection"]},
}


@dataclasses.dataclass(frozen=True)
class Client:
    name: str
    requirement: str
    program: str
    revision: str
    #: Steps that every client has are left out.
    steps: Sequence[str]
    #: Of the package's program, before the command.
    mode: Sequence[str] = ()
    options: Sequence[str] = ()
    #: What only this client sees.
    own: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    #: Hosts that it starts.
    processes: int = 1

    def expects(self, step: str) -> dict[str, Any]:
        return self.own.get(step) or SEEN[step]


def hello(revision: str) -> dict[str, Any]:
    return {"revision": revision, "server": "sallyport"}


def abandoned(error: Any) -> dict[str, Any]:
    return {"error": error, "endpoints": 9}


SMALL_PAGES = ("--tools-per-page", "25")
READING = ("tools", "read", "failed", "invalid")
RESOURCES = ("files", "prompts")
CONSENT = ("decline", "accept", "questions")
ALL = (*READING, "progress", "abandoned", *RESOURCES, *CONSENT)

CLIENTS = [
    Client(
        "mcp-2-stateless", "mcp>=2,<3", "official_2.py", "2026-07-28",
        ("hello", *ALL, "changed", "unknown"), mode=("auto",), options=SMALL_PAGES,
        own={"hello": hello("2026-07-28"), "abandoned": abandoned(-32001)}),
    Client(
        "mcp-2-handshake", "mcp>=2,<3", "official_2.py", "2025-11-25",
        ("hello", *ALL, "changed", "unknown"), mode=("legacy",), options=SMALL_PAGES,
        own={"hello": hello("2025-11-25"), "abandoned": abandoned(-32001)}),
    Client(
        "mcp-1", "mcp>=1,<2", "official_1.py", "2025-11-25", ("hello", *ALL, "changed", "unknown"),
        options=SMALL_PAGES, own={"hello": hello("2025-11-25"), "abandoned": abandoned(408)}),
    Client(
        "fastmcp", "fastmcp>=4,<5", "fastmcp_client.py", "2026-07-28", ("hello", *ALL, "raised"),
        options=SMALL_PAGES, own={
            "hello": hello("2026-07-28"), "abandoned": abandoned(-32001),
            "raised": {"text": SEEN["failed"]["text"]}}),
    # Its client has no way to ask the user.
    Client(
        "openai-agents", "openai-agents>=0.24,<1", "openai_agents.py", "2026-07-28",
        (*READING, "abandoned", *RESOURCES, "refused"),
        options=(*SMALL_PAGES, "--confirm", "always"), own={
            "abandoned": abandoned("TimeoutError"),
            "refused": {
                "error": True, "left": 9,
                "text": "Delete Endpoints failed. The command requires confirmation, and this client "
                        "cannot ask its user. (403)\nWhat to do: Use a client that supports "
                        "elicitation, or start the host with --confirm never."}}),
    # Of a failure it hands on the text alone. It starts a host for the list and for each call.
    Client(
        "langchain-mcp-adapters", "langchain-mcp-adapters>=0.3,<1", "langchain_adapters.py",
        "2025-11-25", (*READING, "progress", *CONSENT, "prompt"), processes=10, own={
            "failed": {**SEEN["failed"], "kind": None},
            "prompt": {"role": "human", "text": SEEN["prompts"]["text"]}}),
]


class Played:
    """One run of a client's program."""

    def __init__(self, client: Client) -> None:
        self.client = client
        python = virtual_environment(client.requirement) / "python"
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, GatedVendor() as slow, Sandbox() as sandbox:
            log, file = pathlib.Path(folder, "log"), pathlib.Path(folder, "connections.json")
            # One account each but of CODA, where a call has to name it.
            accounts = {name: sandbox.document["connections"][name] for name in ACCOUNTS}
            file.write_text(json.dumps({"connections": {**accounts, "slow": slow.connection}}))
            file.chmod(0o600)
            ended = subprocess.run(
                [python, PROGRAMS / client.program, *client.mode, SCRIPT, log, EXECUTABLE, "serve",
                 "--connections", file, *client.options],
                capture_output=True, text=True, timeout=PATIENCE, cwd=folder,
                env=environment({"PYTHONDONTWRITEBYTECODE": "1"}))
            assert ended.returncode == 0, ended.stderr + ended.stdout
            self.hosts = tapped(log)
        self.seconds = time.monotonic() - begun
        steps = [json.loads(line) for line in ended.stdout.splitlines()]
        self.saw = {step.pop("step"): step for step in steps}


_runs: dict[str, Played | BaseException] = {}


@pytest.fixture
def run(request):
    """A client's program, run once for all tests, also where it fails."""
    client = request.param
    if client.name not in _runs:
        try:
            _runs[client.name] = Played(client)
        except BaseException as error:
            _runs[client.name] = error
    found = _runs[client.name]
    if isinstance(found, BaseException):
        raise found
    return found


each_client = pytest.mark.parametrize(
    "run", CLIENTS, ids=lambda client: client.name, indirect=True)


@pytest.mark.parametrize(
    "run, step", [
        pytest.param(client, step, id=f"{client.name}-{step}")
        for client in CLIENTS for step in client.steps], indirect=["run"])
def test_client_sees_the_outcome_of_each_step(run, step):
    assert run.saw[step] == run.client.expects(step)


@each_client
def test_every_request_but_an_abandoned_one_is_answered_once(run):
    for host in run.hosts:
        cancelled = [
            message["params"]["requestId"] for message in host.requests
            if message.get("method") == "notifications/cancelled"]
        asked = [message["id"] for message in host.requests
                 if "method" in message and "id" in message and message["id"] not in cancelled]
        answered = [message["id"] for message in host.answers if "method" not in message]
        assert sorted(map(str, answered)) == sorted(map(str, asked))


@pytest.mark.parametrize(
    "run", [client for client in CLIENTS if "abandoned" in client.steps],
    ids=lambda client: client.name, indirect=True)
def test_client_that_abandons_a_call_cancels_it(run):
    """Otherwise the test above would pass without a cancelled request."""
    [host] = run.hosts
    calls = {message["id"]: message["params"].get("name") for message in host.requests
             if message.get("method") == "tools/call"}
    [cancelled] = [message["params"]["requestId"] for message in host.requests
                   if message.get("method") == "notifications/cancelled"
                   and message["params"]["requestId"] in calls]
    assert calls[cancelled] == "coda_footprint__list_tenants"


@each_client
def test_hosts_end_well_and_in_silence(run):
    ends = [(host.code, host.errors) for host in run.hosts]
    assert ends == [(0, "")] * run.client.processes


@each_client
def test_every_line_is_valid_in_the_revision_that_was_agreed_on(run, schemas):
    schema = schemas(run.client.revision)
    for host in run.hosts:
        methods = {message.get("id"): message.get("method") for message in host.requests}
        for message in host.answers:
            method = methods.get(message.get("id"))
            if method != "connections/put":  # which is no method of that protocol
                schema.check_sent(message, method)


@pytest.mark.parametrize("run", CLIENTS[-1:], ids=lambda client: client.name, indirect=True)
def test_a_process_for_each_call_is_enough(run, note):
    note(f"{run.client.name}: {len(run.hosts)} processes, one for each list and call, in "
         f"{run.seconds:.1f} s with the start of Python and of the emulated vendors")
    for host in run.hosts:
        methods = [message.get("method") for message in host.requests]
        assert methods[:2] == ["initialize", "notifications/initialized"]
        assert methods.count("tools/call") <= 1
