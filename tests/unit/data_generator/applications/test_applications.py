"""Applications are such as the model API takes; some come again as they were, and drift moves the others."""

import statistics
from collections import Counter

import pytest

from api.credit.endpoint import Endpoint as Answering
from api.credit.features import CATEGORIES, NUMBERS
from api.credit.schemas import CreditApplication
from data_generator.applications.endpoint import Endpoint
from data_generator.applications.source import FIELDS, REMEMBERED, Applications


def test_fields_and_endpoints_are_those_of_the_model_api() -> None:
    assert (*NUMBERS, *CATEGORIES) == FIELDS
    assert [(one.value, one.output) for one in Endpoint] == [(one.value, one.output) for one in Answering]


@pytest.mark.parametrize(("drift", "seconds"), [(0.0, 60.0), (0.5, 120.0), (-3.0, 6000.0), (50.0, 6000.0)])
def test_every_application_is_valid(drift: float, seconds: float) -> None:
    for application in Applications(1, drift).take(300, seconds):
        CreditApplication.model_validate(application)


def test_a_seed_repeats_the_applications() -> None:
    assert Applications(7, 0.5, 0.5).take(50, 60.0) == Applications(7, 0.5, 0.5).take(50, 60.0)
    assert Applications(7).take(50, 0.0) != Applications(8).take(50, 0.0)


@pytest.mark.parametrize("again", [0.0, 0.3, 1.0])
def test_a_share_comes_again_and_the_others_are_the_same_whatever_it_is(again: float) -> None:
    drawn, others = Applications(3, again=again).take(1000, 0.0), Applications(3).take(1000, 0.0)

    first = list({id(application): application for application in drawn}.values())
    assert first == others[: len(first)]
    assert abs(len(first) - max(1, 1000 * (1 - again))) < 50


def test_who_comes_again_was_there_lately() -> None:
    drawn = Applications(5, again=0.5).take(2000, 0.0)

    born: dict[int, int] = {}
    for application in drawn:
        number = born.setdefault(id(application), len(born))
        assert number >= len(born) - REMEMBERED


def test_drift_moves_those_who_come_for_the_first_time() -> None:
    source = Applications(1, drift_per_minute=0.5, again=0.5)

    still, later = source.take(1000, 0.0), source.take(1000, 120.0)

    ages = [statistics.mean(int(one["age_in_years"]) for one in some) for some in (still, later[REMEMBERED * 3 :])]
    assert 9 < ages[1] - ages[0] < 13
    unseen = [Counter(one["personal_status_and_sex"] for one in some)["female : single"] for some in (still, later)]
    assert unseen[0] == 0
    assert 250 < unseen[1] < 450
