"""Commands over several targets: one run per target, and the outcome of each."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from .errors import NOT_APPLIED, Cancelled, DryRun, PluginError, internal
from .result import FAILED, PARTIALLY_SUCCESSFUL, SUCCESSFUL, Result

if TYPE_CHECKING:
    from .call import BaseCall
    from .workers import Workers

T = TypeVar("T")


class TargetRun:
    """The targets in order, without duplicates, and their outcomes."""

    def __init__(self, call: BaseCall[Any], targets: Iterable[Any]) -> None:
        self.call = call
        self._command = call.plugin.commands[call.command]
        self.targets = list(dict.fromkeys(targets))
        self.outcomes: dict[Any, tuple[Any, Optional[PluginError]]] = {}
        self._next = 0
        self._stop: Optional[BaseException] = None
        self._refusal: Optional[PluginError] = None
        self._dry_run: Optional[DryRun] = None
        self._lock = threading.Lock()

    def take(self) -> Optional[int]:
        """The index of the next target. None if no further target may start."""
        with self._lock:
            if self._stop or self._refusal or self._next == len(self.targets):
                return None
            self._next += 1
            return self._next - 1

    def add(self, at: int, body: Any, error: Optional[BaseException]) -> None:
        if isinstance(error, DryRun):
            # Each target has a first request, and the host records it.
            self._dry_run = error
            return
        if isinstance(error, Cancelled) or (error is not None and not isinstance(error, Exception)):
            with self._lock:
                self._stop = self._stop or error
            return
        if error is not None and not isinstance(error, PluginError):
            if self.call.is_cancelled:
                return self.add(at, None, Cancelled())
            # The others still run: what was done must be known.
            error = internal(error)
        with self._lock:
            self.outcomes[self.targets[at]] = (body, error)
            if error is not None and error.status_code == 401:
                self._refusal = self._refusal or error
            done = len(self.outcomes)
        if self.call.stream:
            self.call.item(self._told(self.targets[at], body, error, with_data=True))
        self.call.progress(done, len(self.targets))

    def result(self) -> Result:
        """Raises if no target succeeded, or if the run was stopped."""
        if self._stop:
            raise self._stop
        if self._dry_run:
            raise self._dry_run
        if self._refusal:
            for target in self.targets:
                text = "Not started: the vendor refused the credentials."
                skipped = PluginError(text, status_code=401, outcome=NOT_APPLIED)
                self.outcomes.setdefault(target, (None, skipped))
        told = [self._told(target, *self.outcomes[target]) for target in self.targets]
        failures = [error for _, error in self.outcomes.values() if error is not None]
        if failures and len(failures) == len(self.targets):
            raise self._failure(told)
        return Result(
            raw_data=[
                body for body, error in map(self.outcomes.__getitem__, self.targets) if error is None],
            return_data=PARTIALLY_SUCCESSFUL if failures else SUCCESSFUL,
            targets=told,
            errors=[{**one["error"], "target": one["target"]} for one in told if "error" in one] or None)

    def _failure(self, told: list[dict[str, Any]]) -> PluginError:
        """All failed: the error of the first, with the outcome per target."""
        first = self._refusal or next(error for _, error in self.outcomes.values() if error is not None)
        is_unknown = any(one["error"]["outcome"] != NOT_APPLIED for one in told)
        return PluginError(
            first.message, status_code=first.status_code, kind=first.kind, retryable=first.retryable,
            retry_after_ms=first.retry_after_ms, outcome="unknown" if is_unknown else NOT_APPLIED,
            remedy=first.remedy, upstream=first.upstream, targets=told)

    def _told(
        self, target: Any, body: Any, error: Optional[PluginError], with_data: bool = False
    ) -> dict[str, Any]:
        if error is None:
            return {"target": target, "return_data": SUCCESSFUL, **({"data": body} if with_data else {})}
        if error.outcome is None:
            error.outcome = self._command.outcome_of_target(error)
        data = error.data(self._command.failure_indicator)
        del data["return_data"]
        return {"target": target, "return_data": FAILED, "error": data}


def run_targets(
    call: BaseCall[Any], targets: Iterable[T], run: Callable[[T], Any], limit: int, workers: Workers
) -> Result:
    state = TargetRun(call, targets)

    def work() -> None:
        while (at := state.take()) is not None:
            try:
                call.check()
                state.add(at, run(state.targets[at]), None)
            except (Exception, DryRun) as error:
                state.add(at, None, error)

    # In a dry run the requests are recorded in the order of the targets.
    width = 1 if call.dry_run else max(1, min(limit, len(state.targets)))
    others = [workers.start(work) for _ in range(width - 1)]
    work()
    for other in others:
        other.wait()
    return state.result()


async def run_targets_async(
    call: BaseCall[Any], targets: Iterable[T], run: Callable[[T], Awaitable[Any]], limit: int
) -> Result:
    import asyncio

    state = TargetRun(call, targets)

    async def work() -> None:
        while (at := state.take()) is not None:
            try:
                call.check()
                state.add(at, await run(state.targets[at]), None)
            except (Exception, DryRun) as error:
                state.add(at, None, error)

    width = 1 if call.dry_run else max(1, min(limit, len(state.targets)))
    await asyncio.gather(*(work() for _ in range(width)))
    return state.result()
