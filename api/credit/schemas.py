"""What the credit endpoints take and give, as the documentation shows it."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from api.credit.features import ForeignWorker, PersonalStatus, PresentEmployment

APPLICATION: dict[str, JsonValue] = {
    "installment_rate_in_percentage_of_disposable_income": 2,
    "age_in_years": 35,
    "foreign_worker": "yes",
    "present_employment_since": "1 <= ... < 4 years",
    "personal_status_and_sex": "female : divorced/separated/married",
}
YOUNG: dict[str, JsonValue] = {
    "installment_rate_in_percentage_of_disposable_income": 4,
    "age_in_years": 20,
    "foreign_worker": "yes",
    "present_employment_since": "unemployed",
    "personal_status_and_sex": "male : divorced/separated",
}


def _number(value: object) -> object:
    # 30 and 30.0 are the same number in JSON; true and "30" are none
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


WholeNumber = Annotated[int, BeforeValidator(_number)]


class CreditApplication(BaseModel):
    """What is known of one applicant. A field of another name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [APPLICATION, YOUNG]})

    installment_rate_in_percentage_of_disposable_income: Annotated[
        WholeNumber,
        Field(ge=1, le=4, description="The instalment's share of the disposable income, in classes: 1 least, 4 most."),
    ]
    age_in_years: Annotated[WholeNumber, Field(ge=18, le=120)]
    foreign_worker: ForeignWorker
    present_employment_since: PresentEmployment
    personal_status_and_sex: PersonalStatus

    def features(self) -> dict[str, int | float | str]:
        """The application by the names of the model's features."""
        return dict(self)


class DecisionOut(BaseModel):
    """Whether to give the credit: by the probability, against the threshold in the model's description."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"decision": "ACCEPT"}]})

    decision: Literal["ACCEPT", "DECLINE"]


class ProbabilityOut(BaseModel):
    """How probable it is that the credit is not paid back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"probability": 0.23}]})

    probability: Annotated[float, Field(ge=0, le=1)]


class RiskCategoryOut(BaseModel):
    """The probability in words, by the thresholds in the model's description."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"risk_category": "low_risk"}]})

    risk_category: Literal["low_risk", "medium_risk", "high_risk"]
