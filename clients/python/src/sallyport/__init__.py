"""Runs the commands of security products through Sallyport.

Use `Host` in programs with or without threads, `AsyncHost` with asyncio.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

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
from .results import FileReference, HealthChange, Meta, Progress, Result, Waiting

if TYPE_CHECKING:
    from .async_calls import AsyncCall, AsyncStream
    from .async_host import AsyncHost
    from .calls import Call, Stream
    from .executable import find_executable
    from .host import Host
    from .options import CallOptions, StreamOptions, WatchedOptions

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


#: Imported on use: a plugin needs none of them, and asyncio takes longer to import than a host to start.
_MODULES = {
    "AsyncCall": "async_calls",
    "AsyncHost": "async_host",
    "AsyncStream": "async_calls",
    "Call": "calls",
    "CallOptions": "options",
    "Host": "host",
    "Stream": "calls",
    "StreamOptions": "options",
    "WatchedOptions": "options",
    "find_executable": "executable",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value
