"""The process of a plugin: reads the host's lines, runs commands, writes responses.

The main thread reads. Plain functions run in threads, async functions in one event loop.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable, Optional

from .call import AsyncCall, BaseCall
from .command import Command
from .errors import NOT_APPLIED, Cancelled, InvalidArguments, PluginError, from_host
from .wire import PIECE_BYTES, Writer, encode, split_lines

if TYPE_CHECKING:
    import asyncio

    from .plugin import Plugin

#: Seconds in which commands may finish after SIGTERM, and after EOF.
TERM_SECONDS = 2.0
DRAIN_SECONDS = 60.0

METHODS = ["capabilities", "invoke", "cancel", "ping", "shutdown"]


def serve(plugin: Plugin[Any]) -> None:
    if sys.stdin.isatty():
        print(
            f"{plugin.id} is a plugin: the host starts it and writes JSON-RPC to its stdin.\n"
            "Try: sallyport plugin check .", file=sys.stderr)
    server = Server(plugin, *_claim_streams())
    try:
        has_finished = server.run()
    except KeyboardInterrupt:
        has_finished = server.drain(0)
    sys.stderr.flush()
    if not has_finished:
        # A thread that ignores its cancellation must not keep the process.
        os._exit(0)


def _claim_streams() -> tuple[int, int]:
    """The descriptors of the protocol. Prints go to stderr, and nothing else reads the host's lines."""
    source, sink = os.dup(0), os.dup(1)
    sys.stdout.flush()
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True, errors="backslashreplace")
    return source, sink


class Server:
    """A `Link` over pipes."""

    def __init__(self, plugin: Plugin[Any], source: int, sink: int) -> None:
        self._plugin = plugin
        self._source = source
        self._writer = Writer(sink)
        self._calls: dict[Any, BaseCall[Any]] = {}
        #: Calls without a written response.
        self._running = 0
        self._finished = threading.Condition()
        self._waiters: dict[int, Waiter] = {}
        self._next_id = 0
        self._id_lock = threading.Lock()
        self._is_closed = False
        self._is_shut_down = False
        self._is_terminated = False
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    # Reading

    def run(self) -> bool:
        """Returns after EOF, `shutdown` or SIGTERM. False if a command is still running."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main:
            before = signal.signal(signal.SIGTERM, self._terminate)
            # The handler runs in this thread, which may be about to wait. The byte ends the wait.
            waker_before = signal.set_wakeup_fd(self._waker)
        try:
            for line in split_lines(self._pieces()):
                self._take(line)
                if self._is_shut_down:
                    break
            return self.drain(0 if self._is_terminated else DRAIN_SECONDS)
        finally:
            if is_main:
                signal.set_wakeup_fd(waker_before)
                signal.signal(signal.SIGTERM, before)
    def _terminate(self, *_: Any) -> None:
        self._is_terminated = True

    def _pieces(self) -> Iterator[bytes]:
        while not self._is_terminated:
            readable, _, _ = select.select([self._source, self._wake], [], [])
            if self._wake in readable:
                # A byte per signal. The handler of the signal has run when this returns.
                os.read(self._wake, 64)
            elif (piece := os.read(self._source, PIECE_BYTES)):
                yield piece
            else:
                return

    def drain(self, seconds: float) -> bool:
        """Finishes what runs; with 0 seconds, or after SIGTERM, it cancels. False if a command is still running.

        Requests to the host fail from now on, unless it still answers.
        """
        if self._is_shut_down:
            self._read_on()
        else:
            self._is_closed = True
            for waiter in list(self._waiters.values()):
                # After SIGTERM the reason is the cancellation.
                if seconds:
                    waiter.fail(PluginError("The host closed the connection.", kind="unavailable"))
        end = time.monotonic() + seconds
        is_cancelled = False
        with self._finished:
            while self._running:
                if not is_cancelled and (self._is_terminated or time.monotonic() >= end):
                    is_cancelled = True
                    end = time.monotonic() + TERM_SECONDS
                    for call in list(self._calls.values()):
                        self._cancel(call)
                elif is_cancelled and time.monotonic() >= end:
                    return False
                # In slices, because a signal does not end the wait.
                self._finished.wait(0.05)
            return True

    def _read_on(self) -> None:
        """After `shutdown`, commands may still need responses of the host."""
        def read() -> None:
            for line in split_lines(self._pieces()):
                self._take(line)

        threading.Thread(target=read, daemon=True).start()

    def _take(self, line: bytes) -> None:
        if not line or line.isspace():
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._refuse(None, -32700, f"The line is not JSON: {error}.")
            return
        if not isinstance(message, dict):
            self._refuse(None, -32600, "A message is an object.")
        elif "method" in message:
            self._take_method(message)
        elif "result" in message or "error" in message:
            self._take_response(message)
        else:
            self._refuse(message.get("id"), -32600, "The message has neither a method nor a result.")

    def _take_response(self, message: dict[str, Any]) -> None:
        id = message.get("id")
        waiter = self._waiters.pop(id, None) if isinstance(id, int) else None
        if waiter is None:
            return
        error = message.get("error")
        if error is None:
            waiter.succeed(message.get("result"))
        else:
            waiter.fail(from_host(error if isinstance(error, dict) else {}))

    def _take_method(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params")
        is_request = "id" in message
        id = message.get("id")
        if is_request and (isinstance(id, (bool, list, dict)) or not isinstance(method, str)):
            self._refuse(None, -32600, "An id is a string or a number, and a method is a string.")
        elif params is not None and not isinstance(params, dict):
            if is_request:
                self._refuse(id, -32602, "The params are not an object.")
        elif method == "cancel":
            self._take_cancel(id, is_request, params or {})
        elif not is_request:
            pass
        elif method == "invoke":
            self._invoke(id, params or {})
        elif method == "ping":
            self._answer(id, {})
        elif method == "shutdown":
            self._is_shut_down = True
            self._answer(id, {})
        elif method == "capabilities":
            try:
                self._answer(id, self._plugin.capabilities(params or {}))
            except InvalidArguments as error:
                self._fail(id, error, "Invalid params.")
        else:
            self._refuse(id, -32601, "Method not found.", {"method": method, "methods": METHODS})

    # Calls

    def _take_cancel(self, id: Any, is_request: bool, params: dict[str, Any]) -> None:
        which = params.get("id")
        call = None if isinstance(which, (list, dict)) else self._calls.get(which)
        if call is not None:
            self._cancel(call)
        if is_request:
            self._answer(id, {"cancelled": call is not None})

    def _cancel(self, call: BaseCall[Any]) -> None:
        call.cancel()
        for waiter in list(self._waiters.values()):
            if waiter.call is call:
                waiter.fail(Cancelled())
        task = getattr(call, "task", None)
        if task is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(task.cancel)

    def _invoke(self, id: Any, params: dict[str, Any]) -> None:
        if id in self._calls:
            self._refuse(id, -32600, "A request with this id is in flight.")
            return
        if self._is_shut_down:
            self._refuse(id, -32600, "The plugin is shutting down.")
            return
        try:
            command, call, arguments = self._plugin.prepare(self, id, params)
        except InvalidArguments as error:
            self._fail(id, error, self._plugin.failure_indicator(params.get("command")))
            return
        self._calls[id] = call
        with self._finished:
            self._running += 1
        if isinstance(call, AsyncCall):
            self._start_async(command, call, arguments)
        else:
            self._plugin.workers.submit(lambda: self._run(command, call, arguments))

    def _run(self, command: Command, call: BaseCall[Any], arguments: dict[str, Any]) -> None:
        try:
            self._succeed(command, call, command.function(call, **arguments))
        except BaseException as error:
            self._end_with(command, call, error)

    def _start_async(self, command: Command, call: AsyncCall[Any], arguments: dict[str, Any]) -> None:
        loop = self._event_loop()

        def start() -> None:
            call.task = loop.create_task(self._run_async(command, call, arguments))  # type: ignore[attr-defined]
            if call.is_cancelled:
                call.task.cancel()  # type: ignore[attr-defined]

        loop.call_soon_threadsafe(start)

    async def _run_async(self, command: Command, call: AsyncCall[Any], arguments: dict[str, Any]) -> None:
        try:
            self._succeed(command, call, await command.function(call, **arguments))
        except BaseException as error:
            self._end_with(command, call, error)

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="sallyport-loop", daemon=True).start()
        return self._loop

    def _succeed(self, command: Command, call: BaseCall[Any], returned: Any) -> None:
        line = self._line(call.id, "result", command.finish(call, returned))
        self._end(call, line)

    def _end_with(self, command: Command, call: BaseCall[Any], error: BaseException) -> None:
        told = command.error(call, error)
        try:
            line = self._line(call.id, "error", told)
        except (TypeError, ValueError):
            # The vendor's error as the command passed it is not JSON.
            told["data"].pop("upstream", None)
            line = self._line(call.id, "error", told)
        self._end(call, line)

    def _end(self, call: BaseCall[Any], line: str) -> None:
        # The id is free as soon as the host has the response.
        del self._calls[call.id]
        self._writer.write(line)
        with self._finished:
            self._running -= 1
            self._finished.notify_all()

    # Writing

    def _line(self, id: Any, member: str, value: Any) -> str:
        return f'{{"jsonrpc":"2.0","id":{encode(id)},"{member}":{encode(value)}}}\n'

    def _answer(self, id: Any, result: Any) -> None:
        self._writer.write(self._line(id, "result", result))

    def _refuse(self, id: Any, code: int, message: str, data: Any = None) -> None:
        error = {"code": code, "message": message, **({} if data is None else {"data": data})}
        self._writer.write(self._line(id, "error", error))

    def _fail(self, id: Any, error: PluginError, failure_indicator: str) -> None:
        told = {"code": error.code, "message": failure_indicator, "data": error.data(failure_indicator)}
        self._writer.write(self._line(id, "error", told))

    # The link

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._writer.write(f'{{"jsonrpc":"2.0","method":"{method}","params":{encode(params)}}}\n')

    def post(self, method: str, params: dict[str, Any]) -> None:
        self._send(method, params, None)

    def request(self, call: BaseCall[Any], method: str, params: dict[str, Any]) -> Any:
        waiter = ThreadWaiter(call)
        id = self._send(method, params, waiter)
        try:
            return waiter.wait()
        finally:
            self._waiters.pop(id, None)

    async def request_async(self, call: BaseCall[Any], method: str, params: dict[str, Any]) -> Any:
        import asyncio

        waiter = LoopWaiter(call, asyncio.get_running_loop())
        id = self._send(method, params, waiter)
        try:
            return await waiter.future
        finally:
            self._waiters.pop(id, None)

    def _send(self, method: str, params: dict[str, Any], waiter: Optional[Waiter]) -> int:
        with self._id_lock:
            self._next_id += 1
            id = self._next_id
        # Before the check, so that a cancellation from now on finds it.
        if waiter is not None:
            self._waiters[id] = waiter
            if waiter.call.is_cancelled:
                self._waiters.pop(id, None)
                raise Cancelled()
            if self._is_closed:
                self._waiters.pop(id, None)
                raise PluginError("The host closed the connection.", kind="unavailable", outcome=NOT_APPLIED)
        self._writer.write(f'{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{encode(params)}}}\n')
        return id


class Waiter:
    """A request that waits for the host's response."""

    call: BaseCall[Any]

    def succeed(self, result: Any) -> None:
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        raise NotImplementedError


class ThreadWaiter(Waiter):
    __slots__ = ("_error", "_lock", "_open", "_result", "call")

    def __init__(self, call: BaseCall[Any]) -> None:
        self.call = call
        self._result: Any = None
        self._error: Optional[BaseException] = None
        #: Empty once it is settled. Removing the element is atomic.
        self._open = [True]
        self._lock = threading.Lock()
        self._lock.acquire()

    def succeed(self, result: Any) -> None:
        if self._is_first():
            self._result = result
            self._lock.release()

    def fail(self, error: BaseException) -> None:
        if self._is_first():
            self._error = error
            self._lock.release()

    def _is_first(self) -> bool:
        """A cancellation and a response may come at the same time."""
        try:
            return self._open.pop()
        except IndexError:
            return False

    def wait(self) -> Any:
        self._lock.acquire()
        if self._error is not None:
            raise self._error
        return self._result


class LoopWaiter(Waiter):
    def __init__(self, call: BaseCall[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.call = call
        self.future: asyncio.Future[Any] = loop.create_future()
        self._loop = loop

    def succeed(self, result: Any) -> None:
        self._settle(lambda: self.future.set_result(result))

    def fail(self, error: BaseException) -> None:
        self._settle(lambda: self.future.set_exception(error))

    def _settle(self, settle: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(lambda: None if self.future.done() else settle())
