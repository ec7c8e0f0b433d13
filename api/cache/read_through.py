"""An answer from the cache, else computed, once for all who ask for it at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from api.cache.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Readable(Protocol):
    """What is asked first."""

    async def read(self, key: str, field: str, fits: Callable[[bytes], bool] | None = None) -> bytes | None: ...


class Reading(NamedTuple):
    """An answer; `hit`: it was kept; `to_write`: it was not, and of all who get it, this caller is to keep it."""

    value: bytes
    hit: bool
    to_write: bool


class ReadThrough:
    """The look into the cache and the computation as one piece of work, which equal requests at a moment share."""

    def __init__(self, cache: Readable) -> None:
        self._cache = cache
        self._flights: SingleFlight[tuple[bytes, bool]] = SingleFlight()

    async def get(
        self,
        key: str,
        field: str,
        compute: Callable[[], Awaitable[bytes]],
        fits: Callable[[bytes], bool] | None = None,
    ) -> Reading:
        """The answer; what `compute` raises goes to those who wait for it now. What is kept must fit, or it is none."""
        led = False

        async def read_or_compute() -> tuple[bytes, bool]:
            nonlocal led
            led = True
            kept = await self._cache.read(key, field, fits)
            return (kept, True) if kept is not None else (await compute(), False)

        value, hit = await self._flights.once((key, field), read_or_compute)
        return Reading(value, hit, to_write=led and not hit)
