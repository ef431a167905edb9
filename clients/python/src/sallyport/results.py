"""Typed results of the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import Problem, RequestError, Target, read_error, read_problems, read_targets
from .meta import Meta as Meta


@dataclasses.dataclass(frozen=True)
class FileReference:
    """A file in the host's store."""

    file_id: str
    name: str
    size: int
    content_type: str
    md5: str
    sha1: str
    sha256: str
    source: str
    created: str
    #: The local path on the host; only in results of commands.
    path: str | None = None

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> FileReference:
        return cls(**{name: members[name] for name in _FILE_MEMBERS if name in members})


_FILE_MEMBERS = tuple(field.name for field in dataclasses.fields(FileReference))


class Result:
    """The result of a command; `json` is the complete result."""

    __slots__ = ("json",)

    def __init__(self, json: Mapping[str, Any]) -> None:
        self.json = json

    @property
    def return_data(self) -> str:
        """`Successful` or `Partially Successful`."""
        return str(self.json["return_data"])

    @property
    def is_successful(self) -> bool:
        """Whether everything succeeded; otherwise see `targets`."""
        return self.return_data == "Successful"

    @property
    def raw_data(self) -> Any:
        """The vendor's body, unchanged. None if there was none, and for a stream."""
        return self.json.get("raw_data")

    @property
    def targets(self) -> list[Target]:
        """The outcome per target, for a command over several."""
        return read_targets(self.json.get("targets", ()))

    @property
    def failures(self) -> list[Target]:
        """The targets that did not succeed."""
        return [target for target in self.targets if not target.is_successful]

    @property
    def files(self) -> list[FileReference]:
        """The files that the command stored."""
        return [FileReference.read(file) for file in self.json.get("files", ())]

    @property
    def events(self) -> list[Mapping[str, Any]]:
        """The fetched events."""
        return list(self.json.get("events", ()))

    @property
    def notices(self) -> list[str]:
        """Additional facts, such as that the command did more than was requested."""
        return list(self.json.get("notices", ()))

    @property
    def requests(self) -> list[Mapping[str, Any]]:
        """The requests that a dry run would have sent."""
        return list(self.json.get("requests", ()))

    @property
    def meta(self) -> Meta:
        """What the command cost, and its trace."""
        return Meta.read(self.json.get("meta"))

    def __repr__(self) -> str:
        # Without the data: vendor data must not be logged.
        return f"<Result {self.return_data}, {', '.join(self.json)}>"


class Progress(NamedTuple):
    """The progress of a command: pages or targets."""

    done: int
    total: int | None


class Waiting(NamedTuple):
    """A command waits, such as for a rate limit."""

    reason: str
    #: RFC 3339.
    resume_at: str | None


class HealthChange(NamedTuple):
    """A health change of a watched connection."""

    connection: str
    #: `healthy`, `unhealthy`, or `unknown` before the first check.
    status: str
    consecutive_failures: int
    #: Why the last check failed.
    error: str | None
    #: RFC 3339.
    checked_at: str | None
    #: The kind of the error, such as `auth` or `rate_limited`.
    error_kind: str | None = None

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> HealthChange:
        error = members.get("error") or {}
        return cls(
            members["connection"],
            members["status"],
            members.get("consecutive_failures", 0),
            error.get("message"),
            members.get("checked_at"),
            error.get("kind"),
        )


class Heartbeat(NamedTuple):
    """The host has polled the vendor for events."""

    #: Where the host continues.
    cursor: Any
    #: RFC 3339.
    next_poll_at: str | None
    #: Those of the poll, such as that a message cannot be read.
    notices: tuple[str, ...] = ()

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Heartbeat:
        return cls(
            members.get("cursor"),
            members.get("next_poll_at"),
            tuple(members.get("notices", ())),
        )


class FailedPoll(NamedTuple):
    """The host could not fetch events, and tries again."""

    error: RequestError
    #: RFC 3339.
    next_poll_at: str | None

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> FailedPoll:
        error = members.get("error") or {}
        if "code" not in error:
            error = {"code": -32000, "message": error.get("failure_indicator", ""), "data": error}
        return cls(read_error(error), members.get("next_poll_at"))


class RejectedConnection(NamedTuple):
    """A faulty connection of the connections file."""

    name: str
    problems: list[Problem]


class Reloaded(NamedTuple):
    """What reloading the connections file changed: names of connections.

    If a connection is rejected, nothing changed.
    """

    added: list[str]
    changed: list[str]
    removed: list[str]
    rejected: list[RejectedConnection]

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Reloaded:
        return cls(
            list(members.get("added", ())),
            list(members.get("changed", ())),
            list(members.get("removed", ())),
            [
                RejectedConnection(one.get("name", ""), read_problems(one.get("problems", ())))
                for one in members.get("rejected", ())
            ],
        )
