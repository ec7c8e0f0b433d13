"""Answers to record, their rows as they are found, and a recorder in a process of its own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from prometheus_client import CollectorRegistry
from psycopg.conninfo import make_conninfo

from api.credit.ports import RecordedAnswer
from api.images.ports import RecordedImage
from api.logs import configure_logging
from api.monitoring.answers import TABLES
from api.monitoring.recorder import Recorder
from api.monitoring.settings import MonitoringSettings
from api.uuid7 import uuid7
from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stack.settings import Settings
    from tests.servers import Servers

EMPLOYMENT = ("unemployed", "... < 1 year", "1 <= ... < 4 years", "4 <= ... < 7 years", "... >= 7 years")
STATUS = ("male : single", "male : married/widowed", "female : divorced/separated/married")


def answer(number: int, received_at: datetime | None = None, version: str = "0123456789ab") -> RecordedAnswer:
    """One answer; `number` says which of the three endpoints it is of."""
    chance = random.Random(number)  # noqa: S311
    endpoint = TABLES[number % 3]
    responses = {
        "decisions": chance.choice(("ACCEPT", "DECLINE")),
        "probabilities": chance.random(),
        "risk_categories": chance.choice(("low_risk", "medium_risk", "high_risk")),
    }
    return RecordedAnswer(
        endpoint=endpoint,
        features={
            "installment_rate_in_percentage_of_disposable_income": chance.randint(1, 4),
            "age_in_years": chance.randint(19, 75),
            "foreign_worker": chance.choice(("yes", "no")),
            "present_employment_since": chance.choice(EMPLOYMENT),
            "personal_status_and_sex": chance.choice(STATUS),
        },
        response=responses[endpoint],
        cache_hit=chance.random() < 0.5,
        model_version=version,
        request_id=str(uuid.uuid4()),
        received_at=received_at or datetime.now(UTC),
        latency_ms=chance.uniform(0.5, 5),
    )


def image(number: int, received_at: datetime | None = None) -> RecordedImage:
    """One answered image."""
    chance = random.Random(number)  # noqa: S311
    prediction_id, predicted_class = str(uuid7()), chance.randrange(10)
    return RecordedImage(
        prediction_id=prediction_id,
        request_id=str(uuid.uuid4()),
        received_at=received_at or datetime.now(UTC),
        latency_ms=chance.uniform(0.5, 5),
        model_version="0123456789ab",
        predicted_class=predicted_class,
        confidence=chance.random(),
        content_type="image/png",
        size_bytes=chance.randint(100, 10_000),
        width=chance.randint(8, 400),
        height=chance.randint(8, 400),
        object_key=f"class_{predicted_class:02d}/{prediction_id}.png",
    )


@dataclass(frozen=True)
class MonitoringDatabase:
    """A test's own monitoring database and folder."""

    settings: Settings
    name: str
    folder: Path

    @property
    def dsn(self) -> str:
        return make_conninfo(self.settings.monitoring_dsn(), dbname=self.name)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **self.settings.environment(),
            "MONITORING_DATABASE": self.name,
            "MONITORING_SPILL_DIR": str(self.folder),
            **more,
        }

    def recorder_settings(self, **more: object) -> MonitoringSettings:
        own = {name.lower(): value for name, value in self.environment().items()}
        fields = {name: value for name, value in own.items() if name in MonitoringSettings.model_fields}
        return MonitoringSettings.model_validate(fields | more)

    def recorder(self, **more: object) -> Recorder:
        """A recorder, started, with settings beside those of the database."""
        recorder = Recorder(self.recorder_settings(**more), CollectorRegistry())
        recorder.start()
        return recorder

    def ids(self) -> list[str]:
        """The request's id of every row of the three tables; none before they are made."""
        with psycopg.connect(self.dsn) as connection:
            try:
                rows = connection.execute("select request_id from answers").fetchall()
            except psycopg.errors.UndefinedTable:
                return []
        return [str(row[0]) for row in rows]

    def holds(self, ids: Iterable[str]) -> bool:
        """Whether there is exactly one row of each of these requests, and no other."""
        try:
            return sorted(self.ids()) == sorted(ids)
        except psycopg.Error:
            return False

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.answers"))


@contextmanager
def monitoring_database(stack: Servers, name: str, folder: Path) -> Iterator[MonitoringDatabase]:
    """A database of this name on the target's server, still empty, which is dropped at the end.

    The server may be killed meanwhile.
    """
    drop = f"drop database if exists {name} with (force)"

    def on_the_server(*statements: str) -> None:
        if not stack.target.running:
            stack.target.restart()
        with psycopg.connect(stack.target.superuser_dsn("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    on_the_server(drop, f"create database {name} owner {stack.settings.monitoring_user}")
    try:
        yield MonitoringDatabase(stack.settings, name, folder)
    finally:
        on_the_server(drop)


class Load:
    """A thread that records answers at a pace, until it is stopped; `ids` are of those that it recorded."""

    def __init__(self, recorder: Recorder, rate: float) -> None:
        self.ids: list[str] = []
        # the longest that a call took, in seconds
        self.slowest = 0.0
        self._recorder, self._rate = recorder, rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[str]:
        self._stop.set()
        self._thread.join()
        return self.ids

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._stop.is_set():
            made = answer(len(self.ids))
            started = time.monotonic()
            self._recorder.record(made)
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.ids.append(made.request_id)
            self._stop.wait(max(0, begun + len(self.ids) / self._rate - time.monotonic()))


class RecorderProcess:
    """`python -m tests.recording RATE`: a recorder under load in a process of its own."""

    def __init__(self, database: MonitoringDatabase, name: str, rate: int, **environment: str) -> None:
        self._said = database.folder.parent / f"{name}.recorded"
        self._log = database.folder.parent / f"{name}.log"
        with self._said.open("wb") as said, self._log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-m", "tests.recording", str(rate)],
                env={**os.environ, **database.environment(**environment)},
                cwd=ROOT,
                stdout=said,
                stderr=log,
            )

    def recorded(self) -> dict[str, float]:
        """When each answer was recorded, by its request's id; in seconds since the epoch."""
        # the last line may be half written
        lines = self._said.read_text().split("\n")[:-1]
        return {request_id: float(moment) for request_id, moment in (line.split() for line in lines)}

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def main(rate: int) -> None:
    """Record answers at a pace until SIGTERM, and tell each on standard output; then close the recorder."""
    configure_logging("info")
    recorder = Recorder(MonitoringSettings(), CollectorRegistry())
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    recorder.start()
    begun, number = time.monotonic(), 0
    while not ended.is_set():
        made = answer(number)
        recorder.record(made)
        # straight to the file, so that a kill leaves every line
        os.write(1, f"{made.request_id} {time.time()}\n".encode())
        number += 1
        ended.wait(max(0, begun + number / rate - time.monotonic()))
    recorder.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
