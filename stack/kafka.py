"""A Kafka broker in KRaft mode, and Kafka Connect with the Debezium plugins."""

from __future__ import annotations

import base64
import re
import subprocess
import uuid
from typing import TYPE_CHECKING

import requests
from confluent_kafka.admin import AdminClient

from stack import java
from stack.errors import StackError
from stack.process import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


CONVERTER = "org.apache.kafka.connect.json.JsonConverter"
BROKER_HEAP_MB = 768
CONNECT_HEAP_MB = 1024


def broker_properties(port: int, logs: Path) -> dict[str, object]:
    """Of one process that is broker and controller; the controller listens one port higher."""
    broker, controller = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": controller,
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": logs,
        # a topic nobody made is a mistake to be told of, not one more topic
        "auto.create.topics.enable": "false",
        # one broker can hold one replica
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # few partitions of the internal topics: they are made while the first client waits
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        # the first look for transactions that timed out comes this long after a start. Sooner, a broker that crashed
        # may not lead its partitions again: it then forgets the transaction without writing to them that it was
        # aborted, and the next transaction carries its rows along
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 30_000,
        # the broker lets a consumer go that is silent for this long; 6 s is the least it allows by default
        "group.min.session.timeout.ms": 1000,
    }


def connect_properties(port: int, broker: str, plugins: Path) -> dict[str, object]:
    """Of a worker in distributed mode, alone in its group, with exactly-once source support."""
    return {
        "bootstrap.servers": broker,
        "group.id": "connect",
        "listeners": f"http://127.0.0.1:{port}",
        "rest.advertised.host.name": "127.0.0.1",
        "rest.advertised.port": port,
        "plugin.path": plugins,
        "plugin.discovery": "service_load",
        "key.converter": CONVERTER,
        "key.converter.schemas.enable": "true",
        "value.converter": CONVERTER,
        "value.converter.schemas.enable": "true",
        "offset.storage.topic": "connect-offsets",
        "offset.storage.partitions": 1,
        "offset.storage.replication.factor": 1,
        "config.storage.topic": "connect-configs",
        "config.storage.replication.factor": 1,
        "status.storage.topic": "connect-status",
        "status.storage.partitions": 1,
        "status.storage.replication.factor": 1,
        "exactly.once.source.support": "enabled",
        "connector.client.config.override.policy": "All",
        "consumer.isolation.level": "read_committed",
        # the only worker of its group gets its tasks back at once after a crash
        "scheduled.rebalance.max.delay.ms": 0,
    }


def properties_text(properties: Mapping[str, object]) -> str:
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def write_properties(path: Path, properties: Mapping[str, object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(properties_text(properties))
    return path


def version(classpath: str) -> str:
    """Kafka's version, by its jars."""
    found = re.search(r"/kafka-clients-([\d.]+)\.jar", classpath)
    if found is None:
        raise StackError("there is no kafka-clients among Kafka's jars (stack/artifacts.lock)")
    return found[1]


def numbers(version: str) -> list[int]:
    """A version as numbers, to be compared."""
    return [int(number) for number in version.split(".")]


def new_cluster_id() -> str:
    """An id in Kafka's own form; "A" first because its command line takes a leading "-" for an option."""
    return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def broker_ready(address: str) -> bool:
    """Whether the broker answers; raises why not."""
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    return bool(admin.list_topics(timeout=1).brokers)


def connect_ready(url: str) -> bool:
    """Whether the worker answers; raises why not."""
    return requests.get(f"{url}/connectors", timeout=2).ok


class Broker(Server):
    """The broker as a process; `more` are properties beside `broker_properties`, or instead of them."""

    def __init__(
        self,
        folder: Path,
        port: int,
        classpath: str,
        archives: Path,
        *,
        tuned: bool,
        more: Mapping[str, str],
    ) -> None:
        self.logs = folder / "data" / "kafka"
        self.classpath = classpath
        self.archives = archives
        self.tuned = tuned
        properties = {**broker_properties(port, self.logs), **more}
        self.properties = write_properties(folder / "run" / "kafka.properties", properties)
        super().__init__(
            name="kafka",
            command=self._command("kafka.Kafka", self.properties),
            folder=folder,
            ready=lambda: broker_ready(f"127.0.0.1:{port}"),
            ports=[port, port + 1],
        )

    def prepare(self) -> None:
        """Format the log folder if it is new.

        Raises:
            StackError: a later Kafka wrote it, or formatting fails.
        """
        ours, written_by = version(self.classpath), self.logs / "written-by"
        if (self.logs / "meta.properties").exists():
            theirs = written_by.read_text().strip() if written_by.exists() else None
            if theirs is None or numbers(theirs) > numbers(ours):
                who = f"Kafka {theirs}" if theirs else "another Kafka"
                raise StackError(
                    f"{self.logs} was written by {who}, which {ours} cannot read: "
                    f"`make clean` forgets it, with both databases"
                )
            written_by.write_text(ours)
            return
        options = ["--standalone", "-t", new_cluster_id(), "-c", str(self.properties)]
        done = subprocess.run(  # noqa: S603
            self._command("kafka.tools.StorageTool", "format", *options),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"formatting Kafka's log folder failed: {(done.stderr or done.stdout).strip()[-800:]}")
        written_by.write_text(ours)

    def _command(self, main: str, *arguments: str | Path) -> list[str]:
        archive = self.archives / f"{main}.jsa"
        return java.command(
            main, arguments, classpath=self.classpath, archive=archive, heap_mb=BROKER_HEAP_MB, tuned=self.tuned
        )


class Connect(Server):
    """The Kafka Connect worker as a process; `more` as for the broker."""

    def __init__(
        self,
        folder: Path,
        url: str,
        port: int,
        broker: str,
        classpath: str,
        plugins: Path,
        archives: Path,
        *,
        tuned: bool,
        more: Mapping[str, str],
    ) -> None:
        self.url = url
        path = folder / "run" / "connect.properties"
        properties = write_properties(path, {**connect_properties(port, broker, plugins), **more})
        super().__init__(
            name="connect",
            command=java.command(
                "org.apache.kafka.connect.cli.ConnectDistributed",
                [properties],
                classpath=classpath,
                archive=archives / "connect.jsa",
                heap_mb=CONNECT_HEAP_MB,
                tuned=tuned,
            ),
            folder=folder,
            ready=lambda: connect_ready(url),
            ports=[port],
        )
