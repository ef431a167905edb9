"""`AsyncHost`: for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from . import methods
from .async_calls import AsyncAnswer, AsyncCall, AsyncStream, tell
from .async_follow import AsyncFollow
from .async_process import AsyncHostProcess
from .base import HostBase
from .bound import Bound, BoundEvents
from .calls import Deadline
from .errors import HostClosed
from .files import AsyncFiles
from .integrations import EventIntegrations, Integrations
from .methods import Method
from .options import (
    CallOptions,
    Connection,
    FollowOptions,
    StreamOptions,
    Way,
    WatchedOptions,
    check_timeout,
)
from .results import HealthChange, Reloaded, Result

if TYPE_CHECKING:
    from .options import Unpack

log = logging.getLogger("sallyport")
T = TypeVar("T")

class AsyncHost(HostBase, Integrations[Coroutine[Any, Any, Result]]):
    """A host process and the calls to it, for the event loop that opened it.

    ```python
    async with AsyncHost(sandbox=True) as host:
        result = await host.coda_footprint.list_devices(page=1)
    ```

    At the end of the `async with`, or by `close()`, the host drains and stops.
    Cancelling a task that waits for a command cancels the command.
    """

    def _prepare(self) -> None:
        self._process: AsyncHostProcess | None = None
        self._subscribers: dict[str, list[Callable[[Mapping[str, Any]], object]]] = {}

    # The process

    async def __aenter__(self) -> AsyncHost:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Starts the process, unless it is running."""
        if self._process is None or self._process.has_ended:
            await self._start()

    async def close(self) -> int | None:
        """Drains the host and stops it.

        Returns its exit status, None if it was not open. 0: every request was answered; 3: some
        request was not finished within `drain_timeout`.
        """
        process, self._process = self._process, None
        return None if process is None else await process.close()

    async def restart(self) -> None:
        """Starts a new process. Kills the old one if it is running.

        Calls in flight fail with `HostExited`. The state of the old process is lost:
        watches, connections added with `put_connection`, and files without `files_dir`.
        """
        if self._process is not None:
            await self._process.kill()
        await self._start()

    @property
    def is_running(self) -> bool:
        return self._process is not None and not self._process.has_ended

    @property
    def pid(self) -> int | None:
        """The id of the process."""
        return None if self._process is None else self._process.pid

    @property
    def log_lines(self) -> list[str]:
        """The last log lines of the host."""
        return [] if self._process is None else self._process.log_lines

    async def _start(self) -> None:
        process = self._process = await AsyncHostProcess.start(self._settings, self._event)
        try:
            for name, definition in self._settings.connection_definitions.items():
                await self.put_connection(name, definition)
        except BaseException:
            self._process = None
            await process.kill()
            raise

    def _running(self) -> AsyncHostProcess:
        if self._process is None:
            raise HostClosed("The host is not open: use it in an `async with`, or await open().")
        return self._process

    # Commands

    async def invoke(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[WatchedOptions],
    ) -> Result:
        """Runs a command and waits for its result. Raises `CommandError` if it fails."""
        if "on_progress" not in options:
            return await (await self._submit(integration, command, arguments, options, "invoke"))
        watched = self._watch(integration, command, arguments, options, "invoke")
        async with watched:
            async for _ in watched:
                pass
            return await watched.result()

    async def submit(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncCall[Result]:
        """Sends a command without waiting for its result.

        It waits for a free slot: at most `max_in_flight` calls are in flight at a time.
        """
        return await self._submit(integration, command, arguments, options, "submit")

    def stream(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[StreamOptions],
    ) -> AsyncStream:
        """The items of a result as they arrive; with `all_pages`, of all pages.

        A command over targets has one item per finished target:
        `{"target", "return_data", "data" | "error"}`.
        """
        return self._watch(integration, command, arguments, options, "stream")

    def follow(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[FollowOptions],
    ) -> AsyncFollow:
        """The events of a command that fetches events, as they happen.

        The loop over them has no end, so an argument for an end time is omitted. A host has 32 such
        loops at most; they take no slot of `max_in_flight`.
        """
        check_timeout(options.get("timeout"))
        method = methods.follow(integration, command, arguments, options, self._settings.trace)
        process, loop = self._running(), asyncio.get_running_loop()
        timeout = self._settings.timeout

        async def send() -> tuple[int, AsyncAnswer]:
            answer = AsyncAnswer(loop, is_watched=True)
            return process.send_control(method, answer), answer

        return AsyncFollow(
            send, method, process.cancel, loop, process.send_control, options, timeout
        )

    def run_command(
        self, integration: str, command: str, arguments: Mapping[str, Any]
    ) -> Coroutine[Any, Any, Result]:
        return self.invoke(integration, command, arguments)

    def using(
        self, **options: Unpack[WatchedOptions]
    ) -> Integrations[Coroutine[Any, Any, Result]]:
        """The integrations, with options: `host.using(timeout=5).coda_footprint.list_tenants()`."""
        return Bound(self.invoke, options)

    def submitting(
        self, **options: Unpack[CallOptions]
    ) -> Integrations[Coroutine[Any, Any, AsyncCall[Result]]]:
        """The integrations, with commands that return before their result."""
        return Bound(self.submit, options)

    def streaming(self, **options: Unpack[StreamOptions]) -> Integrations[AsyncStream]:
        """The integrations, with commands that stream their items."""
        return Bound(self.stream, options)

    def following(self, **options: Unpack[FollowOptions]) -> EventIntegrations[AsyncFollow]:
        """The integrations, with commands whose events are followed:
        `host.following(checkpoint="inbox").gmail.fetch_event(…)`.
        """
        return BoundEvents(self.follow, options)

    async def _submit(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        way: Way,
    ) -> AsyncCall[Result]:
        deadline = Deadline.of_call(options.get("timeout", self._settings.timeout))
        method = methods.invoke(
            integration, command, arguments, options, deadline.seconds, way, self._settings.trace
        )
        return await self._send(method, deadline)

    def _watch(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        way: Way,
    ) -> AsyncStream:
        deadline = Deadline.of_call(options.get("timeout", self._settings.timeout))
        method = methods.invoke(
            integration, command, arguments, options, deadline.seconds, way, self._settings.trace
        )
        process, loop = self._running(), asyncio.get_running_loop()

        async def send() -> tuple[int, AsyncAnswer]:
            answer = AsyncAnswer(loop, is_watched=True)
            return await process.send(method, answer, deadline), answer

        return AsyncStream(
            send,
            method,
            process.cancel,
            loop,
            options.get("on_progress"),
            options.get("on_waiting"),
        )

    # Other methods of the protocol

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Any method of the protocol; returns its result unchanged."""
        return await self._ask(methods.request(method, params), timeout)

    async def ping(self, timeout: float | None = None) -> None:
        """Returns when the host responds."""
        await self._ask(methods.ping(), timeout)

    async def capabilities(
        self, integration: str | None = None, command: str | None = None, detail: str | None = None
    ) -> dict[str, Any]:
        """The catalogue; `detail` is `full` or `summary`."""
        return await self._ask(methods.capabilities(integration, command, detail))

    async def limits(self) -> dict[str, Any]:
        """The host's limits, and the state of the connections' rate limits."""
        return await self._ask(methods.limits())

    async def reset_limits(self, connection: str) -> int:
        """Ends the pauses after a vendor's 429; returns how many rate limits were paused."""
        return await self._ask(methods.reset_limits(connection))

    async def stats(self) -> dict[str, Any]:
        """The host's counters since its start."""
        return await self._ask(methods.stats())

    async def metrics(self) -> str:
        """The host's metrics, in the text format of OpenMetrics."""
        return await self._ask(methods.metrics())

    async def connections(self) -> list[dict[str, Any]]:
        """The connections, without their secrets."""
        return await self._ask(methods.list_connections())

    async def put_connection(self, name: str, connection: Connection) -> None:
        """Adds or replaces a connection, for the lifetime of the process."""
        await self._ask(methods.put_connection(name, connection))

    async def remove_connection(self, name: str) -> None:
        await self._ask(methods.remove_connection(name))

    async def reload(self) -> Reloaded:
        """Reads the connections file again. Calls in flight keep their connection."""
        return await self._ask(methods.reload())

    @property
    def files(self) -> AsyncFiles:
        """The file store: files that commands take and produce."""
        return AsyncFiles(self._ask)

    # Events

    async def watch(
        self,
        connection: str,
        *,
        interval_seconds: int | None = None,
        notify_after_failures: int | None = None,
    ) -> None:
        """Makes the host test a connection on a schedule; see `on_health`."""
        await self._ask(methods.watch(connection, interval_seconds, notify_after_failures))

    async def unwatch(self, connection: str) -> None:
        await self._ask(methods.unwatch(connection))

    async def health(self) -> list[HealthChange]:
        """The state of every watched connection."""
        return await self._ask(methods.health())

    def on_health(self, callback: Callable[[HealthChange], object]) -> Callable[[], None]:
        """Calls back on every change of a watched connection. Returns a function that unsubscribes."""
        return self.on_event("health/changed", lambda params: callback(HealthChange.read(params)))

    def on_event(
        self, method: str, callback: Callable[[Mapping[str, Any]], object]
    ) -> Callable[[], None]:
        """Calls back, in the event loop, with the params of a notification that belongs to no call."""
        self._subscribers.setdefault(method, []).append(callback)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._subscribers[method].remove(callback)

        return unsubscribe

    def _event(self, method: str, params: Mapping[str, Any]) -> None:
        for subscriber in list(self._subscribers.get(method, ())):
            try:
                subscriber(params)
            except Exception:
                log.exception("a callback for %s failed", method)

    async def _ask(self, method: Method[T], timeout: float | None = None) -> T:
        deadline = Deadline.of_call(self._settings.timeout if timeout is None else timeout)
        return await (await self._send(method, deadline))

    async def _send(self, method: Method[T], deadline: Deadline) -> AsyncCall[T]:
        process = self._running()
        answer = AsyncAnswer(asyncio.get_running_loop())
        return AsyncCall(
            await process.send(method, answer, deadline), method, answer, process.cancel
        )
