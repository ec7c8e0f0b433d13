"""The load: inserts, updates and deletes at a bounded rate, each committed transaction known for certain."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Final, NamedTuple

import psycopg

from tests.chaos.written import Change, Written
from tests.stream import FLOWERS

if TYPE_CHECKING:
    from collections.abc import Sequence

TICK_SECONDS: Final = 0.05
AGAIN_SECONDS: Final = 0.2
BAD_SHARE: Final = 0.01
UPDATES, DELETES, UNDONE = 0.2, 0.02, 0.03
# rows that may be updated or deleted
KEPT: Final = 2000
# what a bad row has in place of its petal width, and what becomes of it
BAD_WIDTHS: Final = (None, float("nan"), float("inf"), float("-inf"))
CAUSE: Final = "invalid_field"
# what the model takes as any other width, and the target as any other timestamp
EXTREME_WIDTH: Final = 1e308
ENDLESS: Final = ("infinity", "-infinity")
SQL = resources.files("tests.chaos") / "sql"


class Row(NamedTuple):
    """One version of a row as it is written."""

    id: int
    version: int
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float | None
    timestamp: str
    expected: int | None = None
    cause: str | None = None
    endless: str | None = None


class Writer:
    """Writes from `start` to `stop`, in a thread of its own; `bad_share` may be changed meanwhile.

    `extreme_classes` is to be set before: what the model makes of each of FLOWERS with EXTREME_WIDTH.
    """

    def __init__(self, dsn: str, rate: float, seed: int) -> None:
        self.written = Written()
        self.bad_share = BAD_SHARE
        self.extreme_classes: list[int] = []
        self.failure: BaseException | None = None
        self._dsn = dsn
        self._rate = rate
        self._chance = random.Random(seed)  # noqa: S311 (to be repeated, not to be secret)
        self._next_id = 1
        self._versions: dict[int, int] = {}
        self._stopping = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._insert, self._update = ((SQL / f"{name}.sql").read_bytes() for name in ("insert", "update"))
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 60.0) -> None:
        """Stop once the transaction in hand is decided; raises what the writer failed with."""
        self._stopping.set()
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the writer did not end within {seconds:g} s"
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        due = 0.0
        before = time.monotonic()
        try:
            while not self._stopping.wait(TICK_SECONDS):
                now = time.monotonic()
                # what was missed while the source was away is not made up for
                due = min(due + (now - before) * self._rate, self._rate)
                before = now
                if due >= 1:
                    self._transaction(int(due))
                    due -= int(due)
        except BaseException as error:
            self.failure = error
        finally:
            self._close()

    def _transaction(self, count: int) -> None:
        """Write so many changes, again until it is known whether they were committed."""
        known = self._chance.sample(list(self._versions), min(len(self._versions), max(1, count // 4)))
        changed = known[: int(count * UPDATES)]
        gone = known[len(changed) : len(changed) + (self._chance.random() < DELETES * count)]
        fresh = [self._row(self._next_id + i, 1) for i in range(count - len(changed))]
        # an id is never given twice: a result for one that was not committed is then a mistake
        self._next_id += len(fresh)
        updates = [self._row(id_, self._versions[id_] + 1) for id_ in changed]
        undo = self._chance.random() < UNDONE
        while not self._attempt(fresh, updates, gone, undo=undo):
            if self._stopping.is_set():
                return
        if undo:
            self.written.undone += 1
            return
        at = time.time()
        changes = [Change(row.id, row.version, row.expected, at, row.cause, row.endless) for row in (*fresh, *updates)]
        self.written.changes += changes
        self.written.bad += sum(change.cause is not None for change in changes)
        self.written.deleted |= {id_: self._versions[id_] for id_ in gone}
        self._versions |= {row.id: row.version for row in (*fresh, *updates)}
        for id_ in gone:
            del self._versions[id_]
        for id_ in list(self._versions)[: max(0, len(self._versions) - KEPT)]:
            del self._versions[id_]

    def _attempt(self, fresh: Sequence[Row], updates: Sequence[Row], gone: list[int], *, undo: bool) -> bool:
        """Whether the transaction ended as it was to."""
        number: str | None = None
        try:
            connection = self._connected()
            (number,) = connection.execute("select pg_current_xact_id()::text").fetchone() or (None,)
            for statement, rows in ((self._insert, fresh), (self._update, updates)):
                if rows:
                    connection.execute(statement, [list(column) for column in list(zip(*rows, strict=True))[:7]])
            if gone:
                connection.execute("delete from chaos where id = any(%s)", [gone])
            if undo:
                connection.rollback()
            else:
                connection.commit()
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._close()
            return number is not None and not undo and self._committed(number)
        return True

    def _committed(self, number: str) -> bool:
        """What became of a transaction whose end we did not hear."""
        while True:
            try:
                query = "select pg_xact_status(%s::text::xid8)"
                (status,) = self._connected().execute(query, [number]).fetchone() or (None,)
                self._connected().rollback()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._close()
                time.sleep(AGAIN_SECONDS)
                continue
            if status != "in progress":
                self.written.in_doubt += 1
                return bool(status == "committed")
            time.sleep(AGAIN_SECONDS)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._dsn, connect_timeout=5, application_name="chaos writer", options="-c timezone=UTC"
            )
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _row(self, id_: int, version: int) -> Row:
        # each version of a row has another class: an answer that went to another row shows
        flower = (id_ + version) % 3
        features, expected = FLOWERS[flower]
        at = datetime.now(UTC).isoformat()
        if self._chance.random() >= self.bad_share:
            return Row(id_, version, *features, at, expected)
        match self._chance.choice(("width", "width", "width", "extreme", "endless")):
            case "extreme":
                return Row(id_, version, *features[:3], EXTREME_WIDTH, at, self.extreme_classes[flower])
            case "endless":
                at = self._chance.choice(ENDLESS)
                return Row(id_, version, *features, at, expected, endless=at)
            case _:
                return Row(id_, version, *features[:3], self._chance.choice(BAD_WIDTHS), at, cause=CAUSE)
