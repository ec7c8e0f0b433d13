"""A variable that is missing or malformed is named; secrets are for the connection alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from subscriber.errors import WrongSetting
from subscriber.settings import Settings, read_settings

COMPLETE = {
    "KAFKA_BOOTSTRAP_SERVERS": "broker:29092",
    "TARGET_HOST": "127.0.0.1",
    "TARGET_PORT": "5433",
    "TARGET_DATABASE": "d",
    "SUBSCRIBER_USER": "u",
    "SUBSCRIBER_PASSWORD": "hidden-word",
}
OPTIONAL = ("SUBSCRIBER_HOST", "SUBSCRIBER_PORT", "SESSION_TIMEOUT_SECONDS", "STOP_SECONDS")
SECURITY = (
    *("TARGET_SSLMODE", "TARGET_SSLROOTCERT", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM"),
    *("KAFKA_USERNAME", "KAFKA_PASSWORD", "KAFKA_SSL_CA_LOCATION"),
)
LOGIN = {"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "hidden-word"}


@pytest.fixture(autouse=True)
def _complete(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    for name in (*OPTIONAL, *SECURITY):
        monkeypatch.delenv(name, raising=False)


def complaint() -> str:
    with pytest.raises(WrongSetting) as raised:
        read_settings()
    return str(raised.value)


def test_a_complete_environment_is_read() -> None:
    settings = read_settings()

    assert (settings.target_port, settings.subscriber_host, settings.subscriber_port) == (5433, "127.0.0.1", 8001)


@pytest.mark.parametrize("name", COMPLETE)
def test_every_variable_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)

    assert complaint().startswith(f"environment: {name}: field required (")


def test_all_that_are_missing_are_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in COMPLETE:
        monkeypatch.delenv(name)

    said = complaint()

    assert all(name in said for name in COMPLETE)
    assert "\n" not in said
    assert "`make stack`" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TARGET_PORT", "many"),
        ("SUBSCRIBER_PORT", "65536"),
        ("SUBSCRIBER_PORT", "-1"),
        ("SESSION_TIMEOUT_SECONDS", "0"),
        ("SESSION_TIMEOUT_SECONDS", "inf"),
        ("STOP_SECONDS", "-1"),
        ("STOP_SECONDS", "nan"),
    ],
)
def test_a_malformed_variable_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    assert complaint().startswith(f"environment: {name}: input should be ")


@pytest.mark.parametrize("missing", [None, "TARGET_PORT"])
def test_the_password_is_in_no_text_about_the_settings(missing: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing:
        monkeypatch.delenv(missing)
        said = complaint()
    else:
        settings = read_settings()
        said = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"

    assert "hidden-word" not in said


@given(password=st.text(st.characters(codec="utf-8", exclude_characters="\0")), user=st.text("ab '\\=", min_size=1))
def test_any_password_reaches_the_database_as_it_is(password: str, user: str) -> None:
    settings = Settings().model_copy(update={"subscriber_password": SecretStr(password), "subscriber_user": user})

    assert conninfo_to_dict(settings.target_dsn()) == {
        "host": "127.0.0.1",
        "port": "5433",
        "dbname": "d",
        "user": user,
        "password": password,
        "sslmode": "prefer",
    }


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().target_port = 1  # type: ignore[misc]


def set_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TARGET_SSLMODE": "on"}, "TARGET_SSLMODE: input should be 'disable', 'allow', 'prefer'"),
        ({"TARGET_SSLMODE": "verify-ca"}, "TARGET_SSLROOTCERT: not set, but TARGET_SSLMODE=verify-ca needs it ("),
        ({"TARGET_SSLROOTCERT": "/not/There.pem"}, "TARGET_SSLROOTCERT: there is no file /not/There.pem ("),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: input should be 'PLAINTEXT', 'SSL'"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_LOCATION": "/not/There.pem"},
            "KAFKA_SSL_CA_LOCATION: there is no file /not/There.pem (",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", **LOGIN, "KAFKA_SASL_MECHANISM": "GSSAPI"},
            "KAFKA_SASL_MECHANISM: input should be 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512' (",
        ),
        (
            {"KAFKA_SSL_CA_LOCATION": __file__},
            "KAFKA_SSL_CA_LOCATION: of no use with KAFKA_SECURITY_PROTOCOL=PLAINTEXT (",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", **LOGIN, "KAFKA_SSL_CA_LOCATION": __file__},
            "KAFKA_SSL_CA_LOCATION: of no use with KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT (",
        ),
    ],
)
def test_security_that_cannot_be_is_refused(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, variables)

    assert complaint().startswith(f"environment: {said}")


@pytest.mark.parametrize("name", LOGIN)
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_login_is_complete(protocol: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"KAFKA_SECURITY_PROTOCOL": protocol, **LOGIN, name: ""})

    assert complaint().startswith(f"environment: {name}: not set, but KAFKA_SECURITY_PROTOCOL={protocol} needs it (")


@pytest.mark.parametrize("name", LOGIN)
@pytest.mark.parametrize("protocol", ["", "PLAINTEXT", "SSL"])
def test_a_login_that_would_not_be_used_is_refused(protocol: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"KAFKA_SECURITY_PROTOCOL": protocol, name: LOGIN[name]})

    said = complaint()

    assert said.startswith(f"environment: {name}: of no use with KAFKA_SECURITY_PROTOCOL={protocol or 'PLAINTEXT'} (")
    assert "hidden-word" not in said


def test_kafka_is_told_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_settings().kafka()
    set_all(monkeypatch, {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", **LOGIN, "KAFKA_SSL_CA_LOCATION": __file__})

    assert before == {"bootstrap.servers": "broker:29092", "security.protocol": "PLAINTEXT"}
    assert read_settings().kafka() == {
        "bootstrap.servers": "broker:29092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "u",
        "sasl.password": "hidden-word",
        "ssl.ca.location": __file__,
    }


def test_the_target_is_trusted_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"TARGET_SSLMODE": "verify-full", "TARGET_SSLROOTCERT": __file__})

    dsn = conninfo_to_dict(read_settings().target_dsn())

    assert (dsn["sslmode"], dsn["sslrootcert"]) == ("verify-full", __file__)
