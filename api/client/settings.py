from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClientSettings(BaseSettings):
    """Where the API is and who asks, each by an environment variable of the same name in capitals, or in `.env`."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", extra="ignore", env_ignore_empty=True, use_attribute_docstrings=True
    )

    api_url: str = "http://127.0.0.1:8000"
    """The API's address."""

    task_client_user: str | None = None
    """Who signs in; asked for on a terminal, if not set."""

    task_client_password: SecretStr | None = None
    """The user's password; asked for on a terminal, if not set."""

    task_client_token: SecretStr | None = None
    """A token to use instead of signing in, for as long as it is good."""
