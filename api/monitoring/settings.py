from pathlib import Path
from typing import Literal

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

SPILL_DIR = Path(__file__).resolve().parent.parent / "spill"
CONNECT_SECONDS = 3


class MonitoringSettings(BaseSettings):
    """Where answers are kept, each by an environment variable of the same name in capitals, or in `.env`."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", extra="ignore", env_ignore_empty=True, use_attribute_docstrings=True
    )

    monitoring_host: str = ""
    """Host name or address of the monitoring database's server; without one, nothing is kept."""

    monitoring_port: int = Field(5433, gt=0, le=65535)
    """Its TCP port."""

    monitoring_database: str = "monitoring"
    """The database's name."""

    monitoring_user: str = "monitoring"
    """Owns the database: makes its tables and writes to them."""

    monitoring_password: SecretStr = SecretStr("")
    """The user's password."""

    monitoring_sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    """How far the server is trusted, in libpq's words."""

    monitoring_sslrootcert: Path | None = Field(None, validate_default=True)
    """Certificates of the authorities that may vouch for the server."""

    monitoring_spill_dir: Path = SPILL_DIR
    """Folder on a local disk for answers that wait for the database; several processes may share it."""

    monitoring_spill_max_bytes: int = Field(256 * 1024 * 1024, gt=0)
    """How much of them is kept there by one process; about 500 bytes an answer."""

    monitoring_queue_rows: int = Field(20_000, gt=0)
    """How many answers may wait in memory."""

    monitoring_batch_rows: int = Field(1_000, gt=0)
    """The most answers that are written in one transaction."""

    monitoring_batch_interval_seconds: float = Field(0.2, gt=0)
    """The longest that an answer waits for others to be written with."""

    monitoring_spill_after_seconds: float = Field(1.0, gt=0)
    """How long answers wait in memory for a database that is away before they go to the file."""

    monitoring_write_timeout_seconds: float = Field(2.0, gt=0)
    """A batch that is not written in this time goes to the file."""

    monitoring_drain_seconds: float = Field(3.0, ge=0)
    """How long, at the end, answers are still written to the database; the rest goes to the file."""

    @field_validator("monitoring_sslrootcert")
    @classmethod
    def _check_authorities(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        mode = str(info.data.get("monitoring_sslmode"))
        if path is None and mode.startswith("verify"):
            raise PydanticCustomError("needed", "not set, but MONITORING_SSLMODE={mode} needs it", {"mode": mode})
        if path is not None and not path.is_file():
            raise PydanticCustomError("no_file", "there is no file {path}", {"path": str(path)})
        return path

    def dsn(self) -> str:
        """Connection string; a server that is gone without a word is noticed in seconds."""
        return make_conninfo(
            host=self.monitoring_host,
            port=self.monitoring_port,
            dbname=self.monitoring_database,
            user=self.monitoring_user,
            password=self.monitoring_password.get_secret_value(),
            sslmode=self.monitoring_sslmode,
            # without a file none is looked for elsewhere
            sslrootcert=str(self.monitoring_sslrootcert or ""),
            connect_timeout=CONNECT_SECONDS,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=10_000,
            application_name="api monitoring",
            options="-c timezone=UTC -c lock_timeout=5s",
        )
