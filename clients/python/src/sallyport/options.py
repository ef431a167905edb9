"""The options of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, Union

from .results import FailedPoll, Heartbeat, Progress, Waiting
from .trace_context import current_traceparent

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
    """A text for the audit file and the log, such as a ticket; 64 characters at most. Default: the
    host's `label`."""
    traceparent: str
    """The parent span, as in W3C Trace Context. Default: OpenTelemetry's current span, if the
    program uses it."""


class WatchedOptions(CallOptions, total=False):
    """Options of a call that reports progress."""

    on_progress: Callable[[Progress], object]
    """Called in the waiting thread or task; its exceptions cancel the call."""


class StreamOptions(WatchedOptions, total=False):
    """Options of a stream."""

    on_waiting: Callable[[Waiting], object]
    """Called there too, when the command waits, such as for a rate limit."""


class FollowOptions(TypedDict, total=False):
    """Options of following events."""

    connection: Connection | None
    """May be omitted if the host has one active connection of the integration."""
    timeout: float | None
    """Seconds for one poll."""
    field_mapping: Mapping[str, Any]
    """Maps fetched events to fields."""
    label: str
    """As for a call."""
    traceparent: str
    """As for a call."""
    every_seconds: int
    """Seconds between two polls of the vendor; the host's default is 30."""
    max_unacknowledged: int
    """Polling pauses while so many events are not acknowledged; the host's default is 100."""
    checkpoint: str
    """The host stores the acknowledged position under this name and continues there; it needs
    `state_dir`."""
    auto_ack: bool
    """Whether an event is acknowledged when the loop asks for the next one. Default: True.
    Otherwise call `event.ack()`."""
    on_heartbeat: Callable[[Heartbeat], object]
    """Called in the reading thread or task after each poll; its exceptions end the loop."""
    on_failed: Callable[[FailedPoll], object]
    """Called there too, when a poll failed; the host tries again."""


_PASSED_ON = frozenset(
    ("all_pages", "dry_run", "idempotency_key", "field_mapping", "label", "traceparent")
)
_FOLLOW_PARAMS = ("every_seconds", "max_unacknowledged", "checkpoint")
_NAMES = {
    "submit": frozenset(CallOptions.__annotations__),
    "invoke": frozenset(WatchedOptions.__annotations__),
    "stream": frozenset(StreamOptions.__annotations__),
    "follow": frozenset(FollowOptions.__annotations__),
}


class TraceDefaults(NamedTuple):
    """What a host adds to its calls."""

    label: str | None
    #: Whether the current span of OpenTelemetry is the parent.
    propagates: bool


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
    trace: TraceDefaults | None = None,
) -> dict[str, Any]:
    """The params of an invoke."""
    params, wire = _params(integration, command, arguments, options, way, trace)
    if "on_progress" in options:
        wire["progress"] = True
    if timeout is not None:
        wire["timeout_ms"] = _milliseconds(timeout)
    if way == "stream":
        wire["stream"] = True
    if wire:
        params["options"] = wire
    return params


def follow_params(
    integration: str,
    command: str,
    arguments: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    trace: TraceDefaults,
) -> dict[str, Any]:
    """The params of an events/follow."""
    params, wire = _params(integration, command, arguments, options, "follow", trace)
    timeout = options.get("timeout")
    if timeout is not None:
        wire["timeout_ms"] = _milliseconds(timeout)
    for name in _FOLLOW_PARAMS:
        if options.get(name) is not None:
            params[name] = options[name]
    if wire:
        params["options"] = wire
    return params


def _milliseconds(seconds: float) -> int:
    # At least 1: 0 would mean no timeout.
    return max(1, int(seconds * 1000))


def _params(
    integration: str,
    command: str,
    arguments: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    way: str,
    trace: TraceDefaults | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The params, and their options, which are not yet among them."""
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
        for name, value in options.items():
            if value and name in _PASSED_ON:
                wire[name] = value
    if trace is not None:
        if trace.label and "label" not in options:
            wire["label"] = trace.label
        if trace.propagates and "traceparent" not in wire:
            traceparent = current_traceparent()
            if traceparent is not None:
                wire["traceparent"] = traceparent
    return params, wire
