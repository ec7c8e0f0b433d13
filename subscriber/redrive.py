"""Predicts dead letters once more, with the model and the pipeline file of today."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from subscriber.backoff import delay_seconds
from subscriber.batch import Batch
from subscriber.decoding import Decoder
from subscriber.decoding.arrays import message_of
from subscriber.errors import Transient
from subscriber.letters import Letters, StoredMessage
from subscriber.postgres import statement
from subscriber.predictor import Predictor
from subscriber.store import Store, translated
from subscriber.versions import VersionedClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import psycopg

    from subscriber.letters import Choice
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

T = TypeVar("T")
BATCH_ROWS: Final = 500
# a person waits: a server that is away for longer is named instead
TRIES: Final = 6
# beyond the model's time-outs; the letters of a redrive that is frozen for longer are free again
SILENCE_SECONDS: Final = 30.0


@dataclass
class Outcome:
    """What became of the rows: predicted; found to be a delete, which needs no prediction; failed again, by cause.

    `seen` counts the letters, of which one may be a message of many rows.
    """

    predicted: int = 0
    deletes: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    seen: int = 0


class Redrive:
    """Takes letters a batch at a time: in one transaction their predictions come, and they go.

    Their rows are locked from before they are decoded until then, and what another redrive has locked is left to it: no
    letter is predicted twice, whatever is killed when.
    """

    def __init__(self, pipeline: Pipeline, settings: Settings) -> None:
        self.outcome = Outcome()
        self._pipeline = pipeline
        self._store = Store(settings.target_dsn(), pipeline)
        self._client = VersionedClient(pipeline)
        self._decoder = Decoder(pipeline)
        self._connected: psycopg.Connection | None = None
        # letters failed before: that many of them fail alike says nothing of the server
        self._predictor = Predictor(
            self,
            lambda action: action(),
            _pause,
            max_rows=pipeline.batch.max_rows,
            versioned=pipeline.source.version is not None,
            stores_failed=pipeline.target.error is not None,
            suspects_server=False,
        )

    def check(self) -> None:
        """See that the model and the table are those of the pipeline file.

        Raises:
            Transient: a server is away.
            WrongSetting: something must be changed first.
        """
        self._store.prepare()
        self._client.check()

    def run(self, choice: Choice) -> Iterator[Outcome]:
        """Redrive the letters that are there now: the outcome so far, after each batch.

        Raises:
            Transient: a server stays away; the batch in hand is as it was before.
            WrongSetting: something must be changed first; likewise.
        """
        _, until = _tried(lambda: Letters(self._connection(), self._pipeline).count(choice))
        last: StoredMessage | None = None
        while True:
            last = _tried(lambda: self._batch(choice, until, last))  # noqa: B023 (called at once)
            if last is None:
                return
            yield self.outcome

    def close(self) -> None:
        if self._connected is not None:
            self._connected.close()

    def predict(self, rows: Sequence[Any], version: str | None = None) -> tuple[list[tuple[Any, ...]], str | None]:
        """Ask the model, having shown the database that the letters it holds for us are still wanted."""
        with translated():
            self._connection().execute("select")
        return self._client.predict(rows, version)

    def _batch(self, choice: Choice, until: Any, after: StoredMessage | None) -> StoredMessage | None:
        """Redrive the next letters; the last of them, or None if there are no more."""
        with translated():
            connection = self._connection()
            with connection.transaction():
                letters = Letters(connection, self._pipeline)
                taken = letters.take(choice, until, after, min(BATCH_ROWS, self._pipeline.batch.max_rows))
                batch = Batch({}, list(taken))
                self._decoder.decode(batch)
                self._predictor.predict(batch)
                dead = [*batch.dead, *self._store.write(connection, batch)]
                # of a message of many rows, those that fail again become letters of their own
                apart = [letter for letter in dead if message_of(letter.record) is not letter.record]
                self._store.write_dead(connection, apart)
                failed = {id(letter.record): letter for letter in dead}
                letters.delete([letter for letter in taken if id(letter) not in failed])
                stays = [(letter.id, failed[id(letter)]) for letter in taken if id(letter) in failed]
                connection.execute(
                    statement("letters_failed_again"),
                    {
                        "ids": [id_ for id_, _ in stays],
                        "causes": [found.cause for _, found in stays],
                        "details": [found.detail_as_text for _, found in stays],
                    },
                )
        predicted = sum(id(record) not in failed for record in batch.records)
        stored_failed = [found for found in batch.failed if id(found.record) not in failed]
        self.outcome.predicted += predicted
        unpredicted = [*(f.record for f in stored_failed), *(d.record for d in dead)]
        told = {id(message_of(record)) for record in (*batch.records, *unpredicted)}
        self.outcome.deletes += len(taken) - len(told)
        self.outcome.seen += len(taken)
        self.outcome.failed.update([*(f.cause for f in stored_failed), *(d.cause for d in dead)])
        return taken[-1] if taken else None

    def _connection(self) -> psycopg.Connection:
        if self._connected is None or self._connected.closed:
            idle = 2 * self._pipeline.model.timeout_seconds + SILENCE_SECONDS
            options = f"-c idle_in_transaction_session_timeout={idle:.0f}s"
            self._connected = self._store.connect(autocommit=True, options=options)
        return self._connected


def _tried(action: Callable[[], T]) -> T:
    """What `action` returns, tried again for a while as long as it raises Transient."""
    for attempt in range(1, TRIES):
        try:
            return action()
        except Transient as error:
            structlog.get_logger().warning("waiting", reason=str(error))
            _pause(attempt, error.retry_after_seconds)
    return action()


def _pause(attempt: int, asked_seconds: float | None = None) -> None:
    time.sleep(delay_seconds(attempt, random.random(), asked_seconds))  # noqa: S311 (jitter)
