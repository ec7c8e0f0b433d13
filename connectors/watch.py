"""Restarts what fails: Kafka Connect itself never tries a failed task again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Never, Protocol

from connectors.explain import reasons
from connectors.status import Status

EVERY_SECONDS = 1.0
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 15.0
# A connector that has run for so long is well; its next failure is a new one.
WELL_AFTER_SECONDS = 60.0


class Worker(Protocol):
    """What the watch needs of `connect.Connect`."""

    def status(self, name: str) -> Status | None: ...
    def restart_failed(self, name: str) -> None: ...


@dataclass
class Patient:
    """One connector under watch. Times are monotonic, in seconds."""

    name: str
    restarts: int = 0
    """In a row, without a minute's health in between."""
    last_restart: float = 0.0
    down: bool = False


def delay_seconds(restarts: int) -> float:
    """How long after the nth restart in a row the next one may be: 1, 2, 4, … 15 s; none before the first."""
    return 0.0 if restarts == 0 else min(FIRST_DELAY_SECONDS * 2.0 ** min(restarts - 1, 16), LONGEST_DELAY_SECONDS)


def watch(
    connect: Worker,
    names: list[str],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> Never:
    """Look at each connector every second, for ever; a line for each restart, and one when it runs again."""
    patients = [Patient(name) for name in names]
    while True:
        for patient in patients:
            look(connect, patient, clock(), say)
        sleep(EVERY_SECONDS)


def look(connect: Worker, patient: Patient, now: float, say: Callable[[str], None]) -> None:
    """Restart the failed parts of one connector if it has any and their turn has come."""
    status = connect.status(patient.name)
    if status is None:
        return
    since_restart = now - patient.last_restart
    if status.failures:
        if since_restart >= delay_seconds(patient.restarts):
            say(f"{patient.name}: FAILED, restarting it ({reasons(status.failures)})")
            connect.restart_failed(patient.name)
            patient.restarts, patient.last_restart, patient.down = patient.restarts + 1, now, True
    elif status.running:
        if patient.down and since_restart >= EVERY_SECONDS:
            say(f"{patient.name}: RUNNING again")
            patient.down = False
        if since_restart >= WELL_AFTER_SECONDS:
            patient.restarts = 0
