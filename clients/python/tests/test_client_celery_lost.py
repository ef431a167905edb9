"""Workers that are killed, stopped, or lose their host, with what they had taken."""

from __future__ import annotations

import os
import pathlib
import signal

import pytest
from conftest import TIMEOUT, eventually
from sallyport import Cancelled, CommandError, Unavailable
from sallyport.celery import Remote, WorkerSettings
from sallyport.celery.exchange import Exchange
from sallyport.celery.failures import cancelled_in_time
from sallyport.celery.runner import GiveBack, Invocation, Runner
from workers import DEVICES, LEASE, Machines, machines, redis_server  # noqa: F401

INDEX = "sallyport-unacked-index"


@pytest.fixture
def remote(machines: Machines) -> Remote:
    return Remote(machines.server.url, connection="a")


def send(remote: Remote, *scanners: int, reads: int = 2, **options: object) -> list:
    """Commands that read, and one that changes something for each scanner."""
    sent = [remote.submit("coda_footprint", "list_tenants") for _ in range(reads)]
    return sent + [
        remote.submit("coda_footprint", "patch_rescan", {"scanner_id": one}, **options) for one in scanners
    ]


def test_of_two_workers_one_is_killed_and_every_command_is_answered(
    machines: Machines, remote: Remote
) -> None:
    vendor = machines.vendor()
    first = machines.worker()
    lost = send(remote, 1, 2)
    vendor.wait(lambda: len(vendor.calls) == 4, "the first worker is full")
    second = machines.worker()
    kept = send(remote, 3, 4)
    vendor.wait(lambda: len(vendor.calls) == 8, "the second worker is full")
    waiting = send(remote, 5, 6)

    first.kill()
    vendor.gate.set()
    assert [call.result(TIMEOUT).return_data for call in kept + waiting + lost[:2]] == ["Successful"] * 10
    for call in lost[2:]:
        with pytest.raises(Unavailable) as caught:
            call.result(TIMEOUT)
        error = caught.value
        assert error.triple == ("Patch Rescan failed.", 503, "A worker started the command and was lost before it responded.")
        assert (error.outcome, error.retryable) == ("unknown", False)
        assert "list_scanners" in str(error.remedy)
    # The lost ones, too, and none twice.
    assert vendor.rescans == ["1", "2", "3", "4", "5", "6"]
    assert second.stop() == 0
    assert not machines.server.client.zrange(INDEX, 0, -1)


def test_second_delivery_returns_the_first_result_with_a_shared_state_dir(
    machines: Machines, remote: Remote, tmp_path: pathlib.Path
) -> None:
    vendor = machines.vendor()
    first = machines.worker(state_dir=tmp_path / "state")
    calls = send(remote, 1, 2, reads=0)
    vendor.wait(lambda: len(vendor.calls) == 2, "both were begun")
    # Its host records their outcomes; the worker no longer gets them.
    first.process.send_signal(signal.SIGSTOP)
    vendor.gate.set()
    ledger = tmp_path / "state/idempotency.jsonl"
    eventually(lambda: ledger.read_text().count('"end":"done"') == 2)
    first.kill()
    machines.worker(state_dir=tmp_path / "state")
    assert [call.result(TIMEOUT).raw_data for call in calls] == [[], []]
    assert vendor.rescans == ["1", "2"]


def test_cancelling_a_started_command_does_not_report_not_applied(
    machines: Machines, remote: Remote, tmp_path: pathlib.Path
) -> None:
    vendor = machines.vendor()
    first = machines.worker(state_dir=tmp_path / "state")
    [call] = send(remote, 1, reads=0)
    vendor.wait(lambda: len(vendor.calls) == 1, "it was begun")
    first.kill()
    call.cancel()
    machines.worker(state_dir=tmp_path / "state")
    with pytest.raises(Unavailable) as caught:
        call.result(TIMEOUT)
    assert caught.value.outcome == "unknown"


def test_command_started_by_an_earlier_delivery_stays_started(machines: Machines, tmp_path: pathlib.Path) -> None:
    """Also when a later one is given back, which by itself did nothing."""
    exchange = Exchange(machines.server.url)
    settings = WorkerSettings(("coda_sandbox",), sandbox=True, state_dir=str(tmp_path / "state"))
    runner = Runner(settings, exchange)
    command = Invocation("id", "coda_footprint", "patch_rescan", "coda_sandbox", {}, {})
    assert runner._ledger is not None
    exchange.claim("id", runner._ledger)

    def cancelled(*_: object, **__: object) -> None:
        raise cancelled_in_time("Patch Rescan")

    runner._ask = cancelled  # type: ignore[method-assign, assignment]
    runner.stop()
    with pytest.raises(GiveBack):
        runner.run(command)
    assert exchange.is_claimed("id")
    runner.forget("id")
    exchange.release("id")
    with pytest.raises(GiveBack):
        runner.run(command)
    assert not exchange.is_claimed("id")
    runner.close()


def test_another_state_dir_is_not_taken_for_the_same(
    machines: Machines, remote: Remote, tmp_path: pathlib.Path
) -> None:
    vendor = machines.vendor()
    first = machines.worker(state_dir=tmp_path / "state")
    [call] = send(remote, 1, reads=0)
    vendor.wait(lambda: len(vendor.calls) == 1, "it was begun")
    first.kill()
    vendor.gate.set()
    machines.worker(state_dir=tmp_path / "other")
    with pytest.raises(Unavailable):
        call.result(TIMEOUT)
    assert vendor.rescans == ["1"]


def test_who_wants_it_repeated_gets_it_repeated(machines: Machines, remote: Remote) -> None:
    vendor = machines.vendor()
    first = machines.worker()
    [call] = send(remote, 1, reads=0, redelivered="repeat")
    vendor.wait(lambda: len(vendor.calls) == 1, "it was begun")
    first.kill()
    vendor.gate.set()
    machines.worker()
    assert call.result(TIMEOUT).is_successful
    assert vendor.rescans == ["1", "1"]


def test_items_arrive_once_and_in_order_if_the_worker_is_killed(
    machines: Machines, remote: Remote
) -> None:
    vendor = machines.vendor()
    first = machines.worker()
    with remote.streaming(all_pages=True).coda_footprint.list_devices() as devices:
        items = [next(devices), next(devices)]
        vendor.wait_for(2, DEVICES)
        first.kill()
        machines.worker()
        vendor.wait_for(4, DEVICES)
        vendor.gate.set()
        items += devices
        assert items == ["a", "b", "c", "d", "e"]
        assert devices.result().meta.items == 5


def test_command_longer_than_a_lease_is_not_repeated(
    machines: Machines, remote: Remote
) -> None:
    vendor = machines.vendor()
    workers = [machines.worker()]
    [call] = send(remote, 1, reads=0)
    vendor.wait(lambda: len(vendor.calls) == 1, "it was begun")
    workers.append(machines.worker())
    workers[1].wait_until_ready()
    [(tag, taken)] = machines.server.client.zrange(INDEX, 0, -1, withscores=True)

    def is_held_for_two_leases() -> bool:
        held = machines.server.client.zrange(INDEX, 0, -1, withscores=True)
        assert [one for one, _ in held] == [tag]
        return bool(held[0][1] > taken + 2 * LEASE)

    eventually(is_held_for_two_leases)
    vendor.gate.set()
    assert call.result(TIMEOUT).is_successful
    assert vendor.rescans == ["1"]
    assert [worker.log.read_text().count("received") for worker in workers] == [1, 0]


def test_stopping_worker_finishes_started_commands(
    machines: Machines, remote: Remote
) -> None:
    vendor = machines.vendor()
    worker = machines.worker(drain_seconds=60, lease_seconds=120)
    calls = send(remote, 1, 2)
    vendor.wait(lambda: len(vendor.calls) == 4, "all were begun")
    worker.process.send_signal(signal.SIGTERM)
    eventually(lambda: worker.has_said("Warm shutdown"))
    later = send(remote, reads=1)
    vendor.gate.set()
    assert worker.process.wait(TIMEOUT) == 0
    assert [call.result(TIMEOUT).return_data for call in calls] == ["Successful"] * 4
    assert machines.server.client.llen("sallyport.a") == 1
    machines.worker()
    assert later[0].result(TIMEOUT).is_successful
    assert vendor.rescans == ["1", "2"]


def test_stopping_worker_requeues_or_reports_unfinished_commands(
    machines: Machines, remote: Remote
) -> None:
    vendor = machines.vendor()
    worker = machines.worker(drain_seconds=0.2)
    reads, writes = send(remote), send(remote, 1, reads=0)
    vendor.wait(lambda: len(vendor.calls) == 3, "all were begun")
    assert worker.stop() == 0
    with pytest.raises(Cancelled) as caught:
        writes[0].result(TIMEOUT)
    assert caught.value.outcome == "unknown"
    assert machines.server.client.llen("sallyport.a") == 2
    vendor.gate.set()
    machines.worker()
    assert [call.result(TIMEOUT).return_data for call in reads] == ["Successful"] * 2
    assert vendor.rescans == ["1"]


def test_killed_host_is_restarted(machines: Machines, remote: Remote) -> None:
    vendor = machines.vendor()
    worker = machines.worker()
    [read], [write] = send(remote, reads=1), send(remote, 1, reads=0)
    vendor.wait(lambda: len(vendor.calls) == 2, "both were begun")
    [host] = worker.hosts
    os.kill(host, signal.SIGKILL)
    with pytest.raises(CommandError) as caught:
        write.result(TIMEOUT)
    assert (caught.value.kind, caught.value.outcome) == ("unavailable", "unknown")
    vendor.gate.set()
    assert read.result(TIMEOUT).is_successful
    assert worker.hosts not in ([], [host])
    assert vendor.rescans == ["1"]


def test_connections_to_redis_that_break_lose_nothing(machines: Machines, remote: Remote) -> None:
    vendor = machines.vendor()
    worker = machines.worker()
    calls = send(remote, 1)
    vendor.wait(lambda: len(vendor.calls) == 3, "all were begun")
    for kind in ("normal", "pubsub"):
        machines.server.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
    eventually(lambda: worker.log.read_text().count("Connected to redis://") == 2)
    vendor.gate.set()
    assert [call.result(TIMEOUT).return_data for call in calls] == ["Successful"] * 3
    [later] = send(remote, reads=1)
    assert later.result(TIMEOUT).is_successful
    # The broker delivers them once more; they are not run once more.
    eventually(lambda: not machines.server.client.zcard(INDEX))
    assert worker.log.read_text().count("received") == 3 + 3 + 1
    assert len(vendor.calls) == 3 + 1
