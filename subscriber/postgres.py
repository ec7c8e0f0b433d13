"""What every part of the target database's side shares: statements by name, words of errors, rows that are refused."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

_SQL = resources.files("subscriber") / "sql"


def statement(name: str) -> bytes:
    """The statement in `subscriber/sql/<name>.sql`."""
    return (_SQL / f"{name}.sql").read_bytes()


def first_line(error: psycopg.Error) -> str:
    """What an error says, and where it happened, on one line."""
    message = error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
    where = f" ({error.diag.context.splitlines()[0]})" if error.diag.context else ""
    return f"{message}{where}"


def refused(connection: psycopg.Connection, count: int, write: Callable[[int, int], None]) -> list[tuple[int, str]]:
    """Write items 0 to `count`, halving what the database refuses until the guilty stand alone: these, and why.

    Args:
        connection: in a transaction, of which each try is a part that can be undone.
        count: how many items there are.
        write: writes the items [start, end).
    """
    guilty: list[tuple[int, str]] = []
    todo = [(0, count)] if count else []
    while todo:
        start, end = todo.pop()
        try:
            with connection.transaction():
                write(start, end)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if end - start == 1:
                guilty.append((start, first_line(error)))
                continue
            middle = (start + end) // 2
            todo += [(middle, end), (start, middle)]
    return guilty
