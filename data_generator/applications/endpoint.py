"""Where an application may go."""

from enum import StrEnum


class Endpoint(StrEnum):
    """The endpoints of the model API that answer an application."""

    DECISIONS = "decisions"
    PROBABILITIES = "probabilities"
    RISK_CATEGORIES = "risk_categories"

    @property
    def output(self) -> str:
        """The field of the answer."""
        return {"decisions": "decision", "probabilities": "probability", "risk_categories": "risk_category"}[self]
