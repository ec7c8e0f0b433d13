"""The names of an input's columns: what a model needs, and what no column may be called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.tasks.errors import FieldsError

RESERVED: Final = "__"
MAX_COLUMNS: Final = 1_000
MAX_NAME_CHARACTERS: Final = 1_000
SHOWN: Final = 30


@dataclass(frozen=True)
class Column:
    """A feature: its name and the datatype that the model declares for it (FP64, FP32, INT64, INT32, BOOL or BYTES)."""

    name: str
    datatype: str


def check_names(names: Sequence[str]) -> None:
    """Let only names pass that rows can have.

    Raises:
        FieldsError: a name is empty, too long, reserved or there twice, or there are too many; each one is named.
    """
    if len(names) > MAX_COLUMNS:
        raise FieldsError(("file", f"has {len(names)} columns; at most {MAX_COLUMNS} are taken"))
    problems = [(name[:MAX_NAME_CHARACTERS], problem) for name in dict.fromkeys(names) if (problem := _problem(name))]
    problems += [(name, f"is the name of {n} columns") for name, n in Counter(names).items() if name and n > 1]
    if problems:
        raise FieldsError(*problems)


def check_features(names: Sequence[str], features: Sequence[Column]) -> None:
    """Let names pass among which is every feature.

    Raises:
        FieldsError: one is missing; the columns that are there are listed.
    """
    missing = [feature.name for feature in features if feature.name not in set(names)]
    if missing:
        there = ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
        raise FieldsError(*((name, f"is missing; the columns are: {there}") for name in missing))


def _problem(name: str) -> str | None:
    if not name:
        return "a column has no name"
    if len(name) > MAX_NAME_CHARACTERS:
        return f"the name of a column is longer than {MAX_NAME_CHARACTERS} characters"
    if "\0" in name:
        return "the name of a column may not hold a NUL"
    if name.startswith(RESERVED):
        return f"the name of a column may not begin with {RESERVED}"
    return None
