"""The tables of the tasks in the source database, which `migrations/` makes, and in the target, which pipelines do.

They have the columns that are asked for by name; statements in `sql/` and the copy of chunks know more.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

SCHEMA = "tasks"
_metadata = MetaData(schema=SCHEMA)

task = Table(
    "task",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("account", BigInteger),
    Column("model", Text),
    Column("version", Text),
    Column("status", Text),
    Column("columns", ARRAY(Text)),
    Column("rows_total", BigInteger),
    Column("rows_done", BigInteger),
    Column("rows_failed", BigInteger),
    Column("error", Text),
    Column("idempotency_key", Text),
    Column("fingerprint", LargeBinary),
    Column("created_at", DateTime(timezone=True)),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("removed_at", DateTime(timezone=True)),
    Column("callback_url", Text),
    Column("callback", Text),
)

chunk = Table(
    "chunk",
    _metadata,
    Column("task", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rows", Integer),
    Column("payload", Text),
    Column("model", Text),
    Column("state", Text),
)

outbox = Table(
    "outbox",
    _metadata,
    Column("aggregateid", Text),
)

receipt = Table(
    "receipt",
    _metadata,
    Column("key", Text, primary_key=True),
    Column("rows", Integer),
    Column("failed", Integer),
    Column("stored_at", DateTime(timezone=True)),
)


async def is_there(connection: AsyncConnection, table: Table) -> bool:
    """Whether a table has been made: those in the target are, when their pipeline first runs."""
    name = connection.dialect.identifier_preparer.format_table(table)
    return await connection.scalar(select(func.to_regclass(name))) is not None


def results(model: str) -> Table:
    """The table of a model's predictions, in the target; its outputs are further columns."""
    return Table(model, MetaData(schema=SCHEMA), Column("task", Uuid), Column("row_number", BigInteger))
