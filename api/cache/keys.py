"""The name of an input: equal exactly when model, version and features are."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST_BYTES = 16


def answer_key(model: str, version: str, features: Mapping[str, int | float | str]) -> str:
    """The key of the answers that this version of the model gives to these features, in whatever order they come.

    Numbers are equal as Python's are: 30 and 30.0, 0.0 and -0.0, but not 2**53 + 1 and 2.0**53; a number never equals
    a text. Texts are equal character by character, without Unicode normalisation. The key is `answer:MODEL:VERSION:`
    and 128 bits of BLAKE2b over the canonical form of all three, in base64: two inputs meet by chance after some 2**64.
    """
    text = canonical(model, version, features).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()
    return f"answer:{model}:{version}:{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def canonical(model: str, version: str, features: Mapping[str, int | float | str]) -> str:
    """One text for equal inputs, another one for others: JSON without a choice left."""
    pairs = [[name, _canonical_value(features[name])] for name in sorted(features)]
    # non-ASCII as it is: escaped, two lone surrogates would read like the one character that they would make
    return json.dumps([model, version, pairs], ensure_ascii=False, separators=(",", ":"))


def _canonical_value(value: float | str) -> str:
    """A text behind `s`, a whole number in hexadecimal behind `n`, another number behind `f`."""
    if isinstance(value, str):
        return "s" + value
    if isinstance(value, float):
        if not value.is_integer():
            # the shortest text that reads back as this number; also inf and nan
            return f"f{value!r}"
        value = int(value)
    return f"n{value:x}"
