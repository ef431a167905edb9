"""`Host`: for programs with or without threads."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from . import methods
from .base import HostBase
from .bound import Bound, BoundEvents
from .calls import Answer, Call, Deadline, WatchedAnswer
from .errors import HostClosed
from .files import Files
from .follow import Follow
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
from .process import HostProcess
from .results import HealthChange, Reloaded, Result
from .streams import Stream

if TYPE_CHECKING:
    from .options import Unpack

log = logging.getLogger("sallyport")
T = TypeVar("T")

class Host(HostBase, Integrations[Result]):
    """A host process and the calls to it. All methods may be called from any thread.

    ```python
    with Host(sandbox=True) as host:
        result = host.coda_footprint.list_devices(page=1)
    ```

    At the end of the `with`, or by `close()`, the host drains and stops.
    """

    def _prepare(self) -> None:
        self._lock = threading.RLock()
        self._events = EventThread()
        self._process: HostProcess | None = None
        self._pid = 0

    # The process

    def __enter__(self) -> Host:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Starts the process, unless it is running."""
        with self._lock:
            if self._process is None or self._process.has_ended:
                self._start()

    def close(self) -> int | None:
        """Drains the host and stops it.

        Returns its exit status, None if it was not open. 0: every request was answered; 3: some
        request was not finished within `drain_timeout`.
        """
        with self._lock:
            process, self._process = self._process, None
            if process is None:
                return None
            status = process.close() if self._pid == os.getpid() else None
            self._events.end()
            return status

    def restart(self) -> None:
        """Starts a new process. Kills the old one if it is running.

        Calls in flight fail with `HostExited`. The state of the old process is lost:
        watches, connections added with `put_connection`, and files without `files_dir`.
        """
        with self._lock:
            if self._process is not None:
                self._process.kill()
            self._start()

    @property
    def is_running(self) -> bool:
        process = self._process
        return process is not None and not process.has_ended

    @property
    def pid(self) -> int | None:
        """The id of the process."""
        process = self._process
        return None if process is None else process.pid

    @property
    def log_lines(self) -> list[str]:
        """The last log lines of the host."""
        process = self._process
        return [] if process is None else process.log_lines

    def _start(self) -> None:
        self._process = HostProcess(self._settings, self._events.put)
        self._pid = os.getpid()
        try:
            for name, definition in self._settings.connection_definitions.items():
                self.put_connection(name, definition)
        except BaseException:
            self._process.kill()
            self._process = None
            raise

    def _running(self) -> HostProcess:
        process = self._process
        if process is None:
            raise HostClosed("The host is not open: use it in a `with`, or call open().")
        if self._pid != os.getpid():
            raise HostClosed("The host was opened before a fork: open another one in this process.")
        return process

    # Commands

    def invoke(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[WatchedOptions],
    ) -> Result:
        """Runs a command and waits for its result. Raises `CommandError` if it fails.

        An exception, such as Ctrl-C, cancels the command.
        """
        if "on_progress" in options:
            with self._watch(integration, command, arguments, options, "invoke") as watched:
                for _ in watched:
                    pass
                return watched.result()
        call = self._submit(integration, command, arguments, options, "invoke")
        try:
            return call.result()
        except BaseException:
            call.cancel()
            raise

    def submit(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Call[Result]:
        """Sends a command without waiting for its result.

        It waits for a free slot: at most `max_in_flight` calls are in flight at a time.
        """
        return self._submit(integration, command, arguments, options, "submit")

    def stream(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[StreamOptions],
    ) -> Stream:
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
    ) -> Follow:
        """The events of a command that fetches events, as they happen.

        The loop over them has no end, so an argument for an end time is omitted. A host has 32 such
        loops at most; they take no slot of `max_in_flight`.
        """
        check_timeout(options.get("timeout"))
        method = methods.follow(integration, command, arguments, options, self._settings.trace)
        answer, process = WatchedAnswer(), self._running()
        timeout = self._settings.timeout
        id = process.send_control(method, answer)
        return Follow(id, method, answer, process, options, timeout)

    def run_command(self, integration: str, command: str, arguments: Mapping[str, Any]) -> Result:
        return self.invoke(integration, command, arguments)

    def using(self, **options: Unpack[WatchedOptions]) -> Integrations[Result]:
        """The integrations, with options: `host.using(timeout=5).coda_footprint.list_tenants()`."""
        return Bound(self.invoke, options)

    def submitting(self, **options: Unpack[CallOptions]) -> Integrations[Call[Result]]:
        """The integrations, with commands that return before their result."""
        return Bound(self.submit, options)

    def streaming(self, **options: Unpack[StreamOptions]) -> Integrations[Stream]:
        """The integrations, with commands that stream their items."""
        return Bound(self.stream, options)

    def following(self, **options: Unpack[FollowOptions]) -> EventIntegrations[Follow]:
        """The integrations, with commands whose events are followed:
        `host.following(checkpoint="inbox").gmail.fetch_event(…)`.
        """
        return BoundEvents(self.follow, options)

    def _submit(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        way: Way,
    ) -> Call[Result]:
        deadline = Deadline.of_call(options.get("timeout", self._settings.timeout))
        method = methods.invoke(
            integration, command, arguments, options, deadline.seconds, way, self._settings.trace
        )
        return self._send(method, deadline, waits=way == "invoke")

    def _watch(
        self,
        integration: str,
        command: str,
        arguments: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        way: Way,
    ) -> Stream:
        deadline = Deadline.of_call(options.get("timeout", self._settings.timeout))
        method = methods.invoke(
            integration, command, arguments, options, deadline.seconds, way, self._settings.trace
        )
        answer = WatchedAnswer()
        process = self._running()
        return Stream(
            process.send(method, answer, deadline),
            method,
            answer,
            deadline,
            process,
            options.get("on_progress"),
            options.get("on_waiting"),
        )

    # Other methods of the protocol

    def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Any method of the protocol; returns its result unchanged."""
        return self._ask(methods.request(method, params), timeout)

    def ping(self, timeout: float | None = None) -> None:
        """Returns when the host responds."""
        self._ask(methods.ping(), timeout)

    def capabilities(
        self, integration: str | None = None, command: str | None = None, detail: str | None = None
    ) -> dict[str, Any]:
        """The catalogue; `detail` is `full` or `summary`."""
        return self._ask(methods.capabilities(integration, command, detail))

    def limits(self) -> dict[str, Any]:
        """The host's limits, and the state of the connections' rate limits."""
        return self._ask(methods.limits())

    def reset_limits(self, connection: str) -> int:
        """Ends the pauses after a vendor's 429; returns how many rate limits were paused."""
        return self._ask(methods.reset_limits(connection))

    def stats(self) -> dict[str, Any]:
        """The host's counters since its start."""
        return self._ask(methods.stats())

    def metrics(self) -> str:
        """The host's metrics, in the text format of OpenMetrics."""
        return self._ask(methods.metrics())

    def connections(self) -> list[dict[str, Any]]:
        """The connections, without their secrets."""
        return self._ask(methods.list_connections())

    def put_connection(self, name: str, connection: Connection) -> None:
        """Adds or replaces a connection, for the lifetime of the process."""
        self._ask(methods.put_connection(name, connection))

    def remove_connection(self, name: str) -> None:
        self._ask(methods.remove_connection(name))

    def reload(self) -> Reloaded:
        """Reads the connections file again. Calls in flight keep their connection."""
        return self._ask(methods.reload())

    @property
    def files(self) -> Files:
        """The file store: files that commands take and produce."""
        return Files(self._ask)

    # Events

    def watch(
        self,
        connection: str,
        *,
        interval_seconds: int | None = None,
        notify_after_failures: int | None = None,
    ) -> None:
        """Makes the host test a connection on a schedule; see `on_health`."""
        self._ask(methods.watch(connection, interval_seconds, notify_after_failures))

    def unwatch(self, connection: str) -> None:
        self._ask(methods.unwatch(connection))

    def health(self) -> list[HealthChange]:
        """The state of every watched connection."""
        return self._ask(methods.health())

    def on_health(self, callback: Callable[[HealthChange], object]) -> Callable[[], None]:
        """Calls back on every change of a watched connection. Returns a function that unsubscribes."""
        return self.on_event("health/changed", lambda params: callback(HealthChange.read(params)))

    def on_event(
        self, method: str, callback: Callable[[Mapping[str, Any]], object]
    ) -> Callable[[], None]:
        """Calls back with the params of a notification that belongs to no call.

        All callbacks run one after the other on a separate thread; they may call the host.
        """
        return self._events.subscribe(method, callback)

    def _ask(self, method: Method[T], timeout: float | None = None) -> T:
        deadline = Deadline.of_call(self._settings.timeout if timeout is None else timeout)
        return self._send(method, deadline, waits=True).result()

    def _send(self, method: Method[T], deadline: Deadline, *, waits: bool) -> Call[T]:
        answer = Answer()
        process = self._running()
        id = process.send(method, answer, deadline, waits=waits)
        return Call(id, method, answer, deadline, process)


Subscriber = Callable[[Mapping[str, Any]], object]


class EventThread:
    """Calls subscribers in the order of the events. The thread starts with the first subscription."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[str, list[Subscriber]] = {}
        self._events: queue.SimpleQueue[tuple[str, Mapping[str, Any]] | None] | None = None

    def subscribe(self, method: str, subscriber: Subscriber) -> Callable[[], None]:
        with self._lock:
            self._subscribers.setdefault(method, []).append(subscriber)
            if self._events is None:
                self._events = queue.SimpleQueue()
                threading.Thread(
                    target=self._run, args=(self._events,), name="sallyport-events", daemon=True
                ).start()

        def unsubscribe() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._subscribers[method].remove(subscriber)

        return unsubscribe

    def put(self, method: str, params: Mapping[str, Any]) -> None:
        events = self._events
        if events is not None:
            events.put((method, params))

    def end(self) -> None:
        """Stops the thread after the queued events; a later subscription starts another."""
        with self._lock:
            events, self._events = self._events, None
            if events is not None:
                events.put(None)

    def _run(self, events: queue.SimpleQueue[tuple[str, Mapping[str, Any]] | None]) -> None:
        while (event := events.get()) is not None:
            method, params = event
            with self._lock:
                subscribers = list(self._subscribers.get(method, ()))
            for subscriber in subscribers:
                try:
                    subscriber(params)
                except Exception:
                    log.exception("a callback for %s failed", method)
