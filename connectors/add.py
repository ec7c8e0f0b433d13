"""Publishes one more table: its rows, those that are there and those to come, flow to a topic of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from connectors.connect import Connect
from connectors.databases import open_source
from connectors.deadline import Deadline
from connectors.deploy import deploy
from connectors.errors import SettingError, TaskFailedError
from connectors.explain import reasons
from connectors.publication import Boundary, Publication
from connectors.refusals import refusals
from connectors.rows_sent import wait_until_sent
from connectors.source import FIRST_TABLES, with_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.definition import Definition
    from connectors.settings import ConnectorsSettings
    from connectors.tables import Table

Say = Callable[[str], None]
# How soon after its first row Kafka Connect knows of a topic.
TOPIC_SECONDS = 15.0


def add(
    settings: ConnectorsSettings,
    source: Definition,
    tables: Sequence[Table],
    deadline: Deadline,
    say: Say,
    *,
    again: bool,
) -> bool:
    """Publish tables, with no pause for those that flow already, and wait until the rows they have are in their topics.

    Debezium captures whatever is published, so its definition stays as it is and its task goes on. Where no connector
    is registered yet, it is now, for the published tables alone.

    Args:
        again: send the rows of a table that is published already once more.

    Returns:
        Whether all rows were there before the deadline; they come in any case.

    Raises:
        SettingError: a table is not there, or is not one that can flow; nothing is changed then.
        DatabaseError, ConnectError, TaskFailedError: see there.
    """
    with (
        Connect(settings.connect_url, deadline, say) as connect,
        open_source(settings, settings.source_user, settings.source_password, deadline, say) as connection,
    ):
        publication = Publication(connection, source, settings.debezium_user)
        found = {table: publication.describe(table) for table in tables}
        published = publication.tables()
        wrong = [
            line for table in tables for line in refusals(table, found[table], published, settings, publication.name)
        ]
        if wrong:
            raise SettingError("\n".join(wrong))
        publication.prepare()
        registered = up_to_date(source, connect.config(source.name))
        if registered:
            _wait_for_slot(connect, source.name, publication, deadline)
        boundaries: dict[Table, Boundary | None] = {}
        for table in tables:
            if found[table].published and not again:
                say(f"{table}: is published already, topic {table.topic}; --again sends its rows once more")
                continue
            if found[table].published:
                boundaries[table] = publication.resend(table)
            elif publication.slot_exists():
                boundaries[table] = publication.publish_with_rows(table, deadline)
            else:
                # the connector's first snapshot is still to come, and holds every table
                publication.publish(table)
                boundaries[table] = publication.now()
            say(f"{table}: is in publication {publication.name}, and {settings.debezium_user} may read it")
        if not registered:
            deploy(connect, with_tables(source, publication.tables()), deadline, say)
        sent = [
            _told(connect, source.name, publication, table, boundary, deadline, say)
            for table, boundary in boundaries.items()
            if boundary is not None
        ]
    return all(sent)


def up_to_date(source: Definition, registered: dict[str, str] | None) -> bool:
    """Whether what is registered is the definition, but for the tables of a first snapshot that is over."""
    if registered is None:
        return False
    wanted = {**source.config, "name": source.name}
    return {**registered, FIRST_TABLES: ""} == {**wanted, FIRST_TABLES: ""}


def _wait_for_slot(connect: Connect, name: str, publication: Publication, deadline: Deadline) -> None:
    """Wait until a connector that runs reads the log: what it is told before is lost."""
    while True:
        status = connect.status(name)
        if status is not None and status.failures:
            raise TaskFailedError(f"{name} fails, nothing was added: {reasons(status.failures)}")
        if status is not None and status.running and publication.slot_exists():
            return
        if not deadline.pause():
            raise TaskFailedError(f"not running after {deadline.seconds:g} s: {status or f'{name}: no status yet'}")


def _told(
    connect: Connect,
    name: str,
    publication: Publication,
    table: Table,
    boundary: Boundary,
    deadline: Deadline,
    say: Say,
) -> bool:
    """Wait for a table's rows and say what became of them."""
    rows = publication.count(table, boundary)
    if boundary.condition is None:
        say(f"{table}: rows written while the others are sent may come twice")
    has = "the rows that it has" if rows is None else f"the {rows:,} rows that it has"
    say(f"{table}: has no rows yet" if rows == 0 else f"{table}: sending {has}")
    if not wait_until_sent(connect, name, table, boundary, deadline):
        say(f"{table}: not all rows are sent after {deadline.seconds:g} s; they go on to {table.topic} by themselves")
        return False
    if rows == 0:
        say(f"{table}: its first row makes topic {table.topic}")
        return True
    found = Deadline(TOPIC_SECONDS)
    while table.topic not in connect.topics(name):
        if not found.pause():
            raise TaskFailedError(
                f"{table}: Debezium sent none of its rows (Kafka Connect's log says why); then "
                f"`python -m connectors add --table {table} --again` tries again"
            )
    say(f"{table}: topic {table.topic} has {has}, and gets each new one")
    return True
