"""From the tensors of a request to one numpy column a feature, without an object a row or a value kept."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from api.errors import MalformedRequestError, RequestTooLargeError, UnfitValueError
from api.model.categories import indices
from api.model.datatypes import FLOATS, INTEGERS
from api.model.description import Feature
from api.model.model import Columns
from api.protocol.messages import RequestInput

MATRIX_DIMENSIONS = 2
AT = re.compile(r" - at `\$\[(\d+)\](?:\[(\d+)\])?`")


class Kind(NamedTuple):
    """What a tensor holds: decoders of its two forms, and the word for a value."""

    flat: msgspec.json.Decoder[list[Any]]
    nested: msgspec.json.Decoder[list[list[Any]]]
    singular: str
    plural: str


NUMBERS = Kind(msgspec.json.Decoder(list[float]), msgspec.json.Decoder(list[list[float]]), "number", "numbers")
WHOLE_NUMBERS = Kind(msgspec.json.Decoder(list[int]), msgspec.json.Decoder(list[list[int]]), "number", "numbers")
TEXTS = Kind(msgspec.json.Decoder(list[str]), msgspec.json.Decoder(list[list[str]]), "text", "texts")


def columns(inputs: Sequence[RequestInput], features: Sequence[Feature], max_rows: int) -> Columns:
    """Read the features from either form of request.

    Columnar: one tensor a feature, of shape [n] or [n, 1], in any order. Matrix: one tensor of shape [n, features], of
    any name that is not a feature's, its columns in the order of the features; for a model of numbers alone.

    Returns:
        One float64 array of shape [n] a feature, 1 <= n <= max_rows; of a text feature, the indices of the categories.

    Raises:
        MalformedRequestError: the tensors are not the features, or one is not what its shape and datatype say.
        RequestTooLargeError: there are more than `max_rows` rows.
        UnfitValueError: a number is null, not a number, not finite, or outside its datatype; a text is no category.
    """
    by_name = {feature.name: feature for feature in features}
    matrix = len(inputs) == 1 and inputs[0].name not in by_name and len(inputs[0].shape) == MATRIX_DIMENSIONS
    if matrix and not any(feature.categories for feature in features):
        tensor = inputs[0]
        if tensor.shape[1] != len(features):
            raise MalformedRequestError(f"tensor '{tensor.name}' has shape {tensor.shape}, {_wanted(features)}")
        _check_rows(tensor, max_rows)
        table = _numbers(tensor)
        return {feature.name: table[:, position] for position, feature in enumerate(features)}
    _check(inputs, features, max_rows)
    return {tensor.name: _column(tensor, by_name[tensor.name]) for tensor in inputs}


def texts(inputs: Sequence[RequestInput], feature: Feature, max_rows: int) -> list[str]:
    """Read the one feature of a model that takes any text.

    Returns:
        As many texts as there are rows, from 1 to `max_rows`.

    Raises:
        MalformedRequestError, RequestTooLargeError, UnfitValueError: as `columns` raises them.
    """
    _check(inputs, [feature], max_rows)
    return _texts(inputs[0])


def _check(inputs: Sequence[RequestInput], features: Sequence[Feature], max_rows: int) -> None:
    """See that each feature has its tensor, a column of as many rows as the others."""
    _check_names([tensor.name for tensor in inputs], features)
    for tensor in inputs:
        if len(tensor.shape) not in (1, MATRIX_DIMENSIONS) or tensor.shape[1:] not in ([], [1]):
            raise MalformedRequestError(f"tensor '{tensor.name}' has shape {tensor.shape}, it must be [n] or [n, 1]")
        _check_rows(tensor, max_rows)
        if tensor.shape[0] != inputs[0].shape[0]:
            first = inputs[0]
            raise MalformedRequestError(
                f"tensor '{tensor.name}' has {tensor.shape[0]} rows, tensor '{first.name}' has {first.shape[0]}"
            )


def _wanted(features: Sequence[Feature]) -> str:
    names = ", ".join(feature.name for feature in features)
    if any(feature.datatype == "BYTES" for feature in features):
        return f"the model takes {names}, a tensor each"
    return f"the model takes {names}, or one matrix of shape [n, {len(features)}]"


def _check_names(names: Sequence[str], features: Sequence[Feature]) -> None:
    known = [feature.name for feature in features]
    for name in names:
        if name not in known:
            raise MalformedRequestError(f"unknown tensor '{name}', {_wanted(features)}")
        if names.count(name) > 1:
            raise MalformedRequestError(f"tensor '{name}' is given {names.count(name)} times")
    for name in known:
        if name not in names:
            raise MalformedRequestError(f"tensor '{name}' is missing, {_wanted(features)}")


def _check_rows(tensor: RequestInput, max_rows: int) -> None:
    rows = tensor.shape[0]
    if rows < 0:
        raise MalformedRequestError(f"tensor '{tensor.name}' has shape {tensor.shape}, it cannot be negative")
    if rows == 0:
        raise MalformedRequestError(f"tensor '{tensor.name}' is empty")
    if rows > max_rows:
        raise RequestTooLargeError(f"{rows} rows are more than the {max_rows} taken in one request")


def _column(tensor: RequestInput, feature: Feature) -> npt.NDArray[np.float64]:
    """Read one feature's tensor, of shape [n] or [n, 1], to shape [n]."""
    if not feature.categories:
        return _numbers(tensor).reshape(-1)
    return indices(feature, _texts(tensor))


def _texts(tensor: RequestInput) -> list[str]:
    """Read a tensor of texts, of shape [n] or [n, 1]."""
    if tensor.datatype != "BYTES":
        raise MalformedRequestError(
            f"tensor '{tensor.name}' has datatype '{tensor.datatype}', it must be BYTES: its values are texts"
        )
    return _values(tensor, TEXTS)


def _numbers(tensor: RequestInput) -> npt.NDArray[np.float64]:
    """Read a tensor's data in its own datatype, then as float64, in its own shape."""
    datatype = (INTEGERS | FLOATS).get(tensor.datatype)
    if datatype is None:
        known = ", ".join(INTEGERS | FLOATS)
        raise MalformedRequestError(
            f"tensor '{tensor.name}' has datatype '{tensor.datatype}', it must be one of {known}"
        )
    values = _values(tensor, WHOLE_NUMBERS if tensor.datatype in INTEGERS else NUMBERS)
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=datatype)
    except OverflowError as error:
        bounds = np.iinfo(INTEGERS[tensor.datatype])
        index = next(i for i, value in enumerate(values) if not bounds.min <= value <= bounds.max)
        raise UnfitValueError(tensor.name, index, f"is outside {tensor.datatype}") from error
    finite = np.isfinite(array)
    if not finite.all():
        raise UnfitValueError(tensor.name, int(np.argmin(finite)), f"is outside {tensor.datatype}")
    return array.astype(np.float64, copy=False).reshape(tensor.shape)


def _values(tensor: RequestInput, kind: Kind) -> list[Any]:
    """Read the data as one flat list, row after row, as many as the shape says."""
    values = _flattened(tensor, kind)
    size = math.prod(tensor.shape)
    if len(values) != size:
        raise MalformedRequestError(
            f"tensor '{tensor.name}' has {len(values)} {kind.plural}, its shape {tensor.shape} needs {size}"
        )
    return values


def _flattened(tensor: RequestInput, kind: Kind) -> list[Any]:
    try:
        return kind.flat.decode(tensor.data)
    except msgspec.ValidationError as error:
        if "got `array`" not in str(error) or len(tensor.shape) != MATRIX_DIMENSIONS:
            raise _refusal(tensor, kind, error) from error
    try:
        nested = kind.nested.decode(tensor.data)
    except msgspec.ValidationError as error:
        raise _refusal(tensor, kind, error) from error
    width = tensor.shape[1]
    for index, row in enumerate(nested):
        if len(row) != width:
            raise MalformedRequestError(
                f"tensor '{tensor.name}': row {index} has {len(row)} {kind.plural}, its shape {tensor.shape} needs "
                f"{width}"
            )
    return [value for row in nested for value in row]


def _refusal(
    tensor: RequestInput, kind: Kind, error: msgspec.ValidationError
) -> MalformedRequestError | UnfitValueError:
    """Say which value of which tensor msgspec stopped at."""
    problem = AT.sub("", str(error)).replace("`", "")
    problem = problem[0].lower() + problem[1:]
    at = AT.search(str(error))
    if at is None:
        return MalformedRequestError(f"tensor '{tensor.name}': data: {problem}")
    row, column = at.groups()
    index = int(row) if column is None else int(row) * tensor.shape[1] + int(column)
    return UnfitValueError(tensor.name, index, f"is not a {kind.singular} it may hold: {problem}")
