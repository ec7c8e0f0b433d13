"""Who is measured, how each is started, and how long."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from benchmarks import spark_jars
from benchmarks.contenders.contract import Task
from stack.process import Server
from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.running import Running
    from stack.progress import Progress

PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PIPELINE = ROOT / "subscriber" / "pipelines" / "iris.toml"
TABLE_SQL = ROOT / "subscriber" / "pipelines" / "iris.sql"
# what a crash would take away is stored again by the subscriber alone; the others are spared the wait for the disk too
NO_WAIT = "-c synchronous_commit=off"
MOST_SECONDS = 120.0


@dataclass(frozen=True)
class Contender:
    """`module` is None for the subscriber. It is measured until all rows are stored, or for so many seconds."""

    name: str
    title: str
    module: str | None
    seconds: float
    peer: bool = False
    """Whether it runs in the environment of the peers, and spared the wait for the disk."""
    jars: Callable[[Progress], list[Path]] | None = None
    """What fetches jars that its Python package lacks."""


OURS = Contender("subscriber", "Stream Serving", None, MOST_SECONDS)
PLAIN_LOOP = Contender("plain-loop", "plain loop", "plain_loop", 20)
PEERS = (
    Contender("faststream", "FastStream, as documented", "faststream_documented", MOST_SECONDS, peer=True),
    Contender("faststream-tuned", "FastStream, tuned by hand", "faststream_tuned", MOST_SECONDS, peer=True),
    Contender("quix", "Quix Streams, as documented", "quix_documented", MOST_SECONDS, peer=True),
    Contender("quix-tuned", "Quix Streams, tuned by hand", "quix_tuned", MOST_SECONDS, peer=True),
    Contender("spark", "Spark Structured Streaming", "spark", MOST_SECONDS, peer=True, jars=spark_jars.jars),
)
ALL = (OURS, PLAIN_LOOP, *PEERS)


def server(contender: Contender, running: Running, topic: str, run: str) -> Server:
    """The contender as a process, in a group and with a table that are named for this run.

    Raises:
        DownloadFailed: see `stack.artifacts`.
    """
    if contender.module is None:
        return _subscriber(running, topic, run)
    settings = running.settings
    environment = dict(os.environ)
    if contender.jars is not None:
        environment["BENCH_JARS"] = ",".join(map(str, contender.jars(running.progress)))
    task = Task(
        brokers=settings.kafka_bootstrap_servers,
        topic=topic,
        group=run,
        api=settings.api_url,
        target=make_conninfo(
            host=settings.target_host,
            port=settings.target_port,
            dbname=settings.target_database,
            user=settings.subscriber_user,
            password=settings.subscriber_password.get_secret_value(),
            options=NO_WAIT if contender.peer else "",
        ),
        table=run,
    )
    return Server(
        name=f"bench-{contender.name}",
        command=[
            str(PEERS_PYTHON if contender.peer else sys.executable),
            *("-m", f"benchmarks.contenders.{contender.module}"),
        ],
        folder=running.folder,
        ready=lambda: True,
        environment=environment | task.environment(),
        cwd=ROOT,
    )


def _subscriber(running: Running, topic: str, run: str) -> Server:
    folder = running.folder / "data" / "pipelines"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{run}.toml"
    file.write_text(pipeline(PIPELINE.read_text(), topic, run))
    settings = running.settings
    return running.services.process(
        *("bench-subscriber", "subscriber", "run", str(file)),
        url=f"http://{settings.subscriber_host}:{settings.subscriber_port}/health/live",
        port=settings.subscriber_port,
    )


def pipeline(shipped: str, topic: str, run: str) -> str:
    """The shipped pipeline file with a topic, a group and a table of its own; all else is as it is shipped."""
    changed = {
        'name = "iris"\n': f'name = "{run}"\n',
        'topic = "postgres-source-iris_data"\n': f'topic = "{topic}"\n',
        'group = "iris-data-consumer-group"\n': f'group = "{run}"\n',
        'table = "iris_prediction"\n': f'table = "{run}"\n',
        # the table is there already, as the others' are
        'create = "iris.sql"\n': "",
    }
    for line, own in changed.items():
        if shipped.count(line) != 1:
            raise ValueError(f"{PIPELINE.name}: there is not one line {line.strip()}")
        shipped = shipped.replace(line, own)
    return shipped


def table_sql(run: str) -> str:
    """What makes the table of a run: the SQL that makes `iris_prediction`, its indexes and all, under another name."""
    return TABLE_SQL.read_text().replace("iris_prediction", run)


def installed() -> bool:
    """Whether the environment of the peers is there."""
    return PEERS_PYTHON.exists()
