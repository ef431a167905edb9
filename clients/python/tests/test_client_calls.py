"""Calls of `Host` and their outcomes."""

from __future__ import annotations

import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, TIMEOUT, FakeHost, eventually
from sallyport import (
    Cancelled,
    CommandError,
    Host,
    InvalidArguments,
    NotFound,
    PolicyRefused,
    Progress,
    RateLimited,
    RequestError,
    TimedOut,
    UpstreamError,
    Waiting,
    calls,
    errors,
)

ENDPOINT = "6affe1e0b1a43d0003000001"
ABSENT = "000000000000000000000000"


def test_result_has_the_vendors_body_and_metadata(sandbox: Host) -> None:
    result = sandbox.invoke("coda_footprint", "list_devices", {"page": 2})
    assert result.return_data == "Successful" and result.is_successful
    assert len(result.raw_data["items"]) == 20
    assert (result.meta.requests >= 1, result.meta.pages) == (True, 1)
    assert sandbox.coda_footprint.list_devices(page=2).raw_data == result.raw_data


def test_targets_have_per_target_outcomes(sandbox: Host) -> None:
    result = sandbox.bitdefender_gravityzone.get_managed_endpoint_details(
        managed_endpoint_ids=[ENDPOINT, ABSENT]
    )
    assert not result.is_successful
    good, bad = result.targets
    assert (good.target, good.return_data, good.error) == (ENDPOINT, "Successful", None)
    assert [target.target for target in result.failures] == [bad.target] == [ABSENT]
    assert isinstance(bad.error, CommandError) and bad.error.status_code == 400


def test_when_all_targets_fail_the_error_names_them(sandbox: Host) -> None:
    with pytest.raises(CommandError) as caught:
        sandbox.bitdefender_gravityzone.get_managed_endpoint_details(managed_endpoint_ids=[ABSENT])
    assert [target.target for target in caught.value.targets] == [ABSENT]


def test_an_error_carries_the_triple_and_the_remedy(sandbox: Host) -> None:
    with pytest.raises(NotFound) as caught:
        sandbox.coda_footprint.list_device_users(device_id=9999)
    error = caught.value
    assert error.triple == ("List Device Users failed.", 404, "Not Found.")
    assert (error.return_data, error.kind, error.outcome) == ("Failed", "not_found", "not_applied")
    assert (error.retryable, error.retry_after_ms, error.code) == (False, None, -32000)
    assert error.remedy == "Use a device_id from list_devices."
    assert error.remedy in str(error) and "404 Not Found." in str(error)


def test_an_error_names_all_faults_of_the_arguments(sandbox: Host) -> None:
    with pytest.raises(InvalidArguments) as caught:
        sandbox.invoke("coda_footprint", "list_devices", {"fliter": {}, "page": 0})
    problems = {problem.path: problem for problem in caught.value.problems}
    assert set(problems) == {"/arguments/fliter", "/arguments/page"}
    assert problems["/arguments/fliter"].did_you_mean == "filter"
    assert str(caught.value).count('; did you mean "filter"?') == 1 and 'unknown parameter' in str(caught.value)


def test_each_error_kind_has_a_class() -> None:
    text = (ROOT / "protocol/README.md").read_text()
    section = text[text.index("`kind` is one of") : text.index("`status_code` is the vendor's")]
    kinds = re.findall(r"`([a-z_]+)`", section.replace("`kind`", ""))
    assert len(kinds) == 13
    classes = [type(errors.read_error({"data": {"kind": kind}})) for kind in kinds]
    assert len({*classes, CommandError}) == 14
    assert all(issubclass(one, CommandError) for one in classes)


def test_unknown_error_kind_is_a_command_error() -> None:
    error = errors.read_error({"code": -32000, "message": "m", "data": {"kind": "new"}})
    assert type(error) is CommandError and error.kind == "new"


def test_errors_survive_being_sent_between_processes(sandbox: Host) -> None:
    with pytest.raises(NotFound) as caught:
        sandbox.coda_footprint.list_device_users(device_id=9999)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is NotFound and copy.triple == caught.value.triple
    exited = pickle.loads(pickle.dumps(errors.HostExited(-9, ["last"], outcome="not_applied")))
    assert (exited.exit_status, exited.log_lines, exited.outcome) == (-9, ("last",), "not_applied")


def test_an_unknown_method_is_no_failure_of_a_command(sandbox: Host) -> None:
    with pytest.raises(RequestError) as caught:
        sandbox.request("no/such")
    assert caught.value.code == -32601 and not isinstance(caught.value, CommandError)


def test_policy_and_rate_limits_are_errors_of_their_own() -> None:
    with Host(sandbox=True, read_only=True) as host, pytest.raises(PolicyRefused):
        host.coda_footprint.patch_rescan()
    faults = ["coda: 429 always retry-after 100"]
    with Host(sandbox=True, sandbox_faults=faults) as host, pytest.raises(RateLimited) as caught:
        host.using(timeout=5).coda_footprint.list_tenants()
    assert (caught.value.retry_after_ms or 0) > 5_000


def test_a_dry_run_shows_the_requests(sandbox: Host) -> None:
    integration = sandbox.using(dry_run=True).coda_footprint
    [request] = integration.list_device_users(device_id=1041).requests
    assert request["method"] == "GET" and "1041" in request["url"]


def test_an_unknown_option_is_an_error_before_anything_is_sent(sandbox: Host) -> None:
    with pytest.raises(TypeError, match="device_id"):
        sandbox.invoke("coda_footprint", "list_device_users", device_id=1041)  # type: ignore[call-arg]


def test_argument_that_is_not_json_fails_and_takes_no_slot() -> None:
    with Host(sandbox=True, max_in_flight=1) as host:
        for wrong in (object(), float("nan")):
            with pytest.raises((TypeError, ValueError)):
                host.invoke("coda_footprint", "list_devices", {"page": wrong})
        host.ping(timeout=TIMEOUT)


def test_a_thousand_threads_get_each_its_own_answer(sandbox: Host) -> None:
    integration = sandbox.using(dry_run=True).coda_footprint
    start, answers = threading.Barrier(1000), {}

    def call(device: int) -> None:
        start.wait(TIMEOUT)
        answers[device] = integration.list_device_users(device_id=device).requests[0]["url"]

    threads = [threading.Thread(target=call, args=(id,)) for id in range(1, 1001)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(answers) == 1000
    for device, url in answers.items():
        assert url.endswith(f"={device}") or f"/{device}/" in url, url


def test_submitted_calls_run_side_by_side(sandbox: Host) -> None:
    submitting = sandbox.submitting(dry_run=True).coda_footprint
    sent = [submitting.list_device_users(device_id=id) for id in range(1, 201)]
    urls = {call.result().requests[0]["url"] for call in reversed(sent)}
    assert len(urls) == 200 and all(call.is_done for call in sent)
    assert sent[0].result() is not None, "a result can be asked for again"


def test_a_cancelled_call_says_so() -> None:
    with Host(sandbox=True, sandbox_faults=["coda: slow 60s"]) as host:
        call = host.submit("coda_footprint", "list_tenants")
        with pytest.raises(TimeoutError):
            call.result(wait=0.05)
        assert not call.is_done
        call.cancel()
        with pytest.raises(Cancelled) as caught:
            call.result(wait=TIMEOUT)
        assert caught.value.outcome == "not_applied"
        call.cancel()  # Too late, and no error.


def test_cancel_overtakes_calls_waiting_for_a_slot() -> None:
    faults = ["coda: slow 60s"]
    with Host(sandbox=True, sandbox_faults=faults, max_in_flight=2) as host:
        first, second = (host.submit("coda_footprint", "list_tenants") for _ in range(2))
        with ThreadPoolExecutor(8) as pool:
            dry = host.using(dry_run=True).coda_footprint
            waiting = [pool.submit(dry.list_tenants) for _ in range(8)]
            assert not any(one.done() for one in waiting)
            first.cancel()
            assert all(one.result(TIMEOUT).is_successful for one in waiting)
        second.cancel()
        for call in (first, second):
            with pytest.raises(Cancelled):
                call.result()


def test_timeout_of_the_host_has_its_own_error() -> None:
    with Host(sandbox=True, sandbox_faults=["coda: slow 60s"], timeout=0.3) as host:
        with pytest.raises(TimedOut) as caught:
            host.coda_footprint.list_tenants()
        assert caught.value.status_code == 504


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_is_above_zero(sandbox: Host, timeout: float) -> None:
    expected = f"invalid timeout {timeout!r}; use a positive number of seconds, or None for the host's default."
    for wrong in (
        lambda: Host(timeout=timeout),
        lambda: sandbox.using(timeout=timeout).coda_footprint.list_tenants(),
        lambda: sandbox.stream("coda_footprint", "list_devices", timeout=timeout),
        lambda: sandbox.ping(timeout),
    ):
        with pytest.raises(ValueError) as caught:
            wrong()
        assert str(caught.value) == expected


def test_timeout_applies_if_the_host_does_not_answer(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "GRACE_SECONDS", 0.1)
    silent = fake_host("""
        for request in requests():
            if request["method"] == "cancel":
                log("cancelled %s" % request["params"]["id"])
            if request["method"] == "shutdown":
                break
    """)
    with Host(silent, max_in_flight=1) as host:
        with pytest.raises(TimedOut) as caught:
            host.invoke("vendor", "write", timeout=0.1)
        assert caught.value.outcome == "unknown"
        eventually(lambda: host.log_lines == ["cancelled 1"])
        # The only place is taken: this one was never sent, and so did nothing.
        with pytest.raises(TimedOut) as caught:
            host.invoke("vendor", "write", timeout=0.1)
        assert caught.value.outcome == "not_applied" and caught.value.retryable


def test_timeout_applies_if_the_host_sends_other_messages(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "GRACE_SECONDS", 0.1)
    chatting = fake_host("""
        for request in requests():
            if request["method"] == "ping":
                answer(request, {})
            elif request["method"] == "invoke":
                for _ in range(1000):
                    notify("some/news")
                    time.sleep(0.05)
            elif request["method"] == "shutdown":
                break
    """)
    monkeypatch.setattr("sallyport.process.EXIT_SECONDS", 0.2)
    with Host(chatting, drain_timeout=0) as host:
        for _ in range(3):
            host.ping()
        with pytest.raises(TimedOut):
            host.invoke("vendor", "read", timeout=0.3)


def test_timeout_applies_if_the_host_does_not_read(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "GRACE_SECONDS", 0.1)
    host = Host(fake_host("time.sleep(600)"), drain_timeout=0)
    monkeypatch.setattr("sallyport.process.EXIT_SECONDS", 0.2)
    with host, pytest.raises(TimedOut):
        host.invoke("vendor", "write", {"much": "x" * 10_000_000}, timeout=0.2)


def test_a_long_argument_arrives_whole(sandbox: Host) -> None:
    text = "ä€😀\u2028" * 200_000
    with pytest.raises(InvalidArguments):
        sandbox.invoke("coda_footprint", "list_devices", {"filter": {"ip": text}})
    file = sandbox.files.put(text.encode(), name="long.txt")
    assert sandbox.files.get(file).decode() == text
    sandbox.files.remove(file)


def test_a_line_that_the_host_would_refuse_is_not_sent(sandbox: Host) -> None:
    with pytest.raises(RequestError, match="exceeds the host's maximum line length"):
        sandbox.invoke("coda_footprint", "list_devices", {"filter": {"ip": "x" * 34_000_000}})


def test_progress_callback_runs_in_the_waiting_thread(sandbox: Host) -> None:
    seen: list[tuple[Progress, threading.Thread]] = []
    result = sandbox.using(
        all_pages=True, on_progress=lambda progress: seen.append((progress, threading.current_thread()))
    ).coda_footprint.list_devices()
    assert len(result.raw_data["items"]) == 45
    assert [progress for progress, _ in seen] == [Progress(done, 3) for done in (1, 2, 3)]
    assert {thread for _, thread in seen} == {threading.current_thread()}


def test_an_exception_in_a_callback_cancels_the_call() -> None:
    def stop(_: Progress) -> None:
        raise LookupError

    faults = ["coda: slow 300ms on GET /api/console/elements/devices/"]
    with Host(sandbox=True, sandbox_faults=faults) as host:
        with pytest.raises(LookupError):
            host.using(all_pages=True, on_progress=stop).coda_footprint.list_devices()
        eventually(lambda: host.stats()["errors"] == 1)


def test_wait_for_a_rate_limit_is_reported() -> None:
    seen: list[Waiting] = []
    faults = ["coda: 429 first 1 retry-after 1"]
    with Host(sandbox=True, sandbox_faults=faults) as host:
        assert list(host.streaming(on_waiting=seen.append).coda_footprint.list_tenants())
    assert [waiting.reason for waiting in seen] == ["rate_limited"]
    assert (seen[0].resume_at or "").endswith("Z")


def test_callbacks_that_would_never_be_called_are_errors(sandbox: Host) -> None:
    with pytest.raises(TypeError, match="unknown option of submit"):
        sandbox.submit("coda_footprint", "list_tenants", on_progress=print)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unknown option of invoke"):
        sandbox.invoke("coda_footprint", "list_tenants", on_waiting=print)  # type: ignore[call-arg]


def test_an_integration_without_a_class_can_be_called(sandbox: Host) -> None:
    result = sandbox.integration("coda_footprint").list_devices(page=3)
    assert len(result.raw_data["items"]) == 5


def test_ctrl_c_ends_the_call_and_not_the_host(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import threading, time\n"
        "from sallyport import Host\n"
        "with Host(sandbox=True, sandbox_faults=['coda: slow 60s']) as host:\n"
        "    def watch():\n"
        "        while host.stats()['in_flight'] < 1:\n"
        "            time.sleep(0.01)\n"
        "        print('in flight', flush=True)\n"
        "    threading.Thread(target=watch, daemon=True).start()\n"
        "    try:\n"
        "        host.coda_footprint.list_tenants()\n"
        "    except KeyboardInterrupt:\n"
        "        time.sleep(0.5)\n"  # A host that had got a signal would have stopped.
        "    while host.stats()['errors'] < 1:\n"
        "        pass\n"
        "    print('cancelled')\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in flight\n"
    os.killpg(process.pid, signal.SIGINT)  # As a terminal does it.
    output, _ = process.communicate(timeout=TIMEOUT)
    assert (output, process.returncode) == ("cancelled\n", 0)


def test_upstream_error_holds_the_vendors_body(sandbox: Host) -> None:
    with pytest.raises(UpstreamError) as caught:
        sandbox.bitdefender_gravityzone.get_managed_endpoint_details(managed_endpoint_ids=[ABSENT])
    assert "error" in caught.value.upstream
