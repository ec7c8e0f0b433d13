"""How far Debezium has come with the rows that a table had before it was published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from connectors.errors import TaskFailedError
from connectors.explain import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.connect import Connect
    from connectors.deadline import Deadline
    from connectors.publication import Boundary
    from connectors.tables import Table

# Kafka Connect reads a whole topic for each answer.
BETWEEN_LOOKS_SECONDS = 1.0


def all_sent(offset: Mapping[str, Any] | None, table: Table, boundary: Boundary) -> bool:
    """Whether the connector's stored offset says that all rows before the boundary are in the topic.

    Rows and offset are committed together, so what the offset says of the rows is so. Debezium notes in it the tables
    that it still reads, the greatest key of the first of them, and the last key that it has sent. It forgets them after
    the last row, which it writes down with the next row of any table, or heartbeat.
    """
    if offset is None or str(offset.get("snapshot", "")).upper().startswith("INITIAL"):
        return False
    if int(offset.get("lsn_proc") or offset.get("lsn") or 0) < boundary.lsn:
        return False
    reading = json.loads(offset.get("incremental_snapshot_collections") or "[]")
    names = [entry["incremental_snapshot_collections_id"] for entry in reading]
    if str(table) not in names:
        return True
    sent, last = offset.get("incremental_snapshot_primary_key"), offset.get("incremental_snapshot_maximum_key")
    return names[0] == str(table) and sent is not None and sent == last


def wait_until_sent(connect: Connect, name: str, table: Table, boundary: Boundary, deadline: Deadline) -> bool:
    """Wait for `all_sent`; False when the deadline passes before.

    Raises:
        TaskFailedError: the connector failed meanwhile.
    """
    while not all_sent(connect.offset(name), table, boundary):
        status = connect.status(name)
        if status is not None and status.failures:
            raise TaskFailedError(f"{name} fails: {reasons(status.failures)}")
        if not deadline.pause(BETWEEN_LOOKS_SECONDS):
            return False
    return True
