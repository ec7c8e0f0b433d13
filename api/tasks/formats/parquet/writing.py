"""Lines of JSON to a Parquet file, a row group at a time."""

from io import BytesIO
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import json

ROW_GROUP_ROWS: Final = 50_000
ROW_GROUP_BYTES: Final = 16 * 1024 * 1024
TYPES: Final = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "text": pa.string(), "any": pa.string()}


def write(lines: BinaryIO, columns: dict[str, str], out: BinaryIO) -> None:
    """Write rows, one JSON object a line, with the columns' names and kinds (int, float, bool, text, any)."""
    schema = pa.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), schema) as writer:
        group: list[bytes] = []
        size = 0
        for line in lines:
            group.append(line)
            size += len(line)
            if len(group) == ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
                writer.write_table(_table(group, schema, size))
                group, size = [], 0
        if group:
            writer.write_table(_table(group, schema, size))
    out.flush()


def _table(group: list[bytes], schema: pa.Schema, size: int) -> pa.Table:
    return json.read_json(
        BytesIO(b"".join(group)),
        read_options=json.ReadOptions(use_threads=False, block_size=size + 1),
        parse_options=json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
