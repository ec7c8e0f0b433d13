"""Whatever breaks and whenever, a batch is stored exactly once."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from data_generator.errors import DatabaseLostError, IdsTakenError
from data_generator.rows import Columns
from data_generator.writer import Outcome, Writer

FINE, BEFORE, AFTER = "fine", "lost before the commit", "lost after the commit"


class FakeDatabase:
    """A table and a sequence; each call meets the next fault of a list, then none."""

    def __init__(self, faults: Sequence[str] = (), strangers: Sequence[int] = ()) -> None:
        self.stored: dict[int, object] = dict.fromkeys(strangers, "stranger")
        self.faults = list(faults)
        self.next_id = 1

    def _meet(self, moment: str) -> None:
        if self.faults and self.faults[0] == moment:
            self.faults.pop(0)
            raise DatabaseLostError("gone")

    def _passed(self) -> None:
        if self.faults and self.faults[0] == FINE:
            self.faults.pop(0)

    def connect(self) -> "FakeDatabase":
        self._meet(BEFORE)
        self._passed()
        return self

    def take_ids(self, count: int) -> list[int]:
        self._meet(BEFORE)
        ids = list(range(self.next_id, self.next_id + count))
        self.next_id += count
        self._meet(AFTER)
        self._passed()
        return ids

    def insert(self, ids: Sequence[int], rows: Columns) -> None:
        self._meet(BEFORE)
        if self.stored.keys() & set(ids):
            self._passed()
            raise IdsTakenError("duplicate")
        self.stored.update(zip(ids, zip(*rows, strict=True), strict=True))
        self._meet(AFTER)
        self._passed()

    def count_rows(self, ids: Sequence[int], rows: Columns) -> int:
        self._meet(BEFORE)
        self._passed()
        return sum(self.stored.get(i) == row for i, row in zip(ids, zip(*rows, strict=True), strict=True))

    def close(self) -> None:
        pass


class Heard:
    def __init__(self) -> None:
        self.events: list[str] = []

    def lost(self, reason: str) -> None:
        self.events.append(f"lost: {reason}")

    def back(self, failures: int) -> None:
        self.events.append(f"back after {failures}")


@given(
    faults=st.lists(st.sampled_from([FINE, BEFORE, AFTER]), max_size=40),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=10),
    strangers=st.sets(st.integers(1, 60), max_size=10),
)
@example(faults=[FINE] * 4 + [BEFORE], sizes=[1, 1], strangers={2})
def test_every_batch_is_stored_exactly_once(faults: list[str], sizes: list[int], strangers: set[int]) -> None:
    # given a database that breaks at any moments, and rows that others inserted with ids of their own choice
    database = FakeDatabase(faults, sorted(strangers))
    writer = Writer(database.connect, lambda _: True, Heard())
    expected = []

    # when batches are written
    for number, size in enumerate(sizes):
        rows = [[(number, row) for row in range(size)]]
        expected += [(value,) for value in rows[0]]
        assert writer.write(rows) is Outcome.STORED  # type: ignore[arg-type]

    # then each of their rows is there once, and nobody else's was touched
    ours = [row for row in database.stored.values() if row != "stranger"]
    assert sorted(ours) == sorted(expected)  # type: ignore[type-var]
    assert len(database.stored) == len(expected) + len(strangers)


def test_a_loss_and_a_return_are_told_once_each() -> None:
    heard = Heard()
    database = FakeDatabase([FINE, BEFORE, BEFORE, BEFORE])

    assert Writer(database.connect, lambda _: True, heard).write([[1]]) is Outcome.STORED

    assert heard.events == ["lost: gone", "back after 3"]


def test_a_stop_during_an_outage_says_that_nothing_was_stored() -> None:
    database = FakeDatabase([BEFORE])

    assert Writer(database.connect, lambda _: False, Heard()).write([[1]]) is Outcome.NOT_STORED


def test_a_stop_after_a_lost_acknowledgement_says_that_nobody_knows() -> None:
    database = FakeDatabase([FINE, FINE, AFTER])

    assert Writer(database.connect, lambda _: False, Heard()).write([[1]]) is Outcome.UNKNOWN


def test_connecting_alone_waits_as_well() -> None:
    assert Writer(FakeDatabase([BEFORE]).connect, lambda _: True, Heard()).prepare() is Outcome.STORED
    assert Writer(FakeDatabase([BEFORE]).connect, lambda _: False, Heard()).prepare() is Outcome.NOT_STORED
