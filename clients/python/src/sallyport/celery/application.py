"""The Celery application, shared by callers and workers."""

from __future__ import annotations

from typing import Any

from celery import Celery  # type: ignore[import-untyped]

#: The task that runs one command.
TASK = "sallyport.invoke"
#: The remote control command that aborts one.
CANCEL = "sallyport_cancel"
#: Seconds that a response is kept in Redis for its caller.
ANSWER_SECONDS = 3_600


def queue_name(connection: str) -> str:
    """The queue of a connection: all of its calls go to the worker that serves it."""
    return f"sallyport.{connection}"


def make_application(broker_url: str, **settings: Any) -> Any:
    app = Celery("sallyport", broker=broker_url, backend=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        result_expires=ANSWER_SECONDS,
        **settings,
    )
    return app
