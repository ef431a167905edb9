"""Failures that are the workers' own, in the form of the host's."""

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
    """A command that changes something was begun by a worker that did not live to tell."""
    read_back = about.get("read_back")
    look = f"look with {read_back}" if read_back else "look whether it was"
    return _failure(
        about["title"],
        "unavailable",
        503,
        "A worker began it and ended without a word.",
        UNKNOWN,
        f"It may have been applied: {look}, then send it again.",
    )


def host_ended(title: str, outcome: str) -> CommandError:
    return _failure(
        title,
        "internal",
        500,
        "The worker's host ended again and again.",
        outcome,
        "See the worker's log.",
    )


def cancelled_in_time(title: str) -> CommandError:
    message = "It was cancelled before it was begun."
    return _failure(title, "cancelled", 499, message, NOT_APPLIED, "Send it again.")


def not_taken(what: str, queue: str) -> CommandError:
    """No worker began it within the timeout."""
    return _failure(
        what,
        "timeout",
        504,
        "No worker took it in time.",
        NOT_APPLIED,
        f"Is there a worker that serves the queue {queue}, and has it free threads?",
    )


def not_served(what: str, connection: str) -> CommandError:
    """It came through the queue of another connection."""
    return _failure(
        what,
        "policy",
        403,
        f"This worker does not serve the connection {connection}.",
        NOT_APPLIED,
        "Send it through the queue of its connection.",
    )
