"""What an evaluation says of answers and their labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]

from api.feedback.evaluation import CONFIDENCE_BANDS, calibration_error, evaluation, evaluations, wilson
from api.feedback.production import production_image
from api.feedback.report import lines
from api.model.description import CalibrationBin, Metrics
from tests.unit.api.feedback.material import image


@given(count=st.integers(1, 500), data=st.data())
def test_the_interval_is_wilsons(count: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, count))

    found = wilson(correct, count)
    expected = binomtest(correct, count).proportion_ci(method="wilson")

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert found.value == correct / count


def test_labelled_images_alone_are_judged() -> None:
    found = evaluation([image(7, 7), image(7, 1), image(3, 3), image(7)])

    assert (found.images, found.labelled, found.correct) == (4, 3, 2)
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(2 / 3)
    assert (found.confusion[7][7], found.confusion[1][7], found.confusion[3][3]) == (1, 1, 1)
    assert sum(map(sum, found.confusion)) == 3


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9), st.floats(0, 1)), min_size=1, max_size=60))
def test_every_image_is_in_one_band(given_images: list[tuple[int, int | None, float]]) -> None:
    found = evaluation([image(answer, label, confidence) for answer, label, confidence in given_images])

    assert sum(band.images for band in found.bands) == found.images == len(given_images)
    assert sum(band.labelled for band in found.bands) == found.labelled
    assert [band.low for band in found.bands] == list(CONFIDENCE_BANDS[:-1])
    for share in (found.accuracy, found.weighted):
        assert share is None or 0 <= share.low <= share.value <= share.high <= 1


def test_labels_of_the_unsure_images_are_weighted_by_how_many_are_sure() -> None:
    # given 90 sure images, of which 9 have a label and are right, and 10 unsure ones, all labelled, half of them right
    sure = [image(1, 1 if i < 9 else None, 0.99) for i in range(90)]
    unsure = [image(1, i % 2, 0.3) for i in range(10)]

    found = evaluation([*sure, *unsure])

    assert found.accuracy is not None
    assert found.weighted is not None
    assert found.accuracy.value == pytest.approx(14 / 19)
    assert found.weighted.value == pytest.approx(0.9 * 1 + 0.1 * 0.5)
    # the unsure ones are all known; of the sure ones nine stand for ninety
    assert 0 < found.weighted.high - found.weighted.low < 0.4


def test_a_band_without_a_label_leaves_all_images_unjudged() -> None:
    assert evaluation([image(1, 1, 0.3), image(1, None, 0.99)]).weighted is None


def test_calibration_error_is_the_mean_distance_of_confidence_and_truth() -> None:
    assert calibration_error([(3, 0.9, 1.0), (1, 0.5, 0.1)]) == pytest.approx((3 * 0.1 + 0.4) / 4)
    assert calibration_error([(0, None, None)]) is None


def test_versions_are_judged_apart_the_newest_first() -> None:
    images = [image(version="old", number=1), image(version="new", number=3), image(version="old", number=2)]

    assert [(one.model_version, one.images) for one in evaluations(images)] == [("new", 1), ("old", 2)]


def test_the_report_tells_production_beside_the_test_set() -> None:
    test = Metrics(1347, 450, 0.989, calibration=(CalibrationBin(450, 0.95, 0.99),))

    said = "\n".join(lines(evaluation([image(7, 7), image(7, 1)]), test))

    assert "2 images, 2 with a label, 1 of them right" in said
    assert "0.500 (0.095 to 0.905)" in said
    assert "0.989 of 450" in said
    # 0.92 said, 0.5 right; and of the test set 0.95 and 0.99
    assert "0.420" in said
    assert "0.040" in said


KEY = "class_07/0198f2c4-0000-7000-8000-000000000000.png"
TAGS = {"predicted_class": "7", "confidence": "0.912", "timestamp": "2026-03-01T12:00:00+00:00", "model_version": "v"}


def test_an_object_is_read_with_its_tags() -> None:
    found = production_image(KEY, TAGS | {"label": "1"})

    assert found is not None
    assert (found.prediction_id, found.predicted_class, found.label) == ("0198f2c4-0000-7000-8000-000000000000", 7, 1)
    assert found.confidence == 0.912
    assert not found.correct


@pytest.mark.parametrize(
    ("key", "tags"),
    [
        ("readme.txt", TAGS),
        ("class_07/0198f2c4.png", TAGS),
        ("class_07/0198f2c4-0000-7000-8000-000000000000.gif", TAGS),
        (KEY, {}),
        (KEY, TAGS | {"label": "seven"}),
        (KEY, TAGS | {"label": "10"}),
        (KEY, TAGS | {"predicted_class": "12"}),
        (KEY, TAGS | {"confidence": "sure"}),
    ],
)
def test_other_objects_are_none_of_ours(key: str, tags: dict[str, str]) -> None:
    assert production_image(key, tags) is None
