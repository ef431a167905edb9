"""The command line of the conformance kit; see `--help`."""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from typing import NoReturn

from case import Case
from plugin_cases import plugin_cases
from plugin_launch import PluginProblem, read_launch
from process import Launch
from protocol_text import sections
from report import Progress, TextReport, as_json
from run import FAILED, SKIPPED, Result, run, start_problem
from suite import all_cases
from transcript import GrammarError

PASSED_ALL, FAULTS_FOUND, USAGE = 0, 1, 2

#: The section of the protocol that is about plugins.
PLUGIN_SECTION = "15"

EXAMPLES = """\
The command after `--` starts the host. The kit adds the options that a case needs, such as
--max-line-bytes 1000 or --sandbox.

Exit status: 0 all passed; 1 some failed; 2 wrong command line, or the host does not start.

examples
  python3 protocol/conformance -- sallyport serve
  python3 protocol/conformance --only 'hostile/*' --timeout 5 -- ./my-host serve
  python3 protocol/conformance --without-sandbox --json -- node my-host.js > report.json
  python3 protocol/conformance --list
  python3 protocol/conformance --plugin plugins/acme
  python3 protocol/conformance --plugin plugins/acme --sample sample.json --only plugin/dry-run
"""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"conformance: {message}\nTry --help.", file=sys.stderr)
        sys.exit(USAGE)


def parser() -> Parser:
    made = Parser(
        prog="python3 protocol/conformance", usage="%(prog)s [OPTIONS] -- HOST [ARGUMENT…]\n       %(prog)s [OPTIONS] --plugin PATH", allow_abbrev=False,
        description="Tests a host or a plugin against the protocol, with transcripts and hostile input.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--only", metavar="GLOB", action="append", help="run only these cases (repeatable)")
    made.add_argument("--list", action="store_true", help="list the cases and run none")
    made.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=30.0, help="time limit of one step (default 30)")
    made.add_argument(
        "--without-sandbox", action="store_true", help="skip cases that call the emulated vendors (--sandbox)")
    made.add_argument(
        "--plugin", metavar="PATH", help="test a plugin: a folder with plugin.json, or an executable program")
    made.add_argument(
        "--sample", metavar="FILE", help="settings and arguments for the plugin, to call a real or emulated vendor")
    made.add_argument("--shuffle", metavar="SEED", type=int, help="run the cases in the random order of this seed")
    made.add_argument("--json", action="store_true", help="print the report as JSON")
    return made


def _seconds(text: str) -> float:
    seconds = float(text) if text.replace(".", "", 1).isdigit() else 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds; use a value such as 5 or 0.5")
    return seconds


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The kit's own words, and the host's command: the words after `--`, or from the first word that
    belongs to no option."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "--":
        at += 2 if words[at] in ("--only", "--timeout", "--shuffle", "--plugin", "--sample") else 1
    behind = at + 1 if words[at:at + 1] == ["--"] else at
    return list(words[:at]), list(words[behind:])


def options_of(words: Sequence[str], made: Parser) -> argparse.Namespace:
    options, unknown = made.parse_known_args(words)
    if unknown:
        known = [name for action in made._actions for name in action.option_strings]
        close = difflib.get_close_matches(unknown[0].split("=")[0], known, 1, 0.5)
        made.error(f"unknown option {unknown[0]}" + (f"; did you mean {close[0]}?" if close else ""))
    return options


def chosen(cases: list[Case], globs: Sequence[str] | None, made: Parser) -> list[Case]:
    for glob in globs or ():
        if not any(fnmatch.fnmatchcase(case.name, glob) for case in cases):
            close = difflib.get_close_matches(glob, [case.name for case in cases], 1, 0.4)
            made.error(f"unknown case {glob!r}" + (f"; did you mean {close[0]}?" if close else "; see --list"))
    return [case for case in cases if not globs or any(fnmatch.fnmatchcase(case.name, glob) for glob in globs)]


def environment(state: str) -> dict[str, str]:
    """Without the user's configuration and without the state that hosts share on this machine."""
    own = {name: value for name, value in os.environ.items() if name != "SALLYPORT_CONNECTIONS"}
    return {**own, "NO_COLOR": "1", "XDG_STATE_HOME": state}


def show(cases: list[Case]) -> None:
    for case in cases:
        print(f"{case.name:<38} {' '.join(case.proves)}\n    {case.about}")


class DoesNotStart(Exception):
    """The host or plugin does not start in any case; says why."""


def run_all(cases: list[Case], launch: Launch, options: argparse.Namespace) -> list[Result]:
    """Raises DoesNotStart after the first case that was tried."""
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    shown = [one for one in sections() if (one.number == PLUGIN_SECTION) or not options.plugin]
    text = None if options.json else TextReport(sys.stdout, is_coloured, launch.role)
    progress = Progress(len(cases))
    results: list[Result] = []
    for case in cases:
        progress.begin(case)
        results.append(run(case, launch, options.without_sandbox and case.needs_sandbox))
        progress.clear()
        if text:
            text.add(results[-1])
        if sum(result.outcome != SKIPPED for result in results) == 1 and results[-1].outcome == FAILED:
            problem = start_problem(launch)
            if problem:
                raise DoesNotStart(problem)
    if text:
        text.finish(results, shown)
    else:
        print(as_json(results, shown, launch.command, launch.role))
    return results


def main(words: Sequence[str]) -> int:
    made = parser()
    own, command = split(words)
    options = options_of(own, made)
    try:
        every = plugin_cases() if options.plugin else all_cases()
        cases = chosen(every, options.only, made)
    except GrammarError as error:
        made.error(f"invalid transcript: {error}")
    if options.shuffle is not None:
        random.Random(options.shuffle).shuffle(cases)
    if options.list:
        show(cases if options.plugin or options.only else cases + plugin_cases())
        return PASSED_ALL
    if options.sample and not options.plugin:
        made.error("--sample needs --plugin")
    if options.plugin and command:
        made.error("give either --plugin or the command of a host")
    with tempfile.TemporaryDirectory(prefix="conformance-") as state:
        try:
            results = run_all(cases, launch_of(options, command, state, made), options)
        except DoesNotStart as problem:
            print(f"conformance: {problem}", file=sys.stderr)
            return USAGE
    return FAULTS_FOUND if any(result.outcome == FAILED for result in results) else PASSED_ALL


def launch_of(options: argparse.Namespace, command: Sequence[str], state: str, made: Parser) -> Launch:
    if options.plugin:
        try:
            return read_launch(options.plugin, options.timeout, options.sample)
        except PluginProblem as problem:
            made.error(str(problem))
    if not command:
        made.error("no host; give its command after --, such as: -- sallyport serve")
    if shutil.which(command[0]) is None:
        made.error(f"{command[0]} is not an executable program; give its path, such as ./my-host")
    return Launch(command, options.timeout, environment(state))


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    # So that a host does not outlive the kit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader of the report is gone. Without this, Python reports the unwritten rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    sys.exit(status)
