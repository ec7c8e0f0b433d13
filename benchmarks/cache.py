"""What the cache costs and saves: `python -m benchmarks.cache`.

Figures that are compared come from the same run, their rounds in turn, so that
all meet the same machine. What is asked is `POST /decisions` of the credit model, as it is and with a model that takes
50 ms.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import redis
import requests
import typer

from api.credit.features import AGE, CATEGORIES, INSTALLMENT_RATE
from api.model import artifact
from api.training import credit
from benchmarks.cache_memory import ANSWERS, measure
from benchmarks.clients import Answered, Load, work
from stack.cli import folder_of
from stack.errors import StackError
from stack.process import Server
from stack.servers import cache_account, exclusive, report
from stack.settings import ROOT, Settings
from stack.valkey import Account, Valkey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORT_OFFSET = 16_000
CLIENTS = 50
# inputs that are asked for again and again
KNOWN = 200


@dataclass
class Measured:
    """The answers of each kind, and what a miss added in each round: the difference of the medians, in milliseconds."""

    without: Answered = field(default_factory=Answered)
    miss: Answered = field(default_factory=Answered)
    hit: Answered = field(default_factory=Answered)
    added_ms: list[float] = field(default_factory=list)


class Subject:
    """One model behind an endpoint, with the cache and without."""

    def __init__(self, model_ms: int, account: Account, folder: Path, port: int, unknown: Iterator[str]) -> None:
        self.name = f"{model_ms}ms" if model_ms else "credit"
        url = {
            "CACHE_URL": f"redis://127.0.0.1:{account.port}",
            "CACHE_USER": account.user,
            "CACHE_PASSWORD": account.password,
        }
        self.without = endpoint(f"{self.name}-without", port, {"MODEL_MS": str(model_ms), "CACHE_URL": ""}, folder)
        self.cached = endpoint(f"{self.name}-cached", port + 1, {"MODEL_MS": str(model_ms), **url}, folder)
        self.urls = [f"http://127.0.0.1:{port + number}/decisions" for number in range(2)]
        self._unknown = unknown

    def measure(self, count: int, clients: int, rounds: int) -> Measured:
        """So many requests of each kind, in rounds: without the cache, with it new inputs, and inputs that it knows."""
        plain, cached = self.urls
        measured = Measured()
        known = self._new(KNOWN)
        work(Load([cached], known, clients))
        a_round = max(count // rounds, clients)
        for _ in range(rounds):
            new = self._new(a_round)
            without = work(Load([plain], new, clients))
            miss = work(Load([cached], new, clients))
            hit = work(Load([cached], random.choices(known, k=a_round), clients))  # noqa: S311
            measured.without.add(without)
            measured.miss.add(miss)
            measured.hit.add(hit)
            measured.added_ms.append(miss.p50 - without.p50)
        return measured

    def _new(self, number: int) -> list[str]:
        """Applications that were not sent before."""
        taken = list(itertools.islice(self._unknown, number))
        if len(taken) < number:
            raise typer.BadParameter("there are no more different applications", param_hint="--requests")
        return taken


def endpoint(name: str, port: int, environment: dict[str, str], folder: Path) -> Server:
    """The API, as a process of its own."""

    def ready() -> bool:
        return requests.get(f"http://127.0.0.1:{port}/v2/health/ready", timeout=1).ok

    own = {"API_HOST": "127.0.0.1", "API_PORT": str(port), "MODELS_DIR": str(models_of(folder))}
    return Server(
        name=f"bench-{name}",
        command=[sys.executable, "-m", "benchmarks.answering"],
        folder=folder,
        ready=ready,
        ports=[port],
        environment={**os.environ, **own, **environment},
        cwd=ROOT,
        stop_seconds=10.0,
    )


def models_of(folder: Path) -> Path:
    return folder / "data" / "models"


def serve_credit(models: Path) -> None:
    description, estimator = credit.train()
    artifact.save(models, description, estimator)
    artifact.serve_version(models, description.name, description.version)


def applications() -> Iterator[str]:
    """All 20,600 applications that the endpoint takes, in an order by chance, as request bodies."""
    names = (INSTALLMENT_RATE, AGE, *CATEGORIES)
    every = list(itertools.product(range(1, 5), range(18, 121), *CATEGORIES.values()))
    random.shuffle(every)
    return (json.dumps(dict(zip(names, values, strict=True))) for values in every)


def tell(subject: Subject, count: int) -> None:
    """Print the figures of one model, at one client and at many."""
    # short rounds for one client: what a miss adds is little beside what a shared machine does from second to second
    for clients, number, rounds in ((1, count, 40), (CLIENTS, count * 2, 5)):
        measured = subject.measure(number, clients, rounds)
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
    count: Annotated[
        int, typer.Option("--requests", help="Requests of each kind to the model as it is, by one client.")
    ] = 3000,
    slow_count: Annotated[int, typer.Option("--slow-requests", help="The same of the model that takes 50 ms.")] = 200,
    inputs: Annotated[int, typer.Option(help="Inputs that memory is measured with.")] = 20_000,
) -> None:
    """Measure answers with and without the cache, and its memory, on this machine."""
    settings = Settings().moved(PORT_OFFSET)
    folder, account = folder_of(PORT_OFFSET), cache_account(settings)
    valkey = Valkey(account, folder, {})
    # both keep their answers in the same cache, under the same version of the model
    unknown = applications()
    subjects = [Subject(ms, account, folder, settings.api_port + at, unknown) for at, ms in ((0, 0), (2, 50))]
    servers = [valkey, *(server for subject in subjects for server in (subject.without, subject.cached))]
    try:
        with exclusive(folder):
            try:
                valkey.prepare()
                serve_credit(models_of(folder))
                for server in servers:
                    server.restart()
                tell_memory(valkey, inputs)
                tell(subjects[0], count)
                tell(subjects[1], slow_count)
            finally:
                for server in reversed(servers):
                    server.stop()
                shutil.rmtree(folder / "data", ignore_errors=True)
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
