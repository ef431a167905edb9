"""Every line has exactly one accounted outcome, whatever is on it."""

from __future__ import annotations

import pytest
from accounting import expect_accounted
from frames import read_frame
from Support.host import Host, request
from mutation import Lines

LINES = 20_000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_line_is_answered_exactly_as_often_as_it_is_due(seed):
    source = Lines(seed)
    lines = [source.line() for _ in range(LINES)]
    with Host("--sandbox") as host:
        data = b"\n".join(lines)
        while data:
            size = source.random.choice([1, 100, 5_000, 100_000])
            host.send_bytes(data[:size])
            data = data[size:]
        host.close_input()
        frames = [read_frame(line) for line in host.rest_lines()]
        assert host.exit_code() == 0, host.errors
    expect_accounted(lines, frames)


def test_host_counts_lines_and_responses():
    with Host("--max-line-bytes", "1000") as host:
        host.send(request(1, "ping"), "", "nonsense", "too long" * 1000, {"jsonrpc": "2.0", "method": "ping"}, [1, request(2, "ping")])
        host.read_all(4)
        stats = host.result("stats")
    assert {name: stats[name] for name in ("lines", "results", "errors", "notifications", "in_flight")} == {
        "lines": 6, "results": 2, "errors": 3, "notifications": 1, "in_flight": 0}
