"""No password, key or token is in what our programs print or log, nor in the servers' logs, whatever goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_settings import BaseSettings

from api.archive.settings import ArchiveSettings
from api.cache.settings import CacheSettings
from api.client.settings import ClientSettings
from api.monitoring.settings import MonitoringSettings
from api.tasks.settings import TaskSettings
from connectors.settings import ConnectorsSettings
from data_generator.settings import SourceSettings
from stack.settings import ROOT, Settings
from subscriber.settings import Settings as SubscriberSettings
from tests.ports import free_port
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Servers

SECRETS = (
    *(
        "SOURCE_PASSWORD",
        "DEBEZIUM_PASSWORD",
        "TARGET_PASSWORD",
        "SUBSCRIBER_PASSWORD",
        "SINK_PASSWORD",
        "TASKS_PASSWORD",
    ),
    *("MONITORING_PASSWORD", "MONITOR_PASSWORD", "READER_PASSWORD", "POSTGRES_PASSWORD", "CACHE_PASSWORD"),
    *(
        "ARCHIVE_PASSWORD",
        "GRAFANA_PASSWORD",
        "KAFKA_PASSWORD",
        "TOKEN_SIGNING_KEY",
        "MODEL_TOKEN",
        "TASK_CLIENT_PASSWORD",
    ),
)
# as they could be told: as they are, in an address, in JSON
HIDDEN = {name: f"hidden-{name.lower().replace('_', '-')}-of-more-than-32-letters" for name in SECRETS}
PIPELINE = """
name = "secrets"
topic = "postgres-source-iris_data"
group = "secrets"

[model]
url = "http://127.0.0.1:{port}/v2/models/iris"
bearer_token = "${{MODEL_TOKEN}}"
headers = {{ X-Api-Key = "${{MODEL_TOKEN}}" }}

[source]
key = "id"

[[features]]
column = "sepal_length"
datatype = "FP64"

[target]
table = "secrets"
outputs = {{ iris_class = "iris_class" }}
"""
PROGRAMS = {
    "api": ("-m", "api"),
    "api.users": ("-m", "api.users", "list"),
    "api.tasks.migrate": ("-m", "api.tasks.migrate"),
    "api.archive.create": ("-m", "api.archive.create"),
    "api.client": ("-m", "api.client", "list"),
    "connectors": ("-m", "connectors", "register", "--tasks", "--timeout", "3"),
    "connectors status": ("-m", "connectors", "status", "--timeout", "3"),
    "data_generator": ("-m", "data_generator", "--rows", "1"),
    "subscriber": ("-m", "subscriber", "run", "{pipeline}"),
    "subscriber check": ("-m", "subscriber", "check", "{pipeline}"),
    "subscriber status": ("-m", "subscriber", "status", "{pipeline}"),
}
SETTINGS: tuple[type[BaseSettings], ...] = (
    *(ArchiveSettings, CacheSettings, ClientSettings, ConnectorsSettings, MonitoringSettings, Settings),
    *(SourceSettings, SubscriberSettings, TaskSettings),
)
SECONDS = 15.0


@pytest.fixture(params=["wrong passwords", "no servers", "wrong settings"])
def environment(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Give what the programs are started with: nothing but secrets that nobody knows."""
    kafka = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_USERNAME": "reader"}
    own = {
        "API_PORT": str(free_port()),
        "SUBSCRIBER_PORT": str(free_port()),
        "MODELS_DIR": str(tmp_path / "models"),
        "MONITORING_SPILL_DIR": str(tmp_path / "spill"),
        "ARCHIVE_SPOOL_DIR": str(tmp_path / "spool"),
        "TASK_CLIENT_USER": "demo",
        "LOG_LEVEL": "debug",
    }
    values = {**os.environ, **settings.environment(), **kafka, **own, **HIDDEN}
    if request.param == "no servers":
        port = str(free_port())
        values |= {"SOURCE_PORT": port, "TARGET_PORT": port, "MONITORING_PORT": port}
        values |= {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}", "CONNECT_URL": f"http://127.0.0.1:{port}"}
        values |= {"CACHE_URL": f"redis://127.0.0.1:{port}", "ARCHIVE_ENDPOINT": f"http://127.0.0.1:{port}"}
    if request.param == "wrong settings":
        values |= dict.fromkeys(("SOURCE_PORT", "TARGET_PORT", "MONITORING_PORT", "KAFKA_USERNAME"), "nonsense")
        values |= {"SOURCE_SSLMODE": "much", "TARGET_SSLMODE": "much", "KAFKA_SASL_MECHANISM": "NONE"}
        values |= {"CACHE_TIMEOUT_MS": "soon", "CONNECT_URL": "nonsense", "ARCHIVE_ENDPOINT": "nonsense"}
    return values


def has_said(process: subprocess.Popen[bytes], log: Path, ends: float) -> bool:
    """Whether a program has ended, or has said something and had its time: those that wait for a server go on."""
    return process.poll() is not None or (log.stat().st_size > 0 and time.monotonic() > ends)


def outputs(environment: dict[str, str], folder: Path) -> Iterator[tuple[str, str]]:
    """Run all programs side by side, at most for so long; give the name and all output of each."""
    pipeline = folder / "pipeline.toml"
    pipeline.write_text(PIPELINE.format(port=environment["API_PORT"]))
    running = {}
    for name, arguments in PROGRAMS.items():
        log = folder / f"{name}.log"
        with log.open("wb") as file:
            running[name, log] = subprocess.Popen(  # noqa: S603 (our own programs)
                [sys.executable, *(a.format(pipeline=pipeline) for a in arguments)],
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
    ends = time.monotonic() + SECONDS
    for (name, log), process in running.items():
        wait_until(f"an end of {name}", partial(has_said, process, log, ends), 10 * SECONDS)
        process.kill()
        process.wait()
        yield name, log.read_text(errors="replace")


def test_no_program_tells_a_secret_whatever_goes_wrong(environment: dict[str, str], tmp_path: Path) -> None:
    said = dict(outputs(environment, tmp_path))

    told = {(name, secret) for name, text in said.items() for secret, value in HIDDEN.items() if value in text}
    assert told == set()
    # what says nothing shows nothing
    assert [name for name, text in said.items() if not text.strip()] == []


@pytest.mark.parametrize("class_", SETTINGS, ids=lambda class_: f"{class_.__module__}.{class_.__name__}")
def test_settings_do_not_show_their_secrets(
    class_: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = settings.environment() | HIDDEN
    environment |= {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_USERNAME": "reader"}
    environment |= {"TASK_CLIENT_USER": "demo"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    found = class_()

    shown = f"{found!r} {found} {found.model_dump()} {found.model_dump_json()} {vars(found)}"
    assert [name for name, value in HIDDEN.items() if value in shown] == []


def test_the_logs_of_the_servers_hold_no_password_of_ours(stack: Servers, settings: Settings) -> None:
    passwords = {v for name, v in settings.environment().items() if name.endswith("_PASSWORD")}
    logs = list((stack.folder / "log").glob("*.log"))

    assert logs
    told = {(log.name, word) for log in logs for word in passwords if word in log.read_text(errors="replace")}
    assert told == set()
