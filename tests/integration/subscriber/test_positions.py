"""Where the reading of a partition begins: one that is new, and one whose place was taken from the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    Subscribe = Callable[..., SubscriberProcess]


def test_a_start_at_the_latest_skips_what_was_there_and_nothing_of_a_partition_added_later(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    # given a pipeline that began at the end of the topic
    pipeline.replace("[model]", 'start = "latest"\n\n[model]')
    topic.write(flower(i) for i in range(100))
    first = subscribe()
    wait_until(
        "all partitions", lambda: first.health().get("state") == "running" and len(pipeline.offsets(target)) == 4
    )
    topic.write(flower(i) for i in range(100, 200))
    pipeline.wait_for(target, 100)
    # when a partition gets rows before anybody reads it
    topic.add_partition()
    topic.write((flower(i) for i in range(200, 300)), partition=4)
    # then they are predicted once the group shares the topic anew
    subscribe()
    pipeline.wait_for(target, 200)
    pipeline.assert_exactly_once(target, range(100, 300))


def test_a_partition_whose_offset_is_deleted_is_read_again_dead_letters_and_all(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    topic.write([flower(0)], partition=0)
    topic.write_raw(b"no json", partition=0)
    topic.write([flower(2)], partition=0)
    first = subscribe()
    wait_until("all stored", lambda: pipeline.offsets(target).get(0) == 3)
    assert first.stop() == 0
    # when its owner asks for the partition from the start
    target.execute("delete from stream_offset where pipeline = %s and partition = 0", [pipeline.name])
    second = subscribe()
    wait_until("all stored again", lambda: not second.running or pipeline.offsets(target).get(0) == 3)
    # then what was dead is dead once more, and stops nobody
    assert second.running, second.tail()
    assert [offset for _, _, _, offset, _ in pipeline.dead(target)] == [1, 1]
    assert pipeline.predictions(target) == [(0, 0), (0, 0), (2, 2), (2, 2)]
