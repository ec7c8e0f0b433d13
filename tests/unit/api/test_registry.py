from pathlib import Path

import msgspec
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from api.errors import BrokenModelError, ModelMissingError, UnknownModelError
from api.model import artifact
from api.model.description import Description
from api.model.registry import Registry


def _store_other(models_dir: Path, description: Description, name: str = "iris", version: str = "other") -> None:
    other = DummyClassifier(strategy="constant", constant=2).fit([[0.0] * 4] * 3, [0, 1, 2])
    artifact.save(models_dir, msgspec.structs.replace(description, name=name, version=version), other)


def test_nothing_is_served_before_a_refresh_and_the_current_version_after(
    own_models_dir: Path, trained: tuple[Description, Pipeline]
) -> None:
    registry = Registry(own_models_dir)
    assert registry.served("iris") is None
    model = registry.refresh("iris")
    assert model is not None
    assert registry.served("iris") is model
    assert registry.served("iris", trained[0].version) is model
    assert registry.refresh("iris") is None


def test_a_refresh_follows_the_pointer(own_models_dir: Path, trained: tuple[Description, Pipeline]) -> None:
    # Given a served version and a newer one
    registry = Registry(own_models_dir)
    first = registry.refresh("iris")
    _store_other(own_models_dir, trained[0])

    # When the pointer moves to it
    artifact.serve_version(own_models_dir, "iris", "other")
    second = registry.refresh("iris")

    # Then it is served, and the one before can still be asked for
    assert second is not None
    assert registry.served("iris") is second
    assert registry.served("iris", trained[0].version) is first
    assert registry.versions("iris") == sorted([trained[0].version, "other"])


@pytest.mark.parametrize(("pointer", "error"), [("absent", ModelMissingError), ("../..", BrokenModelError)])
def test_a_pointer_that_leads_nowhere_leaves_the_model_served(
    own_models_dir: Path, pointer: str, error: type[Exception]
) -> None:
    registry = Registry(own_models_dir)
    served = registry.refresh("iris")
    (own_models_dir / "iris" / artifact.POINTER).write_text(pointer)
    with pytest.raises(error):
        registry.refresh("iris")
    assert registry.served("iris") is served


def test_several_models_are_served_side_by_side(own_models_dir: Path, trained: tuple[Description, Pipeline]) -> None:
    _store_other(own_models_dir, trained[0], "credit", "v1")
    artifact.serve_version(own_models_dir, "credit", "v1")
    registry = Registry(own_models_dir)
    for name in registry.names():
        registry.refresh(name)
    assert [model.description.name for model in registry.current_models()] == ["credit", "iris"]


def test_a_version_is_loaded_once(own_models_dir: Path, trained: tuple[Description, Pipeline]) -> None:
    registry = Registry(own_models_dir)
    assert registry.load("iris", trained[0].version) is registry.load("iris", trained[0].version)


@pytest.mark.parametrize(
    ("name", "version"),
    [("iris", "absent"), ("absent", "v1"), ("..", "iris"), ("iris", ".."), ("iris", ""), ("", ""), ("iris", "a/b")],
)
def test_what_is_not_there_is_unknown(own_models_dir: Path, name: str, version: str) -> None:
    with pytest.raises(UnknownModelError):
        Registry(own_models_dir).load(name, version)
