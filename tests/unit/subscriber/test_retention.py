"""How long rows are kept, as a pipeline file says it, and how much of the database's time their deletion takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber import retention
from subscriber.pipeline import Pipeline
from subscriber.retention import rest_seconds, tables
from tests.unit.subscriber.material import pipeline


def keeping(**days: float) -> Pipeline:
    return Pipeline.model_validate({**pipeline().model_dump(by_alias=True), "retention": days})


def test_what_is_not_named_is_kept_for_ever() -> None:
    assert tables(pipeline()) == []
    assert tables(keeping()) == []
    assert [(kept.name, kept.days) for kept in tables(keeping(predictions_days=0.5))] == [("predictions", 0.5)]
    assert [(kept.name, kept.days) for kept in tables(keeping(dead_letters_days=7))] == [("dead_letter", 7)]


def test_predictions_are_as_old_as_the_timestamp_that_the_pipeline_writes() -> None:
    described = keeping(predictions_days=1, dead_letters_days=1)
    predictions, letters = tables(described)

    assert predictions.index == [described.target.timestamp]
    assert letters.index == ["pipeline", "failed_at"]


def test_without_a_timestamp_predictions_have_no_age() -> None:
    content = pipeline().model_dump(by_alias=True)
    content["target"]["timestamp"] = None

    Pipeline.model_validate({**content, "retention": {"dead_letters_days": 1}})
    with pytest.raises(ValueError, match=r"retention\.predictions_days: needs target\.timestamp"):
        Pipeline.model_validate({**content, "retention": {"predictions_days": 1}})


@given(used=st.floats(0, 3600))
def test_a_batch_and_its_rest_take_no_more_than_their_share(used: float) -> None:
    rest = rest_seconds(used)

    assert 0 <= rest <= retention.LONGEST_REST_SECONDS
    if rest < retention.LONGEST_REST_SECONDS:
        assert used <= retention.SHARE * (used + rest) * 1.000001
    # a session at rest is not taken for a frozen one
    assert retention.IDLE_LIMIT == "2min"
    assert rest < 120
