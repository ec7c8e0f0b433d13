"""A client of the Open Inference Protocol v2 over HTTP.

Source: https://github.com/kserve/open-inference-protocol, "Open Inference Protocol - REST".
"""

from __future__ import annotations

import email.utils
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import LocationParseError

from subscriber.errors import BatchRefused, ModelFailed, TooSlow, Transient, WrongSetting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.pipeline import Pipeline


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


class Metadata(msgspec.Struct):
    """What a model says of itself; servers may list no inputs, no outputs, no versions."""

    name: str
    versions: list[str] | None = None
    inputs: list[TensorMetadata] = []
    outputs: list[TensorMetadata] = []


class InferenceClient:
    """Sends rows to one model over one kept connection; every failure leaves as one of `subscriber.errors`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._model = pipeline.model
        self._features = pipeline.features
        self._outputs = list(pipeline.target.outputs)
        self._feature_of = [attrgetter(f"f{i}") for i in range(len(pipeline.features))]
        self._url = f"{self._model.versioned_url}/infer"
        self._answer = msgspec.json.Decoder(Answer)
        self._session = _session(self._url)

    def check(self) -> Metadata:
        """Compare the pipeline with what the model says of itself.

        Raises:
            Transient: the server is away.
            WrongSetting: there is no such model, or its inputs or outputs are not the pipeline's.
        """
        url = self._model.versioned_url
        try:
            metadata = msgspec.json.decode(self._request("GET", url, None), type=Metadata)
        except (BatchRefused, ModelFailed) as error:
            raise Transient(f"{url}: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise WrongSetting(f"{url} does not answer with model metadata ({error}): is model.url right?") from error
        wanted = (
            [self._model.matrix_tensor] if self._model.layout == "matrix" else [f.input_name for f in self._features]
        )
        _compare(url, "inputs", wanted, metadata.inputs, exact=True)
        _compare(url, "outputs", self._outputs, metadata.outputs, exact=False)
        return metadata

    def predict(self, rows: Sequence[Any]) -> tuple[list[tuple[Any, ...]], str | None]:
        """The model's outputs for each row, in the order of the pipeline's outputs, and the version that answered.

        An output is None where the model gives the row none.

        Raises:
            Transient: the server is away, busy, or the connection broke.
            TooSlow: it took the rows and did not answer in time.
            BatchRefused, ModelFailed: the server will not, or cannot, predict these rows.
            WrongSetting: the answer is not one for this pipeline.
        """
        body = self._request("POST", self._url, msgspec.json.encode(self._payload(rows)))
        try:
            answer = self._answer.decode(body)
        except msgspec.ValidationError as error:
            raise WrongSetting(f"{self._url} does not answer as the protocol says: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # some servers write a NaN like this
            raise ModelFailed(f"model API's answer is not JSON: {error}") from error
        by_name = {tensor.name: tensor for tensor in answer.outputs}
        columns = [self._column(by_name, name, len(rows)) for name in self._outputs]
        return list(zip(*columns, strict=True)), answer.model_version

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
            raise WrongSetting(
                f"{self._url} answers without output {name!r} (it has: {', '.join(sorted(by_name)) or 'none'}): "
                f"target.outputs names it"
            )
        try:
            return rows_of(tensor, count)
        except ValueError as error:
            raise WrongSetting(f"{self._url}: output {name!r} {error}") from error

    def _request(self, method: str, url: str, body: bytes | None) -> bytes:
        try:
            response = self._session.request(
                method,
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._model.timeout_seconds,
                allow_redirects=False,
            )
        except requests.ConnectTimeout as error:
            raise Transient(f"model API cannot be reached within {self._model.timeout_seconds:g} s") from error
        except requests.Timeout as error:
            raise TooSlow(f"model API does not answer within {self._model.timeout_seconds:g} s") from error
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise WrongSetting(
                    f"{url}: the server's certificate is not trusted (REQUESTS_CA_BUNDLE names a file of authorities)"
                ) from error
            raise Transient(f"model API cannot be reached ({type(error).__name__})") from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise Transient(f"model API cannot be reached ({type(error).__name__})") from error
        except requests.exceptions.ContentDecodingError as error:
            raise Transient("model API's answer broke off") from error
        except (requests.RequestException, LocationParseError) as error:
            # requests lets urllib3's own error pass for a host name that cannot be one
            raise WrongSetting(f"{url}: {error}") from error
        _raise_for(response, url)
        return response.content


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


def _raise_for(response: requests.Response, url: str) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    said = f"model API answers {status}: {_excerpt(response)}"
    if status in (408, 425, 429, 502, 503, 504):
        raise Transient(f"model API answers {status}", _retry_after(response.headers.get("Retry-After")))
    if status in (400, 413, 422):
        raise BatchRefused(said)
    if status == requests.codes.internal_server_error:
        raise ModelFailed(said)
    raise WrongSetting(f"{said} ({url}): check model.url and model.version in the pipeline file, and access rights")


def _excerpt(response: requests.Response) -> str:
    try:
        error = msgspec.json.decode(response.content, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = None
    return (error if isinstance(error, str) else response.text.strip())[:500] or response.reason or "no explanation"


def _retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); None if it says neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _compare(url: str, kind: str, wanted: list[str], listed: list[TensorMetadata], *, exact: bool) -> None:
    names = [tensor.name for tensor in listed]
    if not names:
        return
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted] if exact else []
    if missing or extra:
        raise WrongSetting(
            f"{url}: the model's {kind} are {', '.join(names)}, but the pipeline file says {', '.join(wanted)}"
        )


def _session(url: str) -> requests.Session:
    """A session that looks at the environment (proxies, certificates) once, not at every request."""
    session = requests.Session()
    settings = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.cert = settings["proxies"], settings["verify"], settings["cert"]
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
