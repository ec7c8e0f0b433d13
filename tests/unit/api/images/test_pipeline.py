"""The shipped pipeline asks the model for what it has."""

import pytest

from api.images.by_key import DIGIT_IMAGES, OBJECT_KEY
from api.training import digits
from stack.settings import ROOT
from subscriber.pipeline_file import load_pipeline


def test_the_pipeline_file_names_what_the_model_takes_and_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "http://model:8000")

    described = load_pipeline(ROOT / "subscriber" / "pipelines" / "images.toml")

    assert [(f.input_name, f.datatype) for f in described.features] == [(OBJECT_KEY.name, OBJECT_KEY.datatype)]
    assert set(described.target.outputs) == {output.name for output in digits.OUTPUTS}
    assert described.model.url == f"http://model:8000/v2/models/{DIGIT_IMAGES}"
    assert described.topic == "postgres-source-image_event"
