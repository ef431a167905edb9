"""The base of the generated integration classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

#: The return type of a command: a `Result`, a `Call`, a `Stream`, or an awaitable.
R = TypeVar("R")


class CommandRunner(Generic[R]):
    """Runs any command of any integration."""

    def run_command(self, integration: str, command: str, arguments: Mapping[str, Any]) -> R:
        raise NotImplementedError

    def integration(self, id: str) -> AnyCommands[R]:
        """The commands of an integration without a generated class, unchecked."""
        return AnyCommands(self, id)


class Commands(Generic[R]):
    """The commands of one integration."""

    __slots__ = ("_runner",)

    #: The id of the integration.
    integration: str

    def __init__(self, runner: CommandRunner[R]) -> None:
        self._runner = runner

    def _run(self, command: str, arguments: Mapping[str, Any]) -> R:
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._runner.run_command(self.integration, command, given)


class AnyCommands(Commands[R]):
    """Accepts every command and argument; the host validates them."""

    __slots__ = ("integration",)

    def __init__(self, runner: CommandRunner[R], integration: str) -> None:
        super().__init__(runner)
        self.integration = integration

    def __getattr__(self, command: str) -> Callable[..., R]:
        if command.startswith("_"):
            raise AttributeError(command)

        def run(**arguments: Any) -> R:
            return self._run(command, arguments)

        return run
