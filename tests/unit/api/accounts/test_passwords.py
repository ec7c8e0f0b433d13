import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from api.accounts import passwords


def test_a_hash_has_the_parameters_that_are_meant_and_a_salt_of_its_own() -> None:
    first, second = passwords.hashed("one password"), passwords.hashed("one password")
    assert first != second
    for kept in (first, second, passwords.NOBODY):
        assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert not passwords.outdated(kept)
    assert passwords.matches("one password", first)
    assert not passwords.matches("another password", first)


def test_without_a_hash_nothing_matches() -> None:
    for kept in (None, "", "plain text"):
        assert not passwords.matches("", kept)
        assert not passwords.matches("plain text", kept)


def test_the_same_letters_are_the_same_password() -> None:
    composed = "caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait"
    assert passwords.matches(unicodedata.normalize("NFD", composed), passwords.hashed(composed))


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=1024))
def test_any_text_may_be_a_password(text: str) -> None:
    assert passwords.matches(text, passwords.hashed(text))
