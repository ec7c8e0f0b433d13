"""Spark Structured Streaming on two cores of this machine: `foreachBatch` over the Kafka source.

From "Structured Streaming + Kafka Integration Guide": the source, what a micro-batch holds at most (else the first
would hold the whole topic), and that committed messages alone are read. The JVM parses the JSON by a schema of the few
fields that are wanted (`from_json`), and skips the rest. From "Using foreachBatch": each micro-batch is handed on. From
"Apache Arrow in PySpark": its parts go to Python in columns (`mapInArrow`), where `spark_part` predicts and stores
them.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, from_json

from benchmarks.contenders.contract import Task, task
from benchmarks.contenders.rows import FEATURES
from benchmarks.contenders.spark_java import java_home
from benchmarks.contenders.spark_part import COUNT, parts

MAX_ROWS = 200_000
ARROW_ROWS = 5000
POLL_SECONDS = 0.5


def main() -> None:
    """Stream until told to stop."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    given = task()
    store = parts(given)

    def handle(batch: DataFrame, _: int) -> None:
        # the parts are stored in Python: what they give back goes nowhere
        batch.mapInArrow(store, COUNT).write.format("noop").mode("overwrite").save()

    with tempfile.TemporaryDirectory() as folder:
        # Spark starts Java and Python by these
        os.environ |= {"JAVA_HOME": str(java_home(Path(folder))), "PYSPARK_PYTHON": sys.executable}
        spark = session(given)
        spark.sparkContext.setLogLevel("WARN")
        stream = rows(spark, given).writeStream.foreachBatch(handle)
        query = stream.option("checkpointLocation", f"{folder}/checkpoints").start()
        try:
            while not ended.is_set() and not query.awaitTermination(POLL_SECONDS):
                pass
        finally:
            query.stop()
            spark.stop()


def session(given: Task) -> SparkSession:
    """Spark in this process's JVM, with as many threads as the machine that is measured has cores."""
    return (
        SparkSession.builder.master("local[2]")
        .appName(given.group)
        .config("spark.jars", os.environ["BENCH_JARS"])
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "2g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", ARROW_ROWS)
        .getOrCreate()
    )


def rows(spark: SparkSession, given: Task) -> DataFrame:
    """The rows of the topic, as they come."""
    messages = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", given.brokers)
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", given.topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", MAX_ROWS)
        .load()
    )
    columns = ", ".join(["id bigint", "timestamp string", *(f"{name} double" for name in FEATURES)])
    message = from_json(col("value").cast("string"), f"payload struct<{columns}>")
    return messages.select(message.alias("message")).select("message.payload.*")


if __name__ == "__main__":
    main()
