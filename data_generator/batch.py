"""A batch that can be sent again without being stored twice."""

from collections.abc import Sequence
from typing import Protocol

from data_generator.errors import IdsTakenError
from data_generator.rows import Columns


class Connection(Protocol):
    """What a batch and the writer need of `database.Database`."""

    def take_ids(self, count: int) -> list[int]: ...
    def insert(self, ids: Sequence[int], rows: Columns) -> None: ...
    def count_rows(self, ids: Sequence[int], rows: Columns) -> int: ...
    def close(self) -> None: ...


class Batch:
    """Rows with the ids that they will have in the table.

    A commit whose acknowledgement is lost may or may not have happened. So the ids are taken beforehand, and the batch
    is sent again with the same ones: the primary key refuses it if it is there, and makes it wait if the first try
    still runs in a server process that has not noticed yet.
    """

    def __init__(self, rows: Columns) -> None:
        self._rows = rows
        self._ids: list[int] = []
        self.sent = False
        """Whether it may be stored although nobody said so."""

    def store(self, connection: Connection) -> None:
        """Try once to store it; when this returns it is stored, exactly once.

        Raises:
            DatabaseLostError: call again with a new connection.
        """
        while True:
            self._ids = self._ids or connection.take_ids(len(self._rows[0]))
            sent_before, self.sent = self.sent, True
            try:
                connection.insert(self._ids, self._rows)
            except IdsTakenError:
                if sent_before and connection.count_rows(self._ids, self._rows) == len(self._ids):
                    return
                # Somebody inserted rows with ids of their own choice; the sequence leads past them.
                self._ids, self.sent = [], False
            else:
                return
