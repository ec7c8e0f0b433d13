"""What people say is in an image: in the database and on the object, both or neither."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from api.feedback.cli import app
from api.training import digits
from tests.images import digits_models, encoded, picture
from tests.production import archive, production_archive  # noqa: F401 (fixtures)
from tests.recording import monitoring_database
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.api.conftest import Api
    from tests.production import Archive
    from tests.recording import MonitoringDatabase
    from tests.servers import Servers

UNKNOWN = "0198f2c4-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def digits_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the digits model, to be read only."""
    return digits_models(tmp_path_factory.mktemp("digits"))


@dataclass(frozen=True)
class Labelling:
    """A running API with an archive and a monitoring database of the test's own."""

    client: httpx.Client
    archive: Archive
    monitoring: MonitoringDatabase

    def answered(self) -> str:
        """Send an image; return its prediction's id."""
        row = digits.training_and_held_out()[1].rows[0]
        answer = self.client.post("/images", files={"file": ("digit.png", encoded(picture(row)), "image/png")})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["prediction_id"])

    def put(self, prediction_id: str, label: object) -> httpx.Response:
        return self.client.put(f"/images/{prediction_id}/label", json={"label": label})

    def object_of(self, prediction_id: str) -> str | None:
        keys = [key for key, _ in self.archive.store.objects() if prediction_id in key]
        return keys[0] if keys else None

    def tag(self, prediction_id: str) -> str | None:
        """The object's label."""
        key = self.object_of(prediction_id)
        assert key is not None
        return self.archive.store.tags(key).get("label")

    def row(self, prediction_id: str) -> int | None:
        """The label in the database."""
        with psycopg.connect(self.monitoring.dsn) as connection:
            row = connection.execute(
                "select label from image_labels where prediction_id = %s", [prediction_id]
            ).fetchone()
        return int(row[0]) if row else None


@pytest.fixture(scope="module")
def labelling_api(
    production_archive: Archive,  # noqa: F811
    stack: Servers,
    digits_dir: Path,
    new_api: type[Api],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Labelling]:
    """Give the API of these tests, with a monitoring database that is theirs alone."""
    folder = tmp_path_factory.mktemp("labelling")
    with monitoring_database(stack, f"t{uuid.uuid4().hex[:12]}", folder / "spill") as monitoring:
        database = {name: value for name, value in monitoring.environment().items() if name.startswith("MONITORING_")}
        server = new_api(folder, digits_dir, None, **production_archive.environment, **database)
        try:
            wait_until("the API", server.ready, 90)
            with httpx.Client(base_url=server.url, timeout=30) as client:
                yield Labelling(client, production_archive, monitoring)
            assert "Traceback" not in server.log(), server.log()
        finally:
            server.process.kill()
            server.process.wait()


@pytest.fixture
def labelling(archive: Archive, labelling_api: Labelling, stack: Servers) -> Labelling:  # noqa: F811
    if not stack.target.running:
        stack.target.restart()
    wait_until("the tables", lambda: labelling_api.put(UNKNOWN, 7).status_code == 404, 90)
    return labelling_api


def test_a_label_is_in_both_places_and_a_later_one_replaces_it(labelling: Labelling) -> None:
    prediction_id = labelling.answered()

    # at once, as whoever has the answer may; and again
    for label in (7, 7, 3):
        answer = labelling.put(prediction_id, label)
        assert (answer.status_code, answer.json()) == (200, {"prediction_id": prediction_id, "label": label})

    wait_until("the object", lambda: labelling.object_of(prediction_id) is not None)
    assert (labelling.tag(prediction_id), labelling.row(prediction_id)) == ("3", 3)
    # beside what it was tagged with before
    key = labelling.object_of(prediction_id)
    assert key is not None
    tags = labelling.archive.store.tags(key)
    assert {"predicted_class", "confidence", "timestamp", "model_version"} < tags.keys()
    # and the commands judge the answer by it
    judged = CliRunner().invoke(app(), ["evaluate", "--json"], env=labelling.archive.environment)
    (version,) = json.loads(judged.stdout)["versions"]
    assert (version["model_version"], version["images"], version["labelled"]) == (tags["model_version"], 1, 1)
    assert version["confusion"][3][int(tags["predicted_class"])] == 1


def test_what_is_no_label_or_no_prediction_is_refused(labelling: Labelling) -> None:
    prediction_id = labelling.answered()

    for wrong in (10, -1, "7", 7.5, True, None, [7]):
        answer = labelling.put(prediction_id, wrong)
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["field"] == "label"
    beside = labelling.client.put(f"/images/{prediction_id}/label", json={"label": 7, "class": 7})
    assert beside.status_code == 422
    assert beside.json()["errors"][0]["field"] == "class"
    for unknown in (UNKNOWN, "4d6a9b0e-7a63-4e54-9c8f-5d8f4f0a2b11", "no-id", "%00"):
        assert labelling.put(unknown, 7).status_code == 404, unknown
    assert labelling.row(prediction_id) is None


def test_an_object_that_was_removed_is_not_labelled(labelling: Labelling) -> None:
    prediction_id = labelling.answered()
    wait_until("the object", lambda: labelling.object_of(prediction_id) is not None)
    labelling.archive.empty()

    answer = labelling.put(prediction_id, 7)

    assert answer.status_code == 404
    assert "not in the archive" in answer.json()["detail"]
    assert labelling.row(prediction_id) is None


def test_a_store_that_is_away_leaves_no_label_anywhere(labelling: Labelling) -> None:
    # given an image in the store
    prediction_id = labelling.answered()
    wait_until("the object", lambda: labelling.object_of(prediction_id) is not None)
    assert labelling.put(prediction_id, 4).status_code == 200

    labelling.archive.server.kill()
    answer = labelling.put(prediction_id, 7)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert labelling.row(prediction_id) == 4

    # and sent again it is in both
    labelling.archive.server.restart()
    wait_until("the label", lambda: labelling.put(prediction_id, 7).status_code == 200)
    assert (labelling.tag(prediction_id), labelling.row(prediction_id)) == ("7", 7)


def test_an_image_that_waits_for_the_store_is_labelled_on_its_way(labelling: Labelling) -> None:
    labelling.archive.server.kill()
    prediction_id = labelling.answered()

    # being tried it cannot be changed; between the tries it can
    wait_until("the label", lambda: labelling.put(prediction_id, 5).status_code == 200)

    labelling.archive.server.restart()
    wait_until("the object", lambda: labelling.object_of(prediction_id) is not None)
    assert (labelling.tag(prediction_id), labelling.row(prediction_id)) == ("5", 5)


def test_a_database_that_is_away_leaves_no_label_anywhere(labelling: Labelling, stack: Servers) -> None:
    prediction_id = labelling.answered()
    wait_until("the object", lambda: labelling.object_of(prediction_id) is not None)
    assert labelling.put(prediction_id, 4).status_code == 200

    stack.target.kill()
    answer = labelling.put(prediction_id, 7)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert labelling.tag(prediction_id) == "4"
    stack.target.restart()
    wait_until("the label", lambda: labelling.put(prediction_id, 7).status_code == 200)
    assert (labelling.tag(prediction_id), labelling.row(prediction_id)) == ("7", 7)


def test_labels_at_the_same_moment_leave_one_in_both_places(labelling: Labelling) -> None:
    prediction_id = labelling.answered()
    wait_until("the object", lambda: labelling.object_of(prediction_id) is not None)
    statuses: list[int] = []

    def label(number: int) -> None:
        statuses.append(labelling.put(prediction_id, number).status_code)

    for _ in range(3):
        threads = [threading.Thread(target=label, args=[number]) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert str(labelling.row(prediction_id)) == labelling.tag(prediction_id)

    assert set(statuses) == {200}
