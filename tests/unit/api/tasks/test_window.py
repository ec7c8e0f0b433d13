"""How many rows may be on their way: as many as come back in time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.tasks.dispatch.window import Pace, Window

START = Window(2_000, 2_000, 100_000, 0.5)


def settled(rows_a_second: float, window: Window = START) -> Window:
    """The window after many cycles of a model of this pace, whose rows on their way are always as many as may be."""
    for _ in range(200):
        # what is on its way comes back after as long as the model takes for it, and a little for the way
        window = window.after([0.05 + window.rows / rows_a_second], window.rows)
    return window


def test_a_fast_model_gets_more_until_its_rows_take_their_time() -> None:
    window = settled(60_000)

    assert 0.2 <= window.rows / 60_000 <= 1.0


def test_a_slow_model_is_left_with_the_least() -> None:
    assert settled(20).rows == START.least


def test_a_model_that_becomes_slow_gets_less() -> None:
    window = settled(2_000, settled(60_000))

    assert window.rows == START.least


def test_a_window_that_is_not_used_does_not_grow() -> None:
    assert START.after([0.01] * 5, 10) == START


def test_nothing_came_back_nothing_changes() -> None:
    assert START.after([], 2_000) == START


@given(st.lists(st.floats(0, 1e6)), st.integers(0, 10**9), st.integers(2_000, 100_000))
def test_it_stays_within_its_bounds(flights: list[float], used: int, rows: int) -> None:
    window = Window(rows, 2_000, 100_000, 0.5).after(flights, used)

    assert 2_000 <= window.rows <= 100_000


def test_it_is_adapted_once_in_the_time_that_rows_are_on_their_way() -> None:
    pace = Pace(START, [], 0, 0.0)

    pace.came_back([0.3], 2_000, 0.1)
    assert pace.window == START
    pace.came_back([0.3], 2_000, 0.2)
    assert pace.window == START
    pace.came_back([0.3], 2_000, 0.3)
    assert pace.window.rows == 3_000
    pace.came_back([0.3], 3_000, 0.4)
    assert pace.window.rows == 3_000
