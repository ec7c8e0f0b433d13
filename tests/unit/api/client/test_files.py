"""Formats by name, files that are there whole or not at all, and rows that are read piece by piece."""

import io
import os
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from api.client import destination, formats
from api.client.errors import ClientError, UsageError
from api.client.formats import Format
from api.client.upload import Counted, opened, size_bytes


@pytest.mark.parametrize(
    ("name", "told", "known"),
    [
        ("rows.csv", None, Format.CSV),
        ("rows.CSV", None, Format.CSV),
        ("rows.json", None, Format.JSON),
        ("rows.jsonl", None, Format.NDJSON),
        ("rows.ndjson", None, Format.NDJSON),
        ("rows.parquet", None, Format.PARQUET),
        ("rows.txt", Format.CSV, Format.CSV),
        ("-", Format.NDJSON, Format.NDJSON),
    ],
)
def test_a_file_of_rows_has_the_format_of_its_name_unless_told(name: str, told: Format | None, known: Format) -> None:
    assert formats.of_input(name, told) is known


@pytest.mark.parametrize(("name", "words"), [("-", "--format csv"), ("rows.txt", "--format csv"), ("rows", "--format csv")])
def test_a_file_whose_format_is_not_known_is_refused(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        formats.of_input(name, None)


def test_a_result_has_the_format_of_its_name_and_else_is_csv() -> None:
    assert formats.of_output("result.json", None) is Format.JSON
    assert formats.of_output("result.csv", Format.PARQUET) is Format.PARQUET
    assert formats.of_output("-", None) is Format.CSV


def test_a_result_takes_the_place_of_the_old_one_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("old")

    def pour(file: BinaryIO) -> None:
        file.write(b"new")
        assert path.read_text() == "old"

    destination.write(str(path), pour)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["result.csv"]


def test_of_a_result_that_broke_off_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("old")

    def pour(file: BinaryIO) -> None:
        file.write(b"half")
        raise ClientError("broke off")

    with pytest.raises(ClientError, match="broke off"):
        destination.write(str(path), pour)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.csv"]


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "result.csv")
    destination.write(str(tmp_path / "link.csv"), lambda file: None if file.write(b"new") else None)
    assert (tmp_path / "result.csv").read_text() == "new"
    assert (tmp_path / "link.csv").is_symlink()

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    destination.write(str(pipe), lambda file: None if file.write(b"new") else None)
    reader.join(10)
    assert read == [b"new"]
    assert not destination.can_begin_again(str(pipe))


def test_what_cannot_be_written_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        destination.check(str(tmp_path), Format.CSV)
    with pytest.raises(UsageError, match="there is no folder"):
        destination.check(str(tmp_path / "none" / "result.csv"), Format.CSV)
    destination.check(str(tmp_path / "result.csv"), Format.CSV)
    destination.check("-", Format.CSV)


def test_a_file_tells_how_far_it_is_read_and_is_read_again_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"abcdef")
    told: list[int] = []
    with opened(str(path), Format.CSV) as (file, name):
        rows = Counted(file, told.append)
        assert (name, size_bytes(file)) == ("rows.csv", 6)
        assert (rows.read(4), rows.read(4), rows.seek(0), rows.read()) == (b"abcd", b"ef", 0, b"abcdef")
    assert told == [4, 6, 6]


def test_standard_input_is_kept_so_that_it_can_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    with opened("-", Format.CSV) as (file, name):
        assert (name, size_bytes(file)) == ("rows.csv", 8)
        assert (file.read(), file.seek(0), file.read()) == (b"a,b\n1,2\n", 0, b"a,b\n1,2\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"), opened(str(tmp_path / "no.csv"), Format.CSV):
        pass
    with pytest.raises(UsageError, match="no regular file"), opened(str(tmp_path), Format.CSV):
        pass
