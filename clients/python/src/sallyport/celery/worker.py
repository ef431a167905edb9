"""The application of a worker: its queues, its task, its shutdown."""

from __future__ import annotations

import sys
import threading
from typing import Any

import redis
from celery import signals  # type: ignore[import-untyped]
from celery.exceptions import Ignore, Reject  # type: ignore[import-untyped]
from celery.worker.control import control_command  # type: ignore[import-untyped]

from sallyport.errors import SallyportError

from . import failures
from .application import CANCEL, TASK, make_application, queue_name
from .exchange import END, Exchange
from .lease import make_lease
from .runner import GiveBack, Invocation, Runner
from .settings import WorkerSettings
from .signature import Signer

#: Concurrent commands, each in a thread that mostly waits.
CONCURRENCY = 16


def make_worker(settings: WorkerSettings) -> Any:
    """The Celery application that `celery -A sallyport.celery worker` runs."""
    queues = [queue_name(connection) for connection in settings.worker_connections]
    app = make_application(
        settings.broker_url,
        task_queues={name: {} for name in queues},
        task_default_queue=queues[0],
        # Threads: one process has one host, which counts all requests for the rate limits.
        worker_pool="threads",
        worker_concurrency=CONCURRENCY,
        worker_prefetch_multiplier=1,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A thread cannot be killed; a second delivery waits for the first one instead.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": settings.lease_seconds,
            # Separate keys, because other applications in the same Redis have other lease lengths.
            "unacked_key": "sallyport-unacked",
            "unacked_index_key": "sallyport-unacked-index",
            "unacked_mutex_key": "sallyport-unacked-mutex",
            "unacked_mutex_expire": max(1, int(settings.lease_seconds)),
        },
    )
    exchange = Exchange(settings.broker_url)
    runner = Runner(settings, exchange)
    _declare(app, runner, exchange, settings.signer)
    app.steps["consumer"].add(make_lease(exchange, settings.lease_seconds))
    _live_and_end(runner, settings.drain_seconds)
    return app


def _declare(app: Any, runner: Runner, exchange: Exchange, signer: Signer | None) -> None:
    def after_return(
        task: Any, status: str, value: Any, id: str, args: Any, kwargs: Any, trace: Any
    ) -> None:
        try:
            exchange.settle(id)
            exchange.tell(id, END, {})
        finally:
            runner.forget(id)

    @app.task(  # type: ignore[untyped-decorator]
        name=TASK,
        bind=True,
        throws=(SallyportError,),
        after_return=after_return,
        resultrepr_maxsize=0,  # Results are vendor data: they must not be logged.
    )
    def invoke(
        task: Any,
        integration: str,
        command: str,
        connection: str,
        arguments: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        signature: str | None = None,
    ) -> dict[str, Any]:
        request = task.request
        signed = {name: value for name, value in request.kwargs.items() if name != "signature"}
        if signer is not None and (
            request.args or not signer.verify(request.id, signed, signature)
        ):
            raise failures.not_signed(f"{integration}.{command}")
        try:
            # A worker was lost between its response and the acknowledgement, or a signed task was sent
            # a second time.
            if exchange.is_settled(request.id):
                raise Ignore
            return runner.run(
                Invocation(
                    request.id, integration, command, connection, arguments or {}, options or {}
                )
            )
        except (GiveBack, redis.RedisError) as reason:
            # Without Redis: treated as if the worker had been killed.
            runner.forget(request.id)
            raise Reject(type(reason).__name__, requeue=True) from None

    @control_command(name=CANCEL, args=[("task_id", str)])  # type: ignore[untyped-decorator]
    def cancel(state: Any, task_id: str) -> dict[str, bool]:
        return {"cancelled": runner.cancel(task_id)}


def _live_and_end(runner: Runner, drain_seconds: float) -> None:
    @signals.worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
    def start(**_: Any) -> None:
        try:
            runner.open()
        except SallyportError as error:
            # A worker without a host must take no command.
            print(f"The worker cannot start its host. {error}", file=sys.stderr)
            raise SystemExit(2) from None

    @signals.worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
    def stop_later(**_: Any) -> None:
        timer = threading.Timer(drain_seconds, runner.stop)
        timer.daemon = True
        timer.start()

    @signals.worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    def close(**_: Any) -> None:
        runner.close()
