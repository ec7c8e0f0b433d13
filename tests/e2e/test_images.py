"""Images of the archive, named by rows of a table, to predictions: references go through Kafka, never images."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from confluent_kafka import Consumer

from data_generator.images.source import DigitImages
from stack.servers import archive_store
from stack.settings import ROOT
from tests.stream import SubscriberProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers

PIPELINE = ROOT / "subscriber" / "pipelines" / "images.toml"
TOPIC = "postgres-source-image_event"
IMAGES = 60


def _send(services: Services, count: int) -> None:
    options = ("--count", str(count), "--rate", "0", "--drift", "0.3", "--events", "1")
    services.run("images", "data_generator", "images", *options)


def _put(stack: Servers, key: str, data: bytes) -> None:
    """Put an object in the archive's bucket, as any other program may."""
    store = archive_store(stack.settings)
    client = store.client()
    client.put_object(Bucket=store.bucket, Key=key, Body=data)
    client.close()


def _insert(source: psycopg.Connection, keys: Iterable[str]) -> None:
    with source.cursor() as cursor:
        cursor.executemany("insert into image_event (object_key) values (%s)", [(key,) for key in keys])


@pytest.fixture
def source(settings: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(settings.source_dsn(), autocommit=True) as connection:
        yield connection


def _messages(settings: Settings, count: int) -> list[bytes]:
    """The values of the topic's first messages."""
    configuration: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "group.id": uuid.uuid4().hex,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(configuration)
    consumer.subscribe([TOPIC])
    found: list[bytes] = []

    def read() -> bool:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            found.append(message.value() or b"")
        return len(found) >= count

    wait_until(f"{count} messages", read, 60)
    consumer.close()
    return found


def test_an_archived_image_is_predicted_from_its_reference(
    api: str,
    services: Services,
    settings: Settings,
    stack: Servers,
    source: psycopg.Connection,
    target: psycopg.Connection,
) -> None:
    # given images that were archived before the table was added to the stream
    services.first_row()
    services.register()
    _send(services, IMAGES // 2)
    services.run("add", "connectors", "add", "--table", "public.image_event")
    subscriber = SubscriberProcess(PIPELINE, services.environment, stack.folder, 0)
    try:
        # when more come, and rows that name nothing, and what is no image
        _send(services, IMAGES - IMAGES // 2)
        odd = [f"class_03/{uuid.uuid4()}.png", f"incoming/{uuid.uuid4()}.png"]
        _put(stack, odd[1], b"this is no image")
        _insert(source, odd)
        events = source.execute(
            "select id, object_key from image_event where object_key <> all(%s) order by id", [odd]
        ).fetchall()

        # then each has one prediction, the one that its sender was answered
        def predicted() -> list[tuple[Any, ...]]:
            query = (
                "select image_event_id, predicted_class, confidence, model_version from image_prediction"
                " order by image_event_id, id"
            )
            try:
                return target.execute(query).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

        def dead() -> list[str]:
            query = "select detail from dead_letter where pipeline = 'images' order by id"
            return [detail for (detail,) in target.execute(query)]

        wait_until("a prediction for each image", lambda: len(predicted()) >= len(events), 90)
        wait_until("a dead letter for each of the odd rows", lambda: len(dead()) == len(odd))
        assert [row[0] for row in predicted()] == [event[0] for event in events]
        with psycopg.connect(settings.monitoring_reader_dsn()) as monitoring:
            rows = monitoring.execute(
                "select object_key, predicted_class, confidence, model_version from images"
            ).fetchall()
        answered = {key: rest for key, *rest in rows}
        for (_, key), (_, digit, confidence, version) in zip(events, predicted(), strict=True):
            assert [digit, version] == [answered[key][0], answered[key][2]]
            assert confidence == pytest.approx(answered[key][1], abs=1e-9)
        assert all(any(key in detail for detail in dead()) for key in odd)

        # and images that somebody else has put in the store are predicted too, once it is back from an outage
        images = {f"incoming/{uuid.uuid4()}{image.format.extension}": image for image in DigitImages(seed=1).take(20)}
        for key, image in images.items():
            _put(stack, key, image.data)
        stack.archive.kill()
        _insert(source, images)
        wait_until("the subscriber waits", lambda: subscriber.health().get("waiting"))
        stack.archive.restart()
        wait_until("the others' predictions", lambda: len(predicted()) == len(events) + len(images), 90)
        meant = [image.meant for image in images.values()]
        right = sum(row[1] == digit for row, digit in zip(predicted()[len(events) :], meant, strict=True))
        assert right >= 0.8 * len(images)
        assert len(dead()) == len(odd)

        # and what went through Kafka are names
        for value in _messages(settings, len(events)):
            payload = json.loads(value)["payload"]
            assert payload.keys() == {"id", "object_key", "created_at"}
            assert len(value) < 4000
        assert subscriber.stop() == 0
    finally:
        subscriber.end()
