#!/usr/bin/env python3
"""Counts the instructions of five hot paths, and compares them with the committed figures.

    python3 Tests/Benchmarks/instructions.py            prints the counts
    python3 Tests/Benchmarks/instructions.py --check    fails if one is more than 10 % above its figure
    python3 Tests/Benchmarks/instructions.py --update   writes the figures; say why in the commit

Counts are those of user space (`valgrind --tool=callgrind`). They do not depend on the load of the machine,
but on the toolchain, the C library and libcurl, so figures of another toolchain are not compared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from Benchmarks.harness import workload  # noqa: E402
from Benchmarks.harness.table import note, print_table  # noqa: E402
from Support.session import connection  # noqa: E402
from Support.upstream import Tenant, reply  # noqa: E402

FIGURES = Path(__file__).with_suffix(".json")
#: Counts of one toolchain differ by less; larger ones need an explanation.
TOLERANCE = 0.10
DEVICES_PER_PAGE = 100


class Counter:
    """Runs the host in valgrind."""

    def __init__(self, sallyport: Path, folder: Path) -> None:
        self.sallyport = sallyport
        self.folder = folder

    def run(self, settings: dict[str, object], lines: Sequence[str]) -> int:
        """The instructions from start to exit; every line must be answered with a result."""
        connections = self.folder / "connections.json"
        connections.write_text(json.dumps({"connections": {"prod": settings}}))
        connections.chmod(0o600)
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(self.sallyport)]
        ended = subprocess.run(
            [*command, "serve", "--connections", str(connections)],
            input="".join(lines), capture_output=True, text=True, check=True,
            # The host looks for abandoned directories of files there.
            env=os.environ | {"TMPDIR": str(self.folder)})
        answers = [json.loads(line) for line in ended.stdout.splitlines()]
        failures = [answer for answer in answers if "error" in answer]
        if failures or sum("id" in answer for answer in answers) < len(lines):
            raise SystemExit(f"The host failed: {(failures or answers)[:1]} {ended.stderr[:500]}")
        count = re.search(r"refs:\s+([\d,]+)", ended.stderr)
        assert count, ended.stderr
        return int(count[1].replace(",", ""))


def line(identifier: int, method: str, params: object = None) -> str:
    message = {"jsonrpc": "2.0", "id": identifier, "method": method}
    return json.dumps(message | ({} if params is None else {"params": params})) + "\n"


def dry_run_line(counter: Counter) -> int:
    """One validated dry run, of 4,000."""
    rng = random.Random(workload.SEED)
    lines = [workload.dry_run_line(number, rng) for number in range(1, 5_001)]
    settings = connection("https://coda.example.com")
    return (counter.run(settings, lines) - counter.run(settings, lines[:1_000])) // 4_000


def first_response(counter: Counter) -> int:
    """From start to the summary of the catalogue and exit."""
    return counter.run(connection("https://coda.example.com"), [workload.capabilities_line()])


def repeated_tools_list(counter: Counter) -> int:
    """tools/list for the second time. More responses would not fit a pipe, and wait for their reader."""
    lines = [line(number, "tools/list") for number in (1, 2)]
    settings = connection("https://coda.example.com")
    return counter.run(settings, lines) - counter.run(settings, lines[:1])


def vendor_call(counter: Counter) -> int:
    """One call of a vendor over loopback, one after the other, signed in before."""
    devices = reply(200, {"items": [{"id": number, "name": f"PC-{number}"} for number in range(10)]})
    with Tenant(lambda request: devices) as tenant:
        settings = connection(tenant.url, max_concurrency=1)
        lines = [workload.upstream_line(number) for number in range(1, 221)]
        return (counter.run(settings, lines) - counter.run(settings, lines[:20])) // 200


def streamed_item(counter: Counter) -> int:
    """One streamed item of 200 bytes, on pages of 100."""

    def pages(count: int) -> int:
        def answer(request):
            number = int(dict(request.query).get("page", 1))
            first = number * DEVICES_PER_PAGE
            items = [{"id": first + offset, "name": f"PC-{first + offset}", "ip": "10.0.0.5", "note": "x" * 140}
                     for offset in range(DEVICES_PER_PAGE)]
            return reply(200, {"page": number, "totalPages": count, "items": items})

        with Tenant(answer) as tenant:
            params = {"integration": "coda_footprint", "command": "list_devices",
                      "options": {"stream": True, "all_pages": True}}
            return counter.run(connection(tenant.url), [line(1, "invoke", params)])

    return (pages(60) - pages(20)) // (40 * DEVICES_PER_PAGE)


PATHS: dict[str, Callable[[Counter], int]] = {
    function.__name__: function
    for function in (dry_run_line, first_response, repeated_tools_list, vendor_call, streamed_item)
}


def toolchain() -> str:
    version = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Swift version \S+", version)
    libc = " ".join(platform.libc_ver())
    return f"{found[0] if found else version.strip()}, {libc}, {platform.machine()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if a count is above its figure")
    parser.add_argument("--update", action="store_true", help="write the figures")
    default = TESTS.parent / ".build" / "release" / "sallyport"
    parser.add_argument("--sallyport", type=Path, default=default, metavar="PATH", help="the executable")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is needed: apt-get install valgrind")
    with tempfile.TemporaryDirectory(prefix="sallyport-instructions-") as name:
        counter = Counter(options.sallyport.resolve(), Path(name))
        counts = {name: path(counter) for name, path in PATHS.items()}
    return report(counts, options)


def report(counts: dict[str, int], options: argparse.Namespace) -> int:
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"toolchain": "", "instructions": {}}
    figures = known["instructions"]
    rows = [[name, f"{count:,}", f"{figures.get(name, 0):,}", f"{count / figures[name]:.3f}x" if figures.get(name) else "-"]
            for name, count in counts.items()]
    print_table("Instructions", ["path", "now", "figure", "ratio"], rows)
    own = toolchain()
    if options.update:
        FIGURES.write_text(json.dumps({"toolchain": own, "instructions": counts}, indent=2) + "\n")
        return 0
    if not options.check:
        return 0
    if own != known["toolchain"]:
        note(f"Not compared: the figures are of {known['toolchain']}, this is {own}.")
        return 0
    above = [name for name, count in counts.items() if count > figures.get(name, 0) * (1 + TOLERANCE)]
    if above:
        note(f"More than {TOLERANCE:.0%} above the figure: {', '.join(above)}. Find the cause, or run --update and say why.")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
