"""A large task, and small ones beside it: `make bench-tasks`.

Submits a file of applications for a credit with the client, as a person would, on servers of its own. Prints how long
each part takes, the memory of the API at its peak, and how long small tasks wait while the large one is worked off,
from the request to their last row, beside how long they take alone.
"""

from __future__ import annotations

import csv
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import requests
import typer
from rich.console import Console

from benchmarks.processes import measured
from benchmarks.running import Running
from stack.errors import StackError
from stack.progress import Progress
from stack.servers import report
from stack.settings import ROOT

CREDIT = ROOT / "api" / "training" / "credit.csv"
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
POLL_SECONDS = 0.02
WAIT_SECONDS = 900.0
CLIENTS = 4


class Bench:
    """Somebody with an account, who measures."""

    def __init__(self, running: Running, password: str) -> None:
        self._running = running
        self._url = running.settings.api_url
        self._environment = {"API_URL": self._url, "TASK_CLIENT_USER": "demo", "TASK_CLIENT_PASSWORD": password}
        form = {"username": "demo", "password": password}
        token = requests.post(f"{self._url}/auth/token", data=form, timeout=10).json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def small(self, _: int = 0) -> float:
        """Submit ten flowers; the milliseconds until all are predicted."""
        began = time.monotonic()
        body = {"model": "iris", "rows": [FLOWER] * 10}
        made = requests.post(f"{self._url}/tasks", json=body, headers=self._headers, timeout=60)
        made.raise_for_status()
        self.wait(made.json()["id"])
        return (time.monotonic() - began) * 1000

    def small_ones(self, count: int, clients: int) -> list[float]:
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(self.small, range(count)))

    def large(self, file: Path, result: Path, beside: int) -> None:
        """Submit a file and fetch its result, small tasks being submitted meanwhile."""
        services = self._running.services
        with measured({"api": services.api.pid, "subscriber": services.task_subscriber.pid}) as used:
            began = time.monotonic()
            task = self._client("submit", str(file), "--model", "credit").strip()
            submitted = time.monotonic()
            small = self.small_ones(beside, CLIENTS)
            still = self._status(task)["status"]
            status = self.wait(task)
            done = time.monotonic()
            self._client("result", task, "--output", str(result))
            fetched = time.monotonic()
        rows = status["rows_total"]
        with result.open() as lines:
            in_order = all(
                line.startswith(f"{number},") for number, line in enumerate(itertools.islice(lines, 1, None), 1)
            )
        print(
            f"large: rows={rows} failed={status['rows_failed']} in_order={in_order} submit_s={submitted - began:.1f} "
            f"work_s={done - submitted:.1f} result_s={fetched - done:.1f} rows_per_s={rows / (done - submitted):.0f} "
            f"api_peak_mb={used['api'].peak_mb:.0f} subscriber_peak_mb={used['subscriber'].peak_mb:.0f}",
            flush=True,
        )
        _print("beside", small, still)

    def wait(self, task: str) -> dict[str, Any]:
        """The task's status, once it has ended.

        Raises:
            StackError: it has not within a quarter of an hour.
        """
        end = time.monotonic() + WAIT_SECONDS
        while (status := self._status(task))["status"] in ("queued", "running"):
            if time.monotonic() > end:
                raise StackError(f"task {task} did not end within {WAIT_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        return status

    def _status(self, task: str) -> dict[str, Any]:
        answer = requests.get(f"{self._url}/tasks/{task}/status", headers=self._headers, timeout=60)
        answer.raise_for_status()
        status: dict[str, Any] = answer.json()
        return status

    def _client(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", "api.client", *arguments],
            cwd=ROOT,
            env=os.environ | self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackError(f"the client ended with status {done.returncode}")
        return done.stdout


def _print(name: str, milliseconds: list[float], large: object) -> None:
    cuts = statistics.quantiles(milliseconds, n=100)
    print(
        f"{name}: small_tasks={len(milliseconds)} p50_ms={cuts[49]:.0f} p95_ms={cuts[94]:.0f} "
        f"max_ms={max(milliseconds):.0f} large_task={large}",
        flush=True,
    )


def applications(file: Path, rows: int) -> None:
    """Write a file of so many applications: those of the data set, again and again."""
    with CREDIT.open(newline="") as read, file.open("w", newline="") as written:
        header, *lines = csv.reader(read)
        writer = csv.writer(written)
        writer.writerow(header)
        writer.writerows(itertools.islice(itertools.cycle(lines), rows))


def main(
    rows: Annotated[int, typer.Option(help="Rows of the large task.")] = 1_000_000,
    small: Annotated[int, typer.Option(help="Small tasks beside it.", min=2)] = 200,
) -> None:
    """Measure tasks on this machine."""
    running = Running(Progress(Console(stderr=True)))
    try:
        with running.started("--tasks"), tempfile.TemporaryDirectory() as folder:
            running.services.task_subscriber.restart()
            bench = Bench(running, running.services.add_user() or "")
            # each model's topic is made by its first message
            bench.small()
            file = Path(folder) / "applications.csv"
            applications(file, rows)
            _print("alone", bench.small_ones(small, 1), None)
            bench.large(file, Path(folder) / "result.csv", small)
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
