"""Keys are equal exactly when model, version and features are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.cache.keys import answer_key, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    Features = Mapping[str, int | float | str]

BEYOND = 2**53
# near enough to one another to meet: signs of zero, whole numbers either way, neighbours that no float tells apart
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, 0.1, 0.30000000000000004, 0.3, 1e308, 5e-324, float("inf"), float("-inf")]),
    st.sampled_from([BEYOND, BEYOND + 1, float(BEYOND), 10**400, -BEYOND]),
    st.integers(),
    st.floats(allow_nan=False),
)
# what separates, quotes and escapes in keys and JSON; lone halves of a character, and the character
texts = st.one_of(
    st.text('":,|[]{}\\n s0', max_size=4), st.sampled_from(["30", "n1e", "\ud83d\ude00", "😀", "é", "é"]), st.text()
)
features = st.dictionaries(texts, numbers | texts, max_size=3)
names = st.text("ab:1.", max_size=3)


@given(one=features, other=features, model=names, version=names, others=st.tuples(names, names))
@example(one={"age": 30}, other={"age": 30.0}, model="m", version="1", others=("m", "1"))
@example(one={"age": "30"}, other={"age": 30}, model="m", version="1", others=("m", "1"))
@example(one={"a": 0.0}, other={"a": -0.0}, model="m", version="1", others=("m", "1"))
@example(one={"a": BEYOND + 1}, other={"a": float(BEYOND)}, model="m", version="1", others=("m", "1"))
@example(one={"a": "\ud83d\ude00"}, other={"a": "😀"}, model="m", version="1", others=("m", "1"))
@example(one={}, other={}, model="a:b", version="c", others=("a", "b:c"))
@example(one={}, other={"": ""}, model="m", version="1", others=("m", "1"))
def test_keys_are_equal_exactly_when_the_inputs_are(
    one: Features, other: Features, model: str, version: str, others: tuple[str, str]
) -> None:
    equal = (one, model, version) == (other, *others)

    assert (answer_key(model, version, one) == answer_key(*others, other)) is equal
    assert (canonical(model, version, one) == canonical(*others, other)) is equal


@given(given=features, data=st.data())
def test_neither_order_nor_the_way_a_number_is_written_matters(given: Features, data: st.DataObject) -> None:
    order = data.draw(st.permutations(list(given)))
    written = {name: _otherwise(given[name]) for name in order}

    assert answer_key("credit", "1", written) == answer_key("credit", "1", given)


def _otherwise(value: float | str) -> float | str:
    """The same number as the other type, where there is one."""
    if isinstance(value, int) and abs(value) <= BEYOND:
        return float(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**5000], ids=["nan", "inf", "5001 digits"])
def test_no_number_is_too_odd(number: float) -> None:
    key = answer_key("credit", "1", {"a": number})

    assert key == answer_key("credit", "1", {"a": number})
    assert key != answer_key("credit", "1", {"a": str(number) if isinstance(number, float) else "n"})


def test_a_key_tells_its_model_and_version_and_no_input() -> None:
    key = answer_key("credit", "20261121.1", {"age_in_years": 30, "foreign_worker": "yes"})

    assert key.startswith("answer:credit:20261121.1:")
    assert len(key.rsplit(":", 1)[1]) == 22
    assert "yes" not in key
