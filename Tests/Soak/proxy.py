"""A TCP proxy that drops connections."""

from __future__ import annotations

import asyncio
import random
import threading


class Proxy:
    """Forwards to a port of this machine. Some connections are reset after some bytes."""

    def __init__(self, target: int, seed: int) -> None:
        self.target = target
        #: The part of the connections that is reset.
        self.drops = 0.0
        self.dropped = 0
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(10)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=5) if others else None
        self._loop.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        left = [self._random.randint(1, 30_000) if self._random.random() < self.drops else 1 << 60]

        async def forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while piece := await source.read(65_536):
                left[0] -= len(piece)
                if left[0] < 0:
                    self.dropped += 1
                    raise ConnectionResetError
                sink.write(piece)
                await sink.drain()

        tasks = [asyncio.create_task(forward(reader, upstream[1])),
                 asyncio.create_task(forward(upstream[0], writer))]  # fmt: skip
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in (writer, upstream[1]):
                one.transport.abort()
