"""Rows that name archived images, through Kafka and the model server that fetches them, on the real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from api.training import digits
from stack.settings import ROOT
from tests.images import ImageApi, digits_models, encoded, picture
from tests.stream import SubscriberProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from stack.settings import Settings
    from tests.servers import Servers
    from tests.stream import Topic

_, HELD_OUT = digits.training_and_held_out()
ROWS = 250
SCHEMA: dict[str, Any] = {
    "type": "struct",
    "fields": [
        {"field": "id", "type": "int64", "optional": False},
        {"field": "object_key", "type": "string", "optional": True},
        {"field": "created_at", "type": "string", "name": "io.debezium.time.ZonedTimestamp", "optional": True},
    ],
}


@pytest.fixture
def image_api(tmp_path: Path) -> Iterator[ImageApi]:
    api = ImageApi(tmp_path, digits_models(tmp_path / "models"))
    yield api
    api.close()


def test_each_row_has_the_answer_to_its_image_though_the_store_was_away(
    image_api: ImageApi,
    topic: Topic,
    name: str,
    settings: Settings,
    stack: Servers,
    target: psycopg.Connection,
    tmp_path: Path,
) -> None:
    # Given the shipped pipeline, with a topic, group and table of the test's own
    shipped, table = ROOT / "subscriber" / "pipelines", f"{name}_prediction"
    text = (shipped / "images.toml").read_text().replace('"images"', f'"{name}"').replace("${API_URL}", image_api.url)
    for old in ("postgres-source-image_event", "image-event-consumer-group"):
        text = text.replace(old, topic.name)
    (tmp_path / "pipeline.toml").write_text(text.replace('"image_prediction"', f'"{table}"'))
    (tmp_path / "images.sql").write_text((shipped / "images.sql").read_text().replace("image_prediction", table))

    # And images in the store, whose rows name them; beside them a key of nothing, one of no digit, and none at all
    keys: list[str | None] = [f"in/{number}.png" for number in range(ROWS)]
    for number, key in enumerate(keys):
        image_api.archive.put(str(key), encoded(picture(HELD_OUT.rows[number], 40)))
    image_api.archive.put("in/blank.png", encoded(Image.new("L", (9, 9))))
    odd: dict[int, tuple[str | None, str]] = {
        60: ("in/none.png", "'in/none.png', there is no such object"),
        61: ("in/blank.png", "nothing is drawn"),
        130: (None, "object_key"),
    }
    rows = [
        {"id": i, "object_key": odd[i][0] if i in odd else keys[i], "created_at": "2026-03-01T10:30:00Z"}
        for i in range(ROWS)
    ]
    image_api.archive.away = True
    topic.write(rows, schema=SCHEMA)

    subscriber = SubscriberProcess(tmp_path / "pipeline.toml", settings.environment(), stack.folder, 0)
    try:
        # When the store is away, then the rows wait, and none is given up
        wait_until("it waits for the model", lambda: subscriber.waits_for("503"))
        assert target.execute(f"select count(*) from {table}").fetchone() == (0,)

        # When it is back, then each row has one answer, and each of the others a dead letter that says why
        image_api.archive.away = False

        def answers() -> list[tuple[Any, ...]]:
            query = f"select image_event_id, predicted_class, confidence, model_version from {table} order by 1, id"
            return target.execute(query).fetchall()

        def dead() -> list[str]:
            query = "select detail from dead_letter where pipeline = %s"
            return [detail for (detail,) in target.execute(query, [name])]

        wait_until("an answer to each row", lambda: len(answers()) >= ROWS - len(odd), 90)
        wait_until("a dead letter for each of the others", lambda: len(dead()) >= len(odd), 30)
        given = answers()
        assert [row[0] for row in given] == [i for i in range(ROWS) if i not in odd]
        right = sum(predicted == HELD_OUT.classes[number] for number, predicted, _, _ in given)
        assert right / len(given) > 0.95
        assert all(0 < confidence <= 1 for _, _, confidence, _ in given)
        assert len({version for *_, version in given}) == 1
        for _, words in odd.values():
            assert any(words in detail for detail in dead()), dead()
        assert subscriber.stop() == 0
    finally:
        subscriber.end()
