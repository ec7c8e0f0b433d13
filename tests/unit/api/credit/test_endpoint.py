"""What is an answer of an endpoint, and what is none."""

import pytest

from api.credit.endpoint import Endpoint


@pytest.mark.parametrize(
    ("endpoint", "body", "value"),
    [
        (Endpoint.DECISIONS, b'{"decision":"ACCEPT"}', "ACCEPT"),
        (Endpoint.PROBABILITIES, b'{"probability":0.23}', 0.23),
        (Endpoint.PROBABILITIES, b'{"probability":1}', 1.0),
        (Endpoint.RISK_CATEGORIES, b'{"risk_category":"low_risk"}', "low_risk"),
    ],
)
def test_an_answer_has_one_value(endpoint: Endpoint, body: bytes, value: str | float) -> None:
    assert endpoint.fits(body)
    assert endpoint.answer(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ACCEPT",
        b'"ACCEPT"',
        b"{}",
        b'{"decision":1}',
        b'{"decision":null}',
        b'{"probability":0.23}',
        b'{"decision":"ACCEPT","reason":"none"}',
        b'{"decision":"\xff"}',
    ],
)
def test_anything_else_is_none(body: bytes) -> None:
    assert not Endpoint.DECISIONS.fits(body)
