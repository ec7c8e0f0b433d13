"""Missing variables are one line that names them all and says where they come from."""

import pytest

from connectors.errors import SettingError
from connectors.settings import ConnectorsSettings

NAMES = [name.upper() for name in ConnectorsSettings.model_fields]


@pytest.fixture(autouse=True)
def _complete(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "5432" if name.endswith("PORT") else "hidden-word")


def test_a_complete_environment_is_read_and_passwords_stay_hidden() -> None:
    settings = ConnectorsSettings.from_environment()

    assert "hidden-word" not in repr(settings.sink_password)
    assert "hidden-word" not in str(settings.debezium_password)


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(SettingError, match=rf"^not set in the environment: {name} \(`make stack` prints the values\)$"):
        ConnectorsSettings.from_environment()


def test_a_malformed_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_PORT", "many")

    with pytest.raises(SettingError, match=r"TARGET_PORT: .*integer"):
        ConnectorsSettings.from_environment()
