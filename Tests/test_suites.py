"""Support/suites.py, which runs the suites of run-all.sh side by side."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

from Support.host import TIMEOUT, eventually

SUITES = pathlib.Path(__file__).with_name("Support") / "suites.py"


def words(*suites: tuple[str, str]) -> list[str]:
    """A command line with a shell script for each title."""
    return [sys.executable, str(SUITES), *(
        word for title, script in suites for word in (title, "sh", "-c", script, "--end"))]


def test_outputs_are_whole_and_in_order_although_the_suites_run_side_by_side(tmp_path):
    # The first one ends only if the second one runs at the same time.
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ended = subprocess.run(
        words(("first", f"echo 1a; cat {fifo}; echo 1c"), ("second", f"echo 2a; echo 1b > {fifo}; echo 2b >&2")),
        capture_output=True, text=True, timeout=TIMEOUT)
    assert ended.returncode == 0
    assert ended.stdout.startswith("== first\n1a\n1b\n1c\n== second\n2a\n2b\n== summary\nfirst ")
    assert ended.stdout.count(" passed") == 2


def test_one_failed_suite_fails_the_run_and_does_not_stop_the_others():
    ended = subprocess.run(
        words(("bad", "echo wrong; exit 3"), ("good", "echo right")), capture_output=True, text=True, timeout=TIMEOUT)
    assert ended.returncode == 1
    assert "== bad\nwrong\n== good\nright\n" in ended.stdout and "FAILED (exit status 3)" in ended.stdout


def test_sigterm_stops_the_processes_of_every_suite(tmp_path):
    file = tmp_path / "process"
    with subprocess.Popen(words(("slow", f"sleep 600 & echo $! > {file}; wait")), stdout=subprocess.DEVNULL) as runner:
        eventually(lambda: file.exists() and file.read_text().endswith("\n"), "the suite runs")
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(TIMEOUT) == 128 + signal.SIGTERM
    eventually(lambda: not runs(int(file.read_text())), "the process of the suite has exited")


def runs(process: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
