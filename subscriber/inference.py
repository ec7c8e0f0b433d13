"""A client of the Open Inference Protocol v2 over HTTP.

Source: https://github.com/kserve/open-inference-protocol, "Open Inference Protocol - REST".
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from subscriber.connection import Connection
from subscriber.errors import NOT_JSON, BatchRefused, Misfit, ModelFailed, Transient, WrongSetting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.pipeline import Model, Pipeline


MATRIX_DIMENSIONS: Final = 2


class Tensor(msgspec.Struct, gc=False):
    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class Answer(msgspec.Struct):
    outputs: list[Tensor]
    model_version: str | None = None


class TensorMetadata(msgspec.Struct):
    name: str
    datatype: str
    shape: list[int] = []


def row_width(shape: Sequence[int]) -> int | None:
    """How many values a row has in a tensor of this shape, whose first number counts rows; None if it does not say."""
    if len(shape) < MATRIX_DIMENSIONS:
        return 1
    return shape[1] if shape[1] > 0 else None


class Metadata(msgspec.Struct):
    """What a model says of itself; servers may list no inputs, no outputs, no versions."""

    name: str
    versions: list[str] | None = None
    inputs: list[TensorMetadata] | None = None
    outputs: list[TensorMetadata] | None = None


class Readiness(msgspec.Struct):
    """What some servers say besides the status."""

    ready: bool = True


def read_metadata(model: Model) -> Metadata:
    """What a model says of itself.

    Raises:
        Transient: the server is away.
        WrongSetting: there is no such model.
    """
    return _metadata(Connection(model), model.versioned_url)


def _metadata(connection: Connection, url: str) -> Metadata:
    try:
        return msgspec.json.decode(connection.request("GET", url), type=Metadata)
    except (BatchRefused, ModelFailed) as error:
        raise Transient(f"{url}: {error}") from error
    except NOT_JSON as error:
        raise WrongSetting(f"{url} does not answer with model metadata ({error}): is model.url right?") from error


class InferenceClient:
    """Sends rows to one model over one kept connection; every failure leaves as one of `subscriber.errors`."""

    def __init__(self, pipeline: Pipeline, connection: Connection | None = None) -> None:
        self._pipeline = pipeline
        self._model = pipeline.model
        self._features = pipeline.features
        self._outputs = list(pipeline.target.outputs)
        self._feature_of = [attrgetter(f"f{i}") for i in range(len(pipeline.features))]
        self._url = f"{self._model.versioned_url}/infer"
        self._answer = msgspec.json.Decoder(Answer)
        # some servers answer with an output only if it is asked for by its name
        self._by_name = False
        # inputs that are columns of a matrix for the model, [n, 1], as models are that take their rows in batches
        self._upright: set[str] = set()
        self._connection = connection or Connection(self._model)

    def of(self, version: str) -> InferenceClient:
        """A client of one version of the model, over the same connection."""
        model = self._model.model_copy(update={"version": version})
        return InferenceClient(self._pipeline.model_copy(update={"model": model}), self._connection)

    def check(self) -> Metadata:
        """Compare the pipeline with what the model says of itself.

        Raises:
            Transient: the server is away.
            WrongSetting: there is no such model (NotFound), or its inputs or outputs are not the pipeline's (Misfit).
        """
        url = self._model.versioned_url
        metadata = _metadata(self._connection, url)
        wanted = (
            [self._model.matrix_tensor] if self._model.layout == "matrix" else [f.input_name for f in self._features]
        )
        _compare(url, "inputs", wanted, metadata.inputs, exact=True)
        self._compare_width(url, metadata.inputs or [])
        _compare(url, "outputs", self._outputs, metadata.outputs, exact=False)
        self._upright = {tensor.name for tensor in metadata.inputs or [] if tensor.shape[1:] == [1]}
        return metadata

    def _compare_width(self, url: str, listed: list[TensorMetadata]) -> None:
        """See that a matrix has as many values a row as the model takes, where it says how many."""
        sizes = [feature.size or 1 for feature in self._features]
        for tensor in listed:
            width = row_width(tensor.shape) if len(tensor.shape) == MATRIX_DIMENSIONS else None
            if self._model.layout == "matrix" and width not in (None, sum(sizes)):
                raise Misfit(
                    f"{url}: the model's input {tensor.name} takes {width} values a row, but the features of the "
                    f"pipeline file are {sum(sizes)}"
                )

    def predict(self, rows: Sequence[Any]) -> tuple[list[tuple[Any, ...]], str | None]:
        """The model's outputs for each row, in the order of the pipeline's outputs, and the version that answered.

        An output is None where the model gives the row none.

        Raises:
            Transient: the server is away, busy, or the connection broke.
            TooSlow: it took the rows and did not answer in time.
            BatchRefused, ModelFailed: the server will not, or cannot, predict these rows.
            Misfit: the answer is not one for this pipeline.
        """
        answer = self.answer(rows)
        if not self._by_name and not {tensor.name for tensor in answer.outputs}.issuperset(self._outputs):
            answer = self._infer_by_name(rows, answer)
        by_name = {tensor.name: tensor for tensor in answer.outputs}
        columns = [self._column(by_name, name, len(rows)) for name in self._outputs]
        return list(zip(*columns, strict=True)), answer.model_version

    def answer(self, rows: Sequence[Any]) -> Answer:
        """The server's whole answer for the rows, be our outputs in it or not; raises as `predict` does."""
        return self._infer(rows, by_name=self._by_name)

    def _infer(self, rows: Sequence[Any], *, by_name: bool) -> Answer:
        payload = self._payload(rows)
        for tensor in payload["inputs"]:
            if tensor["name"] in self._upright and len(tensor["shape"]) == 1:
                tensor["shape"] = [len(rows), 1]
        if by_name:
            payload["outputs"] = [{"name": name} for name in self._outputs]
        body = self._asked(msgspec.json.encode(payload), lone=len(rows) == 1)
        try:
            return self._answer.decode(body)
        except msgspec.ValidationError as error:
            raise Misfit(f"{self._url} does not answer as the protocol says: {error}") from error
        except NOT_JSON as error:
            # some servers write a NaN like this
            raise ModelFailed(f"model API's answer is not JSON: {error}") from error

    def _infer_by_name(self, rows: Sequence[Any], unnamed: Answer) -> Answer:
        """The answer of a server that gave other outputs than ours; from then on ours are asked for by name.

        Raises:
            Misfit: it took the rows, but does not have these outputs.
        """
        try:
            answer = self._infer(rows, by_name=True)
        except (BatchRefused, ModelFailed) as error:
            given = ", ".join(sorted(tensor.name for tensor in unnamed.outputs)) or "none"
            raise Misfit(
                f"{self._url} answers without output {', '.join(self._outputs)} (it has: {given}), and asked for it: "
                f"{error}: target.outputs names it"
            ) from error
        self._by_name = True
        return answer

    def _asked(self, body: bytes, *, lone: bool) -> bytes:
        """The answer to an inference request; a refusal is one only of a model that is ready."""
        try:
            return self._connection.request("POST", self._url, body)
        except BatchRefused:
            self._check_ready()
            if not lone:
                raise
        # it may have become ready between the two answers, and a lone row is not asked for again
        return self._connection.request("POST", self._url, body)

    def _check_ready(self) -> None:
        """Tell a model that is being loaded, of which servers say 400 as of bad rows, from one that refuses.

        Raises:
            Transient: it is not ready.
        """
        url = f"{self._model.versioned_url}/ready"
        try:
            body = self._connection.request("GET", url, may_be_empty=True)
        except (BatchRefused, ModelFailed) as error:
            raise Transient(f"the model is not ready: {error}") from error
        except WrongSetting:
            # a server without this endpoint
            return
        try:
            ready = msgspec.json.decode(body, type=Readiness).ready
        except NOT_JSON:
            return
        if not ready:
            raise Transient("the model is not ready")

    def _payload(self, rows: Sequence[Any]) -> dict[str, Any]:
        count = len(rows)
        columns: list[list[Any]] = [list(map(feature, rows)) for feature in self._feature_of]
        sizes = [feature.size for feature in self._features]
        more = {"parameters": self._model.tensor_parameters} if self._model.tensor_parameters else {}
        if self._model.layout == "matrix":
            inputs = [
                {
                    "name": self._model.matrix_tensor,
                    "shape": [count, sum(size or 1 for size in sizes)],
                    "datatype": self._features[0].datatype,
                    "data": _matrix(columns, sizes),
                    **more,
                }
            ]
        else:
            inputs = [
                {
                    "name": feature.input_name,
                    "shape": [count] if feature.size is None else [count, feature.size],
                    "datatype": feature.datatype,
                    "data": column,
                    **more,
                }
                for feature, column in zip(self._features, columns, strict=True)
            ]
        payload: dict[str, Any] = {"inputs": inputs}
        if self._model.parameters:
            payload["parameters"] = self._model.parameters
        return payload

    def _column(self, by_name: dict[str, Tensor], name: str, count: int) -> list[Any]:
        tensor = by_name.get(name)
        if tensor is None:
            raise Misfit(
                f"{self._url} answers without output {name!r} (it has: {', '.join(sorted(by_name)) or 'none'}): "
                f"target.outputs names it"
            )
        try:
            return rows_of(tensor, count)
        except ValueError as error:
            raise Misfit(f"{self._url}: output {name!r} {error}") from error


def rows_of(tensor: Tensor, count: int) -> list[Any]:
    """The rows of an output: of shape [n] or [n, 1] a value each, of shape [n, k] a list of k values each.

    The protocol lets the data be nested as the shape says, or flat.

    Raises:
        ValueError: there are not so many rows in it, or it is not as its shape says.
    """
    match tensor.shape:
        case [rows] if rows == count:
            width = 1
        case [rows, width] if rows == count and width > 0:
            pass
        case shape:
            raise ValueError(f"has shape {shape} for {count} rows; [{count}] or [{count}, k] is what a column can take")
    data = tensor.data
    if len(data) == count and all(isinstance(row, list) and len(row) == width for row in data):
        return [row[0] for row in data] if width == 1 else data
    if len(data) != count * width or any(isinstance(value, list) for value in data):
        raise ValueError(f"does not hold the values that its shape {tensor.shape} says")
    return data if width == 1 else [data[i : i + width] for i in range(0, len(data), width)]


def _matrix(columns: Sequence[Sequence[Any]], sizes: Sequence[int | None]) -> list[Any]:
    """The columns side by side; an array column takes as many places as it has values."""
    rows = zip(*columns, strict=True)
    if not any(sizes):
        return list(rows)
    return [[v for value in row for v in (value if isinstance(value, list) else (value,))] for row in rows]


def _compare(url: str, kind: str, wanted: list[str], listed: list[TensorMetadata] | None, *, exact: bool) -> None:
    names = [tensor.name for tensor in listed or []]
    if not names:
        return
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted] if exact else []
    if missing or extra:
        raise Misfit(
            f"{url}: the model's {kind} are {', '.join(names)}, but the pipeline file says {', '.join(wanted)}"
        )
