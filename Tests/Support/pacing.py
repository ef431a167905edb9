"""Rate limits seen from the vendor, without wall-clock assertions that a busy machine breaks."""

from __future__ import annotations

from collections.abc import Iterable

from Support.upstream import Request

#: Seconds that two clocks may differ by rounding.
CLOCK_GRAIN = 0.005


def assert_paced(requests: Iterable[Request], limit: int, seconds: float, begin: float) -> None:
    """At most `limit` requests are sent in any `seconds`.

    Arrivals are compared with `begin`, a `time.monotonic()` from before the first of them was sent:
    a delay makes every arrival later, so it cannot make this fail. Gaps between arrivals would
    shrink if an early one is noticed late.
    """
    for index, request in enumerate(sorted(requests, key=lambda request: request.at)):
        earliest = begin + index // limit * seconds - CLOCK_GRAIN
        assert request.at >= earliest, (
            f"request {index + 1} came {request.at - begin:.3f} s after the begin; allowed are {limit} in {seconds} s")
