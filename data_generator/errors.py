"""What can go wrong while rows are written, or images and applications sent, and what each means for the run.

GeneratorError
├── SettingError        an option or a variable is missing or wrong: stop, exit 2
├── TableError          the database answers, but will not take these rows: stop, exit 1
├── AwayError           a server is away: wait, go on with what was in hand
│   ├── DatabaseLostError   the database; with a new connection
│   └── ApiLostError        the model API
├── RefusedError        the model API will not answer this request, or not with a prediction: count it, go on
└── IdsTakenError       the batch's ids exist already: either it was stored, or it needs other ids
"""


class GeneratorError(Exception):
    """The message is one line for a person."""


class SettingError(GeneratorError):
    pass


class TableError(GeneratorError):
    pass


class AwayError(GeneratorError):
    pass


class DatabaseLostError(AwayError):
    pass


class ApiLostError(AwayError):
    pass


class RefusedError(GeneratorError):
    pass


class IdsTakenError(GeneratorError):
    pass
