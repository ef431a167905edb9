"""What can be said about a call beside its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union

from .results import Progress, Waiting

#: How a command is run: only streams tell of waits, and nobody waits for what is submitted.
Way = Literal["invoke", "submit", "stream"]
#: A connection by name, or as an object with `integration` and `settings`.
Connection = Union[str, Mapping[str, Any]]

if TYPE_CHECKING:
    # Never imported when the package runs: it has no dependency.
    from typing_extensions import Unpack as Unpack


class CallOptions(TypedDict, total=False):
    """Options of every call."""

    connection: Connection | None
    """None, or left out, where the host has one active connection of the integration."""
    timeout: float | None
    """Seconds for everything together: queueing, sign-in, waits, retries and transfer."""
    all_pages: bool
    """Reads on to the last page."""
    dry_run: bool
    """Only checks the arguments; `Result.requests` is what would be sent."""
    idempotency_key: str
    """A second call with the same key answers the first one's result and does nothing."""
    field_mapping: Mapping[str, Any]
    """How fetched events become fields."""


class WatchedOptions(CallOptions, total=False):
    """Options of a call that tells how it goes on while it is waited for."""

    on_progress: Callable[[Progress], object]
    """Is called where the call is waited for: its exceptions end the call."""


class StreamOptions(WatchedOptions, total=False):
    """Options of a stream."""

    on_waiting: Callable[[Waiting], object]
    """Is called there too, when the command has to wait, such as for a rate limit."""


_PASSED_ON = ("all_pages", "dry_run", "idempotency_key", "field_mapping")
_NAMES = {
    "submit": frozenset(CallOptions.__annotations__),
    "invoke": frozenset(WatchedOptions.__annotations__),
    "stream": frozenset(StreamOptions.__annotations__),
}


def check_timeout(seconds: float | None) -> None:
    """Raises ValueError."""
    if seconds is not None and not 0 < seconds < float("inf"):
        raise ValueError(
            f"timeout is {seconds!r}: it has to be a number of seconds above 0, or None, which "
            "leaves it to the host."
        )


def invoke_params(
    integration: str,
    command: str,
    arguments: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    timeout: float | None,
    way: Way,
) -> dict[str, Any]:
    """The params of an invoke, as the protocol has them."""
    params: dict[str, Any] = {"integration": integration, "command": command}
    if arguments:
        params["arguments"] = arguments
    wire: dict[str, Any] = {}
    if options:
        unknown = options.keys() - _NAMES[way]
        if unknown:
            names = ", ".join(sorted(unknown))
            raise TypeError(
                f"{names}: no option of {way}; arguments of the command go into `arguments`"
            )
        if options.get("connection") is not None:
            params["connection"] = options["connection"]
        for name in _PASSED_ON:
            if options.get(name):
                wire[name] = options[name]
        if "on_progress" in options:
            wire["progress"] = True
    if timeout is not None:
        # At least one: what is left of a timeout is never "no timeout".
        wire["timeout_ms"] = max(1, int(timeout * 1000))
    if way == "stream":
        wire["stream"] = True
    if wire:
        params["options"] = wire
    return params
