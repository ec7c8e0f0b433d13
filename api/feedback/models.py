"""The stored versions of the model."""

from pathlib import Path

from api.errors import ModelError
from api.feedback.errors import WrongSetting
from api.model import artifact, history
from api.model.model import Model
from api.training.digits import NAME


def served_version(models_dir: Path) -> str:
    """The version that is served now.

    Raises:
        WrongSetting: there is none.
    """
    try:
        version = artifact.current_version(models_dir, NAME)
    except ModelError as error:
        raise WrongSetting(str(error)) from error
    if version is None:
        raise WrongSetting(f"no model '{NAME}' in {models_dir} (MODELS_DIR): run `python -m api.train`")
    return version


def loaded(models_dir: Path, version: str) -> Model:
    """One stored version.

    Raises:
        WrongSetting: it cannot be loaded.
    """
    try:
        return artifact.load(models_dir, NAME, version)
    except ModelError as error:
        raise WrongSetting(str(error)) from error


def described(models_dir: Path) -> list[dict[str, object]]:
    """What is known of each stored version, the oldest first; what cannot be loaded has a `problem`."""
    served = served_version(models_dir)
    noted = {event.version: event for event in history.events(models_dir, NAME)}
    found: list[dict[str, object]] = []
    for version in artifact.versions(models_dir, NAME):
        one: dict[str, object] = {"version": version, "served": version == served}
        try:
            description = loaded(models_dir, version).description
        except WrongSetting as error:
            one["problem"] = str(error)
        else:
            one["created"] = description.created
            one["training_rows"] = description.metrics.training_rows
            one["extra_rows"] = description.parameters.get("extra_rows", 0)
            one["accuracy"] = description.metrics.accuracy
        if version in noted:
            one["since"], one["reason"] = noted[version].since, noted[version].reason
        found.append(one)
    return sorted(found, key=lambda one: str(one.get("created", "")))
