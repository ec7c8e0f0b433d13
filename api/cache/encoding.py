"""What is stored of an answer: one byte that tells the encoding's version, a CRC-32 of the answer, the answer.

```
01 | CRC-32, 4 bytes, most significant first | the answer's bytes
```

Nothing that is read is ever executed, as a pickle would be, nor taken for an answer unless it is whole.
"""

import zlib

VERSION = b"\x01"
_CHECKSUM_BYTES = 4
_HEAD_BYTES = len(VERSION) + _CHECKSUM_BYTES


def encode(answer: bytes) -> bytes:
    """What is to be stored."""
    return VERSION + zlib.crc32(answer).to_bytes(_CHECKSUM_BYTES) + answer


def decode(stored: bytes) -> bytes | None:
    """The answer, or None if this is not one, whole, in this version of the encoding."""
    if len(stored) < _HEAD_BYTES or not stored.startswith(VERSION):
        return None
    answer = stored[_HEAD_BYTES:]
    if zlib.crc32(answer) != int.from_bytes(stored[len(VERSION) : _HEAD_BYTES]):
        return None
    return answer
