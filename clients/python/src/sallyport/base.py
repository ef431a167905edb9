"""The arguments of `Host` and `AsyncHost`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .executable import Path
from .options import TraceDefaults, check_timeout
from .settings import DRAIN_TIMEOUT_SECONDS, MAXIMUM_IN_FLIGHT, HostSettings


class HostBase:
    """The settings of a host."""

    def __init__(
        self,
        executable: Path | None = None,
        *,
        connections: Path | Mapping[str, Mapping[str, Any]] | None = None,
        sandbox: bool = False,
        sandbox_faults: Sequence[str] = (),
        files_dir: Path | None = None,
        state_dir: Path | None = None,
        read_only: bool = False,
        max_in_flight: int = MAXIMUM_IN_FLIGHT,
        drain_timeout: float = DRAIN_TIMEOUT_SECONDS,
        timeout: float | None = None,
        log_level: str | None = None,
        audit: Path | None = None,
        label: str | None = None,
        propagate_trace: bool = True,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        own_session: bool = True,
        on_log: Callable[[str], object] | None = None,
    ) -> None:
        """Does not start the host. Raises ValueError for a timeout that is not positive.

        executable: Default: $SALLYPORT, the executable of the wheel, or the one on PATH.
        connections: A connections file, or a dict of connections by name. The dict is sent to
            the running host and not written to a file.
        sandbox, sandbox_faults: Emulated vendors inside the host, and fault injection.
        files_dir, state_dir, read_only, log_level, audit: See `sallyport help serve`.
        max_in_flight: Maximum number of calls in flight; further calls wait for a slot.
        drain_timeout: Seconds that `close` waits for calls to finish.
        timeout: Default timeout of a call, in seconds; None leaves it to the host.
        label: Default label of a call, for the audit file and the log.
        propagate_trace: Whether the current span of OpenTelemetry, if the program uses it, is the
            parent of a call.
        arguments: Additional command line arguments.
        environment: Additional environment variables.
        directory: The working directory of the host.
        own_session: Protects the host from a Ctrl-C at the terminal, so that it cancels a call and
            not the host. Use False if a program that returns secrets must ask at the terminal.
        on_log: Gets each log line of the host, on a thread of the client. Default: the
            logger `sallyport.host`.
        """
        check_timeout(timeout)
        self._settings = HostSettings(
            executable=executable,
            connections=connections,
            sandbox=sandbox,
            sandbox_faults=(sandbox_faults,) if isinstance(sandbox_faults, str) else sandbox_faults,
            files_dir=files_dir,
            state_dir=state_dir,
            read_only=read_only,
            max_in_flight=max_in_flight,
            drain_timeout=drain_timeout,
            timeout=timeout,
            log_level=log_level,
            audit=audit,
            trace=TraceDefaults(label, propagate_trace),
            arguments=tuple(arguments),
            environment=environment,
            directory=directory,
            own_session=own_session,
            on_log=on_log,
        )
        self._prepare()

    def _prepare(self) -> None:
        raise NotImplementedError

    @property
    def is_running(self) -> bool:
        raise NotImplementedError

    @property
    def pid(self) -> int | None:
        raise NotImplementedError

    def __repr__(self) -> str:
        # Neither settings nor connections: they may hold secrets.
        state = f"process {self.pid}" if self.is_running else "not running"
        return f"<{type(self).__name__}, {state}>"
