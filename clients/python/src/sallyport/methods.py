"""The methods of the protocol as values, shared by `Host` and `AsyncHost`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from .options import Connection, TraceDefaults, Way, follow_params, invoke_params
from .results import FileReference, HealthChange, Reloaded, Result

T = TypeVar("T")


class Method(Generic[T]):
    """An unsent request, with the decoder of its result."""

    __slots__ = ("decode", "name", "params", "timeout", "what")

    def __init__(
        self,
        name: str,
        params: Mapping[str, Any] | None,
        decode: Callable[[Any], T],
        *,
        timeout: float | None = None,
        what: str | None = None,
    ) -> None:
        self.name = name
        self.params = params
        self.decode = decode
        #: Timeout in seconds.
        self.timeout = timeout
        #: The name in errors.
        self.what = what or name


def invoke(
    integration: str,
    command: str,
    arguments: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    timeout: float | None,
    way: Way,
    trace: TraceDefaults,
) -> Method[Result]:
    params = invoke_params(integration, command, arguments, options, timeout, way, trace)
    return Method("invoke", params, Result, timeout=timeout, what=f"{integration}.{command}")


def follow(
    integration: str,
    command: str,
    arguments: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    trace: TraceDefaults,
) -> Method[Result]:
    params = follow_params(integration, command, arguments, options, trace)
    return Method("events/follow", params, Result, what=f"{integration}.{command}")


def acknowledge(id: int, seq: int) -> Method[None]:
    return Method("events/ack", {"id": id, "seq": seq}, _nothing)


def _as_it_is(value: Any) -> Any:
    return value


def _nothing(value: Any) -> None:
    return None


def _without_none(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def request(name: str, params: Mapping[str, Any] | None) -> Method[Any]:
    """Any method, including unknown ones."""
    return Method(name, params, _as_it_is)


def ping() -> Method[None]:
    return Method("ping", None, _nothing)


def capabilities(
    integration: str | None, command: str | None, detail: str | None
) -> Method[dict[str, Any]]:
    params = _without_none(integration=integration, command=command, detail=detail)
    return Method("capabilities", params, dict)


def limits() -> Method[dict[str, Any]]:
    return Method("limits", None, dict)


def reset_limits(connection: str) -> Method[int]:
    return Method(
        "limits/reset", {"connection": connection}, lambda result: int(result["lifted"])
    )


def stats() -> Method[dict[str, Any]]:
    return Method("stats", None, dict)


def metrics() -> Method[str]:
    return Method("metrics", None, lambda result: str(result["text"]))


# Connections


def list_connections() -> Method[list[dict[str, Any]]]:
    return Method("connections/list", None, lambda result: list(result["connections"]))


def put_connection(name: str, connection: Connection) -> Method[None]:
    return Method("connections/put", {"name": name, "connection": connection}, _nothing)


def remove_connection(name: str) -> Method[None]:
    return Method("connections/remove", {"name": name}, _nothing)


def reload() -> Method[Reloaded]:
    return Method("connections/reload", None, Reloaded.read)


# Health


def watch(
    connection: str, interval_seconds: int | None, notify_after_failures: int | None
) -> Method[None]:
    params = _without_none(
        connection=connection,
        interval_seconds=interval_seconds,
        notify_after_failures=notify_after_failures,
    )
    return Method("health/watch", params, _nothing)


def unwatch(connection: str) -> Method[None]:
    return Method("health/unwatch", {"connection": connection}, _nothing)


def health() -> Method[list[HealthChange]]:
    return Method(
        "health/status",
        None,
        lambda result: [HealthChange.read(one) for one in result["watches"]],
    )


# Files

#: Maximum bytes of a content sent inline; larger contents are passed as a file.
MAXIMUM_INLINE_BYTES = 16 << 20
#: Bytes requested at a time.
CHUNK_BYTES = 1 << 20


def put_file(
    content: bytes | None,
    path: str | None,
    name: str | None,
    source: str,
    content_type: str | None,
) -> Method[FileReference]:
    encoded = None if content is None else base64.b64encode(content).decode("ascii")
    params = _without_none(
        name=name, content_base64=encoded, path=path, source=source, content_type=content_type
    )
    return Method("files/put", params, FileReference.read)


class Chunk:
    """A part of a file."""

    __slots__ = ("content", "is_last")

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.content = base64.b64decode(members["content_base64"])
        self.is_last = bool(members["eof"])


def get_chunk(file_id: str, offset: int) -> Method[Chunk]:
    params = {"file_id": file_id, "offset": offset, "length": CHUNK_BYTES}
    return Method("files/get", params, Chunk)


class FilePage:
    """A part of the list of files."""

    __slots__ = ("files", "next_cursor")

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.files = [FileReference.read(file) for file in members["files"]]
        self.next_cursor: str | None = members.get("next_cursor")


def list_files(cursor: str | None) -> Method[FilePage]:
    return Method("files/list", _without_none(cursor=cursor), FilePage)


def remove_file(file_id: str) -> Method[bool]:
    return Method("files/remove", {"file_id": file_id}, lambda result: bool(result["removed"]))
