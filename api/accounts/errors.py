"""What can go wrong when somebody signs in or shows a token.

ApiError
└── RequestError
    ├── SignInError       the name or the password is wrong; which of the two is not told
    ├── TooManyTriesError too many passwords were wrong of late; try again after `retry_after_seconds`
    ├── NoTokenError      there is no token
    ├── TokenError        the token is not one of ours, has expired, or its account has changed; sign in again
    └── ScopeError        the token is good, but not for that
"""

from collections.abc import Mapping

from api.errors import RequestError


class SignInError(RequestError):
    """The name or the password is wrong; which of the two is not told."""

    challenge = "Bearer"
    members: Mapping[str, object] = {"error": "invalid_grant"}

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong")


class TooManyTriesError(RequestError):
    """Too many passwords were wrong of late; worth another try after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"too many passwords were wrong of late: try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class NoTokenError(RequestError):
    """There is no token in the request."""

    challenge = "Bearer"

    def __init__(self) -> None:
        super().__init__("send `Authorization: Bearer TOKEN`, with a token from POST /auth/token")


class TokenError(RequestError):
    """The token is not one of ours, has expired, or its account has changed since."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}: sign in again at POST /auth/token")
        self.challenge = f'Bearer error="invalid_token", error_description="{problem}"'


class ScopeError(RequestError):
    """The token is good, but not for that."""

    def __init__(self, *needed: str) -> None:
        scope = " ".join(needed)
        super().__init__(f"the token does not allow this, which needs the scope {scope}")
        self.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
