"""What can go wrong with a task, by what is to be done about it.

ApiError
├── RequestError               the request is at fault; sending it again changes nothing
│   ├── FieldsError            fields, columns or values that are missing or wrong; each is named
│   ├── UnknownTaskError       no such task, or another's
│   ├── TaskStateError         the task is not in a state for that
│   ├── TooLargeError          more bytes or rows than are taken
│   ├── UnsupportedFormatError a content type that is none of those taken
│   └── NotAcceptableError     a content type that is none of those given
├── NotReadyError              the task has not ended yet; ask again a little later
├── BusyError                  too many uploads are in hand; send it again a little later
└── TasksAwayError             a database does not answer now; send it again a little later
"""

from collections.abc import Sequence

from api.errors import ApiError, RequestError


class FieldsError(RequestError):
    """Fields, columns or values are missing or wrong; `problems` holds each field's name and what is wrong with it."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems))
        self.problems: Sequence[tuple[str, str]] = problems
        self.members = {"errors": [{"field": field, "problem": problem} for field, problem in problems]}


class UnknownTaskError(RequestError):
    """There is no such task, or it is another's: which of the two is nobody's business."""

    def __init__(self) -> None:
        super().__init__("there is no such task")


class TaskStateError(RequestError):
    """The task is not in a state for that."""


class TooLargeError(RequestError):
    """More bytes or rows than are taken at once."""


class UnsupportedFormatError(RequestError):
    """A content type that is none of those taken."""


class NotAcceptableError(RequestError):
    """A content type that is none of those given."""


class NotReadyError(ApiError):
    """The task has not ended yet; worth asking again after `retry_after_seconds`."""

    retry_after_seconds = 1


class BusyError(ApiError):
    """Too many uploads are in hand; worth sending again after `retry_after_seconds`."""

    retry_after_seconds = 5


class TasksAwayError(ApiError):
    """A database of the tasks does not answer; worth sending again after `retry_after_seconds`.

    `reason` has the names of servers and roles in it: it is for the log, not for whoever asks.
    """

    retry_after_seconds = 2

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason
