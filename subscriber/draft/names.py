"""Names of a pipeline and its table, made of others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LONGEST: Final = 63
TOPIC_PREFIX: Final = "postgres-source-"


def identifier(name: str) -> str:
    """A name that Postgres takes without quotes: small letters, digits and _."""
    plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"_{plain}" if plain else "output")[:LONGEST]


def columns_for(outputs: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A column for each output, like it in name, and none taken or given twice."""
    used = set(taken)
    columns: dict[str, str] = {}
    for output in outputs:
        name = wanted = identifier(output)
        number = 1
        while name in used:
            number += 1
            end = "_output" if number == 2 else f"_output_{number}"  # noqa: PLR2004 (the first try)
            name = f"{wanted[: LONGEST - len(end)]}{end}"
        used.add(name)
        columns[output] = name
    return columns


def of_topic(topic: str) -> str:
    """`shop_orders` of `postgres-source-shop-orders`."""
    return identifier(topic.removeprefix(TOPIC_PREFIX))


def of_file(path: Path) -> str:
    """`labels` of `labels.toml`."""
    return identifier(path.stem)
