"""Applications of the generator at a running model API: answered, cached, kept, and seen to drift."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from stack.servers import cache_account
from tests.caches import client
from tests.commands import finished
from tests.faults import status
from tests.stream import wait_until
from tests.unit.grafana.macros import Range, expand
from tests.unit.grafana.provisioned import sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.services import Services
    from stack.settings import Settings
    from tests.faults import FaultyApi
    from tests.integration.data_generator.conftest import Sending

SECONDS = 120.0
ENDPOINTS = ("decisions", "probabilities", "risk_categories")


@pytest.fixture
def empty_cache(settings: Settings) -> None:
    """No answer was given before."""
    with client(cache_account(settings)) as cache:
        cache.flushdb()


def kept(monitoring: psycopg.Connection, since: datetime, table: str = "answers") -> int:
    """Answers in the monitoring database since then; 0 before the tables are made."""
    try:
        found = monitoring.execute(f"select count(*) from {table} where received_at >= %s".encode(), [since])
    except psycopg.errors.UndefinedTable:
        return 0
    (count,) = found.fetchone() or (0,)
    return int(count)


def sent(services: Services, *options: str) -> str:
    """What a run of applications that ends by itself, and well, has said last."""
    done = finished("data_generator", "applications", *options, environment=services.environment, seconds=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def told(line: str) -> tuple[int, int]:
    """The answers, and the hits of the cache, of a last line without refusals."""
    found = re.search(r"; ([\d,]+) requests answered, ([\d,]+) from the cache \([\d.]+%\)$", line)
    assert found, line
    answered, hits = (int(number.replace(",", "")) for number in found.groups())
    return answered, hits


def test_each_goes_to_every_endpoint_and_is_kept(api: str, services: Services, monitoring: psycopg.Connection) -> None:
    began = datetime.now(UTC)

    answered, hits = told(sent(services, "--count", "40", "--rate", "0"))

    # then the database has them all, and as many hits as the last line tells of
    assert answered == 120
    wait_until("the answers are kept", lambda: kept(monitoring, began) == 120)
    assert [kept(monitoring, began, endpoint) for endpoint in ENDPOINTS] == [40, 40, 40]
    (found,) = monitoring.execute(
        "select count(*) from answers where received_at >= %s and cache_hit", [began]
    ).fetchone() or (None,)
    assert found == hits


def test_an_endpoint_may_be_chosen(api: str, services: Services, monitoring: psycopg.Connection) -> None:
    began = datetime.now(UTC)

    sent(services, "--count", "5", "--rate", "0", "--endpoint", "decisions", "--endpoint", "risk_categories")

    wait_until("the answers are kept", lambda: kept(monitoring, began) == 10)
    assert [kept(monitoring, began, endpoint) for endpoint in ENDPOINTS] == [5, 0, 5]


@pytest.mark.parametrize(("again", "least", "most"), [("0", 0.0, 0.3), ("0.8", 0.65, 0.95)])
@pytest.mark.usefixtures("empty_cache")
def test_who_comes_again_is_answered_from_the_cache(
    api: str, services: Services, again: str, least: float, most: float
) -> None:
    answered, hits = told(sent(services, "--count", "100", "--rate", "0", "--again", again, "--seed", "4"))

    assert least <= hits / answered <= most


def test_drift_moves_what_the_dashboard_shows(api: str, services: Services, monitoring: psycopg.Connection) -> None:
    (query,) = (found.text for found in sql() if found.name == "credit: Largest drift")

    def shown(drift: str) -> float:
        began = datetime.now(UTC)
        sent(services, "--count", "300", "--rate", "0", "--again", "0", "--seed", "6", "--drift", drift)
        wait_until("the answers are kept", lambda: kept(monitoring, began) == 900)
        (largest,) = monitoring.execute(expand(query, Range(began, datetime.now(UTC))).encode()).fetchone() or (None,)
        assert largest is not None
        return float(largest)

    # stable without drift, and far beyond it with a standard deviation a second
    assert shown("0") < 0.1
    assert shown("60") > 0.5


def test_an_outage_of_the_api_is_waited_for(
    api: str, services: Services, monitoring: psycopg.Connection, send: Callable[..., Sending]
) -> None:
    began = datetime.now(UTC)
    sending = send("applications", "--count", "60", "--rate", "20")

    # when the API ends under it, and comes back
    wait_until("some are answered", lambda: kept(monitoring, began) > 15)
    services.api.stop()
    services.api.restart()

    # then every endpoint has answered all
    exit_status, said = sending.ended()
    assert exit_status == 0, said
    assert "the model API is away; trying again until it answers" in said
    assert "the model API is back; going on with the same application" in said
    assert told(said.strip().splitlines()[-1])[0] == 180


def test_ctrl_c_ends_it_with_its_last_line(
    api: str, monitoring: psycopg.Connection, send: Callable[..., Sending]
) -> None:
    began = datetime.now(UTC)
    sending = send("applications", "--rate", "20")
    wait_until("some are answered", lambda: kept(monitoring, began) > 15)

    sending.interrupt()

    exit_status, said = sending.ended()
    last = said.strip().splitlines()[-1]
    assert exit_status == 0, said
    found = re.search(r"sent (\d+) applications in [\d.]+ s, [\d.]+ applications/s; (\d+) requests answered", last)
    assert found, last
    # the application in hand went to every endpoint
    assert int(found[2]) == 3 * int(found[1])
    assert "Traceback" not in said


def test_ctrl_c_ends_the_wait_for_an_api_that_is_away(
    services: Services, send: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(services.environment, "API_URL", "http://127.0.0.1:1")
    sending = send("applications")
    sending.wait_said("the model API is away")

    sending.interrupt()

    exit_status, said = sending.ended()
    assert exit_status == 0, said
    assert "sent 0 applications in " in said.strip().splitlines()[-1]


def test_what_the_api_refuses_is_counted(faulty_api: FaultyApi, services: Services) -> None:
    faulty_api.fault = lambda _: status(422) if faulty_api.requests_seen % 3 == 0 else None

    done = finished(
        *("data_generator", "applications", "--count", "10", "--rate", "0"),
        environment={**services.environment, "API_URL": faulty_api.address},
        seconds=SECONDS,
    )

    assert done.returncode == 1
    assert re.search(r"; 20 requests answered, \d+ from the cache \([\d.]+%\); 10 refused$", done.stdout.strip())
    assert "an application was refused" in done.stdout


def test_an_address_without_the_endpoints_ends_it_with_one_line(services: Services, settings: Settings) -> None:
    done = finished(
        *("data_generator", "applications", "--count", "1"),
        environment={**services.environment, "API_URL": settings.connect_url},
        seconds=SECONDS,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("data_generator: API_URL: ")
    assert "has no POST /decisions" in done.stderr
