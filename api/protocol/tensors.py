"""From the tensors of a request to one numpy column a feature, without an object a row or a number kept."""

import math
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from api.errors import MalformedRequestError, RequestTooLargeError, UnfitValueError
from api.model.datatypes import FLOATS, INTEGERS
from api.model.model import Columns
from api.protocol.messages import RequestInput

MATRIX_DIMENSIONS = 2
AT = re.compile(r" - at `\$\[(\d+)\](?:\[(\d+)\])?`")

_flat_floats = msgspec.json.Decoder(list[float])
_flat_integers = msgspec.json.Decoder(list[int])
_nested_floats = msgspec.json.Decoder(list[list[float]])
_nested_integers = msgspec.json.Decoder(list[list[int]])


def columns(inputs: Sequence[RequestInput], features: Sequence[str], max_rows: int) -> Columns:
    """Read the features from either form of request.

    Columnar: one tensor a feature, of shape [n] or [n, 1], in any order. Matrix: one tensor of shape [n, features], of
    any name that is not a feature's, its columns in the order of the features.

    Returns:
        One float64 array of shape [n] a feature, 1 <= n <= max_rows.

    Raises:
        MalformedRequestError: the tensors are not the features, or one is not what its shape and datatype say.
        RequestTooLargeError: there are more than `max_rows` rows.
        UnfitValueError: a number is null, not a number, not finite, or outside its datatype.
    """
    matrix = len(inputs) == 1 and inputs[0].name not in features and len(inputs[0].shape) == MATRIX_DIMENSIONS
    if matrix:
        tensor = inputs[0]
        if tensor.shape[1] != len(features):
            raise MalformedRequestError(f"tensor '{tensor.name}' has shape {tensor.shape}, {_wanted(features)}")
        _check_rows(tensor, max_rows)
        table = _numbers(tensor)
        return {feature: table[:, position] for position, feature in enumerate(features)}
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
    return {tensor.name: _numbers(tensor).reshape(-1) for tensor in inputs}


def _wanted(features: Sequence[str]) -> str:
    return f"the model takes {', '.join(features)}, or one matrix of shape [n, {len(features)}]"


def _check_names(names: Sequence[str], features: Sequence[str]) -> None:
    for name in names:
        if name not in features:
            raise MalformedRequestError(f"unknown tensor '{name}', {_wanted(features)}")
        if names.count(name) > 1:
            raise MalformedRequestError(f"tensor '{name}' is given {names.count(name)} times")
    for feature in features:
        if feature not in names:
            raise MalformedRequestError(f"tensor '{feature}' is missing, {_wanted(features)}")


def _check_rows(tensor: RequestInput, max_rows: int) -> None:
    rows = tensor.shape[0]
    if rows < 0:
        raise MalformedRequestError(f"tensor '{tensor.name}' has shape {tensor.shape}, it cannot be negative")
    if rows == 0:
        raise MalformedRequestError(f"tensor '{tensor.name}' is empty")
    if rows > max_rows:
        raise RequestTooLargeError(f"{rows} rows are more than the {max_rows} taken in one request")


def _numbers(tensor: RequestInput) -> npt.NDArray[np.float64]:
    """Read a tensor's data in its own datatype, then as float64, in its own shape."""
    datatype = (INTEGERS | FLOATS).get(tensor.datatype)
    if datatype is None:
        known = ", ".join(INTEGERS | FLOATS)
        raise MalformedRequestError(
            f"tensor '{tensor.name}' has datatype '{tensor.datatype}', it must be one of {known}"
        )
    values = _values(tensor, integers=tensor.datatype in INTEGERS)
    size = math.prod(tensor.shape)
    if len(values) != size:
        raise MalformedRequestError(
            f"tensor '{tensor.name}' has {len(values)} numbers, its shape {tensor.shape} needs {size}"
        )
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


def _values(tensor: RequestInput, *, integers: bool) -> list[Any]:
    """Read the data as one flat list, row after row."""
    decoder: msgspec.json.Decoder[list[Any]] = _flat_integers if integers else _flat_floats
    try:
        return decoder.decode(tensor.data)
    except msgspec.ValidationError as error:
        if "got `array`" not in str(error) or len(tensor.shape) != MATRIX_DIMENSIONS:
            raise _refusal(tensor, error) from error
    rows: msgspec.json.Decoder[list[list[Any]]] = _nested_integers if integers else _nested_floats
    try:
        nested = rows.decode(tensor.data)
    except msgspec.ValidationError as error:
        raise _refusal(tensor, error) from error
    width = tensor.shape[1]
    for index, row in enumerate(nested):
        if len(row) != width:
            raise MalformedRequestError(
                f"tensor '{tensor.name}': row {index} has {len(row)} numbers, its shape {tensor.shape} needs {width}"
            )
    return [value for row in nested for value in row]


def _refusal(tensor: RequestInput, error: msgspec.ValidationError) -> MalformedRequestError | UnfitValueError:
    """Say which number of which tensor msgspec stopped at."""
    problem = AT.sub("", str(error)).replace("`", "")
    problem = problem[0].lower() + problem[1:]
    at = AT.search(str(error))
    if at is None:
        return MalformedRequestError(f"tensor '{tensor.name}': data: {problem}")
    row, column = at.groups()
    index = int(row) if column is None else int(row) * tensor.shape[1] + int(column)
    return UnfitValueError(tensor.name, index, f"is not a number it may hold: {problem}")
