"""Where rows and requests go, from the process environment."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, HttpUrl, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from data_generator.errors import SettingError


class EnvironmentSettings(BaseSettings):
    """Settings of which each is the variable of the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

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


class SourceSettings(EnvironmentSettings):
    """The source database and the role that owns its tables."""

    source_host: str
    """Host name or address."""
    source_port: int
    """TCP port."""
    source_database: str
    source_user: str
    """Owns the table: creates it if it is missing, and writes to it."""
    source_password: SecretStr
    source_sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    source_sslrootcert: Path | None = Field(None, validate_default=True)
    """Certificates of the authorities that may vouch for the server."""

    @field_validator("source_sslrootcert")
    @classmethod
    def _check_authorities(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        mode = str(info.data.get("source_sslmode"))
        if path is None and mode.startswith("verify"):
            raise PydanticCustomError("needed", "not set, but SOURCE_SSLMODE={mode} needs it", {"mode": mode})
        if path is not None and not path.is_file():
            raise PydanticCustomError("no_file", "there is no file {path}", {"path": str(path)})
        return path


class ApiSettings(EnvironmentSettings):
    """The model API that images and applications go to."""

    api_url: HttpUrl
    """Its address, without a path of its routes."""
