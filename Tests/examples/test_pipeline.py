"""`protocol/examples/pipeline.sh`, run as it is shown."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from Support.host import EXECUTABLE, ROOT, TIMEOUT, environment, invoke, run

SCRIPT = "protocol/examples/pipeline.sh"
ALL_VULNERABILITIES = "on GET /api/console/elements/device/*"


def pipeline(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", SCRIPT, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT,
        env=environment({"SALLYPORT": EXECUTABLE}))


def table(output: str) -> dict[str, list[str]]:
    """The rows by device, whose id and name are the first two words."""
    return {" ".join(words[:2]): words[2:] for words in map(str.split, output.splitlines()[1:])}


def shown() -> list[tuple[str, str]]:
    """The commands in the script's own head and in the README, with what they print there."""
    head = re.sub("^# {0,3}", "", (ROOT / SCRIPT).read_text(), flags=re.M)
    texts = [head, *re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.S)]
    return [found for text in texts
            for found in re.findall(rf"^\$ (bash {re.escape(SCRIPT)} .*)\n((?:.+\n)+)", text, re.M)]


@pytest.mark.parametrize(("command", "output"), shown(), ids=lambda text: text.split("\n")[0])
def test_pipeline_prints_the_documented_output(command, output):
    ended = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT,
        env=environment({"SALLYPORT": EXECUTABLE}))
    assert ended.stdout == output


def test_it_loses_no_device():
    options = {"stream": True, "all_pages": True}
    streamed = run("serve", "--sandbox", input=[invoke(1, "list_devices", **options)]).answers
    devices = {f"{item['id']} {item['name']}": item["id"]
               for item in (each["params"].get("item") for each in streamed if "params" in each) if item}
    ended = pipeline("all", "--sandbox")
    rows = table(ended.stdout)
    failed = {" ".join(device.rstrip(":").split()) for device in rows if device.endswith(":")}
    answered = rows.keys() - {f"{device}:" for device in failed}
    assert len(devices) == 45 and answered | failed == devices.keys()
    assert ended.returncode == (1 if failed else 0)
    (summary,) = re.findall(r"(\d+) successful, (\d+) failed", ended.stderr)
    assert summary == (str(len(answered)), str(len(failed)))


def test_row_has_the_vendors_values():
    found = run("call", "coda_footprint", "list_device_vulnerabilities", "--device-id", "1043",
                "--raw", "--sandbox")
    vulnerabilities = json.loads(found.text)["raw_data"]
    worst = max(vulnerabilities, key=lambda one: one["cvssScore"])
    row = table(pipeline("critical", "--sandbox").stdout)["1043 HMI-LINE-142"]
    assert row[:3] == [str(len(vulnerabilities)), str(worst["cvssScore"]), worst["cve"]]
    assert " ".join(row[3:]) == worst["affected"]


def test_devices_that_fail_are_reported():
    ended = pipeline("critical", "--sandbox", "--sandbox-fault", f"coda: 403 first 2 {ALL_VULNERABILITIES}")
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert len(lines) == 1 + 18
    assert re.fullmatch(r"(\d{4} [-A-Z0-9]+: 403 Forbidden\.\n){2}", "\n".join(lines[-2:]) + "\n")


@pytest.mark.parametrize("risk", ['crit"ical', "$(touch owned)", "a b", "'", "-", "\\"])
def test_input_is_treated_as_data_only(risk, tmp_path):
    ended = subprocess.run(
        ["bash", ROOT / SCRIPT, risk, "--sandbox"], cwd=tmp_path, capture_output=True, text=True,
        timeout=TIMEOUT, env=environment({"SALLYPORT": EXECUTABLE}))
    assert ended.returncode == 1
    assert ended.stdout.splitlines() == ["device                  found  worst  which"]
    assert "List Devices failed.\n/arguments/filter/riskLevel: unknown value; expected one of: all, critical" in ended.stderr
    assert not any(tmp_path.iterdir())


def test_without_a_connection_it_says_how_to_get_one():
    ended = pipeline()
    assert ended.returncode == 1 and "is required; no active connection of coda_footprint" in ended.stderr
