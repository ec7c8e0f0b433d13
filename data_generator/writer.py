"""Writes batch after batch, however often the database goes away in between."""

from collections.abc import Callable
from enum import Enum

from data_generator.batch import Batch, Connection
from data_generator.errors import DatabaseLostError
from data_generator.insistence import Listener, insist
from data_generator.rows import Columns


class Outcome(Enum):
    """What became of a batch."""

    STORED = "stored"
    NOT_STORED = "not stored"
    UNKNOWN = "unknown"
    """The run was stopped while the database was away, and with it the batch's acknowledgement."""


class Writer:
    """Holds one connection at a time and replaces it when it breaks."""

    def __init__(self, connect: Callable[[], Connection], pause: Callable[[float], bool], listener: Listener) -> None:
        """Nothing connects before the first batch.

        Args:
            connect: opens a connection; raises DatabaseLostError while the database is away.
            pause: waits so many seconds; False, at once, when the run is to stop.
            listener: hears of each loss and of each return, once.
        """
        self._connect = connect
        self._pause = pause
        self._listener = listener
        self._connection: Connection | None = None

    def prepare(self) -> Outcome:
        """Connect, which creates the table, and write nothing; waits and raises as `write` does."""
        return Outcome.STORED if self._insist(lambda _: None) else Outcome.NOT_STORED

    def write(self, rows: Columns) -> Outcome:
        """Store a batch exactly once, waiting for the database until it is back or the run is to stop.

        Raises:
            SettingError, TableError: the database refuses for good.
        """
        batch = Batch(rows)
        if self._insist(batch.store):
            return Outcome.STORED
        return Outcome.UNKNOWN if batch.sent else Outcome.NOT_STORED

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _insist(self, step: Callable[[Connection], None]) -> bool:
        """Repeat `step` with new connections until it succeeds; False if the run is to stop before that."""

        def attempt() -> None:
            if self._connection is None:
                self._connection = self._connect()
            try:
                step(self._connection)
            except DatabaseLostError:
                self.close()
                raise

        return insist(attempt, self._pause, self._listener)
