"""The schema, the model and the data speak of the same features and categories."""

from typing import get_args

import pytest
from pydantic import ValidationError

from api.credit.request_id import request_id
from api.credit.schemas import APPLICATION, CreditApplication, DecisionOut, RiskCategoryOut
from api.training import credit


def test_the_schema_is_the_models() -> None:
    fields = CreditApplication.model_fields
    assert set(fields) == {feature.name for feature in credit.FEATURES}
    for feature in credit.FEATURES:
        assert feature.categories == get_args(fields[feature.name].annotation)[: len(feature.categories)]
    for output, model in ((credit.OUTPUTS[1], DecisionOut), (credit.OUTPUTS[2], RiskCategoryOut)):
        assert get_args(model.model_fields[output.name].annotation) == tuple(band.name for band in output.bands)


def test_30_and_30_0_are_the_same_application() -> None:
    whole = CreditApplication.model_validate(APPLICATION | {"age_in_years": 30})
    point = CreditApplication.model_validate_json(whole.model_dump_json().replace(":30,", ":30.0,"))
    assert whole == point
    assert type(point.age_in_years) is int


def test_a_category_that_the_data_never_has_is_valid() -> None:
    assert CreditApplication.model_validate(APPLICATION | {"personal_status_and_sex": "female : single"})


def test_another_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        CreditApplication.model_validate(APPLICATION | {"credit_amount": 1})


@pytest.mark.parametrize("given", [None, "", "no", "1" * 33, "\x00", "6f9619ff-8b86-d011-b42d-00c04fc964fg"])
def test_an_id_that_is_none_is_replaced(given: str | None) -> None:
    made = request_id(given)
    assert made != given
    assert request_id(made) == made
    assert request_id(made.upper()) == made
