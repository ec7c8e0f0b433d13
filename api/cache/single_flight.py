"""What several callers want at once is done once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

T = TypeVar("T")


@dataclass
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiting: int = 0


class SingleFlight(Generic[T]):
    """Joins callers of one event loop that ask for the same thing while it is being done."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def once(self, key: Hashable, compute: Callable[[], Coroutine[None, None, T]]) -> T:
        """What `compute` gives; who asks for the same key meanwhile gets the same.

        A failure goes to those who wait for it and to nobody after them. A caller that is cancelled leaves the others
        their answer; the last one to leave ends the work.
        """
        flight = self._flights.get(key)
        if flight is None or flight.task.done():
            flight = self._start(key, compute)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()

    def _start(self, key: Hashable, compute: Callable[[], Coroutine[None, None, T]]) -> _Flight[T]:
        flight = self._flights[key] = _Flight(asyncio.create_task(compute()))
        flight.task.add_done_callback(lambda _: self._landed(key, flight))
        return flight

    def _landed(self, key: Hashable, flight: _Flight[T]) -> None:
        self._forget(key, flight)
        if not flight.task.cancelled():
            # whoever waited has it; if nobody does, it is no news
            flight.task.exception()

    def _forget(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
