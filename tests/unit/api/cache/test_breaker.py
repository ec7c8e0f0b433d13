from api.cache.breaker import FAILURES, FIRST_SECONDS, LONGEST_SECONDS, Breaker


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    assert [breaker.failed(at) for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    return breaker


def test_it_opens_after_failures_in_a_row_and_says_so_once() -> None:
    breaker = opened()

    assert not breaker.closed
    assert not breaker.failed(0.1)


def test_an_answer_between_failures_keeps_it_closed() -> None:
    breaker = Breaker()
    for now in range(10 * FAILURES):
        breaker.failed(now)
        breaker.succeeded()

    assert breaker.closed


def test_one_probe_is_due_after_a_second() -> None:
    breaker = opened()

    assert not breaker.probe_due(FIRST_SECONDS - 0.001)
    assert breaker.probe_due(FIRST_SECONDS)
    assert not any(breaker.probe_due(FIRST_SECONDS + later) for later in range(100))
    assert not breaker.closed


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker = opened()
    assert breaker.probe_due(1.0)

    breaker.probed(True, 1.1)

    assert breaker.closed
    assert not breaker.probe_due(100.0)
    # and it takes as many failures as before to open it again, for as long as at first
    assert [breaker.failed(200.0) for _ in range(FAILURES)][-1]
    assert breaker.probe_due(200.0 + FIRST_SECONDS)


def test_each_probe_that_fails_doubles_the_time_up_to_the_longest() -> None:
    breaker = opened()
    now, waits = 0.0, []
    for _ in range(7):
        began = now
        while not breaker.probe_due(now):
            now += 0.5
        waits.append(now - began)
        breaker.probed(False, now)

    assert waits == [1.0, 2.0, 4.0, 8.0, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS]


def test_an_answer_that_comes_late_does_not_close_it() -> None:
    breaker = opened()

    breaker.succeeded()

    assert not breaker.closed
