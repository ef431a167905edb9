"""One process of the host, read by an event loop."""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Callable
from typing import Any

from .async_calls import AsyncAnswer, missed
from .calls import Deadline
from .dialogue import (
    SHUTDOWN_FRAME,
    BrokenFrame,
    Dialogue,
    Event,
    Receiver,
    cancel_frame,
)
from .errors import NOT_APPLIED, HostExited, SallyportError, timed_out
from .log_tail import LogTail
from .methods import Method
from .process import EXIT_SECONDS, LAST_LINES_SECONDS, closed, encoded
from .settings import HostSettings

log = logging.getLogger("sallyport")

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2


class AsyncHostProcess(asyncio.SubprocessProtocol):
    """Created by `start`; cannot be restarted."""

    def __init__(
        self, settings: HostSettings, event: Event, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._dialogue = Dialogue(event)
        self._tail = LogTail(settings.on_log)
        self._free = settings.max_in_flight
        self._waiters: collections.deque[asyncio.Future[None]] = collections.deque()
        self._lines: list[bytes] = []
        self._closing = False
        self._exit: Callable[[], SallyportError] | None = None
        self._reason: str | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self._output_ended = loop.create_future()
        self._errors_ended = loop.create_future()
        self._process_ended = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, settings: HostSettings, event: Event) -> AsyncHostProcess:
        loop = asyncio.get_running_loop()
        process = cls(settings, event, loop)
        command = settings.command_line()
        try:
            await loop.subprocess_exec(
                lambda: process,
                *command,
                env=settings.full_environment(),
                cwd=settings.directory,
                start_new_session=settings.own_session,
            )
        except OSError as error:
            reason = f"{command[0]} cannot be started: {error.strerror}."
            raise HostExited(None, outcome=NOT_APPLIED, reason=reason) from error
        process._ending = loop.create_task(process._finish())
        return process

    @property
    def pid(self) -> int | None:
        return None if self._transport is None else self._transport.get_pid()

    @property
    def has_ended(self) -> bool:
        return self._exit is not None

    @property
    def log_lines(self) -> list[str]:
        return self._tail.lines

    # Requests

    async def send(self, method: Method[Any], answer: AsyncAnswer, deadline: Deadline) -> int:
        """Sends a request when a slot is free. Returns its id."""
        params = encoded(method)
        await self._acquire(method, deadline)
        if self._exit is not None or self._closing:
            self._release(1)
            raise closed() if self._exit is None else self._exit()
        id, line = self._dialogue.open(method.name, params, answer)
        self._write(line)
        left = deadline.left_with_grace
        if left is not None:
            answer.fail_after(left, missed(deadline, method.what))
        return id

    def send_control(self, method: Method[Any], receiver: Receiver) -> int:
        """Sends a request for which the host needs no slot. Returns its id."""
        params = encoded(method)
        if self._exit is not None:
            raise self._exit()
        if self._closing:
            raise closed()
        id, line = self._dialogue.open(method.name, params, receiver, needs_slot=False)
        self._write(line)
        return id

    def cancel(self, id: int) -> None:
        """Neither waits nor fails; the response of the call reports the outcome."""
        self._write(cancel_frame(id))

    async def _acquire(self, method: Method[Any], deadline: Deadline) -> None:
        if self._exit is not None:
            raise self._exit()
        if self._free > 0:
            self._free -= 1
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            left = deadline.left
            await (waiter if left is None else asyncio.wait_for(waiter, left))
        except asyncio.TimeoutError:
            raise timed_out(
                method.what,
                deadline.seconds or 0.0,
                outcome=NOT_APPLIED,
                remedy="It was not sent: the maximum number of calls was in flight.",
            ) from None
        except asyncio.CancelledError:
            # The slot may have been assigned to this call just now.
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(1)
            raise

    def _release(self, count: int) -> None:
        while count > 0 and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1
        self._free += count

    def _write(self, line: bytes) -> None:
        """Sends all lines of one turn of the loop together."""
        if not self._lines:
            self._loop.call_soon(self._flush)
        self._lines.append(line)

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines and self._input is not None and not self._input.is_closing():
            self._input.write(b"".join(lines))

    # The end

    async def close(self) -> int | None:
        """Drains the host and stops it. Returns its exit status."""
        if not self._closing:
            self._closing = True
            # If a forked child holds the pipe too, closing it is not enough.
            self._write(SHUTDOWN_FRAME)
            self._flush()
            if self._input is not None:
                self._input.close()
        try:
            is_over = await self._has_ended_in(self._settings.drain_timeout + EXIT_SECONDS)
            for end in (self._terminate, self._kill):
                if not is_over:
                    log.warning("the host did not stop in time and is killed")
                    end()
                    is_over = await self._has_ended_in(EXIT_SECONDS)
        except asyncio.CancelledError:
            self._kill()
            raise
        return None if self._transport is None else self._transport.get_returncode()

    async def kill(self) -> None:
        """Kills the host."""
        self._kill()
        await self._has_ended_in(EXIT_SECONDS)

    async def _has_ended_in(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self.ended], timeout=seconds)
        return bool(done)

    def _terminate(self) -> None:
        if self._transport is not None and self._transport.get_returncode() is None:
            self._transport.terminate()

    def _kill(self) -> None:
        if self._transport is not None and self._transport.get_returncode() is None:
            self._transport.kill()

    async def _finish(self) -> None:
        """Waits until the host closes its output, then fails all pending calls."""
        await asyncio.wait([self._output_ended])
        if self._reason is not None:
            self._kill()
        done, _ = await asyncio.wait([self._process_ended], timeout=EXIT_SECONDS)
        if not done:
            self._reason = "It closed its output and did not exit."
            self._kill()
            await asyncio.wait([self._process_ended])
        await asyncio.wait([self._errors_ended], timeout=LAST_LINES_SECONDS)
        assert self._transport is not None
        status, lines = self._transport.get_returncode(), self._tail.lines

        in_flight = self._dialogue.outcome_at_end(status)

        def exited(outcome: str) -> HostExited:
            return HostExited(status, lines, outcome=outcome, reason=self._reason)

        def not_sent() -> SallyportError:
            return closed() if self._closing else exited(NOT_APPLIED)

        self._exit = not_sent
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(not_sent())
        self._waiters.clear()
        self._dialogue.end(lambda: exited(in_flight))
        self._transport.close()
        self.ended.set_result(None)

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        pipe = transport.get_pipe_transport(_INPUT)
        assert isinstance(pipe, asyncio.WriteTransport)
        self._input = pipe

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _ERRORS:
            self._tail.receive(data)
            return
        if self._reason is not None:
            return
        try:
            answers = self._dialogue.receive(data)
        except BrokenFrame as broken:
            self._break(str(broken))
        except Exception as error:
            log.exception("reading from the host failed")
            self._break(f"Reading from it failed: {type(error).__name__}.")
        else:
            if answers:
                self._release(answers)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        ended = {_OUTPUT: self._output_ended, _ERRORS: self._errors_ended}.get(fd)
        if ended is not None and not ended.done():
            ended.set_result(None)

    def process_exited(self) -> None:
        if not self._process_ended.done():
            self._process_ended.set_result(None)

    def _break(self, reason: str) -> None:
        self._reason = reason
        if not self._output_ended.done():
            self._output_ended.set_result(None)
