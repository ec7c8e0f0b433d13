"""What is known of an applicant, with the names of the categories as the German credit data has them."""

from typing import Literal, get_args

ForeignWorker = Literal["yes", "no"]
PresentEmployment = Literal["unemployed", "... < 1 year", "1 <= ... < 4 years", "4 <= ... < 7 years", "... >= 7 years"]
# The last one is in the description of the data, and in none of its rows.
PersonalStatus = Literal[
    "male : divorced/separated",
    "female : divorced/separated/married",
    "male : single",
    "male : married/widowed",
    "female : single",
]

INSTALLMENT_RATE = "installment_rate_in_percentage_of_disposable_income"
AGE = "age_in_years"
NUMBERS = (INSTALLMENT_RATE, AGE)
CATEGORIES: dict[str, tuple[str, ...]] = {
    "foreign_worker": get_args(ForeignWorker),
    "present_employment_since": get_args(PresentEmployment),
    "personal_status_and_sex": get_args(PersonalStatus),
}
