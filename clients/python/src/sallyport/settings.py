"""How a host is started."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .executable import Path, find_executable
from .options import TraceDefaults
from .transfer import transfer_directory

#: The host's defaults; they are passed to it, so that both sides agree.
MAXIMUM_IN_FLIGHT = 64
MAXIMUM_LINE_BYTES = 33_554_432
DRAIN_TIMEOUT_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class HostSettings:
    """The arguments of `Host` and `AsyncHost`."""

    executable: Path | None
    # May contain secrets, so it is not in `repr`.
    connections: Path | Mapping[str, Mapping[str, Any]] | None = dataclasses.field(repr=False)
    sandbox: bool
    sandbox_faults: Sequence[str]
    files_dir: Path | None
    state_dir: Path | None
    read_only: bool
    max_in_flight: int
    drain_timeout: float
    timeout: float | None
    log_level: str | None
    audit: Path | None
    trace: TraceDefaults
    arguments: Sequence[str] = dataclasses.field(repr=False)
    environment: Mapping[str, str] | None = dataclasses.field(repr=False)
    directory: Path | None
    own_session: bool
    on_log: Callable[[str], object] | None

    @property
    def connection_definitions(self) -> Mapping[str, Mapping[str, Any]]:
        """The connections to send to the running host."""
        return self.connections if isinstance(self.connections, Mapping) else {}

    def command_line(self) -> list[str]:
        line = [find_executable(self.executable), "serve"]
        if self.connections is not None and not isinstance(self.connections, Mapping):
            line += ["--connections", os.fspath(self.connections)]
        if self.sandbox:
            line.append("--sandbox")
        for fault in self.sandbox_faults:
            line += ["--sandbox-fault", fault]
        for option, path in (
            ("--files-dir", self.files_dir),
            ("--state-dir", self.state_dir),
            ("--audit", self.audit),
        ):
            if path is not None:
                line += [option, os.fspath(path)]
        if self.read_only:
            line.append("--read-only")
        if self.log_level is not None:
            line += ["--log-level", self.log_level]
        line += ["--files-from", transfer_directory()]
        line += ["--max-in-flight", str(self.max_in_flight)]
        line += ["--drain-timeout", f"{self.drain_timeout:g}"]
        return line + list(self.arguments)

    def full_environment(self) -> dict[str, str] | None:
        if not self.environment:
            return None
        return {**os.environ, **self.environment}
