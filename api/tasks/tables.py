"""The tables of the tasks in the source database, as `migrations/` makes them, and in the target, as pipelines do."""

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
)
from sqlalchemy.dialects.postgresql import ARRAY

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
    Column("first_row", BigInteger),
    Column("rows", Integer),
    Column("payload", Text),
    Column("model", Text),
    Column("account", BigInteger),
    Column("state", Text),
    Column("released_at", DateTime(timezone=True)),
    Column("releases", Integer),
    Column("rows_failed", Integer),
)

outbox = Table(
    "outbox",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("aggregatetype", Text),
    Column("aggregateid", Text),
    Column("payload", Text),
)

receipt = Table(
    "receipt",
    _metadata,
    Column("key", Text, primary_key=True),
    Column("rows", Integer),
    Column("failed", Integer),
    Column("stored_at", DateTime(timezone=True)),
)


def results(model: str) -> Table:
    """The table of a model's predictions, in the target; its outputs are further columns."""
    return Table(model, MetaData(schema=SCHEMA), Column("task", Uuid), Column("row_number", BigInteger))
