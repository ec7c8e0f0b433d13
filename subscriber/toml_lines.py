"""On which line of a TOML file each key stands, which `tomllib` does not tell.

Source: TOML v1.0.0, https://toml.io. What is read here has been parsed by `tomllib`, so nothing is checked again.
"""

from __future__ import annotations

import re
import tomllib

Place = tuple[str | int, ...]
"""Keys and indices from the top of the file, as pydantic tells where an error is."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# everything else: numbers, dates (which may hold a space), booleans
_PLAIN = re.compile(r"[^,\]}#\n]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")|' + r"'''.*?'''(?!')|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'", re.DOTALL
)


def key_lines(text: str) -> dict[Place, int]:
    """The line, from 1, where each key, table and array item of a valid TOML text begins."""
    return _Scan(text).lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text = text
        self._at = 0
        self._counted_to = 0
        self._line = 1
        # how many tables each array of tables has so far
        self._tables: dict[Place, int] = {}
        self._document()

    def _document(self) -> None:
        table: Place = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Place:
        line = self._line_here()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        *parents, last = self._key()
        self._at += 2 if many else 1
        place: Place = ()
        for key in parents:
            place = self._newest((*place, key))
            self.lines.setdefault(place, line)
        place = (*place, last)
        if many:
            self.lines.setdefault(place, line)
            self._tables[place] = self._tables.get(place, 0) + 1
        place = self._newest(place)
        # its own line, where only the header of a table within was seen so far
        self.lines[place] = line
        return place

    def _newest(self, place: Place) -> Place:
        """The last table of an array of tables; any other place as it is."""
        count = self._tables.get(place)
        return place if count is None else (*place, count - 1)

    def _pair(self, table: Place) -> None:
        line = self._line_here()
        place = table
        for key in self._key():
            place = (*place, key)
            self.lines.setdefault(place, line)
        self._at += 1  # =
        self._skip(_SPACE)
        self._value(place)

    def _key(self) -> list[str]:
        """The parts of a dotted key; stops behind it and the space after it."""
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            if found := _BARE_KEY.match(self._text, self._at):
                parts.append(found[0])
            else:
                found = _STRING.match(self._text, self._at)
                assert found is not None  # noqa: S101 (the text is TOML)
                parts.append(tomllib.loads(f"key = {found[0]}")["key"])
            self._at = found.end()
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _value(self, place: Place) -> None:
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            self._items(place, "]")
        elif opening == "{":
            self._items(place, "}")
        else:
            found = _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
            if found is not None:
                self._at = found.end()

    def _items(self, place: Place, closing: str) -> None:
        """The items of an array, or the pairs of an inline table."""
        self._at += 1
        count = 0
        while True:
            self._skip(_BLANK)
            if self._text.startswith(closing, self._at):
                self._at += 1
                return
            if closing == "]":
                self.lines[(*place, count)] = self._line_here()
                self._value((*place, count))
                count += 1
            else:
                self._pair(place)
            self._skip(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line
