"""Takes the connectors away, and what they hold in the source database if asked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from connectors.connect import Connect
from connectors.databases import drop_slot, open_source
from connectors.publication import Publication

if TYPE_CHECKING:
    from connectors.deadline import Deadline
    from connectors.definition import Definition
    from connectors.settings import ConnectorsSettings

Say = Callable[[str], None]


def remove(
    settings: ConnectorsSettings,
    source: Definition,
    sink: Definition,
    outbox: Definition,
    deadline: Deadline,
    say: Say,
    *,
    drop: bool,
    tasks_alone: bool,
) -> None:
    """Delete the connectors, the outbox where there is or was one; with `drop` also their slots and offsets.

    Args:
        tasks_alone: delete the outbox, and leave the others as they are.

    Raises:
        DatabaseError, ConnectError: a server does not answer before the deadline, or refuses.
    """
    stream = [] if tasks_alone else [sink, source]
    with Connect(settings.connect_url, deadline, say) as connect:
        known = connect.config(outbox.name) is not None
        tasks = [outbox] if tasks_alone or known or (drop and _has_slot(settings, outbox, deadline, say)) else []
        reading = [definition for definition in (*tasks, *stream) if definition is not sink]
        for definition in (*tasks, *stream):
            _delete(connect, definition, say, forget=drop and definition is not sink)
    for definition in reading:
        slot = definition.config["slot.name"]
        if drop:
            drop_slot(settings, slot, deadline, say)
        else:
            say(
                f"source: replication slot {slot} stays, so that registering again goes on where this ended; until "
                f"then it holds write-ahead log. `python -m connectors remove --drop-slot` drops it"
            )


def _delete(connect: Connect, definition: Definition, say: Say, *, forget: bool) -> None:
    known = connect.config(definition.name) is not None
    if forget and not known:
        # An earlier removal left the offsets, and Kafka Connect forgets only those of what it knows.
        connect.put_stopped(definition)
    if forget:
        connect.stop(definition.name)
        connect.forget_offsets(definition.name)
    if known or forget:
        connect.delete(definition.name)
    say(f"{definition.name}: {'deleted' if known else 'not registered'}")


def _has_slot(settings: ConnectorsSettings, definition: Definition, deadline: Deadline, say: Say) -> bool:
    with open_source(settings, settings.source_user, settings.source_password, deadline, say) as connection:
        return Publication(connection, definition, settings.debezium_user).slot_exists()
