"""Random applications for a credit, some of them from applicants who come again."""

import random
from collections import deque
from collections.abc import Mapping

from data_generator.credit import CreditRows
from data_generator.rows import Column

FIELDS = (
    "installment_rate_in_percentage_of_disposable_income",
    "age_in_years",
    "foreign_worker",
    "present_employment_since",
    "personal_status_and_sex",
)
"""As the model API calls the features, in the order of `CreditRows`."""
REMEMBERED = 100

Application = Mapping[str, int | str]


class Applications:
    """Draws applicants as `CreditRows` does, with its drift.

    A share of the applications, `again`, is one of the last 100 applicants once more, as they were: what an API that
    keeps answers need not compute. So few are remembered that these lag behind the drift by 100 applicants at most.
    """

    def __init__(self, seed: int | None = None, drift_per_minute: float = 0.0, again: float = 0.0) -> None:
        self._rows = CreditRows(seed, drift_per_minute)
        # numbers of its own: the same seed draws the same applicants, in the same order, whatever the share is
        self._random = random.Random(None if seed is None else f"again {seed}")  # noqa: S311 - no secret depends on it
        self._again = again
        self._remembered: deque[Application] = deque(maxlen=REMEMBERED)

    def take(self, count: int, elapsed_seconds: float) -> list[Application]:
        """Draw `count` applications as they look `elapsed_seconds` after the start of the run."""
        return [self._draw(elapsed_seconds) for _ in range(count)]

    def _draw(self, elapsed_seconds: float) -> Application:
        if self._random.random() < self._again and self._remembered:
            return self._random.choice(self._remembered)
        columns = self._rows.take(1, elapsed_seconds)
        # the last column is what became of the credit, which no applicant knows
        application = {name: _value(column) for name, column in zip(FIELDS, columns[:-1], strict=True)}
        self._remembered.append(application)
        return application


def _value(column: Column) -> int | str:
    (value,) = column
    assert isinstance(value, int | str)  # noqa: S101 - an applicant has no other features
    return value
