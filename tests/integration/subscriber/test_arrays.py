"""Outputs of several values a row are stored in an array column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from subscriber.batch import Batch, Span
from subscriber.store import Store
from tests.unit.subscriber.material import Message, pipeline

if TYPE_CHECKING:
    import psycopg

    from stack.settings import Settings


class Row(msgspec.Struct):
    key: int = 1
    timestamp: str = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("double precision[]", [0.1, -2.5e300, 1 / 3]),
        ("real[]", [0.5, 2.0, -1.0]),
        ("bigint[]", [0, -(2**63), 2**63 - 1]),
        ("boolean[]", [True, False]),
        ("text[]", ["a", 'quotes " and \\ and {}', "", "NULL"]),
        ("double precision[]", [0.5, None]),
    ],
    ids=str,
)
def test_lists_become_arrays(
    settings: Settings, target: psycopg.Connection, name: str, type_: str, values: list[Any]
) -> None:
    # given a table with an array column
    described = pipeline(source={"key": "id", "timestamp": "timestamp"}, outputs={"scores": "scores"}).model_copy(
        update={"name": name, "topic": name}
    )
    described = described.model_copy(update={"target": described.target.model_copy(update={"table": name})})
    target.execute(f"create table {name} (timestamp timestamptz, scores {type_}, source_id bigint, model_version text)")
    target.execute(f"grant select, insert on {name} to public")
    store = Store(settings.target_dsn(), described)
    store.prepare()
    store.begin({0: 0})

    # when a batch is stored
    record = Message(partition=0)
    batch = Batch({0: Span(0, 1, 1)}, [record], rows=[Row()], outputs=[(values,)], versions=["1"])
    store.commit(batch)
    store.close()

    # then the array holds the values
    assert target.execute(f"select scores from {name}").fetchall() == [(values,)]
