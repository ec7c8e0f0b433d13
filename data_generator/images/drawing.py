"""A digit of 8 x 8 pixels as the image file that somebody could have made of it."""

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

import numpy as np
from PIL import Image

from data_generator.images.digits import INK, Pixels

WHITE = 255


class Format(StrEnum):
    """The kinds of files that the model API takes, by Pillow's names."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"

    @property
    def content_type(self) -> str:
        return f"image/{self.value.lower()}"

    @property
    def extension(self) -> str:
        """As the archive's object keys end."""
        return ".jpg" if self is Format.JPEG else f".{self.value.lower()}"


@dataclass(frozen=True)
class Look:
    """How a digit is drawn. Lengths are pixels of the image."""

    format: Format = Format.PNG
    side: int = 64
    """Of the square that holds the digit."""
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    """The paper around the square."""
    colour: bool = False
    """Three channels rather than one."""
    rotation_degrees: float = 0.0
    """Counterclockwise."""
    noise: float = 0.0
    """Standard deviation that is added to each pixel, as a share of the distance from paper to ink."""
    inverted: bool = False
    """Bright ink on dark paper, as the data set has it; else dark ink on white paper."""


def draw(pixels: Pixels, look: Look, randomness: np.random.Generator) -> bytes:
    """The file: ink is soft between the pixels, so that it looks alike at any size.

    Args:
        pixels: shape [8, 8], from 0 to 16.
        look: how.
        randomness: of the noise; nothing is taken from it without noise.
    """
    # with a pixel of paper around it: a stroke may touch the edge, and would end as if it were cut
    ink = Image.fromarray(np.pad(np.asarray(pixels * (WHITE / INK), dtype=np.uint8), 1))
    ink = ink.resize((look.side, look.side), Image.Resampling.HAMMING)
    sheet = Image.new("L", (look.left + look.side + look.right, look.top + look.side + look.bottom))
    sheet.paste(ink, (look.left, look.top))
    if look.rotation_degrees:
        # about the digit's middle, on a sheet that grows so that no corner of the ink is cut off
        sheet = sheet.rotate(look.rotation_degrees, Image.Resampling.BICUBIC, expand=True)
    if look.noise:
        grains = randomness.normal(0.0, look.noise * WHITE, (sheet.height, sheet.width))
        sheet = Image.fromarray(np.clip(np.asarray(sheet) + grains, 0, WHITE).astype(np.uint8))
    if not look.inverted:
        sheet = Image.fromarray(WHITE - np.asarray(sheet))
    return encoded(sheet.convert("RGB") if look.colour else sheet, look.format)


def encoded(image: Image.Image, kind: Format) -> bytes:
    """The image as a file's bytes."""
    file = BytesIO()
    image.save(file, kind.value, **({} if kind is Format.PNG else {"quality": 90}))
    return file.getvalue()
