"""What can keep the connectors from running.

ConnectorsError
├── SettingError      a variable is missing or malformed: exit 2
├── DefinitionError   a definition is not usable, or Kafka Connect refuses it
├── DatabaseError     a database does not answer in time, or refuses
├── ConnectError      Kafka Connect does not answer in time, or refuses
└── TaskFailedError   Kafka Connect runs the connector, and it fails
"""


class ConnectorsError(Exception):
    """The message is for a person: what is wrong, and what to do."""


class SettingError(ConnectorsError):
    pass


class DefinitionError(ConnectorsError):
    pass


class DatabaseError(ConnectorsError):
    pass


class ConnectError(ConnectorsError):
    pass


class TaskFailedError(ConnectorsError):
    pass
