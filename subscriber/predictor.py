"""Rows -> predictions, finding the rows that the model cannot take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from subscriber.batch import Batch, DeadLetter
from subscriber.errors import BatchRefused, ModelFailed, Transient, WrongSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
Predictions = list[tuple[Any, ...]]
MODEL_FAILURE_TRIES: Final = 3


class Client(Protocol):
    def predict(self, rows: Sequence[Any]) -> tuple[Predictions, str | None]: ...


class Predictor:
    """Asks the model for a batch; halves a batch that is refused until the guilty rows stand alone.

    A row that the model took before serves as a control: when a lone row fails and the control fails alike, the server
    is at fault and not the row.

    Args:
        persist: runs an action, again and again while it raises Transient.
        pause: waits before try number n.
    """

    def __init__(self, client: Client, persist: Callable[[Callable[[], T]], T], pause: Callable[[int], None]) -> None:
        self._client = client
        self._persist: Callable[[Callable[[], Any]], Any] = persist
        self._pause = pause
        self._control: Any = None

    def predict(self, batch: Batch) -> None:
        """Fill the batch's outputs and versions; rows that the model refuses become dead letters.

        Raises:
            WrongSetting: the server refuses every row.
            Abandoned: told to stop meanwhile.
        """
        if not batch.rows:
            return
        outputs, versions, guilty = self._persist(lambda: self._ask(batch))
        if guilty:
            keep = [i for i in range(len(batch.rows)) if i not in guilty]
            batch.dead.extend(
                DeadLetter(
                    batch.records[i], "model_failed" if isinstance(e, ModelFailed) else "refused_by_model", str(e)
                )
                for i, e in guilty.items()
            )
            batch.records = [batch.records[i] for i in keep]
            batch.rows = [batch.rows[i] for i in keep]
        batch.outputs, batch.versions = outputs, versions
        if batch.rows:
            self._control = batch.rows[-1]

    def _ask(self, batch: Batch) -> tuple[Predictions, list[str | None], dict[int, Exception]]:
        outputs: Predictions = []
        versions: list[str | None] = []
        guilty: dict[int, Exception] = {}
        rows = batch.rows
        todo = [(0, len(rows))]
        while todo:
            start, end = todo.pop()
            # a crash may pass: try again with the whole batch, and with a lone row before it is given up
            tries = MODEL_FAILURE_TRIES if end - start in (1, len(rows)) else 1
            try:
                predicted, version = self._tried(rows[start:end], tries)
            except (BatchRefused, ModelFailed) as error:
                if end - start > 1:
                    middle = (start + end) // 2
                    todo += [(middle, end), (start, middle)]
                    continue
                self._ask_control(error)
                guilty[start] = error
            else:
                outputs += predicted
                versions += [version] * len(predicted)
        return outputs, versions, guilty

    def _tried(self, rows: Sequence[Any], tries: int) -> tuple[Predictions, str | None]:
        for attempt in range(1, tries):
            try:
                return self._client.predict(rows)
            except ModelFailed:
                self._pause(attempt)
        return self._client.predict(rows)

    def _ask_control(self, error: Exception) -> None:
        if self._control is None:
            return
        try:
            self._client.predict([self._control])
        except ModelFailed as failed:
            raise Transient(f"{failed}, also for a row that it predicted before") from error
        except BatchRefused as refused:
            raise WrongSetting(
                f"{refused}, also for a row that it predicted before: has the model's input changed?"
            ) from error
