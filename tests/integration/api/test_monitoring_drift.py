"""Drift as the views, the functions and the command tell it, on rows in the real database."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from api.credit.ports import RecordedAnswer
from api.monitoring.answers import kept
from api.monitoring.comparison import Span, compared
from api.monitoring.database import Database
from api.monitoring.drift import population_stability_index
from api.monitoring.records import waiting
from api.monitoring.reference import Bins, Categories, ReferenceDistribution
from stack.settings import ROOT
from tests.recording import EMPLOYMENT, STATUS, answer
from tests.unit.grafana.macros import Range, expand
from tests.unit.grafana.provisioned import sql

if TYPE_CHECKING:
    from tests.recording import MonitoringDatabase

VERSION = "0123456789ab"
REFERENCE = ReferenceDistribution(
    VERSION,
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
ANSWERS = 6_000
CHARTS = ("credit: Largest drift", "credit: Drift over the range")


def drifted(one: RecordedAnswer) -> RecordedAnswer:
    """The same of an older applicant with a status that training never saw."""
    features = {**one.features, "age_in_years": random.Random(one.request_id).randint(70, 99)}  # noqa: S311
    if one.endpoint == "decisions":
        features["personal_status_and_sex"] = "other"
    return dataclasses.replace(one, features=features)


def write(dsn: str, answers: list[RecordedAnswer]) -> None:
    database = Database.open(dsn, 30)
    try:
        database.register(REFERENCE)
        database.register(REFERENCE)
        database.write([waiting(kept(one)) for one in answers])
    finally:
        database.close()


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def filled(monitoring: MonitoringDatabase, now: datetime) -> MonitoringDatabase:
    """A database with answers like training's of 85 to 65 minutes ago, and others of 25 to 5 minutes ago."""
    like = [answer(i, now - timedelta(minutes=65 + 20 * i / ANSWERS)) for i in range(ANSWERS)]
    unlike = [drifted(answer(i, now - timedelta(minutes=5 + 20 * i / ANSWERS))) for i in range(ANSWERS)]
    write(monitoring.dsn, like + unlike)
    return monitoring


def drift(*arguments: str, database: MonitoringDatabase, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "api.drift", *arguments],
        cwd=ROOT,
        env=os.environ | database.environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def rows_of(connection: psycopg.Connection, statement: str, *values: object) -> dict[str, Any]:
    """The lines of a query, by feature or answer: rows, index, share of unseen."""
    return {name: rest for name, *rest in connection.execute(statement.encode(), values)}


def test_sql_and_python_agree(filled: MonitoringDatabase, now: datetime) -> None:
    with psycopg.connect(filled.dsn) as connection:
        for begin in (now - timedelta(minutes=95), now - timedelta(minutes=31)):
            span = Span(begin, now + timedelta(seconds=1), timedelta(minutes=35), 100_000)
            ours = {
                (one.window_start, one.name): (one.rows, one.psi, one.unseen_share)
                for one in compared(connection, span)
            }
            theirs = {
                (row[0], row[1]): tuple(row[2:])
                for row in connection.execute(
                    "select window_start, name, rows, psi, unseen_share from drift(%s, %s, %s, 100000)",
                    [span.since, span.until, span.width],
                )
            }
            assert ours.keys() == theirs.keys()
            for key, values in ours.items():
                assert theirs[key] == pytest.approx(values), key


def test_sql_is_what_the_formula_says_of_the_rows(filled: MonitoringDatabase, now: datetime) -> None:
    # given every row of the later half, in bins as the reference has them
    begin = now - timedelta(minutes=31)
    with psycopg.connect(filled.dsn) as connection:
        found = rows_of(
            connection,
            "select name, rows, psi from drift(%s, %s, '31 minutes', 1000000) where kind = 'feature'",
            begin,
            now,
        )
        for name, reference in REFERENCE.features.items():
            values = [
                value
                for (value,) in connection.execute(
                    f"select {name} from answers where received_at >= %s and received_at < %s".encode(), [begin, now]
                )
            ]
            if isinstance(reference, Bins):
                expected = list(reference.counts)
                bins = [sum(value >= edge for edge in reference.edges) for value in values]
            else:
                known = list(reference.counts)
                expected = [*reference.counts.values(), 0]
                bins = [known.index(value) if value in known else len(known) for value in values]

            # then the index is that of the counts
            actual = [bins.count(i) for i in range(len(expected))]
            assert found[name] == [len(values), pytest.approx(population_stability_index(expected, actual))]


def test_what_is_like_training_is_stable_and_what_is_not_shows(filled: MonitoringDatabase, now: datetime) -> None:
    statement = "select name, rows, psi, unseen_share from drift(%s, %s, '30 minutes', 100000)"
    with psycopg.connect(filled.dsn) as connection:
        like = rows_of(connection, statement, now - timedelta(minutes=90), now - timedelta(minutes=60))
        unlike = rows_of(connection, statement, now - timedelta(minutes=30), now)

    assert like.keys() == {*REFERENCE.features, *REFERENCE.answers}
    assert all(psi < 0.02 and unseen == 0 for _, psi, unseen in like.values()), like
    assert unlike["age_in_years"][1] > 0.25
    # ages from 70 to 99, of which training saw those up to 75
    assert unlike["age_in_years"][2] == pytest.approx(24 / 30, abs=0.05)
    # the decisions' third has a status that is in no bin
    assert unlike["personal_status_and_sex"][2] == pytest.approx(1 / 3, abs=0.01)
    assert unlike["personal_status_and_sex"][1] > 0.25
    assert unlike["foreign_worker"][1] < 0.02
    assert unlike["decisions"][0] == pytest.approx(ANSWERS / 3, rel=0.01)


def test_the_views_tell_hours_and_days(filled: MonitoringDatabase) -> None:
    with psycopg.connect(filled.dsn, options="-c timezone=Asia/Kolkata") as connection:
        hours = connection.execute("select distinct window_start from drift_hourly order by 1").fetchall()
        assert 2 <= len(hours) <= 3
        # of UTC, wherever one is
        assert all(hour.astimezone(UTC).minute == hour.second == 0 for (hour,) in hours)
        assert connection.execute("select count(distinct name) from drift_daily").fetchone() == (8,)
        for view in ("answer_shares_hourly", "answer_shares_daily"):
            shares = connection.execute(
                f"select sum(share), sum(reference_share) from {view} group by window_start, endpoint".encode()
            ).fetchall()
            assert shares
            assert all(row == pytest.approx((1, 1)) for row in shares)
        labels = connection.execute(
            "select distinct answer from answer_shares_daily where endpoint = 'probabilities'"
        ).fetchall()
    assert {label for (label,) in labels} == {"under 0.25", "0.25 to 0.5", "0.5 to 0.75", "from 0.75"}


def test_days_are_of_utc_though_clocks_were_changed_meanwhile(filled: MonitoringDatabase, now: datetime) -> None:
    # given answers of before and after a change of the clocks, ten days ago
    write(filled.dsn, [answer(i, now - timedelta(days=20)) for i in range(9)])
    changed, changed_back = ((now + timedelta(days=days)).timetuple().tm_yday % 365 or 1 for days in (-10, 60))
    zone = f"-c timezone=ONE0TWO,J{changed},J{changed_back}"
    with psycopg.connect(filled.dsn, options=zone) as connection:
        for view in ("drift_daily", "answer_shares_daily"):
            days = connection.execute(f"select distinct window_start from {view}".encode()).fetchall()
            assert len(days) >= 2
            assert all(day.astimezone(UTC).hour == 0 for (day,) in days)


def test_a_window_is_looked_at_all_over_and_no_further_than_asked(filled: MonitoringDatabase, now: datetime) -> None:
    begin = now - timedelta(minutes=30)
    with psycopg.connect(filled.dsn) as connection:
        drawn = connection.execute(
            "select count(*) from sampled_answers(%s, %s, '30 minutes', 600)", [begin, now]
        ).fetchone()
        found = rows_of(
            connection, "select name, rows, psi, unseen_share from drift(%s, %s, '30 minutes', 600)", begin, now
        )

    # ten of each table in each of the steps, of which a third is empty
    assert drawn is not None
    assert 390 <= drawn[0] <= 450
    assert found["age_in_years"][0] == drawn[0]
    assert found["age_in_years"][1] > 0.25


def test_the_command_prints_a_verdict_and_tells_by_its_status(filled: MonitoringDatabase) -> None:
    quiet = drift("--since", "31m", database=filled)
    failing = drift("--since", "31m", "--fail", database=filled)

    assert (quiet.returncode, failing.returncode) == (0, 1), (quiet.stderr, failing.stderr)
    lines = {line.split()[0]: line.split() for line in quiet.stdout.splitlines() if line.startswith("  ")}
    assert lines["age_in_years"][-1] == "drifted"
    assert lines["foreign_worker"][-1] == "stable"
    assert "decisions: now, and in training" in quiet.stdout
    assert "ACCEPT" in quiet.stdout
    assert quiet.stdout.startswith(f"model {VERSION}, ")


def test_windows_are_compared_one_by_one(filled: MonitoringDatabase) -> None:
    done = drift("--since", "90m", "--window", "30m", database=filled)

    assert done.returncode == 0, done.stderr
    blocks = done.stdout.split("model ")[1:]
    # in the second half hour nothing was asked
    assert len(blocks) == 2
    verdicts = [next(line for line in block.splitlines() if "age_in_years" in line).split()[-1] for block in blocks]
    assert verdicts == ["stable", "drifted"]


def test_like_training_is_no_failure(monitoring: MonitoringDatabase, now: datetime) -> None:
    write(monitoring.dsn, [answer(i, now - timedelta(minutes=i / ANSWERS)) for i in range(ANSWERS)])

    done = drift("--fail", database=monitoring)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "drifted" not in done.stdout


def test_a_version_without_a_reference_is_named(filled: MonitoringDatabase, now: datetime) -> None:
    write(filled.dsn, [answer(i, now, version="unknown") for i in range(5)])

    done = drift("--since", "31m", database=filled)

    assert "5 answers of version unknown are left out" in done.stdout


def test_without_answers_it_says_so(monitoring: MonitoringDatabase) -> None:
    Database.open(monitoring.dsn, 5).close()

    done = drift("--fail", database=monitoring)

    assert (done.returncode, done.stdout.startswith("no answers from ")) == (0, True)


def test_a_few_answers_are_no_drift_on_the_dashboard(monitoring: MonitoringDatabase, now: datetime) -> None:
    queries = {query.name: query for query in sql()}
    shown = Range.last(timedelta(hours=1), end=now)
    statements = [expand(queries[name].text, shown).encode() for name in CHARTS]

    # as many answers as `make request` makes, then enough
    for count, known in ((12, False), (600, True)):
        write(monitoring.dsn, [answer(i, now - timedelta(minutes=1)) for i in range(count)])
        with psycopg.connect(monitoring.dsn) as connection:
            ((largest,),) = connection.execute(statements[0]).fetchall()
            rows = connection.execute(statements[1]).fetchall()
        assert (largest is not None) is known
        assert len(rows) == 8
        assert all((row[2] is not None) is known for row in rows), rows


def test_a_database_without_tables_is_told_how_to_get_them(monitoring: MonitoringDatabase) -> None:
    done = drift(database=monitoring)

    assert done.returncode == 2
    assert "run `python -m api.monitoring.migrate`" in done.stderr


def test_a_wrong_setting_is_named(monitoring: MonitoringDatabase) -> None:
    for environment, words in (
        ({"MONITORING_HOST": ""}, "MONITORING_HOST is not set"),
        ({"MONITORING_PASSWORD": "wrong"}, "password authentication failed"),
        ({"MONITORING_PORT": "x"}, "MONITORING_PORT"),
    ):
        done = drift(database=monitoring, **environment)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr
