from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from subscriber.errors import WrongSetting
from subscriber.times import point_in_time

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:30:00Z", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31 12:30", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31T12:30:00+02:00", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
        ("90m", NOW - timedelta(minutes=90)),
        ("1.5h", NOW - timedelta(minutes=90)),
        ("30s", NOW - timedelta(seconds=30)),
        ("7d", NOW - timedelta(days=7)),
    ],
)
def test_a_time_is_a_date_or_so_long_ago(text: str, meant: datetime) -> None:
    assert point_in_time(text, NOW, "--since") == meant


@pytest.mark.parametrize("text", ["", "noon", "7", "7w", "2026-13-01", "9999999d", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_names_the_option(text: str) -> None:
    with pytest.raises(WrongSetting, match=r"^--since: "):
        point_in_time(text, NOW, "--since")
