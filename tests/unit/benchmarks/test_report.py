"""What was measured, kept as files and shown in a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.report import DOCUMENT, PLOTS, MissingPlaceError, filled, plot_name
from benchmarks.results import Chart, Point, Result, Series, Table, kept

PLACE = "# Speed\n<!-- measured: one-row -->\nof yesterday\n<!-- /measured -->\nThe end.\n"


def one_row() -> Result:
    return Result(
        "one-row",
        "make bench ARGS=one-row",
        [Table(["clients", "requests/s"], [["1", "900"], ["64", "2,100"]], "One API process")],
        [Chart("Requests", "clients", "requests/s", [Series("1 process", [Point(1, 900, 880, 905)])], log_x=True)],
        ["The clients share the cores."],
    )


def test_a_result_is_read_as_it_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")

    one_row().keep()

    assert kept(tmp_path / "results") == [one_row()]


def test_a_result_names_the_machine_the_day_and_the_version() -> None:
    result = one_row()

    assert result.machine.cores >= 1
    assert result.machine.memory_gib >= 1
    assert result.measured.count("-") == 2
    assert result.version


def test_a_result_takes_its_place_in_the_document() -> None:
    text = filled(PLACE, [one_row()])

    assert "of yesterday" not in text
    assert text.startswith("# Speed\n<!-- measured: one-row -->\n")
    assert text.endswith("<!-- /measured -->\nThe end.\n")
    assert "| clients | requests/s |\n|---|---:|\n| 1 | 900 |\n| 64 | 2,100 |\n" in text
    assert "**One API process**" in text
    assert "![Requests](benchmarks/one-row.svg)" in text
    assert "The clients share the cores." in text
    assert "`make bench ARGS=one-row`" in text
    assert filled(text, [one_row()]) == text


def test_what_was_not_measured_leaves_its_place_empty() -> None:
    assert "of yesterday" not in filled(PLACE, [])


def test_a_result_without_a_place_is_told() -> None:
    with pytest.raises(MissingPlaceError, match="measured: one-row"):
        filled("no place", [one_row()])


def test_the_document_shows_what_was_measured() -> None:
    text = DOCUMENT.read_text()

    assert filled(text, kept()) == text
    plots = {plot_name(result, n) for result in kept() for n in range(len(result.charts))}
    assert {path.name for path in (DOCUMENT.parent / PLOTS).glob("*.svg")} == plots
