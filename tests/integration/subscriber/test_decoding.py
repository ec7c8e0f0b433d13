"""What Postgres holds is what is decoded, through a real Debezium: values of every type, in each form of message."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import confluent_kafka
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.connect import Connect
from connectors.deadline import Deadline
from connectors.definition import Definition, read
from connectors.deploy import wait_until_running
from subscriber.batch import Batch
from subscriber.decoding import Decoder
from subscriber.pipeline import Pipeline
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.settings import Settings

# no NUL and no lone surrogate: Postgres takes neither
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
# of each column: its type, the datatype it is read as, and its values
COLUMNS: dict[str, tuple[str, str, st.SearchStrategy[Any]]] = {
    "a_smallint": ("smallint", "INT32", st.integers(-(2**15), 2**15 - 1)),
    "an_int": ("int", "INT32", st.integers(-(2**31), 2**31 - 1)),
    "a_bigint": ("bigint", "INT64", st.integers(-(2**63), 2**63 - 1)),
    "a_real": ("real", "FP32", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "a_double": ("double precision", "FP64", st.floats(allow_nan=False, allow_infinity=False)),
    "a_boolean": ("boolean", "BOOL", st.booleans()),
    "a_text": ("text", "BYTES", texts),
    "a_price": ("numeric(12, 2)", "BYTES", st.decimals(-(10**9), 10**9, places=2)),
    "a_number": ("numeric", "BYTES", st.decimals(-(10**20), 10**20, places=9) | st.integers(-(10**30), 10**30)),
    "a_day": ("date", "BYTES", st.dates()),
    "a_time": ("time", "BYTES", st.times()),
    "a_short_time": ("time(3)", "BYTES", st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000))),
    "a_timestamp": ("timestamp", "BYTES", instants),
    "a_short_timestamp": ("timestamp(3)", "BYTES", instants.map(lambda t: t.replace(microsecond=0))),
    "a_timestamptz": ("timestamptz", "BYTES", instants.map(lambda t: t.replace(tzinfo=UTC))),
    "a_uuid": ("uuid", "BYTES", st.uuids()),
    "a_json": ("jsonb", "BYTES", json_values),
    "an_enum": ("flavour", "BYTES", st.sampled_from(["sweet", "sour", 'it\'s "salt"'])),
    "some_numbers": ("double precision[]", "ARRAY", st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2)),
    "some_texts": ("text[]", "BYTES", st.lists(texts, max_size=3)),
}
rows = st.fixed_dictionaries({name: values for name, (_, _, values) in COLUMNS.items()})
NAMES = tuple(COLUMNS)


@dataclass(frozen=True)
class Form:
    """How a connector is told to write its messages: changes of source.json; None takes a setting out."""

    name: str
    config: dict[str, str | None] = field(default_factory=dict)


ENVELOPE = {f"transforms.unwrap{rest}": None for rest in (".type", ".delete.tombstone.handling.mode", ".add.headers")}
NO_SCHEMA = {f"{part}.converter.schemas.enable": "false" for part in ("key", "value")}
FORMS = [
    Form("flat"),
    Form("precise", {"decimal.handling.mode": "precise"}),
    Form("change", {**ENVELOPE, "transforms": "public,rename", "decimal.handling.mode": "precise"}),
    Form("plain", {**NO_SCHEMA, "time.precision.mode": "isostring"}),
    Form("plainchange", {**ENVELOPE, **NO_SCHEMA, "transforms": "public,rename", "time.precision.mode": "isostring"}),
]


def pipeline(topic: str) -> Pipeline:
    features = [
        {"column": name, "datatype": "FP64", "size": 2}
        if datatype == "ARRAY"
        else {"column": name, "datatype": datatype}
        for name, (_, datatype, _) in COLUMNS.items()
    ]
    return Pipeline.model_validate(
        {
            "name": "p",
            "topic": topic,
            "group": "g",
            "model": {"url": "http://127.0.0.1:1/v2/models/m"},
            "features": features,
            "source": {"key": "id", "timestamp": "a_timestamptz", "deletes": "remove"},
            "target": {"table": "t", "outputs": {"o": "o"}},
        }
    )


class Published:
    """A table, its connector, and what a consumer reads of its topic."""

    def __init__(self, settings: Settings, form: Form) -> None:
        self.table = f"t{uuid.uuid4().hex[:12]}"
        self.topic = f"{self.table}.public.{self.table}"
        self.settings = settings
        self.source = psycopg.connect(settings.source_dsn(), autocommit=True)
        self.decoder = Decoder(pipeline(self.topic))
        self.next_id = 1
        definition = read("source.json", {**os.environ, **settings.environment()})
        changes = {
            # two connectors of one prefix in one worker wait two minutes for each other's metrics
            "topic.prefix": self.table,
            "publication.name": self.table,
            "slot.name": self.table,
            "table.include.list": f"public.{self.table}",
            "snapshot.include.collection.list": f"public.{self.table}",
            "topic.creation.default.partitions": "1",
            "heartbeat.interval.ms": "0",
            **form.config,
        }
        config = {k: v for k, v in {**definition.config, **changes}.items() if v is not None}
        self.definition = Definition(self.table, config)
        self.connect = Connect(settings.connect_url, Deadline(90), lambda _: None)
        self.consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": settings.kafka_bootstrap_servers,
                "group.id": self.table,
                "isolation.level": "read_committed",
                # the topic is made by the first row
                "topic.metadata.refresh.interval.ms": 500,
            }
        )

    def publish(self) -> None:
        columns = ", ".join(f"{name} {type_}" for name, (type_, _, _) in COLUMNS.items())
        debezium = self.settings.environment()["DEBEZIUM_USER"]
        self.source.execute(
            "do $$ begin create type flavour as enum ('sweet', 'sour', 'it''s \"salt\"');"
            " exception when duplicate_object then null; end $$"
        )
        self.source.execute(f"create table {self.table} (id bigint primary key, {columns})")
        self.source.execute(f"create publication {self.table} for table {self.table}")
        self.source.execute(f"grant select on {self.table} to {debezium}")
        self.insert([])
        self.connect.put(self.definition)
        wait_until_running(self.connect, self.table, Deadline(60), lambda _: None)
        self.consumer.assign([confluent_kafka.TopicPartition(self.topic, 0, 0)])

    def insert(self, values: list[dict[str, Any]]) -> None:
        query = sql.SQL("insert into {} (id, {}) values ({})").format(
            sql.Identifier(self.table),
            sql.SQL(", ").join(map(sql.Identifier, NAMES)),
            sql.SQL(", ").join([sql.Placeholder()] * (len(NAMES) + 1)),
        )
        with self.source.transaction():
            for row in values:
                given = [Jsonb(row[name]) if name == "a_json" else row[name] for name in NAMES]
                self.source.execute(query, [self.next_id, *given])
                self.next_id += 1

    def decoded(self, messages: int) -> Batch:
        """The next messages of the topic, decoded."""
        found: list[Any] = []

        def enough() -> bool:
            message = self.consumer.poll(0.2)
            if message is not None and message.error() is None:
                found.append(message)
            return len(found) >= messages

        wait_until(f"{messages} messages in {self.topic}", enough, 90)
        batch = Batch({}, found)
        self.decoder.decode(batch)
        return batch

    def end(self) -> None:
        self.consumer.close()
        self.connect.delete(self.table)
        drop = (
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s and not active"
        )
        exists = "select from pg_replication_slots where slot_name = %s"
        debezium = self.settings.environment()

        def gone() -> bool:
            with psycopg.connect(
                self.settings.source_dsn(), user=debezium["DEBEZIUM_USER"], password=debezium["DEBEZIUM_PASSWORD"]
            ) as connection:
                connection.execute(drop, [self.table])
                return connection.execute(exists, [self.table]).fetchone() is None

        wait_until("its slot is dropped", gone)
        self.source.execute(f"drop publication {self.table}")
        self.source.execute(f"drop table {self.table}")
        self.source.close()


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: form.name)
def published(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Published]:
    table = Published(settings, request.param)
    try:
        table.publish()
        yield table
    finally:
        table.end()


def same(column: str, held: Any, decoded: Any) -> bool:
    """Whether the decoded value says what Postgres holds."""
    if COLUMNS[column][0].startswith("numeric"):
        found: Any = Decimal(decoded)
    elif isinstance(held, datetime):
        moment = datetime.fromisoformat(decoded)
        found = moment if held.tzinfo else moment.replace(tzinfo=None)
    elif isinstance(held, date):
        found = date.fromisoformat(decoded.removesuffix("Z"))
    elif isinstance(held, time):
        found = time.fromisoformat(decoded).replace(tzinfo=None)
    elif isinstance(held, uuid.UUID):
        found = uuid.UUID(decoded)
    elif column in ("a_json", "some_texts"):
        found = json.loads(decoded)
    else:
        found = decoded
    return bool(found == held)


@hypothesis_settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    # each try goes through all the servers
    phases=[Phase.generate],
)
@given(values=st.lists(rows, min_size=25, max_size=25))
def test_what_postgres_holds_is_what_is_decoded(published: Published, values: list[dict[str, Any]]) -> None:
    # given rows of any values
    first = published.next_id
    published.insert(values)

    # when they have come through Debezium and Kafka
    batch = published.decoded(len(values))

    # then each is decoded as Postgres holds it
    assert [letter.detail for letter in batch.dead] == []
    assert [row.key for row in batch.rows] == list(range(first, first + len(values)))
    held = published.source.execute(
        sql.SQL("select {} from {} where id >= %s order by id").format(
            sql.SQL(", ").join(map(sql.Identifier, NAMES)), sql.Identifier(published.table)
        ),
        [first],
    ).fetchall()
    for row, in_postgres in zip(batch.rows, held, strict=True):
        for i, column in enumerate(NAMES):
            decoded = getattr(row, f"f{i}")
            assert same(column, in_postgres[i], decoded), (column, in_postgres[i], decoded)


def test_a_deleted_row_is_told_by_its_key(published: Published) -> None:
    published.insert([dict.fromkeys(NAMES) | {"a_timestamptz": datetime(2026, 1, 1, tzinfo=UTC)}])
    published.source.execute(f"delete from {published.table} where id = %s", [published.next_id - 1])

    # the row, which is null in every feature, its end, and a tombstone after that where the whole change is sent
    batch = published.decoded(3 if "transforms.unwrap.type" not in published.definition.config else 2)

    assert {letter.cause for letter in batch.dead} == {"invalid_field"}
    assert {delete.key for delete in batch.deletes} == {published.next_id - 1}
