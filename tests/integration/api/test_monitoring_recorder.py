"""What is recorded becomes a row, once, in the table of its endpoint."""

from __future__ import annotations

import dataclasses
import time
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.rows import dict_row

from api.monitoring.answers import FEATURES, TABLES, kept
from api.monitoring.database import Database
from api.monitoring.errors import RecordsRefused
from api.monitoring.records import waiting
from tests.recording import RecorderProcess, answer
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.monitoring.recorder import Recorder
    from tests.recording import MonitoringDatabase

    Start = Callable[..., Recorder]


def dropped(recorder: Recorder, reason: str) -> float:
    return float(recorder.metrics.dropped.labels(reason)._value.get())


def test_an_answer_is_a_row_with_all_that_is_known_of_it(monitoring: MonitoringDatabase, recorder: Start) -> None:
    made = [answer(i) for i in range(3)]
    recording = recorder()

    for one in made:
        recording.record(one)

    wait_until("the rows", lambda: monitoring.holds([one.request_id for one in made]))
    with psycopg.connect(monitoring.dsn, row_factory=dict_row) as connection:
        for one in made:
            row = connection.execute(f"select * from {one.endpoint}").fetchone()
            assert row is not None
            assert {name: row[name] for name in FEATURES} == one.features
            rest = dataclasses.asdict(one)
            del rest["features"], rest["endpoint"]
            assert {name: row[name] for name in rest} | {"request_id": str(row["request_id"])} == rest
    assert recording.metrics.written._value.get() == 3


def test_a_graceful_end_writes_what_waits(monitoring: MonitoringDatabase, recorder: Start) -> None:
    # given a recorder that has its database
    recording = recorder()
    wait_until("a connection", lambda: recording.metrics.connected._value.get() == 1)

    # when it is closed with answers in hand
    made = [answer(i) for i in range(5_000)]
    for one in made:
        recording.record(one)
    recording.close()

    # then they are in the database, and nothing is left in a file
    assert monitoring.holds([one.request_id for one in made])
    assert monitoring.files() == []


def test_the_end_of_a_process_writes_what_waits(monitoring: MonitoringDatabase) -> None:
    # given a process that has its database
    process = RecorderProcess(monitoring, "ended", rate=500)
    try:
        wait_until("answers", lambda: len(process.recorded()) > 300 and monitoring.ids())

        assert process.stop() == 0, process.log()
    finally:
        process.kill()

    assert monitoring.holds(process.recorded())
    assert monitoring.files() == []


def test_a_batch_that_is_written_again_is_there_once(monitoring: MonitoringDatabase) -> None:
    batch = [waiting(kept(answer(i))) for i in range(100)]
    database = Database.open(monitoring.dsn, 5)
    try:
        database.write(batch[:60])

        # as after a commit whose answer was lost, with others beside it
        database.write(batch)
        database.write(batch)
    finally:
        database.close()

    assert monitoring.holds([one.kept.request_id for one in batch])


def test_a_request_id_that_a_caller_sends_twice_is_two_answers(monitoring: MonitoringDatabase, recorder: Start) -> None:
    recording = recorder()
    one = answer(0)

    recording.record(one)
    recording.record(one)

    wait_until("both", lambda: monitoring.holds([one.request_id] * 2))


def test_ids_are_in_order_of_time() -> None:
    ids = []
    for i in range(5):
        ids.append(kept(answer(i)).answer_id)
        time.sleep(0.002)

    assert ids == sorted(ids)
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {uuid.RFC_4122}


def test_a_batch_is_stored_whole_or_not_at_all(monitoring: MonitoringDatabase) -> None:
    wrong = dataclasses.replace(answer(3), model_version="\0")
    batch = [waiting(kept(one)) for one in (answer(0), answer(1), answer(2), wrong)]
    database = Database.open(monitoring.dsn, 5)
    try:
        with pytest.raises(RecordsRefused):
            database.write(batch)
        assert monitoring.ids() == []

        # and the connection goes on
        database.write(batch[:3])
    finally:
        database.close()
    assert len(monitoring.ids()) == 3


def test_what_no_table_takes_keeps_no_other_answer_back(monitoring: MonitoringDatabase, recorder: Start) -> None:
    good = [answer(i) for i in range(50)]
    one = good[0]
    unfit = [
        dataclasses.replace(one, endpoint="elsewhere"),
        dataclasses.replace(one, request_id="not-a-uuid"),
        dataclasses.replace(one, features={"age_in_years": 30}),
        dataclasses.replace(answer(1), model_version="a\0b"),
        dataclasses.replace(answer(1), response="a word for a number"),
        dataclasses.replace(answer(0), model_version="\ud800"),
    ]
    recording = recorder()

    for each in (*good[:25], *unfit, *good[25:]):
        recording.record(each)

    wait_until("the good ones", lambda: monitoring.holds([each.request_id for each in good]))
    wait_until("the count", lambda: dropped(recording, "refused") == len(unfit))
    assert recording.metrics.written._value.get() == len(good)


def test_a_full_memory_drops_the_newest_and_counts_them(monitoring: MonitoringDatabase, recorder: Start) -> None:
    # given a recorder that looks at its memory rarely
    recording = recorder(monitoring_queue_rows=100, monitoring_batch_rows=1_000, monitoring_batch_interval_seconds=2.0)
    made = [answer(i) for i in range(150)]

    for one in made:
        recording.record(one)
    recording.close()

    assert dropped(recording, "full") == 50
    assert monitoring.holds([one.request_id for one in made[:100]]) or monitoring.files()


def test_every_endpoint_has_a_table_of_the_same_columns(monitoring: MonitoringDatabase) -> None:
    Database.open(monitoring.dsn, 5).close()

    with psycopg.connect(monitoring.dsn) as connection:
        columns = {
            table: connection.execute(
                "select column_name from information_schema.columns where table_name = %s order by ordinal_position",
                [table],
            ).fetchall()
            for table in TABLES
        }
    assert columns["decisions"]
    assert columns["decisions"] == columns["probabilities"] == columns["risk_categories"]
