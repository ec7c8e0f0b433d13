"""A pipeline: which topic, which model, which table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import quote, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from subscriber.access import Authorities, File, Headers, Token, check_pair, refused

if TYPE_CHECKING:
    from pathlib import Path

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


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)


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
    timeout_seconds: float = Field(10.0, gt=0, le=3600, description="How long an answer may take.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Request parameters, passed on as they are.")
    tensor_parameters: dict[str, Any] = Field(default_factory=dict, description="Parameters of each input tensor.")
    headers: Headers = Field(default_factory=dict, description="Sent with each request.")
    bearer_token: Token | None = Field(None, validate_default=True, description="Sent as `Authorization: Bearer …`.")
    ca_file: Authorities | None = Field(None, description="PEM: who may vouch for the server; else the system's.")
    client_certificate: File | None = Field(None, description="PEM: what we show the server, with its chain.")
    client_key: File | None = Field(None, validate_default=True, description="PEM: the certificate's private key.")

    @field_validator("url", mode="before")
    @classmethod
    def _no_password(cls, url: Any) -> Any:
        if isinstance(url, str) and "@" in url.partition("//")[2].partition("/")[0]:
            raise refused("may not hold a user or password, which logs would show: use model.headers")
        return url

    @field_validator("bearer_token")
    @classmethod
    def _one_login(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if token and "authorization" in map(str.lower, info.data.get("headers", ())):
            raise refused("model.headers has Authorization already; one of them must go")
        return token

    @field_validator("ca_file", "client_certificate")
    @classmethod
    def _of_use(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path and info.data.get("url", "https:").startswith("http:"):
            raise ValueError("of no use while model.url begins with http://")
        return path

    @field_validator("client_key")
    @classmethod
    def _both_or_neither(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        # a certificate that was refused is not among the data
        if "client_certificate" in info.data:
            certificate = info.data["client_certificate"]
            if (key is None) != (certificate is None):
                raise refused("model.client_certificate and model.client_key are set together, or neither")
            if key and certificate:
                check_pair(certificate, key)
        return key

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        # splitting it and reading its port raise ValueError where there is none
        _ = urlsplit(url).port
        return url

    @property
    def versioned_url(self) -> str:
        return self.url_of(self.version)

    def url_of(self, version: str | None) -> str:
        """The address of one version, or of the current one."""
        base = self.url.rstrip("/")
        return f"{base}/versions/{quote(version, safe='')}" if version else base


class Source(Part):
    """Columns of the row that say which row it is and when it was written, and what becomes of deleted rows."""

    key: Column | None = Field(None, description="Column that says which row it is.")
    timestamp: Column | None = Field(
        None, description="Column that says when it was written; without it, the time of its commit is taken."
    )
    timestamp_unit: TimestampUnit | None = Field(
        None, description="Unit of a timestamp that is a number, in messages that carry no schema."
    )
    version: Column | None = Field(
        None,
        description="Column that names the model version for the row; null or missing: model.version, or the current.",
    )
    deletes: Literal["ignore", "remove", "mark"] = Field(
        "ignore", description="What a deleted source row does to its predictions; mark writes target.deleted_at."
    )


class Target(Part):
    """The table that gets a row for each prediction; a column that is `false` is not written."""

    table: Identifier = Field(description="Name of the table.")
    schema_: Identifier = Field("public", alias="schema", description="Schema of the table.")
    timestamp: Optional = Field("timestamp", description="Column for the row's timestamp.")
    source_key: Optional = Field("source_id", description="Column for source.key.")
    model_version: Optional = Field("model_version", description="Column for the version that answered.")
    deleted_at: Identifier | None = Field(
        None, description='Column for the time its source row was deleted; with source.deletes = "mark".'
    )
    outputs: dict[str, Identifier] = Field(min_length=1, description="The model's output tensor -> column.")
    copies: dict[Column, Identifier] = Field(
        default_factory=dict, description="Column of the row, a JSON scalar -> column that gets it as it is."
    )
    error: Identifier | None = Field(
        None, description="Column for why a row has no prediction: it is stored without one, and is no dead letter."
    )
    receipts: Identifier | None = Field(
        None, description="Table of the same schema with a row a message, by its key: one that has it is skipped."
    )
    create: str | None = Field(None, description="SQL file, beside the pipeline file, that makes the table.")


class Truth(Part):
    """The true value, where the row itself carries it; what the console compares the predictions with."""

    column: Column = Field(description="Column of the row; where it is null, the row counts for nothing.")
    output: str | None = Field(None, description="The output of target.outputs that predicts it, if there are several.")


class Batch(Part):
    """How much is predicted and stored at once; a batch never waits to be full."""

    max_rows: int = Field(
        4000, ge=1, le=100_000, description="Messages of a batch, and rows of a request to the model, at most."
    )
    max_bytes: int = Field(
        4 * 2**20, ge=1, le=2**30, description="Bytes of a batch's messages, at most; a larger message comes alone."
    )


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

    name: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+$", max_length=100, description="The offsets are stored by it: it stays as it is."
    )
    topic: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+$", max_length=249, description="Kafka topic whose rows are predicted."
    )
    group: str = Field(
        pattern=r"^\S(.*\S)?$", description="Kafka consumer group; subscribers of one group share the partitions."
    )
    start: Literal["earliest", "latest"] = Field("earliest", description="Where a pipeline begins that never ran.")
    model: Model = Field(description="Who predicts.")
    features: list[Feature] = Field(min_length=1, description="What of the row the model gets, in this order.")
    source: Source = Field(Source(), description="Which row it is, when it was written, and what its delete does.")
    target: Target = Field(description="Where the predictions go.")
    truth: Truth | None = Field(None, description="The true value, for the console to compare with.")
    batch: Batch = Field(Batch(), description="How much is predicted and stored at once.")
    retention: Retention = Field(Retention(), description="How long rows are kept.")
    create_sql: str | None = Field(None, exclude=True, description="Text of the file that target.create names.")

    @property
    def written_columns(self) -> list[str]:
        """The target's columns that are written: timestamp, outputs, key, version, time of deletion, error, copies."""
        target = self.target
        key = target.source_key if self.source.key is not None else None
        columns = [target.timestamp, *target.outputs.values(), key, target.model_version, target.deleted_at]
        columns += [target.error, *target.copies.values()]
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
        if self.target.receipts == self.target.table:
            raise ValueError(f"target.receipts: {self.target.table!r} is the table of the predictions; name another")
        if self.retention.predictions_days is not None and self.target.timestamp is None:
            raise ValueError("retention.predictions_days: needs target.timestamp, the column that tells a row's age")
        return self
