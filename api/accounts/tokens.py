"""Tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, and with nothing else."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from api.accounts.errors import TokenError

ALGORITHM = "HS256"
ISSUER = "stream-serving"
AUDIENCE = "stream-serving tasks"
CLAIMS = ("iss", "aud", "sub", "name", "scope", "iat", "nbf", "exp", "jti", "generation")
MAX_CHARACTERS = 2048
MAX_ID_DIGITS = 18


@dataclass(frozen=True)
class Claims:
    """What a token says: whose it is, of which generation of passwords, and what it is good for."""

    account: int
    name: str
    scopes: frozenset[str]
    generation: int


def issued(key: bytes, claims: Claims, now: datetime, minutes: int) -> str:
    """A token that is good from `now` for so many minutes."""
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(claims.account),
        "name": claims.name,
        "scope": in_order(claims.scopes),
        "iat": now,
        "nbf": now,
        "exp": now + timedelta(minutes=minutes),
        "jti": str(uuid.uuid4()),
        "generation": claims.generation,
    }
    return jwt.encode(payload, key, ALGORITHM)


def verified(key: bytes, token: str) -> Claims:
    """What a token says, if it is one of ours and good now.

    Raises:
        TokenError: it is not.
    """
    if len(token) > MAX_CHARACTERS:
        raise TokenError("the token is not valid")
    try:
        payload = jwt.decode(
            token, key, algorithms=[ALGORITHM], issuer=ISSUER, audience=AUDIENCE, options={"require": list(CLAIMS)}
        )
    except jwt.ExpiredSignatureError:
        raise TokenError("the token has expired") from None
    # what is no token may be JSON that is too deep, or hold numbers that are too large
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenError("the token is not valid") from None
    account, name, scope, generation = (payload[claim] for claim in ("sub", "name", "scope", "generation"))
    if not (
        isinstance(account, str)
        and account.isascii()
        and account.isdecimal()
        and len(account) <= MAX_ID_DIGITS
        and isinstance(name, str)
        and isinstance(scope, str)
        and type(generation) is int
    ):
        raise TokenError("the token is not valid")
    return Claims(int(account), name, frozenset(scope.split()), generation)


def in_order(scopes: Iterable[str]) -> str:
    """Scopes as RFC 6749 writes them."""
    return " ".join(sorted(scopes))
