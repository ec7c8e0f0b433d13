"""Which Postgres type takes what: the model's outputs, the source's keys, points in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from subscriber.decoding.columns import Field

# the datatypes of the Open Inference Protocol v2, and the type that holds each value as it is
OUTPUTS: Final = {
    "FP64": "double precision",
    "FP32": "real",
    "FP16": "real",
    "BF16": "real",
    "INT64": "bigint",
    "INT32": "integer",
    "INT16": "smallint",
    "INT8": "smallint",
    "UINT64": "numeric(20)",
    "UINT32": "bigint",
    "UINT16": "integer",
    "UINT8": "smallint",
    "BOOL": "boolean",
    "BYTES": "text",
}
INTEGERS: Final = ("smallint", "integer", "bigint")
FLOATS: Final = ("real", "double precision")
# each takes all values of the types named for it
WIDER: Final = {
    "smallint": ("smallint", "integer", "bigint", "numeric", *FLOATS),
    "integer": ("integer", "bigint", "numeric", "double precision"),
    "bigint": ("bigint", "numeric"),
    "numeric": ("numeric",),
    "real": ("real", "double precision", "numeric"),
    "double precision": ("double precision", "numeric"),
    "boolean": ("boolean",),
    "text": ("text", "character varying"),
    "uuid": ("uuid", "text", "character varying"),
    "timestamp with time zone": ("timestamp with time zone",),
}
# takes some of the values, and refuses the others or keeps less of them
NARROWER: Final = {
    "integer": ("smallint", "real"),
    "bigint": ("smallint", "integer", *FLOATS),
    "numeric": (*INTEGERS, *FLOATS),
    "double precision": ("real",),
    "text": ("character", "uuid", "json", "jsonb", "numeric", *INTEGERS),
    "timestamp with time zone": ("timestamp without time zone", "date"),
}


def output_type(datatype: str, width: int = 1) -> str:
    """The type of a column for an output: an array where each row gets several values (shape `[n, width]`)."""
    one = OUTPUTS.get(datatype, "text")
    return one if width == 1 else f"{one}[]"


def key_type(field: Field | None, example: object = None) -> str:
    """The type of a column for the source's key, by its schema, else by an example of it."""
    if field is None:
        return "bigint" if isinstance(example, int) else "text"
    if field.name == "io.debezium.data.Uuid":
        return "uuid"
    if field.name:
        # such as a time or a decimal, which the key is written as text for
        return "text"
    return {"int8": "smallint", "int16": "smallint", "int32": "integer", "int64": "bigint"}.get(field.type, "text")


def fits(wanted: str, found: str) -> bool | None:
    """Whether a column of type `found` takes values of type `wanted`: all (True), some (None), none (False).

    Types as `format_type` of Postgres writes them; a length or precision is not looked at.
    """
    if wanted.endswith("[]") != found.endswith("[]"):
        return False
    wanted_base, found_base = _base(wanted), _base(found)
    if found_base in WIDER.get(wanted_base, (wanted_base,)):
        # a length limits what is taken
        return True if found_base != "character varying" or "(" not in found else None
    return None if found_base in NARROWER.get(wanted_base, ()) else False


def _base(name: str) -> str:
    """The type without its length: `character varying` of `character varying(20)[]`."""
    name = name.removesuffix("[]")
    head, bracket, tail = name.partition("(")
    return head + tail.partition(")")[2] if bracket else name
