"""Runs the commands of security products through Sallyport.

Use `Host` in programs with or without threads, `AsyncHost` with asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import Call, Stream
from .errors import (
    AuthenticationError,
    Cancelled,
    CommandError,
    ExecutableNotFound,
    HostClosed,
    HostExited,
    InternalError,
    InvalidArguments,
    NetworkError,
    NotFound,
    PermissionDenied,
    PolicyRefused,
    Problem,
    RateLimited,
    RequestError,
    SallyportError,
    Target,
    TimedOut,
    TooLarge,
    Unavailable,
    UpstreamError,
)
from .executable import find_executable
from .host import Host
from .options import CallOptions, StreamOptions, WatchedOptions
from .results import FileReference, HealthChange, Meta, Progress, Result, Waiting

if TYPE_CHECKING:
    from .async_calls import AsyncCall, AsyncStream
    from .async_host import AsyncHost

__version__ = "0.1.0"

__all__ = [
    "AsyncCall",
    "AsyncHost",
    "AsyncStream",
    "AuthenticationError",
    "Call",
    "CallOptions",
    "Cancelled",
    "CommandError",
    "ExecutableNotFound",
    "FileReference",
    "HealthChange",
    "Host",
    "HostClosed",
    "HostExited",
    "InternalError",
    "InvalidArguments",
    "Meta",
    "NetworkError",
    "NotFound",
    "PermissionDenied",
    "PolicyRefused",
    "Problem",
    "Progress",
    "RateLimited",
    "RequestError",
    "Result",
    "SallyportError",
    "Stream",
    "StreamOptions",
    "Target",
    "TimedOut",
    "TooLarge",
    "Unavailable",
    "UpstreamError",
    "WatchedOptions",
    "__version__",
    "find_executable",
]


def __getattr__(name: str) -> object:
    # Importing asyncio takes longer than starting a host, so it is imported on use.
    if name == "AsyncHost":
        from .async_host import AsyncHost

        return AsyncHost
    if name in ("AsyncCall", "AsyncStream"):
        from . import async_calls

        return getattr(async_calls, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
