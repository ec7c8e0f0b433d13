"""Objects on disk: whole or not there, bounded, and the next process's when theirs has ended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.archive.errors import SpoolDamaged, SpoolFailed
from api.archive.kept import KeptObject, decoded, encoded
from api.archive.spool import Adopted, Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def kept(key: str = "class_07/a.png", data: bytes = b"image", since: float = 1.5) -> KeptObject:
    return KeptObject(key, data, "image/png", {"confidence": "0.912"}, since)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Give a function that opens the folder as a process does."""
    opened: list[Spool] = []

    def one(max_bytes: int = 10_000) -> Spool:
        opened.append(Spool(tmp_path / "spool", max_bytes))
        return opened[-1]

    yield one
    for each in opened:
        each.close()


@given(key=st.text(), data=st.binary(), tags=st.dictionaries(st.text(), st.text()), since=st.floats(0, 1e11))
def test_an_object_is_read_as_it_was_written(key: str, data: bytes, tags: dict[str, str], since: float) -> None:
    one = KeptObject(key, data, "image/png", tags, since)

    assert decoded(encoded(one)) == one


@given(cut=st.integers(0, len(encoded(kept())) - 1))
def test_a_torn_file_is_damaged(cut: int) -> None:
    with pytest.raises(SpoolDamaged):
        decoded(encoded(kept())[:cut])


def test_a_file_is_kept_until_it_is_removed(spool: Callable[..., Spool]) -> None:
    one = spool()

    path = one.put(kept())

    assert one.read(path) == kept()
    assert one.size == path.stat().st_size
    assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    one.remove(path)
    assert one.size == 0
    with pytest.raises(FileNotFoundError):
        one.read(path)


@pytest.mark.parametrize("key", ["../../out", "/etc/passwd", "..", "a/b/c", "ü?*", "\udcff"])
def test_no_key_leads_out_of_the_folder(spool: Callable[..., Spool], tmp_path: Path, key: str) -> None:
    path = spool().put(kept("k" if key == "\udcff" else key))

    assert path.resolve().is_relative_to(tmp_path / "spool")
    assert spool().elsewhere(key) == (None if key == "\udcff" else kept(key))


def test_the_bound_is_kept_and_room_comes_back(spool: Callable[..., Spool]) -> None:
    size = len(encoded(kept()))
    one = spool(max_bytes=2 * size)
    first = one.put(kept("a" * len(kept().key)))
    one.put(kept("b" * len(kept().key)))

    with pytest.raises(SpoolFailed) as refused:
        one.put(kept("c" * len(kept().key)))

    assert (refused.value.reason, one.size) == ("full", 2 * size)
    one.remove(first)
    one.put(kept("c" * len(kept().key)))
    assert one.size == 2 * size


def test_a_file_that_cannot_be_written_is_not_counted(spool: Callable[..., Spool], tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    one = spool()

    with pytest.raises(SpoolFailed) as refused:
        one.put(kept())

    assert (refused.value.reason, one.size) == ("closed", 0)


def test_a_file_is_replaced_whatever_the_bound(spool: Callable[..., Spool]) -> None:
    one = spool(max_bytes=len(encoded(kept())))
    path = one.put(kept())
    longer = KeptObject("class_07/a.png", b"image", "image/png", {"confidence": "0.912", "label": "7"}, 1.5)

    one.replace(path, longer)

    assert one.read(path) == longer
    assert one.size == len(encoded(longer))


def test_a_living_process_keeps_its_files(spool: Callable[..., Spool]) -> None:
    first, second = spool(), spool()
    first.put(kept())

    assert second.adopt() == Adopted([])
    assert second.elsewhere("class_07/a.png") == kept()


def test_files_of_an_ended_process_are_taken_over_the_oldest_first(spool: Callable[..., Spool], tmp_path: Path) -> None:
    first = spool()
    for number, key in enumerate(("class_01/c.png", "class_01/a.png", "class_01/b.png")):
        path = first.put(kept(key))
        os.utime(path, (1_000 + number, 1_000 + number))
    (path.parent / ".half").write_bytes(b"half a file")
    first.close()
    second = spool(max_bytes=10)

    found = second.adopt().found

    assert [one.key for one in found] == ["class_01/c.png", "class_01/a.png", "class_01/b.png"]
    assert [one.since for one in found] == [1_000, 1_001, 1_002]
    assert second.read(found[0].path) == kept("class_01/c.png")
    assert second.size == sum(one.size for one in found)
    assert list((tmp_path / "spool").iterdir()) == [found[0].path.parent]
    assert spool().adopt() == Adopted([])


def test_a_folder_that_cannot_be_taken_over_keeps_the_others_from_nobody(
    spool: Callable[..., Spool], tmp_path: Path
) -> None:
    # Given what two processes left, and folders between and after them that cannot be locked
    for name, key in (("1", "class_01/a.png"), ("3", "class_03/b.png")):
        ended = spool()
        folder = ended.put(kept(key)).parent
        ended.close()
        folder.rename(tmp_path / "spool" / name)
    for name in ("2", "lost+found"):
        (tmp_path / "spool" / name / "lock").mkdir(parents=True)

    # When they are taken over
    adopted = spool().adopt()

    # Then every file is found, and what is wrong is told
    assert [one.key for one in adopted.found] == ["class_01/a.png", "class_03/b.png"]
    assert "lost+found" in str(adopted.failed)


def test_nothing_is_left_of_a_process_that_has_stored_all(spool: Callable[..., Spool], tmp_path: Path) -> None:
    one = spool()
    one.remove(one.put(kept()))

    one.close()

    assert list((tmp_path / "spool").iterdir()) == []


def test_what_is_set_aside_is_not_found_again(spool: Callable[..., Spool], tmp_path: Path) -> None:
    first = spool()
    aside = first.set_aside(first.put(kept()))
    first.close()

    assert aside.read_bytes() == encoded(kept())
    assert spool().adopt() == Adopted([])
