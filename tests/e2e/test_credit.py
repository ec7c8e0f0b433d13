"""Applications for a credit, from the generator's table to their scores, on the real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests

from stack.settings import ROOT
from tests.stream import SubscriberProcess, wait_until

if TYPE_CHECKING:
    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers

PIPELINE = ROOT / "subscriber" / "pipelines" / "credit.toml"
COLUMNS = (
    "installment_rate_in_percentage_of_disposable_income",
    "age_in_years",
    "foreign_worker",
    "present_employment_since",
    "personal_status_and_sex",
)
ROWS = 400
ODD = {
    "an unknown category": (2, 40, "yes", "unemployed", "widow"),
    "no age": (2, None, "yes", "unemployed", "female : single"),
}


def _generate(services: Services, *options: str) -> None:
    services.run("applications", "data_generator", "--table", "credit_applications", "--rate", "0", *options)


def test_each_application_gets_one_score(
    api: str, services: Services, settings: Settings, stack: Servers, target: psycopg.Connection
) -> None:
    # given applications that are older than the stream, and the table added to it
    services.first_row()
    services.register()
    _generate(services, "--rows", "150")
    services.run("add", "connectors", "add", "--table", "public.credit_applications")
    subscriber = SubscriberProcess(PIPELINE, services.environment, stack.folder, 0)
    try:
        # when more come, some of a kind that training never saw, and two that cannot be scored
        _generate(services, "--rows", str(ROWS - 150), "--batch", "50", "--drift", "5000")
        with psycopg.connect(settings.source_dsn(), autocommit=True) as source:
            insert = f"insert into credit_applications ({', '.join(COLUMNS)}) values (%s, %s, %s, %s, %s) returning id"
            odd = [source.execute(insert, row).fetchone() for row in ODD.values()]
            rows = source.execute(
                f"select id, applied_at, {', '.join(COLUMNS)} from credit_applications order by id"
            ).fetchall()

        # then each has one score
        def scored() -> list[tuple[Any, ...]]:
            query = (
                "select application_id, applied_at, probability, decision, risk_category, model_version"
                " from credit_score order by application_id, id"
            )
            try:
                return target.execute(query).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

        def dead() -> list[str]:
            query = "select detail from dead_letter where pipeline = 'credit' order by detail"
            return [detail for (detail,) in target.execute(query)]

        wait_until("a score for each application", lambda: len(scored()) >= ROWS, 60)
        wait_until("a dead letter for each of the others", lambda: len(dead()) >= len(ODD))
        without = {row[0] for row in odd if row is not None}
        sound = [row for row in rows if row[0] not in without]
        assert [score[:2] for score in scored()] == [row[:2] for row in sound]
        assert any("female : single" in row for row in sound)

        # which is what the endpoints answer
        for row, score in list(zip(sound, scored(), strict=True))[:: ROWS // 20]:
            application = dict(zip(COLUMNS, row[2:], strict=True))
            answers: dict[str, Any] = {}
            for endpoint in ("probabilities", "decisions", "risk_categories"):
                answer = requests.post(f"{api}/{endpoint}", json=application, timeout=10)
                assert answer.status_code == 200, answer.text
                answers |= answer.json()
            assert answers["probability"] == pytest.approx(score[2], abs=1e-12)
            assert (answers["decision"], answers["risk_category"]) == score[3:5]
        version = requests.get(f"{api}/v2/models/credit", timeout=10).json()["versions"]
        assert {score[5] for score in scored()} <= set(version)

        # and the others a dead letter that says why
        missing, unknown = dead() if "widow" in dead()[1] else dead()[::-1]
        assert "age_in_years" in missing
        assert "'personal_status_and_sex'" in unknown
        assert "is 'widow', it must be one of" in unknown
        assert subscriber.stop() == 0
    finally:
        subscriber.end()
