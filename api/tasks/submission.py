"""What somebody hands over to be predicted: which model, and a file of rows on this machine's disk."""

import asyncio
import fcntl
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from api.tasks.errors import FieldsError, TooLargeError, UnsupportedFormatError
from api.tasks.formats.format import Format, format_of

MULTIPART, JSON = "multipart/form-data", "application/json"
FIELDS = ("model", "version", "callback_url")
FILE = "file"
MAX_FIELDS = 8
OVERHEAD_BYTES = 64 * 1024
"""What an upload may have beside its file: borders, headers, fields."""
PIECE_BYTES = 1024 * 1024
STALLED_SECONDS = 60.0
"""An upload of which nothing comes for so long is given up: whoever is gone without a word must not keep its place."""
PREFIX = "stream-serving-rows-"


@dataclass(frozen=True)
class Submission:
    """What was asked for; `path` is there for as long as the request is answered."""

    model: str
    version: str | None
    callback_url: str | None
    path: Path
    format: Format
    fingerprint: bytes
    """SHA-256 of all of it: two that have the same ask for the same."""


class RowsIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request in JSON."""

    model: str
    rows: msgspec.Raw
    version: str | None = None
    callback_url: str | None = None


@asynccontextmanager
async def submitted(
    request: Request, max_json_bytes: int, stalled_seconds: float = STALLED_SECONDS
) -> AsyncIterator[Submission]:
    """Bring a request's rows to the disk, whatever their number.

    Raises:
        FieldsError: fields are missing or wrong.
        TooLargeError: the JSON body is larger than is taken.
        UnsupportedFormatError: the body, or its file, is of no type that is taken.
        HTTPException: it is no well-formed form, or ends early (400), stalls (408), or is larger than is taken (413).
    """
    content_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if content_type not in (MULTIPART, JSON):
        raise UnsupportedFormatError(f"send rows as {JSON}, or a file as {MULTIPART} in the field '{FILE}'")
    file, path = await asyncio.to_thread(_new_file)
    with file:
        try:
            read = _from_json if content_type == JSON else _from_form
            try:
                fields, format_, digest = await read(_heard(request, stalled_seconds), file, max_json_bytes)
            except ClientDisconnect as error:
                raise HTTPException(HTTPStatus.BAD_REQUEST, "the upload ended early") from error
            await asyncio.to_thread(file.flush)
            yield Submission(*_named(fields), path, format_, digest)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)


def remove_leftovers() -> None:
    """Remove the files of uploads whose process was killed: nobody holds their locks."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _new_file() -> tuple[BinaryIO, Path]:
    """A file of this process's own, locked for as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(prefix=PREFIX)
        file = os.fdopen(handle, "wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return file, Path(name)
        # taken for a leftover before it was locked
        file.close()


def _heard(request: Request, stalled_seconds: float) -> Request:
    """The request, whose body raises an HTTPException where nothing of it comes for so long."""

    async def receive() -> Message:
        try:
            async with asyncio.timeout(stalled_seconds):
                return await request.receive()
        except TimeoutError as error:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the upload stalled: send it again") from error

    return Request(request.scope, receive)


async def _from_json(request: Request, file: BinaryIO, max_bytes: int) -> tuple[dict[str, str | None], Format, bytes]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > max_bytes:
            raise TooLargeError(
                f"the body is larger than {max_bytes} bytes; a file, sent as {MULTIPART}, may hold more"
            )
    try:
        asked = msgspec.json.decode(body, type=RowsIn)
    except msgspec.ValidationError as error:
        raise FieldsError(("body", str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FieldsError(("body", f"is not JSON: {error}")) from error
    fields = {name: getattr(asked, name) for name in FIELDS}
    digest = _digest(fields, Format.JSON_ROWS)
    rows = bytes(asked.rows)
    digest.update(rows)
    await asyncio.to_thread(file.write, rows)
    return fields, Format.JSON_ROWS, digest.digest()


async def _from_form(
    request: Request, file: BinaryIO, _max_json_bytes: int
) -> tuple[dict[str, str | None], Format, bytes]:
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            fields = _texts(form)
            upload = form.get(FILE)
            if not isinstance(upload, UploadFile):
                what = "is a text, not a file" if upload is not None else "is missing"
                raise FieldsError((FILE, f"{what}: send the rows in it, with a file name"))
            format_ = format_of(upload.content_type, upload.filename)
            digest = _digest(fields, format_)
            while piece := await upload.read(PIECE_BYTES):
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
            return fields, format_, digest.digest()
    # names are decoded by the charset that the sender names, and some of Python's raise errors of their own
    except UnicodeError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the form's charset does not fit its names: send UTF-8") from error


def _texts(form: FormData) -> dict[str, str | None]:
    unknown = [(name, "is no field of a task") for name in form if name not in (*FIELDS, FILE)]
    if unknown:
        raise FieldsError(*unknown)
    fields: dict[str, str | None] = {}
    for name in FIELDS:
        values = form.getlist(name)
        if len(values) > 1 or any(not isinstance(value, str) for value in values):
            raise FieldsError((name, "is one text"))
        # a form's field that was left empty
        fields[name] = str(values[0]) if values and values[0] else None
    return fields


def _named(fields: dict[str, str | None]) -> tuple[str, str | None, str | None]:
    model = fields["model"]
    if not model:
        raise FieldsError(("model", "is missing; GET /models lists those that take tasks"))
    for name, value in fields.items():
        if value is not None and "\0" in value:
            raise FieldsError((name, "holds a NUL"))
    return model, fields["version"] or None, fields["callback_url"] or None


def _digest(fields: dict[str, str | None], format_: Format) -> "hashlib._Hash":
    return hashlib.sha256(msgspec.json.encode([*fields.values(), format_.name]) + b"\n")
