"""A batch whose acknowledgement was lost is told from rows that others gave the same ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from data_generator.database import Database
from data_generator.errors import IdsTakenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.settings import Settings

ROWS: Any = [[5.1, None, float("nan")], [3.5, 1.0, 2.0], [1.4, 1.0, 2.0], [0.2, 1.0, 2.0], [0, None, 2]]


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """A table of the session's own, which hides the one of that name."""
    with psycopg.connect(settings.source_dsn(), autocommit=True) as connection:
        database = Database(connection, "iris_data")
        columns = "sepal_length float8, sepal_width float8, petal_length float8, petal_width float8, target int"
        connection.execute(
            f"create temporary table iris_data (id bigint primary key, timestamp timestamptz default now(), {columns})"
        )
        yield database


def test_our_own_batch_is_found_again(database: Database) -> None:
    database.insert([1, 2, 3], ROWS)

    with pytest.raises(IdsTakenError):
        database.insert([1, 2, 3], ROWS)

    assert database.count_rows([1, 2, 3], ROWS) == 3


def test_rows_of_others_under_the_same_ids_are_not_ours(database: Database) -> None:
    database.insert([1, 2, 3], [[9.9] * 3] * 4 + [[1] * 3])

    assert database.count_rows([1, 2, 3], ROWS) == 0
    assert database.count_rows([4, 5, 6], ROWS) == 0
