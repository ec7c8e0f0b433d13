"""The model `digit_images`: its one input names objects of the store, whose images the digits model predicts."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import numpy as np
import numpy.typing as npt

from api.archive.errors import ObjectMissing, StoreAway
from api.errors import UnfitValueError
from api.images.answers import columns
from api.images.decode import decoded
from api.images.errors import ArchiveAwayError, BlankImageError, ImageTooLargeError, UnreadableImageError
from api.images.pixels import pixels
from api.images.ports import ImageArchive
from api.images.room import Room
from api.images.settings import ImageSettings
from api.images.threads import BoundedThreads
from api.model.description import Description, Feature
from api.model.model import Model
from api.protocol.inference import Answer, encoded, wanted
from api.protocol.inference import decoded as request_of
from api.protocol.tensors import texts
from api.training.digits import NAME

DIGIT_IMAGES = "digit_images"
OBJECT_KEY = Feature("object_key", "BYTES", "key of an object in the archive's bucket")
MAX_KEY_BYTES = 1024
SHOWN = 100


class DigitImages:
    """Serves `digit_images`; a batch has a thread, its objects are fetched and decoded by a few others."""

    base = NAME

    def __init__(self, archive: ImageArchive, settings: ImageSettings, room: Room) -> None:
        self.settings = settings
        self._room = room
        self._archive = archive
        self.batches = BoundedThreads(settings.image_threads, settings.image_max_waiting, "batches of images")
        self._fetching = ThreadPoolExecutor(settings.image_fetch_threads, thread_name_prefix="fetch")

    def of(self, model: Model) -> "DigitImagesModel":
        """One version, which is the digits model's."""
        return DigitImagesModel(model, self)

    def rows(self, keys: Sequence[str]) -> npt.NDArray[np.float64]:
        """The cells of the images of these keys, shape [n, 64]; blocks.

        Raises:
            UnfitValueError: a key names no object, or one that is no image of a digit.
            ArchiveAwayError: the store does not answer now.
        """
        waiting: list[Future[npt.NDArray[np.float64]]] = [
            self._fetching.submit(self._cells, index, key) for index, key in enumerate(keys)
        ]
        try:
            return np.stack([each.result() for each in waiting])
        finally:
            # after a failure nobody wants the others
            for each in waiting:
                each.cancel()

    def close(self) -> None:
        """Let the threads finish."""
        self.batches.close()
        self._fetching.shutdown()

    def _cells(self, index: int, key: str) -> npt.NDArray[np.float64]:
        shown = key if len(key) <= SHOWN else f"{key[:SHOWN]}…"
        if not 0 < len(key.encode(errors="replace")) <= MAX_KEY_BYTES:
            raise UnfitValueError(OBJECT_KEY.name, index, f"is '{shown}', a key has 1 to {MAX_KEY_BYTES} bytes")
        try:
            with decoded(
                self._archive.fetch(key, self.settings.image_max_bytes), self.settings.limits, self._room
            ) as image:
                return pixels(image)
        except ObjectMissing as error:
            raise UnfitValueError(OBJECT_KEY.name, index, f"is '{shown}', there is no such object") from error
        except (ImageTooLargeError, UnreadableImageError, BlankImageError) as error:
            raise UnfitValueError(OBJECT_KEY.name, index, f"is '{shown}': {error}") from error
        except StoreAway as error:
            raise ArchiveAwayError(f"the store does not answer now, try again later: {error}") from error


class DigitImagesModel:
    """One version of `digit_images`."""

    def __init__(self, model: Model, images: DigitImages) -> None:
        self.description: Description = msgspec.structs.replace(
            model.description, name=DIGIT_IMAGES, title="Digit in an archived image", features=(OBJECT_KEY,)
        )
        self._model = model
        self._images = images

    async def infer(self, body: bytes) -> Answer:
        """Answer an inference request.

        Raises:
            MalformedRequestError: it is none, or not one of keys.
            RequestTooLargeError: it has more keys than are taken.
            UnfitValueError: a key names no object, or one that is no image of a digit.
            ArchiveAwayError: the store does not answer now.
            OverloadedError: too many batches are in hand.
            PredictionError: the model raised.
        """
        return await self._images.batches.run(self._infer, body)

    def _infer(self, body: bytes) -> Answer:
        request = request_of(body)
        outputs = wanted(request, self.description.outputs)
        keys = texts(request.inputs, OBJECT_KEY, self._images.settings.image_max_rows)
        answers = self._model.predict(columns(self._model, self._images.rows(keys)))
        return encoded(request, self.description, outputs, answers)
