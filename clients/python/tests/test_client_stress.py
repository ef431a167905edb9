"""Calls of all kinds at once, and interrupted anywhere."""

from __future__ import annotations

import random
import signal
import sys
import threading
from types import FrameType

import pytest
from conftest import TIMEOUT
from sallyport import Host, Result, SallyportError


def is_for(device: int, result: Result) -> bool:
    url = str(result.requests[0]["url"])
    return url.endswith(f"={device}") or f"/{device}/" in url


def test_leading_and_waiting_callers_do_not_interfere() -> None:
    failures: list[BaseException] = []

    def some(seed: int) -> None:
        chance = random.Random(seed)
        dry, sent = host.using(dry_run=True).coda_footprint, host.submitting(dry_run=True).coda_footprint
        try:
            for _ in range(150):
                device = chance.randrange(1, 10_000)
                kind = chance.randrange(5)
                if kind == 0:
                    calls = [(id, sent.list_device_users(device_id=id)) for id in range(1, 30)]
                    assert all(is_for(id, call.result(wait=TIMEOUT)) for id, call in calls)
                elif kind == 1 and seed % 2:
                    items = host.streaming(timeout=TIMEOUT).coda_footprint.list_devices(page=3)
                    assert len(list(items)) == 5
                elif kind == 2:
                    threading.Event().wait(chance.random() * 0.03)  # Others are alone meanwhile.
                else:
                    assert is_for(device, dry.list_device_users(device_id=device))
        except BaseException as failure:
            failures.append(failure)

    with Host(sandbox=True, max_in_flight=32, timeout=TIMEOUT) as host:
        threads = [threading.Thread(target=some, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * TIMEOUT)
        assert not any(thread.is_alive() for thread in threads)
        assert not failures, failures


class Interruption(Exception):
    """Stands in for KeyboardInterrupt."""


@pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="there an interruption at the end of a `with` leaves a lock of Python's own locked",
)
def test_interruptions_lose_no_response_and_no_line() -> None:
    chance = random.Random(1)

    def interrupt(number: int, frame: FrameType | None) -> None:
        # In this package only: elsewhere the test itself would be what is interrupted.
        if is_armed and frame is not None and "sallyport" in frame.f_code.co_filename:
            raise Interruption
        signal.setitimer(signal.ITIMER_REAL, 0.0002)

    failures: list[BaseException] = []
    stopping = threading.Event()

    def beside() -> None:
        dry = host.using(dry_run=True).coda_footprint
        device = 0
        try:
            while not stopping.is_set():
                device += 1
                assert is_for(device, dry.list_device_users(device_id=device))
        except BaseException as failure:
            failures.append(failure)

    is_armed = False
    interrupted = answered = 0
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Host(sandbox=True, timeout=TIMEOUT) as host:
            dry = host.using(dry_run=True).coda_footprint
            for phase in ("alone", "beside"):
                other = threading.Thread(target=beside)
                if phase == "beside":
                    other.start()
                for device in range(1, 1001):
                    try:
                        is_armed = True
                        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00002, 0.0005))
                        result = dry.list_device_users(device_id=device)
                        is_armed = False
                        assert is_for(device, result)
                        answered += 1
                    except Interruption:
                        is_armed = False
                        interrupted += 1
                stopping.set()
                if phase == "beside":
                    other.join(TIMEOUT)
                    assert not other.is_alive()
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert not failures, failures
            host.ping()
            # Every place is free again.
            sent = [host.submit("coda_footprint", "list_tenants", dry_run=True) for _ in range(200)]
            assert all(call.result().is_successful for call in sent)
        assert interrupted > 100 and answered > 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_host_that_dies_while_a_caller_reads_for_itself(sandbox: Host) -> None:
    with Host(sandbox=True, sandbox_faults=["coda: slow 60s"]) as host:
        for _ in range(3):
            host.ping()  # From now on callers read for themselves.
        assert host.pid is not None
        threading.Timer(0.2, lambda: host._process.kill()).start()  # type: ignore[union-attr]
        with pytest.raises(SallyportError, match="signal 9"):
            host.coda_footprint.list_tenants()
