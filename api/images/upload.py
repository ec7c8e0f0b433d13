"""The one file of an upload."""

from http import HTTPStatus

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from api.images.errors import UnsupportedImageError, UploadError

FIELD = "file"
MULTIPART = "multipart/form-data"
OVERHEAD_BYTES = 64 * 1024
"""What an upload may have beside its file: borders, headers, fields that nobody asked for."""
MAX_FIELDS = 8


async def uploaded(request: Request) -> tuple[bytes, str]:
    """The file's content, and the content type that the sender says it has, in small letters, without parameters.

    Raises:
        UnsupportedImageError: the request is no multipart form.
        UploadError: the form has no such file, or it is no form at all.
        HTTPException: the body is larger than is taken (413), or no well-formed form, or it ends early (400).
    """
    if _plain(request.headers.get("content-type")) != MULTIPART:
        raise UnsupportedImageError(f"send the image as {MULTIPART}, in the field '{FIELD}'")
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            file = form.get(FIELD)
            if not isinstance(file, UploadFile):
                what = "is a text, not a file" if file is not None else "is missing"
                raise UploadError(f"the field '{FIELD}' {what}: send the image in it, with a file name")
            return await file.read(), _plain(file.content_type)
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the upload ended early") from error
    # names are decoded by the charset that the sender names, and some of Python's raise errors of their own
    except UnicodeError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the form's charset does not fit its names: send UTF-8") from error


def _plain(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()
