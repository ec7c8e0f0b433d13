"""A topic's old messages are predicted once more into another table, beside the live stream."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.faults import FaultyApi, status, values
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commands import Commands

    Subscribe = Callable[..., SubscriberProcess]


class Replayed:
    """The table that the test's replays fill."""

    def __init__(self, pipeline: PipelineFile, command: Commands, target: psycopg.Connection) -> None:
        self.table = f"{pipeline.name}_again"
        self.name = f"{pipeline.name}.replay.{self.table}"
        self.verb = ("replay", pipeline.path, "--into", self.table)
        self._command = command
        self._target = target

    def run(self, *options: object, status: int = 0) -> str:
        """Replay to the end: what was said."""
        done = self._command(*self.verb, *options, status=status)
        return done.stdout or done.stderr.splitlines()[-1]

    def ids(self) -> list[int]:
        rows = self._target.execute(f"select source_id from {self.table} order by source_id, id").fetchall()
        return [source_id for (source_id,) in rows]

    def count(self) -> int:
        try:
            return len(self.ids())
        except psycopg.errors.UndefinedTable:
            return 0


@pytest.fixture
def replayed(pipeline: PipelineFile, command: Commands, target: psycopg.Connection) -> Replayed:
    return Replayed(pipeline, command, target)


@pytest.fixture
def live(topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection) -> SubscriberProcess:
    """The live stream, with 400 rows predicted."""
    topic.write(flower(i) for i in range(400))
    process = subscribe()
    pipeline.wait_for(target, 400)
    return process


def test_everything_is_predicted_again_while_the_live_stream_goes_on(
    live: SubscriberProcess, topic: Topic, pipeline: PipelineFile, replayed: Replayed, target: psycopg.Connection
) -> None:
    topic.write_raw(b"no json")
    wait_until("the dead letter", lambda: pipeline.dead(target))
    rebalances = live.metric("subscriber_rebalances_total")

    said = replayed.run("--from", "earliest")

    assert said.startswith(f"{replayed.table}: 400 predicted, 1 dead letters, 0 deletes in ")
    assert replayed.ids() == list(range(400))
    columns = "select timestamp, iris_class, source_id, model_version"
    live_rows, replayed_rows = (
        target.execute(f"{columns} from {table} order by source_id").fetchall()
        for table in (pipeline.table, replayed.table)
    )
    assert replayed_rows == live_rows
    # identity, defaults and indexes are the live table's
    assert target.execute(f"select count(distinct id), count(predicted_at) from {replayed.table}").fetchone() == (
        400,
        400,
    )
    indexes = "select count(*) from pg_indexes where tablename = %s"
    assert target.execute(indexes, [replayed.table]).fetchone() == target.execute(indexes, [pipeline.table]).fetchone()
    letters = "select cause from dead_letter where pipeline = %s"
    assert target.execute(letters, [replayed.name]).fetchall() == [("not_json",)]
    # and the live stream has heard nothing of it
    assert live.metric("subscriber_rebalances_total") == rebalances
    topic.write(flower(i) for i in range(400, 410))
    pipeline.wait_for(target, 410)
    pipeline.assert_exactly_once(target, range(410))
    assert len(pipeline.dead(target)) == 1
    assert len(replayed.ids()) == 400


def test_a_finished_replay_says_so_and_starts_over_when_asked(
    live: SubscriberProcess, topic: Topic, replayed: Replayed
) -> None:
    replayed.run("--from", "50")
    first = replayed.ids()
    topic.write(flower(i) for i in range(400, 500))

    again = replayed.run("--from", "50")

    assert again == f"the replay into {replayed.table} is finished: 200 offsets; --again starts over\n"
    assert replayed.ids() == first == list(range(200, 400))
    other = replayed.run("--from", "60", status=2)
    assert f"the replay into {replayed.table} was begun with --from 50; " in other
    replayed.run("--from", "60", "--again")
    assert replayed.ids() == list(range(240, 500))


def test_it_goes_from_and_to_offsets_of_partitions(live: SubscriberProcess, replayed: Replayed) -> None:
    replayed.run("--from", "0:10,2:90", "--to", "0:20")
    assert replayed.ids() == sorted([*range(40, 80, 4), *range(362, 400, 4)])


def test_it_goes_from_a_time_to_a_time(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, replayed: Replayed, target: psycopg.Connection
) -> None:
    bounds = []
    for hundred in range(3):
        topic.write(flower(i) for i in range(hundred * 100, hundred * 100 + 100))
        time.sleep(0.02)
        bounds.append(datetime.now(UTC).isoformat())
        time.sleep(0.02)
    subscribe()
    pipeline.wait_for(target, 300)
    replayed.run("--from", bounds[0], "--to", bounds[1])
    assert replayed.ids() == list(range(100, 200))


@pytest.mark.parametrize("abort", [False, True])
def test_markers_of_transactions_at_the_end_are_the_end(
    abort: bool,
    topic: Topic,
    pipeline: PipelineFile,
    subscribe: Subscribe,
    replayed: Replayed,
    target: psycopg.Connection,
) -> None:
    for i in range(8):
        topic.write_transaction([flower(i)], partition=i % 4)
    if abort:
        topic.write_transaction([flower(8), flower(12)], partition=0, abort=True)
    subscribe()
    pipeline.wait_for(target, 8)

    replayed.run("--from", "earliest")

    assert replayed.ids() == list(range(8))
    stands = "select bool_and(next_offset = end_offset), count(finished_at) from replay join stream_offset"
    where = "using (pipeline, topic, partition) where pipeline = %s"
    assert target.execute(f"{stands} {where}", [replayed.name]).fetchone() == (True, 4)


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_replay_goes_on_and_predicts_each_row_once(
    signal_: signal.Signals,
    live: SubscriberProcess,
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    replayed: Replayed,
    command: Commands,
    target: psycopg.Connection,
) -> None:
    # given a replay that has stored some batches and has others in hand
    pipeline.use(faulty_api.address)
    pipeline.replace("[target]", "[batch]\nmax_rows = 20\n\n[target]")

    def close_later(_: object) -> None:
        if faulty_api.requests_seen == 5:
            faulty_api.gate.clear()

    faulty_api.fault = close_later
    process = command.start(*replayed.verb, "--from", "earliest")
    wait_until("batches stored and in hand", lambda: faulty_api.requests_seen >= 6 and replayed.count() >= 80)
    if signal_ == signal.SIGINT:
        faulty_api.gate.set()
    process.send_signal(signal_)
    out, err = process.communicate(timeout=30)
    faulty_api.fault = lambda _: None
    faulty_api.gate.set()
    stored = replayed.count()
    if signal_ == signal.SIGINT and process.returncode:
        assert process.returncode == 130
        assert out.startswith(f"{replayed.table}: {stored} predicted, ")
        assert "the same command goes on" in err
    # when rows come meanwhile, and the same command is given again
    topic.write(flower(i) for i in range(400, 440))
    pipeline.wait_for(target, 440)
    if stored < 400:
        assert replayed.run("--from", "earliest").startswith(f"{replayed.table}: {400 - stored} predicted, ")
    # then it ends where the topic ended when it began
    assert replayed.ids() == list(range(400))


def test_two_processes_share_a_replay(
    live: SubscriberProcess, pipeline: PipelineFile, faulty_api: FaultyApi, replayed: Replayed, command: Commands
) -> None:
    pipeline.use(faulty_api.address)
    pipeline.replace("[target]", "[batch]\nmax_rows = 10\n\n[target]")
    faulty_api.gate.clear()
    both = [command.start(*replayed.verb, "--from", "earliest") for _ in range(2)]
    wait_until("requests", lambda: faulty_api.requests_seen >= 1)
    faulty_api.gate.set()
    ended = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert replayed.ids() == list(range(400))


def test_rows_that_the_model_refuses_are_the_replays_own_dead_letters(
    live: SubscriberProcess,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    replayed: Replayed,
    target: psycopg.Connection,
) -> None:
    faulty_api.fault = lambda request: status(422) if 2.2 in values(request, "petal_width") else None
    pipeline.use(faulty_api.address)
    replayed.run("--from", "90")
    assert replayed.ids() == [i for i in range(360, 400) if i % 3 != 2]
    assert pipeline.dead(target) == []
    found = "select count(*) from dead_letter where pipeline = %s"
    assert target.execute(found, [replayed.name]).fetchone() == (sum(i % 3 == 2 for i in range(360, 400)),)


def test_a_version_of_the_model_may_be_named(
    live: SubscriberProcess,
    faulty_api: FaultyApi,
    pipeline: PipelineFile,
    replayed: Replayed,
    target: psycopg.Connection,
) -> None:
    (version,) = target.execute(f"select distinct model_version from {pipeline.table}").fetchone() or (None,)
    replayed.run("--from", "99", "--model-version", version)
    assert len(replayed.ids()) == 4


def test_a_model_version_that_is_not_there_ends_it(live: SubscriberProcess, replayed: Replayed) -> None:
    assert "404" in replayed.run("--from", "earliest", "--model-version", "nobody", status=2)


def test_tables_that_are_not_for_a_replay_are_refused(
    live: SubscriberProcess, pipeline: PipelineFile, replayed: Replayed, command: Commands, target: psycopg.Connection
) -> None:
    same = command("replay", pipeline.path, "--into", pipeline.table, "--from", "0", status=2)
    assert same.stderr.splitlines()[-1] == (
        f"error: --into: {pipeline.table} is the table of the live pipeline {pipeline.name!r}; name another"
    )
    target.execute(f"create table {replayed.table} (like {pipeline.table} including all)")
    target.execute(f"alter table {replayed.table} owner to subscriber")
    target.execute(f"insert into {replayed.table} (iris_class) values (1)")
    assert "has rows that no replay wrote" in replayed.run("--from", "0", status=2)
    target.execute(f"delete from {replayed.table}")
    replayed.run("--from", "0")
    assert len(replayed.ids()) == 400
    target.execute(f"drop table {replayed.table}")
    assert "was dropped; --again starts it over" in replayed.run("--from", "0", status=2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "noon"), "--from: 'noon' is no time"),
        (("--from", "0", "--to", "later"), "--to: 'later' is no time"),
        (("--from", "7:0"), "the topic has no partition 7"),
        (("--from", "2999-01-01"), "no offset of the topic lies between them"),
        (("--from", "50", "--to", "50"), "no offset of the topic lies between them"),
    ],
)
def test_bounds_that_say_nothing_are_refused(
    options: tuple[str, ...], said: str, live: SubscriberProcess, replayed: Replayed
) -> None:
    assert said in replayed.run(*options, status=2)
