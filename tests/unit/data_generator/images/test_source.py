"""Images are of every digit, kind and size; drift changes a share of them, and not what they show."""

from collections import Counter
from io import BytesIO

import pytest
from PIL import Image

from data_generator.images.drawing import Format
from data_generator.images.source import DigitImages


def test_a_seed_repeats_the_images() -> None:
    assert DigitImages(7, 0.5).take(20) == DigitImages(7, 0.5).take(20)
    assert DigitImages(7).take(20) != DigitImages(8).take(20)


def test_they_are_of_every_digit_kind_and_size() -> None:
    images = DigitImages(1).take(400)

    assert {image.meant for image in images} == set(range(10))
    kinds = Counter(image.format for image in images)
    assert kinds.keys() == set(Format)
    assert min(kinds.values()) > 90
    widths = [Image.open(BytesIO(image.data)).width for image in images]
    assert min(widths) < 30
    assert max(widths) > 300


@pytest.mark.parametrize("drift", [0.0, 0.3, 1.0])
def test_drift_changes_a_share_of_them_and_not_what_they_show(drift: float) -> None:
    still, moved = DigitImages(3).take(300), DigitImages(3, drift).take(300)

    assert [(image.meant, image.format) for image in moved] == [(image.meant, image.format) for image in still]
    changed = sum(a.data != b.data for a, b in zip(still, moved, strict=True)) / 300
    assert abs(changed - drift) < 0.08
