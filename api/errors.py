"""What can go wrong, by what is to be done about it.

ApiError
├── RequestError                 the request is at fault; sending it again changes nothing
│   ├── MalformedRequestError    not an inference request, or its tensors do not fit the model
│   ├── UnfitValueError          one number that no prediction can be made of
│   ├── UnsupportedEncodingError the body is compressed, or holds binary tensors
│   ├── RequestTooLargeError     more bytes or rows than are taken at once; send it in parts
│   └── UnknownModelError        no such model or version
├── ModelAwaitedError            an endpoint's own model has not been trained yet; send it again later
├── OverloadedError              too many batches wait already; send it again a little later
└── ModelError                   the model is at fault
    ├── ModelMissingError        nothing has been trained yet
    ├── BrokenModelError         its files cannot be read, or are not what was saved
    ├── UntrustedModelError      its file holds types outside the trusted list
    └── PredictionError          the model raised on rows that had passed every check
"""

from collections.abc import Mapping


class ApiError(Exception):
    """Root of every error this service raises; its text is one sentence a caller may read."""

    retry_after_seconds: int | None = None
    """When it is worth sending the request again, if it is."""

    challenge: str | None = None
    """What a token lacks, as `WWW-Authenticate` has it (RFC 6750)."""

    members: Mapping[str, object] = {}
    """What a problem of RFC 9457 holds beside its standard members."""


class RequestError(ApiError):
    """The request is at fault."""


class MalformedRequestError(RequestError):
    """The body is not an inference request, or its tensors do not fit the model."""


class UnfitValueError(RequestError):
    """The number at `index` of tensor `tensor` is not finite, or too large to compute with."""

    def __init__(self, tensor: str, index: int, problem: str) -> None:
        super().__init__(f"tensor '{tensor}': the value at index {index} {problem}")
        self.tensor = tensor
        self.index = index
        self.problem = problem


class UnsupportedEncodingError(RequestError):
    """The body is compressed, or holds binary tensors; JSON is taken as it is."""


class RequestTooLargeError(RequestError):
    """More bytes or rows than are taken at once."""


class UnknownModelError(RequestError):
    """No model of this name, or no such version of it."""


class ModelAwaitedError(ApiError):
    """An endpoint's own model is not there yet; it is served as soon as it is trained."""

    retry_after_seconds = 5

    def __init__(self, model: str) -> None:
        super().__init__(f"the model '{model}' is not there yet: `python -m api.train` makes it")


class OverloadedError(ApiError):
    """Too many batches or rows wait already; worth sending again after `retry_after_seconds`."""

    retry_after_seconds = 1

    def __init__(self, waiting: int, what: str = "batches") -> None:
        super().__init__(f"{waiting} {what} wait for a prediction already, try again later")


class ModelError(ApiError):
    """The model is at fault, not the request."""


class ModelMissingError(ModelError):
    """Nothing has been trained yet."""


class BrokenModelError(ModelError):
    """A model's files cannot be read, or are not what was saved."""


class UntrustedModelError(ModelError):
    """A model's file holds types outside the trusted list; nothing of it was loaded."""


class PredictionError(ModelError):
    """The model raised on rows that had passed every check."""
