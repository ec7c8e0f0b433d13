"""Arrow's types as what JSON can say of them.

Decimals are numbers; times are ISO 8601 to the microsecond, those with a zone in UTC; binary is Base64; lists are
arrays, structs objects, maps arrays of pairs; a float that is not finite is null.
"""

from typing import Final

import pyarrow as pa

MAX_DEPTH: Final = 32


class UnreadableType(Exception):
    """The type has no form in JSON; the text says why."""


def readable(kind: pa.DataType, depth: int = 1) -> pa.DataType:
    """The type to cast a column to, so that its values become Python objects that JSON can say.

    Raises:
        UnreadableType: there is none.
    """
    if depth > MAX_DEPTH:
        raise UnreadableType(f"is nested more than {MAX_DEPTH} deep")
    if pa.types.is_dictionary(kind):
        return readable(kind.value_type, depth)
    if pa.types.is_map(kind):
        return pa.map_(readable(kind.key_type, depth + 1), readable(kind.item_type, depth + 1))
    if pa.types.is_struct(kind):
        fields = [kind.field(index) for index in range(kind.num_fields)]
        if len({field.name for field in fields}) < len(fields):
            raise UnreadableType("has two fields of one name")
        return pa.struct([field.with_type(readable(field.type, depth + 1)) for field in fields])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _list(kind, kind.value_field.with_type(readable(kind.value_type, depth + 1)))
    return _in_microseconds(kind)


def _list(kind: pa.DataType, value: pa.Field) -> pa.DataType:
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(value, kind.list_size)
    return pa.large_list(value) if pa.types.is_large_list(kind) else pa.list_(value)


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    """The type of a time without nanoseconds, of which Python's have none; other types as they are."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us" if kind.unit == "ns" else kind.unit, "UTC" if kind.tz else None)
    if pa.types.is_duration(kind):
        return pa.duration("us" if kind.unit == "ns" else kind.unit)
    return pa.time64("us") if pa.types.is_time64(kind) else kind
