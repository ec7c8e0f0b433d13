"""An upload's file, and who never sends the rest of it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from api.tasks.submission import PREFIX, remove_leftovers, submitted

BODY = b'{"model":"iris","rows":[{"a":1}]}'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def request(pieces: AsyncIterator[Message], content_type: str = "application/json") -> Request:
    async def receive() -> Message:
        return await anext(pieces)

    return Request({"type": "http", "headers": [(b"content-type", content_type.encode())]}, receive)


async def sent(*bodies: bytes, for_ever: bool = False) -> AsyncIterator[Message]:
    for body in bodies:
        yield {"type": "http.request", "body": body, "more_body": True}
    if for_ever:
        await asyncio.Event().wait()
    yield {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("content_type", "begun"),
    [("application/json", BODY[:10]), ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-da")],
)
def test_an_upload_that_stalls_is_given_up(folder: Path, content_type: str, begun: bytes) -> None:
    async def scenario() -> None:
        async with submitted(request(sent(begun, for_ever=True), content_type), 1_000, stalled_seconds=0.05):
            pytest.fail("it never came")

    with pytest.raises(HTTPException) as raised:
        asyncio.run(asyncio.wait_for(scenario(), 5))

    assert raised.value.status_code == 408
    assert list(folder.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_is_in_hand_is_not(folder: Path) -> None:
    left, other = folder / f"{PREFIX}left", folder / "another's"
    for file in (left, other):
        file.write_bytes(b"rows")

    async def scenario() -> None:
        async with submitted(request(sent(BODY)), 1_000) as submission:
            remove_leftovers()
            assert submission.path.read_bytes() == b'[{"a":1}]'
            assert not left.exists()

    asyncio.run(scenario())

    assert list(folder.iterdir()) == [other]
