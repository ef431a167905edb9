"""Secret helpers (`$command`): what they get, when their output is taken, and when they are killed."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import threading
import time

import pytest
from Support.host import EXECUTABLE, environment, eventually
from Support.session import Host, connection
from Support.upstream import Tenant

#: Seconds that show that nothing waits for a deadline; generous for a busy machine.
SOON = 12


def helper(*command, variables=None):
    reference = {"$command": list(command)}
    return reference if variables is None else reference | {"environment": variables}


def shell(script, **more):
    return helper("sh", "-c", script, **more)


def password(tenant, reference, env=None, options=()):
    """The password that the vendor gets."""
    with Host(connection(tenant.url, settings={"password": reference}), env=env, options=options) as host:
        host.result("list_scanners")
        return tenant.logins[-1].json["password"]


def failure(reference, env=None, **options):
    with Tenant() as tenant:
        with Host(connection(tenant.url, settings={"password": reference}), env=env) as host:
            error = host.failure("list_scanners", **options)
            assert tenant.requests == [] and error["outcome"] == "not_applied"
            return error


def is_running(process: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def number_in(path: pathlib.Path) -> int:
    eventually(lambda: path.exists() and path.read_text().endswith("\n"), f"{path} is written")
    return int(path.read_text())


# Output

def test_output_is_taken_when_the_program_exits():
    """Something that it has started still holds the pipe."""
    with Tenant() as tenant:
        start = time.monotonic()
        assert password(tenant, shell("sleep 60 & echo Secret-Word")) == "Secret-Word"
        assert time.monotonic() - start < SOON


def test_the_rest_of_the_output_is_read_after_the_exit():
    with Tenant() as tenant:
        long = "a" * 16_000
        assert password(tenant, helper("printf", "%s", long)) == long


def test_stderr_that_nobody_reads_stops_no_helper():
    """The reader of the host's stderr is busy and the pipe is full: the helper has its own."""
    with Tenant() as tenant:
        one = connection(tenant.url, settings={"password": shell("yes noise | head -c 300000 >&2; echo Word-1")})
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        try:
            while True:
                os.write(write_end, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(write_end, True)
        directory = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"helper-{os.getpid()}.json"
        directory.write_text(json.dumps({"connections": {"main": one}}))
        process = subprocess.Popen(
            [EXECUTABLE, "serve", "--connections", str(directory)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=write_end, env=environment())
        try:
            message = {"jsonrpc": "2.0", "id": 1, "method": "invoke", "params": {
                "integration": "coda_footprint", "command": "list_scanners"}}
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            timer = threading.Timer(SOON, process.kill)
            timer.start()
            answer = json.loads(process.stdout.readline())
            timer.cancel()
            assert "result" in answer, answer
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
            directory.unlink()
            os.close(read_end)
            os.close(write_end)


def test_too_much_output_is_an_error():
    error = failure(helper("yes"))
    assert (error["kind"], error["status_code"]) == ("auth", 401)
    assert "printed more than" in error["message"]


# Errors

def test_the_last_lines_of_stderr_are_in_the_error_redacted():
    script = 'echo first >&2; echo Half-Secret; echo "bad token $A_TOKEN for Half-Secret" >&2; exit 3'
    reference = shell(script + "\n", variables=["A_TOKEN"])
    error = failure(reference, env={"A_TOKEN": "s.Very-Secret-Token"})
    assert "status 3" in error["message"]
    assert "first | bad token [redacted] for [redacted]" in error["message"], error
    assert "environment" in error["remedy"]


def test_stderr_in_an_error_is_bounded_and_has_no_control_characters():
    error = failure(shell(r"yes 'x\' | head -c 100000 >&2; printf 'a\033[31m\342\200\256b\n' >&2; exit 1"))
    assert len(error["message"]) < 1_000
    assert "a[31mb" in error["message"]


def test_a_missing_program_has_a_suggestion():
    error = failure(helper("prinft", "x"))
    assert (error["kind"], error["status_code"]) == ("auth", 401)
    assert "prinft" in error["message"] and "No such file" in error["message"]
    assert "printf" in error["remedy"]


def test_a_program_without_permission_is_named(tmp_path):
    program = tmp_path / "helper"
    program.write_text("#!/bin/sh\necho x\n")
    program.chmod(0o644)
    error = failure(helper(str(program)))
    assert (error["kind"], error["status_code"]) == ("auth", 401)
    assert "Permission denied" in error["message"] and str(program) in error["message"]


def test_a_machine_without_descriptors_is_unavailable():
    with Tenant() as tenant:
        first = connection(tenant.url)
        with Host(first, connection(tenant.url, settings={"password": shell("echo Word")})) as host:
            # What the host opens once is open then.
            host.result("list_scanners", connection="main")
            used = len(os.listdir(f"/proc/{host.process.pid}/fd"))
            usual, most = resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (used + 1, most))
            error = host.failure("list_scanners", connection="other1")
            assert (error["kind"], error["status_code"]) == ("unavailable", 503), error
            assert (error["retryable"], error["outcome"]) == (True, "not_applied")
            resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (usual, most))
            host.result("list_scanners", connection="other1")


# Environment

def test_a_helper_gets_no_secrets_of_the_environment():
    env = {"VAULT_TOKEN": "Other-Secret", "AWS_SECRET_ACCESS_KEY": "More", "LC_ALL": "C", "TZ": "UTC",
           "XDG_DATA_HOME": "/x", "LD_LIBRARY_PATH": "/nowhere"}
    with Tenant() as tenant:
        names = password(tenant, shell("env | cut -d= -f1 | sort | tr '\\n' ' '"), env=env).split()
    assert {"PATH", "HOME", "LC_ALL", "TZ", "XDG_DATA_HOME"} <= set(names)
    assert not {"VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY", "LD_LIBRARY_PATH"} & set(names), names


def test_named_variables_are_passed_on():
    env = {"VAULT_ADDR": "https://vault.example", "VAULT_TOKEN": "s.token"}
    with Tenant() as tenant:
        reference = shell('echo "$VAULT_ADDR $VAULT_TOKEN"', variables=["VAULT_ADDR", "VAULT_TOKEN", "ABSENT"])
        assert password(tenant, reference, env=env) == "https://vault.example s.token"


@pytest.mark.parametrize("variables", ["A", [1], ["A=B"], [""], None])
def test_invalid_names_are_refused(variables, tmp_path):
    reference = {"$command": ["true"], "environment": variables}
    file = tmp_path / "connections.json"
    one = connection("http://127.0.0.1:9", settings={"password": reference})
    file.write_text(json.dumps({"connections": {"main": one}}))
    file.chmod(0o600)
    ended = subprocess.run(
        [EXECUTABLE, "serve", "--connections", str(file)], input=b"", capture_output=True, env=environment())
    assert ended.returncode == 2 and b"/connections/main/settings/password" in ended.stderr


def test_a_helper_inherits_no_descriptors_and_default_signals():
    script = ("ls /proc/self/fd | tr '\\n' ' '; "
              "grep -E 'SigBlk|SigIgn' /proc/self/status | awk '{print $2}' | tr '\\n' ' '")
    with Tenant() as tenant:
        words = password(tenant, shell(script)).split()
    # ls itself has the directory open.
    assert words[:-2] == ["0", "1", "2", "3"], words
    assert [int(word, 16) for word in words[-2:]] == [0, 0], words


# Killing

def hanging(tmp_path):
    """A helper that ignores SIGTERM and has started another program; the file gets its process id."""
    file = tmp_path / "helper.pid"
    other = tmp_path / "other.pid"
    script = f"trap '' TERM; sleep 300 & echo $! > {other}; echo $$ > {file}; sleep 300; sleep 300"
    return shell(script), file, other


def test_a_cancelled_call_kills_its_helper_and_what_it_started(tmp_path):
    reference, file, other = hanging(tmp_path)
    with Tenant() as tenant, Host(connection(tenant.url, settings={"password": reference})) as host:
        number = host.start("list_scanners")
        processes = number_in(file), number_in(other)
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": number}})
        assert host.wait(number)[0]["error"]["code"] == -32800
        for process in processes:
            eventually(lambda: not is_running(process), "the helper is killed")


def test_a_helper_is_killed_at_the_deadline_of_its_only_caller(tmp_path):
    reference, file, other = hanging(tmp_path)
    with Tenant() as tenant, Host(connection(tenant.url, settings={"password": reference})) as host:
        assert host.failure("list_scanners", timeout_ms=1_500)["kind"] == "timeout"
        for process in number_in(file), number_in(other):
            eventually(lambda: not is_running(process), "the helper is killed")


def test_a_helper_lives_as_long_as_one_caller_waits_for_it(tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    started = tmp_path / "started"
    reference = shell(f"echo x >> {started}; cat {gate}")
    with Tenant() as tenant, Host(connection(tenant.url, settings={"password": reference})) as host:
        first = host.start("list_scanners")
        second = host.start("list_scanners")
        eventually(started.exists, "the helper runs")
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": first}})
        assert host.wait(first)[0]["error"]["code"] == -32800
        gate.write_text("Word-of-the-gate")
        assert "result" in host.wait(second)[0]
        assert started.read_text() == "x\n" and len(tenant.logins) == 1


def test_a_caller_after_a_killed_helper_gets_a_new_one(tmp_path):
    started = tmp_path / "started"
    # The first one hangs.
    reference = shell(f"echo x >> {started}; test $(wc -l < {started}) -gt 1 || sleep 300; echo Word-2")
    with Tenant() as tenant, Host(connection(tenant.url, settings={"password": reference})) as host:
        first = host.start("list_scanners")
        # Killed before it has written, it would not be counted.
        eventually(lambda: started.exists() and started.read_text(), "the helper runs")
        host.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": first}})
        assert host.wait(first)[0]["error"]["code"] == -32800
        # Perhaps before the first one has ended.
        assert "result" in host.answer("list_scanners")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_helper_dies_with_the_host(how, tmp_path):
    file = tmp_path / "pid"
    reference = shell(f"echo $$ > {file}; exec sleep 300")
    with Tenant() as tenant:
        host = Host(connection(tenant.url, settings={"password": reference}), options=["--drain-timeout", "0"])
        try:
            host.start("list_scanners")
            process = number_in(file)
            host.signal(how)
            eventually(lambda: not is_running(process), "the helper is killed")
        finally:
            host.kill()
