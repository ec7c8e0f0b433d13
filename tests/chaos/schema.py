"""Changes of the source table's shape under load; none touches a feature of the model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import psycopg

from tests.chaos.effects import lasting, words

if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN_SECONDS: Final = 0.3
GIVE_UP_SECONDS: Final = 90.0
_COLUMNS: Final = (
    b"select column_name, data_type from information_schema.columns where table_name = 'chaos' order by column_name"
)
_RENAME: Final = """
do $$ begin
  if exists (select from information_schema.columns where table_name = 'chaos' and column_name = '{old}') then
    alter table chaos rename column {old} to {new};
  end if;
end $$
"""
# each change with what undoes it; all may be repeated
CHANGES: Final = {
    "add-column": (
        "alter table chaos add column if not exists added text default 'added'",
        "alter table chaos drop column if exists added",
    ),
    "drop-column": (
        "alter table chaos drop column if exists extra",
        "alter table chaos add column if not exists extra text default 'extra'",
    ),
    "rename-column": (_RENAME.format(old="note", new="remark"), _RENAME.format(old="remark", new="note")),
    # one that nobody reads, and the one that is copied to the predictions
    "widen-column": (
        "alter table chaos alter column amount type bigint, alter column version type bigint",
        "alter table chaos alter column amount type int, alter column version type int",
    ),
}


def change(connect: Callable[[], psycopg.Connection], kind: str, seconds: float, written: Callable[[], int]) -> str:
    """Change the table's shape for so many seconds, however often the source goes away meanwhile.

    Returns what was seen of it: how many rows were `written` in another shape.
    """
    there, back = CHANGES[kind]
    before = _insist(connect, "select")
    other = _insist(connect, there)
    wrote = written()
    try:
        rows = lasting(seconds, lambda: written() - wrote)
    finally:
        _insist(connect, back)
    return words(rows if other != before else 0, "rows written in another shape")


def _insist(connect: Callable[[], psycopg.Connection], statement: str) -> list[tuple[str, str]]:
    """Run the statement until it has succeeded; the table's columns after it, with their types."""
    end = time.monotonic() + GIVE_UP_SECONDS
    while True:
        try:
            with connect() as connection:
                connection.execute("set lock_timeout = '5s'")
                connection.execute(statement.encode())
                return connection.execute(_COLUMNS).fetchall()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(AGAIN_SECONDS)
