"""Points in time, as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from subscriber.errors import WrongSetting

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def point_in_time(text: str, now: datetime, option: str) -> datetime:
    """The time that is meant: `2026-01-31`, `2026-01-31T12:00:00Z` (UTC where no offset is given), or `90m` ago.

    Raises:
        WrongSetting: it is neither; names the option.
    """
    try:
        if span := _SPAN.fullmatch(text):
            return now - timedelta(seconds=float(span[1]) * _SECONDS[span[2]])
        if not _DATE.match(text):
            raise ValueError("no date")
        time = datetime.fromisoformat(text)
        return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise WrongSetting(
            f"{option}: {text!r} is no time; 2026-01-31, 2026-01-31T12:00:00Z and 90m (ago; s, m, h, d) are"
        ) from error
