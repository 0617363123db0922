"""A line to a server that can be cut: forwards TCP until told to stop, and again afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class CutLine:
    """`port` stays the same over a cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _forward(self, near: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        far, onward = await asyncio.open_connection(*self._target)
        self._writers |= {out, onward}
        try:
            await asyncio.gather(self._pump(near, onward), self._pump(far, out))
        finally:
            self._writers -= {out, onward}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def cut_line(host: str, port: int) -> AsyncIterator[CutLine]:
    line = CutLine(host, port)
    await line.open()
    try:
        yield line
    finally:
        await line.cut()
