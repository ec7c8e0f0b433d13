"""One encoding a second for all pages, and no queue for those that do not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

from subscriber.console.feed import Feed, event
from subscriber.console.watched import Watched


class Counting:
    """A pipeline whose figures are its ticks."""

    def __init__(self) -> None:
        self.ticks = 0

    def about(self) -> dict[str, Any]:
        return {"topic": "t"}

    def tick(self) -> dict[str, Any]:
        self.ticks += 1
        return {"second": [self.ticks], "last": ["same"], "letters": [], "causes": {}, "answers": [self.ticks // 2]}

    def history(self) -> dict[str, list[Any]]:
        return {"at": list(range(1, self.ticks + 1))}


def feed() -> Feed:
    return Feed({"p": cast(Watched, Counting())})


async def told(events: AsyncIterator[bytes]) -> tuple[str, dict[str, Any]]:
    """Kind of the next event, and what it says of the pipeline."""
    kind, data, *_ = (await anext(events)).decode().splitlines()
    pipelines = json.loads(data.removeprefix("data: "))["pipelines"]
    return kind.removeprefix("event: "), pipelines["p"]


def test_a_page_gets_everything_and_then_what_is_new() -> None:
    async def scenario() -> None:
        one = feed()
        one.tick()
        one.tick()
        events = one.events()
        assert await anext(events) == b"retry: 1000\n\n"
        kind, everything = await told(events)
        assert (kind, everything["history"], everything["about"]) == ("all", {"at": [1, 2]}, {"topic": "t"})
        assert everything["last"] == ["same"]
        waiting = asyncio.ensure_future(told(events))
        await asyncio.sleep(0)
        one.tick()
        kind, news = await waiting
        assert (kind, news) == ("news", {"second": [3]})

    asyncio.run(scenario())


def test_pages_share_one_encoding() -> None:
    async def scenario() -> None:
        one = feed()
        pages = [one.events() for _ in range(3)]
        for page in pages:
            await anext(page)
        one.tick()
        first = [await anext(page) for page in pages]
        one.tick()
        second = [await anext(page) for page in pages]
        assert all(e is first[0] for e in first)
        assert all(e is second[0] for e in second)

    asyncio.run(scenario())


def test_a_page_that_missed_something_gets_everything_again() -> None:
    async def scenario() -> None:
        one = feed()
        one.tick()
        events = one.events()
        await anext(events)
        await told(events)
        for _ in range(5):
            one.tick()
        kind, everything = await told(events)
        assert (kind, everything["history"]["at"]) == ("all", [1, 2, 3, 4, 5, 6])

    asyncio.run(scenario())


def test_a_close_tells_how_it_ended_and_ends_the_streams() -> None:
    async def scenario() -> None:
        one = feed()
        one.tick()
        events = one.events()
        await anext(events)
        await told(events)
        one.close()
        assert (await told(events))[1]["second"] == [2]
        assert [e async for e in events] == []

    asyncio.run(scenario())


def test_numbers_that_json_does_not_know_are_null() -> None:
    assert event("news", {"x": float("nan")}) == b'event: news\ndata: {"x":null}\n\n'
