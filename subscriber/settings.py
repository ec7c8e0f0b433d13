"""Settings of the subscriber, from the environment."""

from __future__ import annotations

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from subscriber.errors import WrongSetting


class Settings(BaseSettings):
    """Where the stream's servers are; each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    kafka_bootstrap_servers: str
    target_host: str
    target_port: int
    target_database: str
    subscriber_user: str
    subscriber_password: SecretStr
    subscriber_host: str = Field("127.0.0.1", description="Address the console and metrics listen on.")
    subscriber_port: int = Field(
        8001, ge=0, le=65535, description="Port of the console and metrics; 0 takes a free one."
    )
    session_timeout_seconds: float = Field(
        10.0, ge=1, le=300, description="Kafka gives the partitions away after this silence."
    )
    stop_seconds: float = Field(8.0, ge=0, le=3600, description="How long a stop waits for the batch in hand.")

    def target_dsn(self) -> str:
        """Connection string of the target database."""
        return make_conninfo(
            host=self.target_host,
            port=self.target_port,
            dbname=self.target_database,
            user=self.subscriber_user,
            password=self.subscriber_password.get_secret_value(),
        )


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        WrongSetting: variables are missing or have the wrong form; all of them are named.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg'].lower()}" for e in error.errors())
        raise WrongSetting(
            f"environment: {wrong} (`make stack` prints a line for every variable; `.env.example` explains them)"
        ) from error
