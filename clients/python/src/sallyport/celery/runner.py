"""Runs the commands of a worker, on a host with the lifetime of the worker."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import pathlib
import threading
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from sallyport import Cancelled, Host, HostExited, RequestError, Stream
from sallyport.errors import NOT_APPLIED, CommandError
from sallyport.options import Way
from sallyport.results import Progress, Waiting

from . import failures
from .application import queue_name
from .exchange import Exchange
from .settings import WorkerSettings

log = logging.getLogger("sallyport.celery")

#: Maximum attempts of a command if the host exits.
MAXIMUM_STARTS = 3
#: The claim of a worker whose host has no persistent idempotency keys.
NO_LEDGER = "none"


class Invocation(NamedTuple):
    """One command, as the caller sent it."""

    task: str
    integration: str
    command: str
    connection: str
    arguments: Mapping[str, Any]
    #: Options of the protocol, and those of `Remote`: `stream`, `progress`, `give_up_at`, `redelivered`.
    options: Mapping[str, Any]

    @property
    def what(self) -> str:
        return f"{self.integration}.{self.command}"


class GiveBack(Exception):
    """The worker is stopping and did nothing: another one must run the command."""


class Running:
    """A running command. A second delivery waits for the same outcome."""

    def __init__(self) -> None:
        self.outcome: concurrent.futures.Future[dict[str, Any]] = concurrent.futures.Future()
        self._lock = threading.Lock()
        self._call: Stream | None = None
        self._is_cancelled = False

    def began(self, call: Stream) -> None:
        with self._lock:
            self._call = call
            is_cancelled = self._is_cancelled
        if is_cancelled:
            call.cancel()

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            call = self._call
        if call is not None:
            call.cancel()


class Runner:
    """Any number of threads may use it; they share the host and its rate limits."""

    def __init__(self, settings: WorkerSettings, exchange: Exchange) -> None:
        self._settings = settings
        self._exchange = exchange
        self._host = Host(
            connections=settings.connections,
            sandbox=settings.sandbox,
            state_dir=settings.state_dir,
            files_dir=settings.files_dir,
            drain_timeout=settings.drain_seconds,
        )
        self._ledger = ledger_id(settings.state_dir)
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._about: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        self._is_stopping = False

    def run(self, invocation: Invocation) -> dict[str, Any]:
        """The result of the host. Raises its errors, and `GiveBack`.

        A second delivery gets the same result, until `forget`.
        """
        with self._lock:
            before = self._running.get(invocation.task)
            running = before or self._running.setdefault(invocation.task, Running())
        if before is not None:
            return before.outcome.result()
        try:
            result = self._run(invocation, running)
        except BaseException as error:
            running.outcome.set_exception(error)
            raise
        running.outcome.set_result(result)
        return result

    def forget(self, task: str) -> None:
        """Its outcome is in Redis, or it was returned to the queue."""
        with self._lock:
            self._running.pop(task, None)

    def cancel(self, task: str) -> bool:
        """Aborts a running command. Returns whether there was one."""
        with self._lock:
            running = self._running.get(task)
        if running is None:
            return False
        running.cancel()
        return True

    def stop(self) -> None:
        """Aborts running commands; those that changed nothing return to the queue."""
        with self._lock:
            self._is_stopping = True
            in_flight = [one for one in self._running.values() if not one.outcome.done()]
        if in_flight:
            log.warning("%d commands did not finish in time", len(in_flight))
        for running in in_flight:
            running.cancel()

    def open(self) -> None:
        """Starts the host. Raises if it does not start."""
        self._host.open()
        self._host.ping()

    def close(self) -> None:
        self._host.close()

    # One command

    def _run(self, invocation: Invocation, running: Running) -> dict[str, Any]:
        if invocation.connection not in self._settings.worker_connections:
            raise failures.not_served(invocation.what, invocation.connection)
        acts, outcome = False, NOT_APPLIED
        for _ in range(MAXIMUM_STARTS):
            before = None
            try:
                self._host.open()
                about = self._look_up(invocation)
                acts = about is not None and changes(about, invocation.options)
                if about is not None and acts:
                    before = self._exchange.claim(invocation.task, self._ledger or NO_LEDGER)
                    self._check_first(invocation, about, before)
                self._check_wanted(invocation)
                return self._ask(invocation, running, acts=acts)
            except HostExited as exited:
                log.error("the host exited: %s", exited)
                outcome = exited.outcome if acts else NOT_APPLIED
                if outcome == NOT_APPLIED:
                    self._release(invocation, before, acts=acts)
            except Cancelled as error:
                unchanged = not acts or error.outcome == NOT_APPLIED
                if not (self._is_stopping and unchanged):
                    raise
                self._release(invocation, before, acts=acts)
                raise GiveBack from None
        raise failures.host_ended(invocation.what, outcome)

    def _look_up(self, invocation: Invocation) -> Mapping[str, Any] | None:
        """The metadata of the command. None if the host does not know it: its error will say so."""
        key = invocation.integration, invocation.command
        if key not in self._about:
            try:
                [found] = self._host.capabilities(*key)["integrations"]
                self._about[key] = found["commands"][0]
            except (RequestError, ValueError):
                return None
        return self._about[key]

    def _check_first(
        self, invocation: Invocation, about: Mapping[str, Any], before: str | None
    ) -> None:
        """Lets one delivery act. A later one only reads the recorded outcome, if there is one."""
        if before is None:
            return
        may_go_on = before == self._ledger or invocation.options.get("redelivered") == "repeat"
        # A refusal here would report a started command as not started.
        if not may_go_on or self._refusal(invocation) is not None:
            raise failures.begun_before(about)

    def _check_wanted(self, invocation: Invocation) -> None:
        refusal = self._refusal(invocation)
        if refusal is not None:
            raise refusal

    def _refusal(self, invocation: Invocation) -> CommandError | None:
        """Why its caller gave up on it. A later cancellation reaches `Running`."""
        if self._exchange.is_cancelled(invocation.task):
            return failures.cancelled_in_time(invocation.what)
        left = self._seconds_left(invocation)
        if left is not None and left <= 0:
            return failures.not_taken(invocation.what, queue_name(invocation.connection))
        return None

    def _seconds_left(self, invocation: Invocation) -> float | None:
        give_up_at: float | None = invocation.options.get("give_up_at")
        return None if give_up_at is None else give_up_at - self._exchange.now()

    def _release(self, invocation: Invocation, before: str | None, *, acts: bool) -> None:
        """This delivery did nothing; an earlier one may have acted."""
        if acts and before is None:
            self._exchange.release(invocation.task)

    def _ask(self, invocation: Invocation, running: Running, *, acts: bool) -> dict[str, Any]:
        options = self._host_options(invocation)
        if acts and invocation.options.get("redelivered") != "repeat":
            options.setdefault("idempotency_key", invocation.task)
        tell = Teller(self._exchange, invocation.task)
        if invocation.options.get("progress"):
            options["on_progress"] = tell.progress
        way: Way = "invoke"
        if invocation.options.get("stream"):
            way, options["on_waiting"] = "stream", tell.waiting
        with self._host._watch(
            invocation.integration, invocation.command, invocation.arguments, options, way
        ) as call:
            running.began(call)
            for seq, item in enumerate(call):
                tell.item(seq, item)
            return dict(call.result().json)

    def _host_options(self, invocation: Invocation) -> dict[str, Any]:
        own = ("stream", "progress", "give_up_at", "redelivered")
        options = {name: value for name, value in invocation.options.items() if name not in own}
        options["connection"] = invocation.connection
        left = self._seconds_left(invocation)
        if left is not None:
            options["timeout"] = max(0.001, left)
        return options


class Teller:
    """Forwards notifications before a response."""

    def __init__(self, exchange: Exchange, task: str) -> None:
        self._exchange = exchange
        self._task = task

    def item(self, seq: int, item: Any) -> None:
        self._exchange.tell(self._task, "invoke/item", {"seq": seq, "item": item})

    def progress(self, progress: Progress) -> None:
        self._exchange.tell(self._task, "invoke/progress", progress._asdict())

    def waiting(self, waiting: Waiting) -> None:
        self._exchange.tell(self._task, "invoke/waiting", waiting._asdict())


def changes(about: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    return about["effect"] != "read" and not options.get("dry_run")


def ledger_id(state_dir: str | None) -> str | None:
    """The id of the directory of the host's idempotency keys: workers with the same id in
    their `state_dir` share them. None without a directory: the keys are lost with the host.
    """
    if state_dir is None:
        return None
    folder = pathlib.Path(state_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft, file = folder / f".ledger-{uuid.uuid4().hex}", folder / "ledger-id"
    draft.write_text(uuid.uuid4().hex)
    try:
        os.link(draft, file)  # Atomic, and the first worker wins.
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text()
