"""The JSON schema of the pipeline file, for editors."""

from __future__ import annotations

from typing import Any, Final

from subscriber.pipeline import Pipeline

VARIABLE: Final = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\}"}
_NARROW: Final = {"pattern", "enum", "const"}
_NOT_TEXT: Final = ("number", "integer", "boolean")


def pipeline_schema() -> dict[str, Any]:
    """JSON schema, draft 2020-12; every value may hold `${NAME}` instead of what is wanted of it."""
    schema = Pipeline.model_json_schema(by_alias=True)
    del schema["properties"]["create_sql"]
    for part in (schema, *schema["$defs"].values()):
        part["properties"] = {key: _fillable(value) for key, value in part["properties"].items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _fillable(value: dict[str, Any]) -> dict[str, Any]:
    # TOML knows no null
    outer = {k: v for k, v in value.items() if k in ("description", "default") and v is not None}
    inner = {k: v for k, v in value.items() if k not in ("description", "default", "title")}
    options = [option for option in inner.get("anyOf", [inner]) if option != {"type": "null"}]
    if any(_NARROW & option.keys() or option.get("type") in _NOT_TEXT for option in options):
        return {**outer, "anyOf": [*options, VARIABLE]}
    return {**outer, **(options[0] if len(options) == 1 else {"anyOf": options})}
