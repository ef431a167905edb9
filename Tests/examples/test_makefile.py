"""`protocol/examples/batch`, run as it is shown, in a copy."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from Support.host import EXECUTABLE, ROOT, TIMEOUT, environment, eventually
from Support.sandbox import Sandbox

#: The devices at risk of the emulated vendor, and those of them that no users can be asked of.
DEVICES, WITHOUT_USERS = 18, 5


@pytest.fixture
def folder(tmp_path):
    return pathlib.Path(shutil.copytree(ROOT / "protocol/examples/batch", tmp_path / "batch"))


def make(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT,
        env=environment({"SALLYPORT": EXECUTABLE}))


def lines(path: pathlib.Path) -> list:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_makes_a_report_and_a_second_time_nothing(folder):
    made = make(folder)
    assert made.returncode == 0, made.stderr
    report = lines(folder / "report.jsonl")
    assert [each["device"] for each in report] == sorted(each["id"] for each in lines(folder / "batch.jsonl"))
    assert len(report) == DEVICES
    assert {"device": "1005 LNX-BLD-104", "users": ["e.novak", "svc-backup"]} in report
    assert {"device": "1006 SRV-DC-105", "error": "Not Implemented."} in report
    assert make(folder).stdout == "make: 'report.jsonl' is up to date.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("hits_all", [True, False], ids=["all", "sallyport"])
def test_interrupted_run_resumes_where_it_stopped(number, hits_all, folder):
    part = folder / "answers.jsonl.part"
    with Sandbox("coda: slow 50ms on GET /api/console/elements/device/*") as sandbox:
        options = f"OPTIONS=--connections {sandbox.file} --max-in-flight 1"
        assert make(folder, options, "batch.jsonl").returncode == 0
        with subprocess.Popen(["make", options], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=environment({"SALLYPORT": EXECUTABLE}), start_new_session=True) as first:
            eventually(lambda: part.exists() and part.read_bytes().count(b"\n") >= 3, "some are answered")
            if hits_all:
                os.killpg(first.pid, number)
            else:
                os.kill(sallyport_below(first.pid), number)
            assert first.wait(TIMEOUT) != 0
        eventually(lambda: not members(first.pid), "the processes have ended")
        assert not (folder / "answers.jsonl").exists() and not (folder / "report.jsonl").exists()
        before = {each["id"] for each in lines_that_are_whole(part) if not is_cancelled(each)}
        assert 3 <= len(before) < DEVICES
        second = make(folder, options)
        assert second.returncode == 0, second.stderr
        asked = [entry["path"] for entry in sandbox.log() if "/elements/device/" in entry["path"]]
    assert f"{len(before)} skipped" in second.stderr
    report = lines(folder / "report.jsonl")
    assert len(report) == DEVICES and sum("error" in each for each in report) == WITHOUT_USERS
    answered = collections.Counter(each["id"] for each in lines(folder / "answers.jsonl") if not is_cancelled(each))
    assert answered == dict.fromkeys((each["device"] for each in report), 1)
    # Requests in flight at the kill are repeated; answered requests are not.
    assert len(asked) - DEVICES in ((0, 1) if number == signal.SIGKILL else (0,))


def test_retry_repeats_failed_calls_only(folder):
    fault = "OPTIONS=--sandbox --sandbox-fault 'coda: 403 first 2 on GET /api/console/elements/device/*'"
    assert make(folder, fault).returncode == 0
    first = lines(folder / "report.jsonl")
    again = make(folder, "retry")
    assert again.returncode == 0, again.stderr
    second = lines(folder / "report.jsonl")
    failed = [[each["device"] for each in report if "error" in each] for report in (first, second)]
    assert len(failed[0]) in (WITHOUT_USERS + 1, WITHOUT_USERS + 2) and len(failed[1]) == WITHOUT_USERS
    assert f"{DEVICES - len(failed[0])} skipped" in again.stderr


@pytest.mark.parametrize("risk", ["nothing", "it's", '"', "$$(touch owned)"])
def test_a_wrong_risk_leaves_nothing_behind(risk, folder):
    made = make(folder, f"RISK={risk}")
    assert made.returncode == 2 and "List Devices failed." in made.stderr
    assert [each.name for each in folder.iterdir()] == ["Makefile"]


def test_clean_removes_its_own_files(folder):
    assert make(folder).returncode == 0
    assert make(folder, "clean").returncode == 0
    assert [each.name for each in folder.iterdir()] == ["Makefile"]


def is_cancelled(answer) -> bool:
    return answer.get("error", {}).get("code") == -32800


def lines_that_are_whole(path: pathlib.Path) -> list:
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def members(session: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = stat.read_text().rsplit(")", 1)[1].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


def sallyport_below(session: int) -> int:
    executable = os.path.realpath(EXECUTABLE)
    (found,) = (id for id in members(session) if os.path.realpath(f"/proc/{id}/exe") == executable)
    return found
