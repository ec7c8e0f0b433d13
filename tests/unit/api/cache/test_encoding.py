from hypothesis import given
from hypothesis import strategies as st

from api.cache.encoding import VERSION, decode, encode


@given(answer=st.binary())
def test_what_is_stored_is_read_back(answer: bytes) -> None:
    assert decode(encode(answer)) == answer


@given(answer=st.binary(max_size=40), data=st.data())
def test_a_part_of_a_value_is_no_answer(answer: bytes, data: st.DataObject) -> None:
    stored = encode(answer)
    kept = data.draw(st.integers(0, len(stored) - 1))

    assert decode(stored[:kept]) is None


@given(answer=st.binary(max_size=40), data=st.data())
def test_a_value_with_a_changed_bit_is_no_answer(answer: bytes, data: st.DataObject) -> None:
    stored = bytearray(encode(answer))
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    assert decode(bytes(stored)) is None


@given(stored=st.binary().filter(lambda stored: not stored.startswith(VERSION)))
def test_another_version_is_no_answer(stored: bytes) -> None:
    assert decode(stored) is None
