"""The status of pipelines, read from their servers while others run them, or nobody does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg

from subscriber.postgres import statement
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commands import Commands
    from tests.servers import Servers

    Subscribe = Callable[..., SubscriberProcess]


def status(command: Commands, pipeline: PipelineFile, exit_status: int = 0) -> dict[str, Any]:
    (one,) = json.loads(command("status", "--json", pipeline.path, status=exit_status).stdout)
    return dict(one)


def lags(status: dict[str, Any]) -> dict[int, int | None]:
    return {p["partition"]: p["lag"] for p in status["partitions"]}


def test_a_running_pipeline(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, command: Commands, target: psycopg.Connection
) -> None:
    topic.write(flower(i) for i in range(100))
    topic.write_raw(b"no json")
    subscribe()
    pipeline.wait_for(target, 100)
    wait_until("the dead letter", lambda: pipeline.dead(target))

    one = status(command, pipeline)

    assert (one["name"], one["topic"], one["table"]) == (pipeline.name, topic.name, pipeline.table)
    assert {p["partition"]: (p["stored"], p["end"]) for p in one["partitions"]} == {
        0: (26, 26),
        **dict.fromkeys((1, 2, 3), (25, 25)),
    }
    assert lags(one) == dict.fromkeys(range(4), 0)
    assert [(c["cause"], c["count"]) for c in one["dead_letters"]] == [("not_json", 1)]
    (member,) = one["group"]["members"]
    assert (member["client"], member["partitions"]) == (
        f"subscriber-{pipeline.name}-public.{pipeline.table}",
        [0, 1, 2, 3],
    )
    assert one["errors"] == []
    printed = command("status", pipeline.path).stdout
    assert f"{pipeline.name}: {topic.name} -> {pipeline.table}" in printed
    assert "not_json" in printed
    assert "partitions 0, 1, 2, 3" in printed


def test_a_pipeline_that_nobody_runs_falls_behind_and_markers_of_transactions_are_no_lag(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, command: Commands, target: psycopg.Connection
) -> None:
    # given partitions whose last offset is a marker, or a transaction that was taken back
    topic.write_transaction([flower(0)], partition=0)
    topic.write_transaction([flower(1)], partition=1)
    topic.write_transaction([flower(4)], partition=1, abort=True)
    topic.write([flower(2)], partition=2)
    process = subscribe()
    pipeline.wait_for(target, 3)
    assert process.stop() == 0
    topic.write((flower(i) for i in (3, 6, 9)), partition=2)

    one = status(command, pipeline)

    assert lags(one) == {0: 0, 1: 0, 2: 3, 3: 0}
    assert {p["partition"]: (p["stored"], p["end"]) for p in one["partitions"]} == {
        0: (1, 2),
        1: (1, 4),
        2: (1, 4),
        3: (0, 0),
    }
    assert one["group"]["members"] == []


def test_a_pipeline_that_never_ran(topic: Topic, pipeline: PipelineFile, command: Commands) -> None:
    topic.write([flower(0)])

    one = status(command, pipeline)

    assert [(p["stored"], p["lag"]) for p in one["partitions"]] == [(None, None)] * 4
    assert one["partitions"][0]["end"] == 1
    assert one["dead_letters"] == []


def test_an_offset_that_the_topic_lost_is_said(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, command: Commands, target: psycopg.Connection
) -> None:
    topic.write([flower(0)])
    process = subscribe()
    pipeline.wait_for(target, 1)
    assert process.stop() == 0
    target.execute("update stream_offset set next_offset = 7 where pipeline = %s and partition = 0", [pipeline.name])

    one = status(command, pipeline, 2)

    assert one["errors"] == [f"topic {topic.name}, partition 0: offset 7 is not in the topic any more"]


def test_a_server_that_is_away_is_named_and_the_rest_is_shown(
    stack: Servers, topic: Topic, pipeline: PipelineFile, command: Commands
) -> None:
    topic.write([flower(0)])
    stack.target.stop()
    try:
        done = command("status", pipeline.path, status=1)
    finally:
        stack.target.restart()
    assert f"error: {pipeline.name}: target database: " in done.stderr
    assert "partition" in done.stdout


def test_kafka_that_is_away_is_named(pipeline: PipelineFile, command: Commands) -> None:
    command.environment["KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:1"
    done = command("status", pipeline.path, status=1)
    assert f"error: {pipeline.name}: Kafka at " in done.stderr


def test_a_topic_that_is_not_there_is_named(pipeline: PipelineFile, command: Commands) -> None:
    pipeline.replace(f'topic = "{pipeline.name}"', 'topic = "nobody-s-topic"')
    done = command("status", pipeline.path, status=2)
    assert "topic nobody-s-topic does not exist" in done.stderr


def test_counting_dead_letters_reads_an_index(
    pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    process = subscribe()
    wait_until("running", lambda: process.health().get("state") == "running")
    with target.transaction(force_rollback=True):
        target.execute(
            'insert into dead_letter (pipeline, topic, partition, "offset", cause, detail)'
            " select 'p' || (n % 50), 't', 0, n, 'c' || (n % 3), repeat('d', 500) from generate_series(1, 20000) as n"
        )
        target.execute("analyze dead_letter")

        plan = target.execute(b"explain " + statement("dead_causes"), {"pipeline": "p7"}).fetchall()
    assert any("dead_letter_pipeline_cause" in line for (line,) in plan), plan
