"""Integrations whose calls have options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .commands import R
from .integrations import EventIntegrations, Integrations


class Bound(Integrations[R]):
    """The return value of `using`, `streaming` and `submitting`."""

    def __init__(self, run: Callable[..., R], options: Mapping[str, Any]) -> None:
        self._run = run
        self._options = options

    def run_command(self, integration: str, command: str, arguments: Mapping[str, Any]) -> R:
        return self._run(integration, command, arguments, **self._options)


class BoundEvents(EventIntegrations[R]):
    """The return value of `following`."""

    def __init__(self, run: Callable[..., R], options: Mapping[str, Any]) -> None:
        self._run = run
        self._options = options

    def run_command(self, integration: str, command: str, arguments: Mapping[str, Any]) -> R:
        return self._run(integration, command, arguments, **self._options)
