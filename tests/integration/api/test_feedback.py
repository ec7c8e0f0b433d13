"""What the commands say of an archive, and what they learn from it, on a real store."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from api.feedback.cli import app
from api.feedback.split import held_out
from api.model import artifact, history
from api.training import digits
from tests.commands import finished
from tests.images import digits_models
from tests.production import archive, production_archive  # noqa: F401 (fixtures)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from api.training.digits import LabelledDigits
    from tests.production import Archive


@pytest.fixture(scope="module")
def trained_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the digits model, to be read only."""
    return digits_models(tmp_path_factory.mktemp("digits"))


@dataclass(frozen=True)
class Production:
    """An archive, and the models whose answers it has."""

    archive: Archive
    models_dir: Path

    @property
    def served(self) -> str:
        version = artifact.current_version(self.models_dir, digits.NAME)
        assert version is not None
        return version

    @property
    def environment(self) -> dict[str, str]:
        return self.archive.environment | {"MODELS_DIR": str(self.models_dir), "API_URL": "http://127.0.0.1:8000/"}

    def answered(self, name: object, cells: Any, answer: int, label: int | None, confidence: float = 0.9) -> str:
        """Archive an answer of the served version; return its prediction's id."""
        return self.archive.put(cells, answer, label, confidence=confidence, version=self.served, name=name)

    def run(self, *arguments: str, status: int = 0, **more: str) -> Result:
        """Run a verb to its end, which must be with this status."""
        done = CliRunner().invoke(app(), arguments, env=self.environment | more)
        assert done.exit_code == status, (done.stdout, done.stderr, done.exception)
        return done

    def json(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*arguments, "--json", status=status).stdout)
        return found


@pytest.fixture
def production(archive: Archive, trained_digits: Path, tmp_path: Path) -> Production:  # noqa: F811
    shutil.copytree(trained_digits, tmp_path / "models")
    return Production(archive, tmp_path / "models")


def on_their_side(data: LabelledDigits, count: int) -> Iterator[tuple[Any, int]]:
    """Digits that were turned, which the data set does not have, and what they are."""
    for row, truth in zip(data.rows[:count], data.classes[:count], strict=True):
        yield np.rot90(row.reshape(8, 8)), int(truth)


def test_answers_are_judged_by_their_labels(production: Production) -> None:
    # given four labelled answers, one of them wrong, one without a label, and an object of somebody else
    data, _ = digits.training_and_held_out()
    for number, (answer, label) in enumerate([(7, 7), (7, 1), (3, 3), (0, 0), (5, None)]):
        production.answered(number, data.rows[number], answer, label, confidence=0.9 + number / 100)
    production.archive.store.put("notes.txt", b"mine", "text/plain", {})

    found = production.json("evaluate")

    (version,) = found["versions"]
    assert found["other_objects"] == 1
    assert (version["model_version"], version["images"], version["labelled"]) == (production.served, 5, 4)
    assert version["accuracy"]["value"] == 0.75
    assert version["accuracy"]["low"] < 0.75 < version["accuracy"]["high"]
    assert version["confusion"][1][7] == version["confusion"][7][7] == 1
    # 0.90, 0.91, 0.92, 0.93 were said, and three of four were right
    assert version["calibration_error"] == pytest.approx(0.915 - 0.75)
    # beside what the version's description tells of its test set
    described = artifact.load(production.models_dir, digits.NAME, production.served).description.metrics
    assert version["test"]["accuracy"] == described.accuracy
    assert version["test"]["rows"] == described.held_out_rows == 450
    assert f"0.989 of {described.held_out_rows}" in production.run("evaluate").stdout


def test_an_archive_without_labels_is_said_to_be_so(production: Production) -> None:
    production.answered(1, digits.training_and_held_out()[0].rows[0], 7, None)

    assert "none of 1 images has a label" in production.run("evaluate", status=1).stderr
    assert "none of 1 images has a label" in production.run("retrain", status=1).stderr
    assert len(production.json("sample")["images"]) == 1


def test_the_least_sure_images_are_labelled_next(production: Production) -> None:
    rows = digits.training_and_held_out()[0].rows
    ids = [production.answered(i, rows[i], i % 2, None, confidence=0.5 + i / 100) for i in range(10)]
    production.answered("labelled", rows[11], 0, 0, confidence=0.1)

    picked = production.json("sample", "--count", "4")["images"]

    assert [one["prediction_id"] for one in picked] == ids[:4]
    assert picked[0]["url"] == f"http://127.0.0.1:8000/images/{ids[0]}"
    assert picked[0]["object_key"] == f"class_00/{ids[0]}.png"
    assert production.run("sample").stdout.splitlines()[0].split() == [
        *(ids[0], "0", "0.500", f"class_00/{ids[0]}.png", f"http://127.0.0.1:8000/images/{ids[0]}"),
    ]


def test_a_better_version_is_served(production: Production) -> None:
    # given digits that lie on their side in production, most of them answered wrongly
    before = production.served
    data, _ = digits.training_and_held_out()
    ids = [production.answered(i, cells, 0, truth) for i, (cells, truth) in enumerate(on_their_side(data, 160))]

    found = production.json("retrain")

    # then it has learnt from three quarters of them, and is better on the others
    measured = sum(map(held_out, ids))
    assert (found["trained_images"], found["production"]["rows"]) == (160 - measured, measured)
    assert found["production"]["candidate"] > found["production"]["served"]
    assert found["verdict"]["better"] is True
    assert (found["installed"], found["candidate"], found["served_before"]) == (True, production.served, before)
    described = artifact.load(production.models_dir, digits.NAME, production.served).description
    assert described.parameters["extra_rows"] == 160 - measured

    # and again there is nothing to learn
    again = production.json("retrain", status=1)
    assert (again["installed"], again["candidate"]) == (False, found["candidate"])
    assert "nothing new" in again["verdict"]["reason"]

    # and the one before is gone back to
    production.run("rollback")
    assert production.served == before


def test_a_version_that_is_no_better_is_not_served_unless_by_force(production: Production) -> None:
    # given digits that the model knows, answered rightly
    before = production.served
    data, _ = digits.training_and_held_out()
    for i in range(80):
        production.answered(i, data.rows[i], int(data.classes[i]), int(data.classes[i]))

    found = production.json("retrain", status=1)

    assert found["installed"] is False
    assert "no better" in found["verdict"]["reason"]
    assert production.served == before
    assert artifact.versions(production.models_dir, digits.NAME) == [before]

    said = production.run("retrain", "--force").stdout
    assert "no better" in said
    assert f"is served now, in place of {before}" in said
    assert production.served != before
    assert "by force" in history.events(production.models_dir, digits.NAME)[-1].reason


def test_too_few_held_out_images_tell_nothing(production: Production) -> None:
    data, _ = digits.training_and_held_out()
    for i, (cells, truth) in enumerate(on_their_side(data, 12)):
        production.answered(i, cells, 0, truth)

    assert "it takes 10 to tell" in production.json("retrain", status=1)["verdict"]["reason"]
    assert (
        "held-out images of production right"
        in production.json("retrain", "--least", "1", status=1)["verdict"]["reason"]
    )


def test_copies_of_held_out_digits_are_not_trained_on(production: Production) -> None:
    _, measured = digits.training_and_held_out()
    ids = [production.answered(i, measured.rows[i], 0, int(measured.classes[i])) for i in range(30)]

    found = production.json("retrain", status=1)

    learnt = sum(not held_out(one) for one in ids)
    assert found["left_out_copies"] + found["trained_images"] == learnt
    # a picture is not always read as the very numbers that it was drawn from
    assert found["left_out_copies"] >= 0.9 * learnt


def test_two_that_retrain_at_once_leave_one_new_version(production: Production) -> None:
    before = production.served
    data, _ = digits.training_and_held_out()
    for i, (cells, truth) in enumerate(on_their_side(data, 160)):
        production.answered(i, cells, 0, truth)
    statuses: list[int] = []

    def retrain() -> None:
        done = finished("api.feedback", "retrain", environment=os.environ | production.environment, seconds=240)
        assert "Traceback" not in done.stderr, done.stderr
        statuses.append(done.returncode)

    threads = [threading.Thread(target=retrain) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # one installed it, the other found it installed
    assert sorted(statuses) == [0, 1]
    assert len(artifact.versions(production.models_dir, digits.NAME)) == 2
    noted = [event.version for event in history.events(production.models_dir, digits.NAME)]
    assert noted == [before, production.served]


def test_an_image_that_cannot_be_read_costs_no_other(production: Production) -> None:
    data, _ = digits.training_and_held_out()
    for i in range(3):
        production.answered(i, data.rows[i], 0, int(data.classes[i]))
    broken = production.answered("broken", data.rows[9], 0, 1)
    store = production.archive.store
    key = f"class_00/{broken}.png"
    store.put(key, b"no image", "image/png", store.tags(key))

    found = production.json("retrain", status=1)

    assert found["unreadable"] == 1
    assert found["trained_images"] + found["production"]["rows"] + found["left_out_copies"] == 3


@pytest.mark.parametrize("verb", ["evaluate", "sample", "retrain"])
def test_what_is_away_or_wrong_is_told(production: Production, verb: str) -> None:
    for more, words in (
        ({"ARCHIVE_ENDPOINT": ""}, "ARCHIVE_ENDPOINT is not set"),
        ({"ARCHIVE_ENDPOINT": "here"}, "ARCHIVE_ENDPOINT: "),
        ({"ARCHIVE_PASSWORD": "wrong"}, "the archive refuses (ARCHIVE_*)"),
        ({"ARCHIVE_BUCKET": "another"}, "the archive refuses (ARCHIVE_*)"),
        ({"ARCHIVE_ENDPOINT": "http://127.0.0.1:9"}, "the archive is away (ARCHIVE_*)"),
    ):
        said = production.run(verb, status=2, **more).stderr
        assert words in said
        assert len(said.splitlines()) == 1


def test_an_archive_that_goes_away_in_the_midst_changes_nothing(production: Production) -> None:
    before = production.served
    data, _ = digits.training_and_held_out()
    for i in range(5):
        production.answered(i, data.rows[i], 0, int(data.classes[i]))

    production.archive.server.kill()

    assert "the archive is away" in production.run("retrain", "--force", status=2).stderr
    assert production.served == before
