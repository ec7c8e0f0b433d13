"""All servers together: fetched, started side by side where they do not need one another, stopped in reverse."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from stack import java, postgres
from stack.artifacts import fetch, read_lock
from stack.errors import AlreadyRunning, NoSpace, StackError
from stack.kafka import Broker, Connect
from stack.seaweedfs import SeaweedFS, Store
from stack.settings import LOCK, Settings, cache_folder, state_root
from stack.valkey import Account, Valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from stack.process import Server
    from stack.progress import Progress

NEEDED_MB = 1024
STARTING = "starting Postgres (source, target), Valkey, SeaweedFS and Kafka"
SOURCE_OPTIONS = {
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    # a slot nobody reads may hold this much of the log, then it is cut off rather than the disk filled
    "max_slot_wal_keep_size": "4GB",
}


def databases(settings: Settings) -> tuple[postgres.Database, postgres.Database]:
    """The source and the target, which holds the monitoring database too."""
    s, password = settings, settings.postgres_password.get_secret_value()
    return (
        postgres.Database("source", s.source_port, s.source_database, password, SOURCE_OPTIONS),
        postgres.Database(
            *("target", s.target_port, s.target_database, password), beside={s.monitoring_database: "monitoring"}
        ),
    )


def cache_account(settings: Settings) -> Account:
    """Who uses the cache, and where it listens."""
    return Account(settings.cache_port, settings.cache_user, settings.cache_password.get_secret_value())


def archive_store(settings: Settings) -> Store:
    """Where the archive of images is, and who uses it."""
    s = settings
    password = s.archive_password.get_secret_value()
    return Store(s.archive_port, s.archive_bucket, s.archive_region, s.archive_user, password)


class Stack:
    """The servers of one state folder; each is an attribute that a test may kill and restart.

    `more` are options of a server beside ours, or instead of them, by the server's name in its log.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        tuned: bool = False,
        more: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.settings = settings
        self.folder = folder
        self.tuned = tuned
        self.more = more or {}
        self.started: list[Server] = []

    def fetch(self, progress: Progress) -> None:
        """Bring what the servers are made of, and build them (nothing is started).

        Raises:
            DownloadFailed, NoSpace: see there.
        """
        platform = postgres.platform_name()
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in {self.folder, _existing(cache_folder())}:
            free_mb = shutil.disk_usage(folder).free // 1_000_000
            if free_mb < NEEDED_MB:
                raise NoSpace(folder, free_mb, NEEDED_MB)
        artifacts = read_lock(LOCK, {"kafka", "debezium", f"postgres-{platform}"})
        with progress.bar("servers", sum(a.size for a in artifacts)) as advance:
            paths = fetch(artifacts, cache_folder() / "maven", advance)
        software = state_root() / "software"
        if not software.exists():
            progress.say("unpacking")
        by_group: dict[str, list[Path]] = {}
        for artifact, path in paths.items():
            by_group.setdefault(artifact.group, []).append(path)
        (jar,) = by_group[f"postgres-{platform}"]
        binaries = postgres.unpack(jar, software / jar.stem)
        plugins = java.unpack_plugins(by_group["debezium"], software / "plugins")
        java.prepare()
        self._build(binaries, plugins, os.pathsep.join(map(str, sorted(by_group["kafka"]))))

    def _build(self, binaries: Path, plugins: Path, classpath: str) -> None:
        s, archives = self.settings, state_root() / "cds"
        source, target = (replace(d, options={**d.options, **self._more(d.name)}) for d in databases(s))
        self.source = postgres.Postgres(source, binaries, self.folder)
        self.target = postgres.Postgres(target, binaries, self.folder)
        self.broker = Broker(self.folder, s.kafka_port, classpath, archives, tuned=self.tuned, more=self._more("kafka"))
        self.connect = Connect(
            *(self.folder, s.connect_url, s.connect_port, s.kafka_bootstrap_servers, classpath, plugins, archives),
            tuned=self.tuned,
            more=self._more("connect"),
        )
        self.cache = Valkey(cache_account(s), self.folder, self._more("cache"))
        self.archive = SeaweedFS(archive_store(s), self.folder, self._more("archive"))

    def _more(self, name: str) -> Mapping[str, str]:
        return self.more.get(name, {})

    def start(self, say: Callable[[str], None], *, without: Collection[str] = ()) -> None:
        """Start every server but those named, and wait until all serve.

        Raises:
            PortBusy, ServerFailed: see there; what had started is stopped again by `stop`.
        """
        every = (self.source, self.target, self.cache, self.archive, self.broker)
        beside = [server for server in every if server.name not in without]
        connect = [self.connect] if self.connect.name not in without else []
        servers = (*connect, *beside)
        for server in servers:
            server.stop_leftover()
        for server in servers:
            server.check_ports()
        say(f"starting {', '.join(server.name for server in beside)}" if without else STARTING)
        with ThreadPoolExecutor(len(beside)) as pool:
            futures = [pool.submit(self._start_one, server) for server in beside]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                # the others' readiness is waited for in the pool, which is left only then
                self.stop()
                raise
        for server in connect:
            say("starting Kafka Connect")
            server.start()
            self.started.append(server)
            server.wait_ready()

    def _start_one(self, server: postgres.Postgres | Broker | Valkey | SeaweedFS) -> None:
        server.prepare()
        server.start()
        self.started.append(server)
        server.wait_ready()
        if isinstance(server, postgres.Postgres):
            server.database.set_up(self.settings.environment())

    def stop(self) -> None:
        """Stop what was started, the last first."""
        while self.started:
            self.started.pop().stop()


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the state folder for this process alone.

    Raises:
        AlreadyRunning: another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        holder = (folder / "running").open("a+")
    except OSError as error:
        raise StackError(f"{folder} cannot be written ({error.strerror}): set STACK_STATE to another folder") from error
    with holder:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder.seek(0)
            raise AlreadyRunning(folder, holder.read().strip()) from None
        holder.seek(0)
        holder.truncate()
        holder.write(str(os.getpid()))
        holder.flush()
        yield


def report(error: StackError) -> None:
    """Print the error, behind the failed server's own last lines, each under its name."""
    for line in getattr(error, "log_tail", []):
        print(f"{getattr(error, 'server', '')} | {line}", file=sys.stderr)
    print(f"error: {error}", file=sys.stderr)
