"""Values reach the page short and exact."""

from __future__ import annotations

from typing import Any

import pytest

from subscriber.console.excerpt import message, shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, 1.5),
        (None, None),
        (True, True),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ([1, 2], "[1, 2] (2 values)"),
        (list(range(99)), "[0, 1, 2, 3, …] (99 values)"),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_a_value(value: Any, expected: Any) -> None:
    assert shown(value) == expected


def test_a_message_begins_with_its_payload() -> None:
    assert message(b'{"schema": {"a": 1}, "payload": {"id": 1}}') == '…"payload": {"id": 1}}'
    assert message(b"\xff{") == "\ufffd{"
    assert message(None) is None
    assert len(message(b"x" * 10_000) or "") == 401
