from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from typer.testing import CliRunner

from api import train
from api.model import artifact, history
from api.model.description import Description
from api.model.fingerprint import fingerprint
from api.model.model import Model
from api.training import iris
from api.training.reference import distribution


def test_training_again_gives_the_same_version(trained: tuple[Description, Pipeline]) -> None:
    # Given a trained model, when it is trained again
    again, _ = iris.train()

    # Then the version is the same
    assert again.version == trained[0].version


def test_the_description_tells_features_classes_and_measured_quality(trained: tuple[Description, Pipeline]) -> None:
    description, _ = trained
    assert [feature.name for feature in description.features] == list(iris.FEATURES)
    assert {c.value: c.name for c in description.outputs[0].classes} == {0: "setosa", 1: "versicolor", 2: "virginica"}
    assert description.metrics.training_rows + description.metrics.held_out_rows == 150
    assert description.metrics.accuracy is not None
    assert description.metrics.accuracy > 0.9
    assert sum(m.rows for m in description.metrics.by_class.values()) == description.metrics.held_out_rows
    assert sum(description.reference.class_counts.values()) == description.metrics.training_rows


def test_the_stored_model_predicts_the_species(model: Model) -> None:
    # Given every iris row
    data = load_iris()

    # When the stored model predicts them
    predicted = model.predict({name: data.data[:, i] for i, name in enumerate(iris.FEATURES)})["iris_class"]

    # Then nearly all are right
    assert (predicted == data.target).mean() > 0.95


def test_the_fingerprint_follows_what_was_learnt() -> None:
    data = load_iris()
    first = SVC(C=1.0).fit(data.data, data.target)
    same = SVC(C=1.0).fit(data.data, data.target)
    other_setting = SVC(C=2.0).fit(data.data, data.target)
    other_rows = SVC(C=1.0).fit(data.data[:120], data.target[:120])
    assert fingerprint(first) == fingerprint(same)
    assert len({fingerprint(first), fingerprint(other_setting), fingerprint(other_rows)}) == 3


def test_what_has_no_content_has_no_fingerprint() -> None:
    with pytest.raises(TypeError, match="function"):
        fingerprint(SVC(kernel=lambda a, b: a @ b.T))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200))
def test_every_training_value_falls_in_one_bin(values: list[float]) -> None:
    # Given any values, when they are binned
    column = np.array(values)
    reference = distribution(column)

    # Then the edges ascend, the counts are of those bins, and none is lost
    assert list(reference.edges) == sorted(set(reference.edges))
    assert len(reference.counts) == len(reference.edges) + 1
    bounds = [-np.inf, *reference.edges, np.inf]
    expected = [int(((low <= column) & (column < high)).sum()) for low, high in pairwise(bounds)]
    assert list(reference.counts) == expected
    assert sum(reference.counts) == len(values)
    assert (reference.minimum, reference.maximum) == (min(values), max(values))


def test_the_program_stores_and_serves_the_model_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    # Given an empty folder, when the program runs twice
    runner = CliRunner()
    app = train.app()
    first = runner.invoke(app, ["--models-dir", str(tmp_path)])
    stored = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    second = runner.invoke(app, ["--models-dir", str(tmp_path)])

    # Then the first stores a version and reports it, and the second changes nothing and says so
    assert first.exit_code == second.exit_code == 0
    version = artifact.current_version(tmp_path, "iris")
    assert version is not None
    assert f"iris {version}" in first.stdout
    assert "held-out accuracy" in first.stdout
    assert "served from now on" in first.stdout
    assert "nothing to do" in second.stdout
    assert stored == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert [event.reason for event in history.events(tmp_path, "iris")] == ["trained"]


def test_the_program_puts_back_the_pointer(own_models_dir: Path) -> None:
    # Given a stored version that is not the one served
    version = artifact.current_version(own_models_dir, "iris")
    artifact.serve_version(own_models_dir, "iris", "another")

    # When the program runs
    result = CliRunner().invoke(train.app(), ["--models-dir", str(own_models_dir)])

    # Then it serves the version again
    assert "is served from now on" in result.stdout
    assert artifact.current_version(own_models_dir, "iris") == version


def test_the_program_keeps_what_was_chosen_if_it_is_told_so(own_models_dir: Path) -> None:
    # Given a version that somebody chose
    with history.serving(own_models_dir, "iris"):
        history.serve(own_models_dir, "iris", "retrained", "retrained", chosen=True)

    # When the program runs, told to keep it and not
    kept = CliRunner().invoke(train.app(), ["--keep", "--models-dir", str(own_models_dir)])
    served = artifact.current_version(own_models_dir, "iris")
    CliRunner().invoke(train.app(), ["--models-dir", str(own_models_dir)])

    # Then it is served on, and not
    assert "what was chosen there is served on" in kept.stdout
    assert served == "retrained"
    assert artifact.current_version(own_models_dir, "iris") != "retrained"


def test_the_program_trains_the_model_of_any_module(tmp_path: Path) -> None:
    # Given a module beside the program, when it is named
    result = CliRunner().invoke(train.app(), ["examples.diabetes.train", "--models-dir", str(tmp_path)])

    # Then its model is stored and served, and reported with its own scores
    assert result.exit_code == 0, result.output
    assert artifact.names(tmp_path) == ["diabetes"]
    assert "held-out r2 0.4" in result.output
    assert "accuracy" not in result.output


@pytest.mark.parametrize(
    ("module", "said"),
    [("no_such.module", "there is no module no_such"), ("api.settings", "api.settings has no function train()")],
)
def test_a_module_that_trains_nothing_is_told(module: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match=said.replace("(", r"\(").replace(")", r"\)")):
        train.trained(module)


def test_a_module_whose_own_import_is_missing_is_not_taken_for_a_missing_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needy_model.py").write_text("import nothing_that_is_installed\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ModuleNotFoundError, match="nothing_that_is_installed"):
        train.trained("needy_model")
