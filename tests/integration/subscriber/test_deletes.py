"""What becomes of the predictions of source rows that were deleted, by the pipeline's policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.stream import flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from tests.stream import PipelineFile, SubscriberProcess, Topic


def delete(topic: Topic, row_id: object) -> None:
    """Write what Debezium writes for a deleted row: a tombstone in the partition of its key."""
    topic.write_raw(None, json.dumps({"payload": {"id": row_id}}).encode(), partition=0)


def follow(pipeline: PipelineFile, policy: str) -> None:
    pipeline.replace('key = "id"', f'key = "id"\ndeletes = "{policy}"')


def ids(pipeline: PipelineFile, target: psycopg.Connection) -> list[int]:
    return [source_id for source_id, _ in pipeline.predictions(target)]


def test_deletes_are_ignored_unless_the_pipeline_says_else(
    topic: Topic, pipeline: PipelineFile, target: psycopg.Connection, subscribe: Callable[..., SubscriberProcess]
) -> None:
    subscriber = subscribe()
    topic.write([flower(i) for i in range(4)], partition=0)
    delete(topic, 2)
    topic.write([flower(4)], partition=0)

    pipeline.wait_for(target, 5)

    assert ids(pipeline, target) == [0, 1, 2, 3, 4]
    assert subscriber.metric("subscriber_rows_total", result="deleted") == 1


def test_predictions_of_a_deleted_row_are_removed(
    topic: Topic, pipeline: PipelineFile, target: psycopg.Connection, subscribe: Callable[..., SubscriberProcess]
) -> None:
    follow(pipeline, "remove")
    # a row twice predicted, and rows that were predicted and deleted before anybody looked
    topic.write([flower(i) for i in (0, 1, 2, 2, 3)], partition=0)
    delete(topic, 3)
    subscribe()
    pipeline.wait_for(target, 4)
    assert ids(pipeline, target) == [0, 1, 2, 2]

    # when rows are deleted that were stored long ago, and one of them comes back
    delete(topic, 2)
    delete(topic, 0)
    topic.write([flower(0)], partition=0)

    wait_until("all is stored", lambda: pipeline.offsets(target)[0] == 9)
    assert ids(pipeline, target) == [0, 1]


def test_predictions_of_a_deleted_row_are_marked(
    topic: Topic, pipeline: PipelineFile, target: psycopg.Connection, subscribe: Callable[..., SubscriberProcess]
) -> None:
    follow(pipeline, "mark")
    pipeline.replace('source_key = "source_id"', 'source_key = "source_id"\ndeleted_at = "deleted_at"')
    sql = pipeline.path.parent / "iris.sql"
    sql.write_text(sql.read_text().replace("source_id bigint,", "source_id bigint,\n  deleted_at timestamptz,"))
    topic.write([flower(i) for i in (0, 1, 2)], partition=0)
    delete(topic, 2)
    topic.write([flower(2)], partition=0)
    subscribe()
    pipeline.wait_for(target, 4)

    delete(topic, 0)

    marks = f"select source_id, deleted_at is not null from {pipeline.table} order by id"
    expected = [(0, True), (1, False), (2, True), (2, False)]
    wait_until("the row is marked", lambda: target.execute(marks).fetchall() == expected)
    recent = f"select bool_and(deleted_at between now() - interval '5 minutes' and now()) from {pipeline.table}"
    assert target.execute(recent).fetchone() == (True,)


@pytest.mark.parametrize("key", ["a word", None, 2**70])
def test_a_delete_that_no_row_of_the_table_can_be_meant_by_is_a_dead_letter(
    topic: Topic,
    pipeline: PipelineFile,
    target: psycopg.Connection,
    subscribe: Callable[..., SubscriberProcess],
    key: object,
) -> None:
    follow(pipeline, "remove")
    topic.write([flower(0), flower(1)], partition=0)
    delete(topic, key)
    delete(topic, 1)
    subscribe()

    wait_until("the other delete is followed", lambda: pipeline.offsets(target).get(0) == 4)

    assert ids(pipeline, target) == [0]
    ((cause, _, partition, offset, value),) = pipeline.dead(target)
    assert (cause, partition, offset, value) in (
        ("refused_by_target", 0, 2, None),
        ("delete_without_key", 0, 2, None),
    )
