"""Failures of workers, in the form of the host's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.errors import NOT_APPLIED, UNKNOWN, CommandError, read_error


def _failure(
    title: str, kind: str, status: int, message: str, outcome: str, remedy: str
) -> CommandError:
    indicator = f"{title} failed."
    data = {
        "return_data": "Failed",
        "failure_indicator": indicator,
        "status_code": status,
        "message": message,
        "kind": kind,
        "retryable": outcome == NOT_APPLIED,
        "outcome": outcome,
        "remedy": remedy,
    }
    code = -32800 if kind == "cancelled" else -32000
    error = read_error({"code": code, "message": indicator, "data": data})
    assert isinstance(error, CommandError)
    return error


def begun_before(about: Mapping[str, Any]) -> CommandError:
    """A worker started a change and was lost before it reported the outcome."""
    read_back = about.get("read_back")
    check = f"check with {read_back}" if read_back else "check whether it was"
    return _failure(
        about["title"],
        "unavailable",
        503,
        "A worker started the command and was lost before it responded.",
        UNKNOWN,
        f"It may have been applied: {check}, then retry.",
    )


def host_ended(title: str, outcome: str) -> CommandError:
    return _failure(
        title,
        "internal",
        500,
        "The worker's host exited repeatedly.",
        outcome,
        "See the worker's log.",
    )


def cancelled_in_time(title: str) -> CommandError:
    message = "The command was cancelled before it started."
    return _failure(title, "cancelled", 499, message, NOT_APPLIED, "Retry.")


def not_taken(what: str, queue: str) -> CommandError:
    """No worker started it within the timeout."""
    return _failure(
        what,
        "timeout",
        504,
        "No worker started the command in time.",
        NOT_APPLIED,
        f"Check that a worker serves the queue {queue} and has free threads.",
    )


def not_signed(what: str) -> CommandError:
    """Someone without the key sent it, or it was changed on the way."""
    return _failure(
        what,
        "policy",
        403,
        "The task is not signed with the key of this worker.",
        NOT_APPLIED,
        "Give callers and workers the same SALLYPORT_CELERY_KEY.",
    )


def not_served(what: str, connection: str) -> CommandError:
    """It arrived in the queue of another connection."""
    return _failure(
        what,
        "policy",
        403,
        f"This worker does not serve the connection {connection}.",
        NOT_APPLIED,
        "Send it through the queue of its connection.",
    )
