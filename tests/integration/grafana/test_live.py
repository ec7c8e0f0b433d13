"""Every query of the dashboards and alerts, run as Grafana runs it, while rows flow."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from psycopg.conninfo import make_conninfo

from stack.grafana import prometheus_server, scrape_config
from stack.settings import ROOT
from tests.integration.grafana.conftest import FLOW_SECONDS
from tests.stream import PipelineFile, SubscriberProcess, Topic, wait_until
from tests.unit.grafana.macros import Range, expand
from tests.unit.grafana.promql import metrics
from tests.unit.grafana.provisioned import promql, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers
    from tests.unit.grafana.provisioned import Query

LAST_MINUTES = timedelta(minutes=5)
# labels that Prometheus adds to what it scrapes
SCRAPED = {"job", "instance"}
NUMERIC = (int, float)
SCRAPE_SECONDS = 60.0


def dsn(settings: Settings, source: str) -> str:
    """The connection of a data source, with the role that Grafana signs in as."""
    if source == "target":
        return settings.reader_dsn()
    if source == "monitoring":
        return settings.monitoring_reader_dsn()
    password = settings.monitor_password.get_secret_value()
    return make_conninfo(settings.source_dsn(), user=settings.monitor_user, password=password)


@pytest.fixture(scope="module")
def letter(live: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A second pipeline, with a dead letter; its subscriber's address."""
    settings, name = live.settings, f"t{uuid.uuid4().hex[:12]}"
    topic = Topic(settings.kafka_bootstrap_servers, name)
    pipeline = PipelineFile(tmp_path_factory.mktemp(name), name, settings.api_url)
    subscriber = SubscriberProcess(pipeline.path, settings.environment(), live.folder, 0)
    try:
        topic.write_raw(b"not JSON")
        with psycopg.connect(settings.target_dsn(), autocommit=True) as target:
            wait_until("the dead letter", lambda: pipeline.dead(target), FLOW_SECONDS)
        wait_until("its count", lambda: subscriber.metric("subscriber_dead_letters_total") == 1)
        yield subscriber.address
    finally:
        subscriber.end()


@pytest.mark.parametrize("query", sql(), ids=lambda query: query.name)
def test_sql_answers_while_rows_flow(query: Query, live: Servers, letter: str) -> None:
    with psycopg.connect(dsn(live.settings, query.datasource)) as connection:
        cursor = connection.execute(expand(query.text, Range.last(LAST_MINUTES)).encode())
        rows = cursor.fetchall()

    names = [column.name for column in cursor.description or ()]
    assert rows, "nothing to show"
    assert any(value is not None for row in rows for value in row)
    assert len(set(names)) == len(names)
    if query.format == "time_series":
        assert_series(names, rows)
    elif query.name.startswith("alert"):
        # Grafana's expressions take a table for numbers if it has one line, one column of numbers and no time
        ((value,),) = rows
        assert isinstance(value, float)


def assert_series(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    """The columns are a time and numbers, or a time, a series' name and a number; the lines are in order of time."""
    assert names[0] == "time"
    # a text column of this name, and no other, names the series
    keys = 2 if names[1] == "metric" else 1
    assert keys == 1 or len(names) == keys + 1
    assert all(isinstance(row[0], datetime) and row[0].tzinfo for row in rows)
    found = [row[:keys] for row in rows]
    assert found == sorted(set(found))
    values = [value for row in rows for value in row[keys:] if value is not None]
    # numeric would reach Grafana as text in some releases
    assert values
    assert all(isinstance(value, NUMERIC) for value in values)


def test_a_right_model_shows_on_the_diagonal(live: Servers) -> None:
    (confusion,) = (query for query in sql() if query.name == "iris-stream: Confusion matrix")
    with psycopg.connect(live.settings.reader_dsn()) as target:
        rows = target.execute(expand(confusion.text, Range.last(LAST_MINUTES)).encode()).fetchall()

    assert [row[0] for row in rows] == ["setosa", "versicolor", "virginica"]
    for i, (_, *shares, count) in enumerate(rows):
        assert sum(shares) == pytest.approx(1)
        assert shares[i] == max(shares)
        assert count > 0


def test_the_monitor_sees_slots_and_reads_no_table(live: Servers) -> None:
    with psycopg.connect(dsn(live.settings, "source"), autocommit=True) as connection:
        slots = connection.execute("select slot_name, restart_lsn is not null from pg_replication_slots").fetchall()
        assert ("stream_serving", True) in slots
        for statement in ("select from iris_data", "create table mine (id int)", "create schema mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def alert_value(settings: Settings, title: str) -> float:
    """What an alert on the target database compares with its threshold."""
    (query,) = (query for query in sql() if query.name == f"alert: {title}")
    with psycopg.connect(settings.reader_dsn()) as target:
        (value,) = target.execute(query.text.encode()).fetchone() or (None,)
    assert isinstance(value, float)
    return value


def test_a_dead_letter_raises_its_alert(live: Servers, letter: str) -> None:
    assert alert_value(live.settings, "Dead letters") >= 1


def test_a_subscriber_that_is_gone_raises_the_alert_until_it_is_back(live: Servers, services: Services) -> None:
    def behind() -> float:
        return alert_value(live.settings, "No predictions while rows arrive")

    wait_until("predictions keep up", lambda: behind() < 1, FLOW_SECONDS)

    services.subscriber.stop()
    wait_until("predictions fall behind", lambda: behind() > 3)

    services.subscriber.restart()
    wait_until("predictions keep up again", lambda: behind() < 1, FLOW_SECONDS)


# ---- PromQL


def exported(*addresses: str) -> dict[str, set[str]]:
    """The labels of every sample's name at these addresses."""
    found: dict[str, set[str]] = {}
    for address in addresses:
        text = requests.get(f"{address}/metrics", timeout=5).text
        for family in text_string_to_metric_families(text):
            # a counter by labels has no sample before there is something to count
            if family.type == "counter":
                found.setdefault(f"{family.name}_total", set())
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_and_label_is_exported(live: Servers, letter: str, services: Services) -> None:
    known = exported(services.console, services.environment["API_URL"], letter)

    for query in promql():
        for name, labels in metrics(query.text).items():
            assert name in known, query.name
            assert labels - SCRAPED <= known[name], query.name


needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not on the PATH")


@pytest.fixture(scope="module")
def prometheus(live: Servers) -> Iterator[str]:
    """A running Prometheus that scrapes the stream; its address."""
    server = prometheus_server(live.settings, live.folder)
    assert server is not None
    server.restart()
    try:
        yield live.settings.prometheus_url
    finally:
        server.stop()


@needs_prometheus
@pytest.mark.parametrize("query", promql(), ids=lambda query: f"{query.name} {query.text[:40]}")
def test_promql_answers_while_rows_flow(query: Query, prometheus: str) -> None:
    text = query.text
    for name, value in (("$__rate_interval", "8s"), ("$__range", "5m"), ("$pipeline", "iris"), (" offset 5m", "")):
        text = text.replace(name, value)

    def shown() -> bool:
        answer = requests.get(f"{prometheus}/api/v1/query", {"query": text}, timeout=5).json()
        assert answer["status"] == "success", answer
        # no row of this pipeline became a dead letter
        return bool(answer["data"]["result"]) or "dead_letters" in text

    # a rate needs two scrapes of the same process within its window
    wait_until(f"something to show for {text}", shown, SCRAPE_SECONDS)


@needs_prometheus
def test_a_store_that_is_away_raises_its_alert_until_it_is_back(prometheus: str, live: Servers) -> None:
    (query,) = (query for query in promql() if query.name == "alert: Images wait for the archive")

    def waited() -> float:
        answer = requests.get(f"{prometheus}/api/v1/query", {"query": query.text}, timeout=5).json()
        return max((float(each["value"][1]) for each in answer["data"]["result"]), default=0.0)

    live.archive.kill()
    try:
        wait_until("images wait", lambda: waited() > 3, SCRAPE_SECONDS)
    finally:
        live.archive.restart()

    wait_until("none waits any more", lambda: waited() < 1, SCRAPE_SECONDS)


@needs_prometheus
def test_every_service_is_scraped(prometheus: str) -> None:
    def up() -> set[str]:
        targets = requests.get(f"{prometheus}/api/v1/targets", timeout=5).json()["data"]["activeTargets"]
        return {target["labels"]["job"] for target in targets if target["health"] == "up"}

    wait_until("all are up", lambda: up() == {"api", "subscriber", "prometheus"}, SCRAPE_SECONDS)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on the PATH")
@pytest.mark.parametrize("which", ["compose", "demo"])
def test_promtool_accepts_the_scrape_configuration(which: str, settings: Settings, tmp_path: Any) -> None:
    path = tmp_path / "prometheus.yml"
    shipped = (ROOT / "grafana" / "prometheus.yml").read_text()
    path.write_text(shipped if which == "compose" else scrape_config(settings))

    done = subprocess.run(["promtool", "check", "config", path], capture_output=True, text=True, check=False)  # noqa: S603, S607

    assert done.returncode == 0, done.stdout + done.stderr
