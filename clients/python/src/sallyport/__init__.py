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
from .meta import Meta, SpentTime
from .results import (
    FailedPoll,
    FileReference,
    Heartbeat,
    HealthChange,
    Progress,
    RejectedConnection,
    Reloaded,
    Result,
    Waiting,
)

if TYPE_CHECKING:
    from .async_calls import AsyncCall, AsyncStream
    from .async_follow import AsyncFollow, AsyncFollowedEvent
    from .async_host import AsyncHost
    from .calls import Call
    from .executable import find_executable
    from .follow import Follow, FollowedEvent
    from .host import Host
    from .options import CallOptions, FollowOptions, StreamOptions, WatchedOptions
    from .streams import Stream

__version__ = "0.1.0"

__all__ = [
    "AsyncCall",
    "AsyncFollow",
    "AsyncFollowedEvent",
    "AsyncHost",
    "AsyncStream",
    "AuthenticationError",
    "Call",
    "CallOptions",
    "Cancelled",
    "CommandError",
    "ExecutableNotFound",
    "FailedPoll",
    "FileReference",
    "Follow",
    "FollowOptions",
    "FollowedEvent",
    "HealthChange",
    "Heartbeat",
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
    "RejectedConnection",
    "Reloaded",
    "RequestError",
    "Result",
    "SallyportError",
    "SpentTime",
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
    "AsyncFollow": "async_follow",
    "AsyncFollowedEvent": "async_follow",
    "AsyncHost": "async_host",
    "AsyncStream": "async_calls",
    "Call": "calls",
    "CallOptions": "options",
    "Follow": "follow",
    "FollowOptions": "options",
    "FollowedEvent": "follow",
    "Host": "host",
    "Stream": "streams",
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
