"""The command line: register, watch, add, drop, status, remove."""

import math
import os
import signal
import sys
import time
from typing import Annotated

import typer

from connectors.add import add as add_tables
from connectors.connect import Connect
from connectors.databases import open_source
from connectors.deadline import Deadline
from connectors.definition import Definition, read
from connectors.errors import ConnectorsError, DatabaseError, SettingError
from connectors.explain import explain
from connectors.publication import Publication
from connectors.register import register as register_connectors
from connectors.remove import remove as remove_connectors
from connectors.settings import ConnectorsSettings
from connectors.source import first_tables, topic
from connectors.tables import Table, parse
from connectors.watch import watch as keep_running

WRONG_SETTING_EXIT = 2
SOURCE, SINK, OUTBOX = "source.json", "sink.json", "outbox.json"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Tables = Annotated[
    list[str], typer.Option("--table", help="schema.table, such as public.orders; may be repeated.", show_default=False)
]
Timeout = Annotated[float, typer.Option(min=0, help="Give up after so many seconds.")]
Tasks = Annotated[bool, typer.Option("--tasks", help="Also carry the tasks of the model API to Kafka.")]


def say(line: str) -> None:
    """One step, one line, at once even into a pipe."""
    print(line, flush=True)


@app.callback(invoke_without_command=True)
def default(context: typer.Context, timeout: Timeout = 120.0, tasks: Tasks = False) -> None:
    """Register the connectors that carry rows from the source database to Kafka and into the target database.

    Without a command: register. Everything comes from the environment; `make stack` prints the variables.
    """
    if context.invoked_subcommand is None:
        register(timeout, tasks)


@app.command()
def register(timeout: Timeout = 120.0, tasks: Tasks = False) -> None:
    """Prepare both databases, register the connectors, wait until they run. May be repeated at any time."""
    settings = ConnectorsSettings.from_environment()
    source, sink, outbox = definitions(settings)
    register_connectors(settings, source, sink, outbox if tasks else None, Deadline(timeout), say)


@app.command()
def watch(timeout: Timeout = 120.0, tasks: Tasks = False) -> None:
    """Register, then stay and restart whatever fails, until Ctrl-C or SIGTERM.

    Kafka Connect leaves a failed task failed. The connectors outlast most outages of their databases, but not all: a
    database that is shut down in the middle of the sink's transaction fails its task.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    register(timeout, tasks)
    settings = ConnectorsSettings.from_environment()
    # one that is not registered is nothing to restart, until it is
    names = [definition.name for definition in definitions(settings)]
    with Connect(settings.connect_url, Deadline(math.inf), say) as connect:
        try:
            registered = [name for name in names if connect.config(name) is not None]
            say(f"watching {', '.join(registered)}; Ctrl-C ends the watch, the connectors go on")
            keep_running(connect, names, time.monotonic, time.sleep, say)
        except KeyboardInterrupt:
            say("the watch has ended; the connectors go on")


@app.command()
def add(
    table: Tables,
    again: Annotated[
        bool, typer.Option("--again", help="Send the rows of a table that is published already once more.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Wait so many seconds for the rows it has.")] = 600.0,
) -> None:
    """Publish one more table: the rows it has and those to come flow to a topic of its own. Nothing else pauses."""
    tables = [parse(name) for name in dict.fromkeys(table)]
    settings = ConnectorsSettings.from_environment()
    source, _, outbox = definitions(settings)
    for found in tables:
        if found in first_tables(outbox):
            raise SettingError(
                f"{found}: is the outbox of the tasks: `python -m connectors register --tasks` is for it"
            )
    if not add_tables(settings, source, tables, Deadline(timeout), say, again=again):
        raise typer.Exit(1)


@app.command()
def drop(table: Tables, timeout: Timeout = 60.0) -> None:
    """Publish a table no more. Its topic and the predictions of its rows stay."""
    tables = [parse(name) for name in dict.fromkeys(table)]
    settings = ConnectorsSettings.from_environment()
    source, _, _ = definitions(settings)
    with open_source(settings, settings.source_user, settings.source_password, Deadline(timeout), say) as connection:
        publication = Publication(connection, source, settings.debezium_user)
        published = publication.tables()
        for found in tables:
            if found in first_tables(source):
                raise SettingError(
                    f"{found}: connectors/source.json names it, so it would come back: change that first"
                )
            if found not in published:
                raise SettingError(f"{found}: is not published; published are {', '.join(map(str, published))}")
        for found in tables:
            publication.withdraw(found)
            say(f"{found}: is published no more; topic {found.topic} stays")


@app.command()
def status(timeout: Timeout = 10.0) -> None:
    """Print the state of each connector and task, and the published tables; exit 1 unless all connectors run.

    The one of the tasks may be missing.
    """
    settings = ConnectorsSettings.from_environment()
    running = True
    deadline = Deadline(timeout)
    source, sink, outbox = definitions(settings)
    publishing = [source]
    with Connect(settings.connect_url, deadline, say) as connect:
        for definition in (source, sink, outbox):
            found = connect.status(definition.name)
            if definition is outbox:
                if found is None:
                    continue
                publishing.append(outbox)
            say(str(found) if found is not None else f"{definition.name}: not registered")
            running = running and found is not None and found.running
            for part in found.failures if found is not None else []:
                say(f"{definition.name}: {part.what}: {explain(part.trace)}")
    try:
        for definition in publishing:
            for table in published(settings, definition, deadline):
                say(f"{table}: published, topic {topic(definition, table)}")
    except DatabaseError as error:
        say(f"published tables: {error}")
        running = False
    if not running:
        raise typer.Exit(1)


@app.command()
def remove(
    timeout: Timeout = 60.0,
    drop: Annotated[
        bool,
        typer.Option(
            "--drop-slot",
            help="Also drop the replication slots and forget how far they were read: registering again then starts "
            "with a new snapshot, so every row is sent once more (and rows deleted in between stay in the copy).",
        ),
    ] = False,
    tasks: Annotated[bool, typer.Option("--tasks", help="Delete the connector of the tasks alone.")] = False,
) -> None:
    """Delete the connectors. Topics, tables and rows stay."""
    settings = ConnectorsSettings.from_environment()
    remove_connectors(settings, *definitions(settings), Deadline(timeout), say, drop=drop, tasks_alone=tasks)


def published(settings: ConnectorsSettings, source: Definition, deadline: Deadline) -> list[Table]:
    """The tables whose rows flow."""
    with open_source(settings, settings.source_user, settings.source_password, deadline, say) as connection:
        return Publication(connection, source, settings.debezium_user).tables()


def definitions(settings: ConnectorsSettings) -> tuple[Definition, Definition, Definition]:
    """The definitions of source, sink and outbox, filled from the environment."""
    environment = {**os.environ, **settings.files_of_connect()}
    return read(SOURCE, environment), read(SINK, environment), read(OUTBOX, environment)


def main() -> None:
    """Run the command; our own errors become lines and an exit code: 2 for a wrong setting, 1 for the rest."""
    try:
        app()
    except ConnectorsError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"connectors: {line}\n")
        sys.exit(WRONG_SETTING_EXIT if isinstance(error, SettingError) else 1)
