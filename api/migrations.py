"""Schemas of databases brought up to date."""

from contextlib import closing
from importlib import import_module
from pathlib import Path

import psycopg
from psycopg import sql


class UnknownRevision(Exception):
    """The database is at a revision that is not among ours."""


def migrate(connection: psycopg.Connection, folder: Path, what: str, schema: str = "public") -> str:
    """Run the revisions that the database lacks, all or none, in one transaction; return the newest one's name.

    The connection is closed at the end.

    Args:
        connection: as the owner of the schema.
        folder: has `env.py` and `versions`, as Alembic wants them; a revision is named as its file.
        what: what the tables are for, in messages.
        schema: where the tables are, and Alembic's own; it is there already.

    Raises:
        psycopg.Error: the database is away, or the role may not.
        UnknownRevision: the database is at a revision that is not in the folder.
    """
    newest = max(file.stem for file in (folder / "versions").glob("[0-9]*.py"))
    with closing(connection):
        if _revision(connection, schema) != newest:
            # Alembic takes 25 MB, which a process that finds all done does without
            import_module("api.revisions").upgrade(connection, folder, what, schema)
    return newest


def _revision(connection: psycopg.Connection, schema: str) -> str | None:
    """The revision that the database is at; None before the first."""
    query = sql.SQL("select version_num from {}").format(sql.Identifier(schema, "alembic_version"))
    try:
        with connection.transaction():
            row = connection.execute(query).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return str(row[0]) if row else None
