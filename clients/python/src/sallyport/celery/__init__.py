"""Commands that run on other machines: workers of Celery, with Redis between them and the caller.

A worker is `celery -A sallyport.celery worker`, and is told by its environment what it serves: see
`WorkerSettings`. A caller uses `Remote`. It needs `pip install sallyport[celery]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import celery as _celery  # type: ignore[import-untyped]  # noqa: F401
    import redis as _redis  # noqa: F401
except ImportError as error:
    raise ImportError("sallyport.celery needs Celery: pip install 'sallyport[celery]'") from error

from .remote import Remote
from .remote_calls import RemoteCall, RemoteStream

if TYPE_CHECKING:
    from .settings import WorkerSettings

__all__ = ["Remote", "RemoteCall", "RemoteStream", "WorkerSettings", "app"]


def __getattr__(name: str) -> Any:
    # Only a worker has the environment that its application is made from.
    if name == "app":
        from .settings import WorkerSettings
        from .worker import make_worker

        globals()["app"] = make_worker(WorkerSettings.from_environment())
        return globals()["app"]
    if name == "WorkerSettings":
        from .settings import WorkerSettings

        return WorkerSettings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
