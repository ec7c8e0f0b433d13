"""Models that come with the program: served until somebody chooses otherwise."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from api.model import artifact, history
from api.model.seed import seed
from api.training.versioned import versioned

if TYPE_CHECKING:
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from api.model.description import Description


def another(folder: Path, trained: tuple[Description, Pipeline], title: str) -> str:
    """Store and serve another version; return it."""
    described = versioned(msgspec.structs.replace(trained[0], version="", title=title), trained[1])
    artifact.save(folder, described, trained[1])
    artifact.serve_version(folder, "iris", described.version)
    return described.version


def test_an_empty_folder_is_filled_and_then_left_alone(models_dir: Path, tmp_path: Path) -> None:
    version = artifact.current_version(models_dir, "iris")
    assert version is not None

    assert seed(tmp_path / "models", models_dir) == ["iris"]
    assert seed(tmp_path / "models", models_dir) == []

    assert artifact.current_version(tmp_path / "models", "iris") == version
    assert artifact.load(tmp_path / "models", "iris", version).description.version == version
    assert len(history.events(tmp_path / "models", "iris")) == 1


def test_what_comes_with_a_new_program_takes_the_place_of_what_came_with_the_old_one(
    own_models_dir: Path, trained: tuple[Description, Pipeline], tmp_path: Path
) -> None:
    seed(tmp_path / "served", own_models_dir)
    version = another(own_models_dir, trained, "newer")

    assert seed(tmp_path / "served", own_models_dir) == ["iris"]

    assert artifact.current_version(tmp_path / "served", "iris") == version


def test_what_somebody_chose_is_served_on(
    own_models_dir: Path, trained: tuple[Description, Pipeline], tmp_path: Path
) -> None:
    # given a version that was retrained, and another that comes with a new program
    served = tmp_path / "served"
    seed(served, own_models_dir)
    shutil.copytree(own_models_dir, tmp_path / "copy")
    chosen = another(tmp_path / "copy", trained, "retrained")
    shutil.copytree(tmp_path / "copy" / "iris" / chosen, served / "iris" / chosen)
    with history.serving(served, "iris"):
        history.serve(served, "iris", chosen, "retrained", chosen=True)
    newer = another(own_models_dir, trained, "newer")

    assert seed(served, own_models_dir) == []

    # then it is there to be chosen, and not served
    assert artifact.current_version(served, "iris") == chosen
    assert newer in artifact.versions(served, "iris")
