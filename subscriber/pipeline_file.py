"""A pipeline read from a TOML file; what is wrong in it is told with its line and key, and what belongs there."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import typing
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from subscriber.access import UNSHOWN
from subscriber.errors import WrongSetting
from subscriber.pipeline import Pipeline
from subscriber.toml_lines import Place, key_lines

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")
_TOML_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]")
# pydantic's words are about a pattern or a union there; what the field is for says more
_OBSCURE = ("string_pattern_mismatch", "union", "model_type")


def load_pipeline(path: Path) -> Pipeline:
    """The pipeline that the file describes, with `${NAME}` and `${NAME:-default}` filled from the environment.

    Raises:
        WrongSetting: the file cannot be read, is not TOML, or says something it may not; a line `FILE:LINE: KEY: …`
            for each mistake, without a line number where the mistake is a key that is not there.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise WrongSetting(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongSetting(f"{path}: not TOML: {error}") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongSetting(_not_toml(path, str(error))) from error
    except RecursionError as error:
        raise WrongSetting(f"{path}: not TOML: nested too deep") from error
    told = _Told(path, key_lines(text))
    if "create_sql" in content:
        raise told.wrong(("create_sql",), "unknown key; target.create names an SQL file")
    content = _filled(content, (), told)
    target = content.get("target")
    create = target.get("create") if isinstance(target, dict) else None
    if isinstance(create, str):
        content["create_sql"] = _read_sql(path, create, told)
    try:
        return Pipeline.model_validate(content, context={"folder": path.parent})
    except ValidationError as error:
        raise WrongSetting("\n".join(told.mistake(mistake) for mistake in error.errors())) from error


class _Told:
    """Puts the file, and the line where it is known, before what is wrong with a key."""

    def __init__(self, path: Path, lines: dict[Place, int]) -> None:
        self._path = path
        self._lines = lines

    def wrong(self, place: Place, what: str) -> WrongSetting:
        return WrongSetting(self.line(place, f"{key_text(place)}: {what}"))

    def line(self, place: Place, what: str) -> str:
        """The message with the line of the place, or of what it would be in."""
        while place and place not in self._lines:
            place = place[:-1]
        return f"{self._path}:{self._lines[place]}: {what}" if place else f"{self._path}: {what}"

    def mistake(self, error: ErrorDetails) -> str:
        place, message = error["loc"], error["msg"].removeprefix("Value error, ")
        if not place:
            # what does not go together: the message begins with the keys
            return self.line(place_of(message), message)
        if error["type"] == "value_error" and isinstance(error.get("input"), dict) and place_of(message):
            # likewise, of one table
            return self.line((*place, *place_of(message)), f"{key_text(place)}.{message}")
        return self.line(place, f"{key_text(place)}: {_explained(error, message)}")


def key_text(place: Place) -> str:
    """A place as it is written for a person: `features[0].column`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def place_of(text: str) -> Place:
    """The place that a text begins with, written as by `key_text`; empty if it begins otherwise."""
    steps: list[str | int] = []
    at = 0
    while found := _STEP.match(text, at):
        steps.append(found[1] if found[1] is not None else int(found[2]))
        at = found.end()
    return tuple(steps)


def _explained(error: ErrorDetails, message: str) -> str:
    place, kind = error["loc"], error["type"]
    if kind == "missing":
        return _with_purpose("missing", _field(place))
    if kind == "extra_forbidden":
        return f"unknown key{_suggestion(str(place[-1]), _known(place[:-1]))}"
    if kind == UNSHOWN:
        return message
    said = f"{message[0].lower()}{message[1:]} (got {error.get('input')!r})"
    return _with_purpose(said, _field(place)) if kind.startswith(_OBSCURE) else said


def _with_purpose(said: str, field: FieldInfo | None) -> str:
    return f"{said}; it is: {field.description}" if field is not None and field.description else said


def _suggestion(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1, 0.6)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known here are {', '.join(sorted(known))}" if known else ""


def _known(place: Place) -> list[str]:
    """The keys that may stand in a place."""
    model = _model(place)
    if model is None:
        return []
    fields = model.model_fields.items()
    return [field.alias or name for name, field in fields if not field.exclude]


def _field(place: Place) -> FieldInfo | None:
    """What the model says of a key."""
    model = _model(place[:-1]) if place else None
    if model is None:
        return None
    return next((f for name, f in model.model_fields.items() if (f.alias or name) == place[-1]), None)


def _model(place: Place) -> type[BaseModel] | None:
    """The model of a table of the file."""
    model: type[BaseModel] | None = Pipeline
    for step in place:
        if isinstance(step, int) or model is None:
            continue
        field = next((f for name, f in model.model_fields.items() if (f.alias or name) == step), None)
        model = _model_in(field.annotation) if field is not None else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (list, typing.Union, UnionType, typing.Annotated):
        return next((found for a in typing.get_args(annotation) if (found := _model_in(a)) is not None), None)
    return None


def _not_toml(path: Path, said: str) -> str:
    found = _TOML_LINE.search(said)
    if found is None:
        return f"{path}: not TOML: {said}"
    return f"{path}:{found[1]}: not TOML: {said[: found.start()]}, at column {found[2]}"


def _read_sql(path: Path, create: str, told: _Told) -> str:
    place = ("target", "create")
    try:
        return (path.parent / create).read_text()
    except OSError as error:
        raise told.wrong(place, f"{create}: {error.strerror}") from error
    except ValueError as error:
        raise told.wrong(place, f"{create}: not a text file: {error}") from error


def _filled(value: Any, place: Place, told: _Told) -> Any:
    if isinstance(value, dict):
        return {k: _filled(v, (*place, k), told) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, (*place, i), told) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if default is not None:
            return os.environ.get(name) or default
        if name not in os.environ:
            raise told.wrong(place, f"environment variable {name} is not set (`make stack` prints it)")
        return os.environ[name]

    return VARIABLE.sub(variable, value)
