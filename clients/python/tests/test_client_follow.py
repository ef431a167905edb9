"""Following events with `Host` and `AsyncHost`, from hosts that a test programs."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from conftest import TIMEOUT, FakeHost
from sallyport import (
    AsyncHost,
    Cancelled,
    FailedPoll,
    Follow,
    Heartbeat,
    Host,
    HostExited,
    InvalidArguments,
    SallyportError,
    TimedOut,
    Unavailable,
)

#: A host that sends `EVENTS` to each follower, as many as may be unacknowledged, and keeps what it
#: got: `kept` returns it. A call is not answered until it is cancelled.
FOLLOWED = """
kept, sent, acknowledged, following = [], {}, {}, {}

def send_more(id):
    window = following[id]
    while sent[id] < EVENTS and sent[id] - acknowledged[id] < window:
        seq = sent[id]
        sent[id] += 1
        notify("events/event", id=id, seq=seq, cursor=f"c{seq}",
               event={"fields": {"Number": seq}, "raw": {"n": seq}})

for request in requests():
    method, params = request["method"], request.get("params", {})
    if method != "kept":
        kept.append([method, params])
    if method == "events/follow":
        id = request["id"]
        following[id] = params.get("max_unacknowledged", 100)
        sent[id] = acknowledged[id] = 0
        notify("events/heartbeat", id=id, cursor=None, next_poll_at="2026-12-01T10:00:00Z")
        send_more(id)
    elif method == "events/ack":
        id = params["id"]
        if id in following:
            acknowledged[id] = max(acknowledged[id], params["seq"] + 1)
            answer(request, {"acknowledged": params["seq"], "unacknowledged": 0})
            send_more(id)
        else:
            say({"jsonrpc": "2.0", "id": request["id"], "error": {
                "code": -32602, "message": "It failed.", "data": {"kind": "validation"}}})
    elif method == "cancel":
        id = params["id"]
        if following.pop(id, None) is not None:
            answer({"id": id}, {"return_data": "Successful", "cursor": None,
                                "meta": {"events": sent[id]}})
        else:
            say({"jsonrpc": "2.0", "id": id, "error": {
                "code": -32800, "message": "It failed.", "data": {"kind": "cancelled"}}})
    elif method == "kept":
        answer(request, kept)
    elif method == "shutdown":
        for id in following:
            answer({"id": id}, {"return_data": "Successful", "meta": {"events": sent[id]}})
        break
"""


def followed(fake_host: FakeHost, events: int) -> str:
    return fake_host(f"EVENTS = {events}\n{FOLLOWED}")


def acknowledged(host: Host) -> list[int]:
    """What the host was sent, in order; the last one was handled before this returns."""
    return [params["seq"] for method, params in host.request("kept") if method == "events/ack"]


def cancels(host: Host) -> int:
    return sum(method == "cancel" for method, _ in host.request("kept"))


def test_an_event_is_acknowledged_when_the_loop_asks_for_the_next(fake_host: FakeHost) -> None:
    with Host(followed(fake_host, 3)) as host:
        numbers = []
        with host.follow("vendor", "fetch") as follow:
            assert follow.cursor is None
            for event in follow:
                assert acknowledged(host) == numbers
                assert event.event == {
                    "fields": {"Number": event.seq},
                    "raw": {"n": event.seq},
                }
                assert event.cursor == f"c{event.seq}"
                numbers.append(event.seq)
                if event.seq == 2:
                    break
            assert follow.cursor == "c1"
        assert numbers == [0, 1, 2] and acknowledged(host) == [0, 1]
        assert follow.result().meta.events == 3
        assert list(follow) == []


def test_the_window_moves_with_the_loop(fake_host: FakeHost) -> None:
    # One event at a time, in a host whose only slot is taken.
    with Host(followed(fake_host, 500), max_in_flight=1) as host:
        silent = host.submit("vendor", "silent")
        seen = 0
        for event in host.follow("vendor", "fetch", max_unacknowledged=1):
            assert event.seq == seen
            seen += 1
            if seen == 500:
                break
        with pytest.raises(TimedOut) as late:
            host.ping(timeout=0.05)
        assert late.value.outcome == "not_applied", "it had no slot"
        silent.cancel()
        with pytest.raises(Cancelled):
            silent.result()
        assert [method for method, _ in host.request("kept")[-2:]] == ["cancel", "cancel"]


def test_params_are_those_of_the_protocol(fake_host: FakeHost) -> None:
    with Host(followed(fake_host, 0), label="soc") as host:
        follow = host.follow(
            "vendor",
            "fetch",
            {"user": "a"},
            connection="prod",
            timeout=2,
            every_seconds=5,
            max_unacknowledged=7,
            checkpoint="inbox",
            field_mapping={"remove": ["x"]},
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        )
        [(method, params)] = host.request("kept")
        assert method == "events/follow"
        assert params == {
            "integration": "vendor",
            "command": "fetch",
            "arguments": {"user": "a"},
            "connection": "prod",
            "every_seconds": 5,
            "max_unacknowledged": 7,
            "checkpoint": "inbox",
            "options": {
                "field_mapping": {"remove": ["x"]},
                "label": "soc",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
                "timeout_ms": 2000,
            },
        }
        follow.close()
        with pytest.raises(TypeError, match="unknown option of follow: all_pages"):
            host.follow("vendor", "fetch", all_pages=True)  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="invalid timeout"):
            host.follow("vendor", "fetch", timeout=0)


def test_acknowledging_is_left_to_the_loop_if_it_wants_so(fake_host: FakeHost) -> None:
    with Host(followed(fake_host, 4)) as host:
        follow = host.follow("vendor", "fetch", auto_ack=False)
        events = [next(follow) for _ in range(4)]
        assert acknowledged(host) == []
        events[2].ack()
        assert acknowledged(host) == [2] and follow.cursor == "c2"
        events[0].ack()
        assert follow.cursor == "c2"
        follow.close()
        follow.result()
        with pytest.raises(InvalidArguments):
            events[3].ack()


def test_an_event_is_acknowledged_once(fake_host: FakeHost) -> None:
    with Host(followed(fake_host, 2)) as host, host.follow("vendor", "fetch") as follow:
        next(follow).ack()
        next(follow)
        assert acknowledged(host) == [0]


@pytest.mark.parametrize("leave", ["break", "with", "close", "error"])
def test_leaving_the_loop_cancels(fake_host: FakeHost, leave: str) -> None:
    with Host(followed(fake_host, 5)) as host:
        if leave == "break":
            for event in host.follow("vendor", "fetch"):
                break
            # The event is in use, and does not keep the follower.
            assert event.seq == 0
        elif leave == "with":
            with host.follow("vendor", "fetch") as follow:
                next(follow)
        elif leave == "close":
            follow = host.follow("vendor", "fetch")
            next(follow)
            follow.close()
            assert list(follow) == []
        else:
            with pytest.raises(LookupError):
                for event in host.follow("vendor", "fetch"):
                    raise LookupError
        gc.collect()
        assert cancels(host) == 1
        assert acknowledged(host) == []


def test_callbacks_get_heartbeats_and_failed_polls(fake_host: FakeHost) -> None:
    failing = fake_host("""
        for request in requests():
            if request["method"] == "events/follow":
                id = request["id"]
                notify("events/heartbeat", id=id, cursor="c", notices=["a"],
                       next_poll_at="2026-12-01T10:00:00Z")
                notify("events/failed", id=id, next_poll_at="2026-12-01T10:01:00Z", error={
                    "kind": "unavailable", "failure_indicator": "Fetch failed.",
                    "status_code": 503, "message": "Try later."})
                notify("events/event", id=id, seq=0, event={"raw": 1})
            if request["method"] == "shutdown":
                break
    """)
    heartbeats: list[Heartbeat] = []
    failures: list[FailedPoll] = []

    def check() -> None:
        assert heartbeats == [Heartbeat("c", "2026-12-01T10:00:00Z", ("a",))]
        [failed] = failures
        assert isinstance(failed.error, Unavailable)
        assert failed.error.triple == ("Fetch failed.", 503, "Try later.")
        assert failed.next_poll_at == "2026-12-01T10:01:00Z"

    async def later() -> None:
        async def failed(poll: FailedPoll) -> None:
            await asyncio.sleep(0)
            failures.append(poll)

        async with AsyncHost(failing) as host:
            follow = host.follow(
                "vendor", "fetch", on_heartbeat=heartbeats.append, on_failed=failed
            )
            async for event in follow:
                assert event.event == {"raw": 1} and event.cursor is None
                break
        check()

    with Host(failing) as host:
        follow = host.follow(
            "vendor", "fetch", on_heartbeat=heartbeats.append, on_failed=failures.append
        )
        assert next(follow).event == {"raw": 1}
        check()
    heartbeats.clear()
    failures.clear()
    asyncio.run(later())


def test_a_callback_that_raises_ends_the_loop_and_cancels(fake_host: FakeHost) -> None:
    def fail(_: object) -> None:
        raise LookupError("on purpose")

    with Host(followed(fake_host, 1)) as host:
        with pytest.raises(LookupError):
            next(host.follow("vendor", "fetch", on_heartbeat=fail))
        assert cancels(host) == 1


def test_a_refused_acknowledgement_ends_the_loop(fake_host: FakeHost) -> None:
    full = fake_host("""
        for request in requests():
            if request["method"] == "events/follow":
                notify("events/event", id=request["id"], seq=0, event={})
            elif request["method"] == "events/ack":
                say({"jsonrpc": "2.0", "id": request["id"], "error": {
                    "code": -32000, "message": "It failed.", "data": {
                        "kind": "unavailable", "message": "The checkpoint cannot be written."}}})
            elif request["method"] == "shutdown":
                break
    """)

    async def later() -> None:
        async with AsyncHost(full) as host:
            follow = host.follow("vendor", "fetch")
            event = await follow.__anext__()
            with pytest.raises(Unavailable, match="cannot be written"):
                await follow.__anext__()
            with pytest.raises(Unavailable, match="cannot be written"):
                await event.ack()

    with Host(full) as host:
        follow = host.follow("vendor", "fetch")
        event = next(follow)
        with pytest.raises(Unavailable, match="cannot be written"):
            next(follow)
        with pytest.raises(Unavailable, match="cannot be written"):
            event.ack()
    asyncio.run(later())


def test_a_refused_request_is_raised_by_the_first_read(fake_host: FakeHost) -> None:
    refusing = fake_host("""
        for request in requests():
            if request["method"] == "shutdown":
                break
            say({"jsonrpc": "2.0", "id": request["id"], "error": {
                "code": -32000, "message": "It failed.", "data": {
                    "kind": "unavailable", "message": "The checkpoint inbox is in use."}}})
    """)

    async def later() -> None:
        async with AsyncHost(refusing) as host:
            with pytest.raises(Unavailable, match="in use"):
                async for _ in host.follow("vendor", "fetch", checkpoint="inbox"):
                    raise AssertionError

    with Host(refusing) as host, pytest.raises(Unavailable, match="in use"):
        next(host.follow("vendor", "fetch", checkpoint="inbox"))
    asyncio.run(later())


def test_lost_events_are_an_error_and_repeated_ones_are_left_out(fake_host: FakeHost) -> None:
    losing = fake_host("""
        for request in requests():
            if request["method"] == "events/follow":
                for seq in (0, 1, 1, 3):
                    notify("events/event", id=request["id"], seq=seq, event={})
            elif request["method"] == "shutdown":
                break
    """)
    with Host(losing) as host:
        follow = host.follow("vendor", "fetch", auto_ack=False)
        assert [next(follow).seq, next(follow).seq] == [0, 1]
        with pytest.raises(SallyportError, match="Event 2 of vendor.fetch is missing"):
            next(follow)


def test_the_loop_ends_by_itself_when_the_host_closes(fake_host: FakeHost) -> None:
    host = Host(followed(fake_host, 3))
    host.open()
    follow = host.follow("vendor", "fetch")
    for event in follow:
        if event.seq == 2:
            # As a signal handler would do.
            closing = threading.Thread(target=host.close)
            closing.start()
    closing.join(TIMEOUT)
    assert follow.result().meta.events == 3
    assert follow.cursor == "c1"


def test_a_host_that_dies_is_an_error_and_the_cursor_continues(fake_host: FakeHost) -> None:
    dying = fake_host("""
        for request in requests():
            if request["method"] == "events/follow":
                start = int(request["params"].get("arguments", {}).get("cursor", 0))
                for seq in range(4 - start):
                    number = start + seq
                    notify("events/event", id=request["id"], seq=seq, cursor=str(number + 1),
                           event={"n": number})
            elif request["method"] == "events/ack":
                answer(request, {})
                if request["params"]["seq"] == 1:
                    os._exit(9)
            elif request["method"] == "cancel":
                answer({"id": request["params"]["id"]}, {"return_data": "Successful"})
            elif request["method"] == "shutdown":
                break
    """)
    seen: list[int] = []
    with Host(dying) as host:
        cursor = None
        while 3 not in seen:
            arguments = {} if cursor is None else {"cursor": cursor}
            follow = host.follow("vendor", "fetch", arguments)
            assert follow.cursor == cursor
            try:
                for event in follow:
                    seen.append(event.event["n"])
                    if event.event["n"] == 3:
                        break
            except HostExited as exited:
                assert exited.exit_status == 9
                host.restart()
            cursor = follow.cursor
    # At least once, and in order.
    assert sorted(set(seen)) == [0, 1, 2, 3]


def in_loop(fake_host: FakeHost, events: int, body: Callable[[AsyncHost], Any], **options: Any) -> None:
    async def main() -> None:
        async with AsyncHost(followed(fake_host, events), **options) as host:
            await asyncio.wait_for(body(host), TIMEOUT)

    asyncio.run(main())


async def what_it_got(host: AsyncHost, name: str) -> list[Any]:
    kept = await host.request("kept")
    return [params.get("seq") for method, params in kept if method == name]


def test_tasks_follow_too(fake_host: FakeHost) -> None:
    async def body(host: AsyncHost) -> None:
        numbers = []
        async with host.follow("vendor", "fetch", max_unacknowledged=2) as follow:
            assert follow.cursor is None
            async for event in follow:
                assert await what_it_got(host, "events/ack") == numbers
                numbers.append(event.seq)
                if event.seq == 9:
                    await event.ack()
                    break
            assert follow.cursor == "c9"
        assert numbers == list(range(10))
        assert (await follow.result()).meta.events == 10
        assert await what_it_got(host, "cancel") == [None]

    in_loop(fake_host, 10, body)


def test_followers_take_no_slot_and_give_none_back(fake_host: FakeHost) -> None:
    async def body(host: AsyncHost) -> None:
        async def count() -> int:
            seen = 0
            async for _ in host.follow("vendor", "fetch", max_unacknowledged=1):
                seen += 1
                if seen == 50:
                    break
            return seen

        silent = await host.submit("vendor", "silent")
        followers = [asyncio.create_task(count()) for _ in range(3)]
        assert await asyncio.gather(*followers) == [50, 50, 50]
        with pytest.raises(TimedOut) as late:
            await host.ping(timeout=0.05)
        assert late.value.outcome == "not_applied", "it had no slot"
        silent.cancel()
        with pytest.raises(Cancelled):
            await silent
        assert len(await what_it_got(host, "cancel")) == 4

    in_loop(fake_host, 50, body, max_in_flight=1)


def test_a_cancelled_task_cancels_its_follower(fake_host: FakeHost) -> None:
    async def body(host: AsyncHost) -> None:
        seen = asyncio.Event()

        async def read() -> None:
            async for event in host.follow("vendor", "fetch", auto_ack=False):
                if event.seq == 1:
                    seen.set()

        reading = asyncio.create_task(read())
        await seen.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await what_it_got(host, "cancel") == [None]
        assert await what_it_got(host, "events/ack") == []

    in_loop(fake_host, 2, body)


def test_following_is_bound_like_other_ways(fake_host: FakeHost) -> None:
    with Host(followed(fake_host, 1)) as host:
        follow = host.following(checkpoint="inbox").integration("vendor").fetch(user="a")
        assert isinstance(follow, Follow)
        assert next(follow).seq == 0
        follow.close()
        [first, *_] = host.request("kept")
        assert first[1]["checkpoint"] == "inbox" and first[1]["arguments"] == {"user": "a"}


def test_a_failed_host_fails_the_follower(fake_host: FakeHost) -> None:
    with Host(fake_host("next(requests()); os._exit(3)")) as host:
        with pytest.raises(HostExited):
            next(host.follow("vendor", "fetch"))
        with pytest.raises(HostExited):
            host.follow("vendor", "fetch")
