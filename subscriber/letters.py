"""The dead letters of one pipeline: rows that could not be predicted, with their messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from psycopg.rows import class_row, dict_row

from subscriber.postgres import statement
from subscriber.store import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from subscriber.pipeline import Pipeline

DISCARD_ROWS: Final = 5000
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StoredMessage:
    """The message of a dead letter, as Kafka gave it; stands for a `Record`."""

    id: int
    partition_: int
    offset_: int
    key_: bytes | None
    value_: bytes | None
    written_at: datetime
    failed_at: datetime

    def partition(self) -> int:
        return self.partition_

    def offset(self) -> int:
        return self.offset_

    def key(self) -> bytes | None:
        return self.key_

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> list[tuple[str, bytes | None]]:
        return [("__source_ts_ms", str(self._written_ms).encode())]

    def timestamp(self) -> tuple[int, int]:
        return 1, self._written_ms

    @property
    def _written_ms(self) -> int:
        return round(self.written_at.timestamp() * 1000)


@dataclass(frozen=True)
class Choice:
    """Which letters are meant: these, those of a cause, or all."""

    ids: Sequence[int] | None = None
    cause: str | None = None


@dataclass(frozen=True)
class Listed:
    """A letter as a line of a list."""

    id: int
    cause: str
    detail: str
    partition: int
    offset: int
    key: bytes | None
    failed_at: datetime
    committed_at: datetime | None


class Letters:
    """Dead letters of the pipeline in the target database, over one connection.

    Every method raises Transient while the database is away.
    """

    def __init__(self, connection: psycopg.Connection, pipeline: Pipeline) -> None:
        self._connection = connection
        self._pipeline = {"pipeline": pipeline.name}

    def newest(self, cause: str | None, since: datetime | None, rows: int) -> list[Listed]:
        """At most so many letters, newest first."""
        values = {**self._pipeline, "cause": cause, "since": since or BEGINNING, "rows": rows}
        with translated(), self._connection.cursor(row_factory=class_row(Listed)) as cursor:
            return cursor.execute(statement("letters_list"), values, prepare=False).fetchall()

    def whole(self, id_: int) -> dict[str, Any] | None:
        """One letter by the names of its columns."""
        with translated(), self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement("letter"), {**self._pipeline, "id": id_}).fetchone()

    def count(self, choice: Choice) -> tuple[int, datetime]:
        """How many letters are meant, and the database's time now."""
        values = {**self._pipeline, "ids": _ids(choice), "cause": choice.cause}
        with translated():
            found = self._connection.execute(statement("letters_count"), values, prepare=False).fetchone()
        if found is None:
            raise AssertionError("count(*) has no row")
        return found

    def take(self, choice: Choice, until: datetime, after: StoredMessage | None, rows: int) -> list[StoredMessage]:
        """Lock at most so many letters that failed by `until`, the oldest after `after`, in the open transaction."""
        values = {
            **self._pipeline,
            "ids": _ids(choice),
            "cause": choice.cause,
            "until": until,
            "after": after.failed_at if after else BEGINNING,
            "after_id": after.id if after else 0,
            "rows": rows,
        }
        taken = self._connection.execute(statement("letters_take"), values, prepare=False).fetchall()
        return [StoredMessage(*row) for row in taken]

    def delete(self, letters: Sequence[StoredMessage]) -> None:
        """Delete letters that were taken."""
        self._connection.execute(statement("letters_delete"), {"ids": [letter.id for letter in letters]})

    def discard(self, choice: Choice) -> Iterator[int]:
        """Delete letters for good, a batch at a time: how many each batch had."""
        _, until = self.count(choice)
        last: StoredMessage | None = None
        while True:
            with translated(), self._connection.transaction():
                letters = self.take(choice, until, last, DISCARD_ROWS)
                self.delete(letters)
            if not letters:
                return
            last = letters[-1]
            yield len(letters)


def _ids(choice: Choice) -> list[int] | None:
    return None if choice.ids is None else list(choice.ids)
