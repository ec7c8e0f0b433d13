"""A guess as the text of a pipeline file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subscriber.draft.guess import Guess, Input

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Names:
    """What the file names beside its columns."""

    pipeline: str
    topic: str
    url: str
    table: str
    outputs: Mapping[str, str]
    """The model's output -> column of the table."""
    schema_file: str
    """Path of the JSON schema, from the file's folder."""


def quoted(text: str) -> str:
    """A text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def pipeline_text(names: Names, guess: Guess, columns: Sequence[str]) -> str:
    """The whole file; `columns` are the row's, for a person to choose others."""
    used = {guess.key, guess.timestamp, *(i.column for i in guess.inputs)}
    others = [column for column in columns if column not in used]
    parts = [
        f"#:schema {names.schema_file}",
        f"# Rows of {names.topic} -> {names.url} -> {names.table}.",
        *(f"# TODO {doubt}" for doubt in guess.doubts),
        f"name = {quoted(names.pipeline)}",
        f"topic = {quoted(names.topic)}",
        f"group = {quoted(names.pipeline)}",
        "",
        "[model]",
        f"url = {quoted(names.url)}",
        *(_matrix(guess.matrix_tensor) if guess.matrix_tensor is not None else ()),
        "",
        *(f"# other columns of the row: {', '.join(others)}" for _ in others[:1]),
        *(line for feature in guess.inputs for line in _feature(feature)),
        "# which columns of the row say which one it is, and when it was written",
        "[source]",
        _maybe("key", guess.key),
        _maybe("timestamp", guess.timestamp),
        '# what a deleted row does to its predictions: "ignore", "remove" or "mark"',
        '# deletes = "ignore"',
        "",
        "[target]",
        f"table = {quoted(names.table)}",
        "",
        "# the model's output -> the table's column",
        "[target.outputs]",
        *(f"{_key(output)} = {quoted(column)}" for output, column in names.outputs.items()),
        "",
        "# the column with the true value, if the row has it",
        "# [truth]",
        f"# column = {quoted(others[-1] if others else 'label')}",
    ]
    return "\n".join(parts) + "\n"


def _matrix(tensor: str) -> list[str]:
    return ['layout = "matrix"', f"matrix_tensor = {quoted(tensor)}"]


def _feature(feature: Input) -> list[str]:
    column = feature.column if feature.column is not None else feature.tensor
    lines = ["[[features]]", f"column = {quoted(column)}", f"datatype = {quoted(feature.datatype)}"]
    if feature.column is None:
        lines[1] += "  # TODO the row has no such column"
    elif feature.tensor != column:
        lines.append(f"tensor = {quoted(feature.tensor)}")
    if feature.size is not None:
        lines.append(f"size = {feature.size}")
    return [*lines, ""]


def _maybe(key: str, value: str | None) -> str:
    return f"{key} = {quoted(value)}" if value is not None else f'# {key} = "…"'


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else quoted(name)
