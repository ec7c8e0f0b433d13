"""An object on its way to the store, and the file that keeps it meanwhile.

The file: one line of JSON (key, content type, tags, when it came, CRC-32 of the content), then the content itself.
"""

import zlib
from dataclasses import dataclass

import msgspec

from api.archive.errors import SpoolDamaged


@dataclass(frozen=True)
class KeptObject:
    """An object with all that the store is to know of it."""

    key: str
    data: bytes
    content_type: str
    tags: dict[str, str]
    since: float
    """When it came, in seconds since 1970."""


class _Head(msgspec.Struct):
    key: str
    content_type: str
    tags: dict[str, str]
    since: float
    crc: int


_decoder = msgspec.json.Decoder(_Head)


def encoded(kept: KeptObject) -> bytes:
    """Return the file of an object."""
    head = _Head(kept.key, kept.content_type, kept.tags, kept.since, zlib.crc32(kept.data))
    return msgspec.json.encode(head) + b"\n" + kept.data


def decoded(file: bytes) -> KeptObject:
    """Read what `encoded` made.

    Raises:
        SpoolDamaged: it is something else.
    """
    line, _, data = file.partition(b"\n")
    try:
        head = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SpoolDamaged(f"its first line: {error}") from error
    if zlib.crc32(data) != head.crc:
        raise SpoolDamaged("its content has another checksum")
    return KeptObject(head.key, data, head.content_type, head.tags, head.since)
