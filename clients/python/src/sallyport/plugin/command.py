"""A command: a function, its schema, and what its return value becomes."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

from .docstring import read_docstring
from .errors import (
    DRY_RUN_CODE,
    NOT_APPLIED,
    UNKNOWN,
    Cancelled,
    DryRun,
    PluginError,
    Problem,
    internal,
    suggestion,
)
from .result import ABSENT, Events, Result, path_names
from .schema import (
    Schema,
    UnsupportedType,
    member,
    members_reader,
    members_schema,
    schema_of,
    title_of,
)

if TYPE_CHECKING:
    from .call import BaseCall

EFFECTS = ("read", "write", "destructive")
ID = re.compile(r"(?=.{1,64}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
ID_RULE = "an id has lower-case letters, digits and single underscores, and begins with a letter"


@dataclasses.dataclass(frozen=True)
class Command:
    """See `Plugin.command` for the members."""

    id: str
    title: str
    description: str
    function: Callable[..., Any]
    effect: str
    idempotent: bool
    sensitive: bool
    partial_success: bool
    items: Optional[str]
    pages: bool
    permissions: Sequence[str]
    rate_limit: Optional[Mapping[str, Any]]
    read_back: Optional[str]
    events: Optional[Events]
    parameters: Schema
    result: Schema
    is_async: bool
    has_body: bool
    read_arguments: Callable[[Mapping[str, Any], str, list[Problem]], dict[str, Any]]

    @property
    def failure_indicator(self) -> str:
        return f"{self.title} failed."

    def describe(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": self.id, "title": self.title, "description": self.description,
            "parameters": self.parameters, "result": self.result, "effect": self.effect, "idempotent": self.idempotent,
            "failure_indicator": self.failure_indicator,
        }  # fmt: skip
        for name, flag in (
            ("sensitive", self.sensitive), ("partial_success", self.partial_success), ("pages", self.pages)
        ):  # fmt: skip
            if flag:
                made[name] = True
        for name, value in (
            ("items_path", self.items), ("rate_limit", self.rate_limit), ("read_back", self.read_back),
            ("permissions", list(self.permissions) or None), ("events", self.events and self.events.schema()),
        ):  # fmt: skip
            if value is not None:
                made[name] = value
        return made

    def outcome_of(self, call: BaseCall[Any]) -> str:
        """Whether a failed command may have been applied, if the error does not say it."""
        if self.effect == "read" or not (call.writes_in_doubt or call.has_written):
            return NOT_APPLIED
        return UNKNOWN

    def outcome_of_target(self, error: PluginError) -> str:
        """The same for one target: requests for other targets do not count."""
        is_refusal = 400 <= error.status_code < 500 and error.status_code != 408
        return NOT_APPLIED if self.effect == "read" or is_refusal else UNKNOWN

    def error(self, call: BaseCall[Any], error: BaseException) -> dict[str, Any]:
        """The error of the protocol for what the function raised."""
        if isinstance(error, DryRun):
            return {"code": DRY_RUN_CODE, "message": "Dry run."}
        if not isinstance(error, PluginError):
            if call.is_cancelled:
                error = Cancelled()
            else:
                error = internal(error)
        if error.outcome is None:
            error.outcome = self.outcome_of(call)
        return {
            "code": error.code, "message": self.failure_indicator, "data": error.data(self.failure_indicator)
        }  # fmt: skip

    def finish(self, call: BaseCall[Any], returned: Any) -> dict[str, Any]:
        """The result of the protocol."""
        if isinstance(returned, Result):
            result = returned
        else:
            result = Result(returned if returned is not None or self.has_body else ABSENT)
        made: dict[str, Any] = {"return_data": result.return_data}
        if call.stream:
            self._send_items(call, result)
            made["meta"] = {"items": call.sent_items}
        elif call.has_items:
            made["raw_data"] = self._with_items(result.raw_data, call.collected)
        elif result.raw_data is not ABSENT:
            made["raw_data"] = result.raw_data
        for name in ("targets", "errors", "cursor"):
            value = getattr(result, name)
            if value is not None:
                made[name] = value
        if result.events is not None and not call.stream:
            made["events"] = result.events
        files = [*call.files, *(one for one in result.files if one not in call.files)]
        if files:
            made["files"] = files
        notices = [*call.notices, *result.notices]
        if notices:
            made["notices"] = notices
        return made

    def _send_items(self, call: BaseCall[Any], result: Result) -> None:
        """Sends what the command returned, unless it has emitted items."""
        if call.has_items or result.targets is not None:
            return
        if result.events is not None:
            call.items(result.events)
        elif result.raw_data is not ABSENT:
            found = result.raw_data
            for name in self._items_names():
                found = found.get(name) if isinstance(found, dict) else None
            call.items(found if isinstance(found, list) else ())

    def _with_items(self, body: Any, items: list[Any]) -> Any:
        """The body with these items at the path of items."""
        names = self._items_names()
        if not names:
            return items
        made = dict(body) if isinstance(body, dict) else {}
        at = made
        for name in names[:-1]:
            inner = at.get(name)
            at[name] = dict(inner) if isinstance(inner, dict) else {}
            at = at[name]
        at[names[-1]] = items
        return made

    def _items_names(self) -> list[str]:
        return (path_names(self.items[: -len("[*]")]) or []) if self.items else []


def make_command(
    function: Callable[..., Any], *, id: Optional[str], title: Optional[str], effect: str, idempotent: bool,
    sensitive: bool, partial_success: bool, items: Optional[str], pages: bool, permissions: Sequence[str],
    rate_limit: Optional[tuple[int, float]], read_back: Optional[str], events: Optional[Events],
) -> Command:  # fmt: skip
    """Raises TypeError or ValueError with the name of the command."""
    name = id or function.__name__
    if not ID.fullmatch(name):
        raise ValueError(f"command {name!r}: {ID_RULE}")
    if effect not in EFFECTS:
        raise ValueError(f"command {name}: unknown effect {effect!r}{suggestion(effect, EFFECTS)}")
    if items is not None and (not items.endswith("[*]") or path_names(items[:-3]) is None):
        raise ValueError(f"command {name}: items is {items!r}; expected a path such as $.items[*] or $[*]")
    documented = read_docstring(function)
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise TypeError(f"command {name}: the first parameter is the call")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"command {name}: a type hint cannot be evaluated: {error}") from error
    members = []
    for parameter in parameters[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"command {name}: parameter {parameter.name} cannot be passed by name")
        has_default = parameter.default is not parameter.empty
        try:
            members.append(member(
                parameter.name, hints.get(parameter.name, Any), has_default,
                parameter.default if has_default else None, documented.parameters.get(parameter.name)))
        except UnsupportedType as error:
            raise TypeError(f"command {name}, parameter {parameter.name}: {error}") from None
    returned = hints.get("return", Any)
    shown_title = title or title_of(name)
    return Command(
        id=name, title=shown_title, description=documented.text or f"{shown_title}.", function=function,
        effect=effect, idempotent=idempotent or effect == "read", sensitive=sensitive,
        partial_success=partial_success, items=items, pages=pages, permissions=tuple(permissions), rate_limit=_limit(rate_limit, name), read_back=read_back,
        events=events, parameters=members_schema(members), result=_result_schema(returned),
        is_async=inspect.iscoroutinefunction(function), has_body=returned is not type(None),
        read_arguments=members_reader(members))


def _result_schema(hint: Any) -> Schema:
    """Empty for a type without a schema: the vendor's data is returned as it is."""
    if hint is Result or hint is type(None):
        return {}
    try:
        return schema_of(hint).schema
    except UnsupportedType:
        return {}


def _limit(given: Optional[tuple[int, float]], name: str) -> Optional[dict[str, Any]]:
    if given is None:
        return None
    requests, seconds = given
    if requests < 1 or seconds <= 0:
        raise ValueError(f"command {name}: rate_limit is (requests, seconds), both positive")
    return {"requests": requests, "per_seconds": seconds, "bucket": "default"}
