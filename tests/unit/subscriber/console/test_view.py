"""What the view tells of the batches it was given."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.batch import Batch, DeadLetter, Delete
from subscriber.console import view as console_view
from subscriber.console.view import ANSWERS_A_BATCH, LAST_LETTERS, LAST_ROWS, View, percentiles
from subscriber.pipeline import Truth
from tests.unit.subscriber.material import Message, pipeline


class Committed(Message):
    """A message of a row that was committed at this time."""

    def __init__(self, offset: int, at: float) -> None:
        super().__init__(b'{"schema": {}, "payload": {"id": 1}}', offset=offset)
        self._at = at

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return [("__source_ts_ms", str(int(self._at * 1000)).encode())]


def batch(answers: list[Any], *, truths: list[Any] | None = None, age: float = 0.0, first: int = 0) -> Batch:
    """A stored batch of rows with these answers, committed so many seconds ago."""
    n = len(answers)
    known = truths or [None] * n
    return Batch(
        {},
        [Committed(first + i, time.time() - age) for i in range(n)],
        [SimpleNamespace(key=first + i, f0=1.5, f1="<b>", truth=known[i], committed_ms=None) for i in range(n)],
        [(answer,) for answer in answers],
        ["v1"] * n,
    )


def with_truth() -> Any:
    return pipeline().model_copy(update={"truth": Truth(column="label")})


def test_rows_deletes_and_dead_letters_are_counted() -> None:
    view = View(pipeline())
    stored = batch([1, 2, 1])
    stored.deletes = [Delete(Message(None), None, "")] * 2
    stored.dead = [DeadLetter(Message(b"no json", offset=9), "not_json", "malformed")]
    view.stored(stored)
    view.stored(batch([2]))

    second = view.tick(7)

    assert (view.rows, view.deleted, view.causes(), view.version) == (4, 2, {"not_json": 1}, "v1")
    assert second.lag == 7
    assert second.rows > 0
    assert view.tick(0).rows == 0
    ((classes,),) = [[answer["classes"] for answer in view.answers()]]
    assert classes == [["1", 2, 0, 0], ["2", 2, 0, 0]]


def test_the_newest_rows_stand_beside_their_predictions() -> None:
    view = View(with_truth())
    view.stored(batch([0, 1], truths=[0, 0]))
    view.stored(batch([2], first=2))

    newest, wrong, right = view.last()

    assert newest["key"] == "2"
    assert newest["features"] == [1.5, "<b>"]
    assert (newest["outputs"], newest["truth"], newest["right"]) == ([2], None, None)
    assert (wrong["outputs"], wrong["truth"], wrong["right"]) == ([1], 0, False)
    assert right["right"] is True
    (answers,) = view.answers()
    view.tick(0)
    (answers,) = view.answers()
    assert (answers["known"], answers["right"]) == (2, 1)


def test_latency_is_from_commit_to_now() -> None:
    view = View(pipeline())
    view.stored(batch([1], age=2.0))
    second = view.tick(0)
    assert second.p50 == pytest.approx(2000, abs=200)
    assert view.recent()["p99"] == second.p50


def test_a_large_batch_is_sampled_and_counted_whole() -> None:
    view = View(pipeline())
    view.stored(batch([i % 2 for i in range(2500)]))
    view.tick(0)
    (answers,) = view.answers()
    assert view.rows == 2500
    assert answers["counted"] == ANSWERS_A_BATCH
    assert len(view.last()) == LAST_ROWS
    assert view.last()[0]["key"] == "2499"


def test_only_the_newest_letters_are_kept() -> None:
    view = View(pipeline())
    empty = Batch({}, [])
    value = b'{"schema": {"type": "struct"}, "payload": {"id": ' + b"9" * 5000
    empty.dead = [DeadLetter(Message(value, offset=i), "not_json", "x" * 9000) for i in range(50)]
    view.stored(empty)

    letters = view.newest_letters()

    assert [letter["offset"] for letter in letters] == list(range(49, 49 - LAST_LETTERS, -1))
    assert letters[0]["value"].startswith('…"payload": {"id": 9')
    assert len(letters[0]["value"]) < 500
    assert len(letters[0]["detail"]) == 500


def test_what_cannot_be_shown_does_not_stop_the_stream() -> None:
    view = View(pipeline())
    broken = batch([1, 2])
    broken.outputs = []
    view.stored(broken)
    view.stored(batch([1]))
    assert view.rows == 3


def test_ten_minutes_are_kept() -> None:
    view = View(pipeline())
    for _ in range(console_view.HISTORY_SECONDS + 5):
        view.tick(None)
    assert len(view.history) == 600


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_samples(values: list[float]) -> None:
    ordered = sorted(values)
    p50, p95, p99 = percentiles(ordered)
    assert p50 is not None
    assert p95 is not None
    assert p99 is not None
    assert p50 <= p95 <= p99
    for p, found in ((50, p50), (95, p95), (99, p99)):
        assert sum(v <= found for v in ordered) * 100 >= p * len(ordered)
        assert sum(v < found for v in ordered) * 100 < p * len(ordered)


def test_nothing_has_no_percentiles() -> None:
    assert percentiles([]) == (None, None, None)
