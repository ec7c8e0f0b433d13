"""What the connector's stored offset says of the rows that a table had."""

import json
from typing import Any

import pytest

from connectors.publication import Boundary
from connectors.rows_sent import all_sent
from connectors.tables import Table

ORDERS = Table("shop", "orders")


def reading(*tables: str, sent: str | None, last: str | None) -> dict[str, Any]:
    names = [{"incremental_snapshot_collections_id": table} for table in tables]
    return {
        "snapshot": "INCREMENTAL",
        "incremental_snapshot_collections": json.dumps(names),
        "incremental_snapshot_primary_key": sent,
        "incremental_snapshot_maximum_key": last,
    }


@pytest.mark.parametrize(
    ("offset", "sent"),
    [
        # nothing is stored yet, or not as far as the boundary
        (None, False),
        ({"lsn_proc": 99}, False),
        ({"lsn": 99}, False),
        # beyond it, and nothing is read
        ({"lsn_proc": 100}, True),
        # the first snapshot of all tables
        ({"lsn_proc": 100, "snapshot": "INITIAL"}, False),
        # this table is read, or waits behind another
        ({"lsn_proc": 100, **reading("shop.orders", sent="aa", last="bb")}, False),
        ({"lsn_proc": 100, **reading("shop.orders", sent="bb", last="bb")}, True),
        ({"lsn_proc": 100, **reading("shop.orders", sent=None, last=None)}, False),
        ({"lsn_proc": 100, **reading("shop.other", "shop.orders", sent="bb", last="bb")}, False),
        # another one is
        ({"lsn_proc": 100, **reading("shop.other", sent="aa", last="bb")}, True),
    ],
)
def test_rows_are_sent_when_the_offset_is_past_them(offset: dict[str, Any] | None, sent: bool) -> None:
    assert all_sent(offset, ORDERS, Boundary(100, "true")) is sent
