from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.accounts.accounts import Accounts
from api.accounts.dependency import OF_TOKENS, READ, Account, signed_in
from api.accounts.form import FORM, sign_in_form
from api.accounts.schemas import SignIn, TokenOut, WebhookSecretOut
from api.accounts.tokens import in_order
from api.problems import ProblemRoute, Refusals

router = APIRouter(prefix="/auth", tags=["accounts"], route_class=ProblemRoute)
TOKEN_PATH = f"{router.prefix}/token"
# a token is nobody else's business (RFC 6749, 5.1)
NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}

refusals = Refusals(
    {
        400: "The body is no form.",
        401: "The name or the password is wrong.",
        413: "The form is too large.",
        415: "The body is no form by its content type.",
        422: "A field is missing, or the scope is none that the account has.",
        429: "Too many passwords were wrong of late; try again after `Retry-After` seconds.",
        503: "The database is away, or too many sign in at this moment; try again after `Retry-After` seconds.",
    }
)
of_tokens = Refusals(OF_TOKENS)
# The form is read by hand, within limits, so its schema is told to the documentation by hand too.
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": SignIn.model_json_schema(),
                "example": {"grant_type": "password", "username": "ada", "password": "correct horse battery"},
            }
        },
    }
}


@router.post(
    "/token",
    summary="Sign in",
    response_model=TokenOut,
    responses={200: {"description": "The token."}, **refusals(400, 401, 413, 415, 422, 429, 503)},
    openapi_extra=BODY,
)
async def token(request: Request) -> Response:
    """Give a token for a name and its password; `python -m api.users add` makes accounts."""
    accounts: Accounts = request.app.state.accounts
    form, asked = await sign_in_form(request)
    grant = await accounts.sign_in(form.username, form.password, asked)
    body = TokenOut(access_token=grant.token, expires_in=grant.expires_in_seconds, scope=in_order(grant.scopes))
    return Response(body.model_dump_json(), 200, NOT_KEPT, "application/json")


@router.get(
    "/webhook-secret",
    summary="What callbacks are signed with",
    response_model=WebhookSecretOut,
    responses={200: {"description": "The account's own secret."}, **of_tokens(401, 403, 503)},
)
async def webhook_secret(request: Request, account: Annotated[Account, signed_in(READ)]) -> Response:
    """Give the secret by which a callback's `webhook-signature` is checked (Standard Webhooks)."""
    accounts: Accounts = request.app.state.accounts
    body = WebhookSecretOut(secret=accounts.webhook_secret(account))
    return Response(body.model_dump_json(), 200, NOT_KEPT, "application/json")
