"""Renews the leases of a worker's commands, and redelivers those of a lost worker."""

from __future__ import annotations

import logging
from typing import Any

import redis
from celery import bootsteps  # type: ignore[import-untyped]

from .exchange import Exchange
from .settings import RENEWALS_PER_LEASE

log = logging.getLogger("sallyport.celery")


def make_lease(exchange: Exchange, seconds: float) -> type:
    """A step of the consumer. Celery alone has one fixed timeout. It would have to exceed the
    longest command, and a killed worker's commands would wait as long.
    """

    class Lease(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, consumer: Any) -> None:
            self._timer = consumer.timer.call_repeatedly(
                seconds / RENEWALS_PER_LEASE, self._renew, (consumer,)
            )

        def stop(self, consumer: Any) -> None:
            self._timer.cancel()

        def _renew(self, consumer: Any) -> None:
            try:
                qos = consumer.task_consumer.channel.qos
                exchange.renew(qos.unacked_index_key, list(qos._delivered))
                qos.restore_visible(num=None, interval=1)
            except (redis.RedisError, OSError) as error:
                # The consumer notices too and reconnects.
                log.warning("the leases were not renewed: %s", type(error).__name__)

    return Lease
