from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

SPOOL_DIR = Path(__file__).resolve().parent.parent / "spool"


class ArchiveSettings(BaseSettings):
    """Where images are kept, each by an environment variable of the same name in capitals, or in `.env`."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", extra="ignore", env_ignore_empty=True, use_attribute_docstrings=True
    )

    archive_endpoint: str = ""
    """Where the S3 store is: `http://host:port` or `https://host`; without one, nothing is archived."""

    archive_bucket: str = Field("production", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """The bucket of the images."""

    archive_region: str = "us-east-1"
    """The bucket's region, as the store calls it; many stores take any."""

    archive_user: str = ""
    """The account: what S3 calls an access key's id."""

    archive_password: SecretStr = Field(SecretStr(""), validate_default=True)
    """The account's secret access key."""

    archive_ca_file: Path | None = None
    """Certificates of the authorities that may vouch for an `https` store; without it, the well-known ones."""

    archive_workers: int = Field(4, gt=0, le=64)
    """How many images are uploaded at a time."""

    archive_timeout_seconds: float = Field(5.0, gt=0)
    """How long the store may take to be connected to, and to answer, before it counts as away."""

    archive_spool_dir: Path = SPOOL_DIR
    """Folder on a local disk for images that wait for the store; several processes may share it."""

    archive_spool_max_bytes: int = Field(1024 * 1024 * 1024, gt=0)
    """How much of them is kept there by one process."""

    archive_memory_max_bytes: int = Field(64 * 1024 * 1024, ge=0)
    """How much of them may wait in memory when that folder takes no more; what is beyond is lost."""

    archive_drain_seconds: float = Field(3.0, ge=0)
    """How long, at the end, images are still uploaded; the rest waits in the folder for the next start."""

    @field_validator("archive_endpoint")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise PydanticCustomError("no_address", "'{url}' is no http://host:port or https://host", {"url": url})
        return url

    @field_validator("archive_password")
    @classmethod
    def _has_an_account(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("archive_endpoint") and not (info.data.get("archive_user") and password.get_secret_value()):
            raise PydanticCustomError("needed", "ARCHIVE_ENDPOINT needs both ARCHIVE_USER and ARCHIVE_PASSWORD")
        return password

    @field_validator("archive_ca_file")
    @classmethod
    def _is_a_file(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise PydanticCustomError("no_file", "there is no file {path}", {"path": str(path)})
        return path
