"""Requirement files, in which each package must be of one version and one of a few contents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[a-z0-9,_-]+\])?==([^\s;\\]+)(?:\s*;\s*[^\\#]+)?")
_HASHES = re.compile(r"(?:\s+--hash=sha256:[0-9a-f]{64})+\s*")


@dataclass(frozen=True)
class Pin:
    """A package of one version; `name` is spelt as PEP 503 has it."""

    name: str
    version: str


def read_pins(file: Path) -> set[Pin]:
    """What a file installs; a package may be there in several versions, for several platforms.

    Raises:
        ValueError: a line is no pinned package with its hashes; it is named.
    """
    pins = set()
    for line in file.read_text().replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement, mark, hashes = line.partition(" --hash=")
        found = _PINNED.fullmatch(requirement.strip())
        if found is None or not _HASHES.fullmatch(mark + hashes):
            raise ValueError(
                f"{file.name}: {line.strip()[:80]}: neither pinned with == nor with hashes alone: make lock"
            )
        pins.add(Pin(normal(found[1]), found[2]))
    return pins


def normal(name: str) -> str:
    """A package's name as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()
