"""The files of examples/diabetes say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.model import artifact
from api.model.model import Model
from api.protocol.metadata import describe
from examples.diabetes.data import FEATURES, TARGET, patients
from examples.diabetes.train import train
from stack.settings import ROOT
from subscriber.pipeline_file import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EXAMPLE = ROOT / "examples" / "diabetes"


def test_the_data_set_is_what_the_table_says() -> None:
    features, progression = patients()

    assert features.shape == (442, len(FEATURES))
    table = (EXAMPLE / "table.sql").read_text()
    assert all(f"\n  {name} " in table for name in (*FEATURES, "progression"))
    assert progression.min() > 0


def test_the_pipeline_file_names_what_the_model_takes_and_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "http://model:8000")

    described = load_pipeline(EXAMPLE / "diabetes.toml")

    description, _ = train()
    assert [feature.input_name for feature in described.features] == [f.name for f in description.features]
    assert described.target.outputs == {TARGET: TARGET}
    assert described.model.url == f"http://model:8000/v2/models/{description.name}"


def test_the_model_is_stored_and_loaded_and_tells_its_scores(tmp_path: Path) -> None:
    description, fitted = train()
    assert artifact.save(tmp_path, description, fitted)
    model = artifact.load(tmp_path, description.name, description.version)

    features, truth = patients()
    predicted = Model(model.description, fitted).predict(dict(zip(FEATURES, features.T, strict=True)))[TARGET]

    assert abs(predicted - truth).mean() < abs(truth - truth.mean()).mean() * 0.75
    told = describe(model.description, [description.version]).parameters
    assert 0.4 < float(told["score.r2"]) < 0.5
    assert "accuracy" not in told
