"""Rows as a Parquet file, written by a process of its own while they are read."""

import asyncio
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Final, cast

from api.tasks.errors import BusyError
from api.tasks.formats.children import command, environment
from api.tasks.formats.encoding import encoder

PIECE_BYTES: Final = 64 * 1024
MAX_WRITERS: Final = 4
WAIT_SECONDS: Final = 10

writers = asyncio.Semaphore(MAX_WRITERS)


async def parquet(lines: AsyncIterator[bytes], columns: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
    """Make a Parquet file of rows in NDJSON; `columns` are names and kinds. It is read no faster than it is taken.

    Raises:
        BusyError: as many files as there may be are being written, for long; nothing has been given yet.
        ChildProcessError: the writer ended before the file did.
    """
    try:
        await asyncio.wait_for(writers.acquire(), WAIT_SECONDS)
    except TimeoutError as error:
        raise BusyError("too many Parquet files are being written; ask again later, or for another format") from error
    try:
        async with aclosing(_written(lines, encoder.encode(list(columns.items())).decode())) as pieces:
            async for piece in pieces:
                yield piece
    finally:
        writers.release()


async def _written(lines: AsyncIterator[bytes], columns: str) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: SubprocessStreamProtocol(limit=PIECE_BYTES, loop=loop),
        *command("write", columns),
        env=environment(),
        stdin=PIPE,
        stdout=PIPE,
        stderr=None,
    )
    child = Process(transport, protocol, loop)
    out, into = cast(asyncio.StreamReader, child.stdout), cast(asyncio.StreamWriter, child.stdin)
    feeding = asyncio.create_task(_feed(child, into, lines))
    try:
        while piece := await out.read(PIECE_BYTES):
            yield piece
        await feeding
        if status := await child.wait():
            raise ChildProcessError(f"the writer of a Parquet file ended with status {status}")
    finally:
        feeding.cancel()
        # kills it, and closes its pipes: whoever waits for it waits for both
        transport.close()
        await child.wait()


async def _feed(child: Process, into: asyncio.StreamWriter, lines: AsyncIterator[bytes]) -> None:
    try:
        async for piece in lines:
            into.write(piece)
            await into.drain()
    except (BrokenPipeError, ConnectionResetError):
        return
    except BaseException:
        # the end of its input would make it a file that lacks rows
        with suppress(ProcessLookupError):
            child.kill()
        raise
    into.close()
