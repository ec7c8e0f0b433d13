"""What can go wrong while rows are written, and what each means for the run.

GeneratorError
├── SettingError        an option or a variable is missing or wrong: stop, exit 2
├── TableError          the database answers, but will not take these rows: stop, exit 1
├── DatabaseLostError   the database is away: wait, reconnect, go on with the same batch
└── IdsTakenError       the batch's ids exist already: either it was stored, or it needs other ids
"""


class GeneratorError(Exception):
    """The message is one line for a person."""


class SettingError(GeneratorError):
    pass


class TableError(GeneratorError):
    pass


class DatabaseLostError(GeneratorError):
    pass


class IdsTakenError(GeneratorError):
    pass
