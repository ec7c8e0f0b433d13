"""How an account may be named."""

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
RULE = "1 to 64 letters, digits and . _ @ + -, a letter or a digit first"


def fit(name: str) -> bool:
    """Whether an account may have this name."""
    return NAME.fullmatch(name) is not None
