"""Hosts that start, end, crash and misbehave."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import TIMEOUT, FakeHost, eventually
from sallyport import ExecutableNotFound, Host, HostClosed, HostExited, SallyportError, find_executable
from sallyport import executable as executables

SECRET = "hunter2-hunter2"


def test_killed_in_the_middle_every_call_ends_with_an_unknown_outcome() -> None:
    with Host(sandbox=True, sandbox_faults=["coda: slow 60s"], log_level="debug") as host:
        sent = [host.submit("coda_footprint", "list_tenants") for _ in range(20)]
        stream = host.stream("coda_footprint", "list_devices")
        host.ping()
        assert host.pid is not None
        os.kill(host.pid, signal.SIGKILL)
        for call in [*sent, stream]:
            with pytest.raises(HostExited) as caught:
                call.result(wait=TIMEOUT)
            assert (caught.value.exit_status, caught.value.outcome) == (-9, "unknown")
        assert "signal 9" in str(caught.value)
        with pytest.raises(HostExited):
            next(stream)
        assert len({id(exception_of(call)) for call in sent}) == 20

        assert not host.is_running
        with pytest.raises(HostExited) as caught:
            host.ping()
        assert caught.value.outcome == "not_applied"

        host.restart()
        assert host.is_running
        assert host.using(dry_run=True).coda_footprint.list_tenants().is_successful


def exception_of(call: object) -> BaseException:
    with pytest.raises(HostExited) as caught:
        call.result()  # type: ignore[attr-defined]
    return caught.value


def test_a_crash_shows_the_last_log_lines(fake_host: FakeHost) -> None:
    crashing = fake_host("""
        for request in requests():
            for number in range(100):
                log(f"2026-11-20T12:00:00Z error line {number}")
            os._exit(7)
    """)

    def read_slowly(_: str) -> None:
        time.sleep(0.002)

    with Host(crashing, on_log=read_slowly) as host, pytest.raises(HostExited) as caught:
        host.invoke("vendor", "write")
    assert caught.value.exit_status == 7
    assert [line.split()[-1] for line in caught.value.log_lines] == [str(n) for n in range(80, 100)]
    assert str(caught.value).endswith("line 99")


def test_start_failure_holds_the_hosts_message() -> None:
    with Host(arguments=["--no-such-option"]) as host, pytest.raises(HostExited) as caught:
        host.ping()
    assert caught.value.exit_status == 2
    assert "no-such-option" in str(caught.value)


def test_a_host_that_never_began_has_changed_nothing(fake_host: FakeHost) -> None:
    refusing = fake_host("""
        next(requests())
        log("sallyport: cannot read the connections file")
        os._exit(2)
    """)
    with Host(refusing) as host, pytest.raises(HostExited) as caught:
        host.invoke("vendor", "write")
    assert (caught.value.exit_status, caught.value.outcome) == (2, "not_applied")
    assert str(caught.value) == (
        "The host exited with status 2. Last log lines:\n"
        "  sallyport: cannot read the connections file"
    )


def test_one_that_has_answered_before_may_have_changed_something(fake_host: FakeHost) -> None:
    answering = fake_host("""
        for request in requests():
            if request["method"] != "ping":
                os._exit(2)
            answer(request, {})
    """)
    with Host(answering) as host:
        host.ping()
        with pytest.raises(HostExited, match="may have been applied") as caught:
            host.invoke("vendor", "write")
    assert caught.value.outcome == "unknown"


def test_flood_on_stderr_does_not_block_calls(fake_host: FakeHost) -> None:
    flooding = fake_host("""
        for request in requests():
            if request["method"] == "shutdown":
                break
            for _ in range(300):
                os.write(2, b"x" * 65535 + b"\\n")
            answer(request, SUCCESS)
    """)
    lines: list[int] = []
    with Host(flooding, on_log=lambda line: lines.append(len(line))) as host:
        assert host.invoke("vendor", "read", timeout=TIMEOUT).is_successful
        eventually(lambda: len(lines) >= 300)
    assert max(lines) <= 2_000, "a long line is cut"


def test_endless_line_on_stderr_does_not_block_calls(fake_host: FakeHost) -> None:
    flooding = fake_host("""
        for request in requests():
            if request["method"] == "shutdown":
                break
            for _ in range(300):
                os.write(2, b"x" * 65536)
            answer(request, SUCCESS)
    """)
    with Host(flooding) as host:
        assert host.invoke("vendor", "read", timeout=TIMEOUT).is_successful
        assert sum(map(len, host.log_lines)) <= 2_000


def test_close_waits_for_requests_in_flight() -> None:
    with Host(sandbox=True, sandbox_faults=["coda: slow 300ms"]) as host:
        sent = [host.submit("coda_footprint", "list_tenants") for _ in range(10)]
    assert all(call.result().is_successful for call in sent)


def test_requests_beyond_the_drain_timeout_are_cancelled() -> None:
    host = Host(sandbox=True, sandbox_faults=["coda: slow 60s"], drain_timeout=0.2)
    host.open()
    call = host.submit("coda_footprint", "list_tenants")
    assert host.close() == 3
    with pytest.raises(SallyportError):
        call.result()
    assert host.close() is None, "closing twice is no error"


def test_host_that_does_not_exit_is_killed(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sallyport.process.EXIT_SECONDS", 0.3)
    stubborn = fake_host("""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for request in requests():
            if request["method"] == "ping":
                answer(request, {})
        time.sleep(600)
    """)
    host = Host(stubborn, drain_timeout=0)
    host.open()
    host.ping()
    assert host.close() == -9


def test_host_that_closes_its_output_is_killed(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sallyport.process.EXIT_SECONDS", 0.3)
    mute = fake_host("""
        os.close(1)
        time.sleep(600)
    """)
    with Host(mute) as host, pytest.raises(HostExited, match="closed its output"):
        host.ping()


@pytest.mark.parametrize(
    "line",
    ["hello", "[1]", '{"id":', '{"jsonrpc":"2.0","id":[],"result":1}',
     '{"jsonrpc":"2.0","id":1}', '{"jsonrpc":"2.0","method":1}'],
)
def test_host_that_breaks_the_protocol_is_killed(fake_host: FakeHost, line: str) -> None:
    babbling = fake_host(f"""
        for request in requests():
            os.write(1, {line!r}.encode() + b"\\n")
    """)
    with Host(babbling) as host, pytest.raises(HostExited) as caught:
        host.ping()
    assert caught.value.reason
    assert line not in str(caught.value)


def test_unexpected_responses_are_ignored(fake_host: FakeHost) -> None:
    odd = fake_host("""
        for request in requests():
            if request["method"] == "shutdown":
                break
            say({"jsonrpc": "2.0", "id": 999, "result": {}})
            say({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "?"}})
            notify("invoke/item", id=999, seq=0, item=1)
            notify("some/news", a=1)
            answer(request, {})
    """)
    with Host(odd) as host:
        host.ping()


def test_closed_and_unopened_hosts_say_so() -> None:
    host = Host(sandbox=True)
    with pytest.raises(HostClosed, match="not open"):
        host.ping()
    with host:
        host.ping()
    with pytest.raises(HostClosed):
        host.ping()
    with host:
        host.ping()


def test_call_waiting_for_a_slot_fails_if_the_host_closes(fake_host: FakeHost) -> None:
    slow = fake_host("""
        for request in requests():
            if request["method"] == "invoke":
                first = request
            elif request["method"] == "shutdown":
                time.sleep(0.3)
                answer(first, SUCCESS)
                break
    """)
    host = Host(slow, max_in_flight=1)
    host.open()
    first = host.submit("vendor", "read")
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            host.submit("vendor", "write")
        except SallyportError as error:
            caught.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    host.close()
    waiting.join(TIMEOUT)
    assert first.result().is_successful
    assert [type(error) for error in caught] == [HostClosed]


def test_forked_child_must_open_its_own_host(sandbox: Host) -> None:
    sandbox.ping()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            sandbox.ping()
            os.write(writing, b"pinged")
        except HostClosed:
            os.write(writing, b"closed")
        finally:
            os._exit(0)
    os.close(writing)
    assert os.read(reading, 10) == b"closed"
    os.close(reading)
    os.waitpid(child, 0)
    sandbox.ping()


def test_close_works_while_a_forked_child_holds_the_pipes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = Host(sandbox=True)
    host.open()
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        assert host.close() == 0
        assert "ended" not in caplog.text, "it ended by itself"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_program_that_forgets_to_close_ends_and_takes_the_host_along() -> None:
    program = "from sallyport import Host; host = Host(sandbox=True); host.open(); print(host.pid)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT, check=True
    )
    pid = int(done.stdout)
    eventually(lambda: not pathlib.Path(f"/proc/{pid}/cmdline").exists() or not is_sallyport(pid))


def is_sallyport(pid: int) -> bool:
    try:
        return b"serve" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_connections_can_be_given_and_no_secret_shows() -> None:
    connections = {
        "prod": {
            "integration": "coda_footprint",
            "settings": {
                "server_url": "https://coda.invalid",
                "user_name": "user",
                "password": SECRET,
            },
        }
    }
    with Host(connections=connections) as host:
        assert [one["name"] for one in host.connections()] == ["prod"]
        assert host.using(dry_run=True).coda_footprint.list_tenants().is_successful
        host.restart()
        [connection] = host.connections()
        shown = [repr(host), repr(host._settings), repr(connection), str(host.submit("a", "b"))]
        with pytest.raises(SallyportError) as caught:
            host.put_connection("two", {"integration": "coda_footprint", "password": SECRET})
        shown += [str(caught.value), repr(caught.value)]
        assert SECRET not in "".join(shown)


def test_wrong_connections_are_an_error_at_the_start() -> None:
    host = Host(connections={"prod": {"integration": "no_such"}})
    with pytest.raises(SallyportError, match="settings"):
        host.open()
    assert not host.is_running


def test_a_connections_file_can_be_given(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "connections.json"
    file.write_text('{"connections":{"mine":{"integration":"coda_footprint","settings":'
                    '{"server_url":"https://coda.invalid","user_name":"u","password":"secret"}}}}')
    with Host(connections=file) as host:
        assert [one["name"] for one in host.connections()] == ["mine"]


def test_the_executable_is_the_argument_then_the_variable_then_the_one_on_path(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("given", "named", "sallyport"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SALLYPORT", str(tmp_path / "named"))
    assert find_executable(tmp_path / "given") == str(tmp_path / "given")
    assert find_executable() == str(tmp_path / "named")
    monkeypatch.delenv("SALLYPORT")
    assert find_executable() == str(tmp_path / "sallyport")
    # The script of that name that a wheel installs ends up here and must not find itself.
    monkeypatch.setattr(executables.sys, "argv", [str(tmp_path / "sallyport")])
    with pytest.raises(ExecutableNotFound, match="Sources/build.sh"):
        find_executable()
    with pytest.raises(ExecutableNotFound, match="absent"):
        find_executable(tmp_path / "absent")


def test_a_file_that_is_no_program_is_an_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(HostExited, match="cannot be started"):
        Host(tmp_path / "text").open()


def test_the_module_passes_through_to_the_executable() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sallyport", "call", "no_such", "command"],
        capture_output=True, text=True, timeout=TIMEOUT,
    )
    direct = subprocess.run(
        [os.environ["SALLYPORT"], "call", "no_such", "command"],
        capture_output=True, text=True, timeout=TIMEOUT,
    )
    assert (done.returncode, done.stderr) == (direct.returncode, direct.stderr)
    assert done.returncode == 2
