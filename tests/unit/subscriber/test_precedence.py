"""Who stands aside for the stage that goes first, and how long."""

from __future__ import annotations

import threading
import time

import pytest

from subscriber.precedence import Precedence


@pytest.fixture
def precedence(monkeypatch: pytest.MonkeyPatch) -> Precedence:
    monkeypatch.setattr("subscriber.precedence.MOST_SECONDS", 60.0)
    return Precedence()


def waits(precedence: Precedence) -> threading.Thread:
    other = threading.Thread(target=precedence.stand_aside, daemon=True)
    other.start()
    other.join(0.05)
    return other


def test_nobody_waits_while_nobody_goes_first(precedence: Precedence) -> None:
    assert not waits(precedence).is_alive()


def test_others_wait_until_it_is_given_back(precedence: Precedence) -> None:
    with precedence.taken():
        other = waits(precedence)
        assert other.is_alive()
        precedence.give_back()
        other.join(10)
        assert not other.is_alive()


def test_what_fails_gives_it_back(precedence: Precedence) -> None:
    with pytest.raises(ZeroDivisionError), precedence.taken():
        raise ZeroDivisionError
    assert not waits(precedence).is_alive()


def test_who_hangs_does_not_hold_up_the_others_for_long() -> None:
    precedence = Precedence()
    began = time.monotonic()
    with precedence.taken():
        precedence.stand_aside()
    assert time.monotonic() - began < 10
