"""The whole stream with MLServer in our API's place: what docs/model-servers.md says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from tests.stream import SCHEMA, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psycopg

    from tests.integration.servers.conftest import MLServer
    from tests.stream import PipelineFile, SubscriberProcess, Topic

    Subscribe = Callable[..., SubscriberProcess]

pytestmark = pytest.mark.servers
COLUMNS = '[model]\nparameters = {content_type = "pd"}\n'
MATRIX = '[model]\nlayout = "matrix"\n'


def served(pipeline: PipelineFile, server: MLServer, model: str, how: str) -> None:
    """Have a model of this server predict the pipeline's rows."""
    pipeline.use(server.address)
    pipeline.replace("/v2/models/iris", f"/v2/models/{model}")
    pipeline.replace("[model]\n", how)
    # the flowers' true classes are not what every one of these models predicts
    pipeline.text = re.sub(r"(?m)^\[truth\]\n(.+\n)*", "", pipeline.text)
    pipeline.replace('iris_class = "iris_class"', 'predict = "iris_class"')


def versions(pipeline: PipelineFile, target: psycopg.Connection) -> list[tuple[str | None]]:
    return target.execute(f"select distinct model_version from {pipeline.table}").fetchall()


@pytest.mark.parametrize(
    ("model", "how", "version"), [("by-column", COLUMNS, None), ("by-matrix", MATRIX, "v7")], ids=["columns", "matrix"]
)
def test_rows_are_predicted_exactly_once(
    model: str,
    how: str,
    version: str | None,
    mlserver: MLServer,
    pipeline: PipelineFile,
    topic: Topic,
    target: psycopg.Connection,
    subscribe: Subscribe,
) -> None:
    served(pipeline, mlserver, model, how)
    topic.write(flower(i) for i in range(3000))

    subscriber = subscribe()
    pipeline.wait_for(target, 3000)
    topic.write([flower(3000)])
    pipeline.wait_for(target, 3001)

    assert subscriber.stop() == 0
    pipeline.assert_exactly_once(target, range(3001))
    assert pipeline.dead(target) == []
    assert versions(pipeline, target) == [(version,)]


def test_the_server_is_killed_in_mid_stream(
    mlserver: MLServer, pipeline: PipelineFile, topic: Topic, target: psycopg.Connection, subscribe: Subscribe
) -> None:
    served(pipeline, mlserver, "by-column", COLUMNS)
    topic.write(flower(i) for i in range(500))
    subscriber = subscribe()
    pipeline.wait_for(target, 500)

    mlserver.kill()
    topic.write(flower(i) for i in range(500, 1000))
    wait_until("noticing", lambda: subscriber.waits_for("model API cannot be reached"))
    mlserver.restart()

    pipeline.wait_for(target, 1000, 60)
    assert subscriber.stop() == 0
    pipeline.assert_exactly_once(target, range(1000))
    assert pipeline.dead(target) == []


def test_text_goes_in_and_out(
    mlserver: MLServer, pipeline: PipelineFile, topic: Topic, target: psycopg.Connection, subscribe: Subscribe
) -> None:
    served(pipeline, mlserver, "words", COLUMNS)
    start, end = pipeline.text.index("[[features]]"), pipeline.text.index("# which columns of the row")
    features = '[[features]]\ncolumn = "shop"\ndatatype = "BYTES"\n\n[[features]]\ncolumn = "sepal_length"\n\n'
    pipeline.text = pipeline.text[:start] + features + pipeline.text[end:]
    pipeline.replace('predict = "iris_class"', 'predict = "direction"')
    create = pipeline.path.parent / "iris.sql"
    create.write_text(create.read_text().replace("iris_class int", "direction text"))
    schema = {**SCHEMA, "fields": [*SCHEMA["fields"], {"type": "string", "optional": True, "field": "shop"}]}
    topic.write((flower(i, shop=("north", "südlich")[i % 2]) for i in range(60)), schema=schema)

    subscribe()
    pipeline.wait_for(target, 60)

    found = target.execute(f"select source_id, direction from {pipeline.table} order by 1").fetchall()
    assert found == [(i, ("aufwärts", "abwärts")[i % 2]) for i in range(60)]


def test_probabilities_come_when_they_are_named(
    mlserver: MLServer, pipeline: PipelineFile, topic: Topic, target: psycopg.Connection, subscribe: Subscribe
) -> None:
    served(pipeline, mlserver, "by-column", COLUMNS)
    pipeline.replace('predict = "iris_class"', 'predict = "iris_class"\npredict_proba = "probabilities"')
    create = pipeline.path.parent / "iris.sql"
    create.write_text(create.read_text().replace("iris_class int", "iris_class int, probabilities float8[]"))
    topic.write(flower(i) for i in range(90))

    subscribe()
    pipeline.wait_for(target, 90)

    found = target.execute(f"select iris_class, probabilities from {pipeline.table} order by source_id").fetchall()
    assert [species for species, _ in found] == [i % 3 for i in range(90)]
    for species, shares in found:
        assert len(shares) == 3
        assert sum(shares) == pytest.approx(1)
        assert max(shares) == shares[species]


def test_a_model_that_is_being_loaded_is_waited_for(
    moody: MLServer,
    tmp_path: Path,
    pipeline: PipelineFile,
    topic: Topic,
    target: psycopg.Connection,
    subscribe: Subscribe,
) -> None:
    # given a server that tells of its model already, and refuses rows as it refuses bad ones
    log_of_lengths(pipeline, moody)
    url = f"{moody.address}/v2/models/moody"
    wait_until("its name", lambda: requests.get(url, timeout=5).ok)
    refused = requests.post(f"{url}/infer", json={"inputs": []}, timeout=5)
    assert (refused.status_code, refused.json()["error"]) == (400, "Model moody is not ready yet.")
    # few rows: too few to see by their number alone that the server is at fault
    topic.write([flower(1)])

    subscriber = subscribe()
    wait_until("saying so", lambda: subscriber.waits_for("the model is not ready"))
    (tmp_path / "gate").touch()

    pipeline.wait_for(target, 1)
    assert pipeline.dead(target) == []


def test_rows_that_crash_the_model_or_have_no_prediction_become_dead_letters(
    moody: MLServer,
    tmp_path: Path,
    pipeline: PipelineFile,
    topic: Topic,
    target: psycopg.Connection,
    subscribe: Subscribe,
) -> None:
    (tmp_path / "gate").touch()
    wait_until("the model", lambda: requests.get(f"{moody.address}/v2/models/moody/ready", timeout=5).ok)
    log_of_lengths(pipeline, moody)
    changes = {5: 13.0, 9: -1.0}
    topic.write((flower(i, sepal_length=changes.get(i, 1.0)) for i in range(40)), partition=0)

    subscribe()
    pipeline.wait_for(target, 38)

    found = {(cause, detail) for cause, detail, *_ in pipeline.dead(target)}
    assert found == {
        ("model_failed", "model API answers 500: ValueError: unlucky"),
        ("refused_by_model", "the model gives no value for this row"),
    }


def test_a_model_that_is_not_there_stops_the_stream(
    mlserver: MLServer, pipeline: PipelineFile, subscribe: Subscribe
) -> None:
    served(pipeline, mlserver, "roses", COLUMNS)

    subscriber = subscribe()

    assert subscriber.wait() == 2
    assert "404: Model roses not found" in subscriber.tail()[-1]
    assert "check model.url and model.version" in subscriber.tail()[-1]


def test_an_output_that_is_not_there_stops_the_stream(
    mlserver: MLServer, pipeline: PipelineFile, topic: Topic, target: psycopg.Connection, subscribe: Subscribe
) -> None:
    served(pipeline, mlserver, "by-column", COLUMNS)
    pipeline.replace('predict = "iris_class"', 'species = "iris_class"')
    topic.write([flower(1)])

    subscriber = subscribe()

    assert subscriber.wait() == 2
    assert "without output species (it has: predict), and asked for it: model API answers 400" in subscriber.tail()[-1]
    assert pipeline.count(target) == 0
    assert pipeline.dead(target) == []


def log_of_lengths(pipeline: PipelineFile, server: MLServer) -> None:
    """Have moody.py predict: the logarithm of a flower's sepal length."""
    served(pipeline, server, "moody", MATRIX)
    pipeline.replace('predict = "iris_class"', 'log = "iris_class"')
    create = pipeline.path.parent / "iris.sql"
    create.write_text(create.read_text().replace("iris_class int", "iris_class float8"))
