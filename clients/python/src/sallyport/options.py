"""The options of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union

from .results import Progress, Waiting

#: How a command is run: only streams report waits, and `submit` reports no progress.
Way = Literal["invoke", "submit", "stream"]
#: A connection by name, or as an object with `integration` and `settings`.
Connection = Union[str, Mapping[str, Any]]

if TYPE_CHECKING:
    # Never imported when the package runs: it has no dependency.
    from typing_extensions import Unpack as Unpack


class CallOptions(TypedDict, total=False):
    """Options of every call."""

    connection: Connection | None
    """May be omitted if the host has one active connection of the integration."""
    timeout: float | None
    """Seconds for everything together: queueing, sign-in, waits, retries and transfer."""
    all_pages: bool
    """Reads all pages."""
    dry_run: bool
    """Only validates the arguments; `Result.requests` is what would be sent."""
    idempotency_key: str
    """A second call with the same key returns the first result and does nothing."""
    field_mapping: Mapping[str, Any]
    """Maps fetched events to fields."""
    label: str
    """A name for the call in the host's log and audit file; at most 64 characters."""
    traceparent: str
    """The span that the call belongs to (W3C Trace Context)."""


class WatchedOptions(CallOptions, total=False):
    """Options of a call that reports progress."""

    on_progress: Callable[[Progress], object]
    """Called in the waiting thread or task; its exceptions cancel the call."""


class StreamOptions(WatchedOptions, total=False):
    """Options of a stream."""

    on_waiting: Callable[[Waiting], object]
    """Called there too, when the command waits, such as for a rate limit."""


_PASSED_ON = (
    "all_pages", "dry_run", "idempotency_key", "field_mapping", "label", "traceparent",
)
_NAMES = {
    "submit": frozenset(CallOptions.__annotations__),
    "invoke": frozenset(WatchedOptions.__annotations__),
    "stream": frozenset(StreamOptions.__annotations__),
}


def check_timeout(seconds: float | None) -> None:
    """Raises ValueError."""
    if seconds is not None and not 0 < seconds < float("inf"):
        raise ValueError(
            f"invalid timeout {seconds!r}; use a positive number of seconds, or None for the "
            "host's default."
        )


def invoke_params(
    integration: str,
    command: str,
    arguments: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    timeout: float | None,
    way: Way,
) -> dict[str, Any]:
    """The params of an invoke."""
    params: dict[str, Any] = {"integration": integration, "command": command}
    if arguments:
        params["arguments"] = arguments
    wire: dict[str, Any] = {}
    if options:
        unknown = options.keys() - _NAMES[way]
        if unknown:
            names = ", ".join(sorted(unknown))
            raise TypeError(
                f"unknown option of {way}: {names}; pass arguments of the command in `arguments`"
            )
        if options.get("connection") is not None:
            params["connection"] = options["connection"]
        for name in _PASSED_ON:
            if options.get(name):
                wire[name] = options[name]
        if "on_progress" in options:
            wire["progress"] = True
    if timeout is not None:
        # At least 1: 0 would mean no timeout.
        wire["timeout_ms"] = max(1, int(timeout * 1000))
    if way == "stream":
        wire["stream"] = True
    if wire:
        params["options"] = wire
    return params
