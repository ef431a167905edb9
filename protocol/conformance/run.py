"""Runs cases one after the other and keeps their results."""

from __future__ import annotations

import dataclasses
import time
import traceback

from case import Case
from faults import Fault, Skip
from process import Launch

PASSED, FAILED, SKIPPED = "pass", "FAIL", "skip"


@dataclasses.dataclass(frozen=True)
class Result:
    """- `fault`: of a case that failed.
    - `reason`: why it was skipped.
    """

    case: Case
    outcome: str
    seconds: float = 0
    fault: Fault | None = None
    reason: str = ""


def start_problem(launch: Launch) -> str | None:
    """Why this host or plugin does not start in any case; None if it does."""
    try:
        with launch() as process:
            return process.start_problem()
    except OSError as error:
        return f"the {launch.role} does not start: {error.strerror}."


def run(case: Case, launch: Launch, skips: bool) -> Result:
    """Never raises because of the host."""
    if skips:
        return Result(case, SKIPPED, reason="needs the sandbox")
    begin = time.monotonic()
    fault = None
    try:
        case.play(launch)
    except Fault as found:
        fault = found
    except Skip as skipped:
        return Result(case, SKIPPED, reason=str(skipped))
    except Exception as error:
        # The output has a form that the case does not expect.
        where = traceback.extract_tb(error.__traceback__)[-1]
        fault = Fault(f"the case cannot continue: {error!r}", place=f"{where.name}, line {where.lineno}")
    return Result(case, FAILED if fault else PASSED, time.monotonic() - begin, fault)
