"""Images of the generator at a running model API: every one answered, the truth told, and no outage ends the run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import requests

from tests.commands import finished
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from stack.services import Services
    from stack.settings import Settings
    from tests.integration.data_generator.conftest import Sending

SECONDS = 120.0


def kept(monitoring: psycopg.Connection) -> int:
    """Images in the monitoring database; 0 before the table is made."""
    try:
        (count,) = monitoring.execute("select count(*) from images").fetchone() or (0,)
    except psycopg.errors.UndefinedTable:
        return 0
    return int(count)


def test_every_image_is_answered_and_some_are_labelled(
    api: str, services: Services, monitoring: psycopg.Connection
) -> None:
    before = kept(monitoring)

    done = finished(
        *("data_generator", "images", "--count", "60", "--rate", "0", "--label", "0.5", "--seed", "3"),
        environment=services.environment,
        seconds=SECONDS,
    )

    # then the last line tells of sixty answers, most of them right, and of the labels
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.search(r"sent 60 images in .*; 60 answered, ([\d.]+)% of them right; (\d+) labels$", done.stdout.strip())
    assert said, done.stdout
    share, labels = float(said[1]), int(said[2])
    assert share > 90
    assert 15 < labels < 45

    # and the database has them: of all kinds, and each label is what was drawn
    wait_until("the images are kept", lambda: kept(monitoring) == before + 60)
    newest = "select * from labelled_images where id in (select id from images order by id desc limit 60)"
    rows = monitoring.execute(f"select correct, content_type from ({newest}) as ours").fetchall()
    assert len(rows) == labels
    assert sum(correct for correct, _ in rows) / labels > 0.8
    kinds = monitoring.execute(
        "select distinct content_type from (select * from images order by id desc limit 60) as i"
    )
    assert {kind for (kind,) in kinds} == {"image/png", "image/jpeg", "image/webp"}


def test_drift_makes_them_harder_to_read(api: str, services: Services) -> None:
    def right(drift: str) -> float:
        done = finished(
            *("data_generator", "images", "--count", "60", "--rate", "0", "--drift", drift, "--seed", "5"),
            environment=services.environment,
            seconds=SECONDS,
        )
        found = re.search(r"([\d.]+)% of them right", done.stdout)
        assert found, done.stdout + done.stderr
        return float(found[1])

    assert right("1") < right("0") - 10


def test_an_outage_of_the_api_is_waited_for(
    api: str, services: Services, monitoring: psycopg.Connection, send: Callable[..., Sending]
) -> None:
    before = kept(monitoring)
    sending = send("images", "--count", "60", "--rate", "20", "--label", "1")

    # when the API ends under it, and comes back
    wait_until("some are answered", lambda: kept(monitoring) > before + 5)
    services.api.stop()
    services.api.restart()

    # then all are answered, and labelled
    status, said = sending.ended()
    assert status == 0, said
    assert "the model API is away; trying again until it answers" in said
    assert "the model API is back; going on with the same image" in said
    assert re.search(r"sent 60 images .*; 60 answered, .*; \d+ labels", said), said


def test_it_waits_for_an_api_that_is_not_there_yet(
    services: Services, settings: Settings, send: Callable[..., Sending]
) -> None:
    services.api.stop()
    sending = send("images", "--count", "3", "--rate", "0")

    services.api.restart()

    status, said = sending.ended()
    assert (status, "3 answered" in said) == (0, True), said


def test_ctrl_c_ends_it_with_its_last_line(
    api: str, monitoring: psycopg.Connection, send: Callable[..., Sending]
) -> None:
    before = kept(monitoring)
    sending = send("images", "--rate", "20")
    wait_until("some are answered", lambda: kept(monitoring) > before + 5)

    sending.interrupt()

    status, said = sending.ended()
    assert status == 0, said
    assert re.search(r"sent \d+ images in [\d.]+ s, [\d.]+ images/s; \d+ answered", said.splitlines()[-1]), said
    assert "Traceback" not in said


def test_ctrl_c_ends_the_wait_for_an_api_that_is_away(
    services: Services, send: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(services.environment, "API_URL", "http://127.0.0.1:1")
    sending = send("images", "--rate", "20")
    sending.wait_said("the model API is away")

    sending.interrupt()

    status, said = sending.ended()
    assert status == 0, said
    assert said.splitlines()[-1].split(" ", 2)[2].startswith("sent 0 images in ")


def test_an_address_without_images_ends_it_with_one_line(services: Services, settings: Settings) -> None:
    environment = {**services.environment, "API_URL": f"http://{settings.connect_url.removeprefix('http://')}"}

    done = finished("data_generator", "images", "--count", "1", environment=environment, seconds=SECONDS)

    assert done.returncode == 2
    assert done.stderr.startswith("data_generator: API_URL: ")
    assert "has no POST /images" in done.stderr


def test_events_name_objects_that_are_in_the_archive(api: str, services: Services, settings: Settings) -> None:
    done = finished(
        *("data_generator", "images", "--count", "10", "--rate", "0", "--events", "1"),
        environment=services.environment,
        seconds=SECONDS,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 events" in done.stdout
    with psycopg.connect(settings.source_dsn()) as source:
        keys = source.execute("select object_key from image_event order by id desc limit 10").fetchall()
    assert len(keys) == 10
    for (key,) in keys:
        found = re.fullmatch(r"class_(\d\d)/([0-9a-f-]{36})\.(png|jpg|webp)", key)
        assert found, key
        image = requests.get(f"{api}/images/{found[2]}", timeout=10)
        assert image.status_code == 200
        assert image.headers["content-type"] == f"image/{found[3].replace('jpg', 'jpeg')}"
