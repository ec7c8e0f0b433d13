"""A time-out is for who does not answer, not for a loop that comes late to read the answer."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from api.cache.deadline import Deadline

SECONDS = 0.05
TURN_SECONDS = 0.04


async def read(sent: bytes | None) -> bytes:
    """What a peer sent, read within the deadline by a loop of which each turn takes almost as long as that."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)

        def turn() -> None:
            time.sleep(TURN_SECONDS)
            turns.append(loop.call_soon(turn))

        turns = [loop.call_soon(turn)]
        try:
            async with Deadline(SECONDS):
                if sent:
                    theirs.sendall(sent)
                # as many turns as a command takes to be sent and its answer to be read
                for _ in range(4):
                    await asyncio.sleep(0)
                return await reader.readline()
        finally:
            turns[-1].cancel()
            writer.close()
            await writer.wait_closed()


def test_an_answer_that_lay_there_is_read_however_late_the_loop_is() -> None:
    assert asyncio.run(read(b"answer\n")) == b"answer\n"


def test_no_answer_is_a_time_out() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(read(None))


def test_what_is_done_in_time_is_left_alone() -> None:
    async def scenario() -> str:
        async with Deadline(SECONDS):
            await asyncio.sleep(0)
        # and nothing of it is left to end what follows
        await asyncio.sleep(2 * SECONDS)
        return "done"

    assert asyncio.run(scenario()) == "done"


def test_a_caller_who_is_cancelled_is_cancelled() -> None:
    async def within() -> None:
        async with Deadline(60):
            await asyncio.sleep(60)

    async def scenario() -> None:
        task = asyncio.create_task(within())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())
