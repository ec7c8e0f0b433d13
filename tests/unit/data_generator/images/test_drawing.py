"""What is drawn is an image file of the asked kind, from which the digit can be read back."""

from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_generator.images.digits import INK, SIDE, read_digits
from data_generator.images.drawing import Format, Look, draw

DIGITS = read_digits()
PADDED = SIDE + 2
looks = st.builds(
    Look,
    format=st.sampled_from(Format),
    side=st.integers(16, 320),
    left=st.integers(0, 160),
    top=st.integers(0, 160),
    right=st.integers(0, 160),
    bottom=st.integers(0, 160),
    colour=st.booleans(),
    inverted=st.booleans(),
)


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def ink_of(data: bytes, look: Look) -> npt.NDArray[np.float64]:
    """The digit's 8 x 8 pixels, 0 to 16, read from where it was drawn."""
    image = opened(data).convert("L")
    square = image.crop((look.left, look.top, look.left + look.side, look.top + look.side))
    cells = np.asarray(square.resize((PADDED, PADDED), Image.Resampling.BOX), dtype=np.float64)
    ink = cells if look.inverted else 255 - cells
    return ink[1:-1, 1:-1] * INK / 255


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, len(DIGITS) - 1), look=looks)
def test_the_digit_can_be_read_back(number: int, look: Look) -> None:
    digit = DIGITS[number]

    data = draw(digit.pixels, look, np.random.default_rng(0))

    image = opened(data)
    assert image.format == look.format.value
    assert image.size == (look.left + look.side + look.right, look.top + look.side + look.bottom)
    assert len(image.getbands()) == (3 if look.colour or look.format is Format.WEBP else 1)
    assert np.corrcoef(ink_of(data, look).ravel(), digit.pixels.ravel())[0, 1] > 0.9


def test_no_stroke_touches_the_edge() -> None:
    # given a digit whose ink reaches the edge of the 8 x 8 pixels
    digit = next(digit for digit in DIGITS if digit.pixels[0].max() == INK)

    drawn = np.asarray(opened(draw(digit.pixels, Look(side=100), np.random.default_rng(0))))

    assert drawn[0].min() > 200
    assert drawn.min() == 0


@pytest.mark.parametrize("inverted", [False, True])
def test_inverted_is_bright_on_dark(inverted: bool) -> None:
    drawn = np.asarray(opened(draw(DIGITS[0].pixels, Look(inverted=inverted, left=5), np.random.default_rng(0))))

    assert (drawn[0, 0] == 0) == inverted


def test_noise_and_rotation_change_the_image_and_a_seed_repeats_them() -> None:
    pixels = DIGITS[0].pixels
    plain = draw(pixels, Look(), np.random.default_rng(1))

    for look in (Look(noise=0.2), Look(rotation_degrees=30.0)):
        assert draw(pixels, look, np.random.default_rng(1)) != plain
        assert draw(pixels, look, np.random.default_rng(1)) == draw(pixels, look, np.random.default_rng(1))
    noisy = np.asarray(opened(draw(pixels, Look(noise=0.2), np.random.default_rng(1))), dtype=np.float64)
    assert np.std(noisy - np.asarray(opened(plain))) > 20
