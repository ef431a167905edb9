"""Fences: what a host for callers that are only half trusted does not do for them."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import threading

import pytest
from Support.host import Host, eventually, invoke, request, run

SOURCE = "artifact_file"


def refused(error, *words):
    """The error of a fence."""
    assert error["code"] == -32000, error
    data = error["data"]
    assert (data["kind"], data["status_code"], data["outcome"]) == ("policy", 403, "not_applied"), error
    assert data["retryable"] is False and data["return_data"] == "Failed" and data["remedy"], error
    for word in words:
        assert word in data["message"] + data["remedy"], error


def coda(url="http://127.0.0.1:9", **more):
    return {"integration": "coda_footprint", **more, "settings": {
        "server_url": url, "user_name": "user@example.com", "password": "secret-word"}}


# --connections-only

def connections_file(path, **connections):
    path.write_text(json.dumps({"connections": connections}))
    return ["--connections", str(path)]


def test_callers_cannot_bring_or_remove_connections(sandbox, tmp_path):
    configured = connections_file(tmp_path / "c.json", main=sandbox.connection)
    with Host(*configured, "--connections-only") as host:
        for method, params in [
            ("connections/put", {"name": "main", "connection": coda()}),
            ("connections/put", {"name": "other", "connection": sandbox.connection}),
            ("connections/put", {}), ("connections/remove", {"name": "main"}),
        ]:
            refused(host.error(method, params), method, "--connections-only")
        for inline in (sandbox.connection, coda(), {}):
            answer = host.ask(invoke(1, "list_tenants", connection=inline))
            refused(answer["error"], "--connections-only")
            assert answer["error"]["message"] == "List Tenants failed."
        dry = host.ask(invoke(2, "list_tenants", connection=coda(), dry_run=True))
        refused(dry["error"], "--connections-only")
        assert "result" in host.ask(invoke(3, "list_tenants", connection="main"))
        assert "result" in host.ask(invoke(4, "list_tenants"))
        assert host.result("limits")["fences"]["connections_only"] is True
        assert [each["name"] for each in host.result("connections/list")["connections"]] == ["main"]


def test_a_batch_or_a_notification_is_no_way_around(sandbox, tmp_path):
    configured = connections_file(tmp_path / "c.json", main=sandbox.connection)
    put = {"name": "other", "connection": coda()}
    with Host(*configured, "--connections-only") as host:
        host.send([request(1, "connections/put", put), invoke(2, "list_tenants", connection=coda())])
        for answer in host.read():
            refused(answer["error"], "--connections-only")
        host.send({"jsonrpc": "2.0", "method": "connections/put", "params": put},
                  {"jsonrpc": "2.0", "method": "connections/remove", "params": {"name": "main"}})
        assert [each["name"] for each in host.result("connections/list")["connections"]] == ["main"]


def test_a_request_file_is_fenced_as_well(tmp_path):
    (tmp_path / "in.jsonl").write_text(
        json.dumps(request(1, "connections/put", {"name": "a", "connection": coda()})) + "\n")
    ended = run("run", "in.jsonl", "--connections-only", directory=tmp_path)
    assert ended.code == 1
    refused(ended.answers[0]["error"], "--connections-only")


def test_without_the_option_callers_bring_connections():
    with Host() as host:
        host.result("connections/put", {"name": "a", "connection": coda()})
        fences = host.result("limits")["fences"]
        assert fences == {"read_only": False, "connections_only": False, "files_from": []}


# --mcp-only

def test_only_methods_of_the_model_context_protocol_remain():
    with Host() as host:
        methods = [each["name"] for each in host.result("rpc.discover")["methods"]]
    assert {"invoke", "capabilities", "rpc.discover", "files/put", "shutdown", "cancel"} <= set(methods)
    with Host("--sandbox", "--mcp-only") as host:
        for method in methods:
            if method == "ping":
                continue
            refused(host.error(method, {}), method, "--mcp-only")
        refused(host.ask(invoke(1, "list_tenants"))["error"], "invoke", "--mcp-only")
        assert host.result("ping") == {}
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        assert host.result("initialize", client)["serverInfo"]["name"] == "sallyport"
        assert len(host.result("tools/list")["tools"]) == 53
        assert "structuredContent" in host.result(
            "tools/call", {"name": "coda_footprint__list_tenants", "arguments": {}})
        assert host.result("resources/list")["resources"] == []


def test_batches_and_notifications_are_fenced_with_mcp_only():
    with Host("--sandbox", "--mcp-only") as host:
        host.send([request(1, "ping"), invoke(2, "list_tenants"), request(3, "stats")])
        answers = {each["id"]: each for each in host.read()}
        assert answers[1]["result"] == {}
        refused(answers[2]["error"], "--mcp-only")
        refused(answers[3]["error"], "--mcp-only")
        host.send({"jsonrpc": "2.0", "method": "shutdown"})
        assert host.result("ping") == {}


def test_an_unknown_method_does_not_advertise_methods_behind_the_fence():
    with Host("--mcp-only") as host:
        error = host.error("invok", {})
        assert error["code"] == -32601 and error["data"]["methods"] == ["ping"]


# --files-from

@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path) -> pathlib.Path:
    """A file that no caller may read."""
    file = tmp_path / "outside.txt"
    file.write_text("outside")
    return file


def put(path, **more):
    return {"path": os.fspath(path), "source": SOURCE, **more}


def test_without_the_option_no_path_is_read(outside):
    with Host() as host:
        for path in (outside, "/nowhere", "relative"):
            refused(host.error("files/put", put(path)), "--files-from")
        assert host.result("files/list") == {"files": []}
        inline = {"name": "a", "content_base64": "Zm9v", "source": SOURCE}
        assert host.result("files/put", inline)["size"] == 3


def test_files_below_the_directories_are_read(tmp_path, folder, outside):
    (folder / "deep/er").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep/er/b.txt").write_text("bb")
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.txt").write_text("ccc")
    with Host("--files-from", str(folder), "--files-from", "other", directory=tmp_path) as host:
        for path, size in [
            (folder / "a.txt", 1), (f"{folder}//deep/./er/b.txt", 2), (f"{folder}/deep/er/../../a.txt", 1),
            (other / "c.txt", 3), ("other/c.txt", 3), ("in/a.txt", 1), ("./in/a.txt", 1),
        ]:
            reference = host.result("files/put", put(path))
            assert reference["size"] == size and reference["name"] == pathlib.PurePath(path).name
        assert host.result("limits")["fences"]["files_from"] == [str(folder), "other"]
        refused(host.error("files/put", put(outside)), "--files-from")


@pytest.mark.parametrize("path", [
    "{tmp}/outside.txt", "{tmp}/in/../outside.txt", "{tmp}/in/deep/../../outside.txt", "{tmp}/in-other/file",
    "{tmp}/inside", "outside.txt", "../outside.txt", "{tmp}/in/..", "/", "{tmp}/nowhere", "{tmp}/in/../nowhere",
    "{tmp}/in/relative", "{tmp}/in/absolute", "{tmp}/in/folder/outside.txt", "{tmp}/in/up/outside.txt",
    "{tmp}/in/chain", "{tmp}/in/folder/\u0301x", "/proc/self/environ", "/dev/stdin", "{tmp}/in/root/etc/hostname",
    "{tmp}/in/process/environ", "{tmp}/in/dangling",
])
def test_no_path_leads_out_of_the_directory(path, tmp_path, folder, outside):
    (folder / "deep").mkdir()
    (tmp_path / "in-other").mkdir()
    (tmp_path / "in-other/file").write_text("outside")
    (tmp_path / "inside").write_text("outside")
    (tmp_path / "\u0301x").write_text("outside")
    (folder / "relative").symlink_to("../outside.txt")
    (folder / "absolute").symlink_to(outside)
    (folder / "folder").symlink_to(tmp_path)
    (folder / "up").symlink_to("..")
    (folder / "first").symlink_to("second")
    (folder / "second").symlink_to("deep/third")
    (folder / "deep/third").symlink_to("../../outside.txt")
    (folder / "chain").symlink_to("first")
    (folder / "root").symlink_to("/")
    (folder / "process").symlink_to("/proc/self")
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    with Host("--files-from", str(folder), directory=tmp_path) as host:
        # Whether something is there is not said either: the error is the same.
        refused(host.error("files/put", put(path.format(tmp=tmp_path))), "--files-from")
        assert host.result("files/list") == {"files": []}


def test_links_that_stay_inside_are_followed(tmp_path, folder):
    (folder / "deep").mkdir()
    (folder / "deep/a.txt").write_text("aaaa")
    (folder / "relative").symlink_to("deep/../deep/a.txt")
    (folder / "absolute").symlink_to(folder / "deep/a.txt")
    (folder / "folder").symlink_to("deep")
    (tmp_path / "alias").symlink_to(folder)
    (folder / "loop").symlink_to("loop")
    for start in (folder, tmp_path / "alias"):
        with Host("--files-from", str(start)) as host:
            for path in (folder / "relative", folder / "absolute", folder / "folder/a.txt", start / "relative"):
                assert host.result("files/put", put(path))["size"] == 4
            error = host.error("files/put", put(folder / "loop"))
            assert error["code"] == -32602 and "symbolic links" in json.dumps(error)


@pytest.mark.parametrize(("name", "reason"), [
    ("nowhere", "No such file"), ("", "Is a directory"), ("pipe", "is not a regular file"),
    ("file/below", "Not a directory"), ("x" * 300, "File name too long"),
])
def test_a_path_below_that_is_no_file_is_an_argument_problem(name, reason, folder):
    os.mkfifo(folder / "pipe")
    (folder / "file").write_text("x")
    with Host("--files-from", str(folder)) as host:
        error = host.error("files/put", put(f"{folder}/{name}"))
        assert error["code"] == -32602
        (problem,) = error["data"]["problems"]
        assert problem["path"] == "/path" and reason in problem["message"]


def test_a_pipe_is_not_opened(folder):
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    with Host("--files-from", str(folder)) as host:
        done = threading.Event()

        def watch():
            # A writer can open the pipe only while a reader has it open.
            while not done.is_set():
                try:
                    os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
                except OSError:
                    continue
                opened.append(True)

        opened: list[bool] = []
        watcher = threading.Thread(target=watch)
        watcher.start()
        for _ in range(200):
            host.error("files/put", put(pipe))
        done.set()
        watcher.join()
        assert opened == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_refused(folder):
    try:
        os.mknod(folder / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    with Host("--files-from", str(folder)) as host:
        assert "is not a regular file" in json.dumps(host.error("files/put", put(folder / "zero")))


def test_files_with_secrets_stay_protected_below_the_directory(folder):
    (folder / "key").write_text("a key in a file")
    (folder / "link").symlink_to("key")
    os.link(folder / "key", folder / "hard")
    connection = {
        "integration": "bitdefender_gravityzone", "settings": {"api_key": {"$file": str(folder / "key")}}}
    configured = connections_file(folder / "c.json", gz=connection)
    with Host(*configured, "--files-from", str(folder)) as host:
        for name in ("c.json", "key", "link", "hard"):
            error = host.error("files/put", put(folder / name))
            assert error["code"] == -32602 and "is protected" in json.dumps(error)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_path_that_changes_while_it_is_read_leads_nowhere(what, tmp_path, folder, outside):
    """Somebody swaps a component for a link that leads out, again and again."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/a.txt").write_text("outside")
    (folder / "deep").mkdir()
    for name in ("a.txt", "deep/a.txt"):
        (folder / name).write_text("in")
    swapped = folder / ("a.txt" if what == "file" else "deep")
    path = folder / "a.txt" if what == "file" else folder / "deep/a.txt"
    spare, link = folder / "spare", folder / "link"
    target = outside if what == "file" else tmp_path / "secrets"
    done = threading.Event()

    def swap():
        while not done.is_set():
            link.symlink_to(target)
            os.rename(swapped, spare)
            os.rename(link, swapped)
            os.rename(swapped, link)
            os.rename(spare, swapped)
            link.unlink()

    swapper = threading.Thread(target=swap)
    with Host("--files-from", str(folder), reads_output=True) as host:
        swapper.start()
        try:
            for id in itertools.count():
                answers = [host.ask(request(f"{id} {number}", "files/put", put(path))) for number in range(100)]
                sizes = {each["result"]["size"] for each in answers if "result" in each}
                assert sizes <= {2}, "a file outside was read"
                if id == 10:
                    break
        finally:
            done.set()
            swapper.join()


def test_the_directory_stays_the_one_of_the_start(tmp_path, folder, outside):
    (folder / "outside.txt").write_text("in")
    with Host("--files-from", str(folder)) as host:
        host.result("ping")
        folder.rename(tmp_path / "moved")
        folder.symlink_to(tmp_path)
        assert host.result("files/put", put(folder / "outside.txt"))["size"] == 2


@pytest.mark.parametrize("where", ["file", "nowhere"])
def test_a_directory_that_is_none_is_an_error_at_the_start(where, tmp_path):
    (tmp_path / "file").write_text("x")
    ended = run("serve", "--files-from", str(tmp_path / where))
    assert (ended.code, ended.output) == (2, b"")
    assert "--files-from" in ended.errors and where in ended.errors


# Connections over the wire

@pytest.mark.parametrize(("more", "paths"), [
    ({"proxy": "http://127.0.0.1:1"}, ["/connection/proxy"]),
    ({"tls": {"ca_file": "/etc/hostname"}}, ["/connection/tls"]), ({"tls": {}}, ["/connection/tls"]),
    ({"tls": {"client_key": "/etc/hostname", "client_certificate": "/etc/hostname"}, "proxy": "nonsense"}, ["/connection/proxy", "/connection/tls"]),
])
def test_tls_and_proxy_are_only_for_a_connections_file(more, paths):
    with Host() as host:
        put = host.error("connections/put", {"name": "a", "connection": coda(**more)})
        inline = host.ask(invoke(1, "list_tenants", connection=coda(**more)))["error"]
        for error in (put, inline):
            assert error["code"] == -32602
            assert [each["path"] for each in error["data"]["problems"]] == paths
            assert error["data"]["remedy"] == "Put the connection into the connections file."
        assert host.result("connections/list") == {"connections": []}


def test_null_for_tls_and_proxy_is_as_if_absent():
    with Host() as host:
        host.result("connections/put", {"name": "a", "connection": coda(tls=None, proxy=None)})


def test_a_refused_client_key_is_not_protected(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with Host("--files-from", str(tmp_path)) as host:
        key = {"client_key": str(tmp_path / "mine"), "client_certificate": str(tmp_path / "mine")}
        host.error("connections/put", {"name": "a", "connection": coda(tls=key)})
        assert host.result("files/put", put(tmp_path / "mine"))["size"] == 4


# The command line

def test_the_options_are_in_the_help_and_in_the_configuration_of_agents(tmp_path):
    help = run("help", "serve").text
    for option in ("--connections-only", "--files-from DIR", "--mcp-only"):
        assert option in help
    assert "--mcp-only" not in run("help", "run").text
    ended = run(
        "mcp-config", "cursor", "--sandbox", "--mcp-only", "--connections-only", "--files-from", "in",
        "--files-from", str(tmp_path), "--confirm", "always", directory=_with(tmp_path, "in"))
    words = json.loads(ended.text)["mcpServers"]["sallyport"]["args"]
    assert {"--mcp-only", "--connections-only"} <= set(words)
    assert words[words.index("--files-from") + 1] == f"{os.path.realpath(tmp_path)}/in"
    assert words.count("--files-from") == 2


def _with(path, name):
    (path / name).mkdir()
    return path


def test_calls_after_a_refusal_still_run(sandbox, tmp_path):
    """A refusal holds no slot."""
    configured = connections_file(tmp_path / "c.json", main=sandbox.connection)
    with Host(*configured, "--connections-only", "--max-in-flight", "1") as host:
        host.send(*(invoke(id, "list_tenants", connection=coda()) for id in range(20)))
        assert len(host.read_all(20)) == 20
        eventually(lambda: host.result("limits")["host"]["in_flight"] == 0, "no slot is held")
        assert "result" in host.ask(invoke("last", "list_tenants"))
