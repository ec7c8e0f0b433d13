"""A row a message, by its key, in the transaction of its rows: whatever comes twice is stored once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from psycopg import sql

from subscriber.decoding.arrays import message_of
from subscriber.postgres import statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from subscriber.batch import Batch, DeadLetter, Failed


class Receipts:
    """The table of a pipeline's receipts: `key text` with a unique index, `rows int`, `failed int`."""

    def __init__(self, schema: str, table: str) -> None:
        self.table = sql.Identifier(schema, table)
        self._give, self._add = (
            sql.SQL(statement(name).decode()).format(table=self.table) for name in ("receipts", "receipts_failed")
        )

    def check(self, connection: psycopg.Connection) -> None:
        """See that the table is there, has these columns and an index, and that our role may write it.

        Raises:
            psycopg.Error: it says what is not so.
        """
        nothing: dict[str, list[Any]] = {"keys": [], "rows": [], "failed": []}
        for written in (self._give, self._add):
            # a plan is checked as what it plans, and changes nothing
            connection.execute(sql.SQL("explain ") + written, nothing, prepare=False)

    def give(self, connection: psycopg.Connection, batch: Batch) -> Batch:
        """Write the receipts in the open transaction: the batch less the messages that have one already.

        Of messages with one key in a batch, the first gets it.
        """
        failed = _failed([*batch.failed, *batch.dead])
        first = {receipt.key: receipt for receipt in reversed(batch.receipts)}
        given = connection.execute(
            self._give,
            {
                "keys": list(first),
                "rows": [receipt.rows for receipt in first.values()],
                # a message that cannot be read has no row to fail
                "failed": [min(receipt.rows, failed[id(receipt.record)]) for receipt in first.values()],
            },
        ).fetchall()
        fresh = {id(first[key].record) for (key,) in given}
        skipped = {id(receipt.record) for receipt in batch.receipts} - fresh
        if not skipped:
            return batch
        rest = batch.of(batch.spans, lambda record: id(message_of(record)) not in skipped)
        rest.skipped += len(skipped)
        return rest

    def add_failed(self, connection: psycopg.Connection, batch: Batch, refused: list[DeadLetter]) -> None:
        """Add rows that the target table refused to their receipts."""
        # a row that has failed already is counted
        counted = {id(failed.record) for failed in batch.failed}
        failed = _failed(letter for letter in refused if id(letter.record) not in counted)
        keys = {receipt.key: failed[id(receipt.record)] for receipt in batch.receipts if failed[id(receipt.record)]}
        if keys:
            connection.execute(self._add, {"keys": list(keys), "failed": list(keys.values())})


def _failed(rows: Iterable[DeadLetter | Failed]) -> Counter[int]:
    """How many of these rows each message has, by its identity."""
    return Counter(id(message_of(row.record)) for row in rows)
