"""events/follow and events/ack: the window, the end, the checkpoint, and what must not wait for it."""

import json
import os
import signal
import stat
import sys
import textwrap
import threading

import pytest
from Support import host as raw
from Support.feed import SPAN, START, Mailbox, mail
from Support.following import Follower
from Support.schemas import DIALECT
from Support.session import Host, connection
from Support.upstream import Tenant, reply

ARGUMENTS = {name: SPAN[name] for name in ("user_email", "start_time")}
COMMAND = {"command": "fetch_event", "connection": "main", "arguments": ARGUMENTS}


@pytest.fixture
def google():
    with Mailbox([mail(n, START + n) for n in range(1, 13)]) as google:
        yield google


@pytest.fixture
def host(google):
    with Host(google.connection()) as host:
        yield host


def follow(host, **params):
    return Follower(host, "fetch_event", ARGUMENTS, **{"connection": "main", "every_seconds": 1} | params)


def refused(host, params):
    answer, _ = host.wait(host.request("events/follow", params))
    assert "error" in answer, answer
    return answer["error"]


# Params


@pytest.mark.parametrize("params, path, text", [
    ({"every_seconds": 0}, "/every_seconds", "from 1 to 86400"),
    ({"every_seconds": 86_401}, "/every_seconds", "from 1 to 86400"),
    ({"max_unacknowledged": 0}, "/max_unacknowledged", "from 1 to 10000"),
    ({"checkpoint": "../x"}, "/checkpoint", "letters, digits"), ({"checkpoint": ".x"}, "/checkpoint", "letters, digits"),
    ({"checkpoint": "box"}, "/checkpoint", "requires a host with --state-dir"),
    ({"every": 5}, "/every", "unknown member"),
    ({"arguments": SPAN}, "/arguments/end_time", "following has no end"),
    ({"arguments": {"user_email": "anna@corp.example"}}, "/arguments/start_time", "required"),
    ({"arguments": ARGUMENTS | {"cursor": "x"}}, "/arguments/cursor", "invalid cursor"),
    ({"command": "list_labels"}, "/command", "cannot be followed"), ({"command": "fetch_events"}, "/command", "fetch_event"),
    ({"connection": "other"}, "/connection", "unknown connection"), ({"options": {"stream": True}}, "/options/stream", "not allowed"),
    ({"options": {"dry_run": True}}, "/options/dry_run", "not allowed"),
    ({"options": {"idempotency_key": "k"}}, "/options/idempotency_key", "not allowed"),
    ({"options": {"all_pages": True}}, "/options/all_pages", "only for commands with pages")])
def test_params_are_checked_before_the_first_poll(google, host, params, path, text):
    error = refused(host, COMMAND | params)
    assert error["code"] == -32602
    problems = {problem["path"]: problem["message"] for problem in error["data"]["problems"]}
    assert text in problems[path] and len(error["data"]["meta"]["trace_id"]) == 32
    assert google.requests == []


def test_all_problems_of_the_params_are_reported_at_once(host):
    error = refused(host, COMMAND | {"every_seconds": "x", "max": 3, "options": {"timeout": 1}})
    paths = [problem["path"] for problem in error["data"]["problems"]]
    assert sorted(paths) == ["/every_seconds", "/max", "/options/timeout"]


def test_the_policy_of_the_connection_applies(google):
    with Host(google.connection(policy={"deny": ["fetch_event"]})) as host:
        error = refused(host, COMMAND)
        assert (error["code"], error["data"]["kind"]) == (-32000, "policy")


def test_the_integration_follows_from_the_command(host):
    follower = Follower(host, "fetch_event", ARGUMENTS)
    follower.wait_for_events(12)


def test_a_request_in_a_batch_or_without_an_id_is_refused():
    with raw.Host("--log-level", "info") as host:
        host.send(raw.request(None, "events/follow", COMMAND) | {"id": None})
        assert host.read()["error"]["code"] == -32602
        host.send({"jsonrpc": "2.0", "method": "events/follow", "params": COMMAND})
        host.wait_for_log("notification events/follow failed")
        host.send([raw.request(1, "events/follow", COMMAND), raw.request(2, "ping")])
        answers = {answer["id"]: answer for answer in host.read()}
        assert answers[1]["error"]["code"] == -32602 and answers[2]["result"] == {}


# The window


def test_no_more_events_are_sent_than_may_be_unacknowledged(google, host):
    follower = follow(host, max_unacknowledged=5)
    follower.wait_for_events(5)
    lists = len(google.queries)
    host.call("ping")
    assert len(follower.events) == 5 and follower.heartbeats == []
    assert follower.ack(1) == {"acknowledged": 1, "unacknowledged": 3}
    follower.wait_for_events(7)
    host.call("ping")
    assert [event["seq"] for event in follower.events] == list(range(7))
    follower.ack(6)
    follower.wait_for_events(12)
    follower.wait(lambda: follower.heartbeats, "the heartbeat")
    # Full again: no further poll.
    assert len(google.queries) == lists and follower.stop()["meta"]["polls"] == 1


def test_polling_goes_on_when_the_window_has_room(google, host):
    follower = follow(host, max_unacknowledged=12)
    follower.wait_for_events(12)
    google.put(mail(20, START + 20))
    follower.ack(0)
    follower.wait_for_events(13)


def test_an_acknowledgement_beyond_what_was_sent_is_refused(host):
    follower = follow(host, max_unacknowledged=3)
    follower.wait_for_events(3)
    error = follower.ack_fails(3)
    assert error["code"] == -32602
    assert error["data"]["problems"][0] == {
        "path": "/seq", "message": "no event 3: the last event that was sent has 2"}
    assert follower.ack(2)["acknowledged"] == 2
    assert follower.ack(2)["acknowledged"] == 2 and follower.ack(0)["acknowledged"] == 2
    assert follower.ack_fails(-1)["code"] == -32602


def test_an_acknowledgement_of_no_follower_is_refused(host):
    for params in ({"id": 77, "seq": 0}, {"id": 77}, {"seq": 0}, {"id": 77, "seq": "0"}):
        answer, _ = host.wait(host.request("events/ack", params))
        assert answer["error"]["code"] == -32602
    follower = follow(host)
    follower.wait_for_events(1)
    follower.stop()
    assert follower.ack_fails(0)["data"]["problems"][0]["path"] == "/id"


def test_an_acknowledgement_may_be_a_notification(host):
    follower = follow(host, max_unacknowledged=4)
    follower.wait_for_events(4)
    host.send({"jsonrpc": "2.0", "method": "events/ack", "params": {"id": follower.id, "seq": 3}})
    follower.wait_for_events(8)


# Other requests


def test_a_follower_needs_no_slot_and_acknowledgements_pass_a_full_window(google, tmp_path):
    gate = threading.Event()
    with Tenant(lambda request: gate.wait(30) and reply(200, b"[]")) as coda:
        options = ["--max-in-flight", "1", "--state-dir", str(tmp_path)]
        with Host(google.connection(), connection(coda.url), options=options) as host:
            follower = follow(host, max_unacknowledged=4, checkpoint="box")
            follower.wait_for_events(4)
            stuck = [
                host.request("invoke", {"integration": "coda_footprint", "command": "list_scanners", "connection": "other1"})
                for _ in range(3)]
            for seq in (3, 7, 11):
                assert follower.ack(seq)["acknowledged"] == seq
                follower.wait_for_events(min(12, seq + 5))
            gate.set()
            for number in stuck:
                host.wait(number)
            assert follower.stop()["meta"]["events"] == 12


def test_the_number_of_followers_is_limited(google, host):
    followers = [follow(host, max_unacknowledged=1) for _ in range(32)]
    error = refused(host, COMMAND)
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("unavailable", True)
    followers[0].wait_for_events(1)
    followers[0].stop()
    follow(host).wait_for_events(12)


def test_a_follower_waits_for_a_slow_reader(google, tmp_path):
    connections = tmp_path / "connections.json"
    connections.write_text(json.dumps({"connections": {"main": google.connection()}}))
    google.put(*(mail(n, START + n, snippet="x" * 200_000) for n in range(100, 400)))
    with raw.Host("--connections", str(connections), reads_output=False) as host:
        host.send(raw.request(1, "events/follow", COMMAND | {"max_unacknowledged": 1000}))
        raw.eventually(lambda: len(google.reads) >= 300, "the mail is read")
        host.read_output()
        numbers = []
        while len(numbers) < 312:
            message = host.read()
            if message["method"] == "events/event":
                numbers.append(message["params"]["seq"])
        assert numbers == list(range(312))


# The end


def test_cancel_ends_it_with_a_result(host):
    follower = follow(host, every_seconds=86_400)
    events = follower.wait_for_events(12)
    follower.ack(4)
    result = follower.stop()
    assert result["return_data"] == "Successful" and result["cursor"] == events[4]["cursor"]
    assert result["meta"].keys() == {"connection", "trace_id", "duration_ms", "events", "polls"}
    assert (result["meta"]["connection"], result["meta"]["events"]) == ("main", 12)
    assert host.call("cancel", {"id": follower.id}) == {"cancelled": False}


@pytest.mark.parametrize("end", ["eof", signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["waiting", "full", "polling"])
def test_the_end_of_the_host_ends_it_at_once_with_a_result(google, end, state):
    if state == "polling":
        gate = threading.Event()
        google.special = lambda target: gate.wait(20) and None
    with Host(google.connection()) as host:
        follower = follow(host, every_seconds=3600, max_unacknowledged=5 if state == "full" else 100)
        if state == "polling":
            google.wait_for(2)  # the sign-in, and the list
        else:
            follower.wait_for_events(5 if state == "full" else 12)
        if end == "eof":
            host.close_input()
        else:
            host.signal(end)
        assert host.exit_code() == 0
        assert follower.result["meta"]["events"] == {"waiting": 12, "full": 5, "polling": 0}[state]
        if state == "polling":
            gate.set()


# The checkpoint


def test_a_later_follower_continues_at_the_checkpoint(google, tmp_path):
    options = ["--state-dir", str(tmp_path)]
    with Host(google.connection(), options=options) as host:
        first = follow(host, checkpoint="box")
        first.wait_for_events(12)
        first.ack(4)
        first.stop()
        second = follow(host, checkpoint="box")
        assert [e["event"]["raw"]["id"] for e in second.wait_for_events(7)] == [f"{n:016x}" for n in range(6, 13)]
        second.ack(6)
    file = tmp_path / "followers/box.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path / "followers")) == ["box.json", "box.lock"]
    google.put(mail(30, START + 30))
    with Host(google.connection(), options=options) as host:
        third = follow(host, checkpoint="box")
        assert [e["event"]["raw"]["id"] for e in third.wait_for_events(1)] == [f"{30:016x}"]


def test_a_second_follower_of_a_checkpoint_is_refused(google, tmp_path):
    options = ["--state-dir", str(tmp_path)]
    with Host(google.connection(), options=options) as host, Host(google.connection(), options=options) as other:
        first = follow(host, checkpoint="box")
        first.wait_for_events(1)
        for one in (host, other):
            error = follow(one, checkpoint="box").error
            assert error["code"] == -32000
            data = error["data"]
            assert (data["kind"], data["status_code"], data["outcome"]) == ("unavailable", 503, "not_applied")
            assert data["retryable"] is True and "in use by another follower" in data["message"]
        follow(other, checkpoint="box2").wait_for_events(12)
        first.stop()
        follow(other, checkpoint="box").wait_for_events(12)


def test_a_checkpoint_belongs_to_one_source(google, tmp_path):
    options = ["--state-dir", str(tmp_path)]
    with Host(google.connection(), google.connection(), options=options) as host:
        first = follow(host, checkpoint="box")
        first.wait_for_events(12)
        first.ack(11)
        first.stop()
        error = follow(host, checkpoint="box", connection="other1").error
        assert error["data"]["kind"] == "validation" and "another command or connection" in error["data"]["message"]
        other = Follower(
            host, "fetch_event", ARGUMENTS | {"search_condition": "from:x"}, connection="main", checkpoint="box")
        assert other.error["data"]["problems"][0]["path"] == "/arguments/cursor"


@pytest.mark.parametrize("content", ["", "{", "{}", '{"version":2}', '{"version":1,"acknowledged":7}'])
def test_a_checkpoint_that_cannot_be_read_is_not_overwritten(google, tmp_path, content):
    (tmp_path / "followers").mkdir()
    (tmp_path / "followers/box.json").write_text(content)
    with Host(google.connection(), options=["--state-dir", str(tmp_path)]) as host:
        error = follow(host, checkpoint="box").error
        assert error["data"]["kind"] == "unavailable" and "box.json" in error["data"]["message"]
    assert (tmp_path / "followers/box.json").read_text() == content


def test_an_acknowledgement_that_cannot_be_stored_is_an_error(google, tmp_path):
    with Host(google.connection(), options=["--state-dir", str(tmp_path)]) as host:
        follower = follow(host, checkpoint="box", max_unacknowledged=5)
        follower.wait_for_events(5)
        (tmp_path / "followers/box.json").symlink_to("elsewhere")
        error = follower.ack_fails(4)
        assert (error["code"], error["data"]["kind"]) == (-32000, "unavailable")
        assert error["data"]["retryable"] is True
        host.call("ping")
        assert len(follower.events) == 5
        (tmp_path / "followers/box.json").unlink()
        assert follower.ack(4)["acknowledged"] == 4
        follower.wait_for_events(10)


def test_many_acknowledgements_at_once_are_answered_and_stored(google, tmp_path):
    with Host(google.connection(), options=["--state-dir", str(tmp_path)]) as host:
        follower = follow(host, checkpoint="box")
        follower.wait_for_events(12)
        sent = [host.request("events/ack", {"id": follower.id, "seq": n % 12}) for n in range(600)]
        assert all("result" in host.wait(number)[0] for number in sent)
        follower.stop()
        again = follow(host, checkpoint="box")
        again.wait_for_polls(1)
        assert again.events == []


# Events of a program that has a cursor for a whole result only

PLUGIN = textwrap.dedent('''
    import json, sys
    properties = {"cursor": {"type": "string"}, "page": {"type": "integer"}, "repeats": {"type": "boolean"}}
    feed = {
        "id": "feed", "title": "Feed", "description": "Numbers.", "effect": "read",
        "parameters": {"type": "object", "additionalProperties": False, "properties": properties},
        "events": {"main_event_json_path": "$", "fields": [{"name": "Number", "path": "$.n"}], "cursor": "Pass it on."}}
    integration = {
        "id": "numbers", "title": "Numbers", "description": "Numbers.", "category": "Test",
        "connection": {"schema": {"type": "object", "additionalProperties": False, "properties": {}}}, "commands": [feed]}
    for line in sys.stdin:
        call = json.loads(line)
        if call["method"] == "capabilities":
            result = {"protocol_version": "1", "host": {"name": "numbers", "version": "1"}, "hash": "", "integrations": [integration]}
        elif call["method"] == "invoke":
            arguments = call["params"]["arguments"]
            start = int(arguments.get("cursor", 0))
            end = min(start + arguments.get("page", 4), 10)
            events = [{"fields": {"Number": n}, "raw": {"n": n // 2 if arguments.get("repeats") else n}} for n in range(start, end)]
            result = {"return_data": "Successful", "raw_data": [], "events": events, "cursor": str(end), "meta": {}}
        else:
            result = {}
        if "id" in call:
            print(json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result}), flush=True)
''')


def plugin_options(tmp_path):
    folder = tmp_path / "plugins/numbers"
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "numbers.py").write_text(PLUGIN)
        (folder / "plugin.json").write_text(
            json.dumps({"id": "numbers", "version": "1.0.0", "command": [os.path.realpath(sys.executable), "numbers.py"]}))
    return ["--plugins", str(tmp_path / "plugins"), "--state-dir", str(tmp_path)]


def test_events_of_a_plugin_that_were_acknowledged_do_not_come_again(tmp_path):
    rest = list(range(10))
    for taken in (3, 2, 1, 4):
        with Host({"integration": "numbers", "settings": {}}, options=plugin_options(tmp_path)) as host:
            follower = Follower(host, "feed", {}, connection="main", every_seconds=1, checkpoint="numbers")
            follower.wait_for_events(min(4, len(rest)))
            first = [event["event"]["fields"]["Number"] for event in follower.events][:4]
            assert first == rest[:len(first)]
            follower.wait_for_events(taken)
            follower.ack(taken - 1)
            host.process.kill()
            rest = rest[taken:]
    assert rest == []


def test_the_cursor_of_a_plugin_event_misses_none(tmp_path):
    with Host({"integration": "numbers", "settings": {}}, options=plugin_options(tmp_path)) as host:
        follower = Follower(host, "feed", {}, integration="numbers", every_seconds=1)
        follower.wait_for_events(10)
        assert [event.get("cursor") for event in follower.events] == [None] * 3 + ["4"] * 4 + ["8", "8", "10"]


# Its messages


def test_notifications_and_results_match_their_schemas(google, tmp_path):
    failing = []
    google.special = lambda target: reply(503, {"error": {"code": 503, "message": "Not now."}}) if failing else None
    with Host(google.connection(), options=["--state-dir", str(tmp_path)]) as host:
        follower = follow(host, checkpoint="box", options={"timeout_ms": 500})
        follower.wait_for_events(12)
        follower.wait_for_polls(1)
        failing.append(True)
        follower.wait_for_failures(1)
        document = host.call("rpc.discover")

        def check(name, value):
            DIALECT({"$ref": f"#/components/schemas/{name}", "components": document["components"]}).validate(value)

        for message in [m for m in host.messages if m["method"].startswith("events/")]:
            check(message["method"].replace("/", "_") + "_params", message["params"])
        check("events_ack_result", follower.ack(3))
        check("events_follow_result", follower.stop())
        check("events_follow_params", COMMAND | {"every_seconds": 3, "max_unacknowledged": 9, "checkpoint": "a"})
        names = {method["name"] for method in document["methods"]}
        assert {"events/follow", "events/ack"} <= names


def test_secrets_of_the_connection_are_redacted(google):
    google.put(mail(50, START + 50, snippet="the secret is GOCSPX-e9hi-secret-ejaY"))
    with Host(google.oauth()) as host:
        follower = follow(host)
        follower.wait_for_events(13)
        assert b"GOCSPX-e9hi-secret-ejaY" not in host.everything()


def test_polls_are_audited_with_the_trace_of_the_request(google, tmp_path):
    audit = tmp_path / "audit.jsonl"
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with Host(google.connection(), options=["--audit", str(audit)]) as host:
        follower = follow(host, options={"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "label": "feed"})
        follower.wait_for_polls(2)
        assert follower.stop()["meta"]["trace_id"] == trace
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    polls = [line for line in lines if line.get("command") == "fetch_event"]
    assert len(polls) >= 2 and {line["id"] for line in polls} == {follower.id}
