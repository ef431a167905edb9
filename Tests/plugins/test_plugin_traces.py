"""Traces and times of plugins: what the program gets, what the vendor does not, and where time went."""

from __future__ import annotations

import re
import time

from Support.mcp_servers import Servers, received
from Support.mcp_servers import invoke as invoke_tool
from Support.upstream import Upstream, reply

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
WAIT = 150  # milliseconds
#: Milliseconds that the parts of a duration may miss on a busy machine.
SLACK = 40


def span(traceparent):
    match = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", traceparent)
    assert match and match[1] not in (SPAN, "0" * 16), traceparent
    return match[1]


def test_the_program_gets_the_span_of_the_invocation(plugins):
    plugins.add()
    with plugins.host() as host:
        options = [
            host.call(traceparent=PARENT, label="x")["result"]["raw_data"]["params"]["options"]
            for _ in range(2)]
        assert len({span(each["traceparent"]) for each in options}) == 2
        assert all("label" not in each for each in options)
        answer = host.call()["result"]
        given = answer["raw_data"]["params"]["options"]["traceparent"]
        assert given.split("-")[1] == answer["meta"]["trace_id"] != TRACE


def test_an_mcp_server_gets_the_span_of_the_invocation(tmp_path):
    servers = Servers(tmp_path)
    folder = servers.add_scripted()
    with servers.host() as host:
        answer = host.ask(invoke_tool(1, "echo", traceparent=PARENT))
        assert answer["result"]["meta"]["trace_id"] == TRACE
    (call,) = received(folder, "tools/call")
    span(call["params"]["_meta"]["traceparent"])


def test_the_vendor_of_a_plugin_gets_no_traceparent(plugins):
    plugins.add()
    with Upstream(lambda request: reply(200, {})) as vendor, plugins.host() as host:
        step = {"ask": ["host/http", {"method": "GET", "url": f"{vendor.url}/x"}]}
        host.call(steps=[step], url=vendor.url, traceparent=PARENT)
        assert vendor.requests[0].header("traceparent") is None


def test_the_time_of_the_program_and_of_its_vendor(plugins):
    plugins.add()

    def answer(request):
        time.sleep(WAIT / 1000)
        return reply(200, {})

    with Upstream(answer) as vendor, plugins.host() as host:
        host.call()
        step = {"ask": ["host/http", {"method": "GET", "url": f"{vendor.url}/x"}]}
        meta = host.call(steps=[{"sleep": WAIT / 1000}, step], url=vendor.url)["result"]["meta"]
    spent = meta["spent_ms"]
    assert spent["plugin"] >= WAIT and spent["vendor"] >= WAIT, meta
    assert abs(sum(spent.values()) - meta["duration_ms"]) <= SLACK, meta
    assert meta["requests"] == 1


def test_an_error_of_a_plugin_has_meta(plugins):
    plugins.add()
    with plugins.host() as host:
        for data in (host.failure(steps=[{"exit": 1}], traceparent=PARENT),
                     host.failure(arguments={"x": 1}, traceparent=PARENT)):
            assert data["meta"]["trace_id"] == TRACE
