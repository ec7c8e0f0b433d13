from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MODELS_DIR = Path(__file__).resolve().parent / "models"


class Settings(BaseSettings):
    """What can be set from outside, each by an environment variable of the same name in capitals, or in `.env`."""

    model_config = SettingsConfigDict(frozen=True, env_file=".env", extra="ignore", use_attribute_docstrings=True)

    api_host: str = "127.0.0.1"
    """Address to listen on."""

    api_port: int = Field(8000, ge=0, le=65535)
    """Port to listen on."""

    models_dir: Path = MODELS_DIR
    """Folder of the trained models."""

    models_seed_dir: Path | None = None
    """Folder of models that come with the program.

    They are copied to `models_dir` at the start, and served there unless another version was chosen.
    """

    max_body_bytes: int = Field(16 * 1024 * 1024, gt=0)
    """A larger request body is refused with 413, however it is sent."""

    max_rows: int = Field(100_000, gt=0)
    """An inference request of more rows is refused with 413."""

    inline_body_bytes: int = Field(16 * 1024, ge=0)
    """Up to this size (some 800 rows of four numbers, about a millisecond) a batch is predicted on the event loop.

    A larger one goes to a thread, which costs a tenth of a millisecond and keeps the loop free for other requests.
    """

    prediction_threads: int = Field(2, gt=0)
    """How many large batches are predicted at a time."""

    max_waiting_batches: int = Field(32, gt=0)
    """How many large batches may be in hand, predicted or waiting, before one more is refused with 503."""

    max_waiting_rows: int = Field(256, gt=0)
    """How many single rows may be in hand in the prediction threads before one more is refused with 503."""

    model_refresh_seconds: float = Field(1.0, gt=0)
    """How often the `current` pointers are looked at, so that a newly trained version is served without a restart."""

    shutdown_timeout_seconds: int = Field(8, gt=0)
    """How long requests in hand may take to finish once the service is told to stop."""

    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """The least level that is logged."""
