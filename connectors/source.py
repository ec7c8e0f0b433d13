"""Makes the source database ready: what Debezium may see of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from connectors.databases import open_source
from connectors.errors import DatabaseError, SettingError
from connectors.publication import Publication
from connectors.tables import Table, parse_list

if TYPE_CHECKING:
    from pydantic import SecretStr

    from connectors.deadline import Deadline
    from connectors.definition import Definition
    from connectors.settings import ConnectorsSettings

Say = Callable[[str], None]
# The setting of the definition that lists the tables of the first snapshot.
FIRST_TABLES = "snapshot.include.collection.list"
# The setting by which an outbox names the topics of its rows, and where in it the name of a row's model comes.
OUTBOX_TOPICS, MODEL = "transforms.outbox.route.topic.replacement", "${routedByValue}"
# Who makes the tables of a definition, by its name.
MAKERS = {
    "postgres-source": "`python -m data_generator --rows 0`",
    "postgres-outbox": "the model API, which TASKS_USER has take tasks,",
}


def prepare_source(settings: ConnectorsSettings, source: Definition, deadline: Deadline, say: Say) -> Definition:
    """Publish every table of the source's definition and let Debezium read it, waiting until the tables exist.

    Returns:
        The definition, whose first snapshot holds every table that is published, be it in the file or added later.

    Raises:
        DatabaseError: the database does not answer, or a table is not there, before the deadline; or it refuses.
    """
    tables = first_tables(source)
    with open_source(settings, *owner(settings, source), deadline, say) as connection:
        publication = Publication(connection, source, settings.debezium_user)
        for table in tables:
            _wait_for_table(publication, table, MAKERS[source.name], deadline, say)
        publication.prepare()
        for table in tables:
            publication.publish(table)
            say(
                f"source: {table} is in publication {publication.name}, and {settings.debezium_user} may read it; "
                f"its topic is {topic(source, table)}"
            )
        added = [table for table in publication.tables() if table not in tables]
    if added:
        say(f"source: added before: {', '.join(map(str, added))}")
    return with_tables(source, [*tables, *added])


def owner(settings: ConnectorsSettings, source: Definition) -> tuple[str, SecretStr]:
    """The role that owns the tables of a definition, and its password.

    Raises:
        SettingError: it is that of the tasks, which the settings lack.
    """
    if OUTBOX_TOPICS not in source.config:
        return settings.source_user, settings.source_password
    if settings.tasks_user is None or settings.tasks_password is None:
        raise SettingError("TASKS_USER, TASKS_PASSWORD: not set, but the outbox of the tasks is this role's")
    return settings.tasks_user, settings.tasks_password


def first_tables(source: Definition) -> list[Table]:
    """The tables that the definition's file names."""
    return parse_list(source.config[FIRST_TABLES])


def with_tables(source: Definition, tables: list[Table]) -> Definition:
    """The same definition, with these tables in the first snapshot."""
    return source.with_config(**{FIRST_TABLES: ",".join(map(str, tables))})


def topic(source: Definition, table: Table) -> str:
    """The topic that a table's rows go to; of an outbox, the pattern of its topics, such as `tasks-{model}`."""
    pattern = source.config.get(OUTBOX_TOPICS)
    return table.topic if pattern is None else pattern.replace(MODEL, "{model}")


def _wait_for_table(publication: Publication, table: Table, maker: str, deadline: Deadline, say: Say) -> None:
    said = False
    while publication.describe(table) is None:
        if not said:
            say(f"source: waiting for table {table}: {maker} creates it")
            said = True
        if not deadline.pause():
            raise DatabaseError(
                f"table {table} is not in the source database after {deadline.seconds:g} s: {maker} creates it"
            )
