"""Messages and pipelines made by hand, for tests without servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from subscriber.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Message:
    """A message of the topic with the methods that confluent-kafka's has."""

    def __init__(
        self,
        value: bytes | None = b"",
        *,
        partition: int = 0,
        offset: int = 0,
        key: bytes | None = b"key",
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> None:
        self._value = value
        self._key = key
        self._headers = headers
        self._partition = partition
        self._offset = offset

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_767_225_600_000 + self._offset

    def __repr__(self) -> str:
        return f"Message({self._value!r}, partition={self._partition}, offset={self._offset})"


def messages(values: Iterable[bytes | None]) -> list[Message]:
    """One message a value, in one partition."""
    return [Message(value, offset=offset) for offset, value in enumerate(values)]


def connect_json(payload: Any, **types: Any) -> bytes:
    """A message as Kafka Connect's JSON converter writes it; `types` are those of the columns in its schema."""
    fields = [
        {"field": column, "optional": True, **({"type": type_} if isinstance(type_, str) else type_)}
        for column, type_ in types.items()
    ]
    return json.dumps({"schema": {"type": "struct", "fields": fields, "optional": False}, "payload": payload}).encode()


def pipeline(
    features: Sequence[tuple[str, str] | dict[str, Any]] = (("width", "FP64"), ("height", "FP64")),
    *,
    url: str = "http://127.0.0.1:1/v2/models/m",
    outputs: dict[str, str] | None = None,
    source: dict[str, str] | None = None,
    target: dict[str, Any] | None = None,
    truth: dict[str, str] | None = None,
    **model: Any,
) -> Pipeline:
    """A pipeline with these columns and datatypes as features; `model` are further keys of its model."""
    return Pipeline.model_validate(
        {
            "name": "p",
            "topic": "t",
            "group": "g",
            "model": {"url": url, **model},
            "features": [
                {"column": feature[0], "datatype": feature[1]} if isinstance(feature, tuple) else feature
                for feature in features
            ],
            "source": {"key": "id", "timestamp": "timestamp"} if source is None else source,
            "target": {"table": "predictions", "outputs": outputs or {"class": "class"}, **(target or {})},
            "truth": truth,
        }
    )
