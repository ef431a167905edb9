"""The kit's command line and its report."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys

import pytest
from Support.host import EXECUTABLE, ROOT, TIMEOUT, environment, eventually
from Support.terminal import read_to_end
from test_broken_hosts import BROKEN_HOST, kit, runs
from transcript import transcripts

COLUMNS = 100


def with_fault(fault: str, *words: str) -> subprocess.CompletedProcess[str]:
    return kit(*words, "--", sys.executable, str(BROKEN_HOST), fault, EXECUTABLE, "serve")


@pytest.mark.parametrize(("words", "complaint"), [
    (["--onyl", "a", "--", "cat"], "unknown option --onyl; did you mean --only?"),
    (["--jsno=1", "--", "cat"], "unknown option --jsno=1; did you mean --json?"),
    (["--only"], "argument --only: expected one argument"),
    (
        ["--only", "transcript/1-lines", "--", "cat"],
        "unknown case 'transcript/1-lines'; did you mean transcript/01-lines?"),
    (["--timeout", "0", "cat"], "'0' is not a positive number of seconds"),
    (["--timeout", "soon", "cat"], "'soon' is not a positive number of seconds"),
    ([], "no host"), (["--"], "no host"), (["--", "./nowhere"], "./nowhere is not an executable program"),
])
def test_wrong_command_line_is_reported_and_exits_with_2(words, complaint):
    ended = kit(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert complaint in ended.stderr


def test_the_cases_are_listed_with_their_paragraphs():
    ended = kit("--list")
    assert ended.returncode == 0
    transcripts = {path.stem for path in (ROOT / "protocol/transcripts").glob("*.txt")}
    assert set(re.findall(r"^transcript/(\S+) +\d", ended.stdout, re.MULTILINE)) == transcripts
    assert "hostile/too-deep                       2.5\n    Deep nesting" in ended.stdout


@pytest.mark.parametrize("words", [["--"], []])
def test_the_command_of_the_host_follows_two_dashes_or_nothing(words):
    ended = kit("--only", "hostile/ids", *words, EXECUTABLE, "serve", "--log-level", "error")
    assert ended.returncode == 0, ended.stdout
    assert re.fullmatch(r"pass  hostile/ids +2\.4 +\d+\.\d\d s", ended.stdout.splitlines()[0])


def test_shuffle_runs_the_same_cases_in_the_order_of_the_seed():
    def names(seed: str) -> list[str]:
        return re.findall(r"^(?:transcript|hostile)/\S+", kit("--list", "--shuffle", seed).stdout, re.MULTILINE)

    assert names("1") == names("1") != names("2")
    assert sorted(names("1")) == sorted(names("2"))


def test_several_globs_select_the_union():
    ended = kit("--only", "transcript/0[12]*", "--only=hostile/nul-*", "--", EXECUTABLE, "serve")
    assert re.findall(r"^pass  (\S+)", ended.stdout, re.MULTILINE) == [
        "transcript/01-lines", "transcript/02-ids", "hostile/nul-bytes"]


def test_transcript_fault_is_reported_with_all_observations():
    ended = with_fault("has-another-error-code", "--only", "transcript/02-ids")
    assert ended.returncode == 1
    told = re.sub(r"\d\.\d\d s", "0.00 s", ended.stdout)
    assert told.startswith("""\
FAIL  transcript/02-ids                      2.4                          0.00 s
      shows      An id is returned as the text it arrived in; of duplicate members the last counts.
      at         line 21
      problem    $.error.code: expected -32600, got -32603
      sent       {"jsonrpc":"2.0","id":true,"method":"ping"}
      expected   {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"…","data":{"line":8,"o
                 ffset":22,"…":"…"}}}
""")
    assert "Paragraphs that the host violates: 2.4" in told
    assert re.search(r"\n\n1 case in \d+\.\d s: 0 passed, 1 failed, 0 skipped\n$", told)


def test_readme_report_equals_the_kits_output():
    readme = (ROOT / "protocol/conformance/README.md").read_text()
    command, shown = re.search(
        r"```text\n\$ python3 protocol/conformance (.*?) -- ./my-host serve\n(.*?)```", readme, re.DOTALL).groups()
    told = with_fault("parses-numbers", *shlex.split(command)).stdout
    times = re.compile(r" +\d+\.\d+ s")
    assert times.sub(" TIME", told) == times.sub(" TIME", shown)


def test_the_readme_names_every_option_that_a_case_adds():
    readme = (ROOT / "protocol/conformance/README.md").read_text()
    added = {word for one in transcripts() for word in one.arguments if word.startswith("--")}
    assert [option for option in sorted(added) if f"`{option}`" not in readme and f"`{option} " not in readme] == []


def test_end_of_stderr_is_reported():
    ended = with_fault("logs-secrets", "--only", "hostile/secrets")
    assert "      stderr     " in ended.stdout


def test_report_fits_a_terminal_for_any_host_output():
    ended = with_fault("splices-frames", "--only", "hostile/whole-frames", "--only", "transcript/1*")
    assert ended.returncode == 1
    assert "bytes in total" in ended.stdout
    assert [line for line in ended.stdout.splitlines() if len(line) > COLUMNS] == []
    assert "\x1b" not in ended.stdout and ended.stderr == ""


def test_the_table_of_sections_fits_a_small_terminal():
    ended = kit("--only", "hostile/ids", "--", EXECUTABLE, "serve")
    table = ended.stdout.split("\n\n")[1].splitlines()
    assert len(table) == 17 and max(map(len, table)) <= 80


@pytest.mark.parametrize(("words", "ending"), [
    (["--no-such-option"], "exit 2"), (["--connections", "nowhere.json"], "exit 2")])
def test_host_that_does_not_start_is_reported_once(words, ending):
    ended = kit("--", EXECUTABLE, "serve", *words)
    assert ended.returncode == 2
    assert re.findall(r"^(?:pass|FAIL|skip)  (\S+)", ended.stdout, re.MULTILINE) == ["transcript/01-lines"]
    told, said = ended.stderr.splitlines()[:2]
    assert told == f"conformance: the host does not start: it exited before it answered a ping ({ending}); stderr:"
    assert said.startswith("  sallyport: ") and words[-1] in said


def test_program_that_cannot_be_executed_is_reported_once(tmp_path):
    program = tmp_path / "host"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o700)
    ended = kit("--json", "--", str(program))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "conformance: the host does not start: Exec format error.\n"


def test_an_option_that_one_case_adds_and_the_host_does_not_know_is_a_fault_of_that_case(tmp_path):
    program = tmp_path / "host"
    program.write_text(f'#!/bin/sh\ncase "$*" in *--tools*) exit 2; esac\nexec "{EXECUTABLE}" serve "$@"\n')
    program.chmod(0o700)
    ended = kit("--only", "transcript/3[12]*", "--", str(program))
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "2 cases in" in ended.stdout


@pytest.mark.parametrize("words", [["--list"], ["--only", "hostile/[il]*", "--", EXECUTABLE, "serve"]])
def test_closed_stdout_prints_no_traceback(words):
    started = subprocess.Popen(
        [sys.executable, str(ROOT / "protocol/conformance"), *words], env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    started.stdout.close()
    assert started.stderr.read() == ""
    assert started.wait(TIMEOUT) == 128 + signal.SIGPIPE


def test_cases_with_the_emulated_vendors_can_be_skipped():
    ended = kit("--without-sandbox", "--only", "hostile/s*", "--", EXECUTABLE, "serve")
    assert ended.returncode == 0
    assert re.findall(r"^(pass|skip)  (\S+)", ended.stdout, re.MULTILINE) == [
        ("skip", "hostile/slow-calls-then-end"), ("skip", "hostile/signal-in-flight"),
        ("pass", "hostile/signal-when-idle"), ("skip", "hostile/streams-side-by-side"), ("skip", "hostile/secrets"),
        ("skip", "hostile/secrets-guessed"), ("skip", "hostile/secrets-echoed")]


def test_on_a_terminal_there_are_colours_and_progress():
    controller, terminal = pty.openpty()
    colourful = {name: value for name, value in environment().items() if name != "NO_COLOR"}
    words = [sys.executable, str(ROOT / "protocol/conformance"), "--only", "hostile/ids", "--", EXECUTABLE, "serve"]
    subprocess.run(words, stdout=terminal, stderr=terminal, timeout=TIMEOUT, env=colourful, check=True)
    os.close(terminal)
    seen = read_to_end(controller)
    assert "1 of 1: hostile/ids\r\x1b[K" in seen
    assert "\x1b[32mpass\x1b[0m  hostile/ids" in seen


def test_a_kit_that_is_stopped_takes_its_host_with_it(tmp_path):
    left = tmp_path / "left-process"
    words = [
        sys.executable, str(ROOT / "protocol/conformance"), "--only", "hostile/half-a-line", "--", sys.executable,
        str(BROKEN_HOST), "leaves-a-process", EXECUTABLE, "serve"]
    stopped = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, env=environment({"LEFT_PROCESS_FILE": str(left)}))
    eventually(lambda: left.exists() and left.read_text() != "", "the host has started a process")
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(TIMEOUT) == 128 + signal.SIGTERM
    eventually(lambda: not runs(int(left.read_text())), "the process has ended")
