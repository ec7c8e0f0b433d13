"""Both databases, the roles that prepare them, and Kafka Connect: from the process environment."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.errors import SettingError

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class ConnectorsSettings(BaseSettings):
    """Each field is the variable of that name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    source_host: str
    source_port: int
    source_database: str
    source_user: str
    """Owns the source tables: creates the publication and grants Debezium its reading."""
    source_password: SecretStr
    tasks_user: str | None = None
    """Owns the outbox of the tasks and its publication: grants Debezium its reading. Needed for the tasks alone."""
    tasks_password: SecretStr | None = None
    debezium_user: str
    """Reads the write-ahead log."""
    debezium_password: SecretStr
    source_sslmode: SslMode = "prefer"
    source_sslrootcert: Path | None = Field(None, validate_default=True)
    """Certificates of the authorities that may vouch for the source server."""
    target_host: str
    target_port: int
    target_database: str
    sink_user: str
    """Owns the copied tables and writes them."""
    sink_password: SecretStr
    target_sslmode: SslMode = "prefer"
    target_sslrootcert: Path | None = Field(None, validate_default=True)
    """Certificates of the authorities that may vouch for the target server."""
    connect_url: str
    """Of Kafka Connect's REST interface."""
    connect_source_sslrootcert: str | None = None
    """Where Kafka Connect's machine has the file of `source_sslrootcert`, if elsewhere."""
    connect_target_sslrootcert: str | None = None
    """Where Kafka Connect's machine has the file of `target_sslrootcert`, if elsewhere."""

    @field_validator("source_sslrootcert", "target_sslrootcert")
    @classmethod
    def _check_authorities(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        mode_field = f"{str(info.field_name).partition('_')[0]}_sslmode"
        mode = str(info.data.get(mode_field))
        if path is None and mode.startswith("verify"):
            raise PydanticCustomError(
                "needed", "not set, but {name}={mode} needs it", {"name": mode_field.upper(), "mode": mode}
            )
        if path is not None and not path.is_file():
            raise PydanticCustomError("no_file", "there is no file {path}", {"path": str(path)})
        return path

    def files_of_connect(self) -> dict[str, str]:
        """The definitions' variables that name files on Kafka Connect's machine; the target's is part of a URL."""
        source = self.connect_source_sslrootcert or str(self.source_sslrootcert or "")
        target = self.connect_target_sslrootcert or str(self.target_sslrootcert or "")
        return {"CONNECT_SOURCE_SSLROOTCERT": source, "CONNECT_TARGET_SSLROOTCERT": quote(target)}

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
