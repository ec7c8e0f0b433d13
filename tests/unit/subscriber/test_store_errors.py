"""Every error of psycopg asks for an action of ours; one that the library adds has to be judged here first."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from subscriber.errors import SubscriberError, Transient, WrongSetting
from subscriber.store import translated

# the same transaction may do later
PASSING = {
    *("08000", "08001", "08003", "08004", "08006", "08007", "08P01"),
    *("25006", "25P03", "25P04"),
    *("40000", "40001", "40002", "40003", "40P01"),
    *("53000", "53100", "53200", "53300", "53400"),
    "55P03",
    *("57000", "57014", "57P01", "57P02", "57P03", "57P04", "57P05"),
    *("58000", "58030", "58P01", "58P02", "58P03"),
    *("XX000", "XX001", "XX002"),
}
# what the first two characters of an SQLSTATE say, as far as it is never a passing trouble
# https://www.postgresql.org/docs/current/errcodes-appendix.html
STANDING = {
    *("02", "03", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "26", "27", "28"),
    *("2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "42", "44", "54", "72", "F0", "HV", "P0"),
}
# classes of which some are passing and some are not, by the three characters after the class
MIXED = {
    *("25000", "25001", "25002", "25003", "25004", "25005", "25007", "25008", "25P01", "25P02"),
    *("55000", "55006", "55P02", "55P04"),
}
WITH_STATE = sorted(
    {c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, psycopg.Error) and c.sqlstate},
    key=lambda c: str(c.sqlstate),
)


def action(error: psycopg.Error) -> SubscriberError:
    """What the error leaves our border as."""
    with pytest.raises(SubscriberError) as raised, translated():
        raise error
    assert raised.value.__cause__ is error
    return raised.value


@pytest.mark.parametrize("kind", WITH_STATE, ids=lambda kind: f"{kind.sqlstate}-{kind.__name__}")
def test_every_error_with_an_sqlstate_is_judged(kind: type[psycopg.Error]) -> None:
    state = str(kind.sqlstate)
    judged = [state in PASSING, state in MIXED, state[:2] in STANDING]
    assert judged.count(True) == 1, f"{kind.__name__} ({state}) is new: does it pass by itself?"

    acted = action(kind("said"))

    assert type(acted) is (Transient if state in PASSING else WrongSetting)
    assert str(acted).startswith("target database: said")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), Transient),
        (psycopg.OperationalError("FATAL:  the database system is starting up"), Transient),
        (psycopg.OperationalError("connection refused"), Transient),
        (psycopg.OperationalError(""), Transient),
        (errors.ConnectionTimeout("timeout"), Transient),
        (psycopg.InterfaceError("the connection is closed"), Transient),
        (psycopg.OperationalError('FATAL:  password authentication failed for user "u"'), WrongSetting),
        (psycopg.OperationalError("SSL error: certificate verify failed"), WrongSetting),
        (psycopg.OperationalError('server certificate for "a" does not match host name "b"'), WrongSetting),
        (
            psycopg.OperationalError('could not read root certificate file "f": no certificate or crl found'),
            WrongSetting,
        ),
        (psycopg.OperationalError("server does not support SSL, but SSL was required"), WrongSetting),
        (psycopg.OperationalError("SSL SYSCALL error: EOF detected"), Transient),
        (psycopg.OperationalError('FATAL:  database "d" does not exist'), WrongSetting),
        (psycopg.OperationalError('FATAL:  role "r" is not permitted to log in'), WrongSetting),
        (psycopg.OperationalError("FATAL:  no pg_hba.conf entry for host"), WrongSetting),
        (psycopg.OperationalError('FATAL:  permission denied for database "d"'), WrongSetting),
        (psycopg.ProgrammingError("the query has 1 placeholder"), WrongSetting),
        (psycopg.DataError("cannot dump"), WrongSetting),
        (psycopg.NotSupportedError("no"), WrongSetting),
        (psycopg.Error("something"), WrongSetting),
    ],
)
def test_errors_without_an_sqlstate(error: psycopg.Error, expected: type[SubscriberError]) -> None:
    assert type(action(error)) is expected


def test_a_long_message_is_told_by_its_first_line() -> None:
    assert str(action(psycopg.OperationalError("first\nsecond"))) == "target database: first"


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError
