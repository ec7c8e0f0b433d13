import threading
from pathlib import Path

from api.errors import ModelMissingError, UnknownModelError
from api.model import artifact
from api.model.model import Model


class Registry:
    """Every model under one folder, each version loaded once and kept.

    `served` looks in memory alone, so it may be called on an event loop; `load` and `refresh` read the disk.
    """

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._loaded: dict[tuple[str, str], Model] = {}
        self._current: dict[str, Model] = {}
        self._lock = threading.Lock()

    def served(self, name: str, version: str | None = None) -> Model | None:
        """Return a model that is in memory: the given version, or the current one."""
        return self._current.get(name) if version is None else self._loaded.get((name, version))

    def current_models(self) -> list[Model]:
        """Return the model served under each name, in the order of the names."""
        return [model for _, model in sorted(self._current.items())]

    def versions(self, name: str) -> list[str]:
        """Return the versions that can be asked for."""
        return artifact.versions(self._models_dir, name)

    def load(self, name: str, version: str) -> Model:
        """Return one version, from memory or else from disk.

        Raises:
            UnknownModelError: there is no such version.
            BrokenModelError: it is there, but cannot be loaded.
            UntrustedModelError: it is there, but is not loaded.
        """
        if not (artifact.SEGMENT.fullmatch(name) and artifact.SEGMENT.fullmatch(version)):
            raise UnknownModelError(f"there is no model '{name}' version '{version}'")
        with self._lock:
            model = self._loaded.get((name, version))
            if model is None:
                if version not in self.versions(name):
                    raise UnknownModelError(f"there is no model '{name}' version '{version}'")
                model = self._loaded[name, version] = artifact.load(self._models_dir, name, version)
            return model

    def names(self) -> list[str]:
        """Return every model that is to be served."""
        return artifact.names(self._models_dir)

    def refresh(self, name: str) -> Model | None:
        """Follow a model's `current` pointer; return the model if it came to be served by this, None if it was already.

        A pointer that cannot be followed leaves the model served as before.

        Raises:
            ModelMissingError: there is no such pointer, or not the version it names.
            BrokenModelError: the pointer or the version it names cannot be read.
            UntrustedModelError: the version it names is not loaded.
        """
        version = artifact.current_version(self._models_dir, name)
        if version is None:
            raise ModelMissingError(f"no model '{name}' in {self._models_dir}")
        before = self._current.get(name)
        if before is not None and before.description.version == version:
            return None
        try:
            model = self.load(name, version)
        except UnknownModelError as error:
            raise ModelMissingError(f"version '{version}' of '{name}' is not in {self._models_dir}") from error
        self._current[name] = model
        return model
