"""A plugin: one integration, its settings and its commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Generic, Optional, TypeVar, Union

from .call import AsyncCall, BaseCall, Call, url_setting
from .command import ID, ID_RULE, Command, make_command
from .errors import InvalidArguments, Problem, close_match, suggestion
from .result import Events
from .schema import object_schema, title_of
from .tokens import Tokens
from .workers import Workers

if TYPE_CHECKING:
    from .link import Link
    from .testing import TestHost, Vendor

S = TypeVar("S")
F = TypeVar("F", bound=Callable[..., Any])

PROTOCOL_VERSION = "1"


class Plugin(Generic[S]):
    """One integration.

    Args:
        id: The id in `plugin.json`.
        settings: A dataclass. Fields of the type `Secret` are secrets; the host allows requests to the origins
            of the fields of the type `URL`.
        headers: The headers of each request to the vendor, except those that sign in, or a function that
            returns them. It gets the call. In a plugin of async commands it is an `async def`.
    """

    def __init__(
        self,
        id: str,
        *,
        title: Optional[str] = None,
        description: str = "",
        category: str = "Plugins",
        version: str = "0.1.0",
        settings: Optional[type[S]] = None,
        headers: Union[Mapping[str, str], Callable[[Any], Any], None] = None,
    ) -> None:
        if not ID.fullmatch(id):
            raise ValueError(f"plugin {id!r}: {ID_RULE}")
        self.id = id
        self.title = title or title_of(id)
        self.description = description or f"{self.title}."
        self.category = category
        self.version = version
        self.commands: dict[str, Command] = {}
        self.tokens = Tokens()
        self.workers = Workers()
        self._headers = headers
        self._settings = None if settings is None else object_schema(settings)

    def command(
        self,
        *,
        effect: str = "write",
        idempotent: bool = False,
        sensitive: bool = False,
        partial_success: bool = False,
        items: Optional[str] = None,
        pages: bool = False,
        permissions: Sequence[str] = (),
        rate_limit: Optional[tuple[int, float]] = None,
        read_back: Optional[str] = None,
        events: Optional[Events] = None,
        id: Optional[str] = None,
        title: Optional[str] = None,
    ) -> Callable[[F], F]:
        """Makes a function a command. Its first parameter is the call, the others are its parameters.

        Args:
            effect: `read`, `write` or `destructive`. The host retries only reads and idempotent commands.
            idempotent: Whether repeating it has no further effect.
            sensitive: Whether agents ask their user before they run it, although it is not destructive.
            partial_success: Whether some targets may fail while others succeed; see `Call.targets`.
            items: The path of the items in the result, such as `$.devices[*]`.
            pages: Whether it supports `all_pages`.
            permissions: What the vendor's user needs.
            rate_limit: Requests and seconds.
            read_back: The command that shows whether this one was applied.
            events: For a command that fetches events.
            id: The name of the function by default.
            title: Derived from the id by default.
        """

        def register(function: F) -> F:
            made = make_command(
                function, id=id, title=title, effect=effect, idempotent=idempotent, sensitive=sensitive,
                partial_success=partial_success, items=items, pages=pages, permissions=permissions,
                rate_limit=rate_limit, read_back=read_back, events=events)
            if made.id in self.commands:
                raise ValueError(f"command {made.id} is declared twice")
            self.commands[made.id] = made
            return function

        return register

    def run(self) -> None:
        """Serves the host on stdin and stdout until EOF or SIGTERM."""
        from .server import serve

        serve(self)

    def test(self, settings: Optional[Mapping[str, Any]] = None, vendor: Optional[Vendor] = None) -> TestHost:
        """A host for tests; see `TestHost`."""
        from .testing import TestHost

        return TestHost(self, settings or {}, vendor)

    def describe(self) -> dict[str, Any]:
        """The integration as `capabilities` returns it."""
        schema = {"type": "object", "properties": {}} if self._settings is None else self._settings.schema
        return {
            "id": self.id, "title": self.title, "description": self.description, "category": self.category,
            "connection": {"schema": schema}, "commands": [one.describe() for one in self.commands.values()],
        }  # fmt: skip

    def capabilities(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Raises InvalidArguments."""
        self._check_integration(params.get("integration", self.id))
        return {
            "protocol_version": PROTOCOL_VERSION, "host": {"name": self.id, "version": self.version},
            "integrations": [self.describe()],
        }  # fmt: skip

    def prepare(
        self, link: Link, id: Any, params: Mapping[str, Any]
    ) -> tuple[Command, BaseCall[S], dict[str, Any]]:
        """The command of an invoke, its call, and the arguments of its function. Raises InvalidArguments."""
        self._check_integration(params.get("integration", self.id))
        name = params.get("command")
        command = self.commands.get(name) if isinstance(name, str) else None
        if command is None:
            close = close_match(name, self.commands) if isinstance(name, str) else None
            raise InvalidArguments([Problem("/command", f"unknown command of {self.id}", close)])
        problems: list[Problem] = []
        connection = _object(params, "connection", "", problems)
        raw_settings = _object(connection, "settings", "/connection", problems)
        raw_arguments = _object(params, "arguments", "", problems)
        options = _object(params, "options", "", problems)
        settings: Any = raw_settings
        if self._settings is not None:
            settings = self._settings.read(raw_settings, "/connection/settings", problems)
        arguments = command.read_arguments(raw_arguments, "/arguments", problems)
        if problems:
            raise InvalidArguments(problems)
        made = (AsyncCall if command.is_async else Call)(
            self, link, id, command.id, settings, raw_settings, raw_arguments, options)
        return command, made, arguments

    def failure_indicator(self, command: Any) -> str:
        """Of the command with this id, if there is one."""
        known = self.commands.get(command) if isinstance(command, str) else None
        return known.failure_indicator if known else "Invalid params."

    def _check_integration(self, id: Any) -> None:
        if id != self.id:
            text = suggestion(id if isinstance(id, str) else "", [self.id])
            raise InvalidArguments([Problem("/integration", f"unknown integration{text}")])

    def base_url(self, settings: S) -> Optional[str]:
        return url_setting(settings)

    def authorization(self, call: Call[S]) -> Optional[Mapping[str, str]]:
        if not callable(self._headers):
            return self._headers
        made = self._headers(call)
        if hasattr(made, "__await__"):
            made.close()
            raise TypeError("headers is an async function; commands that are plain functions need a plain one")
        return made  # type: ignore[no-any-return]

    async def authorization_async(self, call: AsyncCall[S]) -> Optional[Mapping[str, str]]:
        if not callable(self._headers):
            return self._headers
        made = self._headers(call)
        if hasattr(made, "__await__"):
            made = await made
        return made  # type: ignore[no-any-return]


def _object(params: Mapping[str, Any], name: str, path: str, problems: list[Problem]) -> dict[str, Any]:
    value = params.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    problems.append(Problem(f"{path}/{name}", "must be an object"))
    return {}
