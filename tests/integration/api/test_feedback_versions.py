"""Another version is served, and the one before again, while requests go on: none fails."""

from __future__ import annotations

import json
import os
import shutil
import threading
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from api.feedback.cli import app
from api.model import artifact, history
from api.training import digits
from api.training.digits import LabelledDigits
from tests.commands import finished
from tests.images import encoded, picture
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from tests.integration.api.conftest import Api


ROWS = digits.training_and_held_out()[1].rows[:20]
PICTURE = encoded(picture(ROWS[0]))
BATCH = json.dumps({"inputs": [{"name": "rows", "shape": [20, 64], "datatype": "FP64", "data": ROWS.tolist()}]})


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Give a folder with two versions, the first of which is served, to be read only."""
    folder = tmp_path_factory.mktemp("digits")
    rows = np.random.default_rng(1).uniform(0, 16, (20, 64))
    made = [digits.train(), digits.train(LabelledDigits(rows, np.arange(20) % 10))]
    for one in made:
        artifact.save(folder, *one)
    first, second = (description.version for description, _ in made)
    artifact.serve_version(folder, digits.NAME, first)
    return folder, first, second


@pytest.fixture
def versions(two_versions: tuple[Path, str, str], tmp_path: Path) -> tuple[Path, str, str]:
    folder, first, second = two_versions
    shutil.copytree(folder, tmp_path / "models")
    return tmp_path / "models", first, second


def feedback(models_dir: Path, *arguments: str, status: int = 0) -> Result:
    """Run a verb to its end, which must be with this status."""
    done = CliRunner().invoke(app(), arguments, env={"MODELS_DIR": str(models_dir)})
    assert done.exit_code == status, (done.stdout, done.stderr, done.exception)
    return done


class Load:
    """Threads that ask for predictions until they are stopped, half of them with images, half with batches."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: list[int] = []
        self.versions: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[ask]) for ask in (image, batch) * 2]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, ask: Callable[[httpx.Client], httpx.Response]) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self._stop.is_set():
                try:
                    answer = ask(client)
                    self.statuses.append(answer.status_code)
                    self.versions.append(answer.json()["model_version"])
                except (httpx.TransportError, KeyError, ValueError):
                    self.statuses.append(0)


def image(client: httpx.Client) -> httpx.Response:
    return client.post("/images", files={"file": ("digit.png", PICTURE, "image/png")})


def batch(client: httpx.Client) -> httpx.Response:
    return client.post("/v2/models/digits/infer", content=BATCH)


def test_no_request_fails_while_versions_change(versions: tuple[Path, str, str], start_api: Callable[..., Api]) -> None:
    models_dir, first, second = versions
    server = start_api(models_dir, MODEL_REFRESH_SECONDS="0.1")
    wait_until("the API", server.ready, 90)

    def answers_of(version: str, before: int) -> bool:
        return load.versions[before:].count(version) > 100

    with Load(server.url) as load:
        wait_until("answers", partial(answers_of, first, 0))
        # without a version it is the one before
        for named, expected in (([second], second), ([first], first), ([second], second), ([], first)):
            before = len(load.versions)
            feedback(models_dir, "rollback", *named)
            wait_until(f"answers of {expected}", partial(answers_of, expected, before))

    assert set(load.statuses) == {200}
    assert set(load.versions) == {first, second}
    print(f"{len(load.statuses)} requests")
    assert server.stop() == 0
    assert "not replaced" not in server.log()


def test_versions_tell_which_is_served_and_why(versions: tuple[Path, str, str]) -> None:
    models_dir, first, second = versions
    feedback(models_dir, "rollback", second)

    found = {one["version"]: one for one in json.loads(feedback(models_dir, "versions", "--json").stdout)["versions"]}

    assert {version: one["served"] for version, one in found.items()} == {first: False, second: True}
    assert found[second]["reason"] == f"rolled back from {first}"
    assert (found[first]["extra_rows"], found[second]["extra_rows"]) == (0, 20)
    assert found[second]["training_rows"] == found[first]["training_rows"] + 20
    assert f"* {second}" in feedback(models_dir, "versions").stdout


def test_going_back_further_than_the_first_is_refused(versions: tuple[Path, str, str]) -> None:
    models_dir, first, second = versions
    feedback(models_dir, "rollback", second)
    feedback(models_dir, "rollback")

    said = feedback(models_dir, "rollback", status=1).stderr

    assert f"no version was served before {first}" in said
    assert artifact.current_version(models_dir, digits.NAME) == first


@pytest.mark.parametrize("wrong", ["abc", "../iris", ""])
def test_a_version_that_is_not_there_changes_nothing(versions: tuple[Path, str, str], wrong: str) -> None:
    models_dir, first, _ = versions

    said = feedback(models_dir, "rollback", wrong, status=1 if not wrong else 2).stderr

    assert "Traceback" not in said
    assert artifact.current_version(models_dir, digits.NAME) == first


def test_a_version_that_cannot_be_loaded_is_not_served(versions: tuple[Path, str, str]) -> None:
    models_dir, first, second = versions
    (models_dir / digits.NAME / second / artifact.FITTED).write_bytes(b"damaged")

    said = feedback(models_dir, "rollback", second, status=2).stderr

    assert "is not the file" in said
    assert artifact.current_version(models_dir, digits.NAME) == first
    assert "is not the file" in feedback(models_dir, "versions").stdout


@pytest.mark.parametrize("verb", ["versions", "rollback", "retrain"])
def test_without_a_model_it_is_said_how_to_make_one(tmp_path: Path, verb: str) -> None:
    said = feedback(tmp_path / "none", verb, status=2).stderr

    assert "python -m api.train" in said
    assert "Traceback" not in said
    assert not (tmp_path / "none").exists()


def test_several_who_roll_back_at_once_leave_one_order(versions: tuple[Path, str, str]) -> None:
    models_dir, first, second = versions
    results: list[int] = []

    def change(version: str) -> None:
        environment = os.environ | {"MODELS_DIR": str(models_dir)}
        results.append(finished("api.feedback", "rollback", version, environment=environment).returncode)

    threads = [threading.Thread(target=change, args=[version]) for version in (first, second) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [0] * 4
    noted = [event.version for event in history.events(models_dir, digits.NAME)]
    # each change is from the other version, so that the notes are in turn
    assert all(one != other for one, other in pairwise(noted))
    assert noted[-1] == artifact.current_version(models_dir, digits.NAME)
