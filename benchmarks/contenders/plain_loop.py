"""One message, one POST, one INSERT, one commit: as tutorials of kafka-python, requests and psycopg2 write it.

The one thing that they do not do is to close the loop on SIGTERM.
"""

from __future__ import annotations

import json
import signal
import sys

import psycopg2
import requests
from kafka import KafkaConsumer

from benchmarks.contenders.contract import task


def main() -> None:
    """Consume until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    given = task()
    connection = psycopg2.connect(given.target)
    insert = f"insert into {given.table} (timestamp, iris_class, source_id) values (%s, %s, %s)"  # noqa: S608 (ours)
    consumer = KafkaConsumer(
        given.topic,
        bootstrap_servers=given.brokers,
        group_id=given.group,
        auto_offset_reset="earliest",
        enable_auto_commit=True,
        value_deserializer=json.loads,
    )
    for message in consumer:
        row = message.value["payload"]
        features = {name: value for name, value in row.items() if name not in ("id", "timestamp", "target")}
        response = requests.post(f"{given.api}/predict", json=features, timeout=30)
        response.raise_for_status()
        with connection.cursor() as cursor:
            cursor.execute(insert, (row["timestamp"], response.json()["iris_class"], row["id"]))
        connection.commit()


if __name__ == "__main__":
    main()
