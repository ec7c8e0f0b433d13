"""Names of tables in the source database, and the topics that carry their rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.errors import SettingError

TOPIC_PREFIX = "postgres-source"
# What a topic's name can carry unchanged, so that two tables never share a topic.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, order=True)
class Table:
    """A table by its name as the database stores it: in small letters, unless it was created in quotes."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def topic(self) -> str:
        """What connectors/source.json makes of the name."""
        return f"{TOPIC_PREFIX}-{self.name}" if self.schema == "public" else f"{TOPIC_PREFIX}-{self.schema}-{self.name}"


def parse(name: str) -> Table:
    """The table that `schema.table` names.

    Raises:
        SettingError: it is a pattern, lacks its schema, or has letters that a topic's name cannot carry.
    """
    schema, dot, table = name.strip().partition(".")
    if not dot or not NAME.fullmatch(schema) or not NAME.fullmatch(table):
        raise SettingError(
            f"table {name!r} must be schema.table, such as public.orders, of letters A to Z, digits and _ alone"
        )
    return Table(schema, table)


def parse_list(names: str) -> list[Table]:
    """The tables of a list with commas, as in a definition; see `parse`."""
    return [parse(name) for name in names.split(",")]
