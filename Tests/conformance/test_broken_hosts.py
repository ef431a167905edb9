"""The kit finds what is wrong with a host that is broken on purpose, says where, and never hangs."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
from broken_host import FAULTS
from suite import all_cases
from Support.host import EXECUTABLE, ROOT, TIMEOUT, environment

BROKEN_HOST = pathlib.Path(__file__).with_name("broken_host.py")

#: Seconds that a step of the kit may take; what a host under test owes comes in far less.
STEP = 30
#: For hosts that owe an answer for ever.
SHORT_STEP = 3

#: The fault; a case that is about it, and one of its paragraphs; what the report says of it; seconds of a step.
FOUND = [
    ("drops-answers-at-the-end", "hostile/slow-calls-then-end", "2.8", "20 of 20 requests have no response", STEP),
    ("drops-answers-at-the-end", "transcript/08-end-of-input", "2.8", "stdout was closed", STEP),
    ("splices-frames", "hostile/whole-frames", "2.2", "is not JSON", STEP),
    ("is-silent-on-bad-json", "hostile/broken-json", "2.5", "no response arrived", SHORT_STEP),
    ("is-silent-on-bad-json", "hostile/mutated-lines", "2.5", "lines that are not JSON do not match their lines", STEP),
    ("answers-twice", "hostile/10000-at-once", "2.5", "10000 unexpected responses", STEP),
    ("answers-twice", "hostile/ids", "2.4", "a response arrived", STEP),
    ("forgets-one-in-a-thousand", "hostile/10000-at-once", "2.5", "10 of 10000 requests have no response", STEP),
    ("parses-numbers", "hostile/ids", "2.4", '"id":1.5,', STEP),
    ("parses-numbers", "hostile/streams-side-by-side", "2.4", "id 1.50", STEP),
    ("answers-responses", "hostile/unanswered", "2.6", "a response arrived", STEP),
    ("answers-notifications", "hostile/unanswered", "2.6", "a response arrived", STEP),
    ("crashes-on-deep-nesting", "hostile/too-deep", "2.5", "ended by signal 11", STEP),
    ("prints-to-stdout", "hostile/half-a-line", "2.1", "Listening on stdin", STEP),
    ("never-ends", "hostile/input-ends-without-line-end", "2.8", "the host did not exit", SHORT_STEP),
    ("ends-with-zero", "hostile/closed-stdout", "2.9", "exit 4", STEP),
    ("shows-secrets", "hostile/secrets", "6.3", "a response contains the secret, verbatim", STEP),
    ("shows-secrets", "hostile/secrets-echoed", "6.3", "a response contains the secret", STEP),
    ("redacts-the-caller", "hostile/secrets-guessed", "11.7", "differs if text of its request is a secret", STEP),
    ("logs-secrets", "hostile/secrets", "6.3", "stderr contains the secret, verbatim", STEP),
    ("has-another-error-code", "hostile/wrong-envelope", "2.5", "expected -32600, got -32603", STEP),
    ("counts-lines-from-zero", "hostile/bad-utf-8", "2.5", "$.error.data.line: expected 1, got 0", STEP),
    ("answers-out-of-nothing", "hostile/10000-at-once", "2.5", "who?", STEP),
    ("answers-out-of-nothing", "hostile/mutated-lines", "2.5", "do not match", STEP),
    ("reorders-streams", "hostile/streams-side-by-side", "3.9", "not numbered in order", STEP),
    ("hangs", "hostile/byte-by-byte", "2.1", "no response arrived", SHORT_STEP),
    ("drips", "hostile/half-a-line", "2.1", "no response arrived", SHORT_STEP),
    ("floods", "hostile/whole-frames", "2.2", "unexpected bytes", STEP),
    ("loses-the-last-line", "hostile/input-ends-without-line-end", "2.1", "1 responses missing", STEP),
    ("takes-other-line-ends", "hostile/line-ends", "2.1", "U+2028 as a line end", STEP),
    ("writes-other-line-ends", "hostile/escaped-line-ends", "2.2", "a raw U+2028", STEP),
    ("cannot-read-latin1", "hostile/bad-utf-8", "2.5", "$.id: expected null", STEP),
    ("splits-batches", "hostile/batches", "2.3", "expected [", STEP),
    ("ignores-signals", "hostile/signal-when-idle", "2.8", "the host did not exit", SHORT_STEP),
    ("dies-of-signals", "hostile/signal-in-flight", "2.8", "exit 137", STEP),
    ("reads-everything", "hostile/unread-answers", "2.7", "no response was read", STEP),
    ("waits-for-stderr", "hostile/undrained-stderr", "1.3", "did not read its input", SHORT_STEP),
    ("leaves-a-process", "hostile/half-a-line", "2.1", "stdout was not closed", SHORT_STEP),
    ("answers-ids-in-flight", "hostile/id-in-flight-twice", "2.5", "$: missing error", STEP),
    ("reads-c-strings", "hostile/nul-bytes", "2.5", "no response arrived", SHORT_STEP),
    ("takes-the-first-member", "hostile/duplicated-members", "2.4", '"id":2', STEP),
    ("replaces-surrogates", "hostile/lone-surrogates", "2.4", "high, in an id", STEP),
    ("splits-batches", "hostile/batch-of-10000", "2.3", "is an array", STEP),
    ("waits-for-stderr", "hostile/closed-stderr", "1.3", "no response arrived", SHORT_STEP),
    ("ends-with-zero", "hostile/closed-stdout-in-flight", "2.9", "exit 4", STEP),
    ("loses-the-last-line", "hostile/input-ends-inside-a-line", "2.5", "1 responses missing", STEP),
    ("has-another-error-code", "hostile/too-long", "2.5", "expected -32600, got -32603", STEP),
]
CASES = sorted({row[1] for row in FOUND})


def kit(*words: str, **more_environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "protocol/conformance"), *words], capture_output=True, text=True,
        timeout=4 * TIMEOUT, env=environment(more_environment))


def kit_with(fault: str, cases: list[str], step: float, **more_environment: str) -> tuple[int, dict]:
    """The exit status and the report of a run with a host that has the fault."""
    only = [word for case in cases for word in ("--only", case)]
    ended = kit(
        *only, "--json", "--timeout", str(step), "--", sys.executable, str(BROKEN_HOST), fault, EXECUTABLE, "serve",
        **more_environment)
    assert not ended.stderr, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("fault", "case", "paragraph", "words", "step"), FOUND, ids=[f"{row[0]}-{row[1]}" for row in FOUND])
def test_a_fault_is_found_by_a_case_that_is_about_it(fault, case, paragraph, words, step, tmp_path):
    left = tmp_path / "left-process"
    status, report = kit_with(fault, [case], step, LEFT_PROCESS_FILE=str(left))
    assert status == 1
    (told,) = report["cases"]
    assert (told["name"], told["outcome"]) == (case, "failed")
    assert report["paragraphs"][paragraph] == "failed"
    assert words in json.dumps(told["fault"], ensure_ascii=False).replace('\\"', '"'), told["fault"]
    if left.exists():
        assert not runs(int(left.read_text()))


def runs(process: int) -> bool:
    """A process that has ended may still wait for somebody to ask how."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_each_fault_is_looked_for_and_each_hostile_case_finds_one():
    assert {row[0] for row in FOUND} == set(FAULTS) - {"none"}
    assert {case.name for case in all_cases() if case.name.startswith("hostile/")} <= set(CASES)


def test_the_same_host_without_a_fault_passes():
    status, report = kit_with("none", CASES, 30)
    assert [told for told in report["cases"] if told["outcome"] != "passed"] == []
    assert status == 0 and sorted(told["name"] for told in report["cases"]) == CASES
