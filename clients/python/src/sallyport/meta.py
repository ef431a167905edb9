"""`meta` of results and errors: what a command cost, and where it is found in a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class SpentTime(NamedTuple):
    """Where the time of a command went, in milliseconds.

    The sum may exceed the duration: requests to the vendor may run at the same time.
    """

    #: Waiting for a slot.
    queue: int = 0
    sign_in: int = 0
    rate_limit: int = 0
    #: Waiting before a retry.
    back_off: int = 0
    #: Waiting for the vendor's responses.
    vendor: int = 0
    #: Waiting for a plugin.
    plugin: int = 0


class Meta(NamedTuple):
    """What a command cost. The host omits members that do not apply."""

    duration_ms: int = 0
    requests: int = 0
    retries: int = 0
    waited_ms: int = 0
    pages: int = 0
    #: The number of streamed items; None if the call was not a stream.
    items: int | None = None
    #: The name of the connection.
    connection: str | None = None
    #: The id of the trace (W3C Trace Context, 32 hexadecimal digits).
    trace_id: str | None = None
    spent_ms: SpentTime = SpentTime()
    #: Whether this is the recorded result of an earlier call with the same idempotency key.
    replayed: bool = False
    #: The number of sent events; None if the call followed no events.
    events: int | None = None

    @classmethod
    def read(cls, members: Any) -> Meta:
        """Ignores members of a later host."""
        if not isinstance(members, Mapping):
            return cls()
        known = {name: members[name] for name in cls._fields if name in members}
        spent = known.get("spent_ms")
        if spent is not None:
            known["spent_ms"] = SpentTime(
                **{name: spent[name] for name in SpentTime._fields if name in spent}
            )
        return cls(**known)
