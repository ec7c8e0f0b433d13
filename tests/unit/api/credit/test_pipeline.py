"""The shipped pipeline asks the model for what it has."""

import pytest

from api.training import credit
from stack.settings import ROOT
from subscriber.pipeline_file import load_pipeline


def test_the_pipeline_file_names_what_the_model_takes_and_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "http://model:8000")

    described = load_pipeline(ROOT / "subscriber" / "pipelines" / "credit.toml")

    assert [(f.input_name, f.datatype) for f in described.features] == [(f.name, f.datatype) for f in credit.FEATURES]
    assert set(described.target.outputs) == {output.name for output in credit.OUTPUTS}
    assert described.model.url == f"http://model:8000/v2/models/{credit.NAME}"
    assert described.topic == "postgres-source-credit_applications"
