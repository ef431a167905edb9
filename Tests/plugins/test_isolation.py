"""What the process of a plugin has: no secret, no descriptor and no variable of the host."""

from __future__ import annotations

import json
import os
import pathlib
import re

import pytest
from Support.host import EXECUTABLE
from Support.plugins import PASSWORD, SECRET
from Support.upstream import Upstream, reply


def memory_contains(pid: int, *texts: bytes) -> list[bytes]:
    """Which of the texts are in the writable memory of a process."""
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not match or "[v" in line:
                continue
            start, end = (int(part, 16) for part in match.groups())
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, OverflowError):
                continue
            found |= {text for text in texts if text in content}
    return sorted(found)


def echo(request):
    return reply(200, {"you sent": request.header("X-Key"), "body": request.body.decode()}, [("X-Echo", request.header("X-Key"))])


def test_process_of_a_brokered_plugin_holds_no_secret(plugins, tmp_path):
    plugins.add(environment={"OWN": "value"})
    file = tmp_path / "secret"
    file.write_text("secret-of-the-file-99")
    file.chmod(0o600)
    with plugins.host(more_environment={"HOST_SECRET": "env-secret-1234"}) as host, Upstream(echo) as vendor:
        steps = [{"ask": ["host/http", {
            "method": "POST", "url": vendor.url, "headers": {"X-Key": "{{secret:api_key}}"},
            "json": {"p": "{{secret:password}}"}}]}]
        answer = host.call("change", steps, url=vendor.url)
        pid = answer["result"]["raw_data"]["pid"]
        assert vendor.requests[0].header("X-Key") == SECRET and vendor.requests[0].json == {"p": PASSWORD}
        for name in ("environ", "cmdline"):
            content = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            assert SECRET.encode() not in content and b"env-secret-1234" not in content
        try:
            found = memory_contains(
                pid, SECRET.encode(), PASSWORD.encode(), b"env-secret-1234", b"/you sent", b"you sent")
        except PermissionError:
            pytest.skip("the memory of other processes cannot be read here")
        # The check itself works: it finds what the plugin has received.
        assert found == [b"you sent"]


def test_environment_is_what_the_contract_names(plugins):
    plugins.add(environment={"OWN": "value", "LANG": "own"})
    more = {"SECRET_OF_HOST": "x", "LD_PRELOAD": "", "TZ": "UTC", "LANG": "C", "PYTHONPATH": "/nowhere", "TMPDIR": "/tmp"}
    with plugins.host(more_environment=more) as host:
        (environment,) = host.seen(steps=[{"report": "environment"}])
        environment = {name: value for name, value in environment.items() if name not in ("LC_CTYPE",)}
        assert environment == {
            "PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "TZ": "UTC", "LANG": "own", "TMPDIR": "/tmp", "OWN": "value"}


def test_working_directory_is_the_folder(plugins):
    path = plugins.add()
    with plugins.host() as host:
        assert host.seen(steps=[{"report": "directory"}]) == [str(path)]


def test_descriptors_of_the_host_are_not_inherited(plugins, tmp_path):
    plugins.add()
    with open(tmp_path / "inherited", "w") as file:
        os.set_inheritable(file.fileno(), True)
        with plugins.host("--audit", str(tmp_path / "audit")) as host:
            (descriptors,) = host.seen(steps=[{"report": "descriptors"}])
            assert all(target.startswith("pipe:") for name, target in descriptors.items() if name in "012")
            # The listing of the directory has one itself.
            assert set(descriptors) <= {"0", "1", "2", "3"}, descriptors
            assert not any("inherited" in one or "audit" in one for one in descriptors.values())


def test_plain_plugin_gets_the_values_and_its_output_is_redacted(plugins):
    plugins.add(secrets="plain")
    with plugins.host() as host:
        answer = host.call(steps=[
            {"stderr": f"my key is {SECRET}\n"}, {"write": f"stray {SECRET}\n"},
            {"ask": ["host/log", {"level": "error", "message": f"logged {SECRET}"}]}])
        settings = answer["result"]["raw_data"]["params"]["connection"]["settings"]
        assert settings["user"] == "analyst"
        assert SECRET not in str(answer), "the result of a plain plugin is redacted"
        for text in ("my key is [redacted]", "stray [redacted]", "logged [redacted]"):
            host.wait_for_log(text)
        assert SECRET not in host.errors


def test_error_of_a_plain_plugin_is_redacted(plugins):
    plugins.add(secrets="plain")
    with plugins.host() as host:
        answer = host.call(steps=[{"error": {"code": -32000, "message": SECRET, "data": {
            "kind": "auth", "message": f"wrong key {SECRET}", "upstream": {"key": SECRET}, "remedy": SECRET}}}])
        assert SECRET not in str(answer) and "[redacted]" in str(answer)
        answer = host.call(steps=[{"items": [{"key": SECRET}]}], stream=True)
        assert SECRET not in str(answer)


def test_registered_token_is_redacted_in_stderr_and_results(plugins):
    plugins.add()
    with plugins.host() as host:
        token = "session-token-abcdef"
        answer = host.call(steps=[
            {"ask": ["host/secret", {"name": "session", "value": token}]}, {"stderr": f"got {token}\n"},
            {"result": {"return_data": "Successful", "raw_data": {"t": token}, "notices": [f"n {token}"]}}])
        assert answer["result"]["raw_data"] == {"t": "[redacted]"} and token not in str(answer)
        host.wait_for_log("got [redacted]")


def test_100_locked_plugins_are_not_started(plugins, tmp_path):
    """Neither at the start of the host nor for a call of another integration."""
    for number in range(100):
        plugins.add(f"p{number}", behaviour={"at_start": [{"touch": str(tmp_path / "started")}]})
    with plugins.host() as host:
        host.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert host.read()["result"] == {}
        assert len(host.result("capabilities", {"detail": "summary"})["integrations"]) == 103
        assert not (tmp_path / "started").exists()
        host.pid(plugin="p42")
        assert len((tmp_path / "started").read_text().split()) == 1
    assert os.path.exists(EXECUTABLE)


def test_last_line_of_stderr_shows_no_secret_of_another_connection(plugins):
    # Both connections share the process, which has the secrets of both.
    other = "Orchid-Harbour-5520-Lamp"
    plugins.add(secrets="plain")
    with plugins.host() as host:
        assert "result" in host.call(settings={"api_key": other})
        failure = host.failure(steps=[{"stderr": f"cannot sign in with {other}\n"}, {"exit": 1}])
    assert "ended with status 1: cannot sign in with [redacted]" in failure["message"]
    assert other not in json.dumps(failure) and other not in host.errors
