"""A missing variable is one line that names it and says where it comes from."""

import pytest

from data_generator.errors import SettingError
from data_generator.settings import SourceSettings

COMPLETE = {
    "SOURCE_HOST": "127.0.0.1",
    "SOURCE_PORT": "5432",
    "SOURCE_DATABASE": "d",
    "SOURCE_USER": "u",
    "SOURCE_PASSWORD": "hidden-word",
}


@pytest.fixture(autouse=True)
def _complete(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    for name in ("SOURCE_SSLMODE", "SOURCE_SSLROOTCERT"):
        monkeypatch.delenv(name, raising=False)


def test_a_complete_environment_is_read_and_the_password_stays_hidden() -> None:
    settings = SourceSettings.from_environment()

    assert settings.source_port == 5432
    assert "hidden-word" not in repr(settings)


@pytest.mark.parametrize("name", COMPLETE)
def test_every_variable_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(SettingError, match=rf"^not set in the environment: {name} \(`make stack` prints the values\)$"):
        SourceSettings.from_environment()


def test_an_empty_variable_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_PASSWORD", "")

    with pytest.raises(SettingError, match="SOURCE_PASSWORD"):
        SourceSettings.from_environment()


def test_a_malformed_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_PORT", "many")

    with pytest.raises(SettingError, match=r"SOURCE_PORT: .*integer"):
        SourceSettings.from_environment()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SOURCE_SSLMODE": "on"}, r"SOURCE_SSLMODE: .*'require', 'verify-ca' or 'verify-full'"),
        (
            {"SOURCE_SSLMODE": "verify-full"},
            r"SOURCE_SSLROOTCERT: not set, but SOURCE_SSLMODE=verify-full needs it",
        ),
        ({"SOURCE_SSLROOTCERT": "/not/There.pem"}, r"SOURCE_SSLROOTCERT: there is no file /not/There\.pem"),
    ],
)
def test_what_cannot_make_a_connection_trusted_is_refused(
    changes: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingError, match=f"^{said}$"):
        SourceSettings.from_environment()
