"""The report: a line per case, its fault, and a table of the protocol's paragraphs."""

from __future__ import annotations

import collections
import json
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, TextIO

from case import Case
from protocol_text import Section
from run import FAILED, PASSED, SKIPPED, Result

COLUMNS = 100

#: Maximum lines of one text of a fault.
MAX_LINES = 4

COLOURS = {PASSED: "\x1b[32m", FAILED: "\x1b[1;31m", SKIPPED: "\x1b[33m"}
PLAIN = "\x1b[0m"
CLEAR_LINE = "\r\x1b[K"


def states(results: Sequence[Result]) -> dict[str, str]:
    """Per paragraph: failed if one of its cases failed, skipped if all were skipped."""
    by_paragraph = collections.defaultdict(set)
    for result in results:
        for paragraph in result.case.proves:
            by_paragraph[paragraph].add(result.outcome)
    return {
        paragraph: next(outcome for outcome in (FAILED, PASSED, SKIPPED) if outcome in outcomes)
        for paragraph, outcomes in by_paragraph.items()}


class Progress:
    """Shows the running case on a terminal; otherwise nothing."""

    def __init__(self, total: int, stream: TextIO = sys.stderr) -> None:
        self._stream = stream if stream.isatty() else None
        self._total = total
        self._done = 0

    def begin(self, case: Case) -> None:
        self._done += 1
        self._write(f"{CLEAR_LINE}{self._done} of {self._total}: {case.name}"[:COLUMNS])

    def clear(self) -> None:
        self._write(CLEAR_LINE)

    def _write(self, text: str) -> None:
        if self._stream:
            self._stream.write(text)
            self._stream.flush()


class TextReport:
    """Readable text; every line as soon as it is known."""

    def __init__(self, stream: TextIO, is_coloured: bool, role: str = "host") -> None:
        self._stream = stream
        self._role = role
        self._is_coloured = is_coloured

    def add(self, result: Result) -> None:
        case = result.case
        time = f"{result.seconds:6.2f} s" if result.outcome != SKIPPED else result.reason
        self._say(f"{self._word(result.outcome)}  {case.name:<38} {' '.join(case.proves):<26} {time}")
        if result.fault:
            for name, text in self._details(result):
                self._say_detail(name, text)

    @staticmethod
    def _details(result: Result) -> list[tuple[str, str]]:
        fault = result.fault
        assert fault
        return [
            ("shows", result.case.about), ("at", fault.place), ("problem", fault.problem), ("sent", fault.sent),
            ("expected", fault.expected), ("got", fault.got), ("stderr", "\n".join(fault.errors))]

    def _say_detail(self, name: str, text: str) -> None:
        lines = [
            piece for line in text.splitlines()
            for piece in textwrap.wrap(visible(line), COLUMNS - 17, break_on_hyphens=False)]
        if len(lines) > MAX_LINES + 1:
            # A text that `shown` truncated already says so.
            lines[MAX_LINES:] = [lines[-1] if lines[-1].startswith("… ") else f"… {len(text)} characters in total"]
        for at, line in enumerate(lines):
            self._say(f"      {name if at == 0 else '':<10} {line}")

    def finish(self, results: Sequence[Result], sections: Sequence[Section]) -> None:
        self._say("")
        self._say_table(states(results), sections)
        counts = collections.Counter(result.outcome for result in results)
        seconds = sum(result.seconds for result in results)
        self._say("")
        cases = "1 case" if len(results) == 1 else f"{len(results)} cases"
        self._say(
            f"{cases} in {seconds:.1f} s: {counts[PASSED]} passed, {counts[FAILED]} failed,"
            f" {counts[SKIPPED]} skipped")

    def _say_table(self, state: dict[str, str], sections: Sequence[Section]) -> None:
        self._say(f"{'section':<32} paragraphs  proved  failed  skipped  no case")
        for section in sections:
            found = collections.Counter(state.get(paragraph, "") for paragraph in section.paragraphs)
            self._say(
                f"{section.number + ' ' + section.title:<32} {len(section.paragraphs):>10}"
                f"  {found[PASSED]:>6}  {found[FAILED]:>6}  {found[SKIPPED]:>7}  {found['']:>7}")
        paragraphs = [paragraph for section in sections for paragraph in section.paragraphs]
        failed = [paragraph for paragraph in paragraphs if state.get(paragraph) == FAILED]
        if failed:
            self._say("")
            self._say(f"Paragraphs that the {self._role} violates: {', '.join(failed)}")

    def _word(self, outcome: str) -> str:
        return f"{COLOURS[outcome]}{outcome}{PLAIN}" if self._is_coloured else outcome

    def _say(self, line: str) -> None:
        print(line.rstrip(), file=self._stream, flush=True)


def visible(text: str) -> str:
    """Escapes characters that a terminal interprets."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text)


def as_json(
    results: Sequence[Result], sections: Sequence[Section], command: Sequence[str], role: str = "host"
) -> str:
    """For programs; README.md documents its format."""
    state = states(results)
    counts = collections.Counter(result.outcome for result in results)
    return json.dumps({
        role: list(command),
        "totals": {"passed": counts[PASSED], "failed": counts[FAILED], "skipped": counts[SKIPPED]},
        "cases": [_case_as_json(result) for result in results],
        "paragraphs": {
            paragraph: NAMES.get(state.get(paragraph, ""), "no case")
            for section in sections for paragraph in section.paragraphs},
    }, indent=1)


NAMES = {PASSED: "passed", FAILED: "failed", SKIPPED: "skipped"}


def _case_as_json(result: Result) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": result.case.name, "about": result.case.about, "proves": list(result.case.proves),
        "outcome": NAMES[result.outcome], "seconds": round(result.seconds, 3)}
    if result.reason:
        told["reason"] = result.reason
    if result.fault:
        fault = result.fault
        told["fault"] = {
            "problem": fault.problem, "place": fault.place, "sent": fault.sent, "expected": fault.expected,
            "got": fault.got, "stderr": fault.errors}
    return told
