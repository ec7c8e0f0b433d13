"""What a pipeline reads of a row, for one schema: which type each column must have, and what is made of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from subscriber.decoding.columns import Column, Field, column_of, without_schema
from subscriber.decoding.datatypes import RANGES, TYPES, converter, text
from subscriber.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subscriber.pipeline import Feature, Pipeline

    Convert = Callable[[Any], Any]

# what Debezium's flattening adds to a row, where it is asked to
COMMITTED, DELETED = "__source_ts_ms", "__deleted"
# before the name of a field that is not read: no column of a pipeline file may hold this character
UNREAD: Final = "\x7f"
# integers that need no look at their size, by datatype
WITHIN: Final = {"INT64": ("int8", "int16", "int32", "int64"), "INT32": ("int8", "int16", "int32")}
KEY: Final = int | str
SCALAR: Final = str | int | float | bool | None
# what may hold the words that Debezium writes for a value it does not know
_TEXTS: Final = (str, Any, SCALAR)
# a version becomes a step of an address, where these mean another
_NO_VERSIONS: Final = ("", ".", "..")


@dataclass(frozen=True)
class Use:
    """A column's use: the attribute of the row that gets it, the type its JSON must have, and what is made of that."""

    attribute: str
    column: Column
    name: str
    wire: Any
    convert: Convert | None = None
    optional: bool = False
    default: Any = None


@dataclass(frozen=True)
class Step:
    """What is done with one value of a decoded row; `attribute` gets what `convert` makes of `source`."""

    attribute: str
    source: str
    name: str
    convert: Convert
    unavailable: Any
    optional: bool
    default: Any


class Plan:
    """Makes rows of payloads: structs with `key`, `timestamp`, `truth`, `version`, `f0`, `f1`, …, `c0`, `c1`, … .

    `read` gives the row in a payload; where there is none, it raises BadRow, msgspec.DecodeError, UnicodeDecodeError or
    RecursionError. A row also has `committed_ms`, the Unix time in milliseconds at which the source committed it, and
    `deleted`, each None where the payload does not say.

    With `exact`, a plan for payloads without a schema takes only JSON values that are what the model gets already, and
    of which none is Debezium's word for a value it does not know: it reads them several times as fast.
    """

    def __init__(self, pipeline: Pipeline, fields: Mapping[str, Field] | None, *, exact: bool = False) -> None:
        uses = _uses(pipeline, fields, exact=exact)
        first: dict[str, Use] = {}
        for use in uses:
            first.setdefault(use.name, use)
        shared = {use.name for use in uses if use is not first[use.name]}
        annotations: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        names: dict[str, str] = {}
        steps: list[Step] = []
        features = (f"f{i}" for i in range(len(pipeline.features)))
        copies = (f"c{i}" for i in range(len(pipeline.target.copies)))
        for attribute in ("key", "timestamp", "truth", "version", *features, *copies):
            read = next((u for u in first.values() if u.attribute == attribute), None)
            if read is None:
                annotations.append((attribute, Any, None))
                names[attribute] = UNREAD + attribute
                continue
            names[attribute] = read.name
            wire = read.column.wire if read.name in shared else read.wire
            optional = all(u.optional for u in uses if u.name == read.name)
            annotations.append((attribute, wire | None, None) if optional else (attribute, wire))
        for name, attribute in ((COMMITTED, "committed_ms"), (DELETED, "deleted")):
            names[attribute] = UNREAD + attribute if name in first else name
            annotations.append((attribute, Any, None))
        # those that copy come first: they read what the JSON held
        for use in sorted(uses, key=lambda u: u is first[u.name]):
            convert = use.convert or (_same if use.name in shared or use.default is not None else None)
            unavailable = use.column.unavailable
            if convert is not None or (unavailable is not None and use.wire in _TEXTS):
                steps.append(
                    Step(
                        *(use.attribute, first[use.name].attribute, use.name, convert or _same),
                        *(unavailable, use.optional, use.default),
                    )
                )
        self._steps = steps
        # without a cycle to find, the collector need not track millions of rows
        self.row: Any = msgspec.defstruct("Row", annotations, rename=names, kw_only=True, gc=False)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(self.row).decode
        self.read = self._read if steps else self._decode
        self.may_be_deleted = fields is None or DELETED in fields

    def _read(self, payload: bytes) -> Any:
        row = self._decode(payload)
        self.convert(row)
        return row

    def convert(self, row: Any) -> None:
        """Make of the values of a decoded row what the pipeline wants of them.

        Raises:
            BadRow: that cannot be.
        """
        for step in self._steps:
            value = getattr(row, step.source)
            if value is None and step.optional:
                setattr(row, step.attribute, step.default)
                continue
            if step.unavailable is not None and value == step.unavailable:
                raise BadRow("unavailable_value", f"column {step.name}: the log does not carry its value")
            try:
                setattr(row, step.attribute, step.convert(value))
            except (ValueError, OverflowError, TypeError, ArithmeticError) as error:
                raise BadRow("invalid_field", f"column {step.name}: {error}") from error


def _uses(pipeline: Pipeline, fields: Mapping[str, Field] | None, *, exact: bool) -> list[Use]:
    source = pipeline.source
    names = Counter([source.key, source.timestamp, source.version, *pipeline.target.copies])
    names.update(feature.column for feature in pipeline.features)
    if pipeline.truth is not None:
        names[pipeline.truth.column] += 1

    def column(name: str, unit: str | None = None, wire: Any = Any) -> Column:
        if fields is not None and name in fields:
            return column_of(fields[name])
        # what serves several times is read as it is
        if exact and unit is None and names[name] == 1:
            return Column("JSON", wire)
        return without_schema(unit)

    uses = [
        _feature(f"f{i}", feature, column(feature.column, wire=_exact(feature)))
        for i, feature in enumerate(pipeline.features)
    ]
    if source.key is not None:
        found = column(source.key, wire=KEY)
        direct = found.wire in (int, str, KEY)
        uses.append(Use("key", found, source.key, found.wire, None if direct else _then(found.read, key)))
    if source.timestamp is not None:
        found = column(source.timestamp, source.timestamp_unit, str)
        # a text is for the target database to read
        direct = found.wire is str
        convert = None if direct else _then(found.read, moment)
        uses.append(Use("timestamp", found, source.timestamp, found.wire, convert))
    if pipeline.truth is not None:
        found = column(pipeline.truth.column)
        # of the few rows that the console shows, it makes a `truth`
        uses.append(Use("truth", found, pipeline.truth.column, Any, found.read, optional=True))
    if source.version is not None:
        found = column(source.version)
        uses.append(Use("version", found, source.version, Any, _then(found.read, version), optional=True))
    for i, name in enumerate(pipeline.target.copies):
        found = column(name)
        convert = None if found.read is None else _then(found.read, copied)
        uses.append(Use(f"c{i}", found, name, SCALAR if convert is None else found.wire | None, convert))
    return uses


def _exact(feature: Feature) -> Any:
    """The type of JSON values that are what the model gets of the feature."""
    wanted = TYPES[feature.datatype]
    if feature.size is not None:
        return Any
    if wanted is int:
        limit = RANGES[feature.datatype]
        return Annotated[int, msgspec.Meta(ge=-limit, le=limit - 1)]
    return wanted


def _feature(attribute: str, feature: Feature, column: Column) -> Use:
    wanted = TYPES[feature.datatype]
    optional, default = feature.default is not None, feature.default
    if column.wire == _exact(feature) is not Any:
        return Use(attribute, column, feature.column, column.wire, None, optional, default)
    if feature.size is not None:
        each = _array(feature.size, converter(feature.datatype))
        return Use(attribute, column, feature.column, Any, _then(column.read, each))
    if (
        (column.wire is wanted is not int)
        or (column.wire is int and wanted is float and column.read is None)
        or (wanted is int and column.name in WITHIN[feature.datatype])
    ):
        return Use(attribute, column, feature.column, wanted, None, optional, default)
    convert = _then(column.read, converter(feature.datatype))
    return Use(attribute, column, feature.column, column.wire, convert, optional, default)


def _then(first: Convert | None, second: Convert) -> Convert:
    if first is None:
        return second
    return lambda value: second(first(value))


def _same(value: Any) -> Any:
    return value


def _array(size: int, convert: Convert) -> Convert:
    def read(values: Any) -> list[Any]:
        if not isinstance(values, list) or len(values) != size:
            length = f"{len(values)} values" if isinstance(values, list) else "no array"
            raise ValueError(f"{length}, where size is {size}")
        return [convert(value) for value in values]

    return read


def key(value: Any) -> int | str:
    """What identifies a row, of any type that can."""
    if isinstance(value, bool | float | list | dict) or value is None:
        raise ValueError(f"{type(value).__name__} is no key")
    return value if isinstance(value, int) else text(value)


def version(value: Any) -> str:
    """The name of a model version."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value in _NO_VERSIONS:
        raise ValueError(f"{value!r} is no version of a model")
    return str(value)


def copied(value: Any) -> str | int | float | bool | None:
    """A value as the target database reads it; what JSON has no scalar for is text."""
    return value if value is None or isinstance(value, str | int | float | bool) else text(value)


def moment(value: Any) -> str:
    """A point in time as text; without a zone, it is one in UTC."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise ValueError(f"{type(value).__name__} tells no point in time (in messages without a schema: timestamp_unit)")


def truth(value: Any) -> Any:
    """The true value as the model would say it."""
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, bool | int | float | str) else None


def fields_of(schema: Field) -> dict[str, Field]:
    return {field.field: field for field in schema.fields}
