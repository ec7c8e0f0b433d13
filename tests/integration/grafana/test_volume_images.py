"""Every query of the images' dashboard at a million images: none reads a whole table, and each says what is so."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from api.monitoring.database import Database
from api.monitoring.reference import Bins, Categories, ReferenceDistribution
from tests.recording import monitoring_database
from tests.unit.grafana.macros import Range, expand
from tests.unit.grafana.provisioned import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers
    from tests.unit.grafana.provisioned import Query

NAME = "images_volume"
# as twelve a second make them in a day
IMAGES = 1_000_000
STEP_SECONDS = 0.0864
LABELLED_EVERY = 3
# for a machine that is busy with other things
MOST_SECONDS = 20.0
TABLES = ("images", "image_labels")
OLD, NEW = "00000000000a", "00000000000b"
TRAINED = {str(digit): 130 + digit for digit in range(10)}
QUERIES = {query.name.removeprefix("images: "): query for query in sql() if query.name.startswith("images: ")}

# twice as many zeros as others, every tenth image unsure; the old version is wrong each fifth time, the new one when it
# is unsure; half of the day is each version's
LOAD = f"""
    insert into images (prediction_id, request_id, received_at, latency_ms, model_version, predicted_class, confidence,
      content_type, size_bytes, width, height, object_key)
    select gen_random_uuid(), gen_random_uuid(), now() - i * interval '{STEP_SECONDS} s', 5 + i % 7,
      case when i > {IMAGES // 2} then '{OLD}' else '{NEW}' end, greatest(i % 11 - 1, 0),
      case when i % 10 = 0 then 0.4 else 0.97 end, 'image/png', 2000, 64, 64, 'class_00/x.png'
    from generate_series(1, {IMAGES}) as i"""
LABEL = f"""
    insert into image_labels (prediction_id, label)
    select prediction_id, (predicted_class + case
      when id % case when model_version = '{OLD}' then 5 else 10 end = 0 then 1 else 0 end) % 10
    from images where id % {LABELLED_EVERY} = 0"""


@pytest.fixture(scope="module")
def volume(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A monitoring database with a million images of the last day, a third labelled; removed at the end."""
    with monitoring_database(stack, NAME, tmp_path_factory.mktemp(NAME)) as database:
        first = Database.open(database.dsn, 30)
        for version in (OLD, NEW):
            first.register(
                ReferenceDistribution(
                    version,
                    {},
                    {
                        "predicted_class": Categories(TRAINED),
                        "confidence": Bins((0.5, 0.9), (10, 100, 1235), 0.2, 1.0),
                    },
                )
            )
        first.close()
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            connection.execute(LOAD.encode())
            connection.execute(LABEL.encode())
            for table in TABLES:
                connection.execute(f"vacuum analyze {table}".encode())
            yield connection


def rows(connection: psycopg.Connection, query: Query, span: timedelta) -> list[tuple[Any, ...]]:
    return connection.execute(expand(query.text, Range.last(span)).encode()).fetchall()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("span", [timedelta(hours=1), timedelta(days=1)], ids=["1 hour", "1 day"])
@pytest.mark.parametrize("name", QUERIES)
def test_no_table_is_read_from_end_to_end(name: str, span: timedelta, volume: psycopg.Connection) -> None:
    statement = expand(QUERIES[name].text, Range.last(span))
    plan = [line for (line,) in volume.execute(f"explain {statement}".encode())]
    started = time.monotonic()
    assert rows(volume, QUERIES[name], span)
    taken = time.monotonic() - started

    print(f"{name}, last {span}: {taken:.2f} s")
    assert taken < MOST_SECONDS
    assert not any(f"Seq Scan on {table}" in line for line in plan for table in TABLES), plan


def test_the_numbers_are_those_of_the_images(volume: psycopg.Connection) -> None:
    hour = timedelta(hours=1)

    def number(name: str) -> float:
        ((value,),) = rows(volume, QUERIES[name], hour)
        return float(value)

    assert number("Answers kept") == pytest.approx(3600 / STEP_SECONDS, rel=0.2)
    assert number("Accuracy") == pytest.approx(0.9, abs=0.01)
    assert number("Labelled") == pytest.approx(1 / LABELLED_EVERY, abs=0.01)
    # zeros are 2 of 11, the others 1 of 11 each, against 10 shares of a tenth or so
    assert 0.03 < number("Drift of the classes") < 0.15


def test_the_shares_of_the_classes_stand_beside_those_of_training(volume: psycopg.Connection) -> None:
    shares = rows(volume, QUERIES["Classes against training"], timedelta(hours=1))

    assert [line[0] for line in shares] == [str(digit) for digit in range(10)]
    for digit, images, share, trained, difference in shares:
        assert images == pytest.approx(10_000 * (2 if digit == "0" else 1) / 11, abs=2)
        assert share == pytest.approx(images / 10_000)
        assert trained == pytest.approx(TRAINED[digit] / sum(TRAINED.values()), abs=1e-6)
        assert difference == pytest.approx(share - trained)


def test_each_model_version_has_its_own_accuracy(volume: psycopg.Connection) -> None:
    day = rows(volume, QUERIES["Accuracy by model version"], timedelta(days=1))

    found: dict[str, list[float]] = {OLD: [], NEW: []}
    for _, version, accuracy in day:
        found[version].append(accuracy)
    assert all(value == pytest.approx(0.8, abs=0.02) for value in found[OLD][:-1])
    assert all(value == pytest.approx(0.9, abs=0.02) for value in found[NEW][1:])
    assert min(map(len, found.values())) > 10


def test_confidence_is_told_in_bins_with_what_was_right(volume: psycopg.Connection) -> None:
    unsure, sure = rows(volume, QUERIES["Confidence, and how often it was right"], timedelta(hours=1))

    assert (unsure[0], sure[0]) == ("under 50 %", "95 to 99 %")
    assert (unsure[2], sure[2]) == (pytest.approx(0.1, abs=0.001), pytest.approx(0.9, abs=0.001))
    assert (unsure[3], sure[3]) == (pytest.approx(0.4), pytest.approx(0.97))
    assert (unsure[5], sure[5]) == (0, 1)
