"""Few descriptors, threads and processes: an answer or exit 2, never a signal and never a hang."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from Support.programmed_google import key_file
from Support.host import EXECUTABLE, Host, environment, invoke, line, parse, request

#: Seconds; only a hang takes as long.
PATIENCE = 60


def run_limited(
    *words: str, limit: Callable[[], None], messages: list[Any], executable: str = EXECUTABLE,
    pass_fds: tuple[int, ...] = (), more: dict[str, str] | None = None,
) -> tuple[int, list[Any], str]:
    """The exit status, the responses and stderr of a host that starts under a limit."""
    ended = subprocess.run(
        [executable, *words], input=b"".join(line(message) for message in messages),
        capture_output=True, timeout=PATIENCE, preexec_fn=limit, pass_fds=pass_fds,
        env=environment(more))
    return ended.returncode, [parse(one) for one in ended.stdout.splitlines()], ended.stderr.decode()


def assert_answered(
    code: int, answers: list[Any], errors: str, messages: list[Any], where: str
) -> list[str]:
    """Either no host with one sentence, or one response per request. Returns the kinds of errors."""
    if code == 2:
        assert errors.startswith("sallyport: "), where
        assert not answers, where
        return []
    if code == 127 and "shared librar" in errors:
        return []  # The loader of the system, before the program starts.
    assert code == 0, (where, code, errors)
    assert sorted(one["id"] for one in answers) == [one["id"] for one in messages], (where, errors)
    kinds = []
    for one in answers:
        if error := one.get("error"):
            kinds.append(error["data"]["kind"])
            if kinds[-1] == "unavailable":
                assert error["data"]["status_code"] == 503, (where, error)
                assert error["data"]["retryable"], (where, error)
    return kinds


def descriptors(soft: int, hard: int | None = None) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft if hard is None else hard))


MESSAGES = [
    request(1, "ping"),
    invoke(2, "list_devices", timeout_ms=5_000),
    request(3, "files/put", {"name": "a.txt", "text": "x", "source": "playbook_file"}),
    invoke(4, "list_devices", timeout_ms=5_000),
]


@pytest.mark.parametrize("limit", [*range(3, 20), 24, 32, 40])
def test_few_descriptors_are_an_answer_or_exit_2(limit: int) -> None:
    messages = [MESSAGES[0], MESSAGES[1], MESSAGES[3]]
    result = run_limited("serve", "--sandbox", limit=descriptors(limit), messages=messages)
    kinds = assert_answered(*result, messages, f"ulimit -n {limit}")
    assert set(kinds) <= {"unavailable"}, (limit, result)


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Connections with a secret file, a secret command and a service account, to a closed port."""
    folder = tmp_path_factory.mktemp("accounts")
    (folder / "password").write_text("hunter2\n")
    (folder / "password").chmod(0o600)
    coda = {"server_url": "http://127.0.0.1:9", "user_name": "ada@b.example"}
    file = folder / "connections.json"
    file.write_text(json.dumps({"connections": {
        "file": {"integration": "coda_footprint",
                 "settings": coda | {"password": {"$file": str(folder / "password")}}},
        "command": {"integration": "coda_footprint",
                    "settings": coda | {"password": {"$command": ["echo", "hunter2"]}}},
        "mail": {"integration": "gmail", "settings": {
            "service_account_json": key_file(), "admin_email": "ada@b.example",
            "token_url": "http://127.0.0.1:9/token"}},
    }}))
    file.chmod(0o600)
    return str(file)


@pytest.mark.parametrize("limit", range(5, 19))
def test_few_descriptors_are_never_a_refused_sign_in(limit: int, accounts: str) -> None:
    messages = [
        invoke(1, "list_devices", connection="file", timeout_ms=3_000),
        invoke(2, "list_devices", connection="command", timeout_ms=3_000),
        request(3, "invoke", {
            "integration": "gmail", "command": "list_labels", "connection": "mail",
            "arguments": {"user_email": "ada@b.example"}, "options": {"timeout_ms": 3_000}}),
    ]
    result = run_limited(
        "serve", "--connections", accounts, limit=descriptors(limit), messages=messages)
    kinds = assert_answered(*result, messages, f"ulimit -n {limit}")
    # The port is closed: with enough descriptors the connection is refused.
    assert set(kinds) <= {"unavailable", "network", "timeout"}, (limit, result)


def test_soft_limit_is_raised_to_the_hard_one() -> None:
    messages = [MESSAGES[0], MESSAGES[1]]
    result = run_limited("serve", "--sandbox", limit=descriptors(14, 512), messages=messages)
    assert assert_answered(*result, messages, "soft 14, hard 512") == []
    assert len(result[1]) == 2


def test_more_requests_than_descriptors_wait_for_a_connection() -> None:
    messages = [invoke(number, "list_devices") for number in range(200)]
    result = run_limited("serve", "--sandbox", limit=descriptors(40), messages=messages)
    assert assert_answered(*result, messages, "200 requests, ulimit -n 40") == []


@pytest.mark.parametrize("hard", [1_024, 4_096])
def test_descriptors_that_a_parent_leaks_leave_answers(hard: int) -> None:
    leaked = [os.open("/dev/null", os.O_RDONLY) for _ in range(1_010)]
    try:
        messages = [MESSAGES[0], MESSAGES[1], MESSAGES[3]]
        result = run_limited(
            "serve", "--sandbox", limit=descriptors(1_024, hard), messages=messages,
            pass_fds=tuple(leaked))
        kinds = assert_answered(*result, messages, f"{len(leaked)} leaked, hard limit {hard}")
        assert set(kinds) <= ({"unavailable"} if hard == 1_024 else set()), result
    finally:
        for one in leaked:
            os.close(one)


# MARK: Threads


@pytest.fixture(scope="module")
def public_executable() -> Iterator[str]:
    """The executable where every user can run it."""
    if os.geteuid() != 0:
        pytest.skip("needs root: the limit of processes does not apply to root, so it is set for another user")
    with tempfile.TemporaryDirectory(prefix="sallyport-public-") as folder:
        os.chmod(folder, 0o755)
        yield shutil.copy(EXECUTABLE, folder)


def processes(count: int) -> Callable[[], None]:
    # A user without other processes: the limit counts all of them.
    user = 200_000 + os.getpid()

    def limit() -> None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        resource.setrlimit(resource.RLIMIT_NPROC, (count, count))

    return limit


@pytest.mark.parametrize("limit", range(1, 13))
def test_few_threads_are_an_answer_or_exit_2(limit: int, public_executable: str) -> None:
    messages = [MESSAGES[0], MESSAGES[1], MESSAGES[3]]
    result = run_limited(
        "serve", "--sandbox", limit=processes(limit), messages=messages,
        executable=public_executable, more={"XDG_STATE_HOME": "", "HOME": ""})
    kinds = assert_answered(*result, messages, f"ulimit -u {limit}")
    # The emulator itself answers 503 without a thread.
    assert set(kinds) <= {"unavailable", "upstream"}, (limit, result)


def test_one_thread_for_tasks_is_enough_for_timers_and_answers() -> None:
    """Deadlines of calls in flight hold on the pool that replaces libdispatch."""
    with Host("--sandbox", "--sandbox-fault", "coda: slow 60s always") as host:
        for number in range(20):
            host.send(invoke(number, "list_devices", timeout_ms=100))
        kinds = {host.read()["error"]["data"]["kind"] for _ in range(20)}
    assert kinds == {"timeout"}


def test_core_dumps_are_off_unless_they_are_allowed() -> None:
    for words, expected in ([], "0"), (["--allow-core-dumps"], str(4_096)):
        host = subprocess.Popen(
            [EXECUTABLE, "serve", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=environment(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (4_096, 4_096)))
        try:
            host.stdin.write(line(request(1, "ping")))
            host.stdin.flush()
            host.stdout.readline()
            limits = pathlib.Path(f"/proc/{host.pid}/limits").read_text()
            row = next(one for one in limits.splitlines() if one.startswith("Max core file size"))
            assert row.split()[4] == expected
        finally:
            host.stdin.close()
            host.wait(PATIENCE)
