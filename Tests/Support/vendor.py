"""A CODA tenant that answers when the test says so: slowness and concurrency are then a matter of
order and not of time."""

from __future__ import annotations

from typing import Any

from Support.host import TIMEOUT
from Support.session import connection
from Support.upstream import Request, Tenant, reply


class GatedVendor(Tenant):
    """Signs in everybody; every other request waits for `release` or `open`."""

    def __init__(self, body: bytes = b"[]") -> None:
        self.body = body
        self._released = 0
        self._is_open = False
        self.arrived = 0
        self.answered = 0
        super().__init__(self._wait_and_answer)

    def close(self) -> None:
        self.open()
        super().close()

    @property
    def connection(self) -> dict[str, Any]:
        return connection(self.url, settings={"user_name": "gate@example.com", "password": "open-the-gate"})

    def wait_for(self, count: int) -> None:  # type: ignore[override]
        """Waits until so many requests have arrived, sign-ins not counted."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.arrived >= count, TIMEOUT)
        assert came, f"{self.arrived} of {count} requests arrived"

    def release(self, count: int = 1) -> None:
        """Answers so many more requests."""
        with self.changed:
            self._released += count
            self.changed.notify_all()

    def open(self) -> None:
        """Answers every request from now on."""
        with self.changed:
            self._is_open = True
            self.changed.notify_all()

    def _wait_and_answer(self, request: Request) -> Any:
        with self.changed:
            self.arrived += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._is_open or self.answered < self._released)
            self.answered += 1
        return reply(200, self.body, [("Content-Type", "application/json")])
