"""The line of every key is known, however the file is written."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from subscriber.toml_lines import Place, key_lines

TEXT = '''
# [comment]
title = "a # no comment" # one
"quoted.key" . plain = 1
at = 2026-01-01 10:00:00

[table.inner] # 7
text = """
[not a table]
key = "no" \\"""
"""
raw = \'\'\'
also = not\'\'\'
list = [
  1, # one ]
  { a = "x", b.c = [2,
    3] },
]

[[many]]
x = 1
[[many.deep]]
y = 2
[[many.deep]]
y = 3
[many.single]
z = 4
[[many]]
[[many.deep]]
y = 5

[table]
late = true
inline = { x = {}, y = [] }
'''
LINES: dict[Place, int] = {
    ("title",): 3,
    ("quoted.key",): 4,
    ("quoted.key", "plain"): 4,
    ("at",): 5,
    ("table", "inner"): 7,
    ("table", "inner", "text"): 8,
    ("table", "inner", "raw"): 12,
    ("table", "inner", "list"): 14,
    ("table", "inner", "list", 0): 15,
    ("table", "inner", "list", 1): 16,
    ("table", "inner", "list", 1, "a"): 16,
    ("table", "inner", "list", 1, "b"): 16,
    ("table", "inner", "list", 1, "b", "c"): 16,
    ("table", "inner", "list", 1, "b", "c", 0): 16,
    ("table", "inner", "list", 1, "b", "c", 1): 17,
    ("many",): 20,
    ("many", 0): 20,
    ("many", 0, "x"): 21,
    ("many", 0, "deep"): 22,
    ("many", 0, "deep", 0): 22,
    ("many", 0, "deep", 0, "y"): 23,
    ("many", 0, "deep", 1): 24,
    ("many", 0, "deep", 1, "y"): 25,
    ("many", 0, "single"): 26,
    ("many", 0, "single", "z"): 27,
    ("many", 1): 28,
    ("many", 1, "deep"): 29,
    ("many", 1, "deep", 0): 29,
    ("many", 1, "deep", 0, "y"): 30,
    ("table",): 32,
    ("table", "late"): 33,
    ("table", "inline"): 34,
    ("table", "inline", "x"): 34,
    ("table", "inline", "y"): 34,
}


def test_every_way_to_write_a_key() -> None:
    assert key_lines(TEXT) == LINES
    assert places(tomllib.loads(TEXT)) == set(LINES)


def test_windows_line_ends_count_once() -> None:
    assert key_lines("a = 1\r\n\r\n[b]\r\nc = 2\r\n") == {("a",): 1, ("b",): 3, ("b", "c"): 4}


def places(value: Any, place: Place = ()) -> set[Place]:
    """Every key and item below a value."""
    if isinstance(value, dict):
        return {(*place, k) for k in value}.union(*(places(v, (*place, k)) for k, v in value.items()))
    if isinstance(value, list):
        return {(*place, i) for i in range(len(value))}.union(*(places(v, (*place, i)) for i, v in enumerate(value)))
    return set()


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\\'\""), max_size=8)
KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True) | TEXTS.map("'{}'".format) | TEXTS.map('"{}"'.format)
STRINGS = (
    TEXTS.map('"{}#\\""'.format)
    | TEXTS.map("'{}]\"'".format)
    | TEXTS.map('"""\n[x]\ny = "" {}\\"""\n"""'.format)
    | TEXTS.map("'''\n{}' ''\n# z\n'''".format)
)
PLAIN = st.sampled_from(["1", "-0.5e3", "true", "2026-01-01 10:00:00Z", "10:00:00", "inf"])
VALUES = st.recursive(
    STRINGS | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + "".join(f"{item}, # ]\n" for item in items) + "]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda pairs: "{ " + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + " }"
        )
    ),
    max_leaves=5,
)
PATHS = st.lists(KEYS, min_size=1, max_size=3)
ENTRIES = (
    st.builds("{} = {} # [x]".format, PATHS.map(" . ".join), VALUES)
    | PATHS.map(lambda keys: f"[{' . '.join(keys)}]")
    | PATHS.map(lambda keys: f"[[{'.'.join(keys)}]] # [[x]]")
    | st.sampled_from(["", "# x = [", "\t"])
)


@given(entries=st.lists(ENTRIES, max_size=12))
def test_every_place_of_a_file_has_a_line_and_its_key_is_on_it(entries: list[str]) -> None:
    text = ""
    content: Any = {}
    for entry in entries:
        try:
            content = tomllib.loads(f"{text}{entry}\n")
        except tomllib.TOMLDecodeError:
            # such as a table that is there already
            continue
        text += f"{entry}\n"

    found = key_lines(text)

    assert set(found) == places(content)
    for place, number in found.items():
        if isinstance(place[-1], str):
            assert place[-1] in text.split("\n")[number - 1]
