"""uvicorn in a thread, which ends as soon as it is told to and nobody waits for an answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

import uvicorn

TICK = 0.1  # real seconds
SOON = 0.005
PATIENCE = 40  # looks at connections that are about to close, before uvicorn waits for them in its own way


class Server(uvicorn.Server):
    """Says when it is up. uvicorn's own would let everybody who stops it wait for a fifth of a second and more."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.up.set()

    def end(self) -> None:
        """Stop; from any thread, and as often as one likes."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._end.set)

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(PATIENCE):
            if not (self.server_state.connections or self.server_state.tasks):
                await self.lifespan.shutdown()
                return
            await asyncio.sleep(SOON)
        await super().shutdown(sockets)
