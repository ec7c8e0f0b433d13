"""Who is uploaded next, and when a store that has failed is tried again."""

from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from api.archive.kept import KeptObject
from api.archive.line import Count, Line, Waiting
from api.archive.policy import RETRY_SECONDS, retry_delay


def waiting(key: str, since: float = 0.0) -> Waiting:
    return Waiting(key, 10, since)


def line(*keys: str) -> Line:
    one = Line()
    for number, key in enumerate(keys):
        assert one.add(waiting(key, float(number)))
    return one


def taken(one: Line) -> Waiting:
    found = one.take()
    assert found is not None
    return found


@given(failures=st.integers(1, 1000), chance=st.floats(0, 1))
def test_a_delay_grows_to_a_bound(failures: int, chance: float) -> None:
    delay = retry_delay(failures, chance)

    assert RETRY_SECONDS[0] / 2 <= delay <= RETRY_SECONDS[-1]
    assert delay <= retry_delay(failures + 1, chance)


def test_the_oldest_goes_first_and_each_to_one_thread() -> None:
    one = line("a", "b")

    assert [taken(one).key, taken(one).key] == ["a", "b"]
    assert one.oldest() == 0.0


def test_a_key_waits_once() -> None:
    one = line("a")

    assert not one.add(waiting("a"))
    assert one.count(in_memory=False) == Count(1, 10)


def test_what_is_stored_waits_no_more() -> None:
    one = line("a", "b")

    one.stored(taken(one))

    assert one.find("a") is None
    assert (one.count(in_memory=False), one.oldest()) == (Count(1, 10), 1.0)


def test_what_is_in_memory_is_counted_apart_until_it_has_a_file() -> None:
    one = line("a", "b")
    held = Waiting("c", 7, 2.0, kept=KeptObject("c", b"image", "image/png", {}, 2.0))
    one.add(held)

    assert (one.count(in_memory=True), one.count(in_memory=False)) == (Count(1, 7), Count(2, 20))
    assert one.in_memory() == [held]
    one.spooled(held)
    one.spooled(held)
    assert (one.count(in_memory=True), one.count(in_memory=False)) == (Count(0, 0), Count(3, 27))


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.data())
def test_the_counts_are_those_of_what_waits(ages: list[float], data: st.DataObject) -> None:
    one = Line()
    there = {str(number): age for number, age in enumerate(ages)}
    for key, age in there.items():
        one.add(waiting(key, age))

    for _ in range(data.draw(st.integers(0, len(ages)))):
        found = taken(one)
        one.stored(found)
        del there[found.key]

    assert one.count(in_memory=False) == Count(len(there), 10 * len(there))
    assert one.oldest() == min(there.values(), default=None)


def test_to_count_takes_no_longer_for_many() -> None:
    # Given an outage of an hour and a half at fifty images a second
    one = line(*map(str, range(300_000)))

    # When metrics are read a hundred times
    began = time.process_time()
    for _ in range(100):
        one.count(in_memory=True)
        one.count(in_memory=False)
        one.oldest()

    # Then nobody else has waited long: each look at all of them would take a tenth of a second
    assert time.process_time() - began < 0.5


def test_one_that_waits_for_ever_makes_nothing_grow() -> None:
    one = line("stuck")
    stuck = taken(one)

    for number in range(5_000):
        one.add(waiting(str(number), 1.0 + number))
        one.stored(taken(one))

    assert len(one._ages) < 2_000
    assert (one.oldest(), stuck.key) == (0.0, "stuck")


def test_after_a_failure_one_thread_tries_at_a_time() -> None:
    one = line("a", "b")
    first, second = taken(one), taken(one)
    one.failed(first)
    began = time.monotonic()
    found: list[str] = []

    def take() -> None:
        found.append(taken(one).key)

    # the pause, and `b` which may tell that the store is back
    thread = threading.Thread(target=take)
    thread.start()
    thread.join(RETRY_SECONDS[0] * 2)
    assert found == []
    one.stored(second)
    thread.join()
    assert found == ["a"]
    assert time.monotonic() - began >= RETRY_SECONDS[0] / 2


def test_one_that_is_refused_lets_the_others_by() -> None:
    one = line("a", "b")

    one.failed(taken(one), last=True)

    assert taken(one).key == "b"


def test_a_claimed_image_is_nobody_elses() -> None:
    one = line("a", "b")
    claimed = one.claim("a", 1)
    assert claimed is not None

    assert taken(one).key == "b"
    assert one.claim("a", 0.01) is None
    one.release(claimed)
    assert taken(one).key == "a"


def test_what_is_not_there_cannot_be_claimed() -> None:
    assert line("a").claim("b", 1) is None


def test_a_claim_waits_for_the_upload() -> None:
    one = line("a")
    busy = taken(one)
    found: list[Waiting | None] = []
    thread = threading.Thread(target=lambda: found.append(one.claim("a", 10)))
    thread.start()

    one.stored(busy)
    thread.join()

    assert found == [None]


def test_the_end_is_reached_when_nothing_waits() -> None:
    one = line("a")
    one.end()

    one.stored(taken(one))

    assert one.take() is None


def test_the_end_does_not_wait_for_a_store_that_fails() -> None:
    one = line("a", "b")
    one.failed(taken(one))

    one.end()

    assert one.take() is None
    assert one.count(in_memory=False) == Count(2, 20)
