"""A TCP proxy that stalls, resets, delays or cuts what passes through it, as it is told."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable

Mode = Literal["pass", "stall", "reset", "cut", "latency"]
CHUNK_BYTES: Final = 65_536
# closing with a linger of zero seconds sends a reset
_AT_ONCE: Final = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on one port of this machine and passes on to another, in a thread of its own.

    `stall` holds all bytes back, those of new connections too; `reset` breaks every connection, and each new one;
    `cut` breaks a connection after the first half of its next answer; `latency` holds each run of bytes back a while.
    `touched` counts the connections that it broke or cut and the runs of bytes that it held back.
    """

    def __init__(self, port: int, behind: int) -> None:
        self.port = port
        self.behind = behind
        self.mode: Mode = "pass"
        self.latency_seconds = 0.0
        self.touched = 0
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{port}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        serving = asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def set(self, mode: Mode, latency_seconds: float = 0.0) -> None:
        """Behave so from now on; what is to break at once has broken when this returns."""

        async def change() -> None:
            self.mode, self.latency_seconds = mode, latency_seconds
            if mode == "stall":
                self._passing.clear()
            else:
                self._passing.set()
            if mode == "reset":
                # each connection has two ends
                self.touched += len(self._writers) // 2
                self._break(lambda _: True)

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()
        self._break(lambda _: True)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            if self.mode == "reset":
                self.touched += 1
                return
            answers, other = await asyncio.open_connection("127.0.0.1", self.behind)
            self._writers.add(other)
            pumps = [
                asyncio.create_task(self._pump(reader, other, answer=False)),
                asyncio.create_task(self._pump(answers, writer, answer=True)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            # who is behind is away, which the client is told by a reset; or the proxy closes
            pass
        finally:
            ends = {writer, other} - {None}
            self._break(lambda end: end in ends)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer: bool) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if not self._passing.is_set():
                self.touched += 1
                await self._passing.wait()
            if self.mode == "latency":
                self.touched += 1
                await asyncio.sleep(self.latency_seconds)
            cut = answer and self.mode == "cut"
            writer.write(data[: len(data) // 2] if cut else data)
            await writer.drain()
            if cut:
                self.touched += 1
                return
        if writer.can_write_eof():
            # what was passed on is still to arrive before the connection ends
            writer.close()

    def _break(self, chosen: Callable[[asyncio.StreamWriter], bool]) -> None:
        for writer in [writer for writer in self._writers if chosen(writer)]:
            self._writers.discard(writer)
            if writer.is_closing():
                continue
            sock = writer.get_extra_info("socket")
            if self.mode != "cut" and sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                writer.transport.abort()
            else:
                writer.close()
