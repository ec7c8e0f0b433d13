"""What a person at a terminal hears of the rows: that the first are stored, and that there are dead letters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import structlog

    from subscriber.batch import Batch

LETTERS_SECONDS: Final = 60.0


class Report:
    """Logs the first rows at once, and dead letters at once and then at most once a minute."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self._log = log
        self._began = False
        self._letters = 0
        self._silent_until = 0.0

    def stored(self, batch: Batch) -> None:
        """Take in a batch that is in the database."""
        if batch.records and not self._began:
            self._began = True
            self._log.info("first rows predicted", rows=len(batch.records), dead_letters=len(batch.dead))
        self._letters += len(batch.dead)
        now = time.monotonic()
        if batch.dead and now >= self._silent_until:
            last = batch.dead[-1]
            self._log.warning(
                "dead letters",
                rows=self._letters,
                cause=last.cause,
                detail=last.detail,
                look="python -m subscriber dead-letters list PIPELINE.toml",
            )
            self._letters = 0
            self._silent_until = now + LETTERS_SECONDS
