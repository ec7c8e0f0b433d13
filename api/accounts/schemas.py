"""What the endpoints of accounts take and give, as the documentation shows it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE: dict[str, str | int] = {
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl",
    "token_type": "bearer",
    "expires_in": 3600,
    "scope": "tasks:read tasks:write",
}


class SignIn(BaseModel):
    """The form of OAuth 2.0's password grant (RFC 6749, 4.3.2); fields of another name are not looked at."""

    grant_type: Annotated[Literal["password"], Field(description="May be left out.")] = "password"
    username: Annotated[str, Field(min_length=1, max_length=256)]
    password: Annotated[str, Field(min_length=1, max_length=1024, json_schema_extra={"format": "password"})]
    scope: Annotated[
        str, Field(description="What the token is to be good for, with spaces between; all, if it is left out.")
    ] = ""


class WebhookSecretOut(BaseModel):
    """The secret that signs callbacks."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}]}
    )

    secret: Annotated[str, Field(description="As Standard Webhooks writes it: `whsec_`, then 32 bytes in base64.")]


class TokenOut(BaseModel):
    """A token for `Authorization: Bearer …`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE}]})

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 (a type, not a token)
    expires_in: Annotated[int, Field(description="For how many seconds the token is good.")]
    scope: Annotated[str, Field(description="What it is good for, with spaces between.")]
