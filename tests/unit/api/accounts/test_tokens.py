from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.errors import TokenError
from api.accounts.tokens import Claims, issued, verified

KEY = b"0123456789abcdef" * 4


@given(st.text())
def test_whatever_is_no_token_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(TokenError):
        verified(KEY, text)


@given(
    st.builds(
        Claims,
        account=st.integers(1, 10**18 - 1),
        name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", fullmatch=True),
        scopes=st.frozensets(st.sampled_from(["tasks:read", "tasks:write"])),
        generation=st.integers(1, 2**31 - 1),
    )
)
def test_a_token_says_what_it_was_given(claims: Claims) -> None:
    assert verified(KEY, issued(KEY, claims, datetime.now(UTC), 1)) == claims
