"""What the model answers is counted as it is, and never grows without bound."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.console.outputs import BINS, MOST_PAIRS, Output, histogram

UNKNOWN: list[Any] = [None] * 3


def output(*answers: Any, truths: list[Any] | None = None, seconds: int = 600) -> Output:
    made = Output("o", seconds)
    made.add(truths or [None] * len(answers), answers)
    made.tick()
    return made


@given(st.lists(st.tuples(st.none() | st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_classes_are_counted_and_compared_with_what_is_known(pairs: list[tuple[int | None, int]]) -> None:
    shown = output(*(a for _, a in pairs), truths=[t for t, _ in pairs]).snapshot()

    counted = Counter(str(answer) for _, answer in pairs)
    assert {label: n for label, n, *_ in shown["classes"]} == counted
    assert [label for label, *_ in shown["classes"]] == sorted(counted)
    assert shown["counted"] == len(pairs)
    assert shown["known"] == sum(truth is not None for truth, _ in pairs)
    assert shown["right"] == sum(truth == answer for truth, answer in pairs)
    assert sum(right for *_, right in shown["classes"]) == shown["right"]


def test_answers_are_forgotten_after_their_seconds() -> None:
    made = output(1, 1, 2, seconds=2)
    made.add([None], [2])
    made.tick()
    assert made.snapshot()["counted"] == 4
    made.tick()
    assert made.snapshot()["classes"] == [["2", 1, 0, 0]]
    made.tick()
    assert made.snapshot()["counted"] == 0


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((1, 2), "classes"),
        ((True, False), "classes"),
        (("a", "b"), "classes"),
        (("a", "b" * 200), "texts"),
        ((1.5, 2.5), "values"),
        ((2, 2.5), "values"),
        (([1.0, 2.0], [3.0, 4.0]), "lists"),
    ],
)
def test_the_kind_is_told_by_the_answers(answers: tuple[Any, ...], kind: str) -> None:
    assert output(*answers).snapshot()["kind"] == kind


def test_a_number_that_had_a_fraction_once_stays_one() -> None:
    made = output(1.5)
    made.add([None], [2])
    assert made.snapshot()["kind"] == "values"


def test_booleans_are_named_as_in_json() -> None:
    assert [label for label, *_ in output(True, False).snapshot()["classes"]] == ["false", "true"]


@pytest.mark.parametrize(("word", "kind"), [(int, "values"), (str, "texts")])
def test_too_many_different_answers_are_no_classes(word: Any, kind: str) -> None:
    made = output(*(word(i) for i in range(MOST_PAIRS + 1)))
    made.add([None], [word(1)])
    made.tick()
    assert made.snapshot()["kind"] == kind


def test_what_is_not_shown_is_told() -> None:
    shown = output(*range(20)).snapshot()
    assert len(shown["classes"]) == 12
    assert shown["others"] == 8


def test_the_mean_error_is_of_the_truths_that_are_known() -> None:
    shown = output(1.0, 2.0, 5.0, truths=[1.5, None, 4]).snapshot()
    assert shown["known"] == 2
    assert shown["mean_absolute_error"] == 0.75


@given(st.lists(st.floats(), max_size=300))
def test_a_histogram_holds_every_finite_value(values: list[float]) -> None:
    finite = [v for v in values if v - v == 0]
    shown = histogram(values)
    assert shown["counted"] == sum(shown["bins"]) == len(finite)
    assert len(shown["bins"]) <= BINS
    if finite:
        assert (shown["least"], shown["most"]) == (min(finite), max(finite))


def test_one_far_value_does_not_hide_the_others() -> None:
    shown = histogram([*(i / 100 for i in range(1000)), 1e9])
    assert shown["high"] < 11
    assert shown["bins"][-1] > 1
    assert shown["most"] == 1e9
