"""What is archived, as any S3 client finds it."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from api.archive.errors import ObjectMissing, StoreAway, StoreRefused
from stack.settings import ROOT
from tests.archiving import Archiving, Bucket, environment_for, image, images, spooled
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stack.seaweedfs import SeaweedFS, Store
    from tests.servers import Servers


def test_an_object_is_what_was_promised(archiving: Callable[..., Archiving], bucket: Bucket, spool_dir: Path) -> None:
    kept = images(30)
    archive = archiving()

    archive.keep(kept)
    archive.wait_for_empty()

    for one in kept:
        stored = bucket.object(one.object_key)
        assert re.fullmatch(rf"class_\d\d/{one.prediction_id}\.(png|jpg|webp)", stored.key)
        assert stored.data == one.data
        assert stored.content_type == one.content_type
        assert stored.tags == {
            "predicted_class": str(one.predicted_class),
            "confidence": f"{one.confidence:.3f}",
            "timestamp": one.timestamp.isoformat(),
            "model_version": one.model_version,
        }
        assert datetime.fromisoformat(stored.tags["timestamp"]).utcoffset() is not None
    assert archive.count("uploads_total", outcome="stored") == 30
    assert archive.count("upload_seconds_count") == 30
    assert spooled(spool_dir) == []


def test_an_image_is_fetched_wherever_it_is(
    archiving: Callable[..., Archiving], bucket: Bucket, stack: Servers, spool_dir: Path
) -> None:
    there, waits = images(2)
    archive = archiving()
    archive.keep([there])
    archive.wait_for_empty()
    stack.archive.kill()
    archive.keep([waits])

    assert archive.archiver.fetch(waits.object_key) == waits.data
    with pytest.raises(StoreAway):
        archive.archiver.fetch(there.object_key)

    stack.archive.restart()
    archive.wait_for_empty()
    assert [archive.archiver.fetch(one.object_key) for one in (there, waits)] == [there.data, waits.data]
    assert archive.count("failures_total", operation="fetch", kind="unreachable") == 1


@pytest.mark.parametrize(
    "key", ["class_01/none.png", "", "../../etc/passwd", "/etc/passwd", "k" * 5000, "a\0b", "*", "ü/ß?&=#"]
)
def test_what_is_not_there_is_missing(archiving: Callable[..., Archiving], key: str) -> None:
    archive = archiving()

    with pytest.raises(ObjectMissing):
        archive.archiver.fetch(key)
    with pytest.raises(ObjectMissing):
        archive.archiver.tag(key, {"label": "7"})


def test_of_a_larger_object_no_more_is_read_than_tells_so(archiving: Callable[..., Archiving], bucket: Bucket) -> None:
    key = f"incoming/{uuid.uuid4()}"
    bucket.client.put_object(Bucket=bucket.store.bucket, Key=key, Body=b"x" * 3_000_000)
    archive = archiving()

    assert len(archive.archiver.fetch(key, 1_000_000)) == 1_000_001
    assert len(archive.archiver.fetch(key, 3_000_000)) == 3_000_000


def test_a_tag_is_added_and_a_later_one_replaces_it(archiving: Callable[..., Archiving], bucket: Bucket) -> None:
    one = image()
    archive = archiving()
    archive.keep([one])
    archive.wait_for_empty()

    archive.archiver.tag(one.object_key, {"label": "3"})
    archive.archiver.tag(one.object_key, {"label": "7"})
    archive.archiver.tag(one.object_key, {"label": "7"})

    assert bucket.object(one.object_key).tags == {**one.tags, "label": "7"}


def test_an_image_that_waits_is_tagged_too(archiving: Callable[..., Archiving], bucket: Bucket, stack: Servers) -> None:
    archive = archiving()
    stack.archive.kill()
    one = image()
    archive.keep([one])

    archive.archiver.tag(one.object_key, {"label": "7"})

    assert archive.archiver.fetch(one.object_key) == one.data
    stack.archive.restart()
    archive.wait_for_empty()
    assert bucket.object(one.object_key).tags == {**one.tags, "label": "7"}


def test_another_process_waits_for_the_one_that_has_it(
    archiving: Callable[..., Archiving], bucket: Bucket, stack: Servers
) -> None:
    first, second = archiving(), archiving()
    stack.archive.kill()
    one = image()
    first.keep([one])
    wait_until("the store is away", lambda: first.count("failures_total", operation="upload", kind="unreachable"))

    with pytest.raises(StoreAway):
        second.archiver.tag(one.object_key, {"label": "7"})

    stack.archive.restart()
    wait_until("stored", lambda: not first.waiting())
    second.archiver.tag(one.object_key, {"label": "7"})
    assert second.archiver.fetch(one.object_key) == one.data


def test_wrong_credentials_are_told_and_images_wait(
    archiving: Callable[..., Archiving], bucket: Bucket, spool_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archiving(archive_password="not this one")
    kept = images(5)

    archive.keep(kept)
    wait_until("two tries", lambda: archive.count("failures_total", operation="upload", kind="credentials") >= 2)

    assert archive.count("waiting", place="spool") == 5
    assert archive.count("connected") == 0
    said = capsys.readouterr().out
    assert said.count("ARCHIVE_PASSWORD") == 1
    assert "not this one" not in said
    with pytest.raises(StoreRefused):
        archive.archiver.fetch("class_01/none.png")
    archive.archiver.close()
    again = archiving()
    again.wait_for_empty()
    assert bucket.has(one.object_key for one in kept)


def test_a_bucket_that_is_gone_is_made_anew(archiving: Callable[..., Archiving], own_archive: SeaweedFS) -> None:
    bucket = Bucket(own_archive.store)
    bucket.client.delete_bucket(Bucket=own_archive.store.bucket)
    archive, kept = archiving(own_archive.store), images(20)

    archive.keep(kept)
    archive.wait_for_empty()

    assert sorted(bucket.keys()) == sorted(one.object_key for one in kept)


def run(module: str, store: Store, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", f"api.archive.{module}", *arguments],
        env=environment_for(store, folder, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def created(store: Store, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return run("create", store, folder, **more)


def test_the_job_makes_the_bucket_once_the_store_is_there(own_archive: SeaweedFS, spool_dir: Path) -> None:
    Bucket(own_archive.store).client.delete_bucket(Bucket=own_archive.store.bucket)

    first, second = created(own_archive.store, spool_dir), created(own_archive.store, spool_dir)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert '"bucket made"' in first.stderr
    assert '"bucket is there"' in second.stderr


def test_the_job_says_what_is_wrong(bucket: Bucket, spool_dir: Path) -> None:
    wrong = created(bucket.store, spool_dir, ARCHIVE_PASSWORD="other")
    nowhere = created(bucket.store, spool_dir, ARCHIVE_ENDPOINT="")
    no_address = created(bucket.store, spool_dir, ARCHIVE_ENDPOINT="archive:8333")

    assert [done.returncode for done in (wrong, nowhere, no_address)] == [1, 1, 1]
    assert "SignatureDoesNotMatch" in wrong.stderr
    assert "ARCHIVE_ENDPOINT is not set" in nowhere.stderr
    assert "is no http://host:port" in no_address.stderr


def test_the_archive_is_listed(archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path) -> None:
    archive, kept = archiving(own_archive.store), images(20)
    archive.keep(kept)
    archive.wait_for_empty()
    archive.archiver.tag(kept[7].object_key, {"label": "3"})

    one_class = run("listing", own_archive.store, spool_dir, "class_07")
    some = run("listing", own_archive.store, spool_dir, "--limit", "5")
    own_archive.kill()
    away = run("listing", own_archive.store, spool_dir)

    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in one_class.stdout.splitlines()}
    assert rows.keys() == {kept[7].object_key, kept[17].object_key}
    tags = kept[7].tags
    assert rows[kept[7].object_key] == [
        *(str(len(kept[7].data)), "7", tags["confidence"], "3", tags["timestamp"], tags["model_version"])
    ]
    assert len(some.stdout.splitlines()) == 5
    assert "more than 5" in some.stderr
    assert (away.returncode, away.stdout) == (1, "")
    assert "list production" in away.stderr
