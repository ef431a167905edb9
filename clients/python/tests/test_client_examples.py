"""The examples, run as they are shown, against the sandbox."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import zipfile

from conftest import CLIENT, ROOT, TIMEOUT


def run(path: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", str(path), *arguments], capture_output=True, text=True, timeout=TIMEOUT
    )


def test_the_playbook_finds_blocks_isolates_and_reports(tmp_path: pathlib.Path) -> None:
    done = run(CLIENT / "examples/contain_threat.py", "--sandbox", "--folder", str(tmp_path))
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("4 endpoints match LOBBY\na02d817c50f2… is blocked\n")
    assert re.findall(r"(LOBBY-PC\d) +Successful", done.stdout) == [f"LOBBY-PC{n}" for n in range(1, 5)]
    with zipfile.ZipFile(tmp_path / "Phishing Review hourly.zip") as report:
        assert report.namelist()


def test_the_playbook_says_what_failed() -> None:
    done = run(CLIENT / "examples/contain_threat.py", "--sandbox", "--sha256", "no-hash")
    assert done.returncode == 1
    assert done.stderr.startswith("Add to Blocklist failed. 400 ")


def test_the_inventory_counts() -> None:
    done = run(CLIENT / "examples/inventory.py", "--sandbox")
    assert (done.stderr, done.returncode) == ("", 0)
    counts = dict(line.rsplit(None, 1) for line in done.stdout.splitlines())
    assert len(counts) == 18 and counts["HMI-LINE-142"].isdigit()


def test_the_programs_in_the_readmes_run(tmp_path: pathlib.Path) -> None:
    programs = 0
    for readme in (ROOT / "README.md", CLIENT / "README.md"):
        section = readme.read_text()
        for program in re.findall(r"```python\n(.*?)```", section, re.S):
            # Those of many machines are in test_client_celery_docs.py.
            elsewhere = ("subprocess", "sallyport.celery", "temporalio", "airflow")
            if "sallyport" not in program or any(word in program for word in elsewhere):
                continue
            (tmp_path / "program.py").write_text(program)
            done = run(tmp_path / "program.py")
            assert done.returncode == 0, program + done.stderr
            assert done.stdout, program
            programs += 1
    assert programs >= 4


def test_the_benchmark_gets_right_answers() -> None:
    done = run(CLIENT / "benchmark/run.py", "--calls", "100", "--rounds", "2")
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\| .* \| +[\d,]+ \| +[\d,]+ \| +[\d.]+ \| +[\d.]+ \|", done.stdout, re.M)) == 5
