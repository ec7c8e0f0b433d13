from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from api.errors import MalformedRequestError
from api.model.description import Description, Output
from api.model.model import Model
from api.model.outputs import Answers
from api.protocol.malformed import explain
from api.protocol.messages import InferenceRequest, InferenceResponse, ResponseOutput
from api.protocol.tensors import columns

_request = msgspec.json.Decoder(InferenceRequest)
_encoder = msgspec.json.Encoder()


class Answer(NamedTuple):
    """An inference response, encoded, and the number of rows it answers."""

    body: bytes
    rows: int


def infer(model: Model, body: bytes, max_rows: int) -> Answer:
    """Answer one inference request: decode, predict all rows at once, encode.

    Raises:
        MalformedRequestError: the body is not an inference request, or its tensors do not fit the model.
        UnfitValueError: a number in it cannot be predicted with.
        RequestTooLargeError: it has more than `max_rows` rows.
        PredictionError: the model raised.
    """
    request = decoded(body)
    outputs = wanted(request, model.description.outputs)
    answers = model.predict(columns(request.inputs, model.description.features, max_rows))
    return encoded(request, model.description, outputs, answers)


def encoded(request: InferenceRequest, description: Description, outputs: Sequence[Output], answers: Answers) -> Answer:
    """Answer a request with these outputs of the answers."""
    rows = len(answers[outputs[0].name])
    response = InferenceResponse(
        model_name=description.name,
        model_version=description.version,
        id=request.id,
        outputs=[ResponseOutput(o.name, [rows], o.datatype, answers[o.name].tolist()) for o in outputs],
    )
    return Answer(_encoder.encode(response), rows)


def wanted(request: InferenceRequest, outputs: Sequence[Output]) -> Sequence[Output]:
    """The outputs that are asked for, in that order, or all.

    Raises:
        MalformedRequestError: one of them is unknown.
    """
    if request.outputs is UNSET or not request.outputs:
        return outputs
    by_name = {output.name: output for output in outputs}
    for asked in request.outputs:
        if asked.name not in by_name:
            raise MalformedRequestError(f"unknown output '{asked.name}', the model gives {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(asked.name for asked in request.outputs)]


def decoded(body: bytes) -> InferenceRequest:
    """Read a request.

    Raises:
        MalformedRequestError: it is none.
        UnfitValueError: one of its numbers is NaN or infinite.
    """
    try:
        return _request.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedRequestError(f"not an inference request: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise explain(body, str(error)) from error
    except RecursionError as error:
        raise MalformedRequestError("the body is nested too deeply") from error
