"""Guilty rows are found among any others, with few requests; a control row tells a bad row from a bad server."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscriber.batch import Batch
from subscriber.errors import BatchRefused, ModelFailed, TooSlow, Transient, VersionUnfit, WrongSetting
from subscriber.predictor import MODEL_FAILURE_TRIES, PROBES, Predictor
from tests.unit.subscriber.material import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class PickyModel:
    """Refuses any request with a row of `refused` in it and crashes on any with one of `crashing`.

    `troubles` are raised first, one a request. Requests of more than `in_time` rows take too long; rows of `empty` get
    no value.
    """

    def __init__(
        self,
        refused: Collection[int] = (),
        crashing: Collection[int] = (),
        troubles: Sequence[Exception] = (),
        *,
        in_time: int = sys.maxsize,
        empty: Collection[int] = (),
    ) -> None:
        self.in_time = in_time
        self.empty = set(empty)
        self.refused = set(refused)
        self.crashing = set(crashing)
        self.troubles = list(troubles)
        self.requests: list[list[int]] = []

    def predict(self, rows: Sequence[Any], version: str | None = None) -> tuple[list[tuple[Any, ...]], str | None]:
        del version
        self.requests.append(list(rows))
        if self.troubles:
            raise self.troubles.pop(0)
        if len(rows) > self.in_time:
            raise TooSlow("no answer in time")
        if self.crashing.intersection(rows):
            raise ModelFailed("crashed")
        if self.refused.intersection(rows):
            raise BatchRefused("refused")
        return [(None if row in self.empty else row * 10, -row) for row in rows], "v1"


def persist(action: Callable[[], Any]) -> Any:
    """Try again at once while the action raises Transient."""
    while True:
        try:
            return action()
        except Transient:
            continue


def once(action: Callable[[], Any]) -> Any:
    return action()


def batch_of(rows: Sequence[int]) -> Batch:
    records = messages(str(row).encode() for row in rows)
    return Batch({}, list(records), rows=list(rows))


def predicted(batch: Batch) -> list[tuple[bytes | None, int, tuple[Any, ...], str | None]]:
    return [
        (record.value(), row, output, version)
        for record, row, output, version in zip(batch.records, batch.rows, batch.outputs, batch.versions, strict=True)
    ]


def expected(rows: Sequence[int]) -> list[tuple[bytes | None, int, tuple[Any, ...], str | None]]:
    return [(str(row).encode(), row, (row * 10, -row), "v1") for row in rows]


def experienced(model: PickyModel, persist: Callable[[Callable[[], Any]], Any] = once) -> Predictor:
    """Give a predictor that has predicted a row before."""
    predictor = Predictor(model, persist, lambda _: None)
    predictor.predict(batch_of([1000]))
    model.requests.clear()
    return predictor


@st.composite
def accusations(draw: st.DrawFn) -> tuple[list[int], set[int], set[int]]:
    """Give rows, those of them that the model refuses and those that it crashes on."""
    rows = list(range(draw(st.integers(1, 150))))
    guilty = draw(st.sets(st.sampled_from(rows)))
    crashing = draw(st.sets(st.sampled_from(sorted(guilty)))) if guilty else set()
    return rows, guilty - crashing, crashing


@settings(max_examples=40)
@given(accusations())
def test_exactly_the_guilty_rows_become_dead_letters(case: tuple[list[int], set[int], set[int]]) -> None:
    rows, refused, crashing = case
    batch = batch_of(rows)

    experienced(PickyModel(refused, crashing)).predict(batch)

    assert predicted(batch) == expected([row for row in rows if row not in refused | crashing])
    causes = {int(letter.record.value() or b""): letter.cause for letter in batch.dead}
    assert causes == dict.fromkeys(refused, "refused_by_model") | dict.fromkeys(crashing, "model_failed")
    assert len(batch.dead) == len(causes)


@settings(max_examples=40)
@given(accusations())
def test_the_search_asks_few_times(case: tuple[list[int], set[int], set[int]]) -> None:
    rows, refused, crashing = case
    model = PickyModel(refused, crashing)

    experienced(model).predict(batch_of(rows))

    # a guilty row is met once on each level of halving, each time its other half is asked too, and the control at last
    guilty = len(refused | crashing)
    levels = math.ceil(math.log2(len(rows)))
    more_tries = (MODEL_FAILURE_TRIES - 1) * (1 + len(crashing))
    assert len(model.requests) <= 1 + 2 * guilty * levels + more_tries + guilty


@settings(max_examples=40)
@given(accusations(), st.data())
def test_a_search_that_is_interrupted_goes_on_and_finds_the_same(
    case: tuple[list[int], set[int], set[int]], data: st.DataObject
) -> None:
    # given a server that goes away at some request of the search
    rows, refused, crashing = case
    undisturbed = PickyModel(refused, crashing)
    experienced(undisturbed).predict(batch_of(rows))
    when = data.draw(st.integers(1, len(undisturbed.requests)))
    model = PickyModel(refused, crashing)
    predictor = experienced(model, persist)
    ask = model.predict

    def away_once(rows: Sequence[Any], version: str | None = None) -> tuple[list[tuple[Any, ...]], str | None]:
        answer = None if len(model.requests) + 1 == when else ask(rows)
        if answer is None:
            model.requests.append([])
            raise Transient("away")
        return answer

    model.predict = away_once  # type: ignore[method-assign]
    batch = batch_of(rows)

    # when the batch is predicted all the same
    predictor.predict(batch)

    # then nothing is doubled, and no more than the request and the control beside it was asked again
    assert len(model.requests) <= len(undisturbed.requests) + 2 * MODEL_FAILURE_TRIES
    assert predicted(batch) == expected([row for row in rows if row not in refused | crashing])
    assert sorted(int(letter.record.value() or b"") for letter in batch.dead) == sorted(refused | crashing)


def test_a_batch_without_rows_asks_nothing() -> None:
    model = PickyModel()

    Predictor(model, once, lambda _: None).predict(batch_of([]))

    assert model.requests == []


def test_a_crash_that_passes_costs_no_row() -> None:
    pauses: list[int] = []
    model = PickyModel(troubles=[ModelFailed("out of memory")] * (MODEL_FAILURE_TRIES - 1))
    batch = batch_of(range(8))

    Predictor(model, once, pauses.append).predict(batch)

    assert predicted(batch) == expected(range(8))
    assert model.requests == [list(range(8))] * MODEL_FAILURE_TRIES
    assert pauses == [1, 2]


def test_a_refusal_is_not_asked_twice() -> None:
    pauses: list[int] = []
    model = PickyModel(refused=[0])

    Predictor(model, once, pauses.append).predict(batch_of([0]))

    assert model.requests == [[0]]
    assert pauses == []


@pytest.mark.parametrize(
    ("before", "now", "error", "said"),
    [
        (ModelFailed("crashed"), "crashing", Transient, "crashed, also for a row that it predicted before"),
        (BatchRefused("refused"), "refused", WrongSetting, "is the model's input what the pipeline says?"),
    ],
)
def test_a_server_that_refuses_what_it_took_before_is_at_fault_and_not_the_row(
    before: Exception, now: str, error: type[Exception], said: str
) -> None:
    # given a row that was predicted
    model = PickyModel()
    predictor = Predictor(model, once, lambda _: None)
    predictor.predict(batch_of([7]))

    # when the model turns all rows down, that one too
    getattr(model, now).update({7, 1, 2, 3})
    batch = batch_of([1, 2, 3])
    with pytest.raises(error) as raised:
        predictor.predict(batch)

    # then no row is blamed
    assert type(raised.value) is error
    assert said in str(raised.value)
    assert batch.dead == []
    assert (batch.rows, batch.outputs) == ([1, 2, 3], [])
    assert [7] in model.requests


def test_the_control_is_the_newest_row_that_was_predicted() -> None:
    # given batches of which the last rows were refused
    model = PickyModel(refused=[3, 4, 9])
    predictor = Predictor(model, once, lambda _: None)
    predictor.predict(batch_of([1, 2, 3]))
    predictor.predict(batch_of([4]))
    model.requests.clear()

    # when a row is refused again
    predictor.predict(batch_of([9]))

    # then the newest good one was asked beside it
    assert model.requests == [[9], [2]]


def test_a_few_rows_are_blamed_where_none_was_ever_predicted() -> None:
    rows = range(1, PROBES + 1)
    batch = batch_of(rows)

    Predictor(PickyModel(refused=rows), once, lambda _: None).predict(batch)

    assert (batch.rows, batch.outputs, batch.versions) == ([], [], [])
    assert [letter.detail for letter in batch.dead] == ["refused"] * PROBES


@pytest.mark.parametrize(
    ("guilt", "error", "said"),
    [
        ("crashing", Transient, f"crashed, also for {PROBES} other rows"),
        ("refused", WrongSetting, "is the model's input what the pipeline says?"),
    ],
)
def test_the_server_is_at_fault_where_no_row_of_many_was_ever_predicted(
    guilt: str, error: type[Exception], said: str
) -> None:
    model = PickyModel()
    getattr(model, guilt).update(range(100))
    batch = batch_of(range(100))

    with pytest.raises(error) as raised:
        Predictor(model, once, lambda _: None).predict(batch)

    assert type(raised.value) is error
    assert said in str(raised.value)
    assert batch.dead == []


def test_one_good_row_among_those_asked_shows_that_the_server_is_well() -> None:
    # given a first batch with bad rows before the good ones
    batch = batch_of(range(100))

    Predictor(PickyModel(refused=range(50)), once, lambda _: None).predict(batch)

    assert batch.rows == list(range(50, 100))
    assert len(batch.dead) == 50


# ---- answers that take too long, rows without a value


def test_a_batch_that_takes_too_long_is_halved_and_the_next_is_not_tried_whole() -> None:
    model = PickyModel(in_time=25)
    predictor = Predictor(model, persist, lambda _: None)
    batch, following = batch_of(range(100)), batch_of(range(100, 200))

    predictor.predict(batch)
    model.requests.clear()
    predictor.predict(following)

    assert predicted(batch) == expected(range(100))
    assert predicted(following) == expected(range(100, 200))
    assert [len(request) for request in model.requests] == [25] * 4


def test_one_slow_answer_changes_nothing() -> None:
    model = PickyModel(troubles=[TooSlow("no answer in time")])
    predictor = Predictor(model, persist, lambda _: None)

    predictor.predict(batch_of(range(100)))
    predictor.predict(batch_of(range(100)))

    assert [len(request) for request in model.requests] == [100, 100, 100]


def test_a_lone_row_that_takes_too_long_is_asked_again() -> None:
    model = PickyModel(troubles=[TooSlow("no answer in time")] * 5)
    batch = batch_of([1])

    Predictor(model, persist, lambda _: None).predict(batch)

    assert predicted(batch) == expected([1])
    assert len(model.requests) == 6


def test_a_row_without_a_value_is_a_dead_letter() -> None:
    batch = batch_of(range(10))

    Predictor(PickyModel(empty=[0, 4, 9]), once, lambda _: None).predict(batch)

    assert predicted(batch) == expected([1, 2, 3, 5, 6, 7, 8])
    assert [(letter.record.value(), letter.cause, letter.detail) for letter in batch.dead] == [
        (str(row).encode(), "refused_by_model", "the model gives no value for this row") for row in (0, 4, 9)
    ]


def test_rows_that_failed_before_and_all_fail_again_do_not_blame_the_server() -> None:
    rows = list(range(PROBES + 3))
    model = PickyModel(refused=rows)
    batch = Batch({}, list(messages([b""] * len(rows))), rows=rows)

    Predictor(model, persist, lambda _: None, suspects_server=False).predict(batch)

    assert [letter.cause for letter in batch.dead] == ["refused_by_model"] * len(rows)
    assert batch.rows == []


# ---- requests of bounded size


@pytest.mark.parametrize(("rows", "sizes"), [(10, [4, 4, 2]), (8, [4, 4]), (3, [3])])
def test_a_request_holds_no_more_rows_than_it_may(rows: int, sizes: list[int]) -> None:
    model = PickyModel(refused=[5])
    batch = batch_of(range(rows))

    Predictor(model, once, lambda _: None, max_rows=4, suspects_server=False).predict(batch)

    assert [len(request) for request in model.requests if len(request) > 2] == [n for n in sizes if n > 2]
    assert predicted(batch) == expected([row for row in range(rows) if row != 5])


# ---- rows that are stored with their error


def test_failed_rows_are_put_aside_with_what_was_wrong() -> None:
    batch = batch_of(range(8))

    Predictor(PickyModel(refused=[3], crashing=[5], empty=[6]), once, lambda _: None, stores_failed=True).predict(batch)

    assert [(failed.row, failed.record.value(), failed.cause, failed.detail) for failed in batch.failed] == [
        (3, b"3", "refused_by_model", "refused"),
        (5, b"5", "model_failed", "crashed"),
        (6, b"6", "refused_by_model", "the model gives no value for this row"),
    ]
    assert predicted(batch) == expected([0, 1, 2, 4, 7])
    assert batch.dead == []


def test_rows_whose_errors_are_stored_may_all_be_bad_ones() -> None:
    batch = batch_of(range(100))

    Predictor(PickyModel(refused=range(100)), once, lambda _: None, stores_failed=True).predict(batch)

    assert [failed.row for failed in batch.failed] == list(range(100))


def test_a_model_that_refuses_what_it_took_is_at_fault_although_errors_are_stored() -> None:
    model = PickyModel()
    predictor = Predictor(model, once, lambda _: None, stores_failed=True)
    predictor.predict(batch_of([7]))
    model.refused.update(range(10))

    with pytest.raises(WrongSetting):
        predictor.predict(batch_of([1, 2, 3]))


# ---- versions


class Versioned(int):
    """A row that names a version by its number's remainder by 3; 0 is none."""

    @property
    def version(self) -> str | None:
        return None if self % 3 == 0 else f"v{self % 3}"


class ManyVersions(PickyModel):
    """Has version v2 and no v1; `broken` versions crash on every row."""

    def __init__(self, *, broken: Collection[str] = (), **more: Any) -> None:
        super().__init__(**more)
        self.broken = set(broken)
        self.missing = {"v1"}
        self.asked: list[str | None] = []

    def predict(self, rows: Sequence[Any], version: str | None = None) -> tuple[list[tuple[Any, ...]], str | None]:
        self.asked.append(version)
        assert {row.version for row in rows} == {version}
        if version in self.missing:
            raise VersionUnfit(f"the model has no version {version!r}")
        if version in self.broken:
            raise ModelFailed("crashed")
        outputs, current = super().predict(rows)
        return outputs, version or current


def versioned(model: ManyVersions, **more: Any) -> Predictor:
    return Predictor(model, once, lambda _: None, versioned=True, **more)


def test_each_version_is_asked_for_the_rows_that_name_it() -> None:
    model = ManyVersions(refused=[5, 9])
    batch = batch_of([Versioned(i) for i in range(30)])

    versioned(model).predict(batch)

    good = [i for i in range(30) if i % 3 != 1 and i not in (5, 9)]
    assert [(record.value(), row) for record, row in zip(batch.records, batch.rows, strict=True)] == [
        (str(i).encode(), i) for i in good
    ]
    assert batch.outputs == [(i * 10, -i) for i in good]
    assert batch.versions == ["v1" if i % 3 == 0 else "v2" for i in good]
    details = {int(letter.record.value() or b""): letter.detail for letter in batch.dead}
    assert details == dict.fromkeys(range(1, 30, 3), "the model has no version 'v1'") | {5: "refused", 9: "refused"}
    # the version that is not there was asked for once
    assert model.asked.count("v1") == 1


def test_a_version_that_goes_in_mid_batch_leaves_what_it_answered() -> None:
    class Going(ManyVersions):
        def predict(self, rows: Sequence[Any], version: str | None = None) -> Any:
            if self.asked.count("v2") == 2:
                self.missing.add("v2")
            return super().predict(rows, version)

    batch = batch_of([Versioned(i) for i in range(2, 32, 3)])

    versioned(Going(), max_rows=2, stores_failed=True).predict(batch)

    assert batch.rows == [2, 5, 8, 11]
    assert [failed.row for failed in batch.failed] == [14, 17, 20, 23, 26, 29]


@pytest.mark.parametrize("stores_failed", [True, False])
def test_a_version_that_crashes_on_every_row_harms_those_rows_alone(stores_failed: bool) -> None:
    model = ManyVersions(broken=["v2"])
    batch = batch_of([Versioned(i) for i in range(0, 300) if i % 3 != 1])

    versioned(model, stores_failed=stores_failed).predict(batch)

    assert batch.rows == list(range(0, 300, 3))
    assert len(batch.failed if stores_failed else batch.dead) == 100
    assert "version 'v2' of the model: crashed, also for 9 other rows" in str(batch.failed or batch.dead)
    # they were not met one by one
    assert model.asked.count("v2") < 40


def test_a_version_is_controlled_by_rows_of_its_own() -> None:
    model = ManyVersions(refused=[3, 5])
    predictor = versioned(model)
    predictor.predict(batch_of([Versioned(i) for i in (0, 2)]))
    model.requests.clear()

    predictor.predict(batch_of([Versioned(i) for i in (3, 5)]))

    assert model.requests == [[3], [0], [5], [2]]
