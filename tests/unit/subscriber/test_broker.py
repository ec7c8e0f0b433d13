"""A refusal is told from an outage by what librdkafka says; the words are those of version 2.16."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from subscriber.broker import all_down, refusal, words

BROKER = "sasl_ssl://localhost:9094/bootstrap: "


@pytest.mark.parametrize(
    ("code", "said", "wrong"),
    [
        (KafkaError._AUTHENTICATION, "SASL authentication error: Authentication failed: Invalid username", "let us in"),
        (KafkaError._AUTHENTICATION, "SASL SCRAM-SHA-256 mechanism handshake failed: Broker: Unsupported", "let us in"),
        (KafkaError._SSL, "SSL handshake failed: error:0A000086: certificate verify failed: broker", "not trusted"),
        (KafkaError._TRANSPORT, "error:0A000086:SSL routines::certificate verify failed", "not trusted"),
        (
            KafkaError._AUTHENTICATION,
            "SASL authentication error: SaslAuthenticateRequest failed: Local: Broker transport failure",
            None,
        ),
        (KafkaError._SSL, "SSL transport error: Connection reset by peer", None),
        (KafkaError._TRANSPORT, "Connect to ipv4#127.0.0.1:1 failed: Connection refused", None),
        (KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down", None),
    ],
)
def test_what_waiting_does_not_mend_is_a_refusal(code: int, said: str, wrong: str | None) -> None:
    found = refusal(code, BROKER + said)

    if wrong is None:
        assert found is None
    else:
        assert found is not None
        assert wrong in found
        assert "sasl_ssl://localhost:9094" in found


def test_an_error_says_the_same_each_time() -> None:
    error = KafkaError(KafkaError._TRANSPORT, f"{BROKER}Connection refused (after 12ms in state CONNECT)")

    assert words(error) == f"{BROKER}Connection refused"


def test_a_broker_that_let_us_in_speaks_our_protocol() -> None:
    speaks = "KAFKA_SECURITY_PROTOCOL=PLAINTEXT"
    assert all_down("1/1 brokers are down", speaks, let_in=True) == "Kafka: 1/1 brokers are down"
    assert all_down("1/1 brokers are down", speaks, let_in=False) == (
        "Kafka: 1/1 brokers are down, or do not speak KAFKA_SECURITY_PROTOCOL=PLAINTEXT"
    )
