"""One process of the host, its pipes and its exit."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from .calls import Answer, Deadline
from .dialogue import (
    SHUTDOWN_FRAME,
    Dialogue,
    Event,
    Receiver,
    cancel_frame,
    encode_params,
)
from .errors import NOT_APPLIED, HostClosed, HostExited, RequestError, SallyportError, timed_out
from .log_tail import LogTail
from .methods import Method
from .pipe_reader import READ_BYTES, PipeReader
from .pipe_writer import PipeWriter
from .settings import MAXIMUM_LINE_BYTES, HostSettings
from .slot_queue import SlotQueue

log = logging.getLogger("sallyport")

#: Seconds that a host has to exit after it closed stdout, and after each stop request.
EXIT_SECONDS = 5.0
#: Seconds to wait for the last log lines; another process may hold stderr open.
LAST_LINES_SECONDS = 5.0


def closed() -> HostClosed:
    return HostClosed("The host is closed.")


def encoded(method: Method[Any]) -> str:
    """Raises RequestError for params that the host would not read."""
    params = encode_params(method.params)
    if len(params) > MAXIMUM_LINE_BYTES - 1_000:
        raise RequestError(-32600, f"{method.what} exceeds the host's maximum line length.")
    return params


class HostProcess:
    """Started by its initializer; cannot be restarted."""

    def __init__(self, settings: HostSettings, event: Event) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._dialogue = Dialogue(event)
        self._line = SlotQueue()
        self._tail = LogTail(settings.on_log)
        self._closing = False
        self._exit: Callable[[], SallyportError] | None = None
        command = settings.command_line()
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=settings.full_environment(),
                cwd=settings.directory,
                start_new_session=settings.own_session,
            )
        except OSError as error:
            reason = f"{command[0]} cannot be started: {error.strerror}."
            raise HostExited(None, outcome=NOT_APPLIED, reason=reason) from error
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        assert process.stderr is not None
        # The writer owns the descriptor from here on.
        self._writer = PipeWriter(os.dup(process.stdin.fileno()))
        process.stdin.close()
        self._output, self._errors = process.stdout, process.stderr
        self._error_reader = threading.Thread(
            target=self._read_errors, name="sallyport-log", daemon=True
        )
        self._error_reader.start()
        self._reader = PipeReader(
            self._output.fileno(), self._dialogue, self._handed_over, self._finish
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._exit is not None

    @property
    def log_lines(self) -> list[str]:
        return self._tail.lines

    # Requests

    def send(
        self, method: Method[Any], answer: Answer, deadline: Deadline, *, waits: bool = False
    ) -> int:
        """Sends a request when a slot is free. Returns its id.

        waits: The caller calls `wait` next.
        """
        params = encoded(method)
        was_woken = False
        while True:
            with self._lock:
                if self._exit is not None:
                    raise self._exit()
                if self._closing:
                    raise closed()
                if self._free_slots > 0:
                    return self._send(method, params, answer, waits)
                waiter = self._line.join(was_woken=was_woken)
            try:
                left = deadline.left
                was_woken = waiter.acquire(timeout=-1 if left is None else max(0.0, left))
            finally:
                with self._lock:
                    is_in_line = self._line.leave(waiter)
                    if not is_in_line:
                        # The slot is free for another caller if this one is interrupted.
                        self._line.wake(self._free_slots)
            if is_in_line:
                raise timed_out(
                    method.what,
                    deadline.seconds or 0.0,
                    outcome=NOT_APPLIED,
                    remedy="It was not sent: the maximum number of calls was in flight.",
                )

    @property
    def _free_slots(self) -> int:
        return self._settings.max_in_flight - self._dialogue.slots

    def send_control(self, method: Method[Any], receiver: Receiver) -> int:
        """Sends a request for which the host needs no slot. Returns its id."""
        params = encoded(method)
        with self._lock:
            if self._exit is not None:
                raise self._exit()
            if self._closing:
                raise closed()
            return self._send(method, params, receiver, waits=False, needs_slot=False)

    def _send(
        self,
        method: Method[Any],
        params: str,
        answer: Receiver,
        waits: bool,
        needs_slot: bool = True,
    ) -> int:
        """Under the lock, so that nothing is written after the shutdown."""
        try:
            id, line = self._dialogue.open(method.name, params, answer, needs_slot=needs_slot)
            if self._dialogue.in_flight > 1:
                self._writer.write_later(line)
            else:
                self._writer.write(line)
        except BaseException:
            self._dialogue.forget(answer)
            raise
        if not waits:
            self._reader.wake()
        return id

    def wait(self, answer: Answer, seconds: float | None) -> bool:
        """Waits for a response. Returns whether it has arrived."""
        if not answer.is_done and self._dialogue.in_flight == 1:
            end = None if seconds is None else time.monotonic() + seconds
            self._reader.lead(answer, end)
            seconds = None if end is None else end - time.monotonic()
        return answer.wait(seconds)

    def cancel(self, id: int) -> None:
        """Neither waits nor fails; the response of the call reports the outcome."""
        self._writer.write_later(cancel_frame(id))

    # The end

    def close(self) -> int | None:
        """Drains the host and stops it. Returns its exit status."""
        with self._lock:
            if not self._closing:
                self._closing = True
                self._line.wake_all()
                # If a forked child holds the pipe too, closing it is not enough.
                self._writer.write_later(SHUTDOWN_FRAME)
                self._writer.close()
        is_over = self._reader.join(self._settings.drain_timeout + EXIT_SECONDS)
        for end in (self._process.terminate, self._process.kill):
            if not is_over:
                log.warning("the host did not stop in time and is killed")
                end()
                is_over = self._reader.join(EXIT_SECONDS)
        return self._process.poll()

    def kill(self) -> None:
        """Kills the host."""
        self._process.kill()
        self._reader.join(EXIT_SECONDS)

    # Threads

    def _handed_over(self) -> None:
        with self._lock:
            self._line.wake(self._free_slots)

    def _read_errors(self) -> None:
        descriptor = self._errors.fileno()
        try:
            while data := os.read(descriptor, READ_BYTES):
                self._tail.receive(data)
        except OSError:
            pass
        finally:
            self._errors.close()

    def _finish(self, reason: str | None) -> None:
        """The host has closed its output: fails all pending calls."""
        process = self._process
        if reason is not None:
            process.kill()
        try:
            process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            reason = "It closed its output and did not exit."
            process.kill()
            process.wait()
        self._error_reader.join(LAST_LINES_SECONDS)
        status, lines = process.returncode, self._tail.lines

        in_flight = self._dialogue.outcome_at_end(status)

        def exited(outcome: str) -> HostExited:
            return HostExited(status, lines, outcome=outcome, reason=reason)

        def not_sent() -> SallyportError:
            return closed() if self._closing else exited(NOT_APPLIED)

        with self._lock:
            self._exit = not_sent
            self._line.wake_all()
        self._dialogue.end(lambda: exited(in_flight))
        self._writer.close()
        self._output.close()
