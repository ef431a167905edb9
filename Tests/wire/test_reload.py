"""Reading the connections file again: `connections/reload`, and SIGHUP of `serve`."""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest
from Support.control_center import ControlCenter
from Support.host import eventually
from Support.plugins import Plugins
from Support.plugins import connection as plugin_connection
from Support.session import PASSWORD, Host, connection
from Support.upstream import SCANNERS, Tenant, Upstream, after, reply

NOTHING = {"added": [], "changed": [], "removed": [], "rejected": []}


class Reloaded(Host):
    """A host whose connections file the test changes."""

    def __init__(self, *connections, **more):
        super().__init__(*connections, **more)
        self.file = self.path / "connections.json"

    def write(self, **connections):
        """Replaces the file in one step, as a deployment does."""
        self.call("ping")  # it has read the first one
        fresh = self.path / "fresh.json"
        fresh.write_text(json.dumps({"connections": connections}))
        fresh.rename(self.file)

    def reload(self, **changes):
        assert self.call("connections/reload") == {**NOTHING, **changes}

    def refused_reload(self):
        message, _ = self.wait(self.request("connections/reload"))
        return message["error"]

    @property
    def names(self):
        return [one["name"] for one in self.call("connections/list")["connections"]]

    def changes(self):
        with self.changed:
            return [
                (message["params"]["name"], message["params"].get("reload"))
                for message in self.messages if message["method"] == "connections/changed"]


@pytest.fixture
def tenant():
    with Tenant() as tenant:
        yield tenant


def test_added_changed_and_removed_connections_are_named(tenant):
    one = connection(tenant.url)
    with Reloaded(one, one) as host:
        host.write(main=connection(tenant.url, settings={"user_name": "new@example.com"}), extra=one)
        host.reload(added=["extra"], changed=["main"], removed=["other1"])
        assert host.names == ["main", "extra"]
        host.result("list_scanners", connection="main")
        host.result("list_scanners", connection="extra")
        assert [login.json["username"] for login in tenant.logins] == ["new@example.com", one["settings"]["user_name"]]
        error = host.failure("list_scanners", connection="other1")
        assert error["problems"][0]["path"] == "/connection"
        assert sorted(host.changes()) == [("extra", "added"), ("main", "changed"), ("other1", "removed")]


def test_an_unchanged_connection_keeps_its_token(tenant):
    with Reloaded(connection(tenant.url)) as host:
        host.result("list_scanners")
        definition = connection(tenant.url)
        # Other spaces, and another order of members.
        host.file.write_text(json.dumps(
            {"connections": {"main": dict(reversed(definition.items()))}}, indent=3))
        host.reload()
        host.result("list_scanners")
        assert len(tenant.logins) == 1
        assert host.changes() == []


def test_a_changed_connection_signs_in_anew(tenant):
    with Reloaded(connection(tenant.url)) as host:
        host.result("list_scanners")
        host.write(main=connection(tenant.url, settings={"password": "Another-Word-9"}))
        host.reload(changed=["main"])
        host.result("list_scanners")
        assert [login.json["password"] for login in tenant.logins] == [PASSWORD, "Another-Word-9"]
        assert b"Another-Word-9" not in host.everything()


def test_a_call_in_flight_keeps_its_connection():
    answer = threading.Event()
    with Tenant(lambda request: after(answer, reply(200, []))) as tenant:
        with Reloaded(connection(tenant.url)) as host:
            running = host.start("list_scanners")
            tenant.wait_for(1, SCANNERS)
            host.write()
            host.reload(removed=["main"])
            assert host.names == []
            answer.set()
            message, _ = host.wait(running)
            assert message["result"]["raw_data"] == []


def test_a_file_with_any_fault_changes_nothing(tenant):
    with Reloaded(connection(tenant.url)) as host:
        bad = connection(tenant.url, settings={"user_nam": "x"})
        host.write(good=connection(tenant.url), **{"b/d": bad, "none": {"integration": "coda_footprnt", "settings": {}}})
        result = host.call("connections/reload")
        assert {name: result[name] for name in ("added", "changed", "removed")} == {
            "added": [], "changed": [], "removed": []}
        assert [one["name"] for one in result["rejected"]] == ["none", "b/d"] or [
            one["name"] for one in result["rejected"]] == ["b/d", "none"]
        problems = {one["name"]: one["problems"] for one in result["rejected"]}
        assert [(one["path"], one["did_you_mean"]) for one in problems["b/d"]] == [
            ("/connections/b~1d/settings/user_nam", "user_name")]
        assert problems["none"][0]["did_you_mean"] == "coda_footprint"
        assert host.names == ["main"]
        host.result("list_scanners")
        assert host.changes() == []


@pytest.mark.parametrize("content, part", [
    ("{", "connections.json:1:"), ("[]", '"connections" is required'), (None, "No such file"),
], ids=["no JSON", "no connections", "missing"])
def test_an_unreadable_file_is_an_error(content, part, tenant):
    with Reloaded(connection(tenant.url)) as host:
        host.call("ping")
        if content is None:
            host.file.unlink()
        else:
            host.file.write_text(content)
        error = host.refused_reload()
        assert (error["code"], error["data"]["kind"]) == (-32000, "unavailable")
        assert part in error["data"]["message"] and error["data"]["outcome"] == "not_applied"
        host.result("list_scanners")


def test_a_file_that_others_can_write_is_an_error(tenant):
    with Reloaded(connection(tenant.url)) as host:
        host.write()
        host.file.chmod(0o666)
        assert "writable by every user" in host.refused_reload()["data"]["message"]
        assert host.names == ["main"]


def test_without_a_file_there_is_nothing_to_reload():
    with Host() as host:
        message, _ = host.wait(host.request("connections/reload"))
        assert "--connections" in message["error"]["data"]["remedy"]


def test_params_are_refused(tenant):
    with Reloaded(connection(tenant.url)) as host:
        message, _ = host.wait(host.request("connections/reload", {"path": "/etc/passwd"}))
        assert message["error"]["code"] == -32602


def test_connections_of_callers_stay(tenant):
    """Also one that has the name of a connection in the file, until it is removed."""
    with Reloaded(connection(tenant.url)) as host:
        put = connection(tenant.url, settings={"user_name": "caller@example.com"})
        host.call("connections/put", {"name": "main", "connection": put})
        host.call("connections/put", {"name": "own", "connection": put})
        host.write(main=connection(tenant.url, settings={"user_name": "new@example.com"}))
        host.reload()
        host.result("list_scanners", connection="main")
        host.call("connections/remove", {"name": "main"})
        host.reload(added=["main"])
        host.result("list_scanners", connection="main")
        assert [login.json["username"] for login in tenant.logins] == ["caller@example.com", "new@example.com"]
        host.write()
        host.reload(removed=["main"])
        assert host.names == ["own"]


def test_emulated_vendors_stay():
    with Reloaded(options=["--sandbox"]) as host:
        assert "error" in host.wait(host.request("connections/reload"))[0]
        assert "coda_sandbox" in host.names


@pytest.mark.parametrize("option, is_refused", [("--connections-only", False), ("--mcp-only", True)])
def test_fences(option, is_refused, tenant):
    with Reloaded(connection(tenant.url), options=[option]) as host:
        host.write()
        message, _ = host.wait(host.request("connections/reload"))
        if is_refused:
            assert message["error"]["data"]["kind"] == "policy"
            host.signal(signal.SIGHUP)
            host.wait_for_log("removed main")
        else:
            assert message["result"]["removed"] == ["main"]


# Signals

def test_sighup_reloads_and_notifies(tenant):
    with Reloaded(connection(tenant.url)) as host:
        host.call("ping")
        host.write(main=connection(tenant.url), more=connection(tenant.url))
        host.signal(signal.SIGHUP)
        host.wait_for_log("SIGHUP: added more")
        host.result("list_scanners", connection="more")
        assert host.changes() == [("more", "added")]


def test_the_log_of_a_sighup_names_faults(tenant):
    with Reloaded(connection(tenant.url)) as host:
        host.call("ping")
        host.write(main=connection(tenant.url, activ=False))
        host.signal(signal.SIGHUP)
        host.wait_for_log('/connections/main/activ: unknown')
        host.file.unlink()
        host.signal(signal.SIGHUP)
        host.wait_for_log("No such file")
        host.result("list_scanners")


def test_sighup_of_run_drains(tenant):
    file_ready = threading.Event()
    with Tenant(lambda request: after(file_ready, reply(200, []))) as slow:
        requests = {"jsonrpc": "2.0", "id": 1, "method": "invoke", "params": {
            "integration": "coda_footprint", "command": "list_scanners", "connection": "main"}}
        with Reloaded(connection(slow.url), verb="run", options=["-"]) as host:
            host.send(requests)
            slow.wait_for(1, SCANNERS)
            host.signal(signal.SIGHUP)
            file_ready.set()
            message, _ = host.wait(1)
            assert "result" in message


# Plugins

def test_connections_of_plugins(tmp_path):
    plugins = Plugins(tmp_path / "plugins")
    plugins.add()
    with Upstream(lambda request: reply(200, {})) as vendor:
        one = plugin_connection(vendor.url)
        with Reloaded(one, options=["--plugins", str(plugins.path)]) as host:
            host.write(main=one, other=plugin_connection(vendor.url, user="second"))
            host.reload(added=["other"])
            # One that cannot be used is left out, as at the start.
            host.write(main=one, gone=plugin_connection(vendor.url, id="gone"))
            host.reload(removed=["other"])
            host.wait_for_log("the connection gone is left out")


# What belongs to a connection

def test_a_stuck_file_delays_no_other_call(tenant):
    with Reloaded(connection(tenant.url)) as host:
        host.call("ping")
        host.file.unlink()
        os.mkfifo(host.file)
        reload = host.request("connections/reload")
        host.call("ping")
        host.result("list_scanners")
        assert reload not in host.answers
        # It ends the wait: an empty file is no connections file.
        os.close(os.open(host.file, os.O_WRONLY))
        assert "error" in host.wait(reload)[0]


def test_rate_limits_of_an_api_key_go_on():
    limit = {"default": {"requests": 1, "per_seconds": 600}}
    with ControlCenter() as center:
        with Reloaded(center.connection(rate_limits=limit)) as host:
            host.result("list_groups")
            host.write(main=center.connection(rate_limits=limit, description="changed"))
            host.reload(changed=["main"])
            assert host.failure("list_groups", timeout_ms=5_000)["kind"] == "rate_limited"
            assert len(center.calls) == 1


def test_watches_of_the_file_follow_it(tenant):
    watched = connection(tenant.url, health_check={"interval_minutes": 1})
    with Reloaded(connection(tenant.url), watched) as host:
        host.write(main=watched, new=watched)
        host.reload(added=["new"], changed=["main"], removed=["other1"])
        watches = host.call("health/status")["watches"]
        assert [one["connection"] for one in watches] == ["main", "new"]
        host.write(main=connection(tenant.url), new=watched)
        host.reload(changed=["main"])
        assert [one["connection"] for one in host.call("health/status")["watches"]] == ["new"]


def test_a_reference_in_a_plain_setting_is_read_again(tenant, tmp_path):
    place = tmp_path / "url"
    with Tenant() as second:
        place.write_text(tenant.url + "\n")
        with Reloaded(connection(tenant.url, settings={"server_url": {"$file": str(place)}})) as host:
            host.result("list_scanners")
            host.reload()
            place.write_text(second.url)
            host.reload(changed=["main"])
            host.result("list_scanners")
        assert (len(tenant.logins), len(second.logins)) == (1, 1)


def test_a_thousand_connections(tenant):
    """One of them changes: the others are not opened again."""
    many = {f"c{number}": connection(tenant.url, settings={"user_name": f"u{number}@example.com"})
            for number in range(1_000)}
    with Reloaded(connection(tenant.url)) as host:
        host.write(**many)
        result = host.call("connections/reload")
        assert (len(result["added"]), result["removed"]) == (1_000, ["main"])
        many["c500"] = connection(tenant.url)
        host.write(**many)
        host.reload(changed=["c500"])
        host.result("list_scanners", connection="c500")
        eventually(lambda: len(host.changes()) == 1_002, "each change is notified")
