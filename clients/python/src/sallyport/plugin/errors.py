"""Failures of a plugin's commands, as the host reports them to its caller."""

from __future__ import annotations

import difflib
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

NOT_APPLIED = "not_applied"
UNKNOWN = "unknown"

FAILED_CODE = -32000
DRY_RUN_CODE = -32001
CANCELLED_CODE = -32800
INVALID_CODE = -32602

#: The kind of a vendor's status. Other statuses are `upstream`.
_KINDS = {
    401: "auth", 402: "permission", 403: "permission", 404: "not_found", 408: "timeout",
    413: "too_large", 429: "rate_limited", 504: "timeout",
}  # fmt: skip

_STATUSES = {
    "validation": 400, "auth": 401, "permission": 403, "policy": 403, "not_found": 404, "too_large": 413,
    "rate_limited": 429, "cancelled": 499, "internal": 500, "upstream": 502, "network": 502,
    "unavailable": 503, "timeout": 504,
}  # fmt: skip

_RETRYABLE_KINDS = {"rate_limited", "timeout", "network"}
_RETRYABLE_STATUSES = {500, 502, 503}


class PluginError(Exception):
    """A command failed. Raise it with the vendor's message; the other members have defaults.

    - `status_code`: the vendor's status. Without it, the status of `kind`.
    - `kind`: one of the protocol's kinds, such as `not_found`. Without it, the kind of `status_code`.
    - `retryable`: whether time alone may help. The default depends on kind and status.
    - `outcome`: `not_applied`, or `unknown` if the command may have been applied. The default depends on
      the command's effect and on the requests that it has sent.
    - `remedy`: what the user can do.
    - `upstream`: the vendor's error.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: Optional[int] = None,
        kind: Optional[str] = None,
        retryable: Optional[bool] = None,
        retry_after_ms: Optional[int] = None,
        outcome: Optional[str] = None,
        remedy: Optional[str] = None,
        upstream: Any = None,
        targets: Optional[Sequence[Mapping[str, Any]]] = None,
    ) -> None:
        super().__init__(message)
        if kind is None:
            kind = "upstream" if status_code is None else _KINDS.get(status_code, "upstream")
        if kind not in _STATUSES:
            raise ValueError(f"unknown kind {kind!r}{suggestion(kind, _STATUSES)}")
        if outcome not in (None, NOT_APPLIED, UNKNOWN):
            raise ValueError(f"unknown outcome {outcome!r}; expected {NOT_APPLIED} or {UNKNOWN}")
        self.message = message
        self.kind = kind
        self.status_code = _STATUSES[kind] if status_code is None else status_code
        self.retryable = (
            kind in _RETRYABLE_KINDS or (kind == "upstream" and self.status_code in _RETRYABLE_STATUSES)
            if retryable is None else retryable
        )  # fmt: skip
        self.retry_after_ms = retry_after_ms
        self.outcome = outcome
        self.remedy = remedy
        self.upstream = upstream
        self.targets = targets
        #: The failure of the command as the host reported it; see `from_host`.
        self.failure_indicator: Optional[str] = None
        self.code = CANCELLED_CODE if kind == "cancelled" else FAILED_CODE

    def data(self, failure_indicator: str) -> dict[str, Any]:
        """The members of the protocol's error."""
        made: dict[str, Any] = {
            "return_data": "Failed",
            "failure_indicator": failure_indicator,
            "status_code": self.status_code,
            "message": self.message,
            "kind": self.kind,
            "retryable": self.retryable,
            "outcome": self.outcome or UNKNOWN,
        }
        for name in ("retry_after_ms", "remedy", "upstream", "targets"):
            value = getattr(self, name)
            if value is not None:
                made[name] = value
        return made


class DryRun(BaseException):
    """Ends a command in a dry run: the host has recorded the request and has not sent it.

    Not an Exception, so that a command that handles the errors of its requests does not catch it.
    """


def internal(error: BaseException) -> PluginError:
    """The failure of a command that raised something else. The traceback goes to the host's log."""
    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
    return PluginError(f"{type(error).__name__}: {error}", kind="internal")


class Cancelled(PluginError):
    """The caller cancelled the command, or the host is shutting down. Do not catch it."""

    def __init__(self, message: str = "The command was cancelled.") -> None:
        super().__init__(message, kind="cancelled")


class Problem(NamedTuple):
    """A wrong argument. `path` is a JSON Pointer into the params."""

    path: str
    message: str
    did_you_mean: Optional[str] = None


class InvalidArguments(PluginError):
    """Arguments are wrong. It lists all problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        name = first.path.removeprefix("/arguments/") if first.path else "arguments"
        super().__init__(f"{name}: {first.message}.", kind="validation", outcome=NOT_APPLIED)
        self.problems = list(problems)
        self.code = INVALID_CODE

    def data(self, failure_indicator: str) -> dict[str, Any]:
        problems = [
            {name: value for name, value in one._asdict().items() if value is not None}
            for one in self.problems
        ]
        return {**super().data(failure_indicator), "problems": problems}


def from_host(error: Mapping[str, Any]) -> BaseException:
    """The exception for the host's error in response to a request of the plugin."""
    code, message = error.get("code"), str(error.get("message", ""))
    data = error.get("data")
    if code == DRY_RUN_CODE:
        return DryRun(message)
    if code == CANCELLED_CODE:
        return Cancelled(message)
    if not isinstance(data, dict) or data.get("kind") not in _STATUSES:
        return PluginError(f"The host refused the request: {message}", kind="internal")
    failed = PluginError(
        str(data.get("message", message)),
        status_code=data.get("status_code"),
        kind=data["kind"],
        retryable=data.get("retryable"),
        retry_after_ms=data.get("retry_after_ms"),
        outcome=data.get("outcome") if data.get("outcome") in (NOT_APPLIED, UNKNOWN) else None,
        remedy=data.get("remedy"),
        upstream=data.get("upstream"),
    )
    return failed


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word."""
    found = close_match(word, known)
    if found:
        return f'; did you mean "{found}"?'
    names = ", ".join(sorted(known))
    return f"; expected one of: {names}" if names else ""


def close_match(word: str, known: Iterable[str]) -> Optional[str]:
    found = difflib.get_close_matches(word, list(known), 1, 0.6)
    return found[0] if found else None
