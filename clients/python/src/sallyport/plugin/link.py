"""How a call reaches its host: over the pipes of the process, or inside a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .call import BaseCall


class Link(Protocol):
    def request(self, call: BaseCall[Any], method: str, params: dict[str, Any]) -> Any:
        """The result. Raises the exception of `errors.from_host`."""

    async def request_async(self, call: BaseCall[Any], method: str, params: dict[str, Any]) -> Any:
        """`request` without blocking the event loop."""

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Sends a notification."""

    def post(self, method: str, params: dict[str, Any]) -> None:
        """Sends a request without waiting for its response."""
