"""An answered image becomes a row, once, as answers to applications do, and is found by its prediction's id."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.rows import dict_row

from api.monitoring.database import Database
from api.monitoring.errors import DatabaseAway
from api.monitoring.image_rows import ImageRows
from api.monitoring.images import KeptImage
from api.monitoring.records import waiting
from api.monitoring.spill import Spill
from tests.recording import answer, image
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from api.images.ports import RecordedImage
    from api.monitoring.recorder import Recorder
    from tests.recording import MonitoringDatabase
    from tests.servers import Servers

    Start = Callable[..., Recorder]


def rows(monitoring: MonitoringDatabase) -> dict[str, dict[str, Any]]:
    """Every row of the images, by the prediction's id; none before the table is made."""
    with psycopg.connect(monitoring.dsn, row_factory=dict_row) as connection:
        try:
            found = connection.execute("select * from images").fetchall()
        except psycopg.errors.UndefinedTable:
            return {}
    assert len({row["prediction_id"] for row in found}) == len(found)
    return {str(row["prediction_id"]): row for row in found}


def stored(monitoring: MonitoringDatabase, *images: RecordedImage) -> None:
    """The rows of images, written at once."""
    database = Database.open(monitoring.dsn, 5)
    try:
        database.write([waiting(KeptImage(one)) for one in images])
    finally:
        database.close()


def test_an_image_is_a_row_with_all_that_is_known_of_it(monitoring: MonitoringDatabase, recorder: Start) -> None:
    made = [image(i) for i in range(5)]
    recording = recorder()

    for one in made:
        recording.record_image(one)

    wait_until("the rows", lambda: len(rows(monitoring)) == len(made))
    found = rows(monitoring)
    for one in made:
        row = found[one.prediction_id]
        texts = {name: str(row[name]) for name in ("prediction_id", "request_id")}
        assert {name: row[name] for name in dataclasses.asdict(one)} | texts == dataclasses.asdict(one)


def test_images_and_answers_share_one_batch_and_one_file(
    monitoring: MonitoringDatabase, recorder: Start, stack: Servers
) -> None:
    # given a server that is away, and both kinds in turn
    stack.target.kill()
    images, answers = [image(i) for i in range(300)], [answer(i) for i in range(300)]
    before = recorder()
    for one, other in zip(images, answers, strict=True):
        before.record_image(one)
        before.record(other)
    before.close()
    assert monitoring.files()

    # when it is back, and another process finds the file
    stack.target.restart()
    recorder()

    wait_until("every answer", lambda: monitoring.holds([one.request_id for one in answers]))
    wait_until("every image", lambda: rows(monitoring).keys() == {one.prediction_id for one in images})
    wait_until("no file", lambda: not monitoring.files())


def test_a_file_of_the_version_before_is_read(monitoring: MonitoringDatabase, recorder: Start) -> None:
    # given a line as it was when answers to applications were all there was
    one = answer(1)
    fields = dataclasses.asdict(one) | {"received_at": datetime.now(UTC).isoformat()}
    spill = Spill(monitoring.folder, 1_000_000)
    spill.append([json.dumps({"answer_id": str(uuid.uuid4()), "answer": fields}).encode()])
    spill.close()

    recorder()

    wait_until("its row", lambda: monitoring.holds([one.request_id]))


def test_an_image_that_no_table_takes_keeps_no_other_back(monitoring: MonitoringDatabase, recorder: Start) -> None:
    good = [image(i) for i in range(20)]
    unfit = [
        dataclasses.replace(image(1), prediction_id="not-a-uuid"),
        dataclasses.replace(image(1), model_version="a\0b"),
        dataclasses.replace(image(1), width=2**40),
    ]
    recording = recorder()

    for one in (*good[:10], *unfit, *good[10:]):
        recording.record_image(one)

    wait_until("the good ones", lambda: rows(monitoring).keys() == {one.prediction_id for one in good})
    wait_until("the count", lambda: recording.metrics.dropped.labels("refused")._value.get() == len(unfit))


def test_a_prediction_is_found_by_its_id(monitoring: MonitoringDatabase) -> None:
    one = image(1)
    stored(monitoring, one)
    index = ImageRows(monitoring.recorder_settings())

    assert index.find(one.prediction_id) == one.object_key
    assert index.find(one.prediction_id.upper()) == one.object_key
    for unknown in (str(uuid.uuid4()), "no id", "", "\0"):
        assert index.find(unknown) is None


def test_a_prediction_of_just_now_is_waited_for(monitoring: MonitoringDatabase) -> None:
    stored(monitoring)
    one = image(1)
    index = ImageRows(monitoring.recorder_settings())
    found: list[str | None] = []
    looking = threading.Thread(target=lambda: found.append(index.find(one.prediction_id)))

    looking.start()
    stored(monitoring, one)
    looking.join()

    assert found == [one.object_key]


def test_a_row_that_waits_in_the_file_is_not_said_to_be_unknown(
    monitoring: MonitoringDatabase, recorder: Start, stack: Servers
) -> None:
    # given an image that was answered while the database was away, some time ago
    recording = recorder(monitoring_batch_interval_seconds=0.5)
    wait_until("a connection", lambda: recording.metrics.connected._value.get() == 1)
    stack.target.kill()
    one = image(1)
    recording.record_image(one)
    wait_until("the file", lambda: recording.metrics.spilled._value.get() == 1)
    index = ImageRows(monitoring.recorder_settings(), recording.still_waits)

    # then it is away at first, and never unknown
    with pytest.raises(DatabaseAway):
        index.find(one.prediction_id)
    stack.target.restart()
    deadline = time.monotonic() + 30
    while (found := told(index, one.prediction_id)) == "away":
        assert time.monotonic() < deadline
    assert found == one.object_key


def told(index: ImageRows, prediction_id: str) -> str | None:
    try:
        return index.find(prediction_id)
    except DatabaseAway:
        return "away"


def test_a_label_is_stored_with_the_block_and_the_latest_counts(monitoring: MonitoringDatabase) -> None:
    one = image(1)
    stored(monitoring, one)
    rows_ = ImageRows(monitoring.recorder_settings())

    with rows_.labelling(one.prediction_id, 4) as object_key:
        assert object_key == one.object_key
        assert labels(monitoring) == []
    assert labels(monitoring) == [(one.prediction_id, 4, one.predicted_class == 4)]

    with pytest.raises(RuntimeError), rows_.labelling(one.prediction_id, 5):
        raise RuntimeError
    assert labels(monitoring)[0][1] == 4

    with rows_.labelling(one.prediction_id, 6):
        pass
    assert labels(monitoring)[0][1] == 6


def labels(monitoring: MonitoringDatabase) -> list[tuple[str, int, bool]]:
    with psycopg.connect(monitoring.dsn) as connection:
        return connection.execute("select prediction_id::text, label, correct from labelled_images").fetchall()
