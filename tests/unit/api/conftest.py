from pathlib import Path

import pytest
from sklearn.pipeline import Pipeline

from api.model import artifact
from api.model.description import Description
from api.model.model import Model
from api.training import iris


@pytest.fixture(scope="session")
def trained() -> tuple[Description, Pipeline]:
    return iris.train()


@pytest.fixture(scope="session")
def models_dir(trained: tuple[Description, Pipeline], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the trained iris model, to be read only."""
    folder = tmp_path_factory.mktemp("models")
    description, pipeline = trained
    artifact.save(folder, description, pipeline)
    artifact.serve_version(folder, description.name, description.version)
    return folder


@pytest.fixture(scope="session")
def model(models_dir: Path, trained: tuple[Description, Pipeline]) -> Model:
    return artifact.load(models_dir, "iris", trained[0].version)


@pytest.fixture
def own_models_dir(trained: tuple[Description, Pipeline], tmp_path: Path) -> Path:
    """Give a folder with the trained iris model that a test may spoil."""
    artifact.save(tmp_path, *trained)
    artifact.serve_version(tmp_path, "iris", trained[0].version)
    return tmp_path
