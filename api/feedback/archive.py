"""The archive as the commands read it: every object with its tags, and the pictures of those that have labels."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from api.archive.errors import ObjectMissing
from api.errors import RequestError
from api.feedback.production import ProductionImage, prediction_id_of, production_image
from api.feedback.progress import Bars
from api.feedback.training_set import LabelledImage
from api.images.decode import ImageLimits, decode
from api.images.pixels import pixels

# each of them asks for one object at a time
THREADS = 16
# the archive holds what was taken before: a smaller limit since then is no reason to leave it out
LIMITS = ImageLimits(max_bytes=1 << 30, max_pixels=1 << 28, max_frames=1 << 20)

Given = TypeVar("Given")
Made = TypeVar("Made")


class Bucket(Protocol):
    """The store's bucket; each call blocks, and may be made from any thread.

    Each raises StoreAway, or StoreRefused.
    """

    def keys(self) -> Iterator[str]:
        """Every object's key."""

    def tags(self, object_key: str) -> Mapping[str, str]:
        """An object's tags, or ObjectMissing."""

    def get(self, object_key: str) -> bytes:
        """An object's content, or ObjectMissing."""


@dataclass(frozen=True)
class Read:
    """The images that were found, and how many objects are none."""

    images: list[ProductionImage]
    others: int


def read(bucket: Bucket, bars: Bars) -> Read:
    """Every answered image in the archive.

    Raises:
        StoreAway, StoreRefused: the archive cannot be read now, or not with these settings.
    """

    def image(object_key: str) -> ProductionImage | None:
        try:
            return production_image(object_key, bucket.tags(object_key))
        except ObjectMissing:
            return None

    listed = list(bars.each("objects in the archive", bucket.keys(), None))
    keys = [key for key in listed if prediction_id_of(key) is not None]
    found = list(bars.each("tags", in_threads(image, keys), len(keys)))
    images = [one for one in found if one is not None]
    return Read(images, len(listed) - len(images))


def pictures(bucket: Bucket, images: Iterable[ProductionImage], bars: Bars) -> tuple[list[LabelledImage], int]:
    """The cells of each image with a label, and how many cannot be read any more.

    Raises:
        StoreAway, StoreRefused: the archive cannot be read now, or not with these settings.
    """

    def picture(one: ProductionImage) -> LabelledImage | None:
        try:
            cells = pixels(decode(bucket.get(one.object_key), LIMITS))
        except (ObjectMissing, RequestError):
            return None
        return None if one.label is None else LabelledImage(one.prediction_id, cells, one.label)

    labelled = [one for one in images if one.label is not None]
    found = list(bars.each("labelled images", in_threads(picture, labelled), len(labelled)))
    whole = [one for one in found if one is not None]
    return whole, len(labelled) - len(whole)


def in_threads(function: Callable[[Given], Made], items: Iterable[Given]) -> Iterator[Made]:
    """What a function makes of each item, in their order, a few at a time; the first error ends it."""
    source = iter(items)
    with ThreadPoolExecutor(THREADS) as pool:
        ahead: list[Future[Made]] = [pool.submit(function, one) for one in islice(source, 2 * THREADS)]
        try:
            while ahead:
                made = ahead.pop(0).result()
                ahead.extend(pool.submit(function, one) for one in islice(source, 1))
                yield made
        finally:
            for future in ahead:
                future.cancel()
