"""Values and messages as short, JSON-ready pieces that a browser shows exactly."""

from __future__ import annotations

import math
from typing import Any, Final

TEXT_CHARACTERS: Final = 120
LIST_VALUES: Final = 4
MESSAGE_BYTES: Final = 400
# beyond it a browser's numbers are not exact
EXACT_INTEGER: Final = 2**53
_PAYLOAD: Final = b'"payload"'

Shown = str | int | float | bool | None


def shown(value: Any) -> Shown:
    """A value of a row or an output of the model; what a JSON number cannot hold becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= EXACT_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        first = ", ".join(str(shown(v)) for v in value[:LIST_VALUES])
        return f"[{first}{', …' if len(value) > LIST_VALUES else ''}] ({len(value)} values)"
    return cut(str(value))


def cut(text: str, characters: int = TEXT_CHARACTERS) -> str:
    """The text, or its beginning and a dot-dot-dot."""
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def message(value: bytes | None) -> str | None:
    """The beginning of a message; of one in the converter's envelope, of the payload, since the schema comes first."""
    if value is None:
        return None
    begin = max(0, value.find(_PAYLOAD))
    piece = value[begin : begin + MESSAGE_BYTES].decode(errors="replace")
    return f"{'…' if begin else ''}{piece}{'…' if begin + MESSAGE_BYTES < len(value) else ''}"
