"""Missing variables are one line that names them all and says where they come from."""

from pathlib import Path

import pytest

from connectors.cli import OUTBOX, SOURCE
from connectors.definition import read
from connectors.errors import SettingError
from connectors.settings import ConnectorsSettings
from connectors.source import owner

NAMES = [name.upper() for name, field in ConnectorsSettings.model_fields.items() if field.is_required()]
OPTIONAL = [name.upper() for name, field in ConnectorsSettings.model_fields.items() if not field.is_required()]


@pytest.fixture(autouse=True)
def _complete(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "5432" if name.endswith("PORT") else "hidden-word")
    for name in OPTIONAL:
        monkeypatch.delenv(name, raising=False)


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


def test_the_role_of_the_tasks_is_needed_for_their_outbox_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**dict.fromkeys(NAMES, "x"), "SOURCE_PORT": "5432", "TARGET_PORT": "5432"}
    stream, outbox = read(SOURCE, environment), read(OUTBOX, environment)

    without = ConnectorsSettings.from_environment()
    assert owner(without, stream) == (without.source_user, without.source_password)
    with pytest.raises(SettingError, match=r"^TASKS_USER, TASKS_PASSWORD: not set"):
        owner(without, outbox)

    monkeypatch.setenv("TASKS_USER", "tasks")
    monkeypatch.setenv("TASKS_PASSWORD", "hidden-word")
    user, password = owner(ConnectorsSettings.from_environment(), outbox)
    assert (user, password.get_secret_value()) == ("tasks", "hidden-word")


@pytest.mark.parametrize("database", ["SOURCE", "TARGET"])
def test_how_far_a_server_is_trusted_is_one_of_a_few_words(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{database}_SSLMODE", "verify_full")

    with pytest.raises(SettingError, match=rf"^{database}_SSLMODE: .*'require', 'verify-ca' or 'verify-full'$"):
        ConnectorsSettings.from_environment()


@pytest.mark.parametrize("database", ["SOURCE", "TARGET"])
@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_who_verifies_names_the_authority(database: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{database}_SSLMODE", mode)

    with pytest.raises(SettingError, match=f"^{database}_SSLROOTCERT: not set, but {database}_SSLMODE={mode} needs it"):
        ConnectorsSettings.from_environment()


@pytest.mark.parametrize("database", ["SOURCE", "TARGET"])
def test_a_file_that_is_not_there_is_named(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{database}_SSLROOTCERT", "/not/There.pem")

    with pytest.raises(SettingError, match=rf"^{database}_SSLROOTCERT: there is no file /not/There\.pem$"):
        ConnectorsSettings.from_environment()


def test_kafka_connect_finds_the_files_where_we_do_or_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = ConnectorsSettings.from_environment().files_of_connect()
    ours = tmp_path / "a b&c.pem"
    ours.touch()
    monkeypatch.setenv("SOURCE_SSLROOTCERT", str(ours))
    monkeypatch.setenv("TARGET_SSLROOTCERT", str(ours))
    same = ConnectorsSettings.from_environment().files_of_connect()
    monkeypatch.setenv("CONNECT_SOURCE_SSLROOTCERT", "/theirs/source.pem")
    monkeypatch.setenv("CONNECT_TARGET_SSLROOTCERT", "/theirs/target.pem")
    other = ConnectorsSettings.from_environment().files_of_connect()

    assert list(none.values()) == ["", ""]
    # the target's is a part of a URL
    assert list(same.values()) == [str(ours), str(ours).replace(" ", "%20").replace("&", "%26")]
    assert list(other.values()) == ["/theirs/source.pem", "/theirs/target.pem"]
