"""The word for how a pipeline is fits what its stages report."""

from __future__ import annotations

from typing import Any

import pytest

from subscriber.console.state import state, waiting
from subscriber.console.view import Second

RUNNING: dict[str, Any] = {
    "state": "running",
    "error": None,
    "partitions": [0, 1],
    "waiting": [],
    "troubles": [],
    "busy": [],
}
WAITS = {"stage": "predict", "reason": "model API answers 503", "seconds": 12.0}


def second(rows: float = 0.0, lag: int | None = 0, dead: float = 0.0) -> Second:
    return Second(0.0, rows, dead, None, None, None, lag)


@pytest.mark.parametrize(
    ("health", "recent", "rows", "now", "tone", "word"),
    [
        ({}, True, 9, second(5.0), "good", "Predicting"),
        ({}, False, 9, second(dead=1.0), "good", "Predicting"),
        ({}, False, 9, second(), "idle", "Idle"),
        ({}, False, 0, second(), "idle", "No rows yet"),
        ({}, False, 9, second(lag=3), "waiting", "Reading"),
        ({"waiting": [WAITS]}, True, 9, second(), "waiting", "Waiting"),
        ({"partitions": []}, False, 0, second(), "waiting", "Waiting"),
        ({"busy": [{"stage": "store", "seconds": 5.0}]}, True, 9, second(), "waiting", "Waiting"),
        ({"busy": [{"stage": "store", "seconds": 0.3}]}, True, 9, second(5.0), "good", "Predicting"),
        ({"state": "starting"}, False, 0, second(), "waiting", "Starting"),
        ({"state": "failed", "error": "no table"}, True, 9, second(5.0), "failed", "Stopped"),
        ({"state": "stopped"}, True, 9, second(5.0), "failed", "Stopped"),
    ],
)
def test_the_state_in_a_word(
    health: dict[str, Any], recent: bool, rows: int, now: Second, tone: str, word: str
) -> None:
    found = state(RUNNING | health, "t", recent, rows, now)
    assert (found["tone"], found["word"]) == (tone, word)


def test_an_error_is_said() -> None:
    assert state(RUNNING | {"state": "failed", "error": "no table"}, "t", False, 0, second())["words"] == "no table"


def test_a_server_that_does_not_answer_is_waited_for() -> None:
    busy = [{"stage": "predict", "seconds": 4.0}, {"stage": "store", "seconds": 0.1}]
    (found,) = waiting(RUNNING | {"busy": busy})
    assert found == {"stage": "predict", "seconds": 4.0, "reason": "the model has not answered yet", "retrying": False}


def test_a_stage_that_says_what_it_waits_for_is_told_once() -> None:
    assert waiting(RUNNING | {"waiting": [WAITS], "busy": [{"stage": "predict", "seconds": 12.0}]}) == [
        WAITS | {"retrying": True}
    ]
