"""Metrics as a collector reads them."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from Support.host import ROOT, Host


class Metrics:
    """The families of a text, which the parser of prometheus-client must accept."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    @classmethod
    def of(cls, host: Host) -> Metrics:
        result = host.result("metrics")
        assert result["content_type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        return cls(result["text"])

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels, whatever their other labels."""
        return sum(
            sample.value for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items())

    def labels(self, name: str) -> list[dict[str, str]]:
        return [sample.labels for sample in self.samples if sample.name == name]


def promtool() -> str:
    """Prometheus' own checker, from PATH or from `need_promtool` of packages.sh."""
    found = shutil.which("promtool") or shutil.which(str(ROOT / ".build/test-tools/promtool"))
    if not found:
        pytest.skip("promtool is not installed: the package prometheus cannot be downloaded here")
    return found


def check(text: str) -> None:
    """`promtool check metrics`, which reads the text format of Prometheus.

    It takes the text of OpenMetrics too, only without the help of counters: their names have the
    suffix `_total` there also in HELP and TYPE.
    """
    assert _problems(text) <= {
        line.split(" ")[2] + "_total no help text"
        for line in text.splitlines() if line.startswith("# HELP")}
    assert not _problems(re.sub(
        r"^# TYPE (\S+) counter\n((?:# UNIT .*\n)?)# HELP \S+",
        r"# TYPE \1_total counter\n\2# HELP \1_total", text, flags=re.MULTILINE))


def _problems(text: str) -> set[str]:
    ended = subprocess.run(
        [promtool(), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    # 3: there are problems of style.
    assert ended.returncode in (0, 3), ended.stdout + ended.stderr
    return set(ended.stderr.splitlines())
