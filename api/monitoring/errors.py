"""What can go wrong on the way to the monitoring database, by what is to be done about it.

MonitoringError
├── DatabaseAway    keep the records, connect anew a little later
│   └── UnknownSchema   a later version of the API has migrated it: this one's records wait for that one
├── RecordsRefused  the tables do not take these records: find the guilty ones, tell, go on with the others
└── SpillFailed     the file takes no more: keep what fits in memory
"""


class MonitoringError(Exception):
    """Root of these errors; its text is one sentence for the log."""


class DatabaseAway(MonitoringError):
    """The database is away, slow, or set up wrongly. Whether the last batch was stored is not known."""


class UnknownSchema(DatabaseAway):
    """The database is at a revision of the schema that this version of the API does not have."""


class RecordsRefused(MonitoringError):
    """A table does not take one of the records; none of them is stored."""


class SpillFailed(MonitoringError):
    """The file cannot be written: its bound is reached, the disk is full, or the folder is closed to us."""
