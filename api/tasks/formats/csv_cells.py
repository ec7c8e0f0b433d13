"""Values as cells of CSV (RFC 4180).

They are not guarded against spreadsheets that take a text for a formula: that would change what a program reads.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from api.tasks.formats.encoding import decoder, encoder

# beside what RFC 4180 asks for: what may be taken for another delimiter, or for the mark of an encoding
SPECIAL: Final = re.compile('[",;\t\r\n\ufeff]')


def quoted(text: str) -> str:
    """A text as a cell; empty text in quotes, to be told from null."""
    if text and not SPECIAL.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of cells as lines."""
    return "".join([f"{','.join(row)}\r\n" for row in rows]).encode()


def _real(value: float) -> str:
    return repr(value) if math.isfinite(value) else ""


def _truth(value: bool) -> str:
    return "true" if value else "false"


def plain(value: Any) -> str | None:
    """Any JSON value, decoded or as `msgspec.Raw`, as text: of text itself, else as JSON has it; None for null."""
    if isinstance(value, msgspec.Raw):
        text = bytes(value)
        # numbers stay as they are written
        return plain(decoder.decode(text)) if text[:1] in b'"n' else text.decode()
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return encoder.encode(value).decode()


def _any(value: Any) -> str:
    text = plain(value)
    return "" if text is None else quoted(text)


CELLS: Final[dict[str, Callable[[Any], str]]] = {
    "int": str,
    "float": _real,
    "text": quoted,
    "bool": _truth,
    "any": _any,
}
