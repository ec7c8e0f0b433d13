"""The rows of images and of their labels, for those who ask for one image by the id of its prediction."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources

import psycopg

from api.monitoring.database import limited, translated
from api.monitoring.errors import DatabaseAway
from api.monitoring.recorder import Recorder
from api.monitoring.settings import MonitoringSettings

SQL = resources.files("api.monitoring") / "sql"
FIND, LABEL = ((SQL / name).read_text() for name in ("image_key.sql", "image_label.sql"))
# how long after the answer its row may still come, the database being there: a batch's interval and a write
YOUNG_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.05
# the version of UUIDs that begin with the time
TIMED = 7


def image_rows_from_settings(settings: MonitoringSettings, recorder: Recorder | None) -> "ImageRows | None":
    """The rows, beside the recorder that writes them; None where no MONITORING_HOST is set."""
    if not settings.monitoring_host:
        return None
    return ImageRows(settings, recorder.still_waits) if recorder else ImageRows(settings)


class ImageRows:
    """Asks the monitoring database, over a connection a call; may be called from any thread, and blocks."""

    def __init__(self, settings: MonitoringSettings, still_waits: Callable[[float], bool] = lambda _: False) -> None:
        """Take the database's settings, and who tells whether rows of a moment (Unix time) may be on their way."""
        self._dsn = settings.dsn()
        self._still_waits = still_waits
        self._timeout = settings.monitoring_write_timeout_seconds

    def find(self, prediction_id: str) -> str | None:
        """The object's key, None if there is no such prediction; one that was made just now is waited for.

        Raises:
            DatabaseAway: the database does not answer now, or the row waits to be written to it.
        """
        known = _uuid(prediction_id)
        if known is None:
            return None
        with self._connected() as connection:
            return self._find(connection, known)

    @contextmanager
    def labelling(self, prediction_id: str, label: int) -> Iterator[str | None]:
        """Store what is in an image as the block ends, unless it raises; gives what `find` does.

        Two that label one image come one after the other, whole blocks.

        Raises:
            DatabaseAway: as `find`; or, at the block's end, whether the label is stored is not known.
        """
        known = _uuid(prediction_id)
        if known is None:
            yield None
            return
        with self._connected() as connection:
            object_key = self._find(connection, known)
            if object_key is None:
                yield None
                return
            with translated(), limited(connection, self._timeout):
                connection.execute("begin")
                connection.execute(LABEL, {"prediction_id": known, "label": label})
            yield object_key
            with translated(), limited(connection, self._timeout):
                connection.execute("commit")

    def _find(self, connection: psycopg.Connection, prediction_id: uuid.UUID) -> str | None:
        while True:
            with translated(), limited(connection, self._timeout):
                row = connection.execute(FIND, [prediction_id]).fetchone()
            if row is not None:
                return str(row[0])
            made = made_at(prediction_id)
            if made is None or not 0 <= time.time() - made < YOUNG_SECONDS:
                break
            time.sleep(LOOK_AGAIN_SECONDS)
        if made is not None and self._still_waits(made):
            raise DatabaseAway("the answer waits to be written to it")
        return None

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        with translated():
            connection = psycopg.connect(self._dsn, autocommit=True)
        try:
            yield connection
        finally:
            connection.close()


def made_at(prediction_id: uuid.UUID) -> float | None:
    """When an id was made, as Unix time; None if it does not tell (it is no UUID of version 7)."""
    return (prediction_id.int >> 80) / 1000 if prediction_id.version == TIMED else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
