"""The stand-in for Grafana's macros answers as Grafana's own tests of them do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.grafana.macros import Range, UnknownMacro, expand

RANGE = Range(datetime(2018, 4, 12, 18, 0, tzinfo=UTC), datetime(2018, 4, 12, 18, 5, tzinfo=UTC), 2000)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "WHERE $__timeFilter(time_column)",
            "WHERE time_column BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'",
        ),
        ("select $__timeFrom()", "select '2018-04-12T18:00:00Z'"),
        ("select $__timeTo()::timestamptz", "select '2018-04-12T18:05:00Z'::timestamptz"),
        ("GROUP BY $__timeGroup(time_column , '5m')", "GROUP BY floor(extract(epoch from time_column)/300)*300"),
        (
            "GROUP BY $__timeGroupAlias(time_column,'5m')",
            'GROUP BY floor(extract(epoch from time_column)/300)*300 AS "time"',
        ),
        ("select $__unixEpochFilter(time)", "select time >= 1523556000 AND time <= 1523556300"),
        ("select $__interval_ms, '$__interval'", "select 2000, '2000ms'"),
        ("select 1", "select 1"),
    ],
)
def test_macros_are_filled_in(sql: str, expected: str) -> None:
    assert expand(sql, RANGE) == expected


@pytest.mark.parametrize("sql", ["select $__unknown(1)", "where pipeline = '$pipeline'", "select ${pipeline}"])
def test_what_grafana_would_not_know_is_refused(sql: str) -> None:
    with pytest.raises(UnknownMacro):
        expand(sql, RANGE)


def test_a_range_has_its_steps() -> None:
    assert Range.last(timedelta(minutes=5)).interval_ms == 1000
    assert Range.last(timedelta(hours=12)).interval_ms == 144_000
