"""A Kafka broker in KRaft mode, and Kafka Connect with the Debezium plugins."""

from __future__ import annotations

import base64
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


def write_properties(path: Path, properties: Mapping[str, object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    return path


class Broker(Server):
    """One process that is broker and controller; the controller listens one port higher."""

    def __init__(self, folder: Path, port: int, classpath: str, archives: Path, *, tuned: bool) -> None:
        self.address = f"127.0.0.1:{port}"
        self.logs = folder / "data" / "kafka"
        self.classpath = classpath
        self.archives = archives
        self.tuned = tuned
        self.properties = write_properties(
            folder / "run" / "kafka.properties",
            {
                "process.roles": "broker,controller",
                "node.id": 1,
                "controller.quorum.bootstrap.servers": f"127.0.0.1:{port + 1}",
                "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{port + 1}",
                "advertised.listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{port + 1}",
                "controller.listener.names": "CONTROLLER",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "log.dirs": self.logs,
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
                # the broker lets a consumer go that is silent for this long; 6 s is the least it allows by default
                "group.min.session.timeout.ms": 1000,
            },
        )
        super().__init__(
            name="kafka",
            command=self._command("kafka.Kafka", self.properties),
            folder=folder,
            ready=self._ready,
            ports=[port, port + 1],
        )

    def prepare(self) -> None:
        """Format the log folder if it is new."""
        if (self.logs / "meta.properties").exists():
            return
        # Kafka's own form of an id; "A" because its command line takes a leading "-" for an option
        cluster = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
        done = subprocess.run(  # noqa: S603
            self._command(
                "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", str(self.properties)
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"formatting Kafka's log folder failed: {(done.stderr or done.stdout).strip()[-800:]}")

    def _command(self, main: str, *arguments: str | Path) -> list[str]:
        archive = self.archives / f"{main}.jsa"
        return java.command(main, arguments, classpath=self.classpath, archive=archive, heap_mb=768, tuned=self.tuned)

    def _ready(self) -> bool:
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        return bool(admin.list_topics(timeout=1).brokers)


class Connect(Server):
    """A Kafka Connect worker (distributed mode, group of one) with exactly-once source support."""

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
    ) -> None:
        self.url = url
        converter = "org.apache.kafka.connect.json.JsonConverter"
        properties = write_properties(
            folder / "run" / "connect.properties",
            {
                "bootstrap.servers": broker,
                "group.id": "connect",
                "listeners": f"http://127.0.0.1:{port}",
                "rest.advertised.host.name": "127.0.0.1",
                "rest.advertised.port": port,
                "plugin.path": plugins,
                "plugin.discovery": "service_load",
                "key.converter": converter,
                "key.converter.schemas.enable": "true",
                "value.converter": converter,
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
            },
        )
        super().__init__(
            name="connect",
            command=java.command(
                "org.apache.kafka.connect.cli.ConnectDistributed",
                [properties],
                classpath=classpath,
                archive=archives / "connect.jsa",
                heap_mb=1024,
                tuned=tuned,
            ),
            folder=folder,
            ready=lambda: requests.get(f"{url}/connectors", timeout=2).ok,
            ports=[port],
        )
