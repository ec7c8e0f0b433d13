from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio.connection import parse_url


class CacheSettings(BaseSettings):
    """What can be set of the cache, each by an environment variable of the same name in capitals, or in `.env`."""

    model_config = SettingsConfigDict(frozen=True, env_file=".env", extra="ignore", use_attribute_docstrings=True)

    cache_url: str = ""
    """Where the cache is: `redis://host:port/database`, `rediss://` with TLS. Empty: every answer is computed."""

    cache_user: str = ""
    """The account to use; an account in the URL goes before. Empty: none, or the server's default."""

    cache_password: SecretStr = SecretStr("")
    """The account's password."""

    cache_ttl_seconds: int = Field(3600, gt=0, le=10 * 365 * 24 * 3600)
    """How long the answers to an input are kept, from the first of them on; ten years at most."""

    cache_timeout_ms: int = Field(50, gt=0)
    """A read that takes longer, waiting for a connection included, is a miss."""

    cache_connections: int = Field(16, gt=0)
    """The most connections that are opened."""

    cache_queue: int = Field(10_000, gt=0)
    """The most answers that wait to be written; one more is dropped, and computed again when it is asked for."""

    cache_batch: int = Field(100, gt=0)
    """The most answers that are written at once."""

    @field_validator("cache_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url:
            parse_url(url)
        return url
