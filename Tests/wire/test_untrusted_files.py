"""Files that other users can change, links, and files that are no regular files."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import subprocess

import pytest
from Support.host import EXECUTABLE, Finished, Host, environment, eventually, invoke, line, request, run
from Support.programmed_google import CODE, Google

PATIENCE = 60
#: A user other than root and other than the one of the tests.
STRANGER = 54_321
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files of other users")


def definition(**settings: object) -> dict[str, object]:
    return {"integration": "coda_footprint", "settings": {
        "server_url": "http://127.0.0.1:9", "user_name": "ada@b.example", "password": "hunter2",
        **settings}}


def connections_file(folder: pathlib.Path, connection: dict[str, object] | None = None) -> pathlib.Path:
    file = folder / "connections.json"
    file.write_text(json.dumps({"connections": {"main": connection or definition()}}))
    file.chmod(0o600)
    return file


def serve(*words: str) -> Finished:
    return run("serve", *words, input=[request(1, "ping")])


def assert_refused(ended: Finished, *texts: str) -> None:
    assert ended.code == 2, ended
    assert not ended.output
    assert ended.errors.startswith("sallyport: ")
    for text in texts:
        assert text in ended.errors, ended.errors


# MARK: Connections files


def test_world_writable_connections_file_is_refused(tmp_path: pathlib.Path) -> None:
    file = connections_file(tmp_path)
    file.chmod(0o602)
    assert_refused(serve("--connections", str(file)), str(file), "is writable by every user")


@NEEDS_ROOT
def test_connections_file_of_another_user_is_refused(tmp_path: pathlib.Path) -> None:
    file = connections_file(tmp_path)
    os.chown(file, STRANGER, STRANGER)
    assert_refused(serve("--connections", str(file)), f"belongs to user {STRANGER}")


def test_group_writable_connections_file_is_a_warning(tmp_path: pathlib.Path) -> None:
    file = connections_file(tmp_path, definition(password={"$env": "PASSWORD"}))
    file.chmod(0o660)
    ended = serve("--connections", str(file))
    assert ended.code == 0
    assert "is writable by its group" in ended.errors
    assert "can read the secrets" not in ended.errors


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_literal_secrets_that_others_can_read_are_a_warning(tmp_path: pathlib.Path, mode: int) -> None:
    file = connections_file(tmp_path)
    file.chmod(mode)
    ended = serve("--connections", str(file))
    assert ended.code == 0
    assert f"other users can read the secrets in {file}" in ended.errors


def test_mode_600_is_no_warning(tmp_path: pathlib.Path) -> None:
    assert serve("--connections", str(connections_file(tmp_path))).errors == ""


def test_links_as_kubernetes_mounts_secrets_are_followed(tmp_path: pathlib.Path) -> None:
    first = tmp_path / "..2026_01_01"
    first.mkdir()
    connections_file(first, definition(password={"$file": str(tmp_path / "password")}))
    (first / "password").write_text("hunter2")
    (first / "password").chmod(0o400)
    (tmp_path / "..data").symlink_to("..2026_01_01")
    for name in ("connections.json", "password"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    ended = serve("--connections", str(tmp_path / "connections.json"))
    assert (ended.code, ended.errors) == (0, "")


@NEEDS_ROOT
def test_link_of_another_user_is_refused(tmp_path: pathlib.Path) -> None:
    file = connections_file(tmp_path)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    os.lchown(link, STRANGER, STRANGER)
    assert_refused(serve("--connections", str(link)), f"is a symbolic link of user {STRANGER}")


def test_target_of_a_link_follows_the_same_rule(tmp_path: pathlib.Path) -> None:
    file = connections_file(tmp_path)
    file.chmod(0o666)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    assert_refused(serve("--connections", str(link)), "is writable by every user")


def test_process_substitution_is_read(tmp_path: pathlib.Path) -> None:
    file = connections_file(tmp_path)
    script = f"exec {shlex.quote(EXECUTABLE)} serve --connections <(cat {shlex.quote(str(file))})"
    ended = subprocess.run(
        ["bash", "-c", script], input=line(request(1, "connections/list")), capture_output=True,
        timeout=PATIENCE, env=environment())
    assert ended.returncode == 0, ended.stderr
    assert [one["name"] for one in json.loads(ended.stdout)["result"]["connections"]] == ["main"]
    assert ended.stderr == b""


def test_connections_from_a_redirected_descriptor(tmp_path: pathlib.Path) -> None:
    file = connections_file(tmp_path)
    script = f"exec {shlex.quote(EXECUTABLE)} serve --connections /dev/fd/7 7< {shlex.quote(str(file))}"
    ended = subprocess.run(
        ["bash", "-c", script], input=line(request(1, "ping")), capture_output=True, timeout=PATIENCE,
        env=environment())
    assert (ended.returncode, ended.stderr) == (0, b"")


# MARK: Secret and key files


@pytest.mark.parametrize("member", ["settings", "tls"])
def test_world_writable_secret_and_key_files_are_refused_at_start(
    tmp_path: pathlib.Path, member: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o666)
    connection = definition()
    if member == "settings":
        connection = definition(password={"$file": str(secret)})
    else:
        connection["tls"] = {"client_certificate": "/dev/null", "client_key": str(secret)}
    file = connections_file(tmp_path, connection)
    assert_refused(serve("--connections", str(file)), str(secret), "is writable by every user")


def test_secret_file_that_becomes_world_writable_is_refused_when_it_is_read(
    tmp_path: pathlib.Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    file = connections_file(tmp_path, definition(password={"$file": str(secret)}))
    with Host("--connections", str(file)) as host:
        host.result("ping")
        secret.chmod(0o666)
        error = host.ask(invoke(1, "list_devices", timeout_ms=5_000))["error"]
    assert error["data"]["kind"] == "auth"
    assert "is writable by every user" in error["data"]["message"]
    assert "hunter2" not in json.dumps(error)


@NEEDS_ROOT
def test_secret_file_of_another_user_is_refused(tmp_path: pathlib.Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    os.chown(secret, STRANGER, STRANGER)
    file = connections_file(tmp_path, definition(password={"$file": str(secret)}))
    assert_refused(serve("--connections", str(file)), str(secret), f"belongs to user {STRANGER}")


def test_program_that_every_user_can_write_is_refused(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "helper"
    program.write_text("#!/bin/sh\necho hunter2\n")
    program.chmod(0o777)
    file = connections_file(tmp_path, definition(password={"$command": [str(program)]}))
    assert_refused(serve("--connections", str(file)), str(program), "is writable by every user")


# MARK: Files that are written


def test_refresh_token_does_not_follow_a_planted_link(tmp_path: pathlib.Path) -> None:
    """The token file becomes a link while the host runs. What it leads to must not get the token."""
    own = tmp_path / "refresh"
    own.write_text("old\n")
    own.chmod(0o600)
    loot = tmp_path / "loot"
    loot.write_text("")
    with Google() as google:
        connection = google.oauth(settings={"refresh_token": {"$file": str(own)}, "authorization_code": CODE})
        file = connections_file(tmp_path, connection)
        with Host("--connections", str(file)) as host:
            host.result("ping")
            own.unlink()
            own.symlink_to(loot)
            host.ask(request(1, "invoke", {
                "integration": "gmail", "command": "list_labels",
                "arguments": {"user_email": "soc@acme.example"}}))
    assert loot.read_text() == ""
    assert own.is_symlink()


def test_audit_file_and_ledger_are_not_opened_through_links(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "target"
    target.touch(0o600)
    for name in ("audit.jsonl", "idempotency.jsonl", "dangling"):
        (tmp_path / name).symlink_to("target" if name != "dangling" else "missing")
    assert_refused(serve("--audit", str(tmp_path / "audit.jsonl")), "is a symbolic link")
    assert_refused(serve("--audit", str(tmp_path / "dangling")), "is a symbolic link")
    assert not (tmp_path / "missing").exists()
    tmp_path.chmod(0o700)
    assert_refused(serve("--state-dir", str(tmp_path)), "is a symbolic link")
    assert target.read_bytes() == b""


@pytest.mark.parametrize("option", ["--audit", "--state-dir", "--files-dir"])
def test_world_writable_state_is_refused(tmp_path: pathlib.Path, option: str) -> None:
    place = tmp_path / "place"
    place.touch() if option == "--audit" else place.mkdir()
    place.chmod(0o777)
    assert_refused(serve(option, str(place)), option, str(place), "is writable by every user")


@NEEDS_ROOT
@pytest.mark.parametrize("option", ["--audit", "--state-dir", "--files-dir"])
def test_state_of_another_user_is_refused(tmp_path: pathlib.Path, option: str) -> None:
    place = tmp_path / "place"
    place.touch() if option == "--audit" else place.mkdir()
    os.chown(place, STRANGER, STRANGER)
    assert_refused(serve(option, str(place)), option, f"belongs to user {STRANGER}")


def test_world_writable_ledger_is_refused(tmp_path: pathlib.Path) -> None:
    ledger = tmp_path / "idempotency.jsonl"
    ledger.touch()
    ledger.chmod(0o666)
    assert_refused(serve("--state-dir", str(tmp_path)), "is writable by every user")


@pytest.mark.parametrize("option", ["--audit", "--state-dir", "--files-dir"])
def test_group_writable_state_is_a_warning(tmp_path: pathlib.Path, option: str) -> None:
    place = tmp_path / "place"
    place.touch() if option == "--audit" else place.mkdir()
    place.chmod(0o670)
    ended = serve(option, str(place))
    assert ended.code == 0
    assert f"{place} is writable by its group" in ended.errors


@pytest.mark.parametrize("option", ["--state-dir", "--files-dir"])
def test_state_directory_may_be_a_link(tmp_path: pathlib.Path, option: str) -> None:
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to("real")
    ended = serve(option, str(tmp_path / "link"))
    assert (ended.code, ended.errors) == (0, "")


def test_planted_rate_limit_directory_is_not_used(tmp_path: pathlib.Path) -> None:
    limits = tmp_path / "sallyport" / "limits"
    limits.mkdir(parents=True)
    limits.chmod(0o777)
    with Host("--sandbox", more_environment={"XDG_STATE_HOME": str(tmp_path)}) as host:
        host.send(request(1, "invoke", {"integration": "bitdefender_gravityzone", "command": "get_company_details"}))
        host.send(request(2, "invoke", {
            "integration": "bitdefender_gravityzone", "command": "test_connection"}))
        host.read_all(2)
        host.wait_for_log("rate limits are not shared")
    assert not list(limits.iterdir())


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stderr", "/dev/fd/2"])
def test_audit_to_a_device_and_to_a_descriptor(path: str) -> None:
    ended = run("serve", "--sandbox", "--audit", path, input=[invoke(1, "list_devices")])
    assert ended.code == 0, ended
    assert ('"command":"list_devices"' in ended.errors) is (path != "/dev/null")


def test_audit_to_a_fifo(tmp_path: pathlib.Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ended = run("serve", "--sandbox", "--audit", str(fifo), input=[invoke(1, "list_devices")])
        assert ended.code == 0
        assert b'"command":"list_devices"' in os.read(reader, 65_536)
    finally:
        os.close(reader)
    fifo.chmod(0o666)
    assert_refused(serve("--audit", str(fifo)), "is writable by every user")
