"""What fails is restarted, ever more slowly while that does not help."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.status import Part, Status
from connectors.watch import LONGEST_DELAY_SECONDS, WELL_AFTER_SECONDS, Patient, delay_seconds, look

OK = Status("c", (Part("connector", "RUNNING"), Part("task 0", "RUNNING")))
BROKEN = Status("c", (Part("connector", "RUNNING"), Part("task 0", "FAILED", "a.B: it broke")))


class FakeWorker:
    def __init__(self) -> None:
        self.current: Status | None = OK
        self.restarts = 0

    def status(self, name: str) -> Status | None:
        assert name == "c"
        return self.current

    def restart_failed(self, name: str) -> None:
        assert name == "c"
        self.restarts += 1


@given(restarts=st.integers(0, 10_000))
def test_the_delay_grows_and_is_bounded(restarts: int) -> None:
    assert 0 <= delay_seconds(restarts) <= delay_seconds(restarts + 1) <= LONGEST_DELAY_SECONDS


def test_a_first_failure_is_restarted_at_once_and_its_recovery_told() -> None:
    worker, patient, lines = FakeWorker(), Patient("c"), list[str]()
    worker.current = BROKEN

    look(worker, patient, 100.0, lines.append)
    worker.current = OK
    look(worker, patient, 101.0, lines.append)
    look(worker, patient, 102.0, lines.append)

    assert worker.restarts == 1
    assert lines == ["c: FAILED, restarting it (task 0: it broke)", "c: RUNNING again"]


def test_a_lasting_failure_is_restarted_ever_more_slowly() -> None:
    worker, patient, moments = FakeWorker(), Patient("c"), list[float]()
    worker.current = BROKEN

    for second in range(100, 150):
        before = worker.restarts
        look(worker, patient, float(second), lambda _: None)
        if worker.restarts > before:
            moments.append(second)

    assert moments == [100, 101, 103, 107, 115, 130, 145]


def test_a_minute_of_health_makes_the_next_failure_a_new_one() -> None:
    worker, patient = FakeWorker(), Patient("c", restarts=9, last_restart=100.0)

    look(worker, patient, 100.0 + WELL_AFTER_SECONDS, lambda _: None)

    assert patient.restarts == 0


def test_a_connector_that_is_not_registered_is_left_alone() -> None:
    worker, patient = FakeWorker(), Patient("c")
    worker.current = None

    look(worker, patient, 100.0, lambda _: None)

    assert worker.restarts == 0
