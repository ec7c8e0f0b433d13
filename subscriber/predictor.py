"""Rows -> predictions, finding the rows that the model cannot take."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from subscriber.batch import Batch, DeadLetter
from subscriber.errors import BatchRefused, ModelFailed, SubscriberError, TooSlow, Transient, WrongSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
Predictions = list[tuple[Any, ...]]
MODEL_FAILURE_TRIES: Final = 3
TOO_SLOW_TRIES: Final = 2
# so many other rows that fail alike say that the server is at fault, where no row has ever succeeded
PROBES: Final = 9


class Client(Protocol):
    def predict(self, rows: Sequence[Any]) -> tuple[Predictions, str | None]: ...


class TooMany(SubscriberError):
    """So many rows take longer than the time-out."""


class Predictor:
    """Asks the model for a batch; halves what is refused, crashes or takes too long, until guilty rows stand alone.

    A row that the model took before serves as a control: when a lone row fails and the control fails alike, the server
    is at fault and not the row. Before any row was taken, other rows of the batch are tried as the control.

    Args:
        persist: runs an action, again and again while it raises Transient.
        pause: waits before try number n.
        suspects_server: whether rows that all fail say that the server is at fault. Of rows that failed before, they
            do not.
    """

    def __init__(
        self,
        client: Client,
        persist: Callable[[Callable[[], T]], T],
        pause: Callable[[int], None],
        *,
        suspects_server: bool = True,
    ) -> None:
        self._client = client
        self._persist: Callable[[Callable[[], Any]], Any] = persist
        self._pause = pause
        self._suspects_server = suspects_server
        self._control: Any = None
        self._limit = sys.maxsize
        self._slow = 0

    def predict(self, batch: Batch) -> None:
        """Fill the batch's outputs and versions; rows that the model cannot take become dead letters.

        Raises:
            WrongSetting: the server refuses every row.
            Abandoned: told to stop meanwhile.
        """
        if not batch.rows:
            return
        batch.outputs, batch.versions, guilty = self._ask(batch.rows)
        if guilty:
            keep = [i for i in range(len(batch.rows)) if i not in guilty]
            batch.dead.extend(
                DeadLetter(
                    batch.records[i], "model_failed" if isinstance(e, ModelFailed) else "refused_by_model", str(e)
                )
                for i, e in sorted(guilty.items())
            )
            # outputs and versions are those of the rows that have them already
            batch.records = [batch.records[i] for i in keep]
            batch.rows = [batch.rows[i] for i in keep]

    def _ask(self, rows: Sequence[Any]) -> tuple[Predictions, list[str | None], dict[int, Exception]]:
        """Outputs and versions of the rows that have them, and what is wrong with the others, by their index."""
        outputs: Predictions = []
        versions: list[str | None] = []
        guilty: dict[int, Exception] = {}
        whole = [(i, min(i + self._limit, len(rows))) for i in range(0, len(rows), self._limit)]
        todo = whole[::-1]
        while todo:
            start, end = piece = todo.pop()
            # a crash may pass: try again with the whole, and with a lone row before it is given up
            tries = MODEL_FAILURE_TRIES if end - start == 1 or piece in whole else 1
            try:
                predicted, version = self._persist(lambda: self._once(rows, start, end, tries))  # noqa: B023
            except (BatchRefused, ModelFailed, TooMany) as error:
                if end - start > 1:
                    middle = (start + end) // 2
                    todo += [(middle, end), (start, middle)]
                else:
                    guilty[start] = error
                continue
            self._control = rows[end - 1]
            if any(None in output for output in predicted):
                empty = [i for i, output in enumerate(predicted) if None in output]
                guilty |= {start + i: BatchRefused("the model gives no value for this row") for i in empty}
                predicted = [output for output in predicted if None not in output]
            outputs += predicted
            versions += [version] * len(predicted)
        return outputs, versions, guilty

    def _once(self, rows: Sequence[Any], start: int, end: int, tries: int) -> tuple[Predictions, str | None]:
        """One answer for a piece of the rows; what it raises is the piece's fault, or Transient."""
        lone = end - start == 1
        try:
            answer = self._tried(rows[start:end], tries)
        except TooSlow as error:
            self._slow += 1
            if lone or self._slow < TOO_SLOW_TRIES:
                raise
            self._slow = 0
            self._limit = (end - start) // 2
            raise TooMany(str(error)) from error
        except (BatchRefused, ModelFailed) as error:
            if lone and self._suspects_server:
                self._ask_control(rows, start, error)
            raise
        self._slow = 0
        return answer

    def _tried(self, rows: Sequence[Any], tries: int) -> tuple[Predictions, str | None]:
        for attempt in range(1, tries):
            try:
                return self._client.predict(rows)
            except ModelFailed:
                self._pause(attempt)
        return self._client.predict(rows)

    def _ask_control(self, rows: Sequence[Any], suspect: int, error: Exception) -> None:
        """See whether the model takes a row other than the suspect.

        Raises:
            Transient, WrongSetting: it does not, so the suspect is not at fault.
        """
        if self._control is not None:
            failure = self._failure_of(self._control)
            if failure is not None:
                self._blame_server(failure, "a row that it predicted before", error)
            return
        others = [row for i, row in enumerate(rows) if i != suspect]
        probes = others[:: max(1, len(others) // PROBES)][:PROBES]
        failure = None
        for probe in probes:
            failure = self._failure_of(probe)
            if failure is None:
                self._control = probe
                return
        if failure is not None and len(probes) == PROBES:
            self._blame_server(failure, f"{PROBES} other rows", error)

    def _failure_of(self, row: Any) -> BatchRefused | ModelFailed | None:
        try:
            self._client.predict([row])
        except (BatchRefused, ModelFailed) as failure:
            return failure
        return None

    def _blame_server(self, failure: Exception, others: str, error: Exception) -> None:
        if isinstance(failure, ModelFailed):
            raise Transient(f"{failure}, also for {others}") from error
        raise WrongSetting(f"{failure}, also for {others}: is the model's input what the pipeline says?") from error
