"""Grafana's macros of the Postgres data source, filled in as Grafana fills them in; those that the queries use.

After `pkg/tsdb/postgres/macros.go` and `pkg/tsdb/sqleng/sql_engine.go` of Grafana 9.3, without its fill modes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
LEFT = re.compile(r"\$[_a-zA-Z{]\w*")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class UnknownMacro(ValueError):
    """Grafana would refuse the query."""


@dataclass(frozen=True)
class Range:
    """The dashboard's time range, and the step of a chart in milliseconds."""

    start: datetime
    end: datetime
    interval_ms: int = 1000

    @classmethod
    def last(cls, span: timedelta, points: int = 300, end: datetime | None = None) -> Range:
        """Up to now, in so many steps."""
        end = end or datetime.now(UTC)
        return cls(end - span, end, max(1, round(span / timedelta(milliseconds=points))))


def expand(sql: str, range_: Range) -> str:
    """The query as the database gets it.

    Raises:
        UnknownMacro: something with a dollar sign is left.
    """
    start, end = (
        f"'{moment.astimezone(UTC).isoformat().replace('+00:00', 'Z')}'" for moment in (range_.start, range_.end)
    )
    epoch = int(range_.start.timestamp()), int(range_.end.timestamp())

    def macro(found: re.Match[str]) -> str:
        name, arguments = found[1], [argument.strip() for argument in found[2].split(",")]
        match name, arguments:
            case "__timeFilter", [column]:
                return f"{column} BETWEEN {start} AND {end}"
            case "__timeFrom", _:
                return start
            case "__timeTo", _:
                return end
            case (("__timeGroup" | "__timeGroupAlias"), [column, width, *_]):
                seconds = _seconds(width)
                group = f"floor(extract(epoch from {column})/{seconds})*{seconds}"
                return f'{group} AS "time"' if name.endswith("Alias") else group
            case "__unixEpochFilter", [column]:
                return f"{column} >= {epoch[0]} AND {column} <= {epoch[1]}"
        raise UnknownMacro(found[0])

    # the variables come first, since they may stand in a macro
    sql = sql.replace("$__interval_ms", str(range_.interval_ms)).replace("$__interval", f"{range_.interval_ms}ms")
    sql = MACRO.sub(macro, sql)
    if left := LEFT.search(sql):
        raise UnknownMacro(left[0])
    return sql


def _seconds(width: str) -> float:
    found = re.fullmatch(r"(\d+)(ms|[smhd])", width.strip("'"))
    if found is None:
        raise UnknownMacro(width)
    return int(found[1]) * UNITS[found[2]]
