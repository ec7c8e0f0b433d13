"""examples/diabetes as its README tells it: a table, a model and a pipeline file of one's own, on the real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from examples.diabetes.data import FEATURES
from examples.diabetes.train import train
from stack.settings import ROOT
from tests.examples import Example
from tests.ports import free_port
from tests.stream import SubscriberProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers

EXAMPLE = ROOT / "examples" / "diabetes"
ROWS = 500


@pytest.fixture
def example(services: Services, stack: Servers, tmp_path: Path) -> Iterator[Example]:
    """What `.stack/ports-0/env` holds, with an API and models of the test's own."""
    port = str(free_port())
    own = {"API_PORT": port, "API_URL": f"http://127.0.0.1:{port}", "MODELS_DIR": str(tmp_path / "models")}
    example = Example(
        *(services.environment | own, stack.folder, "api-diabetes"),
        model_server="api",
        ready_url=f"{own['API_URL']}/v2/health/ready",
    )
    yield example
    example.model_server.stop()


def test_each_patient_gets_one_prediction(
    example: Example,
    services: Services,
    settings: Settings,
    stack: Servers,
    target: psycopg.Connection,
) -> None:
    # given the model, the table, and rows written before and after the subscriber starts
    said = example.run("api.train", "examples.diabetes.train")
    assert "held-out r2 0.4" in said
    example.model_server.restart()
    services.first_row()
    services.register()
    example.run("examples.diabetes.generate", "--rows", "0")
    example.run("connectors", "add", "--table", "public.diabetes_patient")
    example.run("examples.diabetes.generate", "--rows", "100")

    # when the pipeline file is run
    subscriber = SubscriberProcess(EXAMPLE / "diabetes.toml", example.environment, stack.folder, 0)
    try:
        example.run("examples.diabetes.generate", "--rows", str(ROWS - 100), "--rate", "0")

        # then each has one prediction, which is the model's
        def predicted() -> list[tuple[int, float, str]]:
            query = "select patient_id, progression, model_version from diabetes_prediction order by patient_id, id"
            try:
                return target.execute(query).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

        wait_until("a prediction for each patient", lambda: len(predicted()) >= ROWS, 60)
        description, model = train()
        with psycopg.connect(settings.source_dsn(), autocommit=True) as source:
            query = f"select id, {', '.join(FEATURES)} from diabetes_patient order by id"
            rows = source.execute(query).fetchall()
            expected = model.predict([row[1:] for row in rows])
            assert [key for key, _, _ in predicted()] == [row[0] for row in rows]
            assert [value for _, value, _ in predicted()] == pytest.approx(expected)
            assert {version for _, _, version in predicted()} == {description.version}

            compared = example.run("examples.diabetes.compare")
            assert compared.startswith(f"patients={ROWS} predicted={ROWS} r2=0.4")

            # and one more when something about a patient changes
            source.execute("update diabetes_patient set bmi = bmi + 10 where id = %s", [rows[0][0]])
        newest = "select progression from diabetes_prediction_latest where patient_id = %s"
        wait_until(
            "a higher prediction",
            lambda: target.execute(newest, [rows[0][0]]).fetchall()[0][0] > expected[0] + 1,
        )
        assert subscriber.stop() == 0
    finally:
        subscriber.end()
    with psycopg.connect(settings.target_dsn()) as connection:
        dead = connection.execute("select count(*) from dead_letter where pipeline = 'diabetes'").fetchone()
    assert dead == (0,)
