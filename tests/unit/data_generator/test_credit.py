"""Applications are the real applicants; drift moves ages and the mix of categories, and nothing else."""

import statistics
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from data_generator.credit import NEWCOMER, OLDEST, YOUNGEST, CreditRows, read_applicants
from data_generator.drift import replaced_share


@given(count=st.integers(1, 200), seed=st.integers())
def test_every_row_is_an_applicant(count: int, seed: int) -> None:
    columns = CreditRows(seed).take(count, elapsed_seconds=1000.0)

    assert [len(column) for column in columns] == [count] * 6
    assert set(zip(*columns, strict=True)) <= {tuple(applicant) for applicant in read_applicants()}


def test_the_file_has_every_applicant() -> None:
    applicants = read_applicants()
    assert len(applicants) == 1000
    assert Counter(applicant.creditability for applicant in applicants) == {"good": 700, "bad": 300}
    assert all("female : single" not in applicant for applicant in applicants)


def test_a_seed_repeats_the_rows() -> None:
    assert CreditRows(7, 0.5).take(50, 60.0) == CreditRows(7, 0.5).take(50, 60.0)
    assert CreditRows(7).take(50, 0.0) != CreditRows(8).take(50, 0.0)


def test_drift_moves_ages_and_categories_and_leaves_rate_and_outcome() -> None:
    # given the same draw without drift, and with half a deviation a minute after two minutes
    still = CreditRows(1).take(5000, elapsed_seconds=120.0)
    moved = CreditRows(1, drift_per_minute=0.5).take(5000, elapsed_seconds=120.0)

    # then ages are a deviation higher, and two fifths of each category are the newcomer's
    deviation = statistics.pstdev(applicant.age_in_years for applicant in read_applicants())
    ages = [float(age) for age in moved[1] if isinstance(age, int)]
    before = [float(age) for age in still[1] if isinstance(age, int)]
    assert abs(statistics.mean(ages) - statistics.mean(before) - deviation) < 0.5
    assert moved[0] == still[0]
    assert moved[5] == still[5]
    unseen = Counter(moved[4])["female : single"] / 5000
    assert abs(unseen - replaced_share(0.5, 120.0)) < 0.03
    for column, name in ((2, "foreign_worker"), (3, "present_employment_since")):
        assert Counter(moved[column])[NEWCOMER[name]] > Counter(still[column])[NEWCOMER[name]] + 1000


@given(per_minute=st.floats(-100, 100), minutes=st.floats(0, 1000))
def test_ages_and_shares_stay_possible(per_minute: float, minutes: float) -> None:
    ages = CreditRows(3, per_minute).take(20, minutes * 60.0)[1]
    assert all(isinstance(age, int) and YOUNGEST <= age <= OLDEST for age in ages)
    assert 0.0 <= replaced_share(per_minute, minutes * 60.0) <= 1.0
