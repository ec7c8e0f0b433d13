"""An errand is done once, when it can be; time is what the test says."""

from collections import Counter
from collections.abc import Iterator

from data_generator.errors import ApiLostError, RefusedError
from data_generator.images.errands import FIRST_SECONDS, MOST_TRIES, Errand, Errands


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answering(*outcomes: bool | Exception) -> Errand:
    """An errand with these outcomes, one a try; a try beyond them fails the test."""
    left: Iterator[bool | Exception] = iter(outcomes)

    def errand() -> bool:
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return errand


def done(errands: Errands, clock: Clock, seconds: float = 200.0) -> None:
    """Let time pass until nothing waits."""
    while len(errands) and clock.now < seconds:
        clock.now += errands.wait_seconds
        errands.do()


def test_it_is_done_a_while_after_its_answer() -> None:
    clock, counted = Clock(), Counter[str]()
    errands = Errands(clock)
    errands.add(answering(True), lambda outcome: counted.update([outcome]))

    errands.do()
    assert (len(errands), errands.wait_seconds) == (1, FIRST_SECONDS)

    done(errands, clock)
    assert counted == {"done": 1}
    assert clock.now == FIRST_SECONDS


def test_what_cannot_be_done_yet_is_tried_again_for_a_minute() -> None:
    clock, counted = Clock(), Counter[str]()
    errands = Errands(clock)
    errands.add(answering(False, False, True), lambda outcome: counted.update([f"soon {outcome}"]))
    errands.add(answering(*[False] * MOST_TRIES), lambda outcome: counted.update([f"never {outcome}"]))

    done(errands, clock)

    assert counted == {"soon done": 1, "never given up": 1}
    assert 60 < clock.now < 90


def test_it_waits_for_a_server_that_is_away_however_long() -> None:
    clock, counted = Clock(), Counter[str]()
    errands = Errands(clock)
    errands.add(answering(*[ApiLostError("gone")] * 100, True), lambda outcome: counted.update([outcome]))

    done(errands, clock)

    assert counted == {"done": 1}
    assert clock.now > 100


def test_what_is_refused_is_over() -> None:
    clock, counted = Clock(), Counter[str]()
    errands = Errands(clock)
    errands.add(answering(RefusedError("422")), lambda outcome: counted.update([outcome]))
    errands.add(answering(True), lambda outcome: counted.update([outcome]))

    done(errands, clock)

    assert counted == {"refused": 1, "done": 1}
