"""What is kept of an answer, on its way: as a row of its table, and as a line of a file."""

import uuid
from dataclasses import dataclass

import msgspec

from api.credit.ports import RecordedAnswer
from api.images.ports import RecordedImage
from api.monitoring.answers import ANSWER_TABLES, KeptAnswer, answer_row
from api.monitoring.images import IMAGES, KeptImage, image_row
from api.monitoring.tables import Row, Table, UnfitRecord

TABLES = (*ANSWER_TABLES.values(), IMAGES)

Kept = KeptAnswer | KeptImage


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record on its way."""

    table: Table
    row: Row
    kept: Kept

    def encoded(self) -> bytes:
        return msgspec.json.encode(self.kept)


class _Line(msgspec.Struct):
    """What a line of a file holds: an answer with its id, or an image."""

    answer_id: uuid.UUID | None = None
    answer: RecordedAnswer | None = None
    image: RecordedImage | None = None


_decoder = msgspec.json.Decoder(_Line)


def waiting(kept: Kept) -> Waiting:
    """Make a row of a record.

    Raises:
        UnfitRecord: no table takes it.
    """
    table, row = answer_row(kept) if isinstance(kept, KeptAnswer) else image_row(kept)
    return Waiting(table, row, kept)


def decoded(line: bytes) -> Waiting:
    """Read what `encoded` wrote.

    Raises:
        UnfitRecord: it is something else.
    """
    try:
        found = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnfitRecord(str(error)) from error
    if found.image is not None:
        return waiting(KeptImage(found.image))
    if found.answer_id is None or found.answer is None:
        raise UnfitRecord("neither an answer with its id nor an image")
    return waiting(KeptAnswer(found.answer_id, found.answer))
