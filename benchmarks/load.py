"""Clients that ask an HTTP server over kept connections, one request after another each, and time the answers."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass
class Timed:
    """The answers of some rounds: milliseconds of each, how many came from the cache, and the seconds of the rounds."""

    milliseconds: list[float] = field(default_factory=list)
    hits: int = 0
    seconds: float = 0.0

    def add(self, other: Timed) -> None:
        self.milliseconds += other.milliseconds
        self.hits += other.hits
        self.seconds += other.seconds

    @property
    def p50(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.milliseconds, n=100)[98]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds


async def ask_all(url: str, bodies: Sequence[bytes], clients: int = 1) -> Timed:
    """Post each body once; `clients` at a time.

    Raises:
        RuntimeError: an answer's status is not 200.
    """
    timed = Timed()
    waiting = iter(bodies)
    began = time.perf_counter()
    await asyncio.gather(*(_client(url, waiting, timed) for _ in range(clients)))
    timed.seconds = time.perf_counter() - began
    return timed


async def _client(url: str, bodies: Iterator[bytes], timed: Timed) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        for body in bodies:
            began = time.perf_counter()
            writer.write(_request(parts.path, parts.netloc, body))
            head = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            headers = dict(line.split(b": ", 1) for line in head[1:] if line)
            answer = await reader.readexactly(int(headers[b"content-length"]))
            timed.milliseconds.append((time.perf_counter() - began) * 1000)
            timed.hits += headers.get(b"x-cache") == b"hit"
            if b" 200 " not in head[0] + b" ":
                raise RuntimeError(f"{url} answered {head[0].decode()}: {answer.decode()}")
    finally:
        writer.close()
        await writer.wait_closed()


def _request(path: str, host: str, body: bytes) -> bytes:
    lines = (
        *(f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"),
        *(f"Content-Length: {len(body)}", "", ""),
    )
    return "\r\n".join(lines).encode() + body
