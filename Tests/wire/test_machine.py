"""The machine around the host: no /proc, an empty argv, planted libraries, stores of killed hosts."""

from __future__ import annotations

import ctypes
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest
from Support.host import EXECUTABLE, Host, environment, eventually, invoke, line, parse, request

PATIENCE = 60


# MARK: Arguments


@pytest.fixture(scope="module")
def jail(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A root directory with the executable and its libraries, without /proc and /dev."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    root = tmp_path_factory.mktemp("jail")
    libraries = subprocess.run(["ldd", EXECUTABLE], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r"(/\S+) \(0x", libraries):
        copy = root / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    shutil.copy(EXECUTABLE, root / "sallyport")
    try:
        subprocess.run(["chroot", root, "/sallyport", "--version"], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"chroot is not permitted here: {error.stderr.decode()}")
    return root


def test_arguments_are_read_without_proc(jail: pathlib.Path) -> None:
    ended = subprocess.run(
        ["chroot", jail, "/sallyport", "serve", "--read-only", "--sandbox"],
        input=line(request(1, "capabilities")) + line(invoke(2, "patch_rescan", {})),
        capture_output=True, timeout=PATIENCE, env=environment())
    answers = {one["id"]: one for one in map(parse, ended.stdout.splitlines())}
    assert ended.returncode == 0
    assert answers[2]["error"]["data"]["kind"] == "policy", answers[2]


def test_an_unknown_option_is_refused_without_proc(jail: pathlib.Path) -> None:
    ended = subprocess.run(
        ["chroot", jail, "/sallyport", "serve", "--read-onyl"], input=b"", capture_output=True,
        timeout=PATIENCE, env=environment())
    assert ended.returncode == 2
    assert b"--read-onyl" in ended.stderr


def test_an_empty_argv_is_exit_2() -> None:
    def replace_process() -> None:
        # No argument at all. Linux replaces that by one empty text since version 5.18.
        no_texts = (ctypes.c_char_p * 1)(None)
        ctypes.CDLL(None).execve(EXECUTABLE.encode(), no_texts, no_texts)

    ended = subprocess.run(
        ["/bin/true"], preexec_fn=replace_process, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=PATIENCE, close_fds=False)
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("sallyport: the argument list is empty")


# MARK: Secrets of the process


def test_tls_keys_are_not_logged(tmp_path: pathlib.Path) -> None:
    keys = tmp_path / "keys"
    with Host(more_environment={"SSLKEYLOGFILE": str(keys)}) as host:
        connection = {"integration": "coda_footprint", "settings": {
            "server_url": "https://127.0.0.1:9", "user_name": "ada@b.example", "password": "hunter2"}}
        host.ask(invoke(1, "list_devices", connection=connection, timeout_ms=2_000))
    assert not keys.exists()


def test_a_library_in_the_folder_of_the_executable_is_not_loaded(tmp_path: pathlib.Path) -> None:
    dynamic = subprocess.run(["readelf", "-d", EXECUTABLE], capture_output=True, text=True).stdout
    if "libswiftCore" in dynamic:
        pytest.skip("a debug build finds Swift's own libraries in its folder")
    copy = shutil.copy(EXECUTABLE, tmp_path)
    for name in ("libcurl.so.4", "libcrypto.so.3"):
        (tmp_path / name).write_bytes(b"not a library")
    ended = subprocess.run(
        [copy, "version"], capture_output=True, cwd=tmp_path, timeout=PATIENCE, env=environment())
    assert ended.returncode == 0
    assert b"libcurl/" in ended.stdout and b"OpenSSL" in ended.stdout, ended.stdout


# MARK: Temporary stores


def stores(folder: pathlib.Path) -> set[str]:
    return {one.name for one in folder.iterdir() if one.name.startswith("sallyport-files-")}


def put(host: Host) -> None:
    host.result("files/put", {"name": "a.txt", "content_base64": "eA==", "source": "playbook_file"})


def test_stores_of_running_hosts_and_files_of_others_are_kept(tmp_path: pathlib.Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (tmp_path / "sallyport-files-linked").symlink_to(outside)
    shared = tmp_path / "sallyport-files-shared"
    shared.mkdir()
    shared.chmod(0o755)
    with Host(more_environment={"TMPDIR": str(tmp_path)}) as first:
        put(first)
        before = stores(tmp_path)
        abandoned = tmp_path / "sallyport-files-abandoned"
        abandoned.mkdir(0o700)
        with Host(more_environment={"TMPDIR": str(tmp_path)}) as second:
            put(second)
            eventually(lambda: not abandoned.exists(), "the abandoned store is removed")
            assert before <= stores(tmp_path)
            assert first.result("files/list")["files"]
    assert (outside / "precious").exists() and shared.exists()


def test_hosts_that_start_together_keep_their_stores(tmp_path: pathlib.Path) -> None:
    """A store is not taken for abandoned before its host has locked it."""
    failures: list[str] = []

    def use() -> None:
        for _ in range(5):
            with Host(more_environment={"TMPDIR": str(tmp_path)}) as host:
                put(host)
                if not host.result("files/list")["files"]:
                    failures.append("a file is lost")
                host.finish()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not failures
    assert not stores(tmp_path)


# MARK: Consent


def test_idle_connections_do_not_lock_the_browser_out(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "connections.json"
    file.write_text(
        '{"connections":{"mail":{"integration":"gmail","settings":{"authentication_type":'
        '"oauth_client_id","client_id":"c","client_secret":"s","token_url":"http://127.0.0.1:9/"}}}}')
    file.chmod(0o600)
    auth = subprocess.Popen(
        [EXECUTABLE, "auth", "gmail", "--connections", str(file)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), text=True)
    idle: list[socket.socket] = []
    stopped = threading.Event()

    def drip() -> None:
        while not stopped.wait(0.05):
            for one in idle[::2]:
                try:
                    one.send(b"G")
                except OSError:
                    pass

    dripping = threading.Thread(target=drip)
    try:
        assert auth.stdout
        port = int(re.search(r"127\.0\.0\.1%3A(\d+)", auth.stdout.readline()).group(1))
        for _ in range(200):
            idle.append(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        dripping.start()
        started = time.monotonic()
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as browser:
                browser.sendall(b"GET /favicon.ico HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert browser.recv(100).startswith(b"HTTP/1.1 404")
        # 10 s is the timeout of one idle connection.
        assert time.monotonic() - started < 9
    finally:
        stopped.set()
        if dripping.ident is not None:
            dripping.join()
        auth.kill()
        auth.wait()
        for one in idle:
            one.close()
