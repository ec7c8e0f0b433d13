"""The form that a token is asked for with."""

from http import HTTPStatus
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from api.accounts.schemas import SignIn
from api.accounts.scopes import SCOPES
from api.tasks.errors import FieldsError, UnsupportedFormatError

FORM = "application/x-www-form-urlencoded"
MAX_BYTES = 16 * 1024
MAX_FIELDS = 16


async def sign_in_form(request: Request) -> tuple[SignIn, frozenset[str] | None]:
    """The form's fields, and the scopes that are asked for; None if none is named.

    Raises:
        UnsupportedFormatError: the body is said to be no form.
        FieldsError: fields are missing or wrong.
        HTTPException: the body is larger than is taken (413), or no form, or it ends early (400).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise UnsupportedFormatError(f"send the name and the password as {FORM}")
    try:
        fields = parse_qsl(
            (await request.body()).decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the form ended early") from error
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"send a form in UTF-8, of {MAX_FIELDS} fields at most") from error
    twice = {name for name, _ in fields if sum(name == other for other, _ in fields) > 1}
    if twice & SignIn.model_fields.keys():
        raise FieldsError(*((name, "is there more than once") for name in sorted(twice & SignIn.model_fields.keys())))
    try:
        form = SignIn.model_validate(dict(fields))
    except ValidationError as error:
        raise FieldsError(*((str(problem["loc"][0]), problem["msg"]) for problem in error.errors())) from None
    asked = frozenset(form.scope.split())
    if not asked <= SCOPES.keys():
        raise FieldsError(("scope", f"is none of {', '.join(SCOPES)}"))
    return form, asked or None
