from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.images.decode import ImageLimits


class ImageSettings(BaseSettings):
    """What can be set of images, each by an environment variable of the same name in capitals, or in `.env`."""

    model_config = SettingsConfigDict(frozen=True, env_file=".env", extra="ignore", use_attribute_docstrings=True)

    image_max_bytes: int = Field(8 * 1024 * 1024, gt=0)
    """A larger file is refused with 413, whatever MAX_BODY_BYTES says."""

    image_max_pixels: int = Field(16_000_000, gt=0, le=80_000_000)
    """An image of more pixels, width times height, is refused with 413 before they are decoded.

    So many are decoded at a time, in all; each takes up to 16 bytes of memory meanwhile.
    """

    image_max_frames: int = Field(16, gt=0)
    """An animation of more frames is refused with 413; of the others the first frame is looked at."""

    image_threads: int = Field(2, gt=0)
    """How many uploads are decoded at a time, if all together have no more than `image_max_pixels`."""

    image_max_waiting: int = Field(32, gt=0)
    """How many uploads, or batches of object keys, may be in hand before one more is refused with 503."""

    image_fetch_threads: int = Field(8, gt=0)
    """How many objects are fetched from the store at a time for batches of object keys."""

    image_max_rows: int = Field(1000, gt=0)
    """A batch of more object keys is refused with 413."""

    @property
    def limits(self) -> ImageLimits:
        """How large an image may be."""
        return ImageLimits(self.image_max_bytes, self.image_max_pixels, self.image_max_frames)
