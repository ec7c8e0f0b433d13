"""A model on disk.

    <models dir>/<name>/<version>/model.skops   what was fitted
    <models dir>/<name>/<version>/model.json    its description
    <models dir>/<name>/current                 the version that is served, one line

A version folder and the pointer appear whole or not at all, and a version never changes once it is there.
"""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import msgspec
import skops.io
from sklearn.base import BaseEstimator

from api.errors import BrokenModelError, ModelError, UntrustedModelError
from api.model.description import Description
from api.model.model import Model

FITTED = "model.skops"
DESCRIPTION = "model.json"
POINTER = "current"

# A name or version is one plain path segment: a request can name no file outside the models folder.
SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

# Types that may be loaded beside those skops knows to be safe (numpy arrays, scikit-learn's estimators); a model that
# needs one is reviewed when its type is added here. These two are the parts of a CalibratedClassifierCV: they hold a
# fitted estimator and two numbers.
TRUSTED_TYPES: tuple[str, ...] = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
)


def load(models_dir: Path, name: str, version: str) -> Model:
    """Read one version of a model.

    Raises:
        BrokenModelError: a file is missing, unreadable, or not the one that was saved.
        UntrustedModelError: the file holds a type outside the trusted ones; nothing of it is loaded.
    """
    folder = models_dir / name / version
    try:
        fitted = (folder / FITTED).read_bytes()
        description = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=Description)
    except (OSError, msgspec.MsgspecError) as error:
        raise BrokenModelError(f"{folder} cannot be read: {error}") from error
    if (description.name, description.version) != (name, version):
        raise BrokenModelError(f"{folder / DESCRIPTION} describes {description.name} {description.version}")
    if hashlib.sha256(fitted).hexdigest() != description.sha256:
        raise BrokenModelError(f"{folder / FITTED} is not the file that {DESCRIPTION} describes")
    estimator = _loads(fitted, folder / FITTED)
    try:
        return Model(description, estimator)
    except ValueError as error:
        raise BrokenModelError(f"{folder / DESCRIPTION} does not describe {FITTED}: {error}") from error


def save(models_dir: Path, description: Description, estimator: BaseEstimator) -> bool:
    """Store a model under its version; True if it was written, False if that version is there already, and sound."""
    home = models_dir / description.name
    folder = home / description.version
    if folder.exists():
        try:
            load(models_dir, description.name, description.version)
        except ModelError:
            shutil.rmtree(folder)
        else:
            return False
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=home) as scratch:
        draft = Path(scratch) / "draft"
        draft.mkdir()
        fitted = skops.io.dumps(estimator)
        described = msgspec.structs.replace(description, sha256=hashlib.sha256(fitted).hexdigest())
        (draft / FITTED).write_bytes(fitted)
        (draft / DESCRIPTION).write_bytes(msgspec.json.format(msgspec.json.encode(described)) + b"\n")
        draft.rename(folder)
    return True


def serve_version(models_dir: Path, name: str, version: str) -> None:
    """Point `current` at a version, in one step: a reader sees the old or the new one."""
    home = models_dir / name
    with tempfile.NamedTemporaryFile("w", prefix=".", dir=home, delete=False) as draft:
        draft.write(version + "\n")
        draft.flush()
        os.fsync(draft.fileno())
    scratch = Path(draft.name)
    scratch.chmod(0o644)
    scratch.replace(home / POINTER)


def current_version(models_dir: Path, name: str) -> str | None:
    """Read the version that is served, None if there is no such model.

    Raises:
        BrokenModelError: the pointer names no version.
    """
    pointer = models_dir / name / POINTER
    try:
        version = pointer.read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenModelError(f"{pointer} cannot be read: {error}") from error
    if not SEGMENT.fullmatch(version):
        raise BrokenModelError(f"{pointer} names no version")
    return version


def names(models_dir: Path) -> list[str]:
    """Every model that has a version to serve, by name."""
    return sorted(p.parent.name for p in models_dir.glob(f"*/{POINTER}") if SEGMENT.fullmatch(p.parent.name))


def versions(models_dir: Path, name: str) -> list[str]:
    """Every stored version of a model, in alphabetical order."""
    return sorted(
        p.parent.name for p in (models_dir / name).glob(f"*/{DESCRIPTION}") if SEGMENT.fullmatch(p.parent.name)
    )


def _loads(fitted: bytes, path: Path) -> BaseEstimator:
    # The file's content decides what skops raises on it; whatever it is, the file is at fault.
    try:
        untrusted = sorted(set(skops.io.get_untrusted_types(data=fitted)) - set(TRUSTED_TYPES))
        if not untrusted:
            return skops.io.loads(fitted, trusted=list(TRUSTED_TYPES))
    except Exception as error:
        raise BrokenModelError(f"{path} cannot be loaded: {error}") from error
    raise UntrustedModelError(f"{path} is refused, it holds untrusted types: {', '.join(untrusted)}")
