"""Several pipelines in one process: one that stops leaves the others running."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import psycopg
import pytest
import requests

from tests.faults import FaultyApi, status
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stack.settings import Settings

    Subscribe = Callable[..., SubscriberProcess]


@pytest.fixture
def other_topic(settings: Settings, name: str) -> Topic:
    return Topic(settings.kafka_bootstrap_servers, f"{name}b")


@pytest.fixture
def other(tmp_path: Path, other_topic: Topic, api: str) -> PipelineFile:
    """A second pipeline, with a topic and a table of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    return PipelineFile(folder, other_topic.name, api)


def test_two_pipelines_predict_side_by_side(
    topic: Topic,
    pipeline: PipelineFile,
    other_topic: Topic,
    other: PipelineFile,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    topic.write(flower(i) for i in range(500))
    other_topic.write(flower(i) for i in range(300))
    process = subscribe(other)
    pipeline.wait_for(target, 500)
    other.wait_for(target, 300)
    pipeline.assert_exactly_once(target, range(500))
    other.assert_exactly_once(target, range(300))
    rows = {p.name: process.metric("subscriber_rows_total", pipeline=p.name) for p in (pipeline, other)}
    assert rows == {pipeline.name: 500, other.name: 300}
    wait_until("ready", lambda: requests.get(f"{process.address}/health/ready", timeout=2).ok)
    process.send(signal.SIGTERM)
    assert process.wait() == 0


def test_one_with_a_wrong_model_leaves_the_other_predicting(
    topic: Topic,
    pipeline: PipelineFile,
    other_topic: Topic,
    other: PipelineFile,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    other.replace("/v2/models/iris", "/v2/models/nobody")
    process = subscribe(other)
    wait_until("failed", lambda: process.health(other.name).get("state") == "failed")
    topic.write(flower(i) for i in range(100))
    pipeline.wait_for(target, 100)
    pipeline.assert_exactly_once(target, range(100))
    answer = requests.get(f"{process.address}/health/ready", timeout=2)
    assert answer.status_code == 503
    assert "model API answers 404" in answer.json()["pipelines"][other.name]["error"]
    assert answer.json()["pipelines"][pipeline.name]["state"] == "running"
    assert process.metric("subscriber_failed", pipeline=other.name) == 1
    assert process.metric("subscriber_failed", pipeline=pipeline.name) == 0
    assert process.metric("subscriber_ready", pipeline=other.name) == 0
    assert process.metric("subscriber_ready", pipeline=pipeline.name) == 1
    told = [json.loads(line) for line in process.tail() if '"event": "failed"' in line]
    assert [(line["pipeline"], line["still_running"]) for line in told] == [(other.name, [pipeline.name])]
    process.send(signal.SIGTERM)
    assert process.wait() == 2
    assert f"error: pipeline {other.name!r}: model API answers 404" in process.tail()[-1]


def test_one_that_is_refused_later_leaves_the_other_predicting(
    topic: Topic,
    pipeline: PipelineFile,
    other_topic: Topic,
    other: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    other.use(faulty_api.address)
    process = subscribe(other)
    other_topic.write([flower(0)])
    other.wait_for(target, 1)
    faulty_api.fault = lambda _: status(401)
    other_topic.write([flower(1)])
    wait_until("failed", lambda: process.health(other.name).get("state") == "failed")
    topic.write(flower(i) for i in range(100))
    pipeline.wait_for(target, 100)
    # what it could not predict waits for it
    faulty_api.fault = lambda _: None
    process.kill()
    subscribe(other)
    other.wait_for(target, 2)
    other.assert_exactly_once(target, [0, 1])


def test_all_with_a_wrong_model_end_the_process(
    pipeline: PipelineFile, other: PipelineFile, subscribe: Subscribe
) -> None:
    pipeline.replace("/v2/models/iris", "/v2/models/nobody")
    other.replace("/v2/models/iris", "/v2/models/nobody")
    process = subscribe(other)
    assert process.wait() == 2
    errors = [line for line in process.tail() if "error: pipeline" in line]
    assert len(errors) == 2


def test_a_second_table_for_the_same_group_waits_instead_of_taking_half_of_the_rows(
    topic: Topic, pipeline: PipelineFile, tmp_path: Path, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    # given a pipeline, and a copy of its file in which only the table was changed
    first = subscribe()
    wait_until("it reads", lambda: first.health().get("partitions") == [0, 1, 2, 3])
    pipeline.replace(f'table = "{pipeline.table}"', f'table = "{pipeline.table}_2"')
    sql = tmp_path / "iris.sql"
    sql.write_text(sql.read_text().replace(pipeline.table, f"{pipeline.table}_2"))

    # when the copy is run beside it
    second = subscribe()
    wait_until("saying why it waits", lambda: second.waits_for("is read by another pipeline"))
    topic.write(flower(i) for i in range(100))

    # then all rows are the first one's, until it leaves
    pipeline.wait_for(target, 100)
    pipeline.assert_exactly_once(target, range(100))
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    wait_until("it goes on", lambda: second.health().get("partitions") == [0, 1, 2, 3])
