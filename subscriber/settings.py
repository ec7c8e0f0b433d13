"""Settings of the subscriber, from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from subscriber.errors import WrongSetting


class Settings(BaseSettings):
    """Where the stream's servers are; each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    kafka_bootstrap_servers: str
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(None, validate_default=True)
    kafka_username: str | None = Field(None, validate_default=True)
    kafka_password: SecretStr | None = Field(None, validate_default=True)
    kafka_ssl_ca_location: Path | None = Field(
        None, description="Certificates of the authorities that may vouch for the brokers; by default the system's."
    )
    target_host: str
    target_port: int
    target_database: str
    target_sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    target_sslrootcert: Path | None = Field(
        None, validate_default=True, description="Certificates of the authorities that may vouch for the server."
    )
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

    @field_validator("kafka_sasl_mechanism", "kafka_username", "kafka_password", "kafka_ssl_ca_location")
    @classmethod
    def _check_kafka(cls, value: Any, info: ValidationInfo) -> Any:
        protocol = info.data.get("kafka_security_protocol")
        if protocol is None:
            return value
        layer = "SSL" if info.field_name == "kafka_ssl_ca_location" else "SASL"
        if value is None and layer == "SASL" and layer in protocol:
            raise PydanticCustomError(
                "needed", "not set, but KAFKA_SECURITY_PROTOCOL={protocol} needs it", {"protocol": protocol}
            )
        if value is not None and layer not in protocol:
            raise PydanticCustomError(
                "of_no_use", "of no use with KAFKA_SECURITY_PROTOCOL={protocol}", {"protocol": protocol}
            )
        return value

    @field_validator("target_sslrootcert")
    @classmethod
    def _check_sslrootcert(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        mode = str(info.data.get("target_sslmode"))
        if path is None and mode.startswith("verify"):
            raise PydanticCustomError("needed", "not set, but TARGET_SSLMODE={mode} needs it", {"mode": mode})
        return path

    @field_validator("target_sslrootcert", "kafka_ssl_ca_location")
    @classmethod
    def _check_file(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise PydanticCustomError("no_file", "there is no file {path}", {"path": str(path)})
        return path

    def kafka(self) -> dict[str, str]:
        """How to reach the brokers and to prove who we are, in librdkafka's words."""
        password = self.kafka_password
        options = {
            "bootstrap.servers": self.kafka_bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_username,
            "sasl.password": password and password.get_secret_value(),
            "ssl.ca.location": self.kafka_ssl_ca_location,
        }
        return {name: str(value) for name, value in options.items() if value is not None}

    def target_dsn(self) -> str:
        """Connection string of the target database."""
        return make_conninfo(
            host=self.target_host,
            port=self.target_port,
            dbname=self.target_database,
            user=self.subscriber_user,
            password=self.subscriber_password.get_secret_value(),
            sslmode=self.target_sslmode,
            sslrootcert=str(self.target_sslrootcert) if self.target_sslrootcert else None,
        )


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        WrongSetting: variables are missing or have the wrong form; all of them are named.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg'][0].lower()}{e['msg'][1:]}" for e in error.errors())
        raise WrongSetting(
            f"environment: {wrong} (`make stack` prints a line for every variable; `.env.example` explains them)"
        ) from error
