"""Runs commands of security vendors through Sallyport.

`Host` is for programs with threads or one, `AsyncHost` for asyncio.
"""

from .async_calls import AsyncCall, AsyncStream
from .async_host import AsyncHost
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
    Unavailable,
    UpstreamError,
)
from .executable import find_executable
from .host import Host
from .options import CallOptions, StreamOptions, WatchedOptions
from .results import FileReference, HealthChange, Meta, Progress, Result, Waiting

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
    "Unavailable",
    "UpstreamError",
    "WatchedOptions",
    "__version__",
    "find_executable",
]
