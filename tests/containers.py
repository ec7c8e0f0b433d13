"""The servers in containers from the images of docker-compose.yaml, set up as `stack` sets up its processes.

The containers share the host's network, so every server listens on the very loopback port of the settings: our
processes, the servers among themselves and the connectors use one address each, which a restart keeps. The engine must
be on this machine (with Docker Desktop: switch host networking on in its settings).
"""

from __future__ import annotations

import contextlib
import gc
import shlex
import shutil
import signal
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.exceptions import ContainerStartException

from stack import java, kafka, seaweedfs, valkey
from stack.errors import ServerFailed
from stack.postgres import INITDB_OPTIONS, Database
from stack.process import READY_POLL_SECONDS, TAIL_LINES
from stack.servers import archive_store, cache_account, databases
from stack.settings import ROOT, Settings, state_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
POSTGRES_IMAGE, KAFKA_IMAGE, CONNECT_IMAGE, CACHE_IMAGE, ARCHIVE_IMAGE = (
    COMPOSE[service]["image"] for service in ("target-database", "broker", "connect", "cache", "archive")
)
# where the images keep what we name in the properties
KAFKA_LOGS = Path("/var/lib/kafka/data")
CONNECT_PLUGINS = Path("/kafka/connect")
# where our own files go in a container; no image has such a folder
FILES = Path("/opt/stream-serving")

READY_SECONDS = 120.0
STOP_SECONDS = 30


class Container:
    """A server in a container, which `restart` starts again with the files it had."""

    def __init__(self, name: str, container: DockerContainer, log: Path, ready: Callable[[], bool]) -> None:
        self.name = name
        self.log = log
        self._ready = ready
        self._container = container.with_kwargs(network_mode="host")

    @property
    def running(self) -> bool:
        self._container.reload()
        return self._container.status == "running"

    def create(self) -> None:
        """Create the container, pulling its image unless that is here, start it and wait until it serves.

        Raises:
            ServerFailed: it stopped, or took longer than READY_SECONDS.
        """
        self._container.start()
        self._wait_ready()

    def restart(self) -> None:
        self._container.get_wrapped_container().start()
        self._wait_ready()

    def stop(self) -> int:
        if self.running:
            # a frozen process hears no signal but this one
            self.send(signal.SIGCONT)
            self._container.get_wrapped_container().stop(timeout=STOP_SECONDS)
        return self._container.wait()

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._container.wait()

    def send(self, signal_: signal.Signals) -> None:
        self._container.get_wrapped_container().kill(signal_.name)

    def remove(self) -> None:
        """Keep the container's log, then remove it and its data."""
        with contextlib.suppress(DockerException, ContainerStartException):
            self._save_log()
        self._container.stop()

    def _wait_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if not self.running:
                raise self._failed(f"stopped with exit status {self._container.wait()}")
            with contextlib.suppress(Exception):
                if self._ready():
                    return
            time.sleep(READY_POLL_SECONDS)
        raise self._failed(f"was not ready after {READY_SECONDS:.0f} s")

    def _failed(self, what: str) -> ServerFailed:
        self._save_log()
        return ServerFailed(self.name, what, self.log, self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])

    def _save_log(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(self._container.get_wrapped_container().logs())


class PostgresContainer(Container):
    """A database's server."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.superuser_dsn = database.superuser_dsn
        container = (
            DockerContainer(POSTGRES_IMAGE)
            .with_env("POSTGRES_PASSWORD", database.password)
            .with_env("POSTGRES_INITDB_ARGS", shlex.join(INITDB_OPTIONS))
            .with_command(["postgres", *database.arguments()])
        )
        super().__init__(database.name, container, folder / "log" / f"{database.name}.log", database.ready)


def java_container(image: str, heap_mb: int, properties: Mapping[str, object], *command: str) -> DockerContainer:
    """A Java server's container; `command` finds its properties and the logging configuration in FILES."""
    return (
        DockerContainer(image)
        .with_env("KAFKA_HEAP_OPTS", f"-Xmx{heap_mb}m")
        .with_env("KAFKA_JVM_PERFORMANCE_OPTS", " ".join(java.QUICK))
        .with_env("KAFKA_LOG4J_OPTS", f"-Dlog4j2.configurationFile={FILES / java.LOGGING.name}")
        .with_copy_into_container(java.LOGGING, str(FILES / java.LOGGING.name))
        .with_copy_into_container(kafka.properties_text(properties).encode(), str(FILES / "server.properties"))
        .with_command([*command])
    )


def broker_container(settings: Settings, folder: Path) -> Container:
    """The broker, its log folder formatted at the first start."""
    properties, home = FILES / "server.properties", Path("/opt/kafka/bin")
    script = (
        f"[ -e {KAFKA_LOGS}/meta.properties ] ||"
        f" {home}/kafka-storage.sh format --standalone -t {kafka.new_cluster_id()} -c {properties} &&"
        f" exec {home}/kafka-server-start.sh {properties}"
    )
    container = java_container(
        *(KAFKA_IMAGE, kafka.BROKER_HEAP_MB, kafka.broker_properties(settings.kafka_port, KAFKA_LOGS)),
        *("sh", "-c", script),
    )
    address = settings.kafka_bootstrap_servers
    return Container("kafka", container, folder / "log" / "kafka.log", lambda: kafka.broker_ready(address))


def connect_container(settings: Settings, folder: Path) -> Container:
    """The Connect worker with the image's Debezium plugins."""
    container = java_container(
        CONNECT_IMAGE,
        kafka.CONNECT_HEAP_MB,
        kafka.connect_properties(settings.connect_port, settings.kafka_bootstrap_servers, CONNECT_PLUGINS),
        *("/kafka/bin/connect-distributed.sh", str(FILES / "server.properties")),
    )
    return Container(
        "connect", container, folder / "log" / "connect.log", lambda: kafka.connect_ready(settings.connect_url)
    )


def cache_container(settings: Settings, folder: Path) -> Container:
    """The cache."""
    account = cache_account(settings)
    configuration = str(FILES / valkey.CONFIGURATION.name)
    container = (
        DockerContainer(CACHE_IMAGE)
        .with_copy_into_container(valkey.CONFIGURATION, configuration)
        .with_command(["valkey-server", configuration, *account.arguments()])
    )
    return Container("cache", container, folder / "log" / "cache.log", account.ready)


def archive_container(settings: Settings, folder: Path) -> Container:
    """The archive's server, with the one account."""
    store, identities = archive_store(settings), FILES / "identities.json"
    options = {**store.options(), "dir": "/data", "s3.config": str(identities)}
    container = DockerContainer(ARCHIVE_IMAGE).with_copy_into_container(store.identities().encode(), str(identities))
    for name, value in seaweedfs.MEMORY.items():
        container = container.with_env(name, value)
    container = container.with_env("WEED_LEVELDB3_DIR", "/data/names").with_command(
        ["-logtostderr=true", "server", *(f"-{name}={text}" for name, text in options.items())]
    )
    return Container("archive", container, folder / "log" / "archive.log", store.ready)


@dataclass(frozen=True)
class DockerStack:
    """The running containers."""

    settings: Settings
    folder: Path
    source: PostgresContainer
    target: PostgresContainer
    broker: Container
    connect: Container
    cache: Container
    archive: Container


@contextmanager
def docker_stack(settings: Settings) -> Iterator[DockerStack]:
    """The servers in containers, running and set up; removed at the end.

    Fails the test when no Docker engine answers.

    Raises:
        ServerFailed: a server stopped or did not become ready in time.
    """
    _require_engine()
    folder = state_root() / f"tests-docker-{settings.source_port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    definitions = databases(settings)
    source, target = (PostgresContainer(database, folder) for database in definitions)
    broker, connect = broker_container(settings, folder), connect_container(settings, folder)
    cache, archive = cache_container(settings, folder), archive_container(settings, folder)
    with ExitStack() as created:
        for container in (source, target, broker, connect, cache, archive):
            created.callback(container.remove)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Container.create, (source, target, cache, archive, broker)))
        for database in definitions:
            database.set_up(settings.environment())
        connect.create()
        yield DockerStack(settings, folder, source, target, broker, connect, cache, archive)


def _require_engine() -> None:
    with warnings.catch_warnings():
        # the client leaves the socket open that could not connect
        warnings.simplefilter("ignore", ResourceWarning)
        reason = _engine_silence()
        gc.collect()
    if reason is not None:
        pytest.fail(f"STACK=docker is set, but no Docker engine answers: {reason}", pytrace=False)


def _engine_silence() -> str | None:
    """Why no Docker engine answers; None if one does."""
    try:
        with contextlib.closing(DockerClient().client) as client:
            client.ping()
    except DockerException as error:
        return str(error)
    return None
