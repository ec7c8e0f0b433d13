"""`python -m subscriber status PIPELINE.toml…`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subscriber.commands.exits import UNFINISHED, WRONG_SETTING, explained, say
from subscriber.commands.output import ago, on_output, plain_table, print_json
from subscriber.errors import WrongSetting
from subscriber.pipeline_file import load_pipeline
from subscriber.settings import read_settings
from subscriber.status import read_statuses

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from subscriber.status import Status


def status(
    pipelines: Annotated[list[Path], typer.Argument(help="The TOML file of each pipeline.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how far pipelines have come, from any terminal; exit 1 when a server is away.

    Reads Kafka and the target database, and joins no consumer group.
    """
    with explained():
        settings = read_settings()
        statuses = read_statuses(settings, [load_pipeline(path) for path in pipelines])
    if json:
        print_json([as_json(s) for s in statuses])
    else:
        console = on_output()
        for one in statuses:
            show(one, console)
    errors = [(one, error) for one in statuses for error in one.errors]
    for one, error in errors:
        say(f"{one.name}: {error}")
    if errors:
        sys.exit(WRONG_SETTING if any(isinstance(e, WrongSetting) for _, e in errors) else UNFINISHED)


def as_json(status: Status) -> dict[str, Any]:
    """The status as JSON-ready values."""
    values = {f.name: getattr(status, f.name) for f in dataclasses.fields(status)}
    return values | {"errors": [str(error) for error in status.errors]}


def show(status: Status, console: Console) -> None:
    """Print the status for a person."""
    console.print(f"{status.name}: {status.topic} -> {status.table}")
    if status.partitions:
        console.print(_partitions(status), "")
    if status.dead_letters:
        letters = plain_table()
        for column in ("dead letters of", "count", "newest"):
            letters.add_column(column, justify="right" if column == "count" else "left", no_wrap=True)
        for cause in status.dead_letters:
            letters.add_row(cause.cause, f"{cause.count:,}", f"{cause.newest:%Y-%m-%d %H:%M:%S} UTC")
        console.print(letters, "")
    group = status.group
    if group is not None:
        console.print(f"group {status.group_name}: {group.state}, {len(group.members)} subscriber(s)")
        for member in group.members:
            partitions = ", ".join(map(str, member.partitions)) or "none"
            console.print(f"  {member.client} at {member.host}: partitions {partitions}")
    console.print()


def _partitions(status: Status) -> Table:
    table = plain_table()
    for column in ("partition", "stored", "end", "lag", "offsets/s", "last stored"):
        table.add_column(column, justify="right", no_wrap=True)
    for p in status.partitions:
        rate = "-" if p.offsets_per_second is None else f"{p.offsets_per_second:,.1f}"
        counts = ["-" if n is None else f"{n:,}" for n in (p.stored, p.end, p.lag)]
        since = "-" if p.stored_seconds_ago is None else f"{ago(p.stored_seconds_ago)} ago"
        table.add_row(str(p.partition), *counts, rate, since)
    if len(status.partitions) > 1:
        known = [p.lag for p in status.partitions if p.lag is not None]
        rates = [p.offsets_per_second for p in status.partitions if p.offsets_per_second is not None]
        table.add_section()
        table.add_row("all", "", "", f"{sum(known):,}", f"{sum(rates):,.1f}", "")
    return table
