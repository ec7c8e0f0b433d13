"""The elements of a JSON array in a file, one after another: never more of it is held than an element and a block."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from api.tasks.errors import FieldsError

BLOCK_CHARACTERS: Final = 64 * 1024
BLANK: Final = re.compile(r"[ \t\r\n]*")


def elements(path: Path, row_bytes: int) -> Iterator[tuple[str, str]]:
    """Where each element is, for messages, and its text.

    Raises:
        FieldsError: the file is no JSON array in UTF-8, or an element has many more than `row_bytes` bytes.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _Array(file, row_bytes).elements()
    except UnicodeDecodeError as error:
        raise FieldsError(("rows", "are not in UTF-8")) from error
    except RecursionError as error:
        raise FieldsError(("rows", "are nested too deep")) from error


class _Array:
    """Text of a file, from `_at` on what has not been taken yet."""

    def __init__(self, file: TextIO, row_bytes: int) -> None:
        self._file = file
        self._row_bytes = row_bytes
        self._text = ""
        self._at = 0
        # numbers are not computed: only where they end matters here
        self._scanner = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_json)

    def elements(self) -> Iterator[tuple[str, str]]:
        if self._take() != "[":
            raise FieldsError(("rows", "are no JSON array of objects"))
        number = 0
        mark = self._peek()
        while mark != "]":
            number += 1
            self._peek()
            yield f"row {number}", self._element(number)
            mark = self._peek()
            if mark == ",":
                self._take()
            elif mark != "]":
                raise FieldsError(("rows", f"row {number} is followed by neither a comma nor the end of the array"))
        self._take()
        if self._peek():
            raise FieldsError(("rows", "are followed by something else"))

    def _element(self, number: int) -> str:
        while True:
            try:
                _, end = self._scanner.raw_decode(self._text, self._at)
            except ValueError as error:
                if len(self._text) - self._at > self._row_bytes + BLOCK_CHARACTERS:
                    problem = f"row {number} is not JSON, or has more than {self._row_bytes} bytes"
                    raise FieldsError(("rows", problem)) from error
                if not self._read():
                    raise FieldsError(("rows", f"row {number} is not JSON: {error}")) from error
            else:
                # a number may go on in the next block
                if end < len(self._text) or not self._read():
                    element, self._at = self._text[self._at : end], end
                    return element

    def _take(self) -> str:
        mark = self._peek()
        self._at += len(mark)
        return mark

    def _peek(self) -> str:
        """The next character that is not blank; none at the end of the file."""
        while True:
            if found := BLANK.match(self._text, self._at):
                self._at = found.end()
            if self._at < len(self._text) or not self._read():
                return self._text[self._at : self._at + 1]

    def _read(self) -> bool:
        """Read on; whether there was more."""
        block = self._file.read(BLOCK_CHARACTERS)
        self._text, self._at = self._text[self._at :] + block, 0
        return bool(block)


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
