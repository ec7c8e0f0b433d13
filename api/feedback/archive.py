"""The archive as the commands read it: every object with its tags, and the pictures of those that have labels."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from api.archive.errors import ObjectMissing, StoreAway, StoreRefused
from api.archive.store import Store
from api.errors import RequestError
from api.feedback.production import ProductionImage, prediction_id_of, production_image
from api.feedback.progress import Bars
from api.feedback.training_set import LabelledImage
from api.images.decode import decode
from api.images.pixels import pixels
from api.images.settings import ImageSettings

# each of them asks for one object at a time
THREADS = 16
# an answer that fails among thousands is asked for again
AGAIN_AFTER_SECONDS = (0.2, 1.0)

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Read:
    """The images that were found, and how many objects are none."""

    images: list[ProductionImage]
    others: int


def read(store: Store, bars: Bars) -> Read:
    """Every answered image in the archive.

    Raises:
        StoreAway, StoreRefused: the archive cannot be read now, or not with these settings.
    """

    def image(object_key: str) -> ProductionImage | None:
        try:
            return production_image(object_key, patiently(store.tags, object_key))
        except ObjectMissing:
            return None

    listed = list(bars.each("objects in the archive", store.objects(), None))
    keys = [key for key, _ in listed if prediction_id_of(key) is not None]
    found = list(bars.each("tags", in_threads(image, keys), len(keys)))
    images = [one for one in found if one is not None]
    return Read(images, len(listed) - len(images))


def pictures(store: Store, images: Iterable[ProductionImage], bars: Bars) -> tuple[list[LabelledImage], int]:
    """The cells of each image with a label, and how many cannot be read any more.

    Raises:
        StoreAway, StoreRefused: the archive cannot be read now, or not with these settings.
    """

    def content(one: ProductionImage) -> bytes | None:
        try:
            return patiently(store.get, one.object_key)
        except ObjectMissing:
            return None

    labelled = [one for one in images if one.label is not None]
    limits = ImageSettings().limits
    contents = bars.each("labelled images", in_threads(content, labelled), len(labelled))
    found = []
    # decoded one by one: an image of the largest size takes much memory
    for one, data in zip(labelled, contents, strict=True):
        try:
            if data is not None and one.label is not None:
                found.append(LabelledImage(one.prediction_id, pixels(decode(data, limits)), one.label))
        except RequestError:
            continue
    return found, len(labelled) - len(found)


def patiently(ask: Callable[[str], Made], object_key: str) -> Made:
    """What the store answers, asked a few times.

    Raises:
        StoreAway, StoreRefused, ObjectMissing: as `ask` does, the first of them when it goes on.
    """
    for seconds in AGAIN_AFTER_SECONDS:
        try:
            return ask(object_key)
        except StoreRefused:
            raise
        except StoreAway:
            time.sleep(seconds)
    return ask(object_key)


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
