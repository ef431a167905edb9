"""`Remote`: the caller's side."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from sallyport.bound import Bound
from sallyport.calls import Deadline
from sallyport.errors import NOT_APPLIED, UNKNOWN
from sallyport.integrations import Integrations
from sallyport.options import (
    CallOptions,
    StreamOptions,
    WatchedOptions,
    Way,
    check_timeout,
    invoke_params,
)
from sallyport.results import Result

from .application import TASK, make_application, queue_name
from .exchange import Exchange, reaching_redis
from .remote_calls import RemoteCall, RemoteStream, Sent
from .settings import redis_url
from .signature import ConfigurationError, signer_for

if TYPE_CHECKING:
    from sallyport.options import Unpack

#: The handling of a change that is redelivered because a worker was lost:
#: it fails with the outcome `unknown`, or runs again.
Redelivered = Literal["unknown", "repeat"]


class RemoteCallOptions(CallOptions, total=False):
    """Options of every call."""

    redelivered: Redelivered


class RemoteWatchedOptions(WatchedOptions, total=False):
    """Options of a call that reports progress."""

    redelivered: Redelivered


class RemoteStreamOptions(StreamOptions, total=False):
    """Options of a stream."""

    redelivered: Redelivered


def checked(connection: Any) -> str:
    """Raises TypeError, and ConfigurationError for an empty one."""
    if not isinstance(connection, str):
        raise TypeError(
            "connection must be the name of a connection that workers serve: only they have its "
            "settings, so that no secret passes through Redis."
        )
    if not connection.strip():
        raise ConfigurationError(
            "connection is empty; use the name of a connection that workers serve."
        )
    return connection


class Remote(Integrations[Result]):
    """Commands on workers, called like those of a `Host`, from any thread.

    ```python
    with Remote("redis://queue.example/0", connection="mail") as remote:
        found = remote.gmail.search_emails(user_email="soc@acme.example")
    ```
    """

    def __init__(
        self,
        broker_url: str | None = None,
        *,
        connection: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Does not connect. Raises ConfigurationError, and ValueError for the timeout.

        broker_url: Redis; default `SALLYPORT_BROKER_URL`, or Redis on this machine.
        connection, timeout: Defaults of a call.
        """
        url = redis_url(broker_url)
        self._signer = signer_for(url)
        check_timeout(timeout)
        self._application = make_application(url)
        self._exchange = Exchange(url)
        self._connection = None if connection is None else checked(connection)
        self._timeout = timeout

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Calls in flight continue."""
        self._application.close()
        self._exchange.close()

    def invoke(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[RemoteWatchedOptions],
    ) -> Result:
        """Runs a command on a worker and waits for its result. Raises `CommandError` if it fails.

        An exception, such as Ctrl-C, cancels the command.
        """
        with self._watch(integration, command, arguments, options, "invoke") as watched:
            for _ in watched:
                pass
            return watched.result()

    def submit(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[RemoteCallOptions],
    ) -> RemoteCall:
        """Sends a command without waiting for its result."""
        return RemoteCall(self._send(integration, command, arguments, options, "submit"))

    def stream(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[RemoteStreamOptions],
    ) -> RemoteStream:
        """The items of a result as they arrive, each once, even if a worker is lost."""
        return self._watch(integration, command, arguments, options, "stream")

    def run_command(self, integration: str, command: str, arguments: Mapping[str, Any]) -> Result:
        return self.invoke(integration, command, arguments)

    def using(self, **options: Unpack[RemoteWatchedOptions]) -> Integrations[Result]:
        """The integrations, with options: `remote.using(connection="mail").gmail…`."""
        return Bound(self.invoke, options)

    def submitting(self, **options: Unpack[RemoteCallOptions]) -> Integrations[RemoteCall]:
        """The integrations, with commands that return before their result."""
        return Bound(self.submit, options)

    def streaming(self, **options: Unpack[RemoteStreamOptions]) -> Integrations[RemoteStream]:
        """The integrations, with commands that stream their items."""
        return Bound(self.stream, options)

    def _watch(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        way: Way,
    ) -> RemoteStream:
        sent = self._send(integration, command, arguments, options, way)
        return RemoteStream(sent, options.get("on_progress"), options.get("on_waiting"))

    def _send(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        way: Way,
    ) -> Sent:
        own = {name: value for name, value in options.items() if name != "redelivered"}
        connection = checked(own.setdefault("connection", self._connection))
        deadline = Deadline.of_call(options.get("timeout", self._timeout))
        message = invoke_params(integration, command, arguments, own, None, way)
        wire = message.setdefault("options", {})
        wire["redelivered"] = options.get("redelivered", "unknown")
        json.dumps(message, allow_nan=False)  # Celery would serialize more types than JSON has.
        with reaching_redis(NOT_APPLIED):
            now = self._exchange.now()  # Also without a timeout: fails here if Redis is down.
        if deadline.seconds is not None:
            # By Redis' clock: the time in the queue counts.
            wire["give_up_at"] = now + deadline.seconds
        task, what = str(uuid.uuid4()), f"{integration}.{command}"
        if self._signer is not None:
            message["signature"] = self._signer.sign(task, message)
        with reaching_redis(UNKNOWN):
            self._application.send_task(
                TASK, kwargs=message, task_id=task, queue=queue_name(connection),
                # For monitoring: Celery's default would show the arguments.
                argsrepr=connection, kwargsrepr=what,
            )  # fmt: skip
        return Sent(self._application, self._exchange, task, what, connection, deadline)
