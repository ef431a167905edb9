"""What a worker serves and how, from its environment."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping

from sallyport.errors import SallyportError
from sallyport.settings import DRAIN_TIMEOUT_SECONDS

DEFAULT_BROKER_URL = "redis://127.0.0.1:6379/0"
#: Seconds after which what a dead worker had taken is given to another one.
LEASE_SECONDS = 60.0
#: The parts of a lease after which it is renewed.
RENEWALS_PER_LEASE = 3


class ConfigurationError(SallyportError):
    """The environment of a worker, or an argument of `Remote`, cannot be used."""


def redis_url(given: str | None = None) -> str:
    """The given one, `SALLYPORT_BROKER_URL`, or Redis on this machine."""
    url = given or os.environ.get("SALLYPORT_BROKER_URL") or DEFAULT_BROKER_URL
    if not url.startswith(("redis://", "rediss://")):
        # Without the URL itself: it may hold a password.
        raise ConfigurationError("The broker is Redis: its URL begins with redis:// or rediss://.")
    return url


@dataclasses.dataclass(frozen=True)
class WorkerSettings:
    """Each is the variable `SALLYPORT_` and its name in capitals."""

    #: The connections that are served, one queue for each; left out, all active ones of the file.
    worker_connections: tuple[str, ...]
    #: The connections file.
    connections: str | None = None
    broker_url: str = dataclasses.field(default=DEFAULT_BROKER_URL, repr=False)
    #: Keeps rate limits and idempotency keys beyond the worker's life.
    state_dir: str | None = None
    #: Where commands take files from and put them.
    files_dir: str | None = None
    #: Serves emulated vendors, for trying: `1`.
    sandbox: bool = False
    #: Seconds in which a worker that is told to stop finishes what it has begun.
    drain_seconds: float = DRAIN_TIMEOUT_SECONDS
    #: Seconds after which what a killed worker had taken is delivered again.
    lease_seconds: float = LEASE_SECONDS

    def __post_init__(self) -> None:
        # While a worker drains, nobody renews its leases.
        shortest = self.drain_seconds / (1 - 1 / RENEWALS_PER_LEASE)
        if self.lease_seconds <= shortest:
            raise ConfigurationError(
                f"SALLYPORT_LEASE_SECONDS has to be more than {shortest:g}, one and a half times "
                "SALLYPORT_DRAIN_SECONDS: else a worker that stops would lose what it finishes."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> WorkerSettings:
        """Raises ConfigurationError."""

        def text(name: str) -> str | None:
            return environment.get(f"SALLYPORT_{name}") or None

        def seconds(name: str, default: float) -> float:
            value = text(name)
            try:
                number = default if value is None else float(value)
            except ValueError:
                number = -1.0
            if not 0 < number < float("inf"):
                raise ConfigurationError(f"SALLYPORT_{name} has to be a number of seconds above 0.")
            return number

        file, sandbox = text("CONNECTIONS"), text("SANDBOX") == "1"
        return cls(
            worker_connections=_served(text("WORKER_CONNECTIONS"), file, sandbox=sandbox),
            connections=file,
            broker_url=redis_url(text("BROKER_URL")),
            state_dir=text("STATE_DIR"),
            files_dir=text("FILES_DIR"),
            sandbox=sandbox,
            drain_seconds=seconds("DRAIN_SECONDS", DRAIN_TIMEOUT_SECONDS),
            lease_seconds=seconds("LEASE_SECONDS", LEASE_SECONDS),
        )


def _served(names: str | None, file: str | None, *, sandbox: bool) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))
    if file is None:
        if not (sandbox and chosen):
            raise ConfigurationError(
                "SALLYPORT_CONNECTIONS has to name the connections file of this worker; with "
                "SALLYPORT_SANDBOX=1, SALLYPORT_WORKER_CONNECTIONS what is served of the sandbox."
            )
        return chosen
    try:
        document = json.loads(pathlib.Path(file).read_text("utf-8"))
        active = [
            name for name, one in document["connections"].items() if one.get("active", True)
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        # Without the error's own text: it may quote the file.
        raise ConfigurationError(
            f"{file} cannot be read as a connections file ({type(error).__name__})."
        ) from None
    absent = [name for name in chosen if name not in active]
    if absent and not sandbox:
        raise ConfigurationError(
            f"SALLYPORT_WORKER_CONNECTIONS: {', '.join(absent)} is no active connection of {file}."
        )
    return chosen or tuple(active)
