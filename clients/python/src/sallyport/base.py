"""What `Host` and `AsyncHost` are made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .executable import Path
from .options import check_timeout
from .settings import DRAIN_TIMEOUT_SECONDS, MAXIMUM_IN_FLIGHT, HostSettings


class HostBase:
    """Remembers how to start a host."""

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
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        own_session: bool = True,
        on_log: Callable[[str], object] | None = None,
    ) -> None:
        """Nothing is started yet. Raises ValueError for a timeout that is not above 0.

        executable: Left out, it is $SALLYPORT, the wheel's own, or the one on PATH.
        connections: A connections file, or connections by name, which are told to the host when
            it runs and are written nowhere.
        sandbox, sandbox_faults: Vendors emulated inside the host, and their bad days.
        files_dir, state_dir, read_only, log_level, audit: As `sallyport help serve` has them.
        max_in_flight: Calls under way at a time; the others wait for their turn.
        drain_timeout: Seconds in which `close` lets calls finish.
        timeout: Seconds of a call that says nothing else; None leaves them to the host.
        arguments: More of the command line.
        environment: Variables beside those of this process.
        directory: The working directory of the host.
        own_session: Keeps the Ctrl-C of a terminal away from the host, so that it ends a call and
            not the host. False lets a program that hands out secrets ask at the terminal.
        on_log: Gets each line that the host logs, on a thread of the client. Left out, they go to
            the logger `sallyport.host`.
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
