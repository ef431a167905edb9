"""A plugin that does not start, starts slowly, or is not what `plugin.json` says: it is left out with an
error in the log, and the others work."""

from __future__ import annotations

import json
import os

import pytest
from Support.host import run
from Support.plugins import Plugins, invoke, kill, raw, wait_until_ended

LEFT_OUT = "is left out: "


def described(host) -> list[str]:
    """The ids of all integrations."""
    return [one["id"] for one in host.result("capabilities")["integrations"]]


@pytest.fixture
def good(plugins: Plugins) -> Plugins:
    plugins.add("good")
    return plugins


@pytest.mark.parametrize(("command", "text"), [
    (["no-such-program-anywhere"], "no-such-program-anywhere cannot be started: No such file or directory"),
    (["./missing"], "./missing cannot be started: No such file or directory"),
    (["./raw_plugin.py"], "./raw_plugin.py cannot be started: Permission denied"),
    (["python3", "-c", "raise SystemExit(3)"], "it ended with status 3"),
    (["python3", "-c", "import os; os.kill(os.getpid(), 9)"], "it was ended by signal 9"),
], ids=["no program", "no file", "not executable", "exits", "is killed"])
def test_plugin_that_does_not_start_is_left_out(good, command, text):
    good.add("bad", locked=False, command=command)
    with good.host() as host:
        assert described(host) == ["bitdefender_gravityzone", "coda_footprint", "gmail", "good"]
        assert host.failure(plugin="bad")["kind"] == "unavailable"
        assert text in host.failure(plugin="bad")["message"]
        host.wait_for_log(f"the plugin bad {LEFT_OUT}")
        host.wait_for_log(text)
        host.pid(plugin="good")


@pytest.mark.parametrize(("command", "text"), [
    (["no-such-program-anywhere"], "no-such-program-anywhere cannot be started"),
    (["python3", "-c", "raise SystemExit(3)"], "it ended with status 3"),
])
def test_locked_plugin_that_does_not_start_is_unavailable(good, command, text):
    good.add("bad", command=command)
    with good.host() as host:
        for name in ("look", "change"):
            failure = host.failure(name, plugin="bad")
            assert (failure["kind"], failure["status_code"], failure["outcome"], failure["retryable"]) == (
                "unavailable", 503, "not_applied", True)
            assert text in failure["message"]
        host.pid(plugin="good")


def test_plugin_that_is_too_slow_is_left_out(good):
    good.add("slow", locked=False, behaviour={"at_start": [{"hang": True}]}, limits={"start_seconds": 1})
    with good.host() as host:
        assert "slow" not in described(host)
        assert "it did not answer capabilities within 1 s" in host.failure(plugin="slow")["message"]
        host.pid(plugin="good")


@pytest.mark.parametrize("locked", [True, False])
def test_plugin_that_lies_about_its_id_is_refused(good, locked):
    good.add(
        "liar", locked=locked, lock=raw.integration("liar"),
        behaviour={"integration": {"id": "coda_footprint"}})
    with good.host() as host:
        if not locked:
            assert "liar" not in described(host)
        assert ('/id: the plugin calls itself "coda_footprint", plugin.json "liar"'
                in host.failure(plugin="liar")["message"])
        host.pid(plugin="good")


def test_faulty_plugin_json_is_reported_with_all_faults(good):
    path = good.add("bad")
    (path / "plugin.json").write_text(json.dumps({
        "id": "Bad__Id", "commnad": ["python3"], "protocol": "salyport", "secrets": "hidden",
        "environment": {"A": 1, "B=C": "x"}, "checksums": {"a.py": "sha1:00"},
        "limits": {"start_seconds": 0, "idle_second": 3}, "effects": {"a": "reed"}}))
    with good.host() as host:
        assert "bad" not in described(host)
        for text in (
            "/commnad", 'did you mean "command"', "/protocol", 'did you mean "sallyport"', "/secrets", "/id",
            "/environment/A", "/environment/B=C", "/checksums/a.py", "/limits/start_seconds",
            'did you mean "idle_seconds"', "/effects/a",
        ):
            host.wait_for_log(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("", "plugin.json:1:1: "), ("[]", "must be an object"), ('{"id": "x",\n  "id2": }', "plugin.json:2:"),
    ('{"id":"bad","command":[]}', "/command"), ('{"id":"bad","command":["a\\u0000b"]}', "/command"),
    ('{"id":"bad","command":["a"],"environment":{"A":"b\\u0000c"}}', "/environment/A"),
])
def test_unreadable_plugin_json_names_file_and_place(good, text, expected):
    path = good.add("bad")
    (path / "plugin.json").write_text(text)
    with good.host() as host:
        assert "bad" not in described(host)
        host.wait_for_log("plugins/bad/plugin.json")
        host.wait_for_log(expected)


@pytest.mark.parametrize(("schema", "pointer"), [
    ({"type": "object", "properties": {"a": {"type": "strin"}}}, "/commands/0/parameters/properties/a/type"),
    ({"type": "object", "properties": {"a": {"pattern": "(?<=x)y"}}}, "/commands/0/parameters/properties/a/pattern"),
    ({"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}},
     "/commands/0/parameters/properties/a/$ref"),
    ({"type": "string"}, "/commands/0/parameters: must be the schema of an object"),
])
@pytest.mark.parametrize("locked", [True, False])
def test_schema_that_cannot_be_checked_is_reported_with_its_pointer(good, schema, pointer, locked):
    commands = [raw.command("look", "read", parameters=schema)]
    good.add("bad", locked=locked, behaviour={"integration": {"commands": commands}})
    with good.host() as host:
        assert "bad" not in described(host)
        host.wait_for_log(pointer)
        host.pid(plugin="good")


@pytest.mark.parametrize("id", ["gmail", "coda_footprint", "good"])
def test_taken_id_is_refused(good, id):
    good.add(id, folder="late")
    with good.host() as host:
        assert described(host) == ["bitdefender_gravityzone", "coda_footprint", "gmail", "good"]
        host.wait_for_log(f"late {LEFT_OUT}the id {id} belongs to ")
        host.pid(plugin="good")


def test_strict_plugins_exits_with_2_and_names_all_problems(good):
    good.add("dies", locked=False, command=["python3", "-c", "raise SystemExit(3)"])
    good.add("gmail")
    ended = run("serve", "--plugins", str(good.path), "--strict-plugins")
    assert ended.code == 2
    assert "it ended with status 3" in ended.errors and "the id gmail belongs to" in ended.errors
    assert not ended.output


def test_strict_plugins_accepts_good_plugins(good):
    with good.host("--strict-plugins") as host:
        assert "good" in described(host)


def test_locked_plugin_whose_description_changed_is_refused_with_the_difference(plugins):
    old = raw.integration()
    old["commands"] = [one for one in old["commands"] if one["id"] != "look"] + [raw.command("gone", "read")]
    old["commands"][0]["effect"] = "read"
    plugins.add(lock=old)
    with plugins.host() as host:
        message = host.failure("change")["message"]
        assert "it differs from its lock (- gone; + look; ~ change: effect)" in message, message
        assert "sallyport plugin lock" in message


@pytest.mark.parametrize("text", ["", "{}", '{"lock":1,"integration":[]}', '{"lock":2,"integration":{"id":"raw"}}'])
def test_faulty_lock_leaves_the_plugin_out(good, text):
    path = good.add()
    (path / "catalogue.json").write_text(text)
    with good.host() as host:
        assert "raw" not in described(host)
        host.wait_for_log("catalogue.json")
        host.pid(plugin="good")


def test_checksum_that_does_not_match_is_refused(plugins):
    plugins.add(checksums={"raw_plugin.py": "sha256:" + "0" * 64})
    with plugins.host() as host:
        assert "raw_plugin.py does not match its digest in plugin.json" in host.failure()["message"]


def test_checksum_of_a_missing_file_or_a_fifo_is_refused(plugins):
    plugins.add("missing", checksums={"nothing.py": "sha256:" + "0" * 64})
    # Opening a FIFO without a writer blocks; a few of them would stop all starts.
    for number in range(4):
        path = plugins.add(f"fifo{number}", checksums={"pipe": "sha256:" + "0" * 64})
        os.mkfifo(path / "pipe")
    plugins.add("good")
    with plugins.host() as host:
        assert "nothing.py" in host.failure(plugin="missing")["message"]
        for number in range(4):
            assert "pipe" in host.failure(plugin=f"fifo{number}", timeout_ms=20_000)["message"]
        host.pid(plugin="good")


def test_fifo_instead_of_a_description_is_left_out(good):
    for number, name in enumerate(("plugin.json", "catalogue.json")):
        path = good.add(f"fifo{number}")
        (path / name).unlink()
        os.mkfifo(path / name)
    with good.host() as host:
        host.pid(plugin="good")
        assert not {"fifo0", "fifo1"} & set(described(host))


@pytest.mark.parametrize("name", ["", "plugin.json"])
def test_plugin_that_every_user_can_write_is_left_out(good, name):
    path = good.add("open")
    target = path / name if name else path
    target.chmod(target.stat().st_mode | 0o002)
    with good.host() as host:
        assert "unknown integration" in host.failure(plugin="open")["message"]
        host.wait_for_log("is writable by every user")
        host.pid(plugin="good")


@pytest.mark.parametrize("name", ["catalogue.json", "raw_plugin.py"])
def test_file_of_a_plugin_that_every_user_can_write_is_refused(good, name):
    target = good.add("open") / name
    target.chmod(target.stat().st_mode | 0o002)
    with good.host() as host:
        assert "is writable by every user" in host.failure(plugin="open")["message"]
        host.pid(plugin="good")


def test_program_at_an_absolute_path_that_every_user_can_write_is_refused(good, tmp_path):
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_bytes((good.path / "good/raw_plugin.py").read_bytes())
    elsewhere.chmod(0o646)
    good.add("open", command=["python3", str(elsewhere)])
    with good.host() as host:
        assert "is writable by every user" in host.failure(plugin="open")["message"]


def test_plugin_is_known_by_what_it_said_first(plugins):
    """An unlocked plugin that says something else after a restart is refused, too."""
    path = plugins.add(locked=False)
    with plugins.host() as host:
        pid = host.pid()
        (path / "behaviour.json").write_text(json.dumps({"integration": {"commands": []}}))
        kill(pid)
        host.wait_for_log("was ended by signal 9")
        assert "- look" in host.failure()["message"]


def test_secret_below_another_setting_is_refused(good):
    """The host gives placeholders for the settings themselves only."""
    for number, schema in enumerate((
        {"type": "object", "properties": {"login": {"type": "object", "properties": {
            "password": {"type": "string", "writeOnly": True}}}}},
        {"type": "object", "properties": {"key": {"$ref": "#/$defs/key"}},
         "$defs": {"key": {"type": "string", "writeOnly": True}}},
        {"type": "object", "allOf": [{"properties": {"key": {"type": "string", "writeOnly": True}}}]},
    )):
        good.add(f"bad{number}", behaviour={"integration": {"connection": {"schema": schema}}})
    with good.host() as host:
        assert described(host)[3:] == ["good"]
        for pointer in (
            "/connection/schema/properties/login/properties/password/writeOnly",
            "/connection/schema/$defs/key/writeOnly", "/connection/schema/allOf/0/properties/key/writeOnly",
        ):
            host.wait_for_log(pointer)


def test_unknown_integration_is_suggested_by_the_ids_of_plugins(good):
    with good.host() as host:
        host.send(invoke(1, plugin="goood"))
        answer = host.read()
        assert answer["error"]["code"] == -32602 and "good" in json.dumps(answer), answer
