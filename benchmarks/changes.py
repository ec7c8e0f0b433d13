"""Updates and deletes beside the generator's inserts."""

from __future__ import annotations

import threading
import time

import psycopg

BATCHES_PER_SECOND = 4
# never both of one row: an updated row is even, a deleted one odd
UPDATE = (
    "update iris_data set petal_width = petal_width + 0.1 where id in"
    " (select id from iris_data where id %% 2 = 0 and id > %(after)s order by id limit %(rows)s) returning id"
)
DELETE = (
    "delete from iris_data where id in"
    " (select id from iris_data where id %% 2 = 1 and id > %(after)s order by id limit %(rows)s) returning id"
)


class Changes:
    """Updates so many rows a second, and deletes as many, from the oldest on."""

    def __init__(self, dsn: str, rate: float) -> None:
        self._dsn, self._rate = dsn, rate
        self.failure: psycopg.Error | None = None
        """What ended it early."""

    def run(self, ending: threading.Event) -> None:
        """Change rows until told to end."""
        after = {UPDATE: 0, DELETE: 0}
        began, done = time.monotonic(), 0
        try:
            with psycopg.connect(self._dsn, autocommit=True) as source:
                while not ending.wait(1 / BATCHES_PER_SECOND):
                    due = int((time.monotonic() - began) * self._rate) - done
                    if due <= 0:
                        continue
                    done += due
                    for statement, last in after.items():
                        changed = source.execute(statement.encode(), {"after": last, "rows": due}).fetchall()
                        after[statement] = max((row for (row,) in changed), default=last)
        except psycopg.Error as error:
            self.failure = error
