"""Which column is which: guessed from the rows' schema and the model's metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from subscriber.inference import row_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.inference import TensorMetadata
    from subscriber.sample import Sample

# a column that may hold a point in time, by its type's name
MOMENTS: Final = frozenset(
    {
        *(f"io.debezium.time.{name}" for name in ("ZonedTimestamp", "IsoTimestamp", "Timestamp", "MicroTimestamp")),
        "io.debezium.time.NanoTimestamp",
        "org.apache.kafka.connect.data.Timestamp",
    }
)
# of several, the one that says when the row was written, the most usual first
MOMENT_NAMES: Final = ("timestamp", "created_at", "created", "inserted_at", "updated_at", "event_time", "time", "ts")
# what a tensor of the protocol gets here; the file format has six of its datatypes
DATATYPES: Final = {
    **{name: name for name in ("FP64", "FP32", "INT64", "INT32", "BOOL", "BYTES")},
    **dict.fromkeys(("FP16", "BF16"), "FP32"),
    **dict.fromkeys(("INT8", "INT16", "UINT8", "UINT16"), "INT32"),
    **dict.fromkeys(("UINT32", "UINT64"), "INT64"),
}
_NUMBER: Final = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?|NaN|-?Infinity")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


@dataclass(frozen=True)
class Input:
    """One feature; `column` is None where no column bears the input's name."""

    column: str | None
    tensor: str
    datatype: str
    size: int | None = None


@dataclass(frozen=True)
class Guess:
    """What the file will say; `doubts` are for a person to look at."""

    key: str | None
    timestamp: str | None
    inputs: Sequence[Input]
    matrix_tensor: str | None
    """The model's one input, where it takes all features as one matrix."""
    doubts: Sequence[str]


def guess(sample: Sample, inputs: Sequence[TensorMetadata]) -> Guess:
    """The parts of a pipeline file that rows and model suggest.

    Args:
        inputs: what the model lists; it may be nothing.
    """
    doubts: list[str] = []
    key = _key(sample, doubts)
    moments = [column for column in sample.columns if is_moment(sample, column)]
    timestamp = _timestamp(moments, doubts)
    numbers = [c for c in sample.columns if c != key and c not in moments and is_number(sample, c)]
    columns = {_plain(column): column for column in reversed(sample.columns)}
    matrix = None
    features: list[Input]
    if not inputs:
        features = [Input(c, c, _datatype(sample, c)) for c in numbers]
        doubts.append("the model lists no inputs: every column that is a number is a feature, edit that")
    elif len(inputs) == 1 and row_width(inputs[0].shape) != 1 and _column(inputs[0].name, columns, sample) is None:
        matrix, width = inputs[0].name, row_width(inputs[0].shape)
        features = [Input(c, c, DATATYPES.get(inputs[0].datatype, "FP64")) for c in numbers]
        if width != len(features):
            wanted = "any number of" if width is None else str(width)
            doubts.append(f"the model's input {matrix} takes {wanted} values in its own order: edit the features")
    else:
        features = [_input(tensor, columns, sample) for tensor in inputs]
        for feature in features:
            if feature.column is None:
                doubts.append(f"no column bears the name of the model's input {feature.tensor}: name one")
    return Guess(key, timestamp, features, matrix, doubts)


def is_number(sample: Sample, column: str) -> bool:
    """Whether a column holds numbers, be they written as text, as Debezium writes decimals."""
    if sample.fields is not None:
        field = sample.fields[column]
        if field.name not in (None, "org.apache.kafka.connect.data.Decimal", "io.debezium.data.VariableScaleDecimal"):
            return False
        if field.name is not None or field.type.startswith(("int", "float", "double")):
            return True
        if field.type != "string":
            return False
    found = [row[column] for row in sample.rows if row.get(column) is not None]
    return bool(found) and all(_looks_like_number(value) for value in found)


def is_moment(sample: Sample, column: str) -> bool:
    """Whether a column holds points in time."""
    if sample.fields is not None:
        return sample.fields[column].name in MOMENTS
    value = sample.example(column)
    return isinstance(value, str) and _ISO.match(value) is not None


def _looks_like_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(sample: Sample, doubts: list[str]) -> str | None:
    if len(sample.keys) == 1:
        return sample.keys[0]
    if len(sample.keys) > 1:
        doubts.append(f"the row's key has several columns ({', '.join(sample.keys)}), and source.key is one: edit that")
        return sample.keys[-1]
    if "id" in sample.columns:
        return "id"
    doubts.append("the messages have no key, so source.key is left out")
    return None


def _timestamp(moments: Sequence[str], doubts: list[str]) -> str | None:
    if len(moments) == 1:
        return moments[0]
    for name in MOMENT_NAMES:
        if name in moments:
            return name
    if moments:
        doubts.append(f"several columns tell a time ({', '.join(moments)}), so source.timestamp is left out: edit that")
    return None


def _input(tensor: TensorMetadata, columns: dict[str, str], sample: Sample) -> Input:
    width = row_width(tensor.shape)
    column = _column(tensor.name, columns, sample)
    return Input(column, tensor.name, DATATYPES.get(tensor.datatype, "FP64"), None if width == 1 else width)


def _column(name: str, columns: dict[str, str], sample: Sample) -> str | None:
    return name if name in sample.columns else columns.get(_plain(name))


def _plain(name: str) -> str:
    """A name without its spelling: `Sepal-Length`, `sepal_length` and `sepalLength` are one."""
    return re.sub(r"[\W_]+", "", name).lower()


def _datatype(sample: Sample, column: str) -> str:
    field = sample.fields[column] if sample.fields is not None else None
    if field is not None and field.type.startswith("int") and field.name is None:
        return "INT64"
    return "FP64"
