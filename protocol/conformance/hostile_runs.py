"""Hostile input of several lines, and hostile use of the pipes and the process."""

from __future__ import annotations

import json
import signal
from typing import Any

from accounting import expect_accounted
from case import hostile
from comparison import Number, differs
from expectations import (
    brief, expect_each_once, expect_ending, expect_nothing, expect_silence, id_text)
from faults import Fault
from messages import BOM, ENDLESS, PING, PONG, SLOW, call, ping, pong
from mutation import Lines
from process import HostProcess, Launch

#: Seconds without reading after which a host counts as blocked, not slow.
QUIET_SECONDS = 1.0

RESPONSE_SHAPED = b'{"jsonrpc":"2.0","id":1,"result":"logged, never answered"}\n'


def read(host: HostProcess, count: int) -> list[Any]:
    return [host.read() for _ in range(count)]


def read_to(host: HostProcess, id: str) -> list[Any]:
    """The frames up to the response to this id."""
    frames = [host.read()]
    while not (isinstance(frames[-1], dict) and frames[-1].get("id") == id):
        frames.append(host.read())
    return frames


# Ids in flight.

@hostile("id-in-flight-twice", "2.4", "2.5", needs_sandbox=True)
def id_in_flight_twice(launch: Launch) -> None:
    """An id in flight is refused in every spelling, and can be used again afterwards."""
    with launch(*ENDLESS) as host:
        host.send(call('"a"'))
        for number, line in enumerate([call('"a"'), ping('"a"'), ping(r'"\u0061"'), b"[%s]" % ping('"a"')], 2):
            host.send(line)
            refused = (
                '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"data":{"line":%d,"…":"…"},"…":"…"}}' % number)
            host.expect(f"[{refused}]" if line.startswith(b"[") else refused)
        host.send(b'{"jsonrpc":"2.0","method":"cancel","params":{"id":"a"}}')
        host.expect('{"jsonrpc":"2.0","id":"a","error":{"code":-32800,"…":"…"}}')
        host.send(ping('"a"'))
        host.expect_line(pong('"a"'))
        expect_nothing(host.finish())


# Batches and many lines.

@hostile("batch-of-10000", "2.3", "2.7")
def batch_of_10000(launch: Launch) -> None:
    """A batch of 10,000 requests gets one array."""
    ids = [str(id) for id in range(10_000)]
    with launch() as host:
        host.send(b"[%s]" % b",".join(map(ping, ids)))
        frame = host.read()
        if not isinstance(frame, list):
            raise Fault("the response to a batch is an array", got=brief(frame))
        expect_each_once([frame], ids)
        expect_nothing(host.finish())


@hostile("10000-at-once", "2.3", "2.5", "2.7")
def ten_thousand_at_once(launch: Launch) -> None:
    """10,000 requests in one write get one response each."""
    ids = [str(id) for id in range(10_000)]
    with launch() as host:
        host.send(*map(ping, ids))
        expect_each_once(host.finish(), ids)


@hostile("mutated-lines", "2.2", "2.3", "2.5", "2.6")
def mutated_lines(launch: Launch) -> None:
    """5,000 random lines, damaged and whole, get exactly the responses that are due."""
    source = Lines(seed=2026)
    lines = [source.line() for _ in range(5000)]
    with launch() as host:
        host.send(*lines)
        expect_accounted(lines, host.finish())


# Pieces.

@hostile("byte-by-byte", "2.1")
def byte_by_byte(launch: Launch) -> None:
    """Lines that arrive one byte at a time get the same responses as whole lines."""
    with launch() as host:
        for line, answer in [
            (BOM + ping('"é😀"') + b"\r\n\n", pong('"é😀"')), (ping("1.50") + b"\n", pong("1.50")),
            (b"[" + PING + b"]\n", b"[" + PONG + b"]"),
        ]:
            for byte in line:
                host.send_bytes(bytes([byte]))
                host.wait_until_input_is_read()
            host.expect_line(answer)
        expect_nothing(host.finish())


@hostile("half-a-line", "2.1")
def half_a_line(launch: Launch) -> None:
    """A line gets its response while the next line is still incomplete."""
    with launch() as host:
        for _ in range(3):
            host.send_bytes(PING + b"\n" + PING[:10])
            host.expect_line(PONG)
            host.send_bytes(PING[10:] + b"\n")
            host.expect_line(PONG)
        expect_nothing(host.finish())


@hostile("input-ends-inside-a-line", "2.1", "2.5", "2.8")
def input_ends_inside_a_line(launch: Launch) -> None:
    """A line that EOF cuts off is refused, and the host exits normally."""
    for cut in (PING[:-1], PING[:20], b'"\xe2\x82', b"["):
        with launch() as host:
            host.send(ping("7"))
            host.send_bytes(cut)
            host.close_input()
            expect_ending(host, [
                '{"jsonrpc":"2.0","id":7,"result":{}}',
                '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"data":{"line":2,"…":"…"},"…":"…"}}'])


@hostile("input-ends-without-line-end", "2.1", "2.8")
def input_ends_without_line_end(launch: Launch) -> None:
    """The last line needs no LF, and empty input is valid."""
    for last, answers in [(PING, [PONG]), (PING + b"\r", [PONG]), (BOM + PING, [PONG]), (BOM, []), (b"", [])]:
        with launch() as host:
            host.send_bytes(last)
            host.close_input()
            expect_ending(host, [answer.decode() for answer in answers])


# EOF and signals.

@hostile("slow-calls-then-end", "1.2", "2.8", needs_sandbox=True)
def slow_calls_then_end(launch: Launch) -> None:
    """20 slow calls, then EOF at once: all get a response before the host exits."""
    ids = [str(id) for id in range(20)]
    with launch(*SLOW) as host:
        host.send(*map(call, ids))
        frames = host.finish()
        expect_each_once(frames, ids)
        for frame in frames:
            problem = differs({"return_data": "Successful", "…": "…"}, frame.get("result"))
            if problem:
                raise Fault(f"a call did not succeed: {problem}", got=brief(frame))


@hostile("signal-in-flight", "1.2", "2.8", needs_sandbox=True)
def signal_in_flight(launch: Launch) -> None:
    """SIGTERM and SIGINT stop reading; calls in flight get a response, and the host exits with 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        ids = ["1", "2", "3"]
        with launch(*SLOW) as host:
            host.send(*map(call, ids), ping('"read"'))
            frames = read_to(host, "read")
            host.signal(number)
            expect_each_once([*frames, *host.expect_end()], [*ids, '"read"'])


@hostile("signal-when-idle", "1.2", "2.8")
def signal_when_idle(launch: Launch) -> None:
    """SIGTERM stops an idle host, with exit status 0."""
    with launch() as host:
        host.send(PING)
        host.expect_line(PONG)
        host.signal(signal.SIGTERM)
        expect_nothing(host.expect_end())


# Unread pipes.

@hostile("closed-stdout", "1.2", "2.9")
def closed_stdout(launch: Launch) -> None:
    """If stdout is closed, the host exits with 4: when idle, and while it writes."""
    with launch() as host:
        host.send(PING)
        host.expect_line(PONG)
        host.close_output()
        host.expect_end(4)
    with launch(reads_output=False) as host:
        host.offer(b"\n".join(map(ping, map(str, range(100_000)))), QUIET_SECONDS)
        host.close_output()
        host.expect_end(4)


@hostile("closed-stdout-in-flight", "1.2", "2.9", needs_sandbox=True)
def closed_stdout_in_flight(launch: Launch) -> None:
    """If stdout is closed while calls are in flight, the host exits with 4 without finishing them."""
    with launch(*ENDLESS) as host:
        host.send(call("1"), call("2"), ping("3"))
        host.read()
        host.close_output()
        host.expect_end(4)


@hostile("closed-stderr", "1.3")
def closed_stderr(launch: Launch) -> None:
    """A closed stderr does no harm."""
    with launch(reads_errors=False) as host:
        host.process.stderr.close()
        host.send_bytes(RESPONSE_SHAPED * 100)
        expect_silence(host, "after them")
        expect_nothing(host.finish())


@hostile("undrained-stderr", "1.3", "2.6")
def undrained_stderr(launch: Launch) -> None:
    """An unread stderr and 30,000 lines that cause logs do not delay responses."""
    with launch(reads_errors=False) as host:
        host.send_bytes(RESPONSE_SHAPED * 30_000)
        expect_silence(host, "after them")
        expect_nothing(host.finish())


@hostile("unread-answers", "2.7")
def unread_answers(launch: Launch) -> None:
    """Unread responses stop the host from reading; read later, all are there."""
    ids = [json.dumps(f"{number} " + "x" * 4000) for number in range(16_000)]
    with launch(reads_output=False) as host:
        if not host.offer(b"".join(ping(id) + b"\n" for id in ids), QUIET_SECONDS):
            raise Fault("the host read 64 megabytes of requests although no response was read")
        host.reads_output = True
        host.send_rest()
        expect_each_once(host.finish(), ids)


# Frames.

@hostile("whole-frames", "2.2", "2.3")
def whole_frames(launch: Launch) -> None:
    """Many large responses at once, to a slow reader: every frame is whole."""
    ids = [json.dumps(f"{id} " + chr(97 + id % 26) * 50_000) for id in range(100)]
    asked = [f"{id}.0" for id in range(100)]
    with launch(reads_output=False) as host:
        lines = [line for id, other in zip(ids, asked) for line in (ping(id), capabilities(other))]
        host.offer(b"\n".join(lines[:150]) + b"\n", QUIET_SECONDS)
        host.reads_output = True
        host.send_rest()
        frames = read(host, 150)
        host.send_bytes(b"\n".join(lines[150:]))
        expect_each_once([*frames, *host.finish()], ids + asked)


def capabilities(id: str) -> bytes:
    return b'{"jsonrpc":"2.0","id":%s,"method":"capabilities"}' % id.encode()


@hostile("streams-side-by-side", "2.2", "2.4", "3.9", needs_sandbox=True)
def streams_side_by_side(launch: Launch) -> None:
    """Concurrent streams: each in order, numbered from 0, the response last, the id unchanged."""
    ids = ["1.50", "2e0", '"s"', "18446744073709551617"]
    options = {"stream": True, "all_pages": True}
    with launch("--sandbox") as host:
        host.send(*(call(id, "list_devices", options=options) for id in ids))
        frames = host.finish()
        expect_each_once(frames, ids)
        for id in ids:
            expect_stream([frame for frame in frames if id_text(id_of(frame)) == id], id)


def id_of(frame: Any) -> Any:
    """The id of a response, or of the request that a notification belongs to."""
    params = frame.get("params")
    return frame.get("id", params.get("id") if isinstance(params, dict) else None)


def expect_stream(frames: list[Any], id: str) -> None:
    *notifications, last = frames
    numbers = [frame["params"].get("seq") for frame in notifications if frame.get("method") == "invoke/item"]
    expected = [str(number) for number in range(len(numbers))]
    if numbers != expected or not numbers:
        raise Fault(
            f"the items of {id} are not numbered in order", expected="seq 0, 1, 2, …",
            got=f"seq {', '.join(map(str, numbers))}"[:500])
    meta = {"items": Number(len(numbers)), "…": "…"}
    problem = differs({"return_data": "Successful", "meta": meta, "…": "…"}, last.get("result"))
    if problem:
        raise Fault(f"the stream of {id} does not end with its response: {problem}", got=brief(last))
