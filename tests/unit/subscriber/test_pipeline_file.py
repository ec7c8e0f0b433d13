"""A mistake is told with its line, and with what was meant where that is likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subscriber.errors import WrongSetting
from subscriber.pipeline_file import load_pipeline, place_of

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
name = "flowers"
topic = "source-flowers"
group = "flowers-group"

[model]
url = "http://127.0.0.1:8000/v2/models/flowers"

[[features]]
column = "width"

[[features]]
column = "height"

[target]
table = "prediction"
outputs = { class = "class" }
"""


def said(folder: Path, text: str) -> list[str]:
    (folder / "flowers.toml").write_text(text)
    with pytest.raises(WrongSetting) as raised:
        load_pipeline(folder / "flowers.toml")
    return [line.removeprefix(f"{folder}/") for line in str(raised.value).splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('url = "http:', 'url = "htp:', "flowers.toml:6: model.url: string should match pattern"),
        ('column = "height"', "column = 1", "flowers.toml:12: features[1].column: input should be a valid string"),
        ('class = "class"', "class = 1", "flowers.toml:16: target.outputs.class: input should be a valid string"),
        ("127.0.0.1:8000", "${UNSET}", "flowers.toml:6: model.url: environment variable UNSET is not set"),
        # a key that is missing is told where it should be
        ('column = "height"', "", "flowers.toml:11: features[1].column: missing"),
        ('topic = "source-flowers"', "", "flowers.toml: topic: missing"),
        # what does not go together
        ('"height"', '"width"', "flowers.toml:8: features: two of them have one tensor name"),
        ('"height"', "'h'\ndefault = 'x'", "flowers.toml:13: features[1].default: FP64 takes a number (got 'x')"),
        # not TOML
        ("[target]", "[target", "flowers.toml:14: not TOML: "),
        # what was meant
        ("[model]", "[model]\ntimeout = 3", "flowers.toml:6: model.timeout: unknown key"),
        ("table =", "tabel =", "flowers.toml:15: target.tabel: unknown key; did you mean table?"),
        ("[target]", "[target]\nshema = 'x'", "flowers.toml:15: target.shema: unknown key; did you mean schema?"),
        ("[model]", "[modle]", "flowers.toml:5: modle: unknown key; did you mean model?"),
        (
            'column = "width"',
            'columm = "width"',
            "flowers.toml:9: features[0].columm: unknown key; did you mean column?",
        ),
        ("[target]", "[batch]\nxyz = 1\n[target]", "flowers.toml:15: batch.xyz: unknown key; known here are max_bytes"),
        ("[target]", "[target]\ncreate = 'no.sql'", "flowers.toml:15: target.create: no.sql: No such file"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert old in TEXT

    found = said(tmp_path, TEXT.replace(old, new, 1))

    assert any(one.startswith(line) for one in found), found


def test_a_pattern_is_told_with_what_the_key_is_for(tmp_path: Path) -> None:
    (line,) = said(tmp_path, TEXT.replace("http://127.0.0.1:8000/v2/models/flowers", "model"))

    assert line.endswith("(got 'model'); it is: http(s)://host:port/v2/models/NAME")


@pytest.mark.parametrize(("value", "host"), [(None, "model"), ("", "model"), ("other", "other")])
def test_a_variable_may_have_a_default(
    value: str | None, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_HOST", raising=False)
    if value is not None:
        monkeypatch.setenv("MODEL_HOST", value)
    path = tmp_path / "flowers.toml"
    path.write_text(TEXT.replace("127.0.0.1:8000", "${MODEL_HOST:-model}:80"))

    assert load_pipeline(path).model.url == f"http://{host}:80/v2/models/flowers"


def test_a_place_is_read_from_the_beginning_of_a_message() -> None:
    assert place_of("features[1].column: x") == ("features", 1, "column")
    assert place_of("features, source: x") == ("features",)
    assert place_of("2 errors") == ()
