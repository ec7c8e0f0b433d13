"""What can go wrong on the way to the store, by what is to be done about it.

ArchiveError
├── StoreAway      keep what is to be stored, try again a little later
├── ObjectMissing  there is no such object; asking again changes nothing
└── StoreRefused   the store answers, and says no
"""


class ArchiveError(Exception):
    """Root of these errors; its text is one sentence for the log."""


class StoreAway(ArchiveError):
    """The store is away or slow. Whether the last object was stored is not known."""


class ObjectMissing(ArchiveError):
    """There is no object of this key."""


class StoreRefused(ArchiveError):
    """The store says no: a wrong password, no such bucket, or a key that it cannot have."""
