"""Threads that run commands, reused and started on demand."""

from __future__ import annotations

import queue
import sys
import threading
import traceback
from typing import Any, Callable


class Task:
    """A function that a thread runs."""

    __slots__ = ("_done", "_function")

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._done = threading.Event()

    def run(self) -> None:
        try:
            self._function()
        finally:
            self._done.set()

    def wait(self) -> None:
        self._done.wait()


class Workers:
    """A thread is started if none is idle. Idle threads wait; they do not keep the process running."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def submit(self, function: Callable[[], Any]) -> None:
        with self._lock:
            if self._idle:
                self._idle -= 1
                is_new = False
            else:
                is_new = True
        self._queue.put(function)
        if is_new:
            threading.Thread(target=self._work, name="sallyport-command", daemon=True).start()

    def start(self, function: Callable[[], None]) -> Task:
        """`submit` for a function to wait for."""
        task = Task(function)
        self.submit(task.run)
        return task

    def _work(self) -> None:
        take = self._queue.get
        while True:
            function = take()
            try:
                function()
            except BaseException:
                traceback.print_exc(file=sys.stderr)
            del function
            with self._lock:
                self._idle += 1
