"""A digit of the data set has the data set's own numbers, however it is drawn; other pictures come near."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps
from sklearn.calibration import CalibratedClassifierCV

from api.images.decode import ImageLimits, decode
from api.images.errors import BlankImageError
from api.images.pixels import pixels
from api.training import digits
from tests.images import encoded, picture

LIMITS = ImageLimits(10_000_000, 10_000_000, 1)
_, HELD_OUT = digits.training_and_held_out()
BICUBIC = Image.Resampling.BICUBIC

Draw = Callable[[npt.NDArray[np.float64]], Image.Image]


@pytest.fixture(scope="module")
def model() -> CalibratedClassifierCV:
    return digits.train()[1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(HELD_OUT.rows) - 1), st.integers(1, 60), st.booleans(), st.sampled_from(["L", "RGB", "RGBA"]))
def test_a_digit_of_the_data_set_has_its_own_numbers_at_any_scale(
    number: int, scale: int, inverted: bool, mode: str
) -> None:
    row = HELD_OUT.rows[number]
    drawn = picture(row, 8 * scale)
    cells = pixels((ImageOps.invert(drawn) if inverted else drawn).convert(mode))
    assert cells.shape == (64,)
    # the darkest cell counts as all ink, which it is in all but a few digits
    assert np.abs(cells - row * (16 / row.max())).max() < 0.1


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    return decode(encoded(image, "JPEG", quality=quality), LIMITS)


def noisy(image: Image.Image, deviation: float) -> Image.Image:
    drawn = np.asarray(image, dtype=float)
    noise = np.random.default_rng(7).normal(0, deviation, drawn.shape)
    return Image.fromarray((drawn + noise).clip(0, 255).astype(np.uint8))


def apart(image: Image.Image) -> Image.Image:
    return ImageOps.expand(image, (60, 30, 10, 90), 0)


def on_nothing(image: Image.Image, ink: str) -> Image.Image:
    drawn = Image.new("RGBA", image.size, ink)
    drawn.putalpha(image)
    return drawn


DRAWN: dict[str, tuple[float, Draw]] = {
    "as it is": (0.98, lambda row: picture(row, 8)),
    "large and smooth": (0.97, lambda row: picture(row, 280, BICUBIC)),
    "between sizes": (0.97, lambda row: picture(row, 101, BICUBIC)),
    "dark on bright": (0.98, lambda row: ImageOps.invert(picture(row))),
    "gray on gray": (0.97, lambda row: picture(row).point(lambda v: 90 + v // 4)),
    "jpeg": (0.98, lambda row: jpeg(picture(row, 160), 50)),
    "small jpeg": (0.97, lambda row: jpeg(picture(row, 32), 30)),
    "in a corner of a larger picture": (0.95, lambda row: apart(picture(row))),
    "in a corner, smooth, dark, jpeg": (0.95, lambda row: jpeg(ImageOps.invert(apart(picture(row, 80, BICUBIC))), 70)),
    "noisy": (0.97, lambda row: noisy(picture(row), 30)),
    "noisy in a corner": (0.94, lambda row: noisy(apart(picture(row)), 20)),
    "a little turned": (0.95, lambda row: picture(row, 160, BICUBIC).rotate(8)),
    "black on nothing": (0.95, lambda row: on_nothing(apart(picture(row)), "black")),
    "white on nothing": (0.95, lambda row: on_nothing(apart(picture(row)), "white")),
    "wide": (0.95, lambda row: ImageOps.expand(picture(row), (300, 10, 0, 10), 0)),
}


@pytest.mark.parametrize("how", DRAWN)
def test_a_drawn_digit_is_the_digit_that_it_is(how: str, model: CalibratedClassifierCV) -> None:
    least, draw = DRAWN[how]
    cells = np.array([pixels(draw(row)) for row in HELD_OUT.rows])
    assert (model.predict(cells) == HELD_OUT.classes).mean() >= least


@pytest.mark.parametrize("ground", ["black", "white", "#808080", "red"])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (300, 2), (2, 5000)])
def test_a_picture_of_one_colour_is_refused(ground: str, size: tuple[int, int]) -> None:
    for mode in ("L", "RGB", "RGBA"):
        with pytest.raises(BlankImageError, match="nothing is drawn"):
            pixels(Image.new("RGB", size, ground).convert(mode))


def test_a_picture_of_nothing_at_all_is_refused() -> None:
    with pytest.raises(BlankImageError):
        pixels(Image.new("RGBA", (40, 40), (10, 200, 30, 0)))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False), st.sampled_from(["L", "RGB", "RGBA"]))
def test_whatever_is_drawn_has_64_cells_of_0_to_16(width: int, height: int, draw: object, mode: str) -> None:
    bands = len(Image.new(mode, (1, 1)).getbands())
    points = np.random.default_rng(draw.getrandbits(32)).integers(0, 256, (height, width, bands))  # type: ignore[attr-defined]
    try:
        cells = pixels(Image.fromarray(points.astype(np.uint8).squeeze(2) if bands == 1 else points.astype(np.uint8)))
    except BlankImageError:
        return
    assert cells.shape == (64,)
    assert np.isfinite(cells).all()
    assert cells.min() >= 0
    assert cells.max() == pytest.approx(16)


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list[tuple[float, float]]:
    turns = np.radians(np.linspace(start, end, 40))
    return list(zip(x + width * np.cos(turns), y + height * np.sin(turns), strict=True))


# strokes on a paper of one by one, as somebody draws them
STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [arc(0.5, 0.5, 0.28, 0.42, 0, 360)],
    1: [[(0.38, 0.25), (0.54, 0.1), (0.54, 0.92)]],
    2: [[*arc(0.5, 0.3, 0.25, 0.2, 180, 380), (0.25, 0.9), (0.78, 0.9)]],
    3: [arc(0.47, 0.29, 0.24, 0.2, 200, 450), arc(0.47, 0.7, 0.26, 0.21, 270, 520)],
    4: [[(0.55, 0.1), (0.2, 0.62), (0.8, 0.62)], [(0.62, 0.4), (0.62, 0.93)]],
    5: [[(0.75, 0.1), (0.33, 0.1), (0.3, 0.45), *arc(0.48, 0.66, 0.27, 0.24, 230, 500)]],
    6: [[(0.65, 0.08), (0.4, 0.35), *arc(0.5, 0.68, 0.24, 0.24, 200, 560)]],
    7: [[(0.22, 0.12), (0.78, 0.12), (0.42, 0.92)]],
    9: [arc(0.5, 0.33, 0.22, 0.22, 0, 360), [(0.72, 0.33), (0.66, 0.92)]],
}


@pytest.mark.parametrize("pen", [4, 12, 24])
def test_a_thin_pen_draws_the_same_digits_as_a_wide_one(pen: int, model: CalibratedClassifierCV) -> None:
    for digit, strokes in STROKES.items():
        image = Image.new("L", (280, 280), 255)
        draw = ImageDraw.Draw(image)
        for stroke in strokes:
            points = [(40 + 200 * x, 40 + 200 * y) for x, y in stroke]
            draw.line(points, fill=0, width=pen, joint="curve")
            for point in points:
                draw.circle(point, pen / 2, fill=0)
        assert model.predict(pixels(image)[np.newaxis]) == [digit]


def test_a_line_is_where_a_one_is() -> None:
    # Given a stroke from top to bottom, anywhere in the picture
    image = Image.new("L", (200, 100), 255)
    image.paste(0, (150, 20, 156, 80))
    cells = pixels(image).reshape(8, 8)
    inked = np.flatnonzero((cells > 8).any(axis=0))
    assert set(inked) <= {3, 4}
    assert (cells[:, inked] > 8).all()
