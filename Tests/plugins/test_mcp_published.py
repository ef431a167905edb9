"""Published MCP servers, as they are, as plugins."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import subprocess
import threading
from collections.abc import Iterator

import pytest
from Support.documents import blocks, matches, run, split
from Support.host import EXECUTABLE, ROOT, eventually
from Support.mcp_client import Client
from Support.mcp_servers import Servers, invoke
from Support.virtual_environment import virtual_environment

TIME = "mcp-server-time==2026.10.19"
GIT = "mcp-server-git==2026.10.19"
FETCH = "mcp-server-fetch==2026.10.24"
#: The last SDK that speaks only revisions with a handshake, and one of the stateless era.
SDKS = {"handshake": "mcp==1.30.0", "stateless": "mcp==2.3.0"}
SECRET = "Zebra-Crossing-7431-Quay"
#: Programs in Python start slowly on a busy machine.
SLOW = {"limits": {"start_seconds": 60}}


@pytest.fixture
def servers(tmp_path) -> Servers:
    return Servers(tmp_path)


def add_published(servers: Servers, id: str, requirement: str, *arguments: str, **description) -> None:
    program = requirement.split("==")[0]
    servers.add(id, [str(virtual_environment(requirement) / program), *arguments], **SLOW, **description)
    servers.connect(id, id)


def test_time_server(servers) -> None:
    add_published(servers, "clock", TIME, "--local-timezone", "Asia/Tokyo")
    with servers.host() as host:
        assert {id: each["effect"] for id, each in host.commands("clock").items()} == {
            "get_current_time": "read", "convert_time": "read"}
        converted = host.value("convert_time", {
            "source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "Asia/Kolkata"},
            plugin="clock", connection="clock")
        assert converted["time_difference"] == "-3.5h"
        assert converted["target"]["datetime"].endswith("T08:30:00+05:30")
        error = host.failure(
            "get_current_time", {"timezone": "Mars/Olympus"}, plugin="clock", connection="clock")
    assert (error["kind"], error["status_code"], error["outcome"]) == ("upstream", 502, "not_applied")
    assert "Mars/Olympus" in error["message"]


def test_time_server_from_the_command_line(servers) -> None:
    add_published(servers, "clock", TIME)
    servers.lock()
    ended = servers.run(
        "call", "clock", "convert_time", "--source-timezone", "UTC", "--time", "10:00", "--target-timezone",
        "Asia/Tokyo", "--raw", *servers.options)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["raw_data"]["time_difference"] == "+9.0h"


@pytest.mark.parametrize("revision", ["2025-06-18", "2026-07-28"])
def test_time_server_for_an_agent(servers, revision) -> None:
    add_published(servers, "clock", TIME)
    servers.lock()
    with Client(revision, *servers.options) as client:
        tool = client.tools()["clock__convert_time"]
        assert tool["annotations"]["readOnlyHint"] is True
        result = client.call("clock__convert_time", {
            "source_timezone": "UTC", "time": "10:00", "target_timezone": "Asia/Tokyo"})
        assert result["structuredContent"]["raw_data"]["time_difference"] == "+9.0h"
        failure = client.failure("clock__get_current_time", {"timezone": "Mars/Olympus"})
        assert "Mars/Olympus" in json.dumps(failure)


@pytest.fixture
def repository(tmp_path) -> pathlib.Path:
    folder = tmp_path / "repository"
    names = {f"GIT_{role}_{part}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, check=True, env=os.environ | names, capture_output=True)

    folder.mkdir()
    git("init", "-q", "-b", "main")
    git("config", "user.name", "T")
    git("config", "user.email", "t@example.com")
    (folder / "a.txt").write_text("a\n")
    git("add", ".")
    git("commit", "-qm", "first")
    return folder


def test_git_server(servers, repository) -> None:
    add_published(
        servers, "repo", GIT, "--repository", str(repository), effects={"git_reset": "destructive"})
    servers.lock()
    (repository / "b.txt").write_text("b\n")

    with servers.host() as host:
        def git(command: str, **arguments):
            return host.value(
                command, {"repo_path": str(repository)} | arguments, plugin="repo", connection="repo")

        commands = host.commands("repo")
        assert {id: commands[id]["effect"] for id in ("git_status", "git_commit", "git_reset")} == {
            "git_status": "read", "git_commit": "write", "git_reset": "destructive"}
        assert "b.txt" in git("git_status")
        git("git_add", files=["b.txt"])
        assert "+b" in git("git_diff_staged")
        git("git_commit", message="second")
        assert "second" in json.dumps(git("git_log", max_count=1))
        error = host.failure(
            "git_status", {"repo_path": str(repository.parent)}, plugin="repo", connection="repo")
        assert error["kind"] in ("upstream", "validation")
        # A dry run of a write changes nothing.
        (repository / "c.txt").write_text("c\n")
        host.call(
            "git_add", {"repo_path": str(repository), "files": ["c.txt"]}, plugin="repo", connection="repo",
            dry_run=True)
        assert "c.txt" in git("git_status").partition("Untracked")[2]
    log = subprocess.run(["git", "log", "--format=%s"], cwd=repository, capture_output=True, text=True)
    assert log.stdout.split() == ["second", "first"]


def test_policy_holds_for_tools(servers, repository) -> None:
    add_published(servers, "repo", GIT)
    servers.lock()
    with servers.host("--read-only") as host:
        error = host.failure(
            "git_commit", {"repo_path": str(repository), "message": "x"}, plugin="repo", connection="repo")
        assert error["kind"] == "policy"
        host.value("git_status", {"repo_path": str(repository)}, plugin="repo", connection="repo")


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {"/robots.txt": b"User-agent: *\nDisallow: /private\n", "/page": b"plain words of a page"}
        body = pages.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_fetch_server(servers, site) -> None:
    add_published(servers, "web", FETCH, "--allow-private-ips")
    with servers.host() as host:
        page = host.value("fetch", {"url": f"{site}/page"}, plugin="web", connection="web")
        assert "plain words of a page" in json.dumps(page)
        error = host.failure("fetch", {"url": f"{site}/private"}, plugin="web", connection="web")
        assert "robots.txt" in error["message"]
        assert "problems" in host.failure(
            "fetch", {"url": f"{site}/page", "max_length": 0}, plugin="web", connection="web")


@pytest.fixture(params=SDKS)
def sdk(request, servers) -> Servers:
    python = virtual_environment(SDKS[request.param]) / "python"
    servers.add(
        "sdk", [str(python), str(ROOT / "Tests/plugins/sdk_mcp_server.py")], **SLOW,
        settings={"api_key": {"secret": True, "env": "ACME_KEY", "required": False}})
    servers.connect("sdk", "sdk", api_key=SECRET)
    servers.lock()
    return servers


def test_server_on_the_sdk(sdk, tmp_path) -> None:
    with sdk.host() as host:
        def call(command: str, arguments=None, **options):
            return host.call(command, arguments, plugin="sdk", connection="sdk", **options)

        assert call("add", {"a": 2, "b": 3})["result"]["raw_data"] == {"sum": 5}
        assert call("note", {"text": "x"})["result"]["raw_data"] == {"result": "x"}
        (file,) = call("picture")["result"]["files"]
        assert (file["name"], file["size"]) == ("picture.png", 5)
        error = call("fail")["error"]["data"]
        assert "no access with" in error["message"] and SECRET not in json.dumps(error)
        assert "problems" in call("add", {"a": "two"})["error"]["data"]

        host.send(invoke(1, "count", {"to": 3}, plugin="sdk", connection="sdk", progress=True))
        messages = host.read_all(4)
        assert [m["params"]["done"] for m in messages[:3]] == [1, 2, 3]
        assert messages[3]["result"]["raw_data"] == {"counted": 3}

        mark = tmp_path / "mark"
        host.send(invoke(2, "wait", {"file": str(mark)}, plugin="sdk", connection="sdk", progress=True))
        assert host.read()["method"] == "invoke/progress"
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": 2}})
        assert host.read()["error"]["code"] == -32800
        eventually(mark.exists, "the tool has been cancelled")
        host.close_input()
        host.exit_code()
        assert SECRET not in host.errors


def test_another_host_as_a_server(servers) -> None:
    servers.add("inner", [EXECUTABLE, "serve", "--sandbox", "--mcp-only"], **SLOW)
    servers.connect("inner", "inner")
    servers.lock()
    with servers.host() as host:
        commands = host.commands("inner")
        assert commands["gmail_list_labels"]["effect"] == "read"
        assert commands["gmail_delete_users"]["effect"] == "destructive"
        names = {name: next(id for id in commands if id.endswith(name)) for name in (
            "list_technical_contexts", "get_technical_context")}
        result = host.value(names["list_technical_contexts"], plugin="inner", connection="inner")
        assert result["return_data"] == "Successful"
        assert result["raw_data"]["items"]
        error = host.failure(
            names["get_technical_context"], {"context_id": 999_999}, plugin="inner", connection="inner")
        assert error["kind"] == "upstream"
        assert error["upstream"]["status_code"] == 404


GUIDE = ROOT / "protocol/guide/plugins-mcp.md"
SESSIONS = [
    session for block in blocks(GUIDE, "console") if block["mark"] == "output: mcp"
    for session in split(GUIDE, block["text"])]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda each: each.command[:40])
def test_guide_prints_what_it_shows(session, monkeypatch) -> None:
    monkeypatch.setenv("PATH", f"{virtual_environment(GIT)}:{os.environ['PATH']}")
    printed = run(session)
    if not matches(session.expected, printed):
        assert printed == session.expected


def test_settings_of_the_guide_are_valid(servers) -> None:
    (described,) = [
        found for block in blocks(GUIDE, "json") if (found := json.loads(block["text"])).get("id") == "acme"]
    assert set(described["settings"]) == {"api_key", "region"}
    servers.add_scripted("acme", **{name: described[name] for name in ("environment", "settings")})
    servers.connect("main", "acme", api_key=SECRET)
    servers.lock()
    with servers.host() as host:
        found = host.value("environment", plugin="acme", connection="main")
    assert found["ACME_REGION"] == "us" and found["ACME_KEY"] not in (SECRET, "none")
