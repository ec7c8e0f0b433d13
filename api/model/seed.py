"""Models that come with the program, such as those in its container image, beside those that were trained since."""

import shutil
import tempfile
from pathlib import Path

from api.model import artifact, history

REASON = "came with the program"


def seed(models_dir: Path, source: Path) -> list[str]:
    """Store what another folder serves, and serve it where nobody has chosen otherwise; return what is served anew.

    A version that was retrained, gone back to or trained by name is served on; any other makes room for what the
    program comes with now.

    Raises:
        BrokenModelError: a pointer of one of the folders names no version.
        OSError: the folder cannot be written to.
    """
    served = []
    for name in artifact.names(source):
        version = artifact.current_version(source, name)
        assert version is not None, "names have a pointer"  # noqa: S101
        with history.serving(models_dir, name):
            if version not in artifact.versions(models_dir, name):
                _copy(source / name / version, models_dir / name)
            current = artifact.current_version(models_dir, name)
            if current != version and not history.chosen(models_dir, name):
                history.serve(models_dir, name, version, REASON, chosen=False)
                served.append(name)
    return served


def _copy(version: Path, home: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".", dir=home) as scratch:
        draft = Path(scratch) / version.name
        shutil.copytree(version, draft)
        draft.rename(home / version.name)
