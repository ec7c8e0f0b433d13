"""The model API and its archive: uploads are answered whatever the store does, and all of them are there in the end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.training import digits
from tests.archiving import Bucket, environment_for, spooled
from tests.images import digits_models, encoded, picture
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stack.seaweedfs import SeaweedFS

_, HELD_OUT = digits.training_and_held_out()
KINDS = (("PNG", "image/png", "png"), ("JPEG", "image/jpeg", "jpg"), ("WEBP", "image/webp", "webp"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits_models(tmp_path_factory.mktemp("digits"))


def uploads(count: int) -> list[tuple[bytes, str, str]]:
    """Digits of the data set, in each of the three formats: file, content type, ending."""
    return [
        (encoded(picture(HELD_OUT.rows[number]), kind), content_type, ending)
        for number in range(count)
        for kind, content_type, ending in [KINDS[number % 3]]
    ]


def test_a_hundred_uploads_with_the_store_away_for_half_are_a_hundred_objects(
    start_api: Callable[..., Any], own_archive: SeaweedFS, models: Path, spool_dir: Path
) -> None:
    api = start_api(models, **environment_for(own_archive.store, spool_dir))
    wait_until("the API is ready", api.ready)
    sent = uploads(100)

    with httpx.Client(base_url=api.url, timeout=30) as client:

        def upload(number: int) -> dict[str, Any]:
            data, content_type, ending = sent[number]
            answer = client.post("/images", files={"file": (f"digit.{ending}", data, content_type)})
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(upload, range(50)))
            own_archive.kill()
            answers += pool.map(upload, range(50, 100))
        wait_until("half of them wait", lambda: len(spooled(spool_dir)) >= 50)
        # one that waits is shown as if it were stored
        path = f"/images/{answers[99]['prediction_id']}"
        wait_until("the last is kept", lambda: client.get(path).status_code == 200)
        assert client.get(path).content == sent[99][0]
        own_archive.restart()
        wait_until("nothing waits", lambda: not spooled(spool_dir))

        bucket = Bucket(own_archive.store)
        keys = [
            f"class_{answer['predicted_class']:02d}/{answer['prediction_id']}.{ending}"
            for answer, (_, _, ending) in zip(answers, sent, strict=True)
        ]
        assert sorted(bucket.keys()) == sorted(keys)
        for key, answer, (data, content_type, _) in zip(keys, answers, sent, strict=True):
            stored = bucket.object(key)
            assert (stored.data, stored.content_type) == (data, content_type)
            assert stored.tags["predicted_class"] == str(answer["predicted_class"])
            assert stored.tags["confidence"] == f"{answer['confidence']:.3f}"
            assert stored.tags["model_version"] == answer["model_version"]
        metrics = client.get("/metrics").text
    assert 'api_archive_waiting{place="spool"} 0.0' in metrics
    assert 'api_archive_lost_total{reason="full"} 0.0' in metrics
    assert api.stop() == 0


def test_an_api_that_is_killed_leaves_its_images_to_the_next(
    start_api: Callable[..., Any], own_archive: SeaweedFS, models: Path, spool_dir: Path
) -> None:
    own_archive.kill()
    settings = environment_for(own_archive.store, spool_dir)
    first = start_api(models, **settings)
    wait_until("the API is ready", first.ready)
    sent = uploads(12)
    with httpx.Client(base_url=first.url, timeout=30) as client:
        for data, content_type, ending in sent:
            assert client.post("/images", files={"file": (f"d.{ending}", data, content_type)}).status_code == 200
    wait_until("all wait", lambda: len(spooled(spool_dir)) == 12)
    first.process.kill()
    first.process.wait()
    own_archive.restart()

    second = start_api(models, **settings)

    wait_until("all are stored", lambda: len(Bucket(own_archive.store).keys()) == 12)
    wait_until("nothing waits", lambda: not spooled(spool_dir))
    assert second.stop() == 0


def test_a_wrong_setting_is_told_at_the_start(
    start_api: Callable[..., Any], own_archive: SeaweedFS, models: Path, spool_dir: Path
) -> None:
    api = start_api(models, **environment_for(own_archive.store, spool_dir, ARCHIVE_PASSWORD=""))

    assert api.process.wait(30) == 1
    assert "needs both ARCHIVE_USER and ARCHIVE_PASSWORD" in api.log()
