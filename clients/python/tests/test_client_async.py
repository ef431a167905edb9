"""`AsyncHost`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from conftest import TIMEOUT, FakeHost
from sallyport import (
    AsyncHost,
    Cancelled,
    HealthChange,
    HostClosed,
    HostExited,
    InvalidArguments,
    Progress,
    TimedOut,
    Waiting,
    calls,
)


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), TIMEOUT * 2))


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + TIMEOUT
    while not await condition():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.01)


async def one_error(host: AsyncHost) -> bool:
    return bool((await host.stats())["errors"] == 1)


def test_commands_are_awaited() -> None:
    async def body() -> None:
        async with AsyncHost(sandbox=True) as host:
            result = await host.coda_footprint.list_devices(page=2)
            assert len(result.raw_data["items"]) == 20
            with pytest.raises(InvalidArguments):
                await host.invoke("coda_footprint", "list_devices", {"page": 0})
            dry = await host.using(dry_run=True).coda_footprint.list_tenants()
            assert len(dry.requests) == 1
            await host.ping()
            assert (await host.limits())["host"]["max_in_flight"] == 64
            assert "AsyncHost, process" in repr(host)
        assert not host.is_running
        with pytest.raises(HostClosed):
            await host.ping()

    run(body)


def test_a_thousand_at_a_time_get_each_its_own_answer() -> None:
    async def body() -> None:
        async with AsyncHost(sandbox=True) as host:
            dry = host.using(dry_run=True).coda_footprint
            results = await asyncio.gather(
                *(dry.list_device_users(device_id=id) for id in range(1, 1001))
            )
            urls = [result.requests[0]["url"] for result in results]
            assert len(set(urls)) == 1000
            submitting = host.submitting(dry_run=True).coda_footprint
            sent = [await submitting.list_device_users(device_id=id) for id in range(1, 201)]
            assert [(await call).requests[0]["url"] for call in sent] == urls[:200]

    run(body)


def test_cancelling_a_task_cancels_the_command() -> None:
    async def body() -> None:
        async with AsyncHost(sandbox=True, sandbox_faults=["coda: slow 60s"]) as host:
            task = asyncio.ensure_future(host.coda_footprint.list_tenants())
            await host.ping()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await eventually(lambda: one_error(host))

            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(host.coda_footprint.list_tenants(), 0.1)

            call = await host.submit("coda_footprint", "list_tenants")
            call.cancel()
            with pytest.raises(Cancelled):
                await call

    run(body)


def test_one_task_that_gives_up_leaves_the_others_their_answer(fake_host: FakeHost) -> None:
    stubborn = fake_host("""
        for request in requests():
            if request["method"] == "invoke":
                first = request
            elif request["method"] == "cancel":
                answer(first, SUCCESS)
            elif request["method"] == "shutdown":
                break
    """)

    async def body() -> None:
        async with AsyncHost(stubborn) as host:
            call = await host.submit("vendor", "read")
            quitting, staying = (asyncio.ensure_future(call.result()) for _ in range(2))
            await asyncio.sleep(0)
            quitting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await quitting
            assert (await staying).is_successful

    run(body)


def test_task_cancelled_while_waiting_takes_no_slot(fake_host: FakeHost) -> None:
    slow = fake_host("""
        for request in requests():
            if request["method"] == "invoke":
                first = request
            elif request["method"] == "cancel":
                answer(first, SUCCESS)
            elif request["method"] == "ping":
                answer(request, {})
            elif request["method"] == "shutdown":
                break
    """)

    async def body() -> None:
        async with AsyncHost(slow, max_in_flight=1) as host:
            first = await host.submit("vendor", "read")
            waiting = [asyncio.ensure_future(host.ping()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            first.cancel()
            await asyncio.gather(*waiting[1:])
            await host.ping()

    run(body)


def test_task_cancelled_with_a_new_slot_releases_it() -> None:
    async def body() -> None:
        async with AsyncHost(sandbox=True, max_in_flight=1) as host:
            process = host._process
            assert process is not None
            process._free = 0
            waiting = asyncio.ensure_future(host.ping())
            await asyncio.sleep(0)
            process._release(1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert process._free == 1

    run(body)


def test_streams_come_in_order_with_progress_and_a_result() -> None:
    async def body() -> None:
        progress: list[Progress] = []

        async def told(one: Progress) -> None:
            await asyncio.sleep(0)
            progress.append(one)

        async with AsyncHost(sandbox=True) as host:
            stream = host.streaming(all_pages=True, on_progress=told).coda_footprint.list_devices()
            assert [device["id"] async for device in stream] == list(range(1045, 1000, -1))
            assert (await stream.result()).meta.items == 45
            assert progress == [Progress(done, 3) for done in (1, 2, 3)]
            seen: list[Progress] = []
            whole = await host.using(
                all_pages=True, on_progress=seen.append
            ).coda_footprint.list_devices()
            assert len(whole.raw_data["items"]) == 45 and len(seen) == 3

    run(body)


def test_waits_are_reported() -> None:
    async def body() -> None:
        seen: list[Waiting] = []
        faults = ["coda: 429 first 1 retry-after 1"]
        async with AsyncHost(sandbox=True, sandbox_faults=faults) as host:
            async for _ in host.stream("coda_footprint", "list_tenants", on_waiting=seen.append):
                pass
        assert [waiting.reason for waiting in seen] == ["rate_limited"]

    run(body)


@pytest.mark.parametrize("leave", ["break", "with", "task"])
def test_leaving_a_stream_early_cancels(leave: str) -> None:
    async def body() -> None:
        faults = ["coda: slow 1500ms on GET /api/console/elements/devices/"]
        async with AsyncHost(sandbox=True, sandbox_faults=faults) as host:
            streaming = host.streaming(all_pages=True).coda_footprint
            if leave == "break":
                async for _ in streaming.list_devices():
                    break
                gc.collect()
            elif leave == "with":
                async with streaming.list_devices() as stream:
                    await stream.__anext__()
            else:
                stream = streaming.list_devices()
                task = asyncio.ensure_future(stream.__anext__())
                await host.ping()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await eventually(lambda: one_error(host))

    run(body)


def test_killed_in_the_middle_every_call_ends_and_a_restart_helps() -> None:
    async def body() -> None:
        async with AsyncHost(sandbox=True, sandbox_faults=["coda: slow 60s"]) as host:
            sent = [await host.submit("coda_footprint", "list_tenants") for _ in range(20)]
            assert host.pid is not None
            os.kill(host.pid, signal.SIGKILL)
            for call in sent:
                with pytest.raises(HostExited) as caught:
                    await call
                assert (caught.value.exit_status, caught.value.outcome) == (-9, "unknown")
            with pytest.raises(HostExited) as caught:
                await host.ping()
            assert caught.value.outcome == "not_applied"
            await host.restart()
            await host.ping()

    run(body)


def test_a_host_that_never_began_has_changed_nothing(fake_host: FakeHost) -> None:
    refusing = fake_host("""
        next(requests())
        os._exit(2)
    """)

    async def body() -> None:
        async with AsyncHost(refusing) as host:
            with pytest.raises(HostExited) as caught:
                await host.invoke("vendor", "write")
        assert str(caught.value) == "The host exited with status 2."
        assert caught.value.outcome == "not_applied"

    run(body)


def test_a_crash_shows_the_last_log_lines(fake_host: FakeHost) -> None:
    crashing = fake_host("""
        for request in requests():
            for number in range(100):
                log(f"line {number}")
            os._exit(7)
    """)

    async def body() -> None:
        async with AsyncHost(crashing) as host:
            with pytest.raises(HostExited) as caught:
                await host.invoke("vendor", "write")
        assert caught.value.exit_status == 7
        assert caught.value.log_lines[-1] == "line 99" and len(caught.value.log_lines) == 20

    run(body)


def test_host_that_breaks_the_protocol_is_killed(fake_host: FakeHost) -> None:
    babbling = fake_host("""
        for request in requests():
            os.write(1, b"hello\\n")
    """)

    async def body() -> None:
        async with AsyncHost(babbling) as host:
            with pytest.raises(HostExited, match="not JSON"):
                await host.ping()

    run(body)


def test_timeout_applies_if_the_host_does_not_answer(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "GRACE_SECONDS", 0.1)
    silent = fake_host("""
        for request in requests():
            if request["method"] == "shutdown":
                break
    """)

    async def body() -> None:
        async with AsyncHost(silent, max_in_flight=1) as host:
            with pytest.raises(TimedOut) as caught:
                await host.invoke("vendor", "write", timeout=0.1)
            assert caught.value.outcome == "unknown"
            with pytest.raises(TimedOut) as caught:
                await host.invoke("vendor", "write", timeout=0.1)
            assert caught.value.outcome == "not_applied"

    run(body)


def test_close_waits_for_requests_in_flight() -> None:
    async def body() -> None:
        host = AsyncHost(sandbox=True, sandbox_faults=["coda: slow 300ms"])
        await host.open()
        sent = [await host.submit("coda_footprint", "list_tenants") for _ in range(10)]
        assert await host.close() == 0
        assert all([(await call).is_successful for call in sent])
        slow = AsyncHost(sandbox=True, sandbox_faults=["coda: slow 60s"], drain_timeout=0.2)
        await slow.open()
        await slow.submit("coda_footprint", "list_tenants")
        assert await slow.close() == 3

    run(body)


def test_files_and_health_and_connections() -> None:
    async def body() -> None:
        changes: asyncio.Queue[HealthChange] = asyncio.Queue()
        async with AsyncHost(sandbox=True) as host:
            content = os.urandom(1_500_000)
            file = await host.files.put(content, name="one.bin")
            assert await host.files.get(file) == content
            assert [one async for one in host.files.list()] == [file]
            assert await host.files.remove(file)
            host.on_health(changes.put_nowait)
            await host.watch("coda_sandbox", interval_seconds=60)
            assert (await changes.get()).status == "healthy"
            assert [one.connection for one in await host.health()] == ["coda_sandbox"]
            assert await host.reset_limits("coda_sandbox") == 0
            await host.unwatch("coda_sandbox")
            assert len(await host.connections()) >= 2

    run(body)
