from enum import StrEnum

import msgspec


class Endpoint(StrEnum):
    """The endpoints, each of which answers with one output of the model."""

    DECISIONS = "decisions"
    PROBABILITIES = "probabilities"
    RISK_CATEGORIES = "risk_categories"

    @property
    def output(self) -> str:
        """The model's output, and the one field of the answer."""
        return {"decisions": "decision", "probabilities": "probability", "risk_categories": "risk_category"}[self]

    def answer(self, body: bytes) -> str | float:
        """The value of an answer: a probability is a number, the others are text.

        Raises:
            ValueError: this is no answer of the endpoint.
        """
        try:
            fields: dict[str, str | float] = msgspec.json.decode(body, type=_FIELDS[self])
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error
        if fields.keys() != {self.output}:
            raise ValueError(f"not one field '{self.output}'")
        return fields[self.output]

    def fits(self, body: bytes) -> bool:
        """Whether this is an answer of the endpoint."""
        try:
            self.answer(body)
        except ValueError:
            return False
        return True


_FIELDS = {
    Endpoint.DECISIONS: dict[str, str],
    Endpoint.PROBABILITIES: dict[str, float],
    Endpoint.RISK_CATEGORIES: dict[str, str],
}
