"""The schema of the monitoring database, from nothing and by several at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg

from api.monitoring.migrate import migrate
from stack.settings import ROOT
from tests.recording import answer
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from api.monitoring.recorder import Recorder
    from tests.recording import MonitoringDatabase

MIGRATE = [sys.executable, "-m", "api.monitoring.migrate"]


def start(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 (our own program)
        MIGRATE, cwd=ROOT, env=os.environ | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def described(dsn: str) -> list[tuple[object, ...]]:
    """Every column and index of the database."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "select table_name::text, column_name::text || ' ' || data_type from information_schema.columns"
            " where table_schema = 'public'"
            " union all select tablename, indexdef from pg_indexes where schemaname = 'public' order by 1, 2"
        ).fetchall()


def test_several_that_start_together_make_one_schema(monitoring: MonitoringDatabase) -> None:
    processes = [start(monitoring.environment()) for _ in range(4)]

    ended = [(*process.communicate(timeout=60), process.returncode) for process in processes]

    assert [status for _, _, status in ended] == [0] * 4, ended
    assert len({printed for printed, _, _ in ended}) == 1
    with psycopg.connect(monitoring.dsn) as connection:
        assert len(connection.execute("select * from alembic_version").fetchall()) == 1


def test_a_second_run_changes_nothing(monitoring: MonitoringDatabase) -> None:
    revision = migrate(psycopg.connect(monitoring.dsn))
    before = described(monitoring.dsn)

    assert migrate(psycopg.connect(monitoring.dsn)) == revision
    assert described(monitoring.dsn) == before


def test_a_failed_migration_leaves_nothing_behind(monitoring: MonitoringDatabase) -> None:
    # given a table that the second revision is to make
    with psycopg.connect(monitoring.dsn) as connection:
        connection.execute("create table reference_distribution (id int)")

    process = start(monitoring.environment())
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert 'relation \\"reference_distribution\\" already exists' in said
    with psycopg.connect(monitoring.dsn) as connection:
        assert connection.execute("select to_regclass('decisions'), to_regclass('alembic_version')").fetchone() == (
            None,
            None,
        )


def test_a_schema_of_a_later_version_is_left_as_it_is(monitoring: MonitoringDatabase) -> None:
    migrate(psycopg.connect(monitoring.dsn))
    with psycopg.connect(monitoring.dsn) as connection:
        connection.execute("update alembic_version set version_num = '9999_later'")

    process = start(monitoring.environment())
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "9999_later" in said
    assert "Traceback" not in said


def test_answers_for_a_schema_of_a_later_version_wait_in_the_file(
    monitoring: MonitoringDatabase, recorder: Callable[..., Recorder], capsys: pytest.CaptureFixture[str]
) -> None:
    # given a database that a later version has migrated
    revision = migrate(psycopg.connect(monitoring.dsn))
    with psycopg.connect(monitoring.dsn) as connection:
        connection.execute("update alembic_version set version_num = '9999_later'")

    # when this version answers, then what it answers waits, and the log says why without a traceback
    recording = recorder()
    made = [answer(i) for i in range(10)]
    for one in made:
        recording.record(one)
    wait_until("the file", lambda: recording.metrics.spilled._value.get() == len(made))
    said = capsys.readouterr()
    assert "9999_later" in said.out + said.err
    assert "Traceback" not in said.out + said.err

    # and is written once this version knows the schema
    with psycopg.connect(monitoring.dsn) as connection:
        connection.execute("update alembic_version set version_num = %s", [revision])
    wait_until("the rows", lambda: monitoring.holds([one.request_id for one in made]))


def test_a_missing_setting_is_named(monitoring: MonitoringDatabase) -> None:
    process = start(monitoring.environment(MONITORING_HOST=""))
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "MONITORING_HOST" in said) == (1, True)

    process = start(monitoring.environment(MONITORING_PASSWORD="wrong"))
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "password authentication failed" in said) == (1, True)
    assert "Traceback" not in said
