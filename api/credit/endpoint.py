from enum import StrEnum


class Endpoint(StrEnum):
    """The endpoints, each of which answers with one output of the model."""

    DECISIONS = "decisions"
    PROBABILITIES = "probabilities"
    RISK_CATEGORIES = "risk_categories"

    @property
    def output(self) -> str:
        """The model's output, and the one field of the answer."""
        return {"decisions": "decision", "probabilities": "probability", "risk_categories": "risk_category"}[self]
