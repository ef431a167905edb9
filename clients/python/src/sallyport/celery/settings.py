"""The configuration of a worker, from its environment."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import urllib.parse
from collections.abc import Mapping

from sallyport.host import Host
from sallyport.settings import DRAIN_TIMEOUT_SECONDS

from .signature import ConfigurationError, Signer, signer_for

DEFAULT_BROKER_URL = "redis://127.0.0.1:6379/0"
#: The scheme of Redis on a Unix socket.
UNIX_SOCKET = "redis+socket://"
#: Seconds after which the commands of a lost worker are redelivered.
LEASE_SECONDS = 60.0
#: How often a lease is renewed before it expires.
RENEWALS_PER_LEASE = 3

YES, NO = ("1", "true", "yes"), ("0", "false", "no")


def redis_url(given: str | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """The given URL, `SALLYPORT_BROKER_URL`, or Redis on this machine.

    Raises ConfigurationError, also for Redis without a password.
    """
    url = given or environment.get("SALLYPORT_BROKER_URL") or DEFAULT_BROKER_URL
    if not url.startswith(("redis://", "rediss://", UNIX_SOCKET)):
        # Without the URL: it may contain a password.
        raise ConfigurationError(
            f"The URL of Redis must start with redis://, rediss:// or {UNIX_SOCKET}."
        )
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("The port in the URL of Redis must be a number.") from None
    if not (parts.password or url.startswith(UNIX_SOCKET) or flag("ALLOW_OPEN_BROKER", environment)):
        raise ConfigurationError(
            f"The URL of Redis at {parts.hostname or '127.0.0.1'}:{port or 6379} has no password: every user "
            "who can reach it could run every command. Set a password (requirepass) and use "
            f"redis://:PASSWORD@HOST/0, or a Unix socket, {UNIX_SOCKET}/PATH. "
            "SALLYPORT_ALLOW_OPEN_BROKER=1 accepts the risk."
        )
    return url


def flag(name: str, environment: Mapping[str, str]) -> bool:
    value = (environment.get(f"SALLYPORT_{name}") or "no").lower()
    if value not in (*YES, *NO):
        raise ConfigurationError(
            f"invalid SALLYPORT_{name} {value!r}; expected one of: {', '.join(YES)}, "
            f"{', '.join(NO)}."
        )
    return value in YES


@dataclasses.dataclass(frozen=True)
class WorkerSettings:
    """Each setting is the variable `SALLYPORT_` plus its name in capitals."""

    #: The served connections, one queue per connection; default: all active ones of the file
    #: and of the sandbox.
    worker_connections: tuple[str, ...]
    #: The connections file.
    connections: str | None = None
    broker_url: str = dataclasses.field(default=DEFAULT_BROKER_URL, repr=False)
    #: Verifies the signatures of tasks: `SALLYPORT_CELERY_KEY`. Without it they are not verified.
    signer: Signer | None = dataclasses.field(default=None, repr=False)
    #: Keeps rate limits and idempotency keys after the worker exits.
    state_dir: str | None = None
    #: The file store of commands.
    files_dir: str | None = None
    #: Serves emulated vendors: `1`, `true` or `yes`.
    sandbox: bool = False
    #: Seconds that a stopping worker has to finish its running commands.
    drain_seconds: float = DRAIN_TIMEOUT_SECONDS
    #: Seconds after which the commands of a killed worker are redelivered.
    lease_seconds: float = LEASE_SECONDS

    def __post_init__(self) -> None:
        # While a worker drains, its leases are not renewed.
        shortest = self.drain_seconds / (1 - 1 / RENEWALS_PER_LEASE)
        if self.lease_seconds <= shortest:
            raise ConfigurationError(
                f"SALLYPORT_LEASE_SECONDS must be more than {shortest:g}, 1.5 times "
                "SALLYPORT_DRAIN_SECONDS: otherwise a stopping worker loses its commands."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> WorkerSettings:
        """Raises ConfigurationError, and the errors of `Host` if the sandbox does not start."""

        def text(name: str) -> str | None:
            return environment.get(f"SALLYPORT_{name}") or None

        def seconds(name: str, default: float) -> float:
            value = text(name)
            try:
                number = default if value is None else float(value)
            except ValueError:
                number = -1.0
            if not 0 < number < float("inf"):
                raise ConfigurationError(f"SALLYPORT_{name} must be a positive number of seconds.")
            return number

        file, sandbox = text("CONNECTIONS"), flag("SANDBOX", environment)
        broker_url = redis_url(environment=environment)
        return cls(
            worker_connections=_served(text("WORKER_CONNECTIONS"), file, sandbox=sandbox),
            connections=file,
            broker_url=broker_url,
            signer=signer_for(broker_url, environment),
            state_dir=text("STATE_DIR"),
            files_dir=text("FILES_DIR"),
            sandbox=sandbox,
            drain_seconds=seconds("DRAIN_SECONDS", DRAIN_TIMEOUT_SECONDS),
            lease_seconds=seconds("LEASE_SECONDS", LEASE_SECONDS),
        )


def _served(names: str | None, file: str | None, *, sandbox: bool) -> tuple[str, ...]:
    if file is None and not sandbox:
        raise ConfigurationError(
            "Set SALLYPORT_CONNECTIONS to the connections file of this worker, or SALLYPORT_SANDBOX=1 "
            "to serve coda_sandbox, gravityzone_sandbox and gmail_sandbox."
        )
    there = dict.fromkeys([*_of_file(file), *_of_sandbox(sandbox)])
    where = " and ".join(([file] if file else []) + (["the sandbox"] if sandbox else []))
    if not there:
        raise ConfigurationError(f"No active connection in {where}.")
    chosen = dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip())
    absent = [name for name in chosen if name not in there]
    if absent:
        raise ConfigurationError(
            f"SALLYPORT_WORKER_CONNECTIONS: unknown or inactive connection {', '.join(absent)} in "
            f"{where}; expected one of: {', '.join(there)}."
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
        # Without the error's text: it may quote the file.
        raise ConfigurationError(
            f"{file} cannot be read as a connections file ({type(error).__name__})."
        ) from None


def _of_sandbox(is_wanted: bool) -> list[str]:
    """The connections of the emulated vendors."""
    if not is_wanted:
        return []
    with Host(sandbox=True, environment={"SALLYPORT_CONNECTIONS": ""}) as host:
        return sorted(connection["name"] for connection in host.connections())
