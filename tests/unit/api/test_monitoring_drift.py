"""The population stability index, and what it says."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
import typer
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.drift import app, duration, moment
from api.monitoring.drift import SMALLEST_SHARE, Verdict, noise, population_stability_index, verdict

PAIRS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=12)
Pair = list[tuple[int, int]]


def sides(pairs: Pair) -> tuple[list[int], list[int]]:
    expected, actual = [e for e, _ in pairs], [a for _, a in pairs]
    assume(sum(expected) and sum(actual))
    return expected, actual


def floored(counts: list[int]) -> list[float]:
    return [max(count / sum(counts), SMALLEST_SHARE) for count in counts]


@given(pairs=PAIRS)
def test_it_is_never_negative_and_zero_exactly_when_the_shares_are_equal(pairs: Pair) -> None:
    expected, actual = sides(pairs)

    psi = population_stability_index(expected, actual)

    assert psi is not None
    assert math.isfinite(psi)
    assert psi >= 0
    if floored(expected) == floored(actual):
        assert psi == 0
    elif any(abs(e - a) > 1e-6 for e, a in zip(floored(expected), floored(actual), strict=True)):
        assert psi > 0


@given(counts=st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any), times=st.integers(1, 1000))
def test_more_rows_of_the_same_shares_are_no_drift(counts: list[int], times: int) -> None:
    assert population_stability_index(counts, [count * times for count in counts]) == pytest.approx(0, abs=1e-12)


@given(pairs=PAIRS)
def test_neither_side_and_no_order_of_the_bins_matters(pairs: Pair) -> None:
    expected, actual = sides(pairs)
    psi = population_stability_index(expected, actual)

    assert population_stability_index(actual, expected) == pytest.approx(psi)
    assert population_stability_index(expected[::-1], actual[::-1]) == pytest.approx(psi)


def test_it_is_what_the_formula_says() -> None:
    # by hand: 0.2 ln(0.7 / 0.5) + -0.2 ln(0.3 / 0.5)
    assert population_stability_index([50, 50], [70, 30]) == pytest.approx(
        0.2 * math.log(7 / 5) - 0.2 * math.log(3 / 5)
    )
    # an empty bin counts as one row in ten thousand
    assert population_stability_index([100, 0], [50, 50]) == pytest.approx(
        -0.5 * math.log(0.5) + 0.4999 * math.log(5000)
    )


def test_without_rows_there_is_none() -> None:
    assert population_stability_index([1, 2], [0, 0]) is None
    assert population_stability_index([0, 0], [1, 2]) is None
    assert verdict([1, 2], [0, 0]) is Verdict.TOO_FEW


@pytest.mark.parametrize(
    ("actual", "said"),
    [
        ([500, 500], Verdict.STABLE),
        ([600, 400], Verdict.STABLE),
        ([660, 340], Verdict.MODERATE),
        ([750, 250], Verdict.DRIFTED),
        ([6, 4], Verdict.TOO_FEW),
        ([9, 1], Verdict.TOO_FEW),
    ],
)
def test_what_it_says(actual: list[int], said: Verdict) -> None:
    assert verdict([400, 400], actual) is said


def test_chance_alone_rarely_says_more_than_stable() -> None:
    # given ten bins of 80 training rows, and as many rows now as a verdict needs at the least
    rows = next(m for m in range(1, 1000) if noise(10, 800, m) <= 0.05)

    # then chance gives half the lower threshold on average
    assert 200 < rows < 300
    assert verdict([80] * 10, [rows // 10] * 10) in {Verdict.STABLE, Verdict.TOO_FEW}


NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2026-03-01T12:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read(text: str, found: datetime) -> None:
    assert moment(text, NOW) == found


def test_what_is_longer_ago_than_time_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="longer ago"):
        moment("999999d", NOW)


def test_more_windows_than_anybody_reads_are_refused() -> None:
    done = CliRunner().invoke(app(), ["--since", "30d", "--window", "1s"])

    assert done.exit_code == 2
    assert "--window" in done.output


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-03", "0h", "-1h", "1w", "1.5h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(text, NOW)
    with pytest.raises(typer.BadParameter):
        duration(text, "--window")
