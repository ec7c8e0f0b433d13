"""The deletes: each in the topic once, after all that there was of its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.chaos.ledger import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.chaos.ledger import Message


class Tombstone(NamedTuple):
    """A delete in the topic; `at` is when the message was written, in epoch seconds."""

    id: int
    partition: int
    offset: int
    at: float


def misplaced(
    deleted: Mapping[int, int], tombstones: Iterable[Tombstone], messages: Iterable[Message], end: float
) -> list[Wrong]:
    """What is wrong with the deletes in the topic.

    Args:
        deleted: the last version of each row that was deleted.
        tombstones: the deletes in the topic.
        messages: the rows in the topic.
        end: the moment of a delete that is missing.
    """
    wrong: list[Wrong] = []
    found: dict[int, Tombstone] = {}
    for tombstone in tombstones:
        where = f"delete of row {tombstone.id} (partition {tombstone.partition}, offset {tombstone.offset})"
        if tombstone.id not in deleted:
            wrong.append(Wrong(f"in the topic, but never committed: {where}", tombstone.at))
        elif tombstone.id in found:
            wrong.append(Wrong(f"in the topic again: {where}", tombstone.at))
        found.setdefault(tombstone.id, tombstone)
    for message in messages:
        tombstone_ = found.get(message.id)
        if tombstone_ is None:
            continue
        if (message.partition, message.offset) > (tombstone_.partition, tombstone_.offset) or (
            message.partition != tombstone_.partition
        ):
            where = (
                f"row {message.id} version {message.version} (partition {message.partition}, offset {message.offset})"
            )
            wrong.append(
                Wrong(f"in the topic beside or after its delete at offset {tombstone_.offset}: {where}", message.at)
            )
    wrong += [
        Wrong(f"deleted, but no delete in the topic: row {id_} version {version}", end)
        for id_, version in deleted.items()
        if id_ not in found
    ]
    return wrong
