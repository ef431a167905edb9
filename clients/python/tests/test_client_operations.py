"""Following, traces, labels, metrics and reloading, with the built executable."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import re
import signal
from typing import Any

import pytest
from conftest import TIMEOUT
from opentelemetry import trace
from sallyport import (
    AsyncHost,
    CommandError,
    FailedPoll,
    Heartbeat,
    Host,
    HostExited,
    InvalidArguments,
    RequestError,
    Unavailable,
)

#: The mail of the emulated mailbox, oldest first.
MAILBOX: dict[str, Any] = {"user_email": "soc@harbor.example", "start_time": "2026-11-16"}


def key(event: Any) -> str:
    text: str = event.event["fields"]["Unique Event Key"]
    return text


def mail_of(host: Host) -> list[str]:
    events = host.using(connection="gmail_sandbox").gmail.fetch_event(
        **MAILBOX, end_time="2027-01-01"
    ).events
    keys = [event["fields"]["Unique Event Key"] for event in events]
    assert len(set(keys)) == len(keys) > 8
    return keys


def test_a_checkpoint_continues_behind_the_acknowledged_events(tmp_path: pathlib.Path) -> None:
    seen = []
    with Host(sandbox=True, state_dir=tmp_path) as host:
        everything = mail_of(host)
        while len(seen) < len(everything):
            # The one of `break` is not acknowledged and comes again, so each round ends with a new one.
            with host.following(checkpoint="soc").gmail.fetch_event(**MAILBOX) as follow:
                for count, event in enumerate(follow, 1):
                    seen.append(key(event))
                    if count == 3 or len(seen) == len(everything):
                        event.ack()
                        break
            assert follow.result().meta.events is not None
    assert seen == everything


def test_a_killed_host_repeats_no_acknowledged_event(tmp_path: pathlib.Path) -> None:
    acknowledged: list[str] = []
    delivered: list[str] = []
    with Host(sandbox=True, state_dir=tmp_path) as host:
        everything = mail_of(host)
        while len(acknowledged) < len(everything):
            follow = host.following(checkpoint="soc", auto_ack=False).gmail.fetch_event(**MAILBOX)
            try:
                for count, event in enumerate(follow):
                    assert key(event) not in acknowledged
                    delivered.append(key(event))
                    if count == 2 and host.pid is not None and len(acknowledged) < 6:
                        os.kill(host.pid, signal.SIGKILL)
                    event.ack()
                    acknowledged.append(key(event))
                    if len(acknowledged) == len(everything):
                        break
            except HostExited as exited:
                assert exited.exit_status == -signal.SIGKILL
                host.restart()
    assert acknowledged == everything
    assert len(delivered) > len(everything)


def test_one_follower_has_the_checkpoint_until_it_is_closed(tmp_path: pathlib.Path) -> None:
    with Host(sandbox=True, state_dir=tmp_path) as host:
        commands = host.following(checkpoint="soc").gmail
        for _ in range(5):
            with commands.fetch_event(**MAILBOX) as first:
                next(first)
                with pytest.raises(Unavailable, match="in use"):
                    next(commands.fetch_event(**MAILBOX))


def test_refusals_name_the_problem(sandbox: Host) -> None:
    def problem(**options: Any) -> str:
        arguments = {**MAILBOX, **options.pop("arguments", {})}
        follow = sandbox.follow(
            "gmail", "fetch_event", arguments, connection="gmail_sandbox", **options
        )
        with pytest.raises(InvalidArguments) as refused:
            next(follow)
        [one] = refused.value.problems
        return one.path

    assert problem(arguments={"end_time": "2027-01-01"}) == "/arguments/end_time"
    assert problem(checkpoint="soc") == "/checkpoint"
    assert problem(every_seconds=0) == "/every_seconds"
    with pytest.raises(RequestError):
        next(sandbox.follow("coda_footprint", "list_devices"))


def test_heartbeats_and_failures_are_told() -> None:
    told: list[Heartbeat | FailedPoll] = []

    class Polled(Exception):
        pass

    def leave(heartbeat: Heartbeat) -> None:
        told.append(heartbeat)
        raise Polled

    with Host(sandbox=True, sandbox_faults=["gmail: 403 first 1"]) as host:
        events = host.following(every_seconds=1, on_heartbeat=leave, on_failed=told.append)
        seen = []
        with pytest.raises(Polled):
            for event in events.gmail.fetch_event(**MAILBOX):
                seen.append(key(event))
        assert seen == mail_of(host)
    failed, heartbeat = told
    assert isinstance(failed, FailedPoll) and isinstance(failed.error, CommandError)
    assert isinstance(heartbeat, Heartbeat) and heartbeat.cursor == event.cursor
    assert failed.next_poll_at is not None and heartbeat.next_poll_at is not None


def test_tasks_follow_and_a_drained_host_ends_them() -> None:
    async def main() -> None:
        async with AsyncHost(sandbox=True) as host:
            beats: list[Heartbeat] = []
            follow = host.following(on_heartbeat=beats.append).gmail.fetch_event(**MAILBOX)
            first = await follow.__anext__()
            await first.ack()
            assert follow.cursor == first.cursor
            closing = asyncio.create_task(host.close())
            rest = [event async for event in follow]
            assert await closing == 0
            result = await follow.result()
            assert result.meta.events == 1 + len(rest)

    asyncio.run(asyncio.wait_for(main(), TIMEOUT))


def test_the_host_continues_the_trace_of_the_program(sandbox: Host) -> None:
    trace_id = 0x4BF92F3577B34DA6A3CE929D0E0E4736
    context = trace.SpanContext(trace_id, 0x00F067AA0BA902B7, True, trace.TraceFlags(1))
    commands = sandbox.using(connection="coda_sandbox").coda_footprint
    with trace.use_span(trace.NonRecordingSpan(context)):
        meta = commands.list_tenants().meta
        with pytest.raises(CommandError) as failed:
            commands.list_device_users(device_id=9999)
        with pytest.raises(InvalidArguments) as refused:
            commands.list_devices(page=-1)
    for one in (meta, failed.value.meta, refused.value.meta):
        assert one.trace_id == f"{trace_id:032x}"
    assert meta.connection == "coda_sandbox"
    assert meta.spent_ms.vendor <= meta.duration_ms
    other = commands.list_tenants().meta.trace_id
    assert other is not None and re.fullmatch("[0-9a-f]{32}", other) and int(other, 16) != trace_id


def test_an_overlong_label_is_a_problem_of_its_option(sandbox: Host) -> None:
    with pytest.raises(InvalidArguments) as refused:
        sandbox.using(label="x" * 65).coda_footprint.list_tenants()
    assert [problem.path for problem in refused.value.problems] == ["/options/label"]
    assert sandbox.using(label="x" * 64).coda_footprint.list_tenants().is_successful


def test_a_replayed_result_says_so(tmp_path: pathlib.Path) -> None:
    with Host(sandbox=True, state_dir=tmp_path) as host:
        commands = host.using(idempotency_key="once").bitdefender_gravityzone
        create = {"group_name": "Quarantined"}
        assert not commands.create_group(**create).meta.replayed
        assert commands.create_group(**create).meta.replayed


def test_metrics_count_the_calls(sandbox: Host) -> None:
    sandbox.coda_footprint.list_tenants()
    text = sandbox.metrics()
    [count] = re.findall(
        r'^sallyport_invocations_total\{[^}]*command="list_tenants"[^}]*result="successful"[^}]*\} (\d+)',
        text, re.M,
    )  # fmt: skip
    assert int(count) >= 1 and text.endswith("# EOF\n")

    async def later() -> str:
        async with AsyncHost(sandbox=True) as host:
            return await host.metrics()

    assert asyncio.run(later()).endswith("# EOF\n")


def test_reloading_reports_what_changed(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "connections.json"

    def write(**urls: str) -> None:
        connections = {
            name: {
                "integration": "coda_footprint",
                "settings": {"server_url": url, "user_name": "u", "password": "p"},
            }
            for name, url in urls.items()
        }
        file.touch(0o600)
        file.write_text(json.dumps({"connections": connections}))

    write(a="https://a.example", b="https://b.example")
    with Host(connections=file) as host:
        host.ping()  # It has read the file.
        write(b="https://other.example", c="https://c.example")
        assert host.reload() == (["c"], ["b"], ["a"], [])
        assert host.reload() == ([], [], [], [])
        write(b="nothing", c="https://c.example", d="https://d.example")
        added, changed, removed, [rejected] = host.reload()
        assert (added, changed, removed, rejected.name) == ([], [], [], "b")
        assert any("server_url" in problem.path for problem in rejected.problems)
        file.write_text("{")
        with pytest.raises(CommandError):
            host.reload()
        assert [one["name"] for one in host.connections()] == ["b", "c"]

    async def later() -> None:
        write(a="https://a.example")
        async with AsyncHost(connections=file) as host:
            await host.ping()
            write(a="https://other.example")
            assert (await host.reload()).changed == ["a"]

    asyncio.run(later())


def test_without_a_file_there_is_nothing_to_reload(sandbox: Host) -> None:
    with pytest.raises(CommandError):
        sandbox.reload()
