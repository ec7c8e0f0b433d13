import threading
import time

import structlog

from api.monitoring.database import Database
from api.monitoring.errors import DatabaseAway, MonitoringError
from api.monitoring.policy import retry_delay

log = structlog.get_logger()


class Connector:
    """Connects in a thread of its own, so that nobody waits for a server that is away. Asked by one thread."""

    def __init__(self, dsn: str, write_timeout_seconds: float) -> None:
        self._dsn = dsn
        self._timeout = write_timeout_seconds
        self._trying: threading.Thread | None = None
        # what a try left: written by its thread, read once that has ended
        self._opened: Database | None = None
        self._error: MonitoringError | None = None
        self._database: Database | None = None
        self._failures = 0
        self._next_try = 0.0
        self._complaint = ""

    @property
    def connected(self) -> bool:
        return self._database is not None

    def database(self) -> Database | None:
        """An open connection; without one, None, and a try to connect begins as soon as one is due."""
        if self._trying is not None and not self._trying.is_alive():
            self._finish()
        if self._database is None and self._trying is None and time.monotonic() >= self._next_try:
            self._trying = threading.Thread(target=self._try, name="monitoring-connect", daemon=True)
            self._trying.start()
        return self._database

    def proved(self) -> None:
        """Note that the database has taken answers."""
        if self._complaint:
            log.info("monitoring database takes answers again")
        self._failures, self._complaint = 0, ""

    def lost(self, error: DatabaseAway) -> None:
        """Note that the connection is gone."""
        self._database = None
        self._failed(error)

    def close(self) -> None:
        """Close the connection; one that is being made is left to end by itself."""
        if self._trying is not None and not self._trying.is_alive():
            self._finish()
        if self._database is not None:
            self._database.close()
            self._database = None

    def _try(self) -> None:
        try:
            self._opened = Database.open(self._dsn, self._timeout)
        except MonitoringError as error:
            self._error = error
        except Exception as error:  # the thread's end is the only answer it can give
            log.exception("monitoring database cannot be opened")
            self._error = DatabaseAway(repr(error))

    def _finish(self) -> None:
        self._trying = None
        error, self._error = self._error, None
        self._database, self._opened = self._opened, None
        if self._database is not None:
            # after a failure it is good again once it has taken answers: one that is full, say, lets us in all the time
            if not self._complaint:
                log.info("monitoring database connected")
        elif error is not None:
            self._failed(error)

    def _failed(self, error: MonitoringError) -> None:
        self._failures += 1
        self._next_try = time.monotonic() + retry_delay(self._failures)
        # said once, not at every try
        if str(error) != self._complaint:
            self._complaint = str(error)
            log.warning("monitoring database away, answers go to the file (MONITORING_*)", reason=str(error))
