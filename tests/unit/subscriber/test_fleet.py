from __future__ import annotations

from typing import Any

import pytest

from subscriber.errors import WrongSetting
from subscriber.fleet import clashes, load_pipelines
from subscriber.pipeline import Pipeline
from tests.unit.subscriber.material import pipeline


def like(**changes: Any) -> Pipeline:
    """The pipeline of the other tests, with another name, topic, group or table."""
    base = pipeline()
    table = changes.pop("table", base.target.table)
    return base.model_copy(update={**changes, "target": base.target.model_copy(update={"table": table})})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["name: ", "group: ", "target.table: "]),
        ({"topic": "other"}, ["name: "]),
        ({"name": "other"}, ["group: ", "target.table: "]),
        ({"name": "other", "group": "other"}, ["target.table: "]),
        ({"name": "other", "table": "other"}, ["group: "]),
        # several topics may share a group or a table
        ({"name": "other", "topic": "other"}, []),
        ({"name": "other", "group": "other", "table": "other"}, []),
    ],
)
def test_what_would_clash_is_named(changes: dict[str, Any], words: list[str]) -> None:
    found = clashes(like(), like(**changes))

    assert len(found) == len(words)
    assert all(line.startswith(word) for line, word in zip(found, words, strict=True))


def test_the_same_file_twice_is_refused_naming_it(tmp_path: Any) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        'name = "p"\ntopic = "t"\ngroup = "g"\n[model]\nurl = "http://a/v2/models/m"\n[[features]]\ncolumn = "w"\n'
        '[target]\ntable = "x"\n[target.outputs]\no = "o"\n'
    )

    with pytest.raises(WrongSetting, match=f"^{path}, {path}: name: both are 'p'"):
        load_pipelines([path, path])
