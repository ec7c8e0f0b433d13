"""The API with its monitoring database: as many rows as answers, whatever happens to either."""

from __future__ import annotations

import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.cache.encoding import encode
from api.cache.keys import answer_key
from api.credit.features import CATEGORIES
from api.monitoring.answers import TABLES
from tests.caches import client as cache_client
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stack.valkey import Valkey
    from tests.integration.api.conftest import Api
    from tests.recording import MonitoringDatabase
    from tests.servers import Servers


def application(chance: random.Random) -> dict[str, Any]:
    return {
        "installment_rate_in_percentage_of_disposable_income": chance.randint(1, 4),
        "age_in_years": chance.randint(20, 70),
        **{name: chance.choice(categories) for name, categories in CATEGORIES.items()},
    }


class Clients:
    """Clients that ask all three endpoints until they are stopped; `answered` are the ids of the answers they got."""

    def __init__(self, url: str, count: int) -> None:
        self.answered: dict[str, str] = {}
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(count)
        self._running = [self._pool.submit(self._ask, url, number) for number in range(count)]

    def stop(self) -> dict[str, str]:
        self._stop.set()
        for running in self._running:
            running.result()
        self._pool.shutdown()
        return self.answered

    def _ask(self, url: str, number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        with httpx.Client(base_url=url, timeout=30) as client:
            while not self._stop.is_set():
                endpoint = chance.choice(TABLES)
                try:
                    response = client.post(f"/{endpoint}", json=application(chance))
                except httpx.TransportError:
                    # the API has gone
                    return
                if response.status_code == 200:
                    self.answered[response.headers["X-Request-ID"]] = endpoint


def metric(url: str, name: str, **labels: str) -> float:
    text = httpx.get(f"{url}/metrics", timeout=10).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@pytest.fixture
def own_cache(start_valkey: Callable[..., Valkey]) -> Valkey:
    """A cache server of the test's own."""
    return start_valkey()


@pytest.fixture
def kept_api(monitoring: MonitoringDatabase, start_api: Callable[..., Api], credit_dir: Path, own_cache: Valkey) -> Api:
    """An API with the credit model, a cache and the test's own monitoring database."""
    cache = own_cache
    environment = {name: value for name, value in monitoring.environment().items() if name.startswith("MONITORING_")}
    environment |= {"CACHE_URL": f"redis://127.0.0.1:{cache.account.port}"}
    environment |= {"CACHE_USER": cache.account.user, "CACHE_PASSWORD": cache.account.password}
    api = start_api(credit_dir, **environment)
    wait_until("the API", api.ready)
    return api


def test_every_answer_is_kept_cached_or_not(monitoring: MonitoringDatabase, kept_api: Api) -> None:
    # given an application that is sent three times to each endpoint, one at a time
    sent = application(random.Random(1))  # noqa: S311
    hits: dict[str, bool] = {}
    answers: dict[str, Any] = {}
    with httpx.Client(base_url=kept_api.url, timeout=30) as client:
        for endpoint in TABLES:
            for attempt in range(3):
                response = client.post(f"/{endpoint}", json=sent)
                hits[response.headers["X-Request-ID"]] = response.headers["X-Cache"] == "hit"
                (answers[response.headers["X-Request-ID"]],) = response.json().values()
                if attempt == 0:
                    wait_until(
                        "the cache has it", lambda: metric(kept_api.url, "api_cache_writes_total", result="stored") > 0
                    )

    # then each has a row, which tells what was answered and whence
    wait_until("the rows", lambda: monitoring.holds(hits))
    with psycopg.connect(monitoring.dsn) as connection:
        rows = connection.execute("select request_id::text, cache_hit, response, endpoint from answers").fetchall()
        version = connection.execute("select distinct model_version from answers").fetchall()
    assert {row[0]: row[1] for row in rows} == hits
    assert any(hits.values())
    for request_id, _, response, endpoint in rows:
        assert response == str(answers[request_id]) or endpoint == "probabilities"
    assert len(version) == 1


def test_the_served_version_tells_what_it_was_trained_on(monitoring: MonitoringDatabase, kept_api: Api) -> None:
    def registered() -> list[tuple[Any, ...]]:
        with psycopg.connect(monitoring.dsn) as connection:
            try:
                return connection.execute(
                    "select kind, name, (select sum(c) from unnest(counts) as c)::int from reference_distribution"
                    " order by kind, name"
                ).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

    wait_until("the reference", registered)

    assert registered() == [
        *(("answer", endpoint, 750) for endpoint in TABLES),
        ("feature", "age_in_years", 750),
        ("feature", "foreign_worker", 750),
        ("feature", "installment_rate_in_percentage_of_disposable_income", 750),
        ("feature", "personal_status_and_sex", 750),
        ("feature", "present_employment_since", 750),
    ]


@pytest.mark.parametrize("body", [b"ACCEPT", b'{"reason":"none"}', b'{"decision":5}', b""])
def test_what_the_cache_holds_of_another_shape_is_computed_anew(
    body: bytes, monitoring: MonitoringDatabase, kept_api: Api, own_cache: Valkey
) -> None:
    # given something whole under the key of an answer, which is none
    sent = application(random.Random(1))  # noqa: S311
    version = httpx.get(f"{kept_api.url}/v2/models/credit", timeout=10).json()["versions"][0]
    with cache_client(own_cache.account) as cache:
        cache.hset(answer_key("credit", version, sent), "decisions", encode(body))

    response = httpx.post(f"{kept_api.url}/decisions", json=sent, timeout=10)

    assert (response.status_code, response.headers["X-Cache"]) == (200, "miss")
    assert response.json()["decision"] in {"ACCEPT", "DECLINE"}
    assert metric(kept_api.url, "api_cache_errors_total", operation="read", kind="garbage") == 1
    wait_until("the row", lambda: monitoring.holds([response.headers["X-Request-ID"]]))


def test_a_second_ctrl_c_keeps_what_waits(
    monitoring: MonitoringDatabase, start_api: Callable[..., Api], credit_dir: Path
) -> None:
    # given answers in memory, as the database is away, and a request that never ends
    away = {"MONITORING_HOST": "127.0.0.1", "MONITORING_PORT": "1", "MONITORING_SPILL_AFTER_SECONDS": "600"}
    api = start_api(credit_dir, **away, MONITORING_SPILL_DIR=str(monitoring.folder))
    wait_until("the API", api.ready)
    sent = application(random.Random(1))  # noqa: S311
    ids = [httpx.post(f"{api.url}/decisions", json=sent, timeout=10).headers["X-Request-ID"] for _ in range(5)]
    with socket.create_connection(("127.0.0.1", api.port)) as unfinished:
        unfinished.sendall(b"POST /decisions HTTP/1.1\r\nHost: api\r\nContent-Length: 9\r\n\r\n")
        wait_until("it is in hand", lambda: httpx.get(f"{api.url}/v2/health/ready", timeout=10).is_success)

        # when it is told to end twice
        api.process.send_signal(signal.SIGINT)
        wait_until("it listens no more", lambda: not listens(api.port))
        api.process.send_signal(signal.SIGINT)
        assert api.process.wait(20) == 0, api.log()

    # then they are in the file
    (file,) = monitoring.files()
    assert all(request_id in file.read_text() for request_id in ids)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.timeout(300)
def test_fifty_clients_a_killed_database_and_a_graceful_end(
    monitoring: MonitoringDatabase, kept_api: Api, stack: Servers
) -> None:
    clients = Clients(kept_api.url, 50)
    try:
        wait_until("answers", lambda: metric(kept_api.url, "api_monitoring_written_total") > 500)

        # when the database is killed, and comes back, under load
        stack.target.kill()
        wait_until("answers in the file", lambda: metric(kept_api.url, "api_monitoring_spilled_total") > 500)
        stack.target.restart()
        wait_until("the file is read", lambda: metric(kept_api.url, "api_monitoring_replayed_total") > 500)

        # and the API is told to stop, under load
        began = time.monotonic()
        assert kept_api.stop() == 0, kept_api.log()
        took = time.monotonic() - began
    finally:
        answered = clients.stop()

    # then every answer has its row, once; one that the end cut off on its way to the client may have one, too
    found = monitoring.ids()
    print(f"{len(answered)} answers, {len(found)} rows; stopped within {took:.1f} s")
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)
    assert len(found) - len(answered) <= 50
    assert monitoring.files() == []
    assert "Traceback" not in kept_api.log()


def test_without_a_database_answers_are_given_and_wait(
    monitoring: MonitoringDatabase, start_api: Callable[..., Api], credit_dir: Path
) -> None:
    environment = {"MONITORING_HOST": "127.0.0.1", "MONITORING_PORT": "1"}
    api = start_api(credit_dir, **environment, MONITORING_SPILL_DIR=str(monitoring.folder))
    wait_until("the API", api.ready)

    response = httpx.post(f"{api.url}/decisions", json=application(random.Random(1)), timeout=30)  # noqa: S311

    assert response.status_code == 200
    wait_until("the file", monitoring.files)
    assert api.stop() == 0, api.log()
    assert response.headers["X-Request-ID"] in monitoring.files()[0].read_text()


def test_a_wrong_setting_is_named(start_api: Callable[..., Api], credit_dir: Path) -> None:
    api = start_api(credit_dir, MONITORING_PORT="none")

    assert api.process.wait(30) == 1
    assert "MONITORING_PORT" in api.log()
    assert "Traceback" not in api.log()
