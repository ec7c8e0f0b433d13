"""From an uploaded file to its answer, and what of it is kept."""

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import structlog

from api.archive.errors import ArchiveError, ObjectMissing
from api.errors import ApiError, BrokenModelError, ModelAwaitedError, UnknownModelError
from api.images.decode import decoded
from api.images.errors import ArchiveAwayError, UnknownImageError, UnreadableImageError, UnsupportedImageError
from api.images.formats import FORMATS, Format, format_of
from api.images.metrics import ImageMetrics
from api.images.pixels import pixels
from api.images.ports import ArchivedImage, ImageArchive, ImageIndex, ImageRecorder, RecordedImage
from api.images.recent import RecentKeys
from api.images.room import Room
from api.images.settings import ImageSettings
from api.images.threads import BoundedThreads
from api.model.model import Columns, Model
from api.monitoring.errors import DatabaseAway
from api.service import Service
from api.training.digits import CLASS, CONFIDENCE, FEATURES, NAME
from api.uuid7 import uuid7

log = structlog.get_logger()

UNSAID = ("", "application/octet-stream")
"""Content types that say nothing of a file: it is told by its content."""

KEEPING_SECONDS = 2.0
"""How long whoever asks for an image of just now waits until the archive has been given it."""


@dataclass(frozen=True)
class Seen:
    """What is taken of a file before it is predicted: its upright size in points, and its 64 cells."""

    format: Format
    width: int
    height: int
    cells: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answered:
    """An answer, and what is to be kept of it once it was sent."""

    archived: ArchivedImage
    recorded: RecordedImage


class ImageAnswers:
    """Answers uploads with the digits model; without an archive, recorder and index nothing is kept."""

    def __init__(
        self,
        service: Service,
        settings: ImageSettings,
        archive: ImageArchive | None = None,
        recorder: ImageRecorder | None = None,
        index: ImageIndex | None = None,
    ) -> None:
        self.settings = settings
        self.archive = archive
        self.room = Room(settings.image_max_pixels)
        self._service = service
        self._recorder = recorder
        self._index = index
        self._recent = RecentKeys()
        self._metrics = ImageMetrics(service.metrics.registry)
        self._decoding = BoundedThreads(settings.image_threads, settings.image_max_waiting, "images")
        self._reading = BoundedThreads(settings.image_fetch_threads, settings.image_max_waiting, "archived images")

    async def answer(self, data: bytes, content_type: str, request_id: str) -> Answered:
        """Answer one file; nothing is kept by this, see `keep`.

        Raises:
            ImageTooLargeError, UnsupportedImageError, UnreadableImageError, BlankImageError: the file is at fault.
            ModelAwaitedError: no digits model is served yet.
            OverloadedError: too many images are in hand.
            ModelError: the model that is served is at fault, or not one of these features and outputs.
        """
        try:
            return await self._answer(data, content_type, request_id)
        except ApiError as error:
            self._metrics.refused(error)
            raise

    async def _answer(self, data: bytes, content_type: str, request_id: str) -> Answered:
        received_at, began = datetime.now(UTC), time.perf_counter()
        if content_type not in (*UNSAID, *(each.content_type for each in FORMATS)):
            raise UnsupportedImageError(f"the file is said to be {content_type[:100]!r}, PNG, JPEG and WebP are taken")
        model = await self._model()
        seen = await self._decoding.run(self._look, data)
        answers = await self._service.predict_in_thread(model, columns(model, seen.cells[np.newaxis]))
        if not {CLASS, CONFIDENCE} <= answers.keys():
            raise BrokenModelError(f"model '{NAME}' has not the outputs '{CLASS}' and '{CONFIDENCE}'")
        archived = ArchivedImage(
            prediction_id=str(uuid7()),
            data=data,
            content_type=seen.format.content_type,
            extension=seen.format.extension,
            predicted_class=int(answers[CLASS][0]),
            confidence=float(answers[CONFIDENCE][0]),
            timestamp=received_at,
            model_version=model.description.version,
        )
        recorded = RecordedImage(
            prediction_id=archived.prediction_id,
            request_id=request_id,
            received_at=received_at,
            latency_ms=(time.perf_counter() - began) * 1000,
            model_version=archived.model_version,
            predicted_class=archived.predicted_class,
            confidence=archived.confidence,
            content_type=archived.content_type,
            size_bytes=len(data),
            width=seen.width,
            height=seen.height,
            object_key=archived.object_key,
        )
        self._metrics.answered(archived.predicted_class, archived.confidence)
        return Answered(archived, recorded)

    def keep(self, answered: Answered) -> None:
        """Hand an answer that was sent to the archive and to the recorder, neither of which waits."""
        if self.archive is not None:
            try:
                self.archive.keep(answered.archived)
            finally:
                self._recent.kept(answered.archived.prediction_id)
        if self._recorder is not None:
            self._recorder.record_image(answered.recorded)

    def promise(self, answered: Answered) -> bool:
        """Whether the image will be found by its prediction's id; from now on it is looked for."""
        if self.archive is not None:
            self._recent.add(answered.archived.prediction_id, answered.archived.object_key)
        return self.archive is not None

    async def archived(self, prediction_id: uuid.UUID) -> tuple[bytes, Format]:
        """The file of a prediction, as it was sent.

        Raises:
            UnknownImageError: there is no such prediction, or its image is not kept.
            ArchiveAwayError: the store or the database does not answer now.
            OverloadedError: too many images are in hand.
        """
        data = await self._reading.run(self._fetched, str(prediction_id))
        try:
            return data, format_of(data)
        except UnreadableImageError as error:
            raise UnknownImageError(f"what is kept of prediction '{prediction_id}' is no image") from error

    def close(self) -> None:
        """Let the threads finish."""
        self._decoding.close()
        self._reading.close()

    async def _model(self) -> Model:
        try:
            return await self._service.model(NAME)
        except UnknownModelError as error:
            raise ModelAwaitedError(NAME) from error

    def _look(self, data: bytes) -> Seen:
        began = time.perf_counter()
        try:
            with decoded(data, self.settings.limits, self.room) as image:
                return Seen(format_of(data), image.width, image.height, pixels(image))
        finally:
            self._metrics.decoded(time.perf_counter() - began)

    def _fetched(self, prediction_id: str) -> bytes:
        unknown = UnknownImageError(f"there is no image of a prediction '{prediction_id}'")
        if self.archive is None:
            raise unknown
        try:
            key = self._recent.find(prediction_id)
            if key is None and self._index is not None:
                key = self._index.find(prediction_id)
            if key is None:
                raise unknown
            if not self._recent.await_kept(prediction_id, KEEPING_SECONDS):
                raise ArchiveAwayError("the image is about to be kept, try again later")
            return self.archive.fetch(key)
        except ObjectMissing as error:
            raise unknown from error
        except (ArchiveError, DatabaseAway) as error:
            log.warning("archived image not fetched", prediction_id=prediction_id, reason=str(error))
            raise ArchiveAwayError("the image cannot be fetched now, try again later") from error


def columns(model: Model, rows: npt.NDArray[np.float64]) -> Columns:
    """Pictures of 64 cells, shape [n, 64], as the columns of the model.

    Raises:
        BrokenModelError: the model is not one of these cells.
    """
    names = [feature.name for feature in FEATURES]
    if {feature.name for feature in model.description.features} != set(names):
        raise BrokenModelError(f"model '{NAME}' does not take {names[0]} to {names[-1]}")
    return {name: rows[:, position] for position, name in enumerate(names)}
