import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """A new id that begins with the time in milliseconds, so that ids sort by when they were made (RFC 9562)."""
    moment, chance = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10))
    bits = moment << 80 | 7 << 76 | (chance >> 68 & 0xFFF) << 64 | 2 << 62 | chance & (1 << 62) - 1
    return uuid.UUID(int=bits)
