"""Errors as exceptions. They are safe to log: the host has redacted secrets in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .meta import Meta

#: Whether a command may have been applied.
NOT_APPLIED = "not_applied"
UNKNOWN = "unknown"


class SallyportError(Exception):
    """The base of all exceptions of this package."""


class ExecutableNotFound(SallyportError):
    """No executable was found."""


class HostClosed(SallyportError):
    """The host is not open: not opened yet, closed, or opened before a fork."""


class HostExited(SallyportError):
    """The host exited by itself, or was killed because it violated the protocol.

    `outcome` is `unknown` for a call in flight, and `not_applied` for a call that was not
    sent. `Host.restart()` starts a new host.
    """

    def __init__(
        self,
        exit_status: int | None,
        log_lines: Sequence[str] = (),
        *,
        outcome: str = UNKNOWN,
        reason: str | None = None,
    ) -> None:
        super().__init__(exit_status, tuple(log_lines), outcome, reason)
        #: As in `subprocess`: negative for a signal, None if unknown.
        self.exit_status = exit_status
        #: The last log lines, newest last.
        self.log_lines = tuple(log_lines)
        self.outcome = outcome
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored_exit, (self.exit_status, self.log_lines, self.outcome, self.reason)

    def __str__(self) -> str:
        status = self.exit_status
        if status is None:
            ending = "exited"
        elif status < 0:
            ending = f"was killed by signal {-status}"
        else:
            ending = f"exited with status {status}"
        text = f"The host {ending}."
        if self.reason:
            text = f"{text} {self.reason}"
        if self.outcome == UNKNOWN:
            text += " Changes in flight may have been applied."
        if self.log_lines:
            text += " Last log lines:\n  " + "\n  ".join(self.log_lines)
        return text


def _restored_exit(
    status: int | None, lines: Sequence[str], outcome: str, reason: str | None
) -> HostExited:
    return HostExited(status, lines, outcome=outcome, reason=reason)


class RequestError(SallyportError):
    """The host returned an error.

    Unless it is a `CommandError`, the request itself is wrong: an unknown
    method, or a line that the host does not accept.
    """

    def __init__(self, code: int, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.data: Mapping[str, Any] = data if data is not None else {}

    @property
    def message(self) -> str:
        """The problem, as a sentence."""
        return str(self.args[1])

    @property
    def meta(self) -> Meta:
        """What the command cost until it failed, and its trace."""
        return Meta.read(self.data.get("meta"))

    def __str__(self) -> str:
        return self.message


class Problem(NamedTuple):
    """One problem of the arguments."""

    #: A JSON Pointer into the params, such as `/arguments/page`.
    path: str
    message: str
    did_you_mean: str | None


class Target(NamedTuple):
    """The outcome of one target of a command over several."""

    target: Any
    #: `Successful` or `Failed`.
    return_data: str
    error: CommandError | None

    @property
    def is_successful(self) -> bool:
        return self.error is None and self.return_data == "Successful"


class CommandError(RequestError):
    """A command failed. The subclass is its kind, for use in `except`.

    The triple is `failure_indicator`, `status_code` and `message`.
    """

    @property
    def return_data(self) -> str:
        return str(self.data.get("return_data", "Failed"))

    @property
    def failure_indicator(self) -> str:
        """Which command failed, such as `List Devices failed.`"""
        return str(self.data.get("failure_indicator", self.args[1]))

    @property
    def status_code(self) -> int:
        """The vendor's status, or the status of the kind if the vendor sent none."""
        return int(self.data.get("status_code", 500))

    @property
    def message(self) -> str:
        """Why it failed."""
        return str(self.data.get("message", self.args[1]))

    @property
    def triple(self) -> tuple[str, int, str]:
        return self.failure_indicator, self.status_code, self.message

    @property
    def kind(self) -> str:
        return str(self.data.get("kind", "internal"))

    @property
    def outcome(self) -> str:
        """`not_applied`, or `unknown` if the command may have been applied; see `remedy` then."""
        return str(self.data.get("outcome", UNKNOWN))

    @property
    def retryable(self) -> bool:
        return self.data.get("retryable") is True

    @property
    def retry_after_ms(self) -> int | None:
        """Milliseconds until the next attempt."""
        value = self.data.get("retry_after_ms")
        return None if value is None else int(value)

    @property
    def remedy(self) -> str | None:
        """What the caller can do."""
        return self.data.get("remedy")

    @property
    def problems(self) -> list[Problem]:
        """All problems of the arguments."""
        return read_problems(self.data.get("problems", ()))

    @property
    def targets(self) -> list[Target]:
        """The outcome per target, for a command over several."""
        return read_targets(self.data.get("targets", ()))

    @property
    def upstream(self) -> Any:
        """The vendor's error."""
        return self.data.get("upstream")

    def __str__(self) -> str:
        text = f"{self.failure_indicator} {self.status_code} {self.message}"
        for problem in self.problems:
            text += f"\n  {problem.path}: {problem.message}"
            if problem.did_you_mean and "did you mean" not in problem.message:
                text += f'; did you mean "{problem.did_you_mean}"?'
        return f"{text}\n  {self.remedy}" if self.remedy else text


class UpstreamError(CommandError):
    """The vendor returned an error, or an invalid response."""


class AuthenticationError(CommandError):
    """The vendor refused the credentials."""


class PermissionDenied(CommandError):
    """The credentials may not do this."""


class RateLimited(CommandError):
    """The rate limit does not fit the deadline; `retry_after_ms` says when to retry."""


class TimedOut(CommandError):
    """The command did not finish within the timeout."""


class NetworkError(CommandError):
    """The vendor was not reached, or the connection broke."""


class InvalidArguments(CommandError):
    """The arguments are invalid; `problems` lists all problems."""


class NotFound(CommandError):
    """The vendor has nothing with this id."""


class PolicyRefused(CommandError):
    """The connection or the host does not allow this command."""


class Cancelled(CommandError):
    """The command was cancelled; `outcome` says whether it may have been applied."""


class TooLarge(CommandError):
    """The result exceeds the limit of the host: stream it, or narrow the request."""


class Unavailable(CommandError):
    """The host lacks something, or the vendor is not ready."""


class InternalError(CommandError):
    """A bug in the host."""


_CLASSES: dict[str, type[CommandError]] = {
    "upstream": UpstreamError,
    "auth": AuthenticationError,
    "permission": PermissionDenied,
    "rate_limited": RateLimited,
    "timeout": TimedOut,
    "network": NetworkError,
    "validation": InvalidArguments,
    "not_found": NotFound,
    "policy": PolicyRefused,
    "cancelled": Cancelled,
    "too_large": TooLarge,
    "unavailable": Unavailable,
    "internal": InternalError,
}


def read_error(error: Mapping[str, Any]) -> RequestError:
    """The exception for the `error` member of a response."""
    code, message, data = error.get("code", -32603), error.get("message", ""), error.get("data")
    if not isinstance(data, dict):
        return RequestError(code, message)
    if "kind" not in data:
        return RequestError(code, message, data)
    # An unknown kind of a later host is still a command failure.
    return _CLASSES.get(data["kind"], CommandError)(code, message, data)


def read_problems(problems: Sequence[Any]) -> list[Problem]:
    return [
        Problem(one.get("path", ""), one.get("message", ""), one.get("did_you_mean"))
        if isinstance(one, Mapping)
        else Problem("", str(one), None)
        for one in problems
    ]


def read_targets(targets: Sequence[Mapping[str, Any]]) -> list[Target]:
    read = []
    for one in targets:
        error = one.get("error")
        failure = None
        if error is not None:
            message = error.get("failure_indicator", "")
            failed = read_error({"code": -32000, "message": message, "data": error})
            failure = failed if isinstance(failed, CommandError) else None
        read.append(Target(one.get("target"), one.get("return_data", "Failed"), failure))
    return read


def timed_out(what: str, seconds: float, *, outcome: str, remedy: str | None = None) -> TimedOut:
    """A timeout detected by the client, in the form of the host's."""
    indicator = f"{what} failed."
    data: dict[str, Any] = {
        "return_data": "Failed",
        "failure_indicator": indicator,
        "status_code": 504,
        "message": f"No response within {seconds:g} seconds.",
        "kind": "timeout",
        "retryable": outcome == NOT_APPLIED,
        "outcome": outcome,
    }
    if remedy is not None:
        data["remedy"] = remedy
    return TimedOut(-32000, indicator, data)
