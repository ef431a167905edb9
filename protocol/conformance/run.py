"""Runs cases, one after the other, and keeps what came of each."""

from __future__ import annotations

import dataclasses
import time
import traceback

from case import Case
from faults import Fault
from process import Launch

PASSED, FAILED, SKIPPED = "pass", "FAIL", "skip"


@dataclasses.dataclass(frozen=True)
class Result:
    """- `fault`: of a case that failed."""

    case: Case
    outcome: str
    seconds: float = 0
    fault: Fault | None = None


def start_problem(launch: Launch) -> str | None:
    """Why this host cannot be tried at all, whatever the case; None when it can."""
    try:
        with launch() as host:
            return host.start_problem()
    except OSError as error:
        return f"the host does not start: {error.strerror}."


def run(case: Case, launch: Launch, skips: bool) -> Result:
    """Never raises for what a host does."""
    if skips:
        return Result(case, SKIPPED)
    begin = time.monotonic()
    fault = None
    try:
        case.play(launch)
    except Fault as found:
        fault = found
    except Exception as error:
        # What was read was of a shape that the case did not reckon with.
        where = traceback.extract_tb(error.__traceback__)[-1]
        fault = Fault(f"the case cannot go on: {error!r}", place=f"{where.name}, line {where.lineno}")
    return Result(case, FAILED if fault else PASSED, time.monotonic() - begin, fault)
