"""The stack's settings: the shared names of `.env.example`, moved by a port offset, and where state is kept."""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack import key

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "stack" / "artifacts.lock"
# what Postgres runs as when we are root, which it refuses to be
UNPRIVILEGED_USER = "nobody"


class Settings(BaseSettings):
    """Addresses and demo credentials; each field is the variable of the same name in `.env.example`."""

    model_config = SettingsConfigDict(env_file=(ROOT / ".env.example", ROOT / ".env"), extra="ignore", frozen=True)

    source_host: str
    source_port: int
    source_database: str
    source_user: str
    source_password: SecretStr
    debezium_user: str
    debezium_password: SecretStr
    monitor_user: str
    monitor_password: SecretStr
    target_host: str
    target_port: int
    target_database: str
    target_user: str
    target_password: SecretStr
    subscriber_user: str
    subscriber_password: SecretStr
    sink_user: str
    sink_password: SecretStr
    reader_user: str
    reader_password: SecretStr
    monitoring_host: str
    monitoring_port: int
    monitoring_database: str
    monitoring_user: str
    monitoring_password: SecretStr
    tasks_user: str
    tasks_password: SecretStr
    postgres_password: SecretStr
    kafka_bootstrap_servers: str
    connect_url: str
    cache_url: str
    cache_user: str
    cache_password: SecretStr
    archive_endpoint: str
    archive_bucket: str
    archive_region: str
    archive_user: str
    archive_password: SecretStr
    api_host: str
    api_port: int
    api_url: str
    subscriber_host: str
    subscriber_port: int
    task_subscriber_port: int
    prometheus_url: str
    grafana_url: str
    grafana_user: str
    grafana_password: SecretStr

    def moved(self, offset: int) -> Settings:
        """The same settings with every port `offset` higher."""
        host, port = self.kafka_bootstrap_servers.rsplit(":", 1)
        return self.model_copy(
            update={
                "source_port": self.source_port + offset,
                "target_port": self.target_port + offset,
                "monitoring_port": self.monitoring_port + offset,
                "kafka_bootstrap_servers": f"{host}:{int(port) + offset}",
                "connect_url": _moved_url(self.connect_url, offset),
                "cache_url": _moved_url(self.cache_url, offset),
                "archive_endpoint": _moved_url(self.archive_endpoint, offset),
                "api_port": self.api_port + offset,
                "api_url": _moved_url(self.api_url, offset),
                "subscriber_port": self.subscriber_port + offset,
                "task_subscriber_port": self.task_subscriber_port + offset,
                "prometheus_url": _moved_url(self.prometheus_url, offset),
                "grafana_url": _moved_url(self.grafana_url, offset),
            }
        )

    @property
    def kafka_port(self) -> int:
        return int(self.kafka_bootstrap_servers.rsplit(":", 1)[1])

    @property
    def connect_port(self) -> int:
        return urlsplit(self.connect_url).port or 80

    @property
    def cache_port(self) -> int:
        return urlsplit(self.cache_url).port or 6379

    @property
    def archive_port(self) -> int:
        return urlsplit(self.archive_endpoint).port or 80

    def environment(self) -> dict[str, str]:
        """Every setting by its variable's name, passwords in the clear: what a service is started with."""
        values = self.model_dump()
        return {
            name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in values.items()
        }

    def source_dsn(self) -> str:
        """Connection string of the source database, as its owner."""
        return _dsn(self.source_host, self.source_port, self.source_database, self.source_user, self.source_password)

    def target_dsn(self) -> str:
        """Connection string of the target database, as its owner."""
        return _dsn(self.target_host, self.target_port, self.target_database, self.target_user, self.target_password)

    def reader_dsn(self) -> str:
        """Connection string of the target database, as the role that only reads."""
        return _dsn(self.target_host, self.target_port, self.target_database, self.reader_user, self.reader_password)

    def monitoring_dsn(self) -> str:
        """Connection string of the monitoring database, as its owner."""
        return self._monitoring_dsn(self.monitoring_user, self.monitoring_password)

    def monitoring_reader_dsn(self) -> str:
        """Connection string of the monitoring database, as the role that only reads."""
        return self._monitoring_dsn(self.reader_user, self.reader_password)

    def _monitoring_dsn(self, user: str, password: SecretStr) -> str:
        return _dsn(self.monitoring_host, self.monitoring_port, self.monitoring_database, user, password)


def write_environment(settings: Settings, folder: Path) -> Path:
    """Write the settings as lines for a shell to the state folder, and return the file; only its owner may read it."""
    environment = folder / "env"
    environment.touch(mode=0o600)
    environment.write_text(environment_lines(settings, folder))
    return environment


def environment_lines(settings: Settings, folder: Path) -> str:
    """Return the settings as lines for a shell; whatever a value holds, the shell takes it as it is.

    Last comes what the state folder holds: the file of the key that signs tokens.
    """
    values = {**settings.environment(), key.VARIABLE: str(key.signing_key(folder))}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _moved_url(url: str, offset: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.hostname}:{(parts.port or 80) + offset}").geturl()


def _dsn(host: str, port: int, database: str, user: str, password: SecretStr) -> str:
    return make_conninfo(host=host, port=port, dbname=database, user=user, password=password.get_secret_value())


def state_root() -> Path:
    """The folder of all state: `.stack` in the clone, or STACK_STATE.

    As root it must be one that Postgres' unprivileged user may enter; a clone in a closed home gets a folder of its own
    in the system's lasting temporary directory instead.
    """
    if named := os.environ.get("STACK_STATE"):
        return Path(named).resolve()
    folder = ROOT / ".stack"
    if os.geteuid() == 0 and not open_to_others(ROOT):
        clone = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
        lasting = Path("/var/tmp")  # noqa: S108 (the folder made in it is root's own)
        return (lasting if lasting.is_dir() else Path(tempfile.gettempdir())) / f"stream-serving-{clone}"
    return folder


def open_to_others(folder: Path) -> bool:
    """Whether any user may enter `folder` and every folder above it (those that do not exist yet can be made so)."""
    return all(p.stat().st_mode & 0o001 for p in (folder, *folder.parents) if p.exists())


def cache_folder() -> Path:
    """Where downloads are kept, for every clone of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "stream-serving"
