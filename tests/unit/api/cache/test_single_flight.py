"""What several want at once is done once; who leaves, and who comes later, disturbs nobody."""

from __future__ import annotations

import asyncio

import pytest

from api.cache.read_through import Reading, ReadThrough
from api.cache.single_flight import SingleFlight


class Work:
    """Counts its runs, and ends when it is let."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.cancelled = 0
        self.error = error
        self.gate = asyncio.Event()

    async def __call__(self) -> bytes:
        self.runs += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return b"%d" % self.runs


async def callers(flights: SingleFlight[bytes], work: Work, number: int, key: str = "a") -> list[asyncio.Task[bytes]]:
    """So many callers that wait already."""
    tasks = [asyncio.create_task(flights.once(key, work)) for _ in range(number)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_callers_at_once_share_one_run() -> None:
    async def scenario() -> None:
        flights: SingleFlight[bytes] = SingleFlight()
        work, other = Work(), Work()
        waiting = await callers(flights, work, 50)
        others = await callers(flights, other, 2, key="b")
        work.gate.set()
        other.gate.set()

        assert await asyncio.gather(*waiting) == [b"1"] * 50
        assert await asyncio.gather(*others) == [b"1"] * 2
        assert (work.runs, other.runs) == (1, 1)
        # the next one is a run of its own
        assert await flights.once("a", work) == b"2"

    asyncio.run(scenario())


def test_a_failure_goes_to_those_who_wait_and_no_further() -> None:
    async def scenario() -> None:
        flights: SingleFlight[bytes] = SingleFlight()
        work = Work(ValueError("once"))
        waiting = await callers(flights, work, 3)
        work.gate.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(result) for result in results] == ["once"] * 3

        work.error = None
        assert await flights.once("a", work) == b"2"

    asyncio.run(scenario())


def test_a_caller_who_comes_in_the_moment_of_failure_runs_anew() -> None:
    async def scenario() -> None:
        flights: SingleFlight[bytes] = SingleFlight()
        work = Work(ValueError("once"))
        work.gate.set()

        async def fail_then_ask() -> bytes:
            with pytest.raises(ValueError, match="once"):
                await flights.once("a", work)
            work.error = None
            return await flights.once("a", work)

        assert await fail_then_ask() == b"2"

    asyncio.run(scenario())


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_a_caller_who_is_cancelled_leaves_the_others_their_answer(leaver: int) -> None:
    async def scenario() -> None:
        flights: SingleFlight[bytes] = SingleFlight()
        work = Work()
        waiting = await callers(flights, work, 3)
        gone = waiting.pop(leaver)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        work.gate.set()

        assert await asyncio.gather(*waiting) == [b"1"] * 2
        assert (work.runs, work.cancelled) == (1, 0)

    asyncio.run(scenario())


def test_the_last_one_to_leave_ends_the_work() -> None:
    async def scenario() -> None:
        flights: SingleFlight[bytes] = SingleFlight()
        work = Work()
        waiting = await callers(flights, work, 2)
        for caller in waiting:
            caller.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        # somebody who comes before the work has noticed is not cancelled with it
        work.gate.set()
        assert await flights.once("a", work) == b"2"
        assert (work.runs, work.cancelled) == (2, 1)

    asyncio.run(scenario())


class Kept:
    """A cache of one answer, or none."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.reads = 0

    async def read(self, _key: str, _field: str, _fits: object = None) -> bytes | None:
        self.reads += 1
        await asyncio.sleep(0)
        return self.answer


def test_equal_requests_at_once_look_and_compute_once_and_one_of_them_writes() -> None:
    async def scenario() -> None:
        cache, work = Kept(None), Work()
        work.gate.set()
        answers = ReadThrough(cache)

        readings = await asyncio.gather(*(answers.get("k", "decisions", work) for _ in range(20)))

        assert (cache.reads, work.runs) == (1, 1)
        assert {(reading.value, reading.hit) for reading in readings} == {(b"1", False)}
        assert [reading.to_write for reading in readings].count(True) == 1

    asyncio.run(scenario())


def test_the_fields_of_a_key_are_not_one_another() -> None:
    async def scenario() -> None:
        cache, work = Kept(None), Work()
        work.gate.set()
        answers = ReadThrough(cache)

        await asyncio.gather(answers.get("k", "decisions", work), answers.get("k", "probabilities", work))

        assert work.runs == 2

    asyncio.run(scenario())


def test_what_is_kept_is_not_computed_nor_written() -> None:
    async def scenario() -> None:
        work = Work()

        assert await ReadThrough(Kept(b"kept")).get("k", "decisions", work) == Reading(b"kept", True, False)
        assert work.runs == 0

    asyncio.run(scenario())
