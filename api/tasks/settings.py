from pathlib import Path
from typing import Any, Literal, Self

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
CONNECT_SECONDS = 3
# a server that is gone without a word is noticed in seconds
NOTICED: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
MIN_KEY_BYTES = 32


class TaskSettings(BaseSettings):
    """What tasks need, each by an environment variable of the same name in capitals, or in `.env`."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", extra="ignore", env_ignore_empty=True, use_attribute_docstrings=True
    )

    tasks_user: str = ""
    """Owns the schema `tasks` of the source database, and reads that of the target; without one, there are no tasks."""

    tasks_password: SecretStr = SecretStr("")
    """The user's password."""

    source_host: str = "127.0.0.1"
    """Host name or address of the source database's server."""

    source_port: int = Field(5432, gt=0, le=65535)
    """Its TCP port."""

    source_database: str = "sourcedatabase"
    """The database's name."""

    source_sslmode: SslMode = "prefer"
    """How far the server is trusted, in libpq's words."""

    source_sslrootcert: Path | None = Field(None, validate_default=True)
    """Certificates of the authorities that may vouch for the server."""

    target_host: str = "127.0.0.1"
    """Host name or address of the target database's server."""

    target_port: int = Field(5433, gt=0, le=65535)
    """Its TCP port."""

    target_database: str = "targetdatabase"
    """The database's name."""

    target_sslmode: SslMode = "prefer"
    """How far the server is trusted, in libpq's words."""

    target_sslrootcert: Path | None = Field(None, validate_default=True)
    """Certificates of the authorities that may vouch for the server."""

    token_signing_key: SecretStr | None = None
    """Signs tokens and callbacks; at least 32 bytes nobody can guess, such as `openssl rand -hex 32` prints."""

    token_signing_key_file: Path | None = None
    """File that holds the key, instead."""

    token_minutes: int = Field(60, gt=0, le=7 * 24 * 60)
    """How long a token is good for."""

    tasks_max_bytes: int = Field(1024 * 1024 * 1024, gt=0)
    """A larger upload is refused with 413."""

    tasks_max_json_bytes: int = Field(8 * 1024 * 1024, gt=0)
    """A larger list of rows in a JSON request is refused with 413; a file may hold more."""

    tasks_max_rows: int = Field(5_000_000, gt=0)
    """A task of more rows is refused with 413."""

    tasks_max_uploads: int = Field(8, gt=0)
    """How many tasks may be taken in at a time, half of them of one account, before one more is refused with 503."""

    tasks_chunk_rows: int = Field(1_000, gt=0, le=10_000)
    """How many rows are sent in one message."""

    tasks_chunk_bytes: int = Field(256 * 1024, ge=1024, le=900 * 1024)
    """How large one message may get; a single row that is larger is refused."""

    tasks_window_seconds: float = Field(0.5, gt=0)
    """How many seconds of work may be on its way to a model, so that a new task waits no longer behind the others."""

    tasks_keep_days: float = Field(30, gt=0)
    """Tasks are removed so long after they have finished."""

    callback_allow_private: bool = False
    """Whether a task's callback may be sent to this machine or to private networks."""

    callback_timeout_seconds: float = Field(10, gt=0)
    """How long the other side may take to answer a callback."""

    callback_tries: int = Field(8, gt=0)
    """How often a callback is tried, at growing intervals."""

    @field_validator("source_sslrootcert", "target_sslrootcert")
    @classmethod
    def _check_authorities(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        server = str(info.field_name).partition("_")[0]
        mode = str(info.data.get(f"{server}_sslmode"))
        if path is None and mode.startswith("verify"):
            raise PydanticCustomError(
                "needed", "not set, but {server}_SSLMODE={mode} needs it", {"server": server.upper(), "mode": mode}
            )
        if path is not None and not path.is_file():
            raise PydanticCustomError("no_file", "there is no file {path}", {"path": str(path)})
        return path

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.enabled:
            self.signing_key()
        return self

    @property
    def enabled(self) -> bool:
        """Whether there are tasks."""
        return bool(self.tasks_user)

    def signing_key(self) -> bytes:
        """The key that signs tokens.

        Raises:
            PydanticCustomError: there is none, or it is too short; while settings are read it names the variable.
        """
        key, variable = b"", "TOKEN_SIGNING_KEY"
        if self.token_signing_key is not None:
            key = self.token_signing_key.get_secret_value().encode()
        elif self.token_signing_key_file is not None:
            variable = "TOKEN_SIGNING_KEY_FILE"
            try:
                key = self.token_signing_key_file.read_bytes().strip()
            except OSError as error:
                raise PydanticCustomError(
                    "no_file",
                    "TOKEN_SIGNING_KEY_FILE: {path}: {reason}",
                    {"path": str(self.token_signing_key_file), "reason": error.strerror or "cannot be read"},
                ) from error
        else:
            raise PydanticCustomError(
                "needed",
                "TOKEN_SIGNING_KEY is not set, and without it anyone could sign in: `openssl rand -hex 32` prints one "
                "(an empty TASKS_USER does without tasks)",
            )
        if len(key) < MIN_KEY_BYTES:
            raise PydanticCustomError(
                "short",
                "{variable} has {length} bytes, and needs at least {least}: `openssl rand -hex 32` prints a key",
                {"variable": variable, "length": len(key), "least": MIN_KEY_BYTES},
            )
        return key

    def source_dsn(self) -> str:
        """Connection string of the database that tasks are written to."""
        return self._dsn(
            self.source_host, self.source_port, self.source_database, self.source_sslmode, self.source_sslrootcert
        )

    def target_dsn(self) -> str:
        """Connection string of the database that results are read from."""
        return self._dsn(
            self.target_host, self.target_port, self.target_database, self.target_sslmode, self.target_sslrootcert
        )

    def _dsn(self, host: str, port: int, database: str, sslmode: SslMode, sslrootcert: Path | None) -> str:
        return make_conninfo(
            host=host,
            port=port,
            dbname=database,
            user=self.tasks_user,
            password=self.tasks_password.get_secret_value(),
            sslmode=sslmode,
            sslrootcert=str(sslrootcert) if sslrootcert else None,
            connect_timeout=CONNECT_SECONDS,
            **NOTICED,
            application_name="model API tasks",
        )
