"""Measures 10 and 11: a large report and a large attachment, stored as files."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .bench import Bench
from .process import Session, interleaved
from .programs import Program
from .table import Figure, print_table, quotient, ratio
from .vendors import API_KEY, USER, gmail, gravityzone, write_key
from .workload import invoke_line

REPORT_BYTES = 60_000_000
ATTACHMENT_BYTES = 42_000_000
REPORT = f"{1:024d}"
CURL = "curl"


@dataclass(frozen=True)
class Download:
    """Seconds of wall and CPU time; the peak in MB, 0 if it was not measured."""

    wall: float
    cpu: float
    peak: float


def measure_report(bench: Bench) -> list[Figure]:
    arguments = {"report_ids": [REPORT]}
    line = invoke_line(1, "bitdefender_gravityzone", "download_reports", arguments)
    with bench.vendor(0, file_bytes=REPORT_BYTES) as (address, _):
        query = f"reportId={REPORT}&allInstances=0&serviceType=1"
        url = f"{address}/api/v1.0/http/downloadReportZip?{query}"
        expected = hashlib.sha256(_fetch(url, _basic())).hexdigest()
        words = bench.serving(gravityzone(address))
        ways = {"Sallyport": lambda: _store(words, line, expected)}
        if shutil.which(CURL):
            ways[CURL] = lambda: _curl(url, bench.folder / "report.zip", expected)
        done = _medians(interleaved(bench.runs, ways))
    title = f"10. `download_reports` of {REPORT_BYTES / 1e6:.0f} MB, three hashes"
    _report(title, done, CURL, bench.runs)
    own, curl = done["Sallyport"], done.get(CURL)
    return [
        Figure(10, "report to a file: wall to curl", quotient(own.wall, curl and curl.wall), 2),
        Figure(10, "report to a file: peak memory", own.peak, 30, "MB"),
    ]


def measure_attachment(bench: Bench) -> list[Figure]:
    arguments = {
        "user_email": USER,
        "message_id": "attached",
        "attachment_file_names": ["logs.zip"],
    }
    line = invoke_line(1, "gmail", "download_email_attachment", arguments)
    key = write_key(bench.folder)
    with bench.vendor(0, file_bytes=ATTACHMENT_BYTES) as (address, _):
        url = f"{address}/gmail/v1/users/me/messages/attached/attachments/1"
        encoded = json.loads(_fetch(url, _bearer(address)))["data"]
        expected = hashlib.sha256(base64.urlsafe_b64decode(encoded + "==")).hexdigest()
        connection = gmail(address, key)

        def once(program: Program) -> Download:
            return _store(bench.serving(connection, program=program), line, expected)

        programs = [bench.sallyport, *([bench.baseline] if bench.baseline else [])]
        ways = {each.name: lambda each=each: once(each) for each in programs}
        done = _medians(interleaved(bench.runs, ways))
    title = f"11. `download_email_attachment` of {ATTACHMENT_BYTES / 1e6:.0f} MB"
    _report(title, done, "Baseline", bench.runs)
    own, earlier = done["Sallyport"], done.get("Baseline")
    to_earlier = quotient(own.cpu, earlier and earlier.cpu)
    return [
        Figure(11, "attachment: peak memory", own.peak, 60, "MB"),
        Figure(11, "attachment: CPU to the baseline", to_earlier, 0.6),
    ]


def _fetch(url: str, authorization: str) -> bytes:
    request = urllib.request.Request(url, headers={"Authorization": authorization})
    with urllib.request.urlopen(request) as response:
        return response.read()


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{API_KEY}:".encode()).decode()


def _bearer(address: str) -> str:
    with urllib.request.urlopen(f"{address}/token", data=b"{}") as response:
        return f"Bearer {json.load(response)['access_token']}"


def _store(words: list[str], line: str, expected: str) -> Download:
    with Session(words) as session:
        start = time.perf_counter()
        (file,) = session.result(line)["files"]
        wall = time.perf_counter() - start
        peak = session.peak_mb()
        content = Path(file["path"]).read_bytes()
        cpu = session.end()
    _check(file, content, expected)
    return Download(wall, cpu, peak)


def _check(file: dict[str, Any], content: bytes, expected: str) -> None:
    hashes = {name: hashlib.new(name, content).hexdigest() for name in ("md5", "sha1", "sha256")}
    if hashes["sha256"] != expected or any(file[name] != value for name, value in hashes.items()):
        raise SystemExit(f"Sallyport stored other content: {file}")


def _curl(url: str, output: Path, expected: str) -> Download:
    words = [CURL, "-sSf", "-u", f"{API_KEY}:", "-o", str(output), url]
    start = time.perf_counter()
    subprocess.run(words, check=True)
    wall = time.perf_counter() - start
    if hashlib.sha256(output.read_bytes()).hexdigest() != expected:
        raise SystemExit("curl stored other content.")
    return Download(wall, 0, 0)


def _medians(done: dict[str, list[Download]]) -> dict[str, Download]:
    return {
        name: Download(
            median(each.wall for each in all_),
            median(each.cpu for each in all_),
            max(each.peak for each in all_),
        )
        for name, all_ in done.items()
    }


def _report(title: str, done: dict[str, Download], base: str, runs: int) -> None:
    to = done.get(base, Download(0, 0, 0))
    rows = [
        [
            name,
            f"{each.wall * 1000:.0f}",
            ratio(each.wall, to.wall),
            f"{each.cpu * 1000:.0f}" if each.cpu else "-",
            ratio(each.cpu, to.cpu),
            f"{each.peak:.1f}" if each.peak else "-",
        ]
        for name, each in done.items()
    ]
    header = ["program", "wall ms", f"to {base}", "CPU ms", f"to {base}", "peak MB"]
    print_table(f"{title} (medians of {runs} interleaved runs)", header, rows)
