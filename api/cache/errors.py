"""What can go wrong with the cache, by what is to be done about it. No caller of the cache ever sees one of these.

CacheError
├── Unreachable   no answer, or nobody is let in: ask no more for a while
└── Refused       the server answers, and says no to this command: go on asking
"""

from __future__ import annotations

import redis.exceptions as raised


class CacheError(Exception):
    """`kind` is one of a few words to count by."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Unreachable(CacheError):
    """Of the kinds `timeout`, `connection` and `login`."""


class Refused(CacheError):
    """Of the kinds `wrong_type`, `out_of_memory`, `permission` and `server`."""


def translated(error: Exception) -> CacheError:
    """What the client library raised, as the action it asks for."""
    detail = f"{type(error).__name__}: {error}"
    match error:
        case raised.TimeoutError() | TimeoutError():
            return Unreachable("timeout", detail)
        case raised.AuthenticationError() | raised.AuthorizationError():
            return Unreachable("login", detail)
        case raised.ConnectionError() | raised.InvalidResponse() | OSError() | EOFError():
            return Unreachable("connection", detail)
        case raised.NoPermissionError():
            return Refused("permission", detail)
        case raised.OutOfMemoryError():
            return Refused("out_of_memory", detail)
        case raised.ResponseError() if str(error).startswith("WRONGTYPE"):
            return Refused("wrong_type", detail)
        case _:
            return Refused("server", detail)
