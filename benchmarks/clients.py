"""Clients of one HTTP route over kept connections; in a process of their own by `python -m benchmarks.clients`.

One thread serves all connections: each has one request in hand at a time, and sends the next once it is answered. A
request is bytes made beforehand and of an answer no more is looked at than its head, so that the clients take little of
the processors that they share with the server. The process prints what it found as JSON.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import urlsplit

from stack.errors import StackError
from stack.settings import ROOT

LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
HIT: Final = re.compile(rb"^x-cache: hit", re.IGNORECASE | re.MULTILINE)
HEAD_END: Final = b"\r\n\r\n"
SILENCE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Load:
    """What the clients are to do: `count` connections, spread over the URLs, for so many seconds after the warm-up.

    Without seconds every body is sent once, and the time begins with the first.
    """

    urls: list[str]
    bodies: list[str]
    count: int
    seconds: float | None = None
    warm_up_seconds: float = 0.0


@dataclass
class Answered:
    """The milliseconds of every answer, how many came from the cache, and the seconds of all and of the process."""

    milliseconds: list[float] = field(default_factory=list)
    hits: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def add(self, other: Answered) -> None:
        self.milliseconds += other.milliseconds
        self.hits += other.hits
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds

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


def ask(load: Load) -> Answered:
    """Run the clients in a process of their own.

    Raises:
        StackError: an answer's status was not 200, or nobody answered.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.clients"],
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        raise StackError(f"the clients ended with status {done.returncode}: {done.stderr.strip()[-500:]}")
    return Answered(**json.loads(done.stdout))


class Client:
    """One connection with one request in hand."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.hit = False
        """Whether the last answer came from the cache."""
        self._answer = b""
        self._sent = 0.0

    def send(self, request: bytes) -> None:
        # a request is smaller than any socket's buffer, which is empty now
        self._sent = time.perf_counter()
        self.socket.send(request)

    def receive(self) -> float | None:
        """The milliseconds of the request, once its answer is here whole.

        Raises:
            StackError: the server closed the connection, or its answer's status is not 200.
        """
        some = self.socket.recv(65_536)
        self._answer += some
        head, end, body = self._answer.partition(HEAD_END)
        if some and (not end or len(body) < int((LENGTH.search(head) or [b"", b"0"])[1])):
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise StackError(f"the server answered {self._answer[:300]!r}")
        self._answer, self.hit = b"", HIT.search(head) is not None
        return (time.perf_counter() - self._sent) * 1000


def work(load: Load) -> Answered:
    """Send and receive until the time is over, or every body was answered.

    Raises:
        StackError: an answer's status was not 200, or nobody answered.
    """
    requests = {url: [_request(url, body) for body in load.bodies] for url in load.urls}
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as closing:
        clients = [Client(load.urls[number % len(load.urls)]) for number in range(load.count)]
        for client in clients:
            closing.enter_context(client.socket)
            selector.register(client.socket, selectors.EVENT_READ, client)
        numbers = itertools.count() if load.seconds is not None else iter(range(len(load.bodies)))
        measuring, answered = False, Answered()
        began, used = time.perf_counter(), time.process_time()

        def send(client: Client) -> bool:
            if (number := next(numbers, None)) is None:
                return False
            prepared = requests[client.url]
            client.send(prepared[number % len(prepared)])
            return True

        waiting = sum(map(send, clients))
        while waiting:
            now = time.perf_counter()
            if not measuring and now - began >= load.warm_up_seconds:
                measuring, answered = True, Answered()
                if load.warm_up_seconds:
                    began, used = now, time.process_time()
            if measuring and load.seconds is not None and now - began >= load.seconds:
                break
            ready = selector.select(SILENCE_SECONDS)
            if not ready:
                raise StackError(f"nobody answered for {SILENCE_SECONDS:.0f} s")
            for key, _ in ready:
                client = key.data
                if (took := client.receive()) is not None:
                    answered.milliseconds.append(took)
                    answered.hits += client.hit
                    waiting -= not send(client)
        answered.seconds, answered.cpu_seconds = time.perf_counter() - began, time.process_time() - used
        return answered


def _request(url: str, body: str) -> bytes:
    parts = urlsplit(url)
    lines = (
        *(f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"),
        *(f"Content-Length: {len(body.encode())}", "", body),
    )
    return "\r\n".join(lines).encode()


if __name__ == "__main__":
    json.dump(asdict(work(Load(**json.load(sys.stdin)))), sys.stdout)
