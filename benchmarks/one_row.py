"""One-row requests to `POST /predict`: how many a second, and how long each takes.

The model API alone runs, without cache, monitoring and archive; two processes of it listen on a port each, and the
clients are spread over both. The clients are one more process of the same machine.
"""

from __future__ import annotations

import json
import shutil
import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.clients import Answered, Load, ask
from benchmarks.figures import spread
from benchmarks.processes import measured
from benchmarks.results import Chart, Point, Result, Series, Table
from benchmarks.running import PORT_OFFSET
from data_generator.iris import FEATURES, read_flowers
from stack.cli import folder_of
from stack.servers import exclusive
from stack.services import Services
from stack.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stack.process import Server
    from stack.progress import Progress

CLIENTS: Final = (1, 4, 16, 64)
PROCESSES: Final = (1, 2)
WARM_UP_SECONDS: Final = 0.5
SAMPLE_SECONDS: Final = 1.0
# servers that are not there
ALONE: Final = {"CACHE_URL": "", "MONITORING_HOST": "", "ARCHIVE_ENDPOINT": "", "TASKS_USER": ""}


@dataclass
class Rounds:
    """The repetitions of one number of processes and clients."""

    answered: list[Answered] = field(default_factory=list)
    api_cores: list[float] = field(default_factory=list)

    def rates(self) -> list[float]:
        return [answered.rate for answered in self.answered]

    def quantile(self, percent: int) -> float:
        """In milliseconds, over the answers of all rounds."""
        every = [value for answered in self.answered for value in answered.milliseconds]
        return statistics.quantiles(every, n=100, method="inclusive")[percent - 1]

    def client_cores(self) -> float:
        return statistics.median(answered.cpu_seconds / answered.seconds for answered in self.answered)


def measure(
    progress: Progress,
    *,
    seconds: float = 3.0,
    rounds: int = 3,
) -> Result:
    """Ask for `seconds` with each number of clients, of each number of processes, in `rounds` rounds."""
    settings, folder = Settings().moved(PORT_OFFSET), folder_of(PORT_OFFSET)
    rounds_of = {(count, number): Rounds() for count in PROCESSES for number in CLIENTS}
    with exclusive(folder), ExitStack() as leaving:
        leaving.callback(shutil.rmtree, folder / "data", ignore_errors=True)
        services = Services(settings, folder)
        services.train()
        apis = list(_apis(services, settings, max(PROCESSES)))
        for api in apis:
            leaving.callback(api.stop)
            api.restart()
        urls = [f"http://{settings.api_host}:{settings.api_port + at}/predict" for at in range(len(apis))]
        for number in range(rounds):
            progress.say(f"round {number + 1} of {rounds}")
            for (count, connections), found in rounds_of.items():
                load = Load(urls[:count], flowers(), connections, seconds, WARM_UP_SECONDS)
                with measured({api.name: api.pid for api in apis}, SAMPLE_SECONDS) as used:
                    answered = ask(load)
                found.answered.append(answered)
                seconds_of_cpu = sum(process.cpu_seconds for process in used.values())
                found.api_cores.append(seconds_of_cpu / (answered.seconds + WARM_UP_SECONDS))
    return result(rounds_of)


def flowers() -> list[str]:
    """The bodies of requests: every flower of the data set."""
    return [json.dumps(dict(zip(FEATURES, flower[:4], strict=True))) for flower in read_flowers()]


def _apis(services: Services, settings: Settings, count: int) -> Iterator[Server]:
    for at in range(count):
        port = settings.api_port + at
        yield services.process(
            *(f"api-{at + 1}", "api"),
            url=f"http://{settings.api_host}:{port}/v2/health/ready",
            port=port,
            **{**ALONE, "API_PORT": str(port)},
        )


def result(rounds_of: Mapping[tuple[int, int], Rounds]) -> Result:
    """The figures as a table and two charts."""
    table = Table(
        [
            "API processes",
            "clients",
            "requests a second",
            "lowest to highest",
            "p50 ms",
            "p99 ms",
            "API cores",
            "clients' cores",
        ],
        [
            [
                *(str(count), str(clients), f"{statistics.median(found.rates()):,.0f}"),
                spread(found.rates()),
                *(f"{found.quantile(50):.2f}", f"{found.quantile(99):.2f}"),
                *(f"{statistics.median(found.api_cores):.2f}", f"{found.client_cores():.2f}"),
            ]
            for (count, clients), found in rounds_of.items()
        ],
    )
    rates, latencies = [], []
    for count in dict.fromkeys(count for count, _ in rounds_of):
        name = f"{count} API process" + "es" * (count != 1)
        own = [(clients, found) for (processes, clients), found in rounds_of.items() if processes == count]
        rates.append(
            Series(name, [Point(c, statistics.median(f.rates()), min(f.rates()), max(f.rates())) for c, f in own])
        )
        latencies.append(Series(f"{name}, p99", [Point(c, f.quantile(99)) for c, f in own]))
    charts = [
        Chart("One-row requests", "clients", "requests a second", rates, log_x=True),
        Chart("One-row requests, latency", "clients", "ms", latencies, log_x=True),
    ]
    notes = ["The clients are a process of the same machine: what it takes, the API lacks."]
    return Result("one-row", "make bench ARGS=one-row", [table], charts, notes)
