"""Old rows go, and only those; whatever happens to their deletion, the stream goes on."""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
import requests
import structlog

from subscriber import retention
from subscriber.errors import Transient
from subscriber.health import Health
from subscriber.metrics import Metrics, Registry
from subscriber.pipeline_file import load_pipeline
from subscriber.retention import Retention
from subscriber.store import Store
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.settings import Settings
    from tests.servers import Servers

    Subscribe = Callable[..., SubscriberProcess]

KEEP = "\n[retention]\npredictions_days = 90\ndead_letters_days = 365\n"
# more than three batches
OLD = 17_000
# as many as a measurement wants
MEASURED = int(os.environ.get("RETENTION_ROWS", "20000"))


class Keeper:
    """The retention of a pipeline file, without its thread, and the pipeline's store."""

    def __init__(self, settings: Settings, pipeline: PipelineFile) -> None:
        described = load_pipeline(pipeline.path)
        dsn = settings.target_dsn().replace(settings.target_user, settings.subscriber_user)
        dsn = dsn.replace(settings.target_password.get_secret_value(), settings.subscriber_password.get_secret_value())
        self.stopping = threading.Event()
        self.health = Health(structlog.get_logger())
        self.store = Store(dsn, described)
        self.retention = Retention(
            described,
            self.store,
            metrics=Metrics(Registry(), described.name),
            health=self.health,
            stopping=self.stopping,
        )

    def trim(self) -> bool:
        return self.retention.trim()

    def troubles(self) -> list[str]:
        return [trouble["reason"] for trouble in self.health.snapshot()["troubles"]]


@pytest.fixture
def keep(settings: Settings, pipeline: PipelineFile) -> Callable[[], Keeper]:
    """Makes keepers of a pipeline with retention, its tables made."""
    pipeline.text += KEEP
    pipeline.write()

    def make() -> Keeper:
        keeper = Keeper(settings, pipeline)
        keeper.store.prepare()
        return keeper

    return make


def insert(target: psycopg.Connection, table: str, first_id: int, rows: int, days: float) -> None:
    """Predictions of rows as old as that, a millisecond apart, with ids from `first_id` on."""
    target.execute(
        f"""insert into {table} (timestamp, iris_class, source_id)
            select now() - %s * interval '1 day' - id * interval '1 millisecond', id %% 3, id
            from generate_series(%s::bigint, %s) as id""",
        [days, first_id, first_id + rows - 1],
    )


def insert_dead(target: psycopg.Connection, pipeline: str, cause: str, rows: int, days: float) -> None:
    target.execute(
        """insert into dead_letter (pipeline, topic, partition, "offset", cause, detail, failed_at)
           select %s, 't', 0, n, %s, '', now() - %s * interval '1 day' from generate_series(1, %s) as n""",
        [pipeline, cause, days, rows],
    )


def fresh(ids: range) -> list[dict[str, object]]:
    """Rows of the topic, written now."""
    now = datetime.now(UTC).isoformat()
    return [flower(i, timestamp=now) for i in ids]


def trimmed(process: SubscriberProcess, table: str) -> float:
    """How many rows of the table it says it has deleted; 0 while it says nothing."""
    try:
        return process.metric("subscriber_trimmed_rows_total", table=table)
    except requests.ConnectionError:
        return 0


def ids(target: psycopg.Connection, table: str) -> list[int]:
    return [i for (i,) in target.execute(f"select source_id from {table} order by source_id").fetchall()]


def test_old_rows_go_and_new_ones_stay_while_rows_stream_through(
    topic: Topic,
    pipeline: PipelineFile,
    keep: Callable[[], Keeper],
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    keep()
    insert(target, pipeline.table, 1_000_000, OLD, 90.01)
    insert(target, pipeline.table, 5000, 1000, 89.99)
    target.execute(f"insert into {pipeline.table} (source_id, iris_class) values (6000, 0)")
    insert_dead(target, pipeline.name, "old", OLD, 365.01)
    insert_dead(target, pipeline.name, "young", 10, 364.99)
    other = f"{pipeline.name}x"
    insert_dead(target, other, "of another", OLD, 400)
    process = subscribe()
    for start in range(0, 5000, 500):
        topic.write(fresh(range(start, start + 500)))
    wait_until("the old predictions are gone", lambda: trimmed(process, pipeline.table) == OLD)
    wait_until("the old letters are gone", lambda: trimmed(process, "dead_letter") == OLD, 90)
    # then what is younger, or of an age unknown, is there
    pipeline.wait_for(target, 6001)
    pipeline.assert_exactly_once(target, range(6001))
    assert {cause for cause, *_ in pipeline.dead(target)} == {"young"}
    left = target.execute("select count(*) from dead_letter where pipeline = %s", [other]).fetchone()
    assert left == (OLD,)
    # and it is told
    assert process.health()["troubles"] == []
    wait_until("a line of the log", lambda: sum('"event": "trimmed"' in line for line in process.tail()) == 2)


def test_without_the_setting_everything_stays(
    topic: Topic,
    settings: Settings,
    pipeline: PipelineFile,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    keeper = Keeper(settings, pipeline)
    keeper.store.prepare()
    insert(target, pipeline.table, 1000, 10, 20_000)
    insert_dead(target, pipeline.name, "old", 10, 20_000)
    assert not keeper.trim()
    process = subscribe()
    topic.write(fresh(range(1000)))
    pipeline.wait_for(target, 1010)
    assert process.stop() == 0
    assert pipeline.count(target) == 1010
    assert len(pipeline.dead(target)) == 10


def test_of_two_subscribers_one_trims(
    pipeline: PipelineFile, keep: Callable[[], Keeper], subscribe: Subscribe, target: psycopg.Connection
) -> None:
    keep()
    insert(target, pipeline.table, 0, 8 * OLD, 91)
    with ThreadPoolExecutor() as pool:
        processes = list(pool.map(lambda _: subscribe(), range(2)))
    by_each: list[float] = []

    def all_gone() -> bool:
        by_each[:] = sorted(trimmed(process, pipeline.table) for process in processes)
        return sum(by_each) == 8 * OLD

    wait_until("all old rows are gone", all_gone)
    assert by_each == [0, 8 * OLD]


def test_a_trimmer_that_is_frozen_is_relieved(
    pipeline: PipelineFile, keep: Callable[[], Keeper], target: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one that says nothing any more after its first batch
    zombie, heir = keep(), keep()
    insert(target, pipeline.table, 0, OLD, 91)
    monkeypatch.setattr(retention, "IDLE_LIMIT", "2s")
    monkeypatch.setattr(retention, "rest_seconds", lambda _: 3600)
    with ThreadPoolExecutor() as pool:
        frozen = pool.submit(zombie.trim)
        try:
            wait_until("its first batch", lambda: pipeline.count(target) == OLD - retention.BATCH_ROWS)
            monkeypatch.setattr(retention, "rest_seconds", lambda _: 0)
            # when another comes, that one waits for its turn
            assert not heir.trim()
            assert pipeline.count(target) == OLD - retention.BATCH_ROWS
            # then the server breaks the silence
            wait_until("the rest is gone", lambda: not heir.trim() and pipeline.count(target) == 0)
        finally:
            zombie.stopping.set()
        with pytest.raises(Transient, match="idle-session timeout"):
            frozen.result()


def test_without_an_index_nothing_is_deleted_and_the_index_is_named(
    topic: Topic,
    pipeline: PipelineFile,
    keep: Callable[[], Keeper],
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    (pipeline.path.parent / "iris.sql").write_text(
        f"""create table if not exists {pipeline.table}
              (id bigint, timestamp timestamptz, iris_class int, source_id bigint, model_version text)"""
    )
    keeper = keep()
    insert(target, pipeline.table, 1000, 10, 91)
    insert_dead(target, pipeline.name, "old", 10, 366)
    # one that does not begin with the age, one of some rows only, and one of another kind find nothing
    target.execute(f"create index on {pipeline.table} (source_id, timestamp)")
    target.execute(f"create index on {pipeline.table} (timestamp) where iris_class = 1")
    target.execute(f"create index on {pipeline.table} using brin (timestamp)")
    process = subscribe()
    wait_until("the trouble", lambda: process.health().get("troubles"))
    (trouble,) = process.health()["troubles"]
    assert trouble["task"] == f"retention of {pipeline.table}"
    statement = f'create index concurrently on "public"."{pipeline.table}" (timestamp)'
    assert trouble["reason"].endswith(f"make one: {statement}")
    # then the stream goes on as if nothing were wrong, and so does the other table
    topic.write(fresh(range(100)))
    pipeline.wait_for(target, 110)
    wait_until("ready", lambda: process.metric("subscriber_ready") == 1)
    wait_until("the old letters are gone", lambda: pipeline.dead(target) == [])
    assert sum("without an index" in line for line in process.tail()) == 1
    # and when the index is made, the next look finds it
    target.execute(statement.encode())
    assert not keeper.trim()
    pipeline.assert_exactly_once(target, range(100))


def test_rows_that_may_not_be_deleted_are_told_of(
    pipeline: PipelineFile, keep: Callable[[], Keeper], target: psycopg.Connection
) -> None:
    keeper = keep()
    insert(target, pipeline.table, 0, 10, 91)
    insert_dead(target, pipeline.name, "old", 10, 366)
    # given a table of another role
    target.execute(f"alter table {pipeline.table} owner to current_user")
    target.execute(f"grant select, insert on {pipeline.table} to public")
    assert not keeper.trim()
    (trouble,) = keeper.troubles()
    assert trouble.startswith("retention.predictions_days: target database: permission denied for table")
    assert pipeline.dead(target) == []
    # when that is put right
    target.execute(f"grant delete on {pipeline.table} to public")
    assert not keeper.trim()
    assert keeper.troubles() == []
    assert pipeline.count(target) == 0


def test_a_row_that_is_made_young_at_that_moment_stays(
    pipeline: PipelineFile, keep: Callable[[], Keeper], settings: Settings, target: psycopg.Connection
) -> None:
    keeper = keep()
    insert(target, pipeline.table, 0, 10, 91)
    with psycopg.connect(settings.target_dsn()) as other, ThreadPoolExecutor() as pool:
        other.execute(f"update {pipeline.table} set timestamp = now() where source_id = 3")
        trimming = pool.submit(keeper.trim)
        blocked = "select from pg_stat_activity where application_name = %s and wait_event_type = 'Lock'"
        name = f"subscriber {pipeline.name} retention"
        wait_until("it waits for the row", lambda: target.execute(blocked, [name]).fetchone() is not None)
        other.commit()
        assert trimming.result() is False
    assert ids(target, pipeline.table) == [3]


@pytest.mark.parametrize("type_", ["timestamp", "date", "timestamptz"])
def test_every_kind_of_time_tells_an_age(
    type_: str, pipeline: PipelineFile, keep: Callable[[], Keeper], target: psycopg.Connection
) -> None:
    keeper = keep()
    target.execute(f"drop view {pipeline.table}_latest")
    target.execute(f"alter table {pipeline.table} alter timestamp type {type_}")
    insert(target, pipeline.table, 0, OLD, 92)
    target.execute(f"insert into {pipeline.table} (timestamp) select '-infinity' from generate_series(1, {OLD})")
    insert(target, pipeline.table, OLD, 10, 89)
    assert not keeper.trim()
    assert keeper.troubles() == []
    assert ids(target, pipeline.table) == list(range(OLD, OLD + 10))


def test_a_column_that_tells_no_age_is_told(
    pipeline: PipelineFile, keep: Callable[[], Keeper], target: psycopg.Connection
) -> None:
    keeper = keep()
    target.execute(f"drop view {pipeline.table}_latest")
    target.execute(f"alter table {pipeline.table} alter timestamp type text")
    target.execute(f"insert into {pipeline.table} (timestamp) values ('1900-01-01')")
    assert not keeper.trim()
    (trouble,) = keeper.troubles()
    assert "column timestamp" in trouble
    assert "is of type text, which tells no age" in trouble
    assert pipeline.count(target) == 1


def test_of_a_partitioned_table_each_partition_is_trimmed(
    pipeline: PipelineFile, keep: Callable[[], Keeper], target: psycopg.Connection
) -> None:
    # given partitions whose rows stand at the same places in their files, old ones in one and young ones in the other
    table = pipeline.table
    (pipeline.path.parent / "iris.sql").write_text(
        f"""create table {table} (timestamp timestamptz, iris_class int, source_id bigint, model_version text)
              partition by hash (source_id);
            create table {table}_0 partition of {table} for values with (modulus 2, remainder 0);
            create table {table}_1 partition of {table} for values with (modulus 2, remainder 1)
              partition by range (timestamp);
            create table {table}_1_1 partition of {table}_1 for values from ('2000-01-01') to (maxvalue);"""
    )
    keeper = keep()
    insert(target, table, 0, OLD, 89)
    target.execute(f"update {table}_0 set timestamp = timestamp - interval '2 days'")
    young = ids(target, f"{table}_1")
    assert not keeper.trim()
    (trouble,) = keeper.troubles()
    statement = f'create index on "public"."{table}" (timestamp)'
    assert trouble.endswith(f"make one: {statement}")
    target.execute(statement.encode())
    assert not keeper.trim()
    assert keeper.troubles() == []
    assert 0 < len(young) < OLD
    assert ids(target, table) == young


def test_the_target_database_is_killed_while_rows_are_deleted(
    stack: Servers,
    topic: Topic,
    pipeline: PipelineFile,
    keep: Callable[[], Keeper],
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    keep()
    insert(target, pipeline.table, 1_000_000, 8 * OLD, 91)
    process = subscribe()
    wait_until("the first batch", lambda: trimmed(process, pipeline.table) > 0)
    stack.target.kill()
    topic.write(fresh(range(1000)))
    wait_until("the trouble", lambda: "retention" in [t["task"] for t in process.health()["troubles"]])
    stack.target.restart()
    with psycopg.connect(stack.settings.target_dsn(), autocommit=True) as again:
        oldest = f"select count(*) from {pipeline.table} where source_id >= 1000000"
        wait_until("the old rows are gone", lambda: again.execute(oldest).fetchone() == (0,))
        pipeline.wait_for(again, 1000)
        pipeline.assert_exactly_once(again, range(1000))
    wait_until("all is well", lambda: process.health()["troubles"] == [])


def test_a_stop_does_not_wait_for_old_rows(
    pipeline: PipelineFile, keep: Callable[[], Keeper], subscribe: Subscribe, target: psycopg.Connection
) -> None:
    keep()
    insert(target, pipeline.table, 0, 8 * OLD, 91)
    process = subscribe()
    wait_until("the first batch", lambda: trimmed(process, pipeline.table) > 0)
    began = time.monotonic()
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    assert time.monotonic() - began < 3
    assert 0 < pipeline.count(target) < 8 * OLD
    assert any('"event": "trimmed"' in line for line in process.tail())


def test_what_is_deleted_already_costs_a_batch_nothing(
    pipeline: PipelineFile,
    keep: Callable[[], Keeper],
    settings: Settings,
    target: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper = keep()
    insert(target, pipeline.table, 0, MEASURED, 91)
    insert(target, pipeline.table, MEASURED, 1000, 1)
    batches: list[float] = []
    rest_seconds = retention.rest_seconds

    def recorded(used_seconds: float) -> float:
        batches.append(used_seconds * 1000)
        return rest_seconds(used_seconds)

    monkeypatch.setattr(retention, "rest_seconds", recorded)
    # given somebody who still sees every row, so that no index entry can be forgotten
    with psycopg.connect(settings.target_dsn()) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute("select")
        began = time.monotonic()
        while keeper.trim():
            pass
        seconds = time.monotonic() - began
    median, slow = statistics.median(batches), statistics.quantiles(batches, n=100)[98]
    print(f"retention: rows={MEASURED} seconds={seconds:.1f} batch_p50_ms={median:.1f} batch_p99_ms={slow:.1f}")
    assert pipeline.count(target) == 1000
    read = "select max(idx_tup_read) from pg_stat_user_indexes where relname = %s"
    ((entries,),) = target.execute(read, [pipeline.table]).fetchall()
    assert MEASURED <= entries < 1.5 * MEASURED
