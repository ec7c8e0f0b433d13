"""What can go wrong with the archive, by what is to be done about it.

ArchiveError
├── ObjectMissing  there is no such object, and none on its way: tell who asked
├── StoreAway      the store is not there, or slow: keep the object, try again a little later
├── StoreRefused   the store answers, and will not: see `refusal`
├── SpoolFailed    the folder takes no more: keep the object in memory
└── SpoolDamaged   a file is not what was written: set it aside, go on with the others
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Why the store refuses; the words of the metric."""

    CREDENTIALS = "credentials"
    """User, password or rights are not right: somebody has to see to the settings."""
    BUCKET = "bucket"
    """There is no such bucket: make it."""
    OBJECT = "object"
    """This object will never be taken, others may be."""
    OTHER = "other"
    """Something else: try again a little later."""


class ArchiveError(Exception):
    """Root of these errors; its text is one sentence for the log."""


class ObjectMissing(ArchiveError):
    """There is no such object."""


class StoreAway(ArchiveError):
    """The store does not answer now. Whether it has done what it was asked is not known."""

    def __init__(self, text: str, kind: str = "unreachable") -> None:
        super().__init__(text)
        self.kind = kind
        """`unreachable`, `timeout` or `server` (it answers with an error of its own): the words of the metric."""


class StoreRefused(StoreAway):
    """The store answers, and does not do it; for who wants an object that is as good as away."""

    def __init__(self, text: str, refusal: Refusal) -> None:
        super().__init__(text, refusal.value)
        self.refusal = refusal


class SpoolFailed(ArchiveError):
    """A file cannot be written: the bound is reached, the disk is full, or the folder is closed to us."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason
        """`full`, `closed` or `other`: the words of the metric."""


class SpoolDamaged(ArchiveError):
    """A file is not what was written."""
