"""Rows -> predictions, finding the rows that the model cannot take."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from subscriber.batch import Batch, DeadLetter, Failed
from subscriber.errors import (
    BatchRefused,
    ModelFailed,
    SubscriberError,
    TooSlow,
    Transient,
    VersionUnfit,
    WrongSetting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

T = TypeVar("T")
Predictions = list[tuple[Any, ...]]
MODEL_FAILURE_TRIES: Final = 3
TOO_SLOW_TRIES: Final = 2
# so many other rows that fail alike say that the server is at fault, where no row has ever succeeded
PROBES: Final = 9


class Client(Protocol):
    def predict(self, rows: Sequence[Any], version: str | None = None) -> tuple[Predictions, str | None]: ...


class TooMany(SubscriberError):
    """So many rows take longer than the time-out."""


class Predictor:
    """Asks the model for a batch; halves what is refused, crashes or takes too long, until guilty rows stand alone.

    A row that the model took before serves as a control: when a lone row fails and the control fails alike, the server
    is at fault and not the row. Before any row was taken, other rows of the batch are tried as the control.

    Rows that name a version of the model are asked of it, and apart from the others. A version that is not there, or
    fails at all it is asked, is what these rows named: they are at fault, at once and all of them.

    Args:
        persist: runs an action, again and again while it raises Transient.
        pause: waits before try number n.
        max_rows: rows of a request, at most.
        versioned: whether rows have a `version`; else the pipeline's answers them all.
        stores_failed: whether rows that the model cannot take are stored as such, or else become dead letters. Such
            rows never blame the server for refusing them, unless it refuses what it took before.
        suspects_server: whether rows that all fail say that the server is at fault. Of rows that failed before, they
            do not.
    """

    def __init__(
        self,
        client: Client,
        persist: Callable[[Callable[[], T]], T],
        pause: Callable[[int], None],
        *,
        max_rows: int = 100_000,
        versioned: bool = False,
        stores_failed: bool = False,
        suspects_server: bool = True,
    ) -> None:
        self._client = client
        self._persist: Callable[[Callable[[], Any]], Any] = persist
        self._pause = pause
        self._suspects_server = suspects_server
        self._versioned = versioned
        self._stores_failed = stores_failed
        # the version that is asked, and for each the row that it took last
        self._version: str | None = None
        self._controls: dict[str | None, Any] = {}
        self._limit = max_rows
        self._slow = 0

    def predict(self, batch: Batch) -> None:
        """Fill the batch's outputs and versions; rows that the model cannot take become dead letters, or are failed.

        Raises:
            WrongSetting: the server refuses every row.
            Abandoned: told to stop meanwhile.
        """
        if not batch.rows:
            return
        batch.outputs, batch.versions, guilty = self._ask_all(batch.rows)
        if guilty:
            keep = [i for i in range(len(batch.rows)) if i not in guilty]
            for i, error in sorted(guilty.items()):
                self._fail(batch, i, "model_failed" if isinstance(error, ModelFailed) else "refused_by_model", error)
            # outputs and versions are those of the rows that have them already
            batch.records = [batch.records[i] for i in keep]
            batch.rows = [batch.rows[i] for i in keep]

    def _fail(self, batch: Batch, place: int, cause: str, error: Exception) -> None:
        record = batch.records[place]
        if self._stores_failed:
            batch.failed.append(Failed(record, batch.rows[place], cause, str(error)))
        else:
            batch.dead.append(DeadLetter(record, cause, str(error)))

    def _ask_all(self, rows: Sequence[Any]) -> tuple[Predictions, list[str | None], dict[int, Exception]]:
        """As `_ask`, of each version for the rows that name it."""
        if not self._versioned:
            return self._ask(rows)
        places: defaultdict[str | None, list[int]] = defaultdict(list)
        for i, row in enumerate(rows):
            places[row.version].append(i)
        found: dict[int, tuple[tuple[Any, ...], str | None]] = {}
        guilty: dict[int, Exception] = {}
        for self._version, those in places.items():
            outputs, versions, failed = self._ask([rows[i] for i in those])
            guilty |= {those[i]: error for i, error in failed.items()}
            good = (place for i, place in enumerate(those) if i not in failed)
            found |= dict(zip(good, zip(outputs, versions, strict=True), strict=True))
        self._forget_controls(places)
        in_order = [found[i] for i in sorted(found)]
        return [output for output, _ in in_order], [version for _, version in in_order], guilty

    def _forget_controls(self, asked: Collection[str | None]) -> None:
        """Keep the control of the pipeline's version, and of those that rows of this batch named."""
        self._controls = {v: row for v, row in self._controls.items() if v is None or v in asked}

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
            except VersionUnfit as error:
                # those before it that were predicted are of the version as it was
                guilty |= dict.fromkeys([i for piece in (*todo, piece) for i in range(*piece)], error)
                break
            except (BatchRefused, ModelFailed, TooMany) as error:
                if end - start > 1:
                    middle = (start + end) // 2
                    todo += [(middle, end), (start, middle)]
                else:
                    guilty[start] = error
                continue
            self._controls[self._version] = rows[end - 1]
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
                return self._client.predict(rows, self._version)
            except ModelFailed:
                self._pause(attempt)
        return self._client.predict(rows, self._version)

    def _ask_control(self, rows: Sequence[Any], suspect: int, error: Exception) -> None:
        """See whether the model takes a row other than the suspect.

        Raises:
            Transient, WrongSetting, VersionUnfit: it does not, so the suspect is not at fault.
        """
        control = self._controls.get(self._version)
        if control is not None:
            failure = self._failure_of(control)
            if failure is not None:
                self._blame_server(failure, "a row that it predicted before", error)
            return
        if self._stores_failed and isinstance(error, BatchRefused):
            # somebody reads why each row has no prediction, and may have sent no good one
            return
        others = [row for i, row in enumerate(rows) if i != suspect]
        probes = others[:: max(1, len(others) // PROBES)][:PROBES]
        failure = None
        for probe in probes:
            failure = self._failure_of(probe)
            if failure is None:
                self._controls[self._version] = probe
                return
        if failure is not None and len(probes) == PROBES:
            self._blame_server(failure, f"{PROBES} other rows", error)

    def _failure_of(self, row: Any) -> BatchRefused | ModelFailed | None:
        try:
            self._client.predict([row], self._version)
        except (BatchRefused, ModelFailed) as failure:
            return failure
        return None

    def _blame_server(self, failure: Exception, others: str, error: Exception) -> None:
        if self._version is not None:
            raise VersionUnfit(f"version {self._version!r} of the model: {failure}, also for {others}") from error
        if isinstance(failure, ModelFailed):
            raise Transient(f"{failure}, also for {others}") from error
        raise WrongSetting(f"{failure}, also for {others}: is the model's input what the pipeline says?") from error
