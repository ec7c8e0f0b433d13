"""The file of answers that wait: what is appended is read, whatever a crash did to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.monitoring.errors import SpillFailed
from api.monitoring.spill import Spill

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = st.lists(st.binary(max_size=50).filter(lambda record: b"\n" not in record), max_size=30)


def all_of(spill: Spill, max_bytes: int = 64) -> tuple[list[bytes], int]:
    """Every record, read to the end, and how many were corrupt."""
    records, corrupt = [], 0
    while not spill.empty:
        chunk = spill.read(max_bytes)
        records += chunk.records
        corrupt += chunk.corrupt
        spill.advance(chunk)
    return records, corrupt


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@given(batches=st.lists(RECORDS, max_size=5), chunk=st.integers(1, 500), segment=st.integers(1, 300))
def test_what_is_appended_is_read_in_order(
    batches: list[list[bytes]], chunk: int, segment: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spill")
    spill = Spill(folder, 1_000_000, segment)

    for batch in batches:
        assert spill.append(batch) == len(batch)

    assert all_of(spill, chunk) == ([record for batch in batches for record in batch], 0)
    assert files(folder) == []


@given(records=RECORDS.filter(bool), data=st.data())
def test_a_torn_end_costs_the_record_it_tears(
    records: list[bytes], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # given a file whose process was killed, cut anywhere
    folder = tmp_path_factory.mktemp("spill")
    spill = Spill(folder, 1_000_000)
    spill.append(records)
    spill.close()
    (file,) = files(folder)
    whole = file.read_bytes()
    cut = data.draw(st.integers(1, len(whole)))
    file.write_bytes(whole[:cut])

    heir = Spill(folder, 1_000_000)
    assert heir.adopt() == 1

    complete = whole[:cut].count(b"\n")
    torn = not whole[:cut].endswith(b"\n")
    assert all_of(heir) == (records[:complete], int(torn))


@given(records=RECORDS.filter(bool), data=st.data())
def test_a_damaged_byte_costs_no_other_record(
    records: list[bytes], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spill")
    spill = Spill(folder, 1_000_000)
    spill.append(records)
    spill.close()
    (file,) = files(folder)
    whole = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 2))
    whole[place] ^= 0x80 | 1
    file.write_bytes(whole)
    spoilt = {bytes(file.read_bytes())[:place].count(b"\n")}
    if whole[place] ^ 0x81 == ord("\n"):
        # two lines became one
        spoilt.add(min(spoilt) + 1)

    heir = Spill(folder, 1_000_000)
    heir.adopt()
    found, corrupt = all_of(heir)

    kept = [record for i, record in enumerate(records) if i not in spoilt]
    assert [record for record in kept if record in found] == kept
    assert corrupt >= 1


def test_it_holds_no_more_than_its_bound(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 100)

    assert spill.append([b"0123456789"] * 10) == 5  # 20 bytes a line
    assert spill.append([b"0123456789"]) == 0
    assert spill.size == 100

    all_of(spill)
    assert spill.append([b"0123456789"]) == 1


def test_a_file_with_a_living_owner_is_left_alone(tmp_path: Path) -> None:
    owner, other = Spill(tmp_path, 1000), Spill(tmp_path, 1000)
    owner.append([b"one"])

    assert other.adopt() == 0
    assert other.empty

    # once the owner is gone, one of several takes it
    owner.close()
    third = Spill(tmp_path, 1000)
    assert (other.adopt(), third.adopt(), other.adopt()) == (1, 0, 0)
    assert all_of(other) == ([b"one"], 0)


def test_older_files_come_first_and_new_records_go_to_a_new_one(tmp_path: Path) -> None:
    before, after = Spill(tmp_path, 1000), Spill(tmp_path, 1000)
    before.append([b"old"])
    before.close()
    after.append([b"new"])
    after.adopt()

    after.append([b"newest"])

    assert all_of(after) == ([b"old", b"new", b"newest"], 0)


def test_reading_stays_where_it_is_until_it_is_told_to_go_on(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 1000)
    spill.append([b"one", b"two"])

    first = spill.read(15)
    assert (first.records, spill.read(15).records) == ([b"one"], [b"one"])

    spill.advance(first)
    spill.append([b"three"])
    assert all_of(spill) == ([b"two", b"three"], 0)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spill = Spill(tmp_path / "file" / "spill", 1000)

    with pytest.raises(SpillFailed, match="file/spill"):
        spill.append([b"one"])
    with pytest.raises(SpillFailed, match="file/spill"):
        spill.adopt()


def test_a_write_that_fails_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spill = Spill(tmp_path, 1000)
    spill.append([b"one"])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", full)
        with pytest.raises(SpillFailed, match="No space left"):
            spill.append([b"two"])

    spill.append([b"three"])
    assert all_of(spill) == ([b"one", b"three"], 0)


def test_a_file_that_cannot_be_opened_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    # given what two processes left behind, and between them what cannot be opened as a file
    for name, record in (("1", b"first"), ("3", b"last")):
        left = Spill(tmp_path, 1_000)
        left.append([record])
        left.close()
        (file,) = (file for file in files(tmp_path) if len(file.name) > len("1.answers"))
        file.rename(tmp_path / f"{name}.answers")
    (tmp_path / "2.answers").mkdir()
    spill = Spill(tmp_path, 1_000)

    with pytest.raises(SpillFailed, match=r"2\.answers"):
        spill.adopt()

    assert all_of(spill) == ([b"first", b"last"], 0)
