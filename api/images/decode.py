"""From the bytes that were sent to an upright image, within limits."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from api.images.errors import ImageTooLargeError, UnreadableImageError
from api.images.formats import JPEG, WEBP, format_of, webp_size
from api.images.room import Room

ORIENTATION = 0x0112
"""EXIF's tag of how the camera was held."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# A progressive JPEG has about ten scans; each costs the time of the whole image, however few bytes it has.
MAX_JPEG_SCANS = 100
START_OF_SCAN = b"\xff\xda"
# What a JPEG can have at most. Each row takes memory of its own, so a PNG of one column would take twice as much.
MAX_SIDE = 65_535
DEEP = ("I;16", "I;16B", "I")


@dataclass(frozen=True)
class ImageLimits:
    """How large an image may be."""

    max_bytes: int
    max_pixels: int
    """Width times height."""
    max_frames: int
    """Of an animation; its first frame is what is looked at."""


def decode(data: bytes, limits: ImageLimits) -> Image.Image:
    """As `decoded`, for who looks at one image at a time.

    Raises:
        ImageTooLargeError, UnreadableImageError: see there.
    """
    with decoded(data, limits, Room(limits.max_pixels)) as image:
        return image


@contextmanager
def decoded(data: bytes, limits: ImageLimits, room: Room) -> Iterator[Image.Image]:
    """Decode a PNG, JPEG or WebP file: its first frame, turned as its EXIF orientation says, of mode L, RGB or RGBA.

    The image has its place in the room until the block ends. Takes up to a second of a processor for the largest
    images, so it is for threads.

    Raises:
        ImageTooLargeError: it has more bytes, pixels, frames or scans than are taken; none of them was decoded.
        UnreadableImageError: it is no such file, or ends early, or is damaged.
    """
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(f"the image has {len(data)} bytes, {limits.max_bytes} are taken")
    format_ = format_of(data)
    if format_ is JPEG and data.count(START_OF_SCAN) > MAX_JPEG_SCANS:
        raise ImageTooLargeError(f"the image has more than {MAX_JPEG_SCANS} scans: save it anew")
    with ExitStack() as place:
        # Pillow makes room for the whole of a WebP as it opens it, of the others when they are decoded
        size = webp_size(data) if format_ is WEBP else None
        if size is not None:
            place.enter_context(room.taken(_pixels(*size, limits)))
        # What a hostile file makes Pillow raise is no short list; whatever it is, the file is at fault.
        try:
            opened = format_.open(BytesIO(data))
        except Exception as error:
            raise _damaged(format_.name, error) from error
        pixels = _pixels(*opened.size, limits)
        if size is None:
            place.enter_context(room.taken(pixels))
        frames = getattr(opened, "n_frames", 1)
        if frames > limits.max_frames:
            raise ImageTooLargeError(f"the image has {frames} frames, {limits.max_frames} are taken")
        try:
            opened.load()
            image = _simple(_turned(opened, _orientation(opened)))
        except Exception as error:
            raise _damaged(format_.name, error) from error
        yield image


def _pixels(width: int, height: int, limits: ImageLimits) -> int:
    if max(width, height) > MAX_SIDE:
        raise ImageTooLargeError(f"the image has {width} x {height} pixels, {MAX_SIDE} a side are taken")
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(
            f"the image has {width} x {height} pixels, {limits.max_pixels} are taken: send a smaller one"
        )
    return width * height


def _damaged(name: str, error: Exception) -> UnreadableImageError:
    reason = str(error) or type(error).__name__
    return UnreadableImageError(f"the file begins as a {name} image, but cannot be decoded: {reason}")


def _orientation(image: ImageFile) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    # Damaged notes of the camera are no reason to refuse a picture that is whole.
    except Exception:
        return 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    method = UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def _simple(image: Image.Image) -> Image.Image:
    """The same picture with eight bits a channel, and neither palette nor inks."""
    if image.mode in DEEP:
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return image if image.mode == mode else image.convert(mode)
