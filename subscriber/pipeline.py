"""A pipeline: which topic, which model, which table; read from one TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from subscriber.errors import WrongSetting

Datatype = Literal["FP64", "FP32", "INT64", "INT32", "BOOL", "BYTES"]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=63)]


def _unless_false(column: Any) -> Any:
    return None if column is False else column


# TOML knows no null
Optional = Annotated[
    Identifier | None,
    BeforeValidator(_unless_false),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"}, {"const": False}]}),
]
# a name in the row's JSON
Column = Annotated[str, Field(pattern=r'^[^"\\\x00-\x1f\x7f]+$')]
Scalar = bool | int | float | str
TimestampUnit = Literal["s", "ms", "us", "ns"]
# what a feature's default may be, and the words for it
DEFAULTS: Final[dict[str, tuple[str, tuple[type, ...]]]] = {
    "FP64": ("a number", (float, int)),
    "FP32": ("a number", (float, int)),
    "INT64": ("a whole number", (int,)),
    "INT32": ("a whole number", (int,)),
    "BOOL": ("true or false", (bool,)),
    "BYTES": ("a text", (str,)),
}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Feature(Part):
    """One column of the row as input of the model."""

    column: Column = Field(description="Name of the row's column.")
    datatype: Datatype = Field("FP64", description="What the model gets of it, in the words of the inference protocol.")
    tensor: str | None = Field(None, description="Name of the model's input, where it differs from the column.")
    default: Scalar | None = Field(None, description="What the model gets where the column is null or missing.")
    size: int | None = Field(
        None, ge=1, le=100_000, description="Values of an array column, each row as many; one tensor of [rows, size]."
    )

    @model_validator(mode="after")
    def _fitting_default(self) -> Feature:
        if self.default is None:
            return self
        if self.size is not None:
            raise ValueError("default: an array (size) has none")
        wanted, types = DEFAULTS[self.datatype]
        if type(self.default) not in types:
            raise ValueError(f"default: {self.datatype} takes {wanted} (got {self.default!r})")
        return self

    @property
    def input_name(self) -> str:
        return self.tensor or self.column


class Model(Part):
    """The model, at any server that speaks the Open Inference Protocol v2 over HTTP."""

    url: str = Field(
        description="http(s)://host:port/v2/models/NAME", pattern=r"^https?://[^/]+(/.*)?/v2/models/[^/]+/?$"
    )
    version: str | None = Field(None, description="One version only; without it, the server's current one.")
    layout: Literal["columns", "matrix"] = Field(
        "columns", description="One tensor a feature, or all features in one matrix."
    )
    matrix_tensor: str = Field("input", description="Name of the tensor when the layout is a matrix.")
    timeout_seconds: float = Field(10.0, gt=0, le=3600)
    parameters: dict[str, Any] = Field(default_factory=dict, description="Request parameters, passed on as they are.")
    tensor_parameters: dict[str, Any] = Field(default_factory=dict, description="Parameters of each input tensor.")

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        # splitting it and reading its port raise ValueError where there is none
        _ = urlsplit(url).port
        return url

    @property
    def versioned_url(self) -> str:
        base = self.url.rstrip("/")
        return f"{base}/versions/{self.version}" if self.version else base


class Source(Part):
    """Columns of the row that say which row it is and when it was written, and what becomes of deleted rows."""

    key: Column | None = Field(None, description="Column that says which row it is.")
    timestamp: Column | None = Field(
        None, description="Column that says when it was written; without it, the time of its commit is taken."
    )
    timestamp_unit: TimestampUnit | None = Field(
        None, description="Unit of a timestamp that is a number, in messages that carry no schema."
    )
    deletes: Literal["ignore", "remove", "mark"] = Field(
        "ignore", description="What a deleted source row does to its predictions; mark writes target.deleted_at."
    )


class Target(Part):
    """The table that gets a row for each prediction; a column that is `false` is not written."""

    table: Identifier
    schema_: Identifier = Field("public", alias="schema")
    timestamp: Optional = Field("timestamp", description="Column for the row's timestamp.")
    source_key: Optional = Field("source_id", description="Column for source.key.")
    model_version: Optional = Field("model_version", description="Column for the version that answered.")
    deleted_at: Identifier | None = Field(
        None, description='Column for the time its source row was deleted; with source.deletes = "mark".'
    )
    outputs: dict[str, Identifier] = Field(min_length=1, description="The model's output tensor -> column.")
    create: str | None = Field(None, description="SQL file, beside the pipeline file, that makes the table.")


class Truth(Part):
    """The true value, where the row itself carries it; what the console compares the predictions with."""

    column: Column = Field(description="Column of the row; where it is null, the row counts for nothing.")
    output: str | None = Field(None, description="The output of target.outputs that predicts it, if there are several.")


class Batch(Part):
    """How much is predicted and stored at once; a batch never waits to be full."""

    max_rows: int = Field(2500, ge=1, le=100_000)


def _a_number(days: Any) -> Any:
    # else `true` were a day
    if isinstance(days, bool):
        raise ValueError("input should be a number")
    return days


Days = Annotated[float, BeforeValidator(_a_number), Field(gt=0, le=36_500)]


class Retention(Part):
    """How long rows stay in the target database; what is left out, for ever."""

    predictions_days: Days | None = Field(None, description="By target.timestamp.")
    dead_letters_days: Days | None = Field(None, description="By the time they failed; this pipeline's only.")


class Pipeline(Part):
    """What one TOML file says."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=100)]
    topic: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=249)
    group: str = Field(
        pattern=r"^\S(.*\S)?$", description="Kafka consumer group; subscribers of one group share the partitions."
    )
    start: Literal["earliest", "latest"] = Field("earliest", description="Where a pipeline begins that never ran.")
    model: Model
    features: list[Feature] = Field(min_length=1)
    source: Source = Source()
    target: Target
    truth: Truth | None = None
    batch: Batch = Batch()
    retention: Retention = Retention()
    create_sql: str | None = Field(None, exclude=True, description="Text of the file that target.create names.")

    @property
    def written_columns(self) -> list[str]:
        """The target's columns that are written: timestamp, outputs, key, version, time of deletion."""
        target = self.target
        key = target.source_key if self.source.key is not None else None
        columns = [target.timestamp, *target.outputs.values(), key, target.model_version, target.deleted_at]
        return [column for column in columns if column is not None]

    @property
    def true_output(self) -> str | None:
        """The output that truth.column tells the true value of."""
        if self.truth is None:
            return None
        return self.truth.output or next(iter(self.target.outputs))

    @model_validator(mode="after")
    def _fitting_deletes(self) -> Pipeline:
        deletes, marked = self.source.deletes, self.target.deleted_at
        if deletes != "ignore" and (self.source.key is None or self.target.source_key is None):
            raise ValueError(
                f"source.deletes: {deletes!r} needs source.key and target.source_key, by which a row's predictions are "
                f"found"
            )
        if (deletes == "mark") != (marked is not None):
            raise ValueError('source.deletes: "mark" and target.deleted_at need each other')
        return self

    @model_validator(mode="after")
    def _fitting_truth(self) -> Pipeline:
        if self.truth is None:
            return self
        outputs = ", ".join(self.target.outputs)
        if self.truth.output is None and len(self.target.outputs) > 1:
            raise ValueError(f"truth.output: missing; which one of {outputs} predicts {self.truth.column}?")
        if self.truth.output is not None and self.truth.output not in self.target.outputs:
            raise ValueError(f"truth.output: {self.truth.output!r} is not in target.outputs ({outputs})")
        return self

    @model_validator(mode="after")
    def _one_feature_a_name(self) -> Pipeline:
        names = [f.input_name for f in self.features]
        if len(set(names)) < len(names):
            raise ValueError(f"features: two of them have one tensor name ({', '.join(sorted(names))})")
        if self.model.layout == "matrix" and len({f.datatype for f in self.features}) > 1:
            raise ValueError("features: a matrix has one datatype, so all features need the same")
        named = self.written_columns
        if len(set(named)) < len(named):
            raise ValueError(f"target: two values go to one column ({', '.join(sorted(named))})")
        if self.retention.predictions_days is not None and self.target.timestamp is None:
            raise ValueError("retention.predictions_days: needs target.timestamp, the column that tells a row's age")
        return self


def load_pipeline(path: Path) -> Pipeline:
    """The pipeline that the file describes, with `${NAME}` filled from the environment.

    Raises:
        WrongSetting: the file cannot be read, is not TOML, or says something it may not; names file and key.
    """
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise WrongSetting(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{path}: not TOML: {error}") from error
    if "create_sql" in content:
        raise WrongSetting(f"{path}: create_sql: unknown key; target.create names an SQL file")
    content = _filled(content, path, "")
    target = content.get("target")
    create = target.get("create") if isinstance(target, dict) else None
    if isinstance(create, str):
        try:
            content["create_sql"] = (path.parent / create).read_text()
        except OSError as error:
            raise WrongSetting(f"{path}: target.create: {create}: {error.strerror}") from error
        except ValueError as error:
            raise WrongSetting(f"{path}: target.create: {create}: not a text file: {error}") from error
    try:
        return Pipeline.model_validate(content)
    except ValidationError as error:
        wrong = [f"{path}: {_explained(e['loc'], e['type'], e['msg'], e.get('input'))}" for e in error.errors()]
        raise WrongSetting("\n".join(wrong)) from error


def _filled(value: Any, path: Path, key: str) -> Any:
    if isinstance(value, dict):
        return {k: _filled(v, path, f"{key}.{k}" if key else k) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, path, f"{key}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, str):
        for name in _VARIABLE.findall(value):
            if name not in os.environ:
                raise WrongSetting(f"{path}: {key}: environment variable {name} is not set (`make stack` prints it)")
        return _VARIABLE.sub(lambda match: os.environ[match[1]], value)
    return value


def _explained(place: tuple[int | str, ...], kind: str, message: str, given: object) -> str:
    key = ""
    for step in place:
        key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else step
    if kind == "missing":
        return f"{key}: missing"
    if kind == "extra_forbidden":
        return f"{key}: unknown key"
    message = message.removeprefix("Value error, ")
    if not key:
        return message
    return f"{key}: {message[0].lower()}{message[1:]} (got {given!r})"
