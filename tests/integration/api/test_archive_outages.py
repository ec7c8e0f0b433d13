"""Stores that go away, full disks and processes that are killed: every image is there in the end, and once."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from api.archive.errors import ObjectMissing
from api.archive.kept import KeptObject, decoded
from api.archive.spool import Spool
from tests.archiving import ArchiverProcess, Archiving, Bucket, image, images, spooled
from tests.failing_store import FailingStore
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stack.seaweedfs import SeaweedFS


def _more_than(found: list[str], count: int) -> bool:
    return len(found) > count


def test_a_store_that_is_killed_under_load_has_every_image_once(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS
) -> None:
    archive, kept = archiving(own_archive.store), images(600)
    answered: list[str] = []

    def answer() -> None:
        for one in kept:
            archive.archiver.keep(one)
            answered.append(one.object_key)
            time.sleep(0.01)

    load = threading.Thread(target=answer)
    load.start()
    for _ in range(2):
        before = len(answered)
        wait_until("more are answered", partial(_more_than, answered, before + 100))
        own_archive.kill()
        wait_until("the store is missed", lambda: archive.count("connected") == 0)
        own_archive.restart()
    load.join()
    archive.wait_for_empty()

    bucket = Bucket(own_archive.store)
    assert sorted(bucket.keys()) == sorted(answered)
    assert all(bucket.object(one.object_key).tags == one.tags for one in kept)
    assert all(bucket.object(one.object_key).data == one.data for one in kept)
    assert archive.count("uploads_total", outcome="failed") >= 2
    assert sum(archive.count("lost_total", reason=reason) for reason in ("full", "end", "damaged", "refused")) == 0


def test_an_outage_is_seen_and_nobody_waits(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, capsys: pytest.CaptureFixture[str], spool_dir: Path
) -> None:
    archive, kept = archiving(own_archive.store), images(50)
    own_archive.kill()

    began = time.monotonic()
    archive.keep(kept)
    seconds = time.monotonic() - began

    assert seconds < 5
    wait_until("a few tries", lambda: archive.count("failures_total", operation="upload", kind="unreachable") >= 3)
    assert archive.count("waiting", place="spool") == 50
    assert archive.count("waiting_bytes", place="spool") == sum(len(one.data) for one in kept)
    assert 0 < archive.count("oldest_seconds") < 60
    assert archive.count("connected") == 0
    assert len(spooled(spool_dir)) == 50
    own_archive.restart()
    archive.wait_for_empty()
    assert (archive.count("oldest_seconds"), archive.count("connected")) == (0, 1)
    said = capsys.readouterr().out
    assert said.count("the archive does not take images") == 1
    assert said.count("the archive takes images again") == 1


def test_an_image_that_the_store_fails_at_holds_no_other_up(
    archiving: Callable[..., Archiving], bucket: Bucket
) -> None:
    # Given a store that has failed at one image, with an error of its own
    first, *others = images(10)
    failing = FailingStore(bucket.store, first.prediction_id)
    archive = archiving(failing.store)
    try:
        archive.keep([first])
        wait_until("it fails", lambda: archive.count("failures_total", operation="upload", kind="server") >= 1)

        # When others are kept, then they are stored
        archive.keep(others)
        wait_until("the others are stored", lambda: bucket.has(one.object_key for one in others))

        # And the one waits on
        wait_until("one waits", lambda: archive.count("waiting", place="spool") == 1)
    finally:
        archive.archiver.close()
        failing.close()


def test_a_store_that_hangs_is_away(archiving: Callable[..., Archiving], own_archive: SeaweedFS) -> None:
    archive, kept = archiving(own_archive.store, archive_timeout_seconds=0.5), images(20)
    own_archive.send(signal.SIGSTOP)

    began = time.monotonic()
    archive.keep(kept)
    assert time.monotonic() - began < 5
    wait_until("a try", lambda: archive.count("failures_total", operation="upload", kind="timeout"))
    own_archive.send(signal.SIGCONT)
    archive.wait_for_empty()

    assert sorted(Bucket(own_archive.store).keys()) == sorted(one.object_key for one in kept)


def test_what_a_killed_process_leaves_is_stored_by_the_next(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path
) -> None:
    own_archive.kill()
    process = ArchiverProcess(own_archive.store, spool_dir, 100)
    keys = process.kept(40)
    process.kill()
    left = len(spooled(spool_dir))
    own_archive.restart()

    archive = archiving(own_archive.store)
    archive.wait_for_empty()

    assert left >= 40
    assert archive.count("adopted_total") == left
    bucket = Bucket(own_archive.store)
    assert len(bucket.keys()) == left
    assert bucket.has(keys)
    assert [path.name for path in spool_dir.iterdir() if spooled(path.parent)] == []


def test_a_process_killed_amid_uploads_leaves_nothing_out(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path
) -> None:
    process = ArchiverProcess(own_archive.store, spool_dir, 2000)
    keys = process.kept(150)
    process.kill()

    archive = archiving(own_archive.store)
    archive.wait_for_empty()

    bucket = Bucket(own_archive.store)
    assert bucket.has(keys)
    assert len(bucket.keys()) == len(set(bucket.keys()))
    assert all(bucket.object(key).tags["model_version"] == "0123456789ab" for key in keys)


def test_two_processes_share_a_folder(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path
) -> None:
    own_archive.kill()
    process = ArchiverProcess(own_archive.store, spool_dir, 30)
    keys = process.kept(30)

    archive = archiving(own_archive.store)

    # what another process has is not taken from it, but it is found
    assert archive.waiting() == 0
    assert archive.archiver.fetch(keys[0]) != b""
    process.kill()
    own_archive.restart()
    archive.archiver._adopt()
    archive.wait_for_empty()
    assert sorted(Bucket(own_archive.store).keys()) == sorted(keys)


def test_a_label_that_was_put_is_not_undone_by_another_upload(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path
) -> None:
    one = image()
    first = archiving(own_archive.store)
    first.keep([one])
    first.wait_for_empty()
    first.archiver.tag(one.object_key, {"label": "7"})
    # as a process leaves it that is killed between the upload and the file's end
    left = Spool(spool_dir, 10**6)
    left.put(KeptObject(one.object_key, one.data, one.content_type, one.tags, time.time()))
    left._sizes = {spool_dir: 1}
    left.close()

    second = archiving(own_archive.store)
    second.wait_for_empty()

    assert second.count("uploads_total", outcome="found") == 1
    assert Bucket(own_archive.store).object(one.object_key).tags == {**one.tags, "label": "7"}


def test_a_spool_at_its_bound_gives_way_to_memory(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archiving(own_archive.store, archive_spool_max_bytes=20_000, archive_memory_max_bytes=20_000)
    own_archive.kill()
    kept = [image(number, size=2_000) for number in range(30)]

    archive.keep(kept)

    in_spool, in_memory = (int(archive.count("waiting", place=place)) for place in ("spool", "memory"))
    lost = int(archive.count("lost_total", reason="full"))
    assert (in_spool, in_memory, lost) == (8, 9, 13)
    assert archive.count("spool_failures_total", reason="full") == 22
    said = capsys.readouterr().out
    assert said.count("the folder takes no images") == 1
    assert said.count("image lost") == 13
    own_archive.restart()
    archive.wait_for_empty()
    assert sorted(Bucket(own_archive.store).keys()) == sorted(one.object_key for one in kept[:17])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a disk of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(  # noqa: S603
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607


def test_a_full_disk_gives_way_to_memory(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archiving(own_archive.store, archive_spool_dir=small_disk)
    own_archive.kill()
    kept = [image(number, size=3_000) for number in range(40)]

    archive.keep(kept)

    in_spool, in_memory = (int(archive.count("waiting", place=place)) for place in ("spool", "memory"))
    assert 0 < in_spool < 40
    assert in_spool + in_memory == 40
    assert archive.count("spool_failures_total", reason="full") >= in_memory
    assert "No space left on device" in capsys.readouterr().out
    # no half-written file stands for an image
    assert [decoded(file.read_bytes()).data for file in spooled(small_disk)]
    assert len(spooled(small_disk)) == in_spool
    own_archive.restart()
    archive.wait_for_empty()
    assert sorted(Bucket(own_archive.store).keys()) == sorted(one.object_key for one in kept)


def test_without_a_folder_images_go_through_memory(
    archiving: Callable[..., Archiving], bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    archive, kept = archiving(archive_spool_dir=tmp_path / "file" / "spool"), images(10)

    archive.keep(kept)
    archive.wait_for_empty()

    assert bucket.has(one.object_key for one in kept)
    assert archive.archiver.fetch(kept[0].object_key) == kept[0].data
    with pytest.raises(ObjectMissing):
        archive.archiver.fetch("class_01/none.png")
    assert archive.count("spool_failures_total", reason="closed") == 10
    assert "ARCHIVE_SPOOL_" in capsys.readouterr().out


def test_memory_goes_to_the_folder_once_that_has_room(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path
) -> None:
    spool_dir.write_text("in the way")
    archive, kept = archiving(own_archive.store), images(5)
    own_archive.kill()
    archive.keep(kept)
    assert archive.count("waiting", place="memory") == 5

    spool_dir.unlink()
    archive.archiver.close()

    assert len(spooled(spool_dir)) == 5
    assert archive.count("lost_total", reason="end") == 0


def test_a_damaged_file_is_set_aside(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_archive.kill()
    first, kept = archiving(own_archive.store), images(6)
    first.keep(kept)
    first.archiver.close()
    torn, changed = spooled(spool_dir)[:2]
    torn.write_bytes(torn.read_bytes()[:100])
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    own_archive.restart()

    second = archiving(own_archive.store)
    second.wait_for_empty()

    assert len(Bucket(own_archive.store).keys()) == 4
    assert second.count("lost_total", reason="damaged") == 2
    assert len(list(spool_dir.glob("*.aside"))) == 2
    assert "image set aside" in capsys.readouterr().out


def test_the_end_drains_what_it_can(
    archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path
) -> None:
    archive, kept = archiving(own_archive.store), images(40)
    archive.keep(kept)

    archive.archiver.close()

    assert spooled(spool_dir) == []
    assert list(spool_dir.iterdir()) == []
    assert sorted(Bucket(own_archive.store).keys()) == sorted(one.object_key for one in kept)


def test_the_end_is_bounded(archiving: Callable[..., Archiving], own_archive: SeaweedFS, spool_dir: Path) -> None:
    archive = archiving(own_archive.store, archive_drain_seconds=0.5, archive_timeout_seconds=30)
    own_archive.send(signal.SIGSTOP)
    kept = images(20)
    archive.keep(kept)

    began = time.monotonic()
    archive.archiver.close()

    assert time.monotonic() - began < 5
    assert len(spooled(spool_dir)) == 20
    own_archive.send(signal.SIGCONT)
