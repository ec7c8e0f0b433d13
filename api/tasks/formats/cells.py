"""Cells of a CSV column as members of a JSON object: numbers and booleans where the model declares them, else text.

A cell that does not parse stays text, so that its row alone is refused. An empty cell is null.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Final

from api.tasks.formats.encoding import quoted

# Numbers that JSON has as they are, and that no reader finds too large: they are not looked at one by one.
PLAIN_INTEGERS: Final = {
    "INT64": re.compile(r"(?:-?(?:0|[1-9][0-9]{0,17})\n)*+"),
    "INT32": re.compile(r"(?:-?(?:0|[1-9][0-9]{0,8})\n)*+"),
}
PLAIN_FLOATS: Final = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?\n)*+")
WHOLE: Final = re.compile(r"([+-]?[0-9]{1,40})(?:\.0*)?", re.ASCII)
REAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
BITS: Final = {"INT64": 63, "INT32": 31}
TRUTHS: Final = {"true": "true", "false": "false", "1": "true", "0": "false", "t": "true", "f": "false"}
REMEMBERED_CHARACTERS: Final = 64


class Cells:
    """Turns a column's cells into `,"name":value`; what it has turned once it remembers, up to `remembered` cells."""

    def __init__(self, name: str, datatype: str | None, remembered: int) -> None:
        self._key = f",{quoted(name)}:"
        self._plain = PLAIN_FLOATS if datatype in {"FP64", "FP32"} else PLAIN_INTEGERS.get(datatype or "")
        self._members = _Members(self._key, _value_of(datatype), remembered)

    def members(self, cells: Sequence[str]) -> list[str]:
        """The cells as members, in their order."""
        if self._plain is not None:
            lines = "\n".join(cells) + "\n"
            # a cell may hold a line break of its own
            if lines.count("\n") == len(cells) and self._plain.fullmatch(lines):
                return list(map(self._key.__add__, cells))
        return list(map(self._members.__getitem__, cells))


class _Members(dict[str, str]):
    def __init__(self, key: str, value: Callable[[str], str], remembered: int) -> None:
        super().__init__({"": f"{key}null"})
        self._key, self._value, self._remembered = key, value, remembered

    def __missing__(self, cell: str) -> str:
        member = self._key + self._value(cell)
        if len(cell) <= REMEMBERED_CHARACTERS and len(self) < self._remembered:
            self[cell] = member
        return member


def _value_of(datatype: str | None) -> Callable[[str], str]:
    match datatype:
        case "FP64" | "FP32":
            return _real
        case "INT64" | "INT32":
            return lambda cell: _whole(cell, BITS[datatype])
        case "BOOL":
            return lambda cell: TRUTHS.get(cell.strip().lower()) or quoted(cell)
        case _:
            return quoted


def _real(cell: str) -> str:
    text = cell.strip()
    if REAL.fullmatch(text) and math.isfinite(number := float(text)):
        return repr(number)
    return quoted(cell)


def _whole(cell: str, bits: int) -> str:
    found = WHOLE.fullmatch(cell.strip())
    if found and -(1 << bits) <= (number := int(found[1])) < 1 << bits:
        return str(number)
    return quoted(cell)
