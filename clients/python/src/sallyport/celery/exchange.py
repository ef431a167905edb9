"""The data that callers and workers exchange through Redis besides Celery's messages and results."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import redis
from kombu.exceptions import OperationalError

from sallyport.errors import NOT_APPLIED, SallyportError

from .application import ANSWER_SECONDS

#: Seconds that an answered change is remembered: a week, like the
#: host's idempotency keys. Until it is answered it is remembered without limit.
CLAIM_SECONDS = 7 * 86_400
#: Seconds that every answered command is remembered.
ANSWERED_SECONDS = 86_400
#: Entries read at a time.
PAGE = 500
#: Socket timeout for Redis; longer than any blocking read.
SOCKET_SECONDS = 15.0

#: The last entry before a response: the response itself is available as Celery's result.
END = "end"


class RedisUnreachable(SallyportError):
    """A caller cannot reach Redis.

    `outcome` is `not_applied` if nothing was sent, otherwise `unknown`.
    """

    def __init__(self, reason: str, outcome: str) -> None:
        super().__init__(reason, outcome)
        self.reason = reason
        self.outcome = outcome

    def __str__(self) -> str:
        is_unsent = self.outcome == NOT_APPLIED
        return (
            f"Redis cannot be reached: {self.reason} Check that it is running and that "
            f"SALLYPORT_BROKER_URL, or the broker_url of Remote, is correct. "
            f"{'Nothing was sent.' if is_unsent else STILL_THERE}"
        )


STILL_THERE = "The command is not withdrawn: a worker may run it."


@contextlib.contextmanager
def reaching_redis(outcome: str) -> Iterator[None]:
    """Converts errors of the Redis client and of Celery to RedisUnreachable."""
    try:
        yield
    except (redis.RedisError, OperationalError) as error:
        raise RedisUnreachable(str(error), outcome) from error
    except RuntimeError as error:
        # Raised by Celery after its last retry.
        if not isinstance(error.__cause__, redis.RedisError):
            raise
        raise RedisUnreachable(str(error.__cause__), outcome) from error


class Entry(NamedTuple):
    """An entry before a response: a notification of the protocol, or the end."""

    position: str
    method: str
    params: Mapping[str, Any]


#: The position before the first entry.
START = "0"


class Exchange:
    """Any number of threads may use it. Every method may raise `redis.RedisError`."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            re.sub(r"^redis\+socket:", "unix:", url), decode_responses=True, socket_timeout=SOCKET_SECONDS
        )

    def close(self) -> None:
        self._redis.close()

    def now(self) -> float:
        """Seconds since the epoch by Redis' clock, which all machines share."""
        seconds, microseconds = self._redis.time()
        return float(seconds) + float(microseconds) / 1e6

    # Notifications before a response: one stream per task

    def tell(self, task: str, method: str, params: Mapping[str, Any]) -> None:
        key = f"sallyport:before:{task}"
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"method": method, "params": json.dumps(params, separators=(",", ":"))})
            pipe.expire(key, ANSWER_SECONDS)
            pipe.execute()

    def listen(self, task: str, after: str, seconds: float) -> list[Entry]:
        """The entries after a position; waits this long for the first. Empty on timeout."""
        milliseconds = max(1, int(seconds * 1_000))  # 0 would wait without limit.
        key = f"sallyport:before:{task}"
        read: Any = self._redis.xread({key: after}, count=PAGE, block=milliseconds)
        return [
            Entry(position, fields["method"], json.loads(fields["params"]))
            for _, page in read or ()
            for position, fields in page
        ]

    def forget(self, task: str) -> None:
        self._redis.delete(f"sallyport:before:{task}", f"sallyport:cancelled:{task}")

    # Commands that change something: which worker started one first

    def claim(self, task: str, ledger: str) -> str | None:
        """Records that a task is about to act. Returns the ledger of an earlier claim."""
        key = f"sallyport:claim:{task}"
        if self._redis.set(key, ledger, nx=True):
            return None
        return str(self._redis.get(key) or "")

    def is_claimed(self, task: str) -> bool:
        return bool(self._redis.exists(f"sallyport:claim:{task}"))

    def release(self, task: str) -> None:
        """The task did not act."""
        self._redis.delete(f"sallyport:claim:{task}")

    # Answered commands: a later delivery is a duplicate

    def settle(self, task: str) -> None:
        """Its response is in Redis."""
        with self._redis.pipeline() as pipe:
            pipe.set(f"sallyport:answered:{task}", "1", ex=ANSWERED_SECONDS)
            pipe.expire(f"sallyport:claim:{task}", CLAIM_SECONDS)
            pipe.execute()

    def is_settled(self, task: str) -> bool:
        return bool(self._redis.exists(f"sallyport:answered:{task}"))

    # Cancelling

    def cancel(self, task: str) -> None:
        """A worker that gets the task later discards it."""
        self._redis.set(f"sallyport:cancelled:{task}", "1", ex=CLAIM_SECONDS)

    def is_cancelled(self, task: str) -> bool:
        return bool(self._redis.exists(f"sallyport:cancelled:{task}"))

    # Messages that a worker holds

    def renew(self, index: str, tags: list[str]) -> None:
        """Renews the leases of messages; messages that were redelivered meanwhile are not affected."""
        if tags:
            now = time.time()  # This machine's clock, as in Celery.
            self._redis.zadd(index, dict.fromkeys(tags, now), xx=True)

