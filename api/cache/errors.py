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


# the first that fits; most of the library's errors derive from one another
_KINDS: tuple[tuple[tuple[type[Exception], ...], type[CacheError], str], ...] = (
    ((raised.TimeoutError, TimeoutError), Unreachable, "timeout"),
    ((raised.AuthenticationError, raised.AuthorizationError), Unreachable, "login"),
    ((raised.ConnectionError, raised.InvalidResponse, OSError, EOFError), Unreachable, "connection"),
    ((raised.NoPermissionError,), Refused, "permission"),
    ((raised.OutOfMemoryError,), Refused, "out_of_memory"),
)


def translated(error: Exception) -> CacheError:
    """What the client library raised, as the action it asks for."""
    detail = f"{type(error).__name__}: {error}"
    for types, action, kind in _KINDS:
        if isinstance(error, types):
            return action(kind, detail)
    return Refused("wrong_type" if str(error).startswith("WRONGTYPE") else "server", detail)
