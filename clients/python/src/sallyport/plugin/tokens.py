"""Tokens of connections: one sign-in at a time, and only if there is no token."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

if TYPE_CHECKING:
    from .call import AsyncCall, Call

#: The host has redacted a token that it knows: the vendor issued the same one. A dry run shows it in
#: place of a token that was never issued.
REDACTED = "[redacted]"


class _Slot:
    """- `generation`: the number of the sign-in whose token is valid; 0 for none."""

    def __init__(self) -> None:
        self.generation = 0
        self.count = 0
        self.lock = threading.Lock()
        self.async_lock: Any = None


class Tokens:
    """The values are known to the host only. This keeps which of them are valid."""

    def __init__(self) -> None:
        self._slots: dict[tuple[str, str], _Slot] = {}

    def _slot(self, settings: Mapping[str, Any], name: str) -> _Slot:
        key = (json.dumps(settings, sort_keys=True), name)
        return self._slots.get(key) or self._slots.setdefault(key, _Slot())

    def forget(self, settings: Mapping[str, Any], name: str, generation: Optional[int]) -> None:
        """Without effect if another call has signed in since that generation."""
        slot = self._slot(settings, name)
        if generation is None or slot.generation == generation:
            slot.generation = 0

    def get(self, call: Call[Any], name: str, sign_in: Callable[[Call[Any]], str]) -> int:
        slot = self._slot(call.raw_settings, name)
        generation = slot.generation
        if generation:
            return generation
        with slot.lock:
            if not slot.generation:
                value = sign_in(call)
                if call.dry_run:
                    return 0
                if _is_new(value, name):
                    call.secret(name, value)
                slot.count += 1
                slot.generation = slot.count
            return slot.generation

    async def get_async(
        self, call: AsyncCall[Any], name: str, sign_in: Callable[[AsyncCall[Any]], Awaitable[str]]
    ) -> int:
        import asyncio

        slot = self._slot(call.raw_settings, name)
        if slot.generation:
            return slot.generation
        if slot.async_lock is None:
            slot.async_lock = asyncio.Lock()
        async with slot.async_lock:
            if not slot.generation:
                value = await sign_in(call)
                if call.dry_run:
                    return 0
                if _is_new(value, name):
                    await call.secret(name, value)
                slot.count += 1
                slot.generation = slot.count
            return slot.generation


def _is_new(value: str, name: str) -> bool:
    return value not in (REDACTED, "{{secret:%s}}" % name)
