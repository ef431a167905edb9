"""Labels, traces, what a call cost, and other things that are for the operator."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import FakeHost
from opentelemetry import trace
from sallyport import AsyncHost, CommandError, Host, InvalidArguments, Meta, Problem, SpentTime

TRACE_ID, SPAN_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0x00F067AA0BA902B7
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"

#: A host that returns the params of a call as its data.
ECHO = """
    for request in requests():
        if request["method"] == "shutdown":
            break
        answer(request, {"return_data": "Successful", "raw_data": request.get("params")})
"""


@pytest.fixture
def span() -> Iterator[None]:
    context = trace.SpanContext(TRACE_ID, SPAN_ID, True, trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(context)):
        yield


def options_of(host: Host, **options: Any) -> dict[str, Any]:
    """The options that the host gets."""
    result = host.invoke("vendor", "read", **options)
    sent: dict[str, Any] = result.raw_data.get("options", {})
    return sent


def test_a_call_has_the_label_of_its_host_unless_it_has_one(fake_host: FakeHost) -> None:
    with Host(fake_host(ECHO), label="incident 4711") as host:
        assert options_of(host) == {"label": "incident 4711"}
        assert options_of(host, label="incident 4712") == {"label": "incident 4712"}
        assert options_of(host, label="") == {}
        bound = host.using(label="ticket").integration("vendor").read()
        assert bound.raw_data["options"] == {"label": "ticket"}
        assert host.submit("vendor", "read", label="sent").result().raw_data["options"] == {
            "label": "sent"
        }


def test_the_current_span_is_the_parent(fake_host: FakeHost, span: None) -> None:
    with Host(fake_host(ECHO)) as host:
        assert options_of(host) == {"traceparent": TRACEPARENT}
        assert options_of(host, traceparent=OTHER) == {"traceparent": OTHER}
        assert host.request("any/method", {}) == {"return_data": "Successful", "raw_data": {}}
    with Host(fake_host(ECHO), propagate_trace=False) as host:
        assert options_of(host) == {}
        assert options_of(host, traceparent=OTHER) == {"traceparent": OTHER}


def test_without_a_span_there_is_no_parent(fake_host: FakeHost) -> None:
    with Host(fake_host(ECHO)) as host:
        assert options_of(host) == {}


@pytest.mark.parametrize("module", [types.ModuleType("opentelemetry.trace"), None])
def test_a_broken_opentelemetry_breaks_no_call(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", module)
    with Host(fake_host(ECHO)) as host:
        assert options_of(host) == {}


def test_tasks_have_their_own_span_and_label(fake_host: FakeHost) -> None:
    async def main() -> None:
        async with AsyncHost(fake_host(ECHO), label="nightly") as host:

            async def call(number: int) -> Any:
                context = trace.SpanContext(TRACE_ID, number, True, trace.TraceFlags(0))
                with trace.use_span(trace.NonRecordingSpan(context)):
                    return (await host.invoke("vendor", "read")).raw_data["options"]

            assert await asyncio.gather(call(1), call(2)) == [
                {"label": "nightly", "traceparent": f"00-{TRACE_ID:032x}-{number:016x}-00"}
                for number in (1, 2)
            ]
            streamed = host.stream("vendor", "read", label="one", traceparent=OTHER)
            assert [item async for item in streamed] == []
            assert (await streamed.result()).raw_data["options"] == {
                "label": "one",
                "traceparent": OTHER,
                "stream": True,
            }

    asyncio.run(main())


def test_meta_is_typed_on_results_and_errors(fake_host: FakeHost) -> None:
    host_with_meta = fake_host("""
        META = {"connection": "prod", "trace_id": "0af7651916cd43dd8448eb211c80319c",
                "duration_ms": 31, "requests": 3, "retries": 1, "waited_ms": 20,
                "spent_ms": {"queue": 1, "vendor": 10, "plugin": 2, "tomorrow": 5},
                "replayed": True, "tomorrow": 1}
        for request in requests():
            if request["method"] == "shutdown":
                break
            command = request["params"]["command"]
            if command == "read":
                answer(request, {"return_data": "Successful", "meta": META})
            elif command == "bare":
                answer(request, {"return_data": "Successful"})
            else:
                code = -32602 if command == "refused" else -32000
                kind = "validation" if command == "refused" else "network"
                say({"jsonrpc": "2.0", "id": request["id"], "error": {
                    "code": code, "message": "It failed.", "data": {"kind": kind, "meta": META}}})
    """)
    expected = Meta(
        duration_ms=31,
        requests=3,
        retries=1,
        waited_ms=20,
        connection="prod",
        trace_id="0af7651916cd43dd8448eb211c80319c",
        spent_ms=SpentTime(queue=1, vendor=10, plugin=2),
        replayed=True,
    )
    with Host(host_with_meta) as host:
        assert host.invoke("vendor", "read").meta == expected
        assert host.invoke("vendor", "bare").meta == Meta()
        with pytest.raises(CommandError) as failed:
            host.invoke("vendor", "fail")
        assert failed.value.meta == expected
        with pytest.raises(InvalidArguments) as refused:
            host.invoke("vendor", "refused")
        assert refused.value.meta == expected


def test_metrics_are_text_and_reload_says_what_it_changed(fake_host: FakeHost) -> None:
    operated = fake_host("""
        for request in requests():
            if request["method"] == "shutdown":
                break
            if request["method"] == "metrics":
                answer(request, {"content_type": "text/plain", "text": "# EOF\\n"})
            elif request["method"] == "connections/reload":
                answer(request, {"added": ["a"], "changed": ["b", "c"], "removed": [], "rejected": [
                    {"name": "d", "problems": [
                        {"path": "/settings/api_key", "message": "must not be empty"}]}]})
    """)

    def check(text: str, reloaded: Any) -> None:
        assert text == "# EOF\n"
        assert (reloaded.added, reloaded.changed, reloaded.removed) == (["a"], ["b", "c"], [])
        [rejected] = reloaded.rejected
        assert rejected.name == "d"
        assert rejected.problems == [Problem("/settings/api_key", "must not be empty", None)]

    async def later() -> None:
        async with AsyncHost(operated) as host:
            check(await host.metrics(), await host.reload())

    with Host(operated) as host:
        check(host.metrics(), host.reload())
    asyncio.run(later())
