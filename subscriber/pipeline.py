"""A pipeline: which topic, which model, which table."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Datatype = Literal["FP64", "FP32", "INT64", "INT32", "BOOL", "BYTES"]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=63)]
# a name in the row's JSON
Column = Annotated[str, Field(pattern=r'^[^"\\\x00-\x1f]+$')]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Feature(Part):
    """One column of the row as input of the model."""

    column: Column
    datatype: Datatype = "FP64"
    tensor: str | None = Field(None, description="Name of the model's input, where it differs from the column.")

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
    """Columns of the row that say which row it is and when it was written."""

    key: Column = "id"
    timestamp: Column = "timestamp"


class Target(Part):
    """The table that gets a row for each prediction; a column left out is not written."""

    table: Identifier
    schema_: Identifier = Field("public", alias="schema")
    timestamp: Identifier | None = "timestamp"
    source_key: Identifier | None = "source_id"
    model_version: Identifier | None = "model_version"
    outputs: dict[str, Identifier] = Field(min_length=1, description="The model's output tensor -> column.")
    create: str | None = Field(None, description="SQL file, beside the pipeline file, that makes the table.")


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
    batch: Batch = Batch()
    retention: Retention = Retention()
    create_sql: str | None = Field(None, exclude=True, description="Text of the file that target.create names.")

    @model_validator(mode="after")
    def _one_feature_a_name(self) -> Pipeline:
        names = [f.input_name for f in self.features]
        if len(set(names)) < len(names):
            raise ValueError(f"features: two of them have one tensor name ({', '.join(sorted(names))})")
        read = [*(f.column for f in self.features), self.source.key, self.source.timestamp]
        if len(set(read)) < len(read):
            raise ValueError(f"features, source: a column is read twice ({', '.join(sorted(read))})")
        if self.model.layout == "matrix" and len({f.datatype for f in self.features}) > 1:
            raise ValueError("features: a matrix has one datatype, so all features need the same")
        columns = [
            *self.target.outputs.values(),
            self.target.timestamp,
            self.target.source_key,
            self.target.model_version,
        ]
        named = [c for c in columns if c is not None]
        if len(set(named)) < len(named):
            raise ValueError(f"target: two values go to one column ({', '.join(sorted(named))})")
        if self.retention.predictions_days is not None and self.target.timestamp is None:
            raise ValueError("retention.predictions_days: needs target.timestamp, the column that tells a row's age")
        return self
