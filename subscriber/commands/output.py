"""What commands print for people."""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

# a pipe or a file has no width of its own: nothing is cut off
WIDE_COLUMNS: Final = 1000
_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60))


def on_output() -> Console:
    """Standard output; tables are as wide as they need to be where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDE_COLUMNS, highlight=False, markup=False)


def print_json(values: Any) -> None:
    """Print values that JSON knows, indented."""
    print(msgspec.json.format(msgspec.json.encode(values)).decode())


def plain_table() -> Table:
    """A table without a frame."""
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def ago(seconds: float) -> str:
    """A time in the largest unit of which there are two."""
    for unit, length in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
