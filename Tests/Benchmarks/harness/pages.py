"""Measures 8 and 9: a list of many pages, as one response and as a stream."""

from __future__ import annotations

import json
import time
from statistics import median

import instructions

from .bench import Bench
from .process import Session, result_of
from .table import Figure, note, print_table
from .vendors import LATENCY_MS
from .workload import coda, invoke_line, upstream_line

PAGES = 100
ITEMS_PER_PAGE = 100
AHEAD = 8
STREAMED_ITEMS = 50_000


def measure(bench: Bench) -> list[Figure]:
    times = []
    for _ in range(bench.runs):
        with bench.vendor(pages=PAGES) as (address, seen):
            with Session(bench.serving(coda(address))) as session:
                session.result(upstream_line(1))  # signs in
                start = time.perf_counter()
                session.send(_line(2, {"all_pages": True}))
                answer = session.read_line()
                times.append((time.perf_counter() - start) * 1000)
        _check_ids([item["id"] for item in _items(result_of(answer))], PAGES * ITEMS_PER_PAGE)
        if seen["reads"] != PAGES + 1:
            raise SystemExit(f"Sallyport made {seen['reads']} calls.")
    own, ideal = median(times), (1 + (PAGES - 1) / AHEAD) * LATENCY_MS
    print_table(
        f"8. `list_devices` with `all_pages`, {PAGES} pages of {LATENCY_MS} ms, signed in",
        ["host", "median ms", "min ms", "to ideal"],
        [["Sallyport", f"{own:.1f}", f"{min(times):.1f}", f"{own / ideal:.2f}x"]],
    )
    note(
        f"Ideal: the first page, and then {AHEAD} at a time: {ideal:.0f} ms. Every item was "
        "returned once, in order."
    )
    return [Figure(8, "all_pages", own, 350, "ms")]


def measure_stream(bench: Bench) -> list[Figure]:
    pages = STREAMED_ITEMS // ITEMS_PER_PAGE
    times, peaks = [], []
    for _ in range(bench.runs):
        with bench.vendor(0, pages=pages) as (address, _):
            with Session(bench.serving(coda(address))) as session:
                session.result(upstream_line(1))
                start = time.perf_counter()
                session.send(_line(2, {"all_pages": True, "stream": True}))
                lines = _stream(session)
                times.append((time.perf_counter() - start) * 1000)
                peaks.append(session.peak_mb())
        _check_ids([item["id"] for line in lines for item in _streamed(line)], STREAMED_ITEMS)
    count = instructions.streamed_item(bench.counter) if bench.counter else None
    print_table(
        f"9. {STREAMED_ITEMS:,} streamed items of 200 bytes",
        ["host", "median ms", "items/s", "peak MB", "instructions per item"],
        [
            [
                "Sallyport",
                f"{median(times):.0f}",
                f"{STREAMED_ITEMS / median(times) * 1000:,.0f}",
                f"{max(peaks):.1f}",
                "-" if count is None else f"{count:,}",
            ]
        ],
    )
    return [Figure(9, "streamed item", count, 9_000, "instructions")]


def _line(identifier: int, options: dict[str, bool]) -> str:
    return invoke_line(identifier, "coda_footprint", "list_devices", {}, options)


def _stream(session: Session) -> list[bytes]:
    """The notifications before the response."""
    lines = []
    while b'"result":' not in (line := session.read_line()):
        if b'"error":' in line:
            raise SystemExit(f"The host failed: {line[:500]!r}")
        lines.append(line)
    return lines


def _streamed(line: bytes) -> list[dict[str, int]]:
    params = json.loads(line)["params"]
    return [params["item"]] if "item" in params else params.get("items", [])


def _items(result: dict[str, object]) -> list[dict[str, int]]:
    raw = result["raw_data"]
    pages = raw if isinstance(raw, list) else [raw]
    return [item for page in pages for item in (page["items"] if "items" in page else [page])]


def _check_ids(ids: list[int], count: int) -> None:
    if ids != list(range(1, count + 1)):
        raise SystemExit(f"Sallyport returned {len(ids)} items ({ids[:3]}...), not {count}.")
