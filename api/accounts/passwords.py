"""Passwords are kept as argon2id hashes.

The parameters are the ones OWASP's Password Storage Cheat Sheet names first for 19 MiB; the library's own 64 MiB a hash
would be felt by a service whose memory is bounded.
"""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARACTERS = 12
MAX_CHARACTERS = 1024

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# of no password: to check against it takes as long as against any other
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$Mu4+QVZ+ucLedl+emLKoGA$JTEmwfM0O5yCR1kzgTuHORQXjgsCPAEze+9VI8p4bEE"


def hashed(password: str) -> str:
    """The hash to keep, with its parameters and its salt."""
    return _hasher.hash(_bytes(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password of a hash; without a hash it is none, which takes as long to find out."""
    try:
        return _hasher.verify(kept or NOBODY, _bytes(password)) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than are used now."""
    return _hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    # the same letters may be typed as other code points on another keyboard; what is no UTF-8 is no password of ours
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
