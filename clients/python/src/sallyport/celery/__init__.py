"""Runs commands on other machines: Celery workers, with Redis between them and the caller.

A worker is `celery -A sallyport.celery worker`, configured by its environment: see
`WorkerSettings`. A caller uses `Remote`. Both need the extra `celery` of the wheel.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sallyport.errors import SallyportError

try:
    import celery as _celery  # type: ignore[import-untyped]  # noqa: F401
    import redis as _redis  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sallyport.celery needs Celery and Redis' client. Install the wheel with its extra celery: "
        'pip install "$(ls clients/python/dist/sallyport-*.whl)[celery]"'
    ) from error

from .exchange import RedisUnreachable
from .remote import Remote
from .remote_calls import RemoteCall, RemoteStream

if TYPE_CHECKING:
    from .settings import WorkerSettings

__all__ = ["RedisUnreachable", "Remote", "RemoteCall", "RemoteStream", "WorkerSettings", "app"]


def __getattr__(name: str) -> Any:
    # Only a worker has the environment of its application.
    if name == "app":
        from .settings import WorkerSettings
        from .worker import make_worker

        try:
            globals()["app"] = make_worker(WorkerSettings.from_environment())
        except SallyportError as error:
            # Celery would print a traceback first.
            print(f"The worker cannot start. {error}", file=sys.stderr)
            raise SystemExit(2) from None
        return globals()["app"]
    if name == "WorkerSettings":
        from .settings import WorkerSettings

        return WorkerSettings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
