"""The audit file (12.3): what is recorded, when, by which caller, and how hosts share a file."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

import pytest
from Support.audit import events, lines, report, verify
from Support.host import Host, eventually, invoke, request, run
from Support.mcp_client import CLIENT, FORMS, STATELESS, Client
from Support.session import connection
from Support.upstream import Tenant, reply

CODA = "coda_footprint"
GRAVITYZONE = "bitdefender_gravityzone"
ENDPOINT = "6affe1e0b1a43d0003000001"
MISSING = "0" * 24


@pytest.fixture
def audit(tmp_path) -> pathlib.Path:
    return tmp_path / "audit.jsonl"


def isolate(id, *endpoints, **more):
    arguments = {"endpoint_ids": list(endpoints)} | more
    return request(id, "invoke", {
        "integration": GRAVITYZONE, "command": "isolate_endpoints", "arguments": arguments})


def count(path, text='\n'):
    """How often a text is in a file that the host may not have created yet."""
    return path.read_text().count(text) if path.exists() else 0


def of_calls(path):
    return [(line["event"], line["id"]) for line in lines(path)]


# Members

def test_every_line_has_its_place_its_process_and_its_user(audit):
    with Host("--sandbox", "--audit", str(audit)) as host:
        host.ask(invoke(1, "list_tenants"))
        host.ask(invoke("two", "patch_rescan"))
        pid = host.process.pid
        assert host.finish()[0] == 0
    found = lines(audit)
    assert [line["seq"] for line in found] == [1, 2, 3]
    assert found[0]["previous"] is None
    assert {line["host"]["pid"] for line in found} == {pid}
    assert len({line["host"]["start"] for line in found}) == 1
    assert {line["user"] for line in found} == {pwd.getpwuid(os.getuid()).pw_name}
    assert {line["client"] for line in found} == {None}
    assert of_calls(audit) == [("finished", 1), ("started", "two"), ("finished", "two")]
    assert audit.stat().st_mode & 0o777 == 0o600


def test_a_write_is_recorded_before_and_after_with_its_targets(audit):
    with Host("--sandbox", "--audit", str(audit)) as host:
        assert host.ask(isolate(1, ENDPOINT, MISSING))["result"]["return_data"] == "Partially Successful"
        assert host.finish()[0] == 0
    started, finished = lines(audit)
    assert started["span_id"] == finished["span_id"]
    for line in (started, finished):
        assert (line["integration"], line["command"]) == (GRAVITYZONE, "isolate_endpoints")
        assert (line["effect"], line["connection"]) == ("write", "gravityzone_sandbox")
        assert line["arguments"] == {"endpoint_ids": [ENDPOINT, MISSING]}
    assert started["target_count"] == 2
    assert finished["return_data"] == "Partially Successful"
    assert finished["targets"] == [
        {"target": ENDPOINT, "return_data": "Successful"},
        {"target": MISSING, "return_data": "Failed", "kind": "upstream", "status_code": 400,
         "outcome": "not_applied"}]
    assert finished["meta"]["requests"] == 2


def test_a_write_is_in_the_file_before_its_first_byte_is_sent(audit):
    seen = []

    def answer(request):
        seen.append(audit.read_text().splitlines())
        return reply(200, [])

    with Tenant(answer) as tenant, Host("--audit", str(audit)) as host:
        assert "result" in host.ask(invoke(1, "patch_rescan", connection=connection(tenant.url)))
        assert host.finish()[0] == 0
    assert [json.loads(line)["event"] for line in seen[0]] == ["started"]


def test_a_write_in_flight_when_the_host_is_killed_is_in_the_file(audit, vendor):
    with Host("--audit", str(audit)) as host:
        host.send(invoke(1, "patch_rescan", connection=vendor.connection))
        vendor.wait_for(1)
        host.process.send_signal(signal.SIGKILL)
        host.process.wait()
    assert of_calls(audit) == [("started", 1)]
    shown = verify(audit)
    assert shown.code == 0
    assert "1 write started and never finished" in shown.text
    assert "coda_footprint patch_rescan" in shown.text
    (write,) = report(audit)["unfinished"]
    assert (write["line"], write["command"]) == (1, "patch_rescan")


def test_an_id_of_any_length_is_recorded(audit):
    id = "x" * 17_000_000
    with Host("--sandbox", "--audit", str(audit)) as host:
        assert "result" in host.ask(isolate(id, ENDPOINT))
    assert [record["event"] for record in lines(audit)] == ["started", "finished"]
    assert {record["id"] for record in lines(audit)} == {"(an id of 17000002 bytes)"}


def test_a_replayed_write_is_marked_and_did_not_start_again(audit):
    with Host("--sandbox", "--audit", str(audit)) as host:
        for id in (1, 2):
            assert "result" in host.ask(invoke(id, "patch_rescan", idempotency_key="k"))
        assert host.finish()[0] == 0
    assert of_calls(audit) == [("started", 1), ("finished", 1), ("finished", 2)]
    assert [line.get("replayed") for line in lines(audit)] == [None, None, True]


def test_a_dry_run_is_not_recorded(audit):
    with Host("--sandbox", "--audit", str(audit)) as host:
        assert "result" in host.ask(invoke(1, "patch_rescan", dry_run=True))
        assert "error" in host.ask(invoke(2, "list_devices", {"page": 0}, dry_run=True))
        assert host.finish()[0] == 0
    assert lines(audit) == []


# Refusals

def test_an_invalid_call_is_recorded_as_refused(audit):
    with Host("--sandbox", "--audit", str(audit)) as host:
        host.ask(invoke(1, "list_devices", {"page": 0}))
        host.ask(invoke(2, "list_devcies", {"password": "a-secret-of-nobody"}))
        host.ask(request(3, "invoke", {"integration": "nobody", "command": "x"}))
        host.ask(request(4, "invoke", []))
        assert host.finish()[0] == 0
    found = lines(audit)
    assert [(line["event"], line["id"], line["kind"]) for line in found] == [
        ("refused", id, "validation") for id in (1, 2, 3, 4)]
    assert found[0]["arguments"] == {"page": 0}
    assert "Page" in found[0]["message"] and found[0]["status_code"] == 400
    # Those of an unknown command may be credentials.
    assert found[1]["command"] == "list_devcies" and "arguments" not in found[1]
    assert found[2]["integration"] == "nobody"


@pytest.mark.parametrize("options, policy", [
    (["--read-only"], {}), ([], {"deny": ["patch_*"]}), ([], {"allow": ["list_*"]})])
def test_a_forbidden_command_is_recorded_as_refused(options, policy, audit, tmp_path):
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"connections": {
        "main": connection("http://127.0.0.1:9", **({"policy": policy} if policy else {}))}}))
    with Host("--connections", str(file), "--audit", str(audit), *options) as host:
        error = host.ask(invoke(1, "patch_rescan", connection="main"))["error"]
        assert host.finish()[0] == 0
    (line,) = lines(audit)
    assert (line["event"], line["kind"], line["status_code"]) == ("refused", "policy", 403)
    assert line["message"] == error["data"]["message"]
    assert (line["command"], line["connection"], line["effect"]) == ("patch_rescan", "main", "write")


def test_a_method_behind_a_fence_is_recorded_as_refused(audit):
    put = request(1, "connections/put", {"name": "x", "connection": connection("http://127.0.0.1:9")})
    file = request(2, "files/put", {"path": "/etc/passwd", "source": "playbook_file"})
    with Host("--audit", str(audit), "--connections-only") as host:
        for message in (put, file):
            assert host.ask(message)["error"]["data"]["kind"] == "policy"
        inline = invoke(3, "list_tenants", connection=connection("http://127.0.0.1:9"))
        assert host.ask(inline)["error"]["data"]["kind"] == "policy"
        assert host.finish()[0] == 0
    found = sorted(lines(audit), key=lambda line: line["id"])
    assert [(line["event"], line.get("method"), line["kind"]) for line in found] == [
        ("refused", "connections/put", "policy"), ("refused", "files/put", "policy"),
        ("refused", None, "policy")]


def test_invalid_params_of_a_method_are_recorded_as_refused(audit):
    with Host("--audit", str(audit)) as host:
        host.ask(request(1, "connections/put", {"name": "x", "connection": {"integration": CODA}}))
        host.ask(request(2, "connections/remove", {"name": "nobody"}))
        host.ask(request(3, "files/remove", {}))
        assert host.finish()[0] == 0
    assert sorted((line["id"], line["method"], line["kind"]) for line in lines(audit)) == [
        (1, "connections/put", "validation"), (2, "connections/remove", "validation"),
        (3, "files/remove", "validation")]


def test_call_records_like_a_host(audit):
    ended = run("call", CODA, "patch_rescan", "--sandbox", "--audit", str(audit))
    assert ended.code == 0
    ended = run("call", CODA, "patch_rescan", "--sandbox", "--read-only", "--audit", str(audit))
    assert ended.code == 1
    assert [line["event"] for line in lines(audit)] == ["started", "finished", "refused"]


# Connections, files and health

def test_changes_of_connections_are_recorded(audit):
    with Host("--audit", str(audit)) as host:
        put = {"name": "main", "connection": connection("http://127.0.0.1:9")}
        host.ask(request(1, "connections/put", put))
        host.ask(request(2, "connections/remove", {"name": "main"}))
        assert host.finish()[0] == 0
    put, removed = lines(audit)
    assert (put["event"], put["id"]) == ("connection_put", 1)
    assert (put["connection"], put["integration"]) == ("main", CODA)
    assert (removed["event"], removed["id"], removed["connection"]) == ("connection_removed", 2, "main")


def test_files_are_recorded(audit):
    with Host("--audit", str(audit)) as host:
        put = {"name": "a.txt", "content_base64": "aGVsbG8=", "source": "playbook_file"}
        id = host.ask(request(1, "files/put", put))["result"]["file_id"]
        host.ask(request(2, "files/get", {"file_id": id, "offset": 1, "length": 3}))
        host.ask(request(3, "files/list"))
        host.ask(request(4, "files/remove", {"file_id": id}))
        host.ask(request(5, "files/remove", {"file_id": id}))
        assert host.finish()[0] == 0
    put, read, removed = lines(audit)
    assert (put["event"], put["file"]) == ("file_put", {"file_id": id, "name": "a.txt", "size": 5})
    assert (read["event"], read["offset"], read["length"]) == ("file_read", 1, 3)
    assert read["file"]["name"] == "a.txt"
    assert (removed["event"], removed["file"]) == ("file_removed", {"file_id": id})


def test_health_is_recorded_when_it_changes(audit, tmp_path):
    def answer(request):
        return reply(200, []) if len(tenant.calls) > 1 else reply(503, {"detail": "down"})

    with Tenant(answer) as tenant:
        file = tmp_path / "connections.json"
        file.write_text(json.dumps({"connections": {"main": connection(tenant.url)}}))
        with Host("--connections", str(file), "--audit", str(audit)) as host:
            host.send(request("w", "health/watch", {"connection": "main", "interval_seconds": 1}))
            eventually(lambda: count(audit, '"finished"') >= 3, "three checks")
            assert host.finish()[0] == 0
    changes = [line["status"] for line in events(audit, "health_changed")]
    assert changes[-1] == "healthy" and len(changes) <= 2
    for line in events(audit, "finished"):
        assert (line["command"], line["connection"], line["id"]) == ("test_connection", "main", None)


def test_a_check_that_the_policy_forbids_is_recorded_as_refused(audit, tmp_path):
    with Tenant() as tenant:
        file = tmp_path / "connections.json"
        closed = connection(tenant.url, policy={"deny": ["*"]})
        file.write_text(json.dumps({"connections": {"main": closed}}))
        with Host("--connections", str(file), "--audit", str(audit)) as host:
            assert "error" in host.ask(request(1, "health/watch", {"connection": "main"}))
            assert host.finish()[0] == 0
    (line,) = lines(audit)
    assert (line["event"], line["method"], line["kind"]) == ("refused", "health/watch", "policy")


# Arguments

def test_arguments_can_be_recorded_by_their_digest(audit):
    with Host("--sandbox", "--audit", str(audit), "--audit-arguments", "hash") as host:
        host.ask(isolate(1, ENDPOINT))
        assert host.finish()[0] == 0
    canonical = json.dumps({"endpoint_ids": [ENDPOINT]}, separators=(",", ":"), sort_keys=True)
    digest = "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    assert [line["arguments"] for line in lines(audit)] == [digest, digest]
    assert lines(audit)[0]["target_count"] == 1


def test_arguments_can_be_left_out(audit):
    with Host("--sandbox", "--audit", str(audit), "--audit-arguments", "none") as host:
        host.ask(isolate(1, ENDPOINT))
        host.ask(isolate(2, "x", nobody=1))
        assert host.finish()[0] == 0
    found = lines(audit)
    assert [line["event"] for line in found] == ["started", "finished", "refused"]
    assert not any("arguments" in line for line in found)


def test_large_arguments_are_recorded_by_their_digest(audit):
    with Host("--sandbox", "--audit", str(audit)) as host:
        host.ask(invoke(1, "list_devices", {"filter": {"name": "x" * 1_100_000}}))
        assert host.finish()[0] == 0
    assert lines(audit)[0]["arguments"].startswith("sha256:")


@pytest.mark.parametrize("words, message", [
    (["--audit-required"], "--audit-required requires --audit"),
    (["--audit-arguments", "hash"], "--audit-arguments requires --audit"),
    (["--audit", "a", "--audit-arguments", "hsh"], 'did you mean "hash"?')])
def test_invalid_options_are_explained(words, message, tmp_path):
    ended = run("serve", *words, directory=tmp_path)
    assert ended.code == 2 and message in ended.errors


def test_a_credential_with_a_misspelled_name_is_redacted(audit):
    call = request(1, "invoke", {
        "integration": "gmail", "command": "set_user_password",
        "arguments": {"user_key": "a@example.com", "pasword": "Tr0ub4dor&3"}})
    with Host("--sandbox", "--audit", str(audit)) as host:
        assert "error" in host.ask(call)
        assert host.finish()[0] == 0
    assert lines(audit)[0]["arguments"] == {"user_key": "a@example.com", "pasword": "[redacted]"}
    assert b"Tr0ub4dor" not in audit.read_bytes()


# Agents

@pytest.mark.parametrize("revision", ["2025-11-25", STATELESS])
def test_calls_of_agents_have_the_name_of_the_client(revision, audit):
    with Client(revision, "--sandbox", "--confirm", "never", "--audit", str(audit)) as client:
        client.call("coda_footprint__list_tenants")
        client.call("coda_footprint__patch_rescan")
        assert client.call("coda_footprint__list_devices", {"page": 0})["isError"]
        assert client.finish()[0] == 0
    assert [line["event"] for line in lines(audit)] == ["finished", "started", "finished", "refused"]
    assert {json.dumps(line["client"]) for line in lines(audit)} == {json.dumps(CLIENT)}


def test_a_tool_call_that_cannot_be_confirmed_is_recorded_as_refused(audit):
    with Client("2025-11-25", "--sandbox", "--audit", str(audit)) as client:
        client.failure("bitdefender_gravityzone__isolate_endpoints", {"endpoint_ids": [ENDPOINT]})
        assert client.finish()[0] == 0
    (line,) = lines(audit)
    assert (line["event"], line["kind"], line["command"]) == ("refused", "policy", "isolate_endpoints")
    assert line["arguments"] == {"endpoint_ids": [ENDPOINT]} and line["client"] == CLIENT


def test_a_call_of_an_unknown_tool_is_recorded_as_refused(audit):
    with Client("2025-11-25", "--sandbox", "--audit", str(audit)) as client:
        client.error("tools/call", {"name": "coda_footprint__delete_everything", "arguments": {}})
        assert client.finish()[0] == 0
    (line,) = lines(audit)
    assert (line["event"], line["method"], line["kind"]) == ("refused", "tools/call", "validation")
    assert "delete_everything" in line["message"] and line["client"] == CLIENT


@pytest.mark.parametrize("action, event", [("decline", "refused"), ("accept", "finished")])
def test_a_tool_call_that_the_user_declines_is_recorded_as_refused(action, event, audit):
    options = ["--sandbox", "--audit", str(audit)]
    with Client("2025-11-25", *options, capabilities=FORMS) as client:
        client.start_call("bitdefender_gravityzone__isolate_endpoints", {"endpoint_ids": [ENDPOINT]})
        question = client.read()
        client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"action": action, "content": {}}})
        client.read()
        assert client.finish()[0] == 0
    # The names of the targets were read for the question.
    ends = [line for line in lines(audit) if line["command"] == "isolate_endpoints"]
    assert ends[-1]["event"] == event
    if action == "decline":
        (refused,) = ends
        assert refused["kind"] == "policy" and "did not confirm" in refused["message"]


def test_a_resource_that_is_read_is_recorded(audit):
    with Client("2025-11-25", "--audit", str(audit)) as client:
        put = {"name": "a.txt", "content_base64": "aGVsbG8=", "source": "playbook_file"}
        client.send(request("put", "files/put", put))
        id = client.read()["result"]["file_id"]
        client.result("resources/read", {"uri": f"sallyport://files/{id}"})
        client.error("resources/read", {"uri": "sallyport://files/nobody"})
        assert client.finish()[0] == 0
    found = lines(audit)
    assert [line["event"] for line in found] == ["file_put", "file_read", "refused"]
    assert found[1]["client"] == CLIENT and found[1]["file"]["file_id"] == id


# Reloads

@pytest.mark.parametrize("by_signal", [True, False])
def test_reloads_of_the_connections_file_are_recorded(by_signal, audit, tmp_path):
    path = tmp_path / "connections.json"
    one, two = connection("http://127.0.0.1:9"), connection("http://127.0.0.1:10")

    def write(text):
        path.write_text(text if isinstance(text, str) else json.dumps({"connections": text}))

    write({"a": one, "b": one})
    with Host("--connections", str(path), "--audit", str(audit)) as host:
        host.result("ping")
        for id, content in enumerate([{"a": two, "c": one}, {"a": {}, "c": one}, "nonsense"]):
            write(content)
            if by_signal:
                host.signal(signal.SIGHUP)
            else:
                host.send(request(id, "connections/reload"))
            eventually(lambda: count(audit) > id, "the reload is recorded")
        host.close_input()
        assert host.exit_code() == 0
    changed, rejected, unreadable = lines(audit)
    assert {line["event"] for line in lines(audit)} == {"connection_reloaded"}
    assert [line["id"] for line in lines(audit)] == ([None] * 3 if by_signal else [0, 1, 2])
    assert [changed[name] for name in ("added", "changed", "removed", "rejected")] == [
        ["c"], ["a"], ["b"], []]
    assert (rejected["rejected"], rejected["changed"]) == (["a"], [])
    assert unreadable["kind"] == "unavailable" and "added" not in unreadable


# Traces

def test_lines_have_the_trace_and_the_label_of_the_caller(audit):
    trace = "0af7651916cd43dd8448eb211c80319c"
    options = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "label": "night shift"}
    with Host("--sandbox", "--audit", str(audit)) as host:
        for id in (1, 2):
            meta = host.ask(invoke(id, "patch_rescan", **options))["result"]["meta"]
            assert meta["trace_id"] == trace
        refused = host.ask(invoke(3, "list_devices", {"page": 0}, **options))["error"]["data"]
        own = host.ask(invoke(4, "list_devices", {"page": 0}))["error"]["data"]["meta"]["trace_id"]
        assert host.finish()[0] == 0
    found = lines(audit)
    assert refused["meta"]["trace_id"] == trace and own != trace
    assert [line["trace_id"] for line in found] == [trace] * 5 + [own]
    assert [line.get("label") for line in found] == ["night shift"] * 5 + [None]
    spans = [line["span_id"] for line in found if line["event"] != "refused"]
    assert spans[0] == spans[1] != spans[2] == spans[3]
    assert found[1]["meta"]["trace_id"] == trace


def test_polls_of_a_follower_are_recorded(audit):
    params = {"integration": "gmail", "command": "fetch_event", "arguments": {"user_email": "soc@example.com", "start_time": "2020-01-01T00:00:00Z"}, "every_seconds": 1}
    with Host("--sandbox", "--audit", str(audit)) as host:
        host.send(request("follow", "events/follow", params))
        eventually(lambda: count(audit) >= 1, "a poll is recorded")
        host.close_input()
        assert host.exit_code() == 0
    line = lines(audit)[0]
    assert (line["event"], line["command"], line["id"]) == ("finished", "fetch_event", "follow")


# Several hosts, rotation

def test_hosts_that_share_a_file_continue_one_chain(audit):
    calls = [invoke(id, "list_devices", {"page": 0}) for id in range(500)]
    with Host("--sandbox", "--audit", str(audit)) as one, Host("--sandbox", "--audit", str(audit)) as two:
        one.send(*calls[:250])
        two.send(*calls)
        one.send(*calls[250:])
        for host in (one, two):
            assert len(host.read_all(500)) == 500
            assert host.finish()[0] == 0
    found = lines(audit)
    assert [line["seq"] for line in found] == list(range(1, 1001))
    assert len({line["host"]["pid"] for line in found}) == 2
    assert verify(audit).code == 0


def test_a_later_host_continues_the_chain(audit):
    for id in range(3):
        run("serve", "--sandbox", "--audit", str(audit), input=[invoke(id, "list_tenants")])
    assert [(line["seq"], line["id"]) for line in lines(audit)] == [(1, 0), (2, 1), (3, 2)]


@pytest.mark.parametrize("torn", [b'{"time":"2026-01-01T00:00:00Z","seq":7,"prev', b"x", b'{"a":1}'])
def test_a_torn_last_line_is_left_alone_and_named(torn, audit):
    run("serve", "--sandbox", "--audit", str(audit), input=[invoke(1, "list_tenants")])
    whole = audit.read_bytes()
    audit.write_bytes(whole + torn)
    run("serve", "--sandbox", "--audit", str(audit), input=[invoke(2, "list_tenants"), invoke(3, "list_tenants")])
    text = audit.read_bytes()
    assert text.startswith(whole + torn + b"\n")
    after = [json.loads(line) for line in text.splitlines()[2:]]
    assert after[0]["previous"] == hashlib.sha256(torn).hexdigest()
    assert after[1]["seq"] == after[0]["seq"] + 1
    ended = verify(audit)
    assert ended.code == 1 and "broken: line 2" in ended.text


def test_a_file_that_begins_in_mid_chain_is_continued(audit):
    run("serve", "--sandbox", "--audit", str(audit), input=[invoke(id, "list_tenants") for id in range(4)])
    audit.write_bytes(b"".join(audit.read_bytes().splitlines(keepends=True)[2:]))
    run("serve", "--sandbox", "--audit", str(audit), input=[invoke(9, "list_tenants")])
    assert [line["seq"] for line in lines(audit)] == [3, 4, 5]
    ended = verify(audit)
    assert ended.code == 0 and "begins in mid-chain" in ended.text


def test_a_rotated_file_is_followed_by_a_new_one_that_refers_to_it(audit, tmp_path):
    old = tmp_path / "audit.jsonl.1"
    with Host("--sandbox", "--audit", str(audit)) as host:
        host.ask(invoke(1, "list_tenants"))
        audit.rename(old)
        host.signal(signal.SIGHUP)
        host.wait_for_log("SIGHUP")
        host.ask(invoke(2, "list_tenants"))
        assert host.finish()[0] == 0
    (before,), (after,) = lines(old), lines(audit)
    assert (before["id"], after["id"], after["seq"]) == (1, 2, 1)
    assert after["previous"] == hashlib.sha256(old.read_bytes()[:-1]).hexdigest()
    assert verify(old).code == verify(audit).code == 0


def test_logrotate_rotates_the_file_of_a_running_host(audit, tmp_path):
    program = shutil.which("logrotate", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("logrotate is not installed; rotation is also tested without it")
    with Host("--sandbox", "--audit", str(audit)) as host:
        host.ask(invoke(1, "patch_rescan"))
        configuration = tmp_path / "logrotate.conf"
        configuration.write_text(f"""{audit} {{
            rotate 3
            create 0600
            postrotate
                kill -HUP {host.process.pid}
            endscript
        }}""")
        configuration.chmod(0o600)
        tmp_path.chmod(0o700)
        words = [program, "--force", "--state", str(tmp_path / "state"), str(configuration)]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        host.wait_for_log("SIGHUP")
        host.ask(invoke(2, "patch_rescan"))
        assert host.finish()[0] == 0
    assert of_calls(tmp_path / "audit.jsonl.1") == [("started", 1), ("finished", 1)]
    assert of_calls(audit) == [("started", 2), ("finished", 2)]


# Files that cannot be written

def test_without_audit_required_a_full_disk_fails_no_call():
    with Host("--sandbox", "--audit", "/dev/full") as host:
        for id in range(5):
            assert "result" in host.ask(invoke(id, "patch_rescan"))
        assert host.finish()[0] == 0
        assert host.errors.count("the audit file cannot be written") == 1
