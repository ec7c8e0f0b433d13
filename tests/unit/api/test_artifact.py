import hashlib
import os
from pathlib import Path

import msgspec
import pytest
import skops.io
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from api.errors import BrokenModelError, UntrustedModelError
from api.model import artifact
from api.model.description import Description


def _replace_fitted(models_dir: Path, version: str, fitted: bytes) -> None:
    folder = models_dir / "iris" / version
    described = msgspec.json.decode((folder / artifact.DESCRIPTION).read_bytes(), type=Description)
    (folder / artifact.FITTED).write_bytes(fitted)
    honest = msgspec.structs.replace(described, sha256=hashlib.sha256(fitted).hexdigest())
    (folder / artifact.DESCRIPTION).write_bytes(msgspec.json.encode(honest))


def test_a_stored_model_comes_back_with_its_description(
    own_models_dir: Path, trained: tuple[Description, Pipeline]
) -> None:
    loaded = artifact.load(own_models_dir, "iris", trained[0].version).description
    assert msgspec.structs.replace(loaded, sha256="") == trained[0]
    assert artifact.names(own_models_dir) == ["iris"]
    assert artifact.versions(own_models_dir, "iris") == [trained[0].version]


def test_a_file_with_untrusted_types_is_refused_by_name(
    own_models_dir: Path, trained: tuple[Description, Pipeline]
) -> None:
    # Given a model file that would run a function of the operating system
    _replace_fitted(own_models_dir, trained[0].version, skops.io.dumps(FunctionTransformer(func=os.system)))

    # When it is loaded, then it is refused, and the type is named
    with pytest.raises(UntrustedModelError, match=r"untrusted types: .*system"):
        artifact.load(own_models_dir, "iris", trained[0].version)


def test_a_changed_file_is_refused(own_models_dir: Path, trained: tuple[Description, Pipeline]) -> None:
    fitted = own_models_dir / "iris" / trained[0].version / artifact.FITTED
    fitted.write_bytes(fitted.read_bytes()[:-1] + b"!")
    with pytest.raises(BrokenModelError, match="is not the file"):
        artifact.load(own_models_dir, "iris", trained[0].version)


def test_a_file_that_is_no_model_is_refused(own_models_dir: Path, trained: tuple[Description, Pipeline]) -> None:
    _replace_fitted(own_models_dir, trained[0].version, b"not a model")
    with pytest.raises(BrokenModelError, match="cannot be loaded"):
        artifact.load(own_models_dir, "iris", trained[0].version)


@pytest.mark.parametrize("content", [b"", b"{}", b"[", b"\xff"])
def test_a_spoilt_description_is_refused(
    own_models_dir: Path, trained: tuple[Description, Pipeline], content: bytes
) -> None:
    (own_models_dir / "iris" / trained[0].version / artifact.DESCRIPTION).write_bytes(content)
    with pytest.raises(BrokenModelError, match="cannot be read"):
        artifact.load(own_models_dir, "iris", trained[0].version)


def test_a_version_under_another_name_is_refused(own_models_dir: Path, trained: tuple[Description, Pipeline]) -> None:
    home = own_models_dir / "iris"
    (home / trained[0].version).rename(home / "renamed")
    with pytest.raises(BrokenModelError, match="describes iris"):
        artifact.load(own_models_dir, "iris", "renamed")


def test_saving_again_mends_a_spoilt_version_and_leaves_a_sound_one(
    own_models_dir: Path, trained: tuple[Description, Pipeline]
) -> None:
    # Given a sound version, when it is saved again, then nothing is written
    assert artifact.save(own_models_dir, *trained) is False

    # Given a spoilt one, when it is saved again, then it is whole
    (own_models_dir / "iris" / trained[0].version / artifact.FITTED).unlink()
    assert artifact.save(own_models_dir, *trained) is True
    assert artifact.load(own_models_dir, "iris", trained[0].version)


def test_nothing_but_the_version_and_the_pointer_is_left(
    own_models_dir: Path, trained: tuple[Description, Pipeline]
) -> None:
    assert sorted(p.name for p in (own_models_dir / "iris").iterdir()) == sorted([trained[0].version, "current"])


def test_the_pointer(tmp_path: Path) -> None:
    # Given no model, then there is no current version
    assert artifact.current_version(tmp_path, "iris") is None

    # When it points somewhere, then that is read
    (tmp_path / "iris").mkdir()
    artifact.serve_version(tmp_path, "iris", "v1")
    assert artifact.current_version(tmp_path, "iris") == "v1"

    # When it holds something that is no version, then it is refused
    for nonsense in ("", "../../etc", "a b", "ä"):
        (tmp_path / "iris" / artifact.POINTER).write_text(nonsense)
        with pytest.raises(BrokenModelError):
            artifact.current_version(tmp_path, "iris")
