"""A server that does not prove who it is, or does not know us, is a setting to change, and said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runs import as_processes
from tests.secured import OTHER_HOST
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commands import Finished
    from tests.secured import SecuredStack
    from tests.stream import SubscriberProcess

pytestmark = as_processes

# what is changed, where {other_authority} and {kafka_port} are the test's, and what is said then
DATABASES = {
    "another authority": ({"SSLROOTCERT": "{other_authority}"}, "certificate verify failed"),
    "another name": ({"HOST": OTHER_HOST}, 'server certificate for "localhost" does not match host name "127.0.0.1"'),
    "no TLS": ({"SSLMODE": "disable"}, "no pg_hba.conf entry"),
}
KAFKA = {
    "another authority": (
        {"KAFKA_SSL_CA_LOCATION": "{other_authority}"},
        "is not trusted: KAFKA_SSL_CA_LOCATION must hold its authority",
    ),
    "another name": ({"KAFKA_BOOTSTRAP_SERVERS": f"{OTHER_HOST}:{{kafka_port}}"}, "is not trusted"),
    "a wrong password": ({"KAFKA_PASSWORD": "hidden-word"}, "invalid credentials with SASL mechanism SCRAM-SHA-512"),
    "another mechanism": (
        {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"},
        "Unsupported SASL mechanism: broker's supported mechanisms: PLAIN,SCRAM-SHA-512",
    ),
}


def filled(changes: dict[str, str], secured: SecuredStack) -> dict[str, str]:
    values = {
        "other_authority": secured.certificates.other_authority,
        "kafka_port": secured.kafka.rpartition(":")[2],
    }
    return {name: value.format(**values) for name, value in changes.items()}


def of(database: str, changes: dict[str, str]) -> dict[str, str]:
    return {f"{database}_{name}": value for name, value in changes.items()}


@pytest.mark.parametrize("reason", DATABASES)
def test_the_data_generator_stops(reason: str, secured: SecuredStack, run: Callable[..., Finished]) -> None:
    changes, said = DATABASES[reason]
    done = run("data_generator", "--rows", "1", **of("SOURCE", filled(changes, secured)))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert "SOURCE_SSLMODE, SOURCE_SSLROOTCERT" in line


@pytest.mark.parametrize("database", ["source", "target"])
@pytest.mark.parametrize("reason", DATABASES)
def test_the_connectors_are_not_registered(
    reason: str, database: str, secured: SecuredStack, run: Callable[..., Finished]
) -> None:
    assert run("data_generator", "--rows", "0").returncode == 0
    changes, said = DATABASES[reason]
    done = run("connectors", "--timeout", "10", **of(database.upper(), filled(changes, secured)))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"connectors: {database} ")
    assert said in line


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{other_authority}", "unable to find valid certification path"),
        ("/not/on/this/machine.pem", "Could not open SSL root certificate file /not/on/this/machine.pem"),
    ],
)
def test_kafka_connect_checks_the_source_with_a_file_of_its_own(
    path: str, said: str, secured: SecuredStack, run: Callable[..., Finished]
) -> None:
    assert run("data_generator", "--rows", "0").returncode == 0
    done = run("connectors", **filled({"CONNECT_SOURCE_SSLROOTCERT": path}, secured))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert said in line
    assert "CONNECT_SOURCE_SSLROOTCERT" in line


def test_kafka_connect_checks_the_target_with_a_file_of_its_own(
    secured: SecuredStack, run: Callable[..., Finished]
) -> None:
    assert run("data_generator", "--rows", "0").returncode == 0
    done = run("connectors", **filled({"CONNECT_TARGET_SSLROOTCERT": "{other_authority}"}, secured))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("connectors: postgres-sink fails: ")
    assert "CONNECT_TARGET_SSLROOTCERT" in line
    assert run("connectors", "remove").returncode == 0


@pytest.mark.parametrize("reason", DATABASES)
def test_the_subscriber_stops_at_the_target(
    reason: str, secured: SecuredStack, subscribe: Callable[..., SubscriberProcess]
) -> None:
    changes, said = DATABASES[reason]
    process = subscribe(**of("TARGET", filled(changes, secured)))
    assert process.wait() == 2
    assert said in process.tail()[-1]
    assert "TARGET_" in process.tail()[-1]


@pytest.mark.parametrize("reason", KAFKA)
def test_the_subscriber_stops_at_kafka(
    reason: str, secured: SecuredStack, subscribe: Callable[..., SubscriberProcess]
) -> None:
    changes, said = KAFKA[reason]
    process = subscribe(**filled(changes, secured))
    assert process.wait() == 2
    assert said in process.tail()[-1]
    assert "KAFKA_" in process.tail()[-1]
    assert "hidden-word" not in process.log.read_text()


def test_a_broker_that_wants_tls_looks_like_one_that_is_down_and_the_subscriber_says_which_words_it_uses(
    subscribe: Callable[..., SubscriberProcess],
) -> None:
    names = ("SECURITY_PROTOCOL", "SASL_MECHANISM", "USERNAME", "PASSWORD", "SSL_CA_LOCATION")
    process = subscribe(**{f"KAFKA_{name}": "" for name in names})
    wait_until("saying so", lambda: process.waits_for("or do not speak KAFKA_SECURITY_PROTOCOL=PLAINTEXT"))
    assert process.running
