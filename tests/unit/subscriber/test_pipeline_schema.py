"""The schema for editors is the file format's, and says what each key is for."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from stack.settings import ROOT
from subscriber.pipeline_schema import pipeline_schema

SHIPPED = ROOT / "subscriber" / "pipelines"


def test_the_shipped_schema_is_current() -> None:
    shipped = json.loads((SHIPPED / "pipeline.schema.json").read_text())

    assert shipped == pipeline_schema(), "python -m subscriber schema > subscriber/pipelines/pipeline.schema.json"


def test_every_key_says_what_it_is_for() -> None:
    schema = pipeline_schema()

    for part in (schema, *schema["$defs"].values()):
        assert [key for key, value in part["properties"].items() if not value.get("description")] == []


def test_no_key_is_there_that_a_file_may_not_have() -> None:
    assert "create_sql" not in pipeline_schema()["properties"]
    assert "schema" in pipeline_schema()["$defs"]["Target"]["properties"]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.name)
def test_a_shipped_file_names_the_schema_and_has_its_keys(path: Any) -> None:
    text = path.read_text()

    assert text.startswith("#:schema pipeline.schema.json\n")
    assert unknown(tomllib.loads(text), pipeline_schema()) == []


def test_any_value_that_is_not_just_text_may_be_a_variable() -> None:
    schema = pipeline_schema()
    url = schema["$defs"]["Model"]["properties"]["url"]["anyOf"]

    assert any(re.search(option["pattern"], "${API_URL}/v2/models/iris") for option in url)
    assert any(option.get("pattern") for option in schema["$defs"]["Batch"]["properties"]["max_rows"]["anyOf"])


def unknown(value: Any, schema: dict[str, Any], place: str = "") -> list[str]:
    """Keys of a file that the schema does not know."""
    root = pipeline_schema()

    def below(value: Any, part: dict[str, Any], place: str) -> list[str]:
        part = root["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        if isinstance(value, list):
            return [key for item in value for key in below(item, part["items"], place)]
        if not isinstance(value, dict):
            return []
        if "properties" not in part:
            return []
        found: list[str] = []
        for key, content in value.items():
            here = f"{place}.{key}"
            if key not in part["properties"]:
                found.append(here)
            else:
                found += below(content, part["properties"][key], here)
        return found

    return below(value, schema, place)
