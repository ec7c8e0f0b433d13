"""What can go wrong, as the action it asks for.

SubscriberError
├── Transient      the same work will do later: wait, then try again
├── TooSlow        as Transient, but the same rows again may be too many: halve them
├── BatchRefused   the model server refuses these rows: split until the guilty stand alone
├── ModelFailed    the model crashed on these rows: a few retries, then as BatchRefused
├── VersionUnfit   the model version that rows name is not there, or none for this pipeline: all of them are at fault
├── BadRow         this row can never be predicted: dead letter
├── Fenced         another subscriber has moved on with these partitions: drop them, look again
├── Abandoned      told to stop while waiting: leave the batch uncommitted
└── WrongSetting   no row is at fault: stop, and say what to change
    ├── NotFound   the model server has nothing at this address
    └── Misfit     what the model takes or gives is not what the pipeline says
"""

import msgspec

# what the decoder of JSON raises where there is none
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class SubscriberError(Exception):
    pass


class Transient(SubscriberError):
    """The other side is away or busy; `retry_after_seconds` is what it asked for, if it did."""

    def __init__(self, waiting_for: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(waiting_for)
        self.retry_after_seconds = retry_after_seconds


class TooSlow(Transient):
    """The model server took the rows and did not answer in time."""


class BatchRefused(SubscriberError):
    pass


class ModelFailed(SubscriberError):
    pass


class VersionUnfit(SubscriberError):
    """The message names the version."""


class BadRow(SubscriberError):
    """`cause` is one of a few words to count by, `detail` says what is wrong with this row."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class Fenced(SubscriberError):
    def __init__(self, partitions: frozenset[int]) -> None:
        super().__init__(f"another subscriber has stored rows of partitions {sorted(partitions)}")
        self.partitions = partitions


class Abandoned(SubscriberError):
    """Told to stop while waiting for another try."""


class WrongSetting(SubscriberError):
    """The message names the setting, file or permission and what to do."""


class NotFound(WrongSetting):
    pass


class Misfit(WrongSetting):
    pass
