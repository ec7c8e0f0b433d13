"""What the cache costs and saves: `python -m benchmarks.cache`.

Figures that are compared come from the same run, their rounds in turn, so that
all meet the same machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import socket
import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import redis
import typer

from benchmarks.cache_memory import ANSWERS, measure
from benchmarks.load import Timed, ask_all
from stack.cli import folder_of
from stack.errors import StackError
from stack.process import Server
from stack.servers import cache_account, exclusive, report
from stack.settings import ROOT, Settings
from stack.valkey import Account, Valkey

if TYPE_CHECKING:
    from pathlib import Path

PORT_OFFSET = 16_000
CLIENTS = 50
# inputs that are asked for again and again
KNOWN = 200


@dataclass
class Measured:
    """The answers of each kind, and what a miss added in each round: the difference of the medians, in milliseconds."""

    without: Timed = field(default_factory=Timed)
    miss: Timed = field(default_factory=Timed)
    hit: Timed = field(default_factory=Timed)
    added_ms: list[float] = field(default_factory=list)


class Subject:
    """One model behind an endpoint, with the cache and without."""

    def __init__(self, model_ms: int, account: Account, folder: Path, port: int) -> None:
        self.name = f"{model_ms}ms" if model_ms else "cheap"
        url = {
            "CACHE_URL": f"redis://127.0.0.1:{account.port}",
            "CACHE_USER": account.user,
            "CACHE_PASSWORD": account.password,
        }
        self.without = endpoint(f"{self.name}-without", port, {"MODEL_MS": str(model_ms), "CACHE_URL": ""}, folder)
        self.cached = endpoint(f"{self.name}-cached", port + 1, {"MODEL_MS": str(model_ms), **url}, folder)
        self.urls = [f"http://127.0.0.1:{port + number}/decisions" for number in range(2)]

    def measure(self, requests: int, clients: int, rounds: int) -> Measured:
        """So many requests of each kind, in rounds: without the cache, with it new inputs, and inputs that it knows."""
        plain, cached = self.urls
        measured = Measured()
        known = new_inputs(KNOWN)
        asyncio.run(ask_all(cached, known, clients))
        a_round = max(requests // rounds, clients)
        for _ in range(rounds):
            without = asyncio.run(ask_all(plain, new_inputs(a_round), clients))
            miss = asyncio.run(ask_all(cached, new_inputs(a_round), clients))
            hit = asyncio.run(ask_all(cached, random.choices(known, k=a_round), clients))  # noqa: S311
            measured.without.add(without)
            measured.miss.add(miss)
            measured.hit.add(hit)
            measured.added_ms.append(miss.p50 - without.p50)
        return measured


def endpoint(name: str, port: int, environment: dict[str, str], folder: Path) -> Server:
    """What is measured; the API itself takes the same environment and path."""

    def ready() -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True

    return Server(
        name=f"bench-{name}",
        command=[sys.executable, "-m", "benchmarks.answering", str(port)],
        folder=folder,
        ready=ready,
        ports=[port],
        environment={**os.environ, **environment},
        cwd=ROOT,
        stop_seconds=10.0,
    )


def new_inputs(number: int) -> list[bytes]:
    """Request bodies that nobody has sent before."""
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    return [json.dumps({name: random.random() for name in names}).encode() for _ in range(number)]  # noqa: S311


def tell(subject: Subject, requests: int) -> None:
    """Print the figures of one model, at one client and at many."""
    # short rounds for one client: what a miss adds is little beside what a shared machine does from second to second
    for clients, count, rounds in ((1, requests, 40), (CLIENTS, requests * 2, 5)):
        measured = subject.measure(count, clients, rounds)
        without, miss, hit = measured.without, measured.miss, measured.hit
        for kind, answers in (("without", without), ("miss", miss), ("hit", hit)):
            print(
                f"answers: model={subject.name} clients={clients} {kind}: p50_ms={answers.p50:.2f} "
                f"p99_ms={answers.p99:.2f} per_s={answers.rate:.0f} hits={answers.hits}/{len(answers.milliseconds)}",
                flush=True,
            )
        # with many clients at once an answer's time is that of the queue before the processor
        added = f" miss_adds_ms={statistics.median(measured.added_ms):.2f}" if clients == 1 else ""
        print(
            f"ratios: model={subject.name} clients={clients} hit_cheaper={without.p50 / hit.p50:.1f}x "
            f"hit_throughput={hit.rate / without.rate:.1f}x miss_throughput={miss.rate / without.rate:.2f}x{added}",
            flush=True,
        )


def tell_memory(valkey: Valkey, inputs: int) -> None:
    """Print what a thousand inputs take as hashes and as strings."""

    def connect() -> redis.Redis:
        # from nothing each time: what was freed is not given back at once, and would be taken for saved
        valkey.stop()
        valkey.restart()
        account = valkey.account
        return redis.Redis(port=account.port, username=account.user, password=account.password)

    for endpoints in (len(ANSWERS), 1):
        hashes, strings = (measure(connect, inputs, endpoints, hashes=h) for h in (True, False))
        print(
            f"memory: inputs=1000 endpoints={endpoints} hash_kb={hashes.grown / 1000:.0f} "
            f"strings_kb={strings.grown / 1000:.0f} ratio={hashes.grown / strings.grown:.2f} "
            f"(MEMORY USAGE: hash_kb={hashes.keys / 1000:.0f} strings_kb={strings.keys / 1000:.0f} "
            f"ratio={hashes.keys / strings.keys:.2f})",
            flush=True,
        )


def main(
    requests: Annotated[int, typer.Option(help="Requests of each kind to the cheap model, at one client.")] = 3000,
    slow_requests: Annotated[int, typer.Option(help="The same of the model that takes 50 ms.")] = 200,
    inputs: Annotated[int, typer.Option(help="Inputs that memory is measured with.")] = 20_000,
) -> None:
    """Measure answers with and without the cache, and its memory, on this machine."""
    settings = Settings().moved(PORT_OFFSET)
    folder, account = folder_of(PORT_OFFSET), cache_account(settings)
    valkey = Valkey(account, folder, {})
    subjects = [Subject(ms, account, folder, settings.api_port + at) for at, ms in ((0, 0), (2, 50))]
    servers = [valkey, *(server for subject in subjects for server in (subject.without, subject.cached))]
    try:
        with exclusive(folder):
            try:
                valkey.prepare()
                for server in servers:
                    server.restart()
                tell_memory(valkey, inputs)
                tell(subjects[0], requests)
                tell(subjects[1], slow_requests)
            finally:
                for server in reversed(servers):
                    server.stop()
                shutil.rmtree(folder / "data", ignore_errors=True)
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
