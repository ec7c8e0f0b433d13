"""A stack trace becomes one line that names the root cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.explain import LONGEST, explain, root_cause, with_hint

TRACE = """org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.
\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:628)
Caused by: org.apache.kafka.connect.errors.ConnectException: JDBC sink connector failure
\tat io.debezium.connector.jdbc.JdbcSinkConnectorTask.put(JdbcSinkConnectorTask.java:152)
\t... 10 more
Caused by: org.postgresql.util.PSQLException: FATAL: password authentication failed for user "sink"
\tat org.postgresql.core.v3.ConnectionFactoryImpl.doAuthentication(ConnectionFactoryImpl.java:835)
\t... 21 more
"""


def test_the_innermost_cause_is_told_with_a_hint() -> None:
    assert explain(TRACE) == (
        'FATAL: password authentication failed for user "sink" '
        "(the role's password in the database is not the one in the environment)"
    )


@pytest.mark.parametrize(
    ("trace", "cause"),
    [
        ("", "no trace"),
        ("java.lang.NullPointerException\n\tat a.B.c(B.java:1)", "java.lang.NullPointerException"),
        ("java.lang.IllegalStateException: it broke", "it broke"),
        ("a.B: outer\nCaused by: c.D$E: the inner: one\n\tat x", "the inner: one"),
        ("plain words: no class", "plain words: no class"),
    ],
)
def test_root_cause(trace: str, cause: str) -> None:
    assert root_cause(trace) == cause


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ('ERROR: replication slot "stream_serving" is active for PID 7', "another connector"),
        ("Connection to localhost:1 refused. Check that", "is the database up"),
        ('ERROR: publication "p" does not exist', "creates it"),
        ("FATAL: the database system is starting up", "the database restarts"),
        ('logical decoding requires "wal_level" >= "logical"', "wal_level=logical"),
    ],
)
def test_known_causes_have_a_hint(message: str, hint: str) -> None:
    assert hint in with_hint(message)


def test_an_unknown_cause_stands_alone() -> None:
    assert with_hint("something new") == "something new"


@given(trace=st.text())
def test_whatever_the_trace_it_is_one_bounded_line(trace: str) -> None:
    line = explain(trace)

    assert line
    assert len(line.splitlines()) == 1
    assert len(line) <= 2 * LONGEST
