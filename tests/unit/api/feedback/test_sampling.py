"""Which images are labelled next."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from api.feedback.sampling import to_label
from tests.unit.api.feedback.material import image


@given(
    st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9), st.floats(0, 1)), max_size=80),
    st.integers(1, 40),
)
def test_unsure_ones_without_a_label_come_first_and_classes_are_balanced(
    given_images: list[tuple[int, int | None, float]], count: int
) -> None:
    images = [image(answer, label, confidence) for answer, label, confidence in given_images]
    there = Counter(one.predicted_class for one in images if one.label is None)

    picked = to_label(images, count)

    assert len(picked) == len(set(picked)) == min(count, there.total())
    assert all(one.label is None for one in picked)
    assert [one.confidence for one in picked] == sorted(one.confidence for one in picked)
    drawn = Counter(one.predicted_class for one in picked)
    for answer, number in drawn.items():
        # no other class with more to give has two fewer
        assert all(drawn[other] + 1 >= number or drawn[other] == there[other] for other in there)
        own = sorted(one.confidence for one in images if one.label is None and one.predicted_class == answer)
        assert sorted(one.confidence for one in picked if one.predicted_class == answer) == own[:number]
