"""A time-out for an answer, which blames nobody for what the event loop itself is late with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

# from bytes on a socket to the task that waits for them: read, wake, parse; and as many again
TURNS = 6


class Deadline:
    """Ends what runs within it by a TimeoutError after so many seconds, and a few more turns of the event loop.

    A busy loop may be late by more than the time-out, with the answer long in the socket's buffer. The turns let it be
    read; in a loop that is not busy they take microseconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle = self._loop.call_later(self._seconds, self._over, TURNS)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _over(self, turns: int) -> None:
        if turns:
            self._handle = self._loop.call_soon(self._over, turns - 1)
        else:
            self._timeout.reschedule(self._loop.time())
