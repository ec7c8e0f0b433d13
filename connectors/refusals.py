"""Which tables cannot flow, and what makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.settings import ConnectorsSettings
    from connectors.tables import Table

ORDINARY = "r"
KINDS = {
    "p": "is partitioned; add its partitions, each of which gets a topic of its own",
    "v": "is a view, which has no log; add the tables behind it",
    "m": "is a materialized view, which has no log; add the tables behind it",
    "f": "is a foreign table; add it where it is stored",
}


def refusals(
    table: Table, found: Any, published: Sequence[Table], settings: ConnectorsSettings, publication: str
) -> Iterator[str]:
    """A line for each reason why a table cannot flow, with what to do.

    Args:
        found: what `Publication.describe` says of the table.
        published: every table that flows already.
        publication: its name.
    """
    reader = settings.debezium_user
    if found is None:
        where = f"{settings.source_database} at {settings.source_host}:{settings.source_port} (SOURCE_*)"
        yield f"{table}: there is no such table in {where}; capitals count"
        return
    if found.kind != ORDINARY or not found.logged:
        yield f"{table}: {KINDS.get(found.kind, 'is not a table that Postgres writes a log of')}"
        return
    if not found.has_key:
        yield (
            f"{table}: has no primary key, so its rows cannot be told apart; "
            f"`alter table {table} add primary key (…)` makes one of columns that are unique"
        )
    elif found.identity == "n":
        yield (
            f"{table}: its updates and deletes would fail once it is published; "
            f"`alter table {table} replica identity default` mends that"
        )
    if found.hidden:
        yield f"{table}: row security hides rows from Debezium; `alter role {reader} bypassrls` shows them"
    for other in published:
        if other != table and str(other).lower() == str(table).lower():
            yield f"{table}: {other} is published already, and Debezium does not tell small letters from capitals"
    if not found.ours and not (found.published and found.readable):
        yield (
            f"{table}: belongs to {found.owner}, so {settings.source_user} (SOURCE_USER) may not publish it; "
            f"`grant {found.owner} to {settings.source_user}` lets it. Or a superuser publishes it: "
            f"`alter publication {publication} add table {table}; grant usage on schema {table.schema} to {reader}; "
            f"grant select on {table} to {reader}`; "
            f"then `python -m connectors add --table {table} --again` sends its rows"
        )
