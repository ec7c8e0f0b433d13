"""The pipelines' figures as server-sent events: made once a second, sent to every page that is open.

Source: WHATWG HTML, 9.2 "Server-sent events".
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from subscriber.console.watched import Watched

SECOND: Final = 1.0
RETRY_MS: Final = 1000
# more pages than that are a mistake, such as a program that opens streams and forgets them
MOST_PAGES: Final = 100
# what a page that missed nothing has already, unless it changed
KEPT: Final = ("last", "letters", "causes", "answers")


class Feed:
    """Ticks every pipeline once a second and encodes the news once, however many pages are open.

    A page gets everything at first (`all`, with ten minutes of history) and then what is new (`news`). One that reads
    too slowly holds no queue: it finds the newest when it is back, and everything again if it missed something.
    """

    def __init__(self, watched: Mapping[str, Watched]) -> None:
        self._watched = watched
        self._started = time.time()
        self._count = 0
        self._pages = 0
        self._now: dict[str, dict[str, Any]] = {}
        self._news = b""
        self._all: bytes | None = None
        self._ticked = asyncio.Event()
        self._closed = False

    async def run(self) -> None:
        """Tick until `close`."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._closed:
            try:
                self.tick()
            except Exception:
                # a page that stands still must not do so for ever
                structlog.get_logger().exception("the console cannot show a second")
            due = max(due + SECOND, loop.time())
            await asyncio.sleep(due - loop.time())

    def tick(self) -> None:
        """End a second and wake the pages."""
        before, self._now = self._now, {name: w.tick() for name, w in self._watched.items()}
        self._count += 1
        self._all = None
        self._news = event(
            "news", {"pipelines": {name: _changed(before.get(name), n) for name, n in self._now.items()}}
        )
        ticked, self._ticked = self._ticked, asyncio.Event()
        ticked.set()

    def close(self) -> None:
        """Send how it ended, and end every stream."""
        if not self._closed:
            self._closed = True
            self.tick()

    @property
    def full(self) -> bool:
        """Whether as many pages are open as may be."""
        return self._pages >= MOST_PAGES

    async def events(self) -> AsyncIterator[bytes]:
        """The stream of one page."""
        self._pages += 1
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            seen = 0
            while True:
                if seen != self._count:
                    missed = seen == 0 or seen != self._count - 1
                    seen = self._count
                    yield self._everything() if missed else self._news
                elif self._closed:
                    return
                else:
                    await self._ticked.wait()
        finally:
            self._pages -= 1

    def _everything(self) -> bytes:
        if self._all is None:
            pipelines = {
                name: {"about": w.about(), "history": w.history(), **self._now.get(name, {})}
                for name, w in self._watched.items()
            }
            self._all = event("all", {"started": self._started, "pipelines": pipelines})
        return self._all


def event(kind: str, data: dict[str, Any]) -> bytes:
    """One event; numbers that JSON does not know become null."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(data))


def _changed(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    if before is None:
        return now
    return {name: value for name, value in now.items() if name not in KEPT or before[name] != value}
