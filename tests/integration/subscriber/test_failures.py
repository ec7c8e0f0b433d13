"""Each line of docs/failures.md, on the real servers."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.faults import FaultyApi, status, values
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.services import Services
    from tests.servers import Servers

    Subscribe = Callable[..., SubscriberProcess]


@pytest.mark.parametrize(
    ("value", "cause", "said"),
    [
        (b"no json", "not_json", "malformed"),
        (b'\xff\xfe{"payload": 1}', "not_json", ""),
        (b'{"schema": {}}', "no_payload", "payload"),
        (b'{"payload": null}', "no_payload", "payload"),
        (b"1", "no_payload", "int"),
        (json.dumps({"payload": {"id": 1}}).encode(), "invalid_field", "timestamp"),
        (json.dumps({"payload": flower(1, petal_width=None)}).encode(), "invalid_field", "petal_width"),
        (json.dumps({"payload": flower(1, petal_width="wide")}).encode(), "invalid_field", "petal_width"),
        (
            json.dumps({"payload": flower(1, petal_width="__debezium_unavailable_value")}).encode(),
            "unavailable_value",
            "petal_width",
        ),
        (json.dumps({"payload": flower(1, timestamp="noon")}).encode(), "refused_by_target", "timestamp"),
    ],
)
def test_a_bad_message_becomes_a_dead_letter_and_the_batch_goes_on(
    value: bytes,
    cause: str,
    said: str,
    topic: Topic,
    pipeline: PipelineFile,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    topic.write([flower(0)], partition=0)
    topic.write_raw(value, partition=0)
    topic.write([flower(2)], partition=0)
    subscribe()
    pipeline.wait_for(target, 2)
    pipeline.assert_exactly_once(target, [0, 2])
    ((found_cause, detail, partition, offset, raw),) = pipeline.dead(target)
    assert (found_cause, partition, offset, raw) == (cause, 0, 1, value)
    assert said in detail


@pytest.mark.parametrize("code", [400, 413, 422])
def test_rows_that_the_model_refuses_are_found_and_put_aside(
    code: int,
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    guilty = {3, 4, 40}
    topic.write(flower(i, **({"petal_width": 99.0} if i in guilty else {})) for i in range(60))
    faulty_api.fault = lambda request: status(code) if 99.0 in values(request, "petal_width") else None
    pipeline.use(faulty_api.address)
    subscribe()
    pipeline.wait_for(target, 57)
    wait_until("three dead letters", lambda: len(pipeline.dead(target)) == 3)
    pipeline.assert_exactly_once(target, set(range(60)) - guilty)
    assert {cause for cause, *_ in pipeline.dead(target)} == {"refused_by_model"}


def test_a_row_that_crashes_the_model_is_put_aside_after_a_few_tries(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    faulty_api.fault = lambda request: status(500) if 99.0 in values(request, "petal_width") else None
    pipeline.use(faulty_api.address)
    topic.write(flower(i, **({"petal_width": 99.0} if i == 7 else {})) for i in range(20))
    process = subscribe()
    pipeline.wait_for(target, 19)
    wait_until("the dead letter", lambda: [cause for cause, *_ in pipeline.dead(target)] == ["model_failed"])
    pipeline.assert_exactly_once(target, set(range(20)) - {7})
    assert process.metric("subscriber_dead_letters_total", cause="model_failed") == 1


def test_a_model_that_crashes_on_every_row_is_waited_for(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    pipeline.use(faulty_api.address)
    process = subscribe()
    topic.write([flower(0)])
    pipeline.wait_for(target, 1)
    faulty_api.fault = lambda _: status(500)
    topic.write(flower(i) for i in range(1, 30))
    wait_until("saying so", lambda: process.waits_for("also for a row that it predicted before"))
    faulty_api.fault = lambda _: None
    pipeline.wait_for(target, 30)
    pipeline.assert_exactly_once(target, range(30))
    assert pipeline.dead(target) == []


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_busy_api_is_retried_and_nothing_is_skipped(
    code: int,
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    pipeline.use(faulty_api.address)
    faulty_api.fault = lambda _: status(code)
    topic.write(flower(i) for i in range(30))
    process = subscribe()
    wait_until("three tries", lambda: faulty_api.requests_seen >= 3)
    assert process.waits_for(f"model API answers {code}")
    assert process.health()["state"] == "running"
    faulty_api.fault = lambda _: None
    pipeline.wait_for(target, 30)
    pipeline.assert_exactly_once(target, range(30))
    assert pipeline.dead(target) == []
    assert process.metric("subscriber_retries_total", stage="predict") >= 2


def test_retry_after_is_honoured(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    pipeline.use(faulty_api.address)
    faulty_api.fault = lambda _: status(503, Retry_After="3600") if faulty_api.requests_seen == 1 else None
    topic.write([flower(0)])
    process = subscribe()
    wait_until("waiting", lambda: process.waits_for("503"))
    # own delays would have brought many tries in the time that a rebalance-free stop takes
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    assert faulty_api.requests_seen == 1
    assert pipeline.count(target) == 0


def test_an_answer_that_breaks_off_is_asked_for_again(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    pipeline.use(faulty_api.address)
    process = subscribe()
    wait_until("running", lambda: process.health().get("state") == "running")
    faulty_api.broken = True
    topic.write(flower(i) for i in range(10))
    wait_until("saying so", lambda: process.waits_for("model API"))
    faulty_api.broken = False
    pipeline.wait_for(target, 10)
    pipeline.assert_exactly_once(target, range(10))


def test_the_api_is_killed_and_comes_back(
    services: Services,
    topic: Topic,
    pipeline: PipelineFile,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    process = subscribe()
    topic.write(flower(i) for i in range(5000))
    pipeline.wait_for(target, 1)
    services.api.kill()
    topic.write(flower(i) for i in range(5000, 10_000))
    wait_until("saying so", lambda: process.waits_for("model API cannot be reached"))
    rebalances = process.metric("subscriber_rebalances_total")
    services.api.restart()
    pipeline.wait_for(target, 10_000)
    pipeline.assert_exactly_once(target, range(10_000))
    assert process.metric("subscriber_rebalances_total") == rebalances


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_wrong_setting_stops_the_subscriber_with_nothing_stored(
    code: int,
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    pipeline.use(faulty_api.address)
    faulty_api.fault = lambda _: status(code)
    topic.write([flower(0)])
    process = subscribe()
    assert process.wait() == 2
    assert f"model API answers {code}" in process.tail()[-1]
    assert pipeline.count(target) == 0
    assert set(pipeline.offsets(target).values()) == {0}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"outputs": []}, "answers without output 'iris_class'"),
        ({"outputs": [{"name": "iris_class", "datatype": "INT64", "shape": [2], "data": [1, 2]}]}, "has shape [2]"),
        (
            {"outputs": [{"name": "iris_class", "datatype": "INT64", "shape": [1], "data": [1, 2]}]},
            "does not hold the values that its shape [1] says",
        ),
        ({"predictions": [1]}, "does not answer as the protocol says"),
    ],
)
def test_an_answer_of_the_wrong_shape_stops_the_subscriber(
    answer: dict[str, object],
    said: str,
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    pipeline.use(faulty_api.address)
    faulty_api.fault = lambda _: (200, {}, json.dumps(answer).encode())
    topic.write([flower(0)])
    process = subscribe()
    assert process.wait() == 2
    assert said in process.tail()[-1]
    assert pipeline.count(target) == 0


def test_a_model_whose_input_changes_stops_the_subscriber_instead_of_burying_every_row(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    pipeline.use(faulty_api.address)
    process = subscribe()
    topic.write([flower(0)])
    pipeline.wait_for(target, 1)
    faulty_api.fault = lambda _: status(400)
    topic.write(flower(i) for i in range(1, 20))
    assert process.wait() == 2
    assert "is the model's input what the pipeline says?" in process.tail()[-1]
    assert pipeline.dead(target) == []
    pipeline.assert_exactly_once(target, [0])


def test_the_target_database_is_killed_and_comes_back(
    stack: Servers, topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    process = subscribe()
    topic.write(flower(i) for i in range(5000))
    pipeline.wait_for(target, 1)
    stack.target.kill()
    topic.write(flower(i) for i in range(5000, 10_000))
    wait_until("saying so", lambda: process.waits_for("target database"))
    stack.target.restart()
    with psycopg.connect(stack.settings.target_dsn(), autocommit=True) as again:
        pipeline.wait_for(again, 10_000)
        pipeline.assert_exactly_once(again, range(10_000))


def test_a_deadlock_with_another_session_is_retried(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    process = subscribe()
    topic.write([flower(0)], partition=0)
    pipeline.wait_for(target, 1)
    # given another session that ends the subscriber's statement as a deadlock's victim would be ended
    target.execute(
        f"""create function {pipeline.table}_once() returns trigger language plpgsql as $$
            begin
              if nextval('{pipeline.table}_tries') < 3 then
                raise exception 'deadlock detected' using errcode = '40P01';
              end if;
              return new;
            end $$"""
    )
    target.execute(f"create sequence {pipeline.table}_tries")
    target.execute(f"grant usage on sequence {pipeline.table}_tries to public")
    target.execute(
        f"create trigger once before insert on {pipeline.table} for each row execute function {pipeline.table}_once()"
    )
    topic.write([flower(1)], partition=0)
    pipeline.wait_for(target, 2)
    pipeline.assert_exactly_once(target, [0, 1])
    assert process.metric("subscriber_retries_total", stage="store") == 2


def test_deletes_are_counted_and_skipped(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    topic.write([flower(0)], partition=0)
    topic.write_raw(None, partition=0)
    topic.write_raw(None, partition=0)
    process = subscribe()
    wait_until("all stored", lambda: pipeline.offsets(target).get(0) == 3)
    pipeline.assert_exactly_once(target, [0])
    assert pipeline.dead(target) == []
    assert process.metric("subscriber_rows_total", result="deleted") == 2


def test_an_update_makes_a_new_prediction_and_the_view_shows_the_newest(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    topic.write([flower(0), flower(2, id=0)], partition=0)
    subscribe()
    pipeline.wait_for(target, 2)
    assert pipeline.predictions(target) == [(0, 0), (0, 2)]
    newest = target.execute(f"select source_id, iris_class from {pipeline.table}_latest").fetchall()
    assert newest == [(0, 2)]


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_the_batch_in_hand_and_a_start_goes_on(
    signal_: signal.Signals,
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    pipeline.use(faulty_api.address)
    faulty_api.gate.clear()
    topic.write(flower(i) for i in range(100))
    process = subscribe()
    wait_until("a batch in hand", lambda: faulty_api.requests_seen == 1)
    process.send(signal_)
    faulty_api.gate.set()
    assert process.wait(10) == 0
    in_hand = pipeline.count(target)
    assert in_hand > 0
    assert sum(pipeline.offsets(target).values()) == in_hand
    topic.write(flower(i) for i in range(100, 200))
    subscribe()
    pipeline.wait_for(target, 200)
    pipeline.assert_exactly_once(target, range(200))


def test_a_stop_while_the_api_is_away_exits_cleanly_within_ten_seconds(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    pipeline.use(faulty_api.address)
    faulty_api.fault = lambda _: status(503)
    topic.write([flower(0)])
    process = subscribe()
    wait_until("waiting", lambda: process.waits_for("503"))
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(10) == 0
    assert pipeline.count(target) == 0


def test_rows_that_left_the_topic_before_they_were_predicted_stop_the_subscriber(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    topic.write([flower(0)], partition=0)
    first = subscribe()
    pipeline.wait_for(target, 1)
    assert first.stop() == 0
    target.execute("update stream_offset set next_offset = 1000 where pipeline = %s and partition = 0", [pipeline.name])
    second = subscribe()
    assert second.wait() == 2
    assert "is not in the topic any more" in second.tail()[-1]


def test_a_model_too_slow_for_a_full_batch_works_off_the_backlog_in_smaller_ones(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    # given a model that takes 2 ms a row, and so twice the time-out for a full batch
    asked: list[int] = []

    def slow(request: dict[str, Any]) -> None:
        asked.append(len(values(request, "petal_width")))
        time.sleep(asked[-1] * 0.002)

    faulty_api.fault = slow
    pipeline.use(faulty_api.address)
    pipeline.replace("[model]", "[batch]\nmax_rows = 1000\n\n[model]\ntimeout_seconds = 1")
    topic.write(flower(i) for i in range(4000))
    process = subscribe()
    pipeline.wait_for(target, 4000)
    pipeline.assert_exactly_once(target, range(4000))
    assert pipeline.dead(target) == []
    assert max(asked) == 1000
    assert process.health()["state"] == "running"
