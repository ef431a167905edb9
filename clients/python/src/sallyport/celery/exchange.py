"""What callers and workers tell each other through Redis beside Celery's messages and results."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import redis
from kombu.exceptions import OperationalError

from sallyport.errors import NOT_APPLIED, SallyportError

from .application import ANSWER_SECONDS

#: Seconds for which an answered command that changes something is remembered: a week, like the
#: host's idempotency keys. As long as it is not answered it is remembered for good.
CLAIM_SECONDS = 7 * 86_400
#: Seconds for which it is remembered of every command that it was answered.
ANSWERED_SECONDS = 86_400
#: Entries that are read at a time.
PAGE = 500
#: Seconds after which Redis is taken for lost; more than any wait that it is asked for.
SOCKET_SECONDS = 15.0

#: The last entry of what came before an answer: the answer itself is Celery's result by now.
END = "end"


class RedisUnreachable(SallyportError):
    """A caller cannot reach Redis.

    `outcome` is `not_applied` where nothing was sent, else `unknown`.
    """

    def __init__(self, reason: str, outcome: str) -> None:
        super().__init__(reason, outcome)
        self.reason = reason
        self.outcome = outcome

    def __str__(self) -> str:
        is_unsent = self.outcome == NOT_APPLIED
        return (
            f"Redis cannot be reached: {self.reason} Is it running, and is SALLYPORT_BROKER_URL, or "
            f"the broker_url of Remote, right? {'Nothing was sent.' if is_unsent else STILL_THERE}"
        )


STILL_THERE = "What was sent is not taken back: a worker may run it."


@contextlib.contextmanager
def reaching_redis(outcome: str) -> Iterator[None]:
    """Raises RedisUnreachable for what Redis' client, and Celery, make of it."""
    try:
        yield
    except (redis.RedisError, OperationalError) as error:
        raise RedisUnreachable(str(error), outcome) from error
    except RuntimeError as error:
        # Celery's own, when it has tried often enough.
        if not isinstance(error.__cause__, redis.RedisError):
            raise
        raise RedisUnreachable(str(error.__cause__), outcome) from error


class Entry(NamedTuple):
    """Something that came before an answer: a notification of the protocol, or the end."""

    position: str
    method: str
    params: Mapping[str, Any]


#: The position before the first entry.
START = "0"


class Exchange:
    """Any number of threads may use it. Every method may raise `redis.RedisError`."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=SOCKET_SECONDS
        )

    def close(self) -> None:
        self._redis.close()

    def now(self) -> float:
        """Seconds since the epoch by Redis' clock, which all machines have in common."""
        seconds, microseconds = self._redis.time()
        return float(seconds) + float(microseconds) / 1e6

    # What comes before an answer: a stream for each task

    def tell(self, task: str, method: str, params: Mapping[str, Any]) -> None:
        key = f"sallyport:before:{task}"
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"method": method, "params": json.dumps(params, separators=(",", ":"))})
            pipe.expire(key, ANSWER_SECONDS)
            pipe.execute()

    def listen(self, task: str, after: str, seconds: float) -> list[Entry]:
        """What came after a position; waits that long for the first. Empty when nothing came."""
        milliseconds = max(1, int(seconds * 1_000))  # 0 would wait for ever.
        key = f"sallyport:before:{task}"
        read: Any = self._redis.xread({key: after}, count=PAGE, block=milliseconds)
        return [
            Entry(position, fields["method"], json.loads(fields["params"]))
            for _, page in read or ()
            for position, fields in page
        ]

    def forget(self, task: str) -> None:
        self._redis.delete(f"sallyport:before:{task}", f"sallyport:cancelled:{task}")

    # Commands that change something: who was the first to begin one

    def claim(self, task: str, ledger: str) -> str | None:
        """Notes that a task is about to act. Returns the ledger of who did so before."""
        key = f"sallyport:claim:{task}"
        if self._redis.set(key, ledger, nx=True):
            return None
        return str(self._redis.get(key) or "")

    def is_claimed(self, task: str) -> bool:
        return bool(self._redis.exists(f"sallyport:claim:{task}"))

    def release(self, task: str) -> None:
        """It did not act after all."""
        self._redis.delete(f"sallyport:claim:{task}")

    # Commands that were answered: a delivery that comes later is a mistake

    def settle(self, task: str) -> None:
        """Its answer is in Redis."""
        with self._redis.pipeline() as pipe:
            pipe.set(f"sallyport:answered:{task}", "1", ex=ANSWERED_SECONDS)
            pipe.expire(f"sallyport:claim:{task}", CLAIM_SECONDS)
            pipe.execute()

    def is_settled(self, task: str) -> bool:
        return bool(self._redis.exists(f"sallyport:answered:{task}"))

    # Cancelling

    def cancel(self, task: str) -> None:
        """Whoever takes the task up later leaves it."""
        self._redis.set(f"sallyport:cancelled:{task}", "1", ex=CLAIM_SECONDS)

    def is_cancelled(self, task: str) -> bool:
        return bool(self._redis.exists(f"sallyport:cancelled:{task}"))

    # Messages that a worker holds

    def renew(self, index: str, tags: list[str]) -> None:
        """Holds messages for another lease; those that were given away meanwhile stay so."""
        if tags:
            now = time.time()  # This machine's clock, as Celery has it there.
            self._redis.zadd(index, dict.fromkeys(tags, now), xx=True)

