"""How a route asks who is there: `account: Annotated[Account, signed_in(READ)]`."""

from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from starlette.requests import Request

from api.accounts.accounts import Account, Accounts
from api.accounts.errors import NoTokenError, ScopeError
from api.accounts.scopes import READ, SCOPES, WRITE

__all__ = ["OF_TOKENS", "READ", "WRITE", "Account", "signed_in"]

# why a route that asks who is there may refuse, for the documentation
OF_TOKENS = {
    401: "There is no token, or it is not one of ours, has expired, or its account has changed.",
    403: "The token is not good for that.",
    503: "The database is away; try again after `Retry-After` seconds.",
}

# relative: the API may be served below a path
_bearer = OAuth2PasswordBearer("auth/token", scopes=SCOPES, auto_error=False)


def signed_in(*scopes: str) -> Any:
    """What gives a route the account of the request's token, if the token is good for all these scopes.

    The request ends with 401 without a good token, and with 403 if it is good for less.
    """
    return Security(_account, scopes=list(scopes))


async def _account(request: Request, needed: SecurityScopes, token: Annotated[str | None, Depends(_bearer)]) -> Account:
    if not token:
        raise NoTokenError
    accounts: Accounts = request.app.state.accounts
    account = await accounts.account_of(token)
    if not account.scopes.issuperset(needed.scopes):
        raise ScopeError(*needed.scopes)
    return account
