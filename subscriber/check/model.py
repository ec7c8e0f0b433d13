"""The model server's side: what the model says of itself, and what it answers for one real row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from subscriber.errors import BatchRefused, ModelFailed, WrongSetting
from subscriber.inference import InferenceClient, TensorMetadata, row_width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subscriber.check.findings import Findings
    from subscriber.check.rows import Rows
    from subscriber.pipeline import Pipeline


def look_at_model(pipeline: Pipeline, rows: Rows, findings: Findings) -> dict[str, tuple[str, int]]:
    """Look at the model and try it on the newest row.

    Returns:
        The datatype of each output of the pipeline and how many values of it a row gets, as far as they are known.

    Raises:
        Transient: the server is away.
    """
    client = InferenceClient(pipeline)
    try:
        metadata = client.check()
    except WrongSetting as error:
        findings.wrong("model", str(error))
        return {}
    versions = f", version {', '.join(metadata.versions)}" if metadata.versions else ""
    findings.ok("model", f"{metadata.name} at {pipeline.model.url}{versions}")
    _tell_tensors("inputs", metadata.inputs, findings)
    _tell_tensors("outputs", metadata.outputs, findings)
    found = {t.name: (t.datatype, width_of(t.shape)) for t in metadata.outputs or []}
    if rows.newest is not None:
        found |= _try(client, pipeline, rows, findings)
    return {name: found[name] for name in pipeline.target.outputs if name in found}


def width_of(shape: Sequence[int]) -> int:
    """How many values a row gets of an output of this shape; several where it does not say."""
    return row_width(shape) or 2


def _tell_tensors(what: str, listed: list[TensorMetadata] | None, findings: Findings) -> None:
    if listed:
        findings.ok(what, ", ".join(f"{t.name} {t.datatype}{t.shape}" for t in listed))
    else:
        findings.ok(what, "the server lists none, so their names are not compared")


def _try(client: InferenceClient, pipeline: Pipeline, rows: Rows, findings: Findings) -> Mapping[str, tuple[str, int]]:
    try:
        # what is wrong with the answer's shape is told by it
        values, version = client.predict([rows.newest])
        tensors = {tensor.name: tensor for tensor in client.answer([rows.newest]).outputs}
    except (WrongSetting, BatchRefused, ModelFailed) as error:
        findings.wrong("trial", f"the newest row is not predicted: {error}")
        findings.show(f"row: {_json(rows.payload)}")
        return {}
    outputs = dict(zip(pipeline.target.outputs, values[0], strict=True))
    said = f"the newest row gets {_json(outputs)}"
    findings.ok("trial", f"{said}, by version {version}" if version else said)
    findings.show(f"row: {_json(rows.payload)}")
    return {name: (tensors[name].datatype, width_of(tensors[name].shape)) for name in outputs}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
