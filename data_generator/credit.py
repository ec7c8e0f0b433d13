"""Random applications of the German credit data (H. Hofmann, 1994), with drift if asked for.

`credit.csv` holds five features of its 1,000 applicants and what became of the credit. Licence: CC BY 4.0; source: Hans
Hofmann, Statlog (German Credit Data), UCI Machine Learning Repository, doi:10.24432/C5NC77.
"""

import csv
import random
import statistics
from importlib import resources
from typing import Any, NamedTuple

from data_generator.drift import replaced_share, shift
from data_generator.rows import Columns

YOUNGEST, OLDEST = 18, 120


class Applicant(NamedTuple):
    """One row, in the order of the table's columns."""

    installment_rate: int
    age_in_years: int
    foreign_worker: str
    present_employment_since: str
    personal_status_and_sex: str
    creditability: str


# What the mix of categories drifts towards; the data have no `female : single` at all.
NEWCOMER = {
    "foreign_worker": "no",
    "present_employment_since": "unemployed",
    "personal_status_and_sex": "female : single",
}


def read_applicants() -> list[Applicant]:
    """All 1,000 applicants."""
    text = (resources.files("data_generator") / "credit.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    return [Applicant(int(rate), int(age), *texts) for rate, age, *texts in rows]


class CreditRows:
    """Draws applicants with replacement, each as likely as any other.

    With drift, ages move as `drift.shift` says, within 18 to 120 years, and of each text feature a share of the rows,
    `drift.replaced_share`, has one category instead of its own. The rate and the outcome stay the applicant's.
    """

    table = "credit_applications"

    def __init__(self, seed: int | None = None, drift_per_minute: float = 0.0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample data, no secret depends on it
        self._drift_per_minute = drift_per_minute
        self._applicants = read_applicants()
        self._deviation = statistics.pstdev(applicant.age_in_years for applicant in self._applicants)

    def take(self, count: int, elapsed_seconds: float) -> Columns:
        """Draw `count` applicants as they look `elapsed_seconds` after the start of the run."""
        drawn = self._random.choices(self._applicants, k=count)
        if self._drift_per_minute:
            drawn = [self._drifted(applicant, elapsed_seconds) for applicant in drawn]
        return list(zip(*drawn, strict=True))

    def _drifted(self, applicant: Applicant, elapsed_seconds: float) -> Applicant:
        age = applicant.age_in_years + shift(self._drift_per_minute, self._deviation, elapsed_seconds)
        share = replaced_share(self._drift_per_minute, elapsed_seconds)
        changes: dict[str, Any] = {name: text for name, text in NEWCOMER.items() if self._random.random() < share}
        return applicant._replace(age_in_years=round(min(max(age, YOUNGEST), OLDEST)), **changes)
