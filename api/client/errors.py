"""What can go wrong with a command, and the exit status that tells it.

ClientError                 1
├── UsageError              2    an option, a variable or a file is wrong: nothing was asked of the API
├── AwayError               1    nobody answers, or only that it cannot now: worth asking again
│   └── UnreachedError      1    nobody has ever answered: the address may be wrong
├── BrokenOffError          1    the connection ended in the middle of an answer: worth asking again
├── RefusedError            1    the API answers that it will not; asking again changes nothing
│   └── SignInError         1    nor will it let this user in
├── TaskFailedError         1    the task ended without a result, or was cancelled
├── RowsFailedError         3    the task is done, and some of its rows have an error instead of a prediction
└── InterruptedByUser       130  Ctrl-C; the message says how to come back
"""


class ClientError(Exception):
    """The message is one line for a person."""

    exit_status = 1


class UsageError(ClientError):
    exit_status = 2


class AwayError(ClientError):
    """Worth asking again, after `retry_after_seconds` at the earliest."""

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnreachedError(AwayError):
    pass


class BrokenOffError(ClientError):
    pass


class RefusedError(ClientError):
    """The API's refusal, with its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class SignInError(RefusedError):
    pass


class TaskFailedError(ClientError):
    pass


class RowsFailedError(ClientError):
    exit_status = 3


class InterruptedByUser(ClientError):
    exit_status = 130
