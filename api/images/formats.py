"""Which image formats are taken, told by how a file begins, whatever its name says."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from api.images.errors import UnreadableImageError

WEBP_HEADER_BYTES = 30


@dataclass(frozen=True)
class Format:
    """One kind of image."""

    name: str
    content_type: str
    extension: str
    open: Callable[[BytesIO], ImageFile]
    """Reads the header; the pixels are decoded by `load`."""


PNG = Format("PNG", "image/png", ".png", PngImageFile)
JPEG = Format("JPEG", "image/jpeg", ".jpg", JpegImageFile)
WEBP = Format("WebP", "image/webp", ".webp", WebPImageFile)
FORMATS = (PNG, JPEG, WEBP)


def format_of(data: bytes) -> Format:
    """What a file is by its first bytes.

    Raises:
        UnreadableImageError: it is none of these.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    raise UnreadableImageError(f"the file {'is not a PNG, JPEG or WebP image' if data else 'is empty'}")


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP file by its header, None if it has none: opening it takes memory for them already.

    Source: RFC 9649, sections 2.5 to 2.7.
    """
    if len(data) < WEBP_HEADER_BYTES:
        return None
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None
