"""Inputs that tests of the formats read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from api.tasks.formats.intake import Chunk, Column, Format, Limits, read

TASK = UUID("01938f0e-7c00-7000-8000-000000000001")
LIMITS = Limits(chunk_rows=1_000, chunk_bytes=256 * 1024, max_rows=100_000)
FEATURES = (Column("age", "INT64"), Column("name", "BYTES"), Column("rate", "FP64"))


def read_chunks(
    path: Path,
    form: Format,
    features: Sequence[Column] = FEATURES,
    limits: Limits = LIMITS,
    version: str | None = None,
) -> list[Chunk]:
    return list(read(path, form, features, task=TASK, version=version, limits=limits))


def read_rows(
    path: Path, form: Format, features: Sequence[Column] = FEATURES, limits: Limits = LIMITS
) -> tuple[list[str], list[dict[str, Any]]]:
    """The columns, and the rows without what is not theirs."""
    intake = read(path, form, features, task=TASK, version=None, limits=limits)
    rows = [row for chunk in intake for row in msgspec.json.decode(chunk.payload)]
    assert [(row.pop("__task"), row.pop("__row")) for row in rows] == [(str(TASK), n + 1) for n in range(len(rows))]
    return intake.columns, rows
