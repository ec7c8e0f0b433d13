"""Every query of the monitoring database, and its views, at a million answers: none reads a table from end to end."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from api.monitoring.answers import TABLES, kept
from api.monitoring.database import Database
from api.monitoring.records import waiting
from api.monitoring.reference import Bins, Categories, ReferenceDistribution
from tests.recording import EMPLOYMENT, STATUS, answer, monitoring_database
from tests.unit.grafana.macros import Range, expand
from tests.unit.grafana.provisioned import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers
    from tests.unit.grafana.provisioned import Query

NAME = "answers_volume"
# of each endpoint, as twelve a second in all make them in a day
ANSWERS = 333_000
STEP_SECONDS = 0.26
# for a machine that is busy with other things
MOST_SECONDS = 20.0
COPIED = (
    "latency_ms, cache_hit, model_version, installment_rate_in_percentage_of_disposable_income, age_in_years,"
    " foreign_worker, present_employment_since, personal_status_and_sex, response"
)
REFERENCE = ReferenceDistribution(
    "0123456789ab",
    {
        "installment_rate_in_percentage_of_disposable_income": Bins((2, 3, 4), (200, 200, 200, 200), 1, 4),
        "age_in_years": Bins((30, 40, 50, 60), (150, 140, 140, 140, 230), 19, 75),
        "foreign_worker": Categories({"yes": 400, "no": 400}),
        "present_employment_since": Categories(dict.fromkeys(EMPLOYMENT, 160)),
        "personal_status_and_sex": Categories(dict.fromkeys(STATUS, 266)),
    },
    {
        "decisions": Categories({"ACCEPT": 400, "DECLINE": 400}),
        "probabilities": Bins((0.25, 0.5, 0.75), (200, 200, 200, 200), 0.0, 1.0),
        "risk_categories": Categories({"low_risk": 267, "medium_risk": 267, "high_risk": 266}),
    },
)
MONITORING = [query for query in sql() if query.datasource == "monitoring" and not query.name.startswith("images: ")]


@pytest.fixture(scope="module")
def volume(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A monitoring database with a million answers of the last day, removed at the end."""
    with monitoring_database(stack, NAME, tmp_path_factory.mktemp(NAME)) as database:
        first = Database.open(database.dsn, 30)
        first.register(REFERENCE)
        first.write([waiting(kept(answer(i))) for i in range(300)])
        first.close()
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            for table in TABLES:
                connection.execute(
                    f"insert into {table} (answer_id, request_id, received_at, {COPIED})"
                    f" select gen_random_uuid(), gen_random_uuid(),"
                    f" now() - row_number() over () * interval '{STEP_SECONDS} s', {COPIED}"
                    f" from generate_series(1, {ANSWERS // 100}), (select * from {table} limit 100) as few".encode()
                )
                connection.execute(f"vacuum analyze {table}".encode())
            yield connection


def assert_cheap(connection: psycopg.Connection, name: str, statement: str) -> None:
    plan = [line for (line,) in connection.execute(f"explain {statement}".encode())]
    started = time.monotonic()
    assert connection.execute(statement.encode()).fetchall()
    taken = time.monotonic() - started
    print(f"{name}: {taken:.2f} s")
    assert taken < MOST_SECONDS
    assert not any(f"Seq Scan on {table}" in line for line in plan for table in TABLES), plan


@pytest.mark.timeout(600)
@pytest.mark.parametrize("span", [timedelta(hours=1), timedelta(days=1)], ids=["1 hour", "1 day"])
@pytest.mark.parametrize("query", MONITORING, ids=lambda query: query.name)
def test_no_table_is_read_from_end_to_end(query: Query, span: timedelta, volume: psycopg.Connection) -> None:
    assert_cheap(volume, f"{query.name}, last {span}", expand(query.text, Range.last(span)))


@pytest.mark.parametrize("view", ["drift_hourly", "drift_daily", "answer_shares_hourly", "answer_shares_daily"])
def test_the_views_do_not_either(view: str, volume: psycopg.Connection) -> None:
    assert_cheap(volume, view, f"select * from {view}")
