"""Both databases, the roles that prepare them, and Kafka Connect: from the process environment."""

from typing import Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.errors import SettingError


class ConnectorsSettings(BaseSettings):
    """Each field is the variable of that name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    source_host: str
    source_port: int
    source_database: str
    source_user: str
    """Owns the source tables: creates the publication and grants Debezium its reading."""
    source_password: SecretStr
    debezium_user: str
    """Reads the write-ahead log."""
    debezium_password: SecretStr
    target_host: str
    target_port: int
    target_database: str
    sink_user: str
    """Owns the copied tables and writes them."""
    sink_password: SecretStr
    connect_url: str
    """Of Kafka Connect's REST interface."""

    @classmethod
    def from_environment(cls) -> Self:
        """Read the process environment.

        Raises:
            SettingError: a variable is missing or malformed; the message names every such variable.
        """
        try:
            return cls()
        except ValidationError as error:
            problems = [(str(problem["loc"][0]).upper(), problem) for problem in error.errors(include_input=False)]
        missing = [name for name, problem in problems if problem["type"] == "missing"]
        if missing:
            raise SettingError(f"not set in the environment: {', '.join(missing)} (`make stack` prints the values)")
        raise SettingError("; ".join(f"{name}: {problem['msg']}" for name, problem in problems))
