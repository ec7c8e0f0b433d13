"""The protocol's JSON objects; the API documentation is made from them too."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

Parameters = Annotated[
    dict[str, msgspec.Raw],
    Meta(description="Settings by name, each a string, number or boolean. Accepted; none changes the prediction."),
]
Data = Annotated[
    msgspec.Raw,
    Meta(
        description="The numbers or texts: a flat list in row-major order, or a list of rows.",
        extra_json_schema={"type": "array", "items": {}},
    ),
]


class RequestInput(msgspec.Struct):
    """One input tensor: a feature's column, or the matrix of all features."""

    name: Annotated[str, Meta(description="A feature of the model; any name if it is a matrix.")]
    shape: Annotated[list[int], Meta(description="`[n]` or `[n, 1]` for a column, `[n, features]` for a matrix.")]
    datatype: Annotated[str, Meta(description="FP32, FP64, INT8 to INT64 or UINT8 to UINT64; BYTES for text.")]
    data: Data
    parameters: Parameters | UnsetType = UNSET


class RequestOutput(msgspec.Struct):
    """An output tensor that is asked for."""

    name: str
    parameters: Parameters | UnsetType = UNSET


class InferenceRequest(msgspec.Struct):
    """Rows to predict, as one tensor a feature or one matrix."""

    inputs: list[RequestInput]
    id: Annotated[str, Meta(description="Comes back in the response.")] | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET
    outputs: Annotated[list[RequestOutput], Meta(description="All of the model's, if not given.")] | UnsetType = UNSET


class ResponseOutput(msgspec.Struct):
    """One output tensor."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float | str]


class InferenceResponse(msgspec.Struct, kw_only=True):
    """The predictions, in the order of the rows."""

    model_name: str
    model_version: str
    id: str | UnsetType = UNSET
    outputs: list[ResponseOutput]


class ErrorResponse(msgspec.Struct):
    """Why there is no answer."""

    error: str


class Live(msgspec.Struct):
    """The server runs."""

    live: bool


class Ready(msgspec.Struct):
    """The server, with every model, can predict."""

    live: bool
    ready: bool


class ModelReady(msgspec.Struct):
    """The model can predict."""

    name: str
    ready: bool


class ServerMetadata(msgspec.Struct):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


class ModelList(msgspec.Struct):
    """The models that are served."""

    models: list[str]


class MetadataTensor(msgspec.Struct):
    """A tensor a model takes or gives; -1 stands for the number of rows."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, str | float | bool]


class ModelMetadata(msgspec.Struct):
    """What a model takes and gives, and under `parameters` how it was trained and how well it does."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[MetadataTensor]
    outputs: list[MetadataTensor]
    parameters: dict[str, str | float | bool]
