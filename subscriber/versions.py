"""The model as the pipeline file names it, and those of its versions that rows name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subscriber.errors import BatchRefused, Misfit, ModelFailed, NotFound, Transient, VersionUnfit
from subscriber.inference import InferenceClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.inference import Metadata
    from subscriber.pipeline import Pipeline

# versions whose clients are kept
VERSIONS: Final = 16


class VersionedClient:
    """Sends rows to the pipeline's model, or to the version of it that they name, over one kept connection."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._model = InferenceClient(pipeline)
        self._versions: dict[str, InferenceClient] = {}

    def check(self) -> Metadata:
        """Compare the pipeline with what its model says of itself; raises as `InferenceClient.check` does."""
        return self._model.check()

    def predict(self, rows: Sequence[Any], version: str | None = None) -> tuple[list[tuple[Any, ...]], str | None]:
        """The model's outputs for each row and the version that answered, as `InferenceClient.predict` gives them.

        Args:
            rows: as the decoder makes them.
            version: the version to ask; None is the pipeline's.

        Raises:
            VersionUnfit: the version is not there, or its inputs or outputs are not the pipeline's.
            Transient, TooSlow, BatchRefused, ModelFailed, WrongSetting: as `InferenceClient.predict` does.
        """
        if version is None:
            return self._model.predict(rows)
        try:
            return self._client(version).predict(rows)
        except NotFound as error:
            self._versions.pop(version, None)
            # where the model itself is not there, that is what is told
            self._model.check()
            raise VersionUnfit(f"the model has no version {version!r}") from error
        except Misfit as error:
            raise VersionUnfit(f"version {version!r} of the model does not fit: {error}") from error

    def _client(self, version: str) -> InferenceClient:
        """The client of a version, which is compared with the pipeline when it is first asked for."""
        client = self._versions.get(version)
        if client is None:
            listed = self._model.check().versions
            # some servers answer for a version that they lack as if it were being loaded
            if listed and version not in listed:
                raise VersionUnfit(f"the model has no version {version!r} (it has: {', '.join(listed)})")
            client = self._model.of(version)
            try:
                client.check()
            except Transient as error:
                if not isinstance(error.__cause__, BatchRefused | ModelFailed):
                    raise
                raise VersionUnfit(f"version {version!r} of the model cannot be asked: {error.__cause__}") from error
            if len(self._versions) >= VERSIONS:
                self._versions.pop(next(iter(self._versions)))
            self._versions[version] = client
        return client
