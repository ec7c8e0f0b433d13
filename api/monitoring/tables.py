"""A table that records go to."""

import uuid
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]


class UnfitRecord(ValueError):
    """A record that no table takes, whenever it is tried."""


@dataclass(frozen=True)
class Table:
    """Its name, the column by which a row that is there already is known, and those that are written."""

    name: str
    key: str
    columns: tuple[str, ...]


def as_uuid(text: str, what: str) -> uuid.UUID:
    """The id of a text.

    Raises:
        UnfitRecord: it is no UUID.
    """
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise UnfitRecord(f"{what} {text!r} is no UUID") from error
