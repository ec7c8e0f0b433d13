"""What contenders do with a batch: ask for it in columns, read the answer, store it.

Those that are tuned by hand decode their messages and make COPY's text by what is here too. It is the fastest of
several ways to write each part in Python, so that what is compared is the libraries around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INFER = "/v2/models/iris/infer"
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
JSON = {"Content-Type": "application/json"}


class Row(msgspec.Struct, gc=False):
    id: int
    timestamp: str
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


class Message(msgspec.Struct, gc=False):
    """The schema that comes with each row is skipped, not read."""

    payload: Row


class Tensor(msgspec.Struct):
    name: str
    data: list[int]


class Answer(msgspec.Struct):
    outputs: list[Tensor]
    model_version: str


decode = msgspec.json.Decoder(Message).decode
_answer = msgspec.json.Decoder(Answer).decode
_encode = msgspec.json.Encoder().encode


def inputs(columns: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """What an inference request says: one tensor a feature."""
    return {
        "inputs": [
            {"name": name, "shape": [len(column)], "datatype": "FP64", "data": column}
            for name, column in columns.items()
        ]
    }


def request_of(columns: Mapping[str, Sequence[float]]) -> bytes:
    """The body of an inference request."""
    return _encode(inputs(columns))


def request(rows: Sequence[Row]) -> bytes:
    """The body of an inference request for these rows."""
    return request_of(
        {
            "sepal_length": [row.sepal_length for row in rows],
            "sepal_width": [row.sepal_width for row in rows],
            "petal_length": [row.petal_length for row in rows],
            "petal_width": [row.petal_width for row in rows],
        }
    )


def read_classes(answer: dict[str, Any]) -> tuple[list[int], str]:
    """As `classes`, from an answer that is decoded."""
    predicted = next(tensor["data"] for tensor in answer["outputs"] if tensor["name"] == "iris_class")
    return predicted, answer["model_version"]


def classes(body: bytes) -> tuple[list[int], str]:
    """The class of each row, and the version of the model, from the body of its answer."""
    answer = _answer(body)
    return next(tensor.data for tensor in answer.outputs if tensor.name == "iris_class"), answer.model_version


def copy_statement(table: str) -> str:
    return f"copy {table} (timestamp, iris_class, source_id, model_version) from stdin"


def copy_text(rows: Sequence[Row], predicted: Sequence[int], version: str) -> str:
    """Rows in COPY's text format; none of the values holds a tab, a line's end or a backslash."""
    return "".join([f"{row.timestamp}\t{c}\t{row.id}\t{version}\n" for row, c in zip(rows, predicted, strict=True)])
