"""`python -m api.request`: send sample applications for a credit to a running API, and print what it answers."""

import csv
import http.client
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console

from api.credit.endpoint import Endpoint
from api.credit.features import CATEGORIES, NUMBERS

DATA = Path(__file__).parent / "training" / "credit.csv"
TIMEOUT_SECONDS = 10.0

Application = dict[str, int | str]


class ApiAway(Exception):
    """Nobody answers at this address."""


def main(
    url: Annotated[str, typer.Option(help="The API's address; API_URL, if not given.")] = os.environ.get(
        "API_URL", "http://127.0.0.1:8000"
    ),
    count: Annotated[int, typer.Option(min=1, help="How many applications; each goes to every endpoint.")] = 4,
    seed: Annotated[int | None, typer.Option(help="Draw the same applicants each time.")] = None,
) -> None:
    """Send applicants of the German credit data to the three endpoints; exit with 1 unless all are answered."""
    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    try:
        for application in applicants(count, seed):
            console.print(f"[dim]{', '.join(str(value) for value in application.values())}[/]")
            for endpoint in Endpoint:
                failed += not _show(console, url, endpoint, application)
    except ApiAway as error:
        sys.stderr.write(f"{error}; `make demo` or `python -m api` starts one\n")
        raise typer.Exit(1) from None
    raise typer.Exit(1 if failed else 0)


def applicants(count: int, seed: int | None) -> Iterator[Application]:
    """Draw applicants of the training data."""
    draw = random.Random(seed)  # noqa: S311 - sample data, no secret depends on it
    with DATA.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in draw.choices(rows, k=count):
        yield {name: int(row[name]) for name in NUMBERS} | {name: row[name] for name in CATEGORIES}


def send(url: str, endpoint: Endpoint, application: Application) -> tuple[int, Any, str, float]:
    """Ask one endpoint: the status, the answer, hit or miss, and the milliseconds that it took.

    Raises:
        ApiAway: nobody answers at the address, or it is none.
    """
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ApiAway(f"{url} is no http address")
    connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    began = time.perf_counter()
    try:
        connection = connect(address.hostname, address.port, timeout=TIMEOUT_SECONDS)
        body = json.dumps(application)
        connection.request("POST", f"{address.path.rstrip('/')}/{endpoint}", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ApiAway(f"no API answers at {url} ({error})") from error
    connection.close()
    return response.status, answer, response.headers.get("X-Cache", ""), (time.perf_counter() - began) * 1000


def _show(console: Console, url: str, endpoint: Endpoint, application: Application) -> bool:
    status, answer, cache, milliseconds = send(url, endpoint, application)
    colour = "green" if status == http.client.OK else "red"
    shown = json.dumps(answer).replace("[", r"\[")
    console.print(f"  [{colour}]{status}[/] {'/' + endpoint:<17} {shown}  [dim]{cache} {milliseconds:.1f} ms[/]")
    return status == http.client.OK


if __name__ == "__main__":
    typer.run(main)
