"""What a worker serves and how, from its environment."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import urllib.parse
from collections.abc import Mapping

from sallyport.errors import SallyportError
from sallyport.host import Host
from sallyport.settings import DRAIN_TIMEOUT_SECONDS

DEFAULT_BROKER_URL = "redis://127.0.0.1:6379/0"
#: Seconds after which what a dead worker had taken is given to another one.
LEASE_SECONDS = 60.0
#: The parts of a lease after which it is renewed.
RENEWALS_PER_LEASE = 3

YES, NO = ("1", "true", "yes"), ("0", "false", "no")


class ConfigurationError(SallyportError):
    """The environment of a worker, or an argument of `Remote`, cannot be used."""


def redis_url(given: str | None = None) -> str:
    """The given one, `SALLYPORT_BROKER_URL`, or Redis on this machine."""
    url = given or os.environ.get("SALLYPORT_BROKER_URL") or DEFAULT_BROKER_URL
    if not url.startswith(("redis://", "rediss://")):
        # Without the URL itself: it may hold a password.
        raise ConfigurationError("The broker is Redis: its URL begins with redis:// or rediss://.")
    try:
        urllib.parse.urlsplit(url).port
    except ValueError:
        raise ConfigurationError("The port in the URL of Redis has to be a number.") from None
    return url


@dataclasses.dataclass(frozen=True)
class WorkerSettings:
    """Each is the variable `SALLYPORT_` and its name in capitals."""

    #: The connections that are served, one queue for each; left out, all active ones of the file
    #: and of the sandbox.
    worker_connections: tuple[str, ...]
    #: The connections file.
    connections: str | None = None
    broker_url: str = dataclasses.field(default=DEFAULT_BROKER_URL, repr=False)
    #: Keeps rate limits and idempotency keys beyond the worker's life.
    state_dir: str | None = None
    #: Where commands take files from and put them.
    files_dir: str | None = None
    #: Serves emulated vendors, for trying: `1`, `true` or `yes`.
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
        """Raises ConfigurationError, and what `Host` does where the sandbox cannot be asked."""

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

        def flag(name: str) -> bool:
            value = (text(name) or "no").lower()
            if value not in (*YES, *NO):
                raise ConfigurationError(
                    f"SALLYPORT_{name} has to be {', '.join(YES)}, or for the opposite "
                    f"{', '.join(NO)} or left out; it is {value!r}."
                )
            return value in YES

        file, sandbox = text("CONNECTIONS"), flag("SANDBOX")
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
    if file is None and not sandbox:
        raise ConfigurationError(
            "Set SALLYPORT_CONNECTIONS to the connections file of this worker, or SALLYPORT_SANDBOX "
            "to 1, which serves coda_sandbox, gravityzone_sandbox and gmail_sandbox."
        )
    there = dict.fromkeys([*_of_file(file), *_of_sandbox(sandbox)])
    where = " and ".join(([file] if file else []) + (["the sandbox"] if sandbox else []))
    if not there:
        raise ConfigurationError(f"There is no active connection in {where}.")
    chosen = dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip())
    absent = [name for name in chosen if name not in there]
    if absent:
        raise ConfigurationError(
            f"SALLYPORT_WORKER_CONNECTIONS: {', '.join(absent)} is no active connection of {where}; "
            f"there are {', '.join(there)}."
        )
    return tuple(chosen or there)


def _of_file(file: str | None) -> list[str]:
    """The active connections of the file."""
    if file is None:
        return []
    try:
        document = json.loads(pathlib.Path(file).read_text("utf-8"))
        return [name for name, one in document["connections"].items() if one.get("active", True)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        # Without the error's own text: it may quote the file.
        raise ConfigurationError(
            f"{file} cannot be read as a connections file ({type(error).__name__})."
        ) from None


def _of_sandbox(is_wanted: bool) -> list[str]:
    """Those of the emulated vendors, as the host has them."""
    if not is_wanted:
        return []
    with Host(sandbox=True, environment={"SALLYPORT_CONNECTIONS": ""}) as host:
        return sorted(connection["name"] for connection in host.connections())
