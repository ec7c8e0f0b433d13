"""What is asked of the API about tasks, and what of its answers is used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO, Self
from uuid import UUID

import httpx

from api.client.connection import PASSING, Connection
from api.client.errors import BrokenOffError, ClientError
from api.client.formats import Format
from api.client.upload import Counted

# the API reads and checks the whole file before it answers
SUBMIT_READ_SECONDS = 600.0
RESULT_READ_SECONDS = 120.0
# 409: the same upload, whose connection broke, is still in hand
IN_HAND = {*PASSING, HTTPStatus.CONFLICT}
PIECE_BYTES = 256 * 1024
MOST_BEGINNINGS = 5


@dataclass(frozen=True)
class Task:
    """A task as the API tells of it; `raw` is all that it told."""

    id: str
    status: str
    rows_total: int
    rows_done: int
    rows_failed: int
    raw: Mapping[str, Any]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        total, done, failed = (int(told.get(name) or 0) for name in ("rows_total", "rows_done", "rows_failed"))
        return cls(str(told["id"]), str(told["status"]), total, done, failed, told)

    @property
    def ended(self) -> bool:
        return self.status not in {"queued", "running"}

    @property
    def finished_rows(self) -> int:
        """Rows that have a prediction or an error."""
        return self.rows_done + self.rows_failed


@dataclass(frozen=True)
class Order:
    """What a new task is made of, beside its rows."""

    model: str
    version: str | None
    callback_url: str | None
    idempotency_key: str

    def fields(self) -> dict[str, str]:
        given = {"model": self.model, "version": self.version, "callback_url": self.callback_url}
        return {name: value for name, value in given.items() if value is not None}


class Tasks:
    """Each method raises what `Connection.ask` does, and ClientError for an answer that is none of this API's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def submit(self, order: Order, rows: Counted, name: str, format_: Format) -> Task:
        """Make a task; a file that is sent again after a broken connection makes no second one."""
        response = self._connection.ask(
            *("POST", "/tasks"),
            headers={"Idempotency-Key": order.idempotency_key},
            body=lambda: {"data": order.fields(), "files": {"file": (name, rows, format_.content_type)}},
            read_seconds=SUBMIT_READ_SECONDS,
            passing=IN_HAND,
        )
        return _task(response)

    def get(self, task_id: UUID | str) -> Task:
        return _task(self._connection.ask("GET", f"/tasks/{task_id}"))

    def status(self, task_id: UUID | str) -> Task:
        return _task(self._connection.ask("GET", f"/tasks/{task_id}/status"))

    def each(self, status: str | None, model: str | None, most: int | None) -> Iterator[Task]:
        """One's tasks, newest first, page by page."""
        given = {"status": status, "model": model, "limit": 50 if most is None else min(most, 50)}
        parameters: dict[str, str | int | bool] | None = {k: v for k, v in given.items() if v is not None}
        page: str | None = "/tasks"
        while page is not None:
            response = self._connection.ask("GET", page, parameters=parameters)
            body = _object(response)
            yield from map(Task.of, body["tasks"])
            page = str(response.url.join(body["next"])) if body.get("next") else None
            parameters = None

    def models(self) -> list[dict[str, Any]]:
        return list(_object(self._connection.ask("GET", "/models"))["models"])

    def cancel(self, task_id: UUID) -> None:
        """Stop what has not begun; the results so far are kept."""
        self._connection.ask("DELETE", f"/tasks/{task_id}", parameters={"keep": "true"})

    def remove(self, task_id: UUID) -> None:
        """Stop what has not begun, and remove the task with its results."""
        self._connection.ask("DELETE", f"/tasks/{task_id}")

    def fetch(
        self,
        task_id: UUID | str,
        what: str,
        format_: Format,
        file: BinaryIO,
        *,
        partial: bool = False,
        again: bool = True,
    ) -> None:
        """Write `input` or `result` of a task to the file.

        Args:
            again: begin anew if the connection breaks off; not where what is written cannot be taken back.

        Raises:
            BrokenOffError: the connection broke off too often, or may not once.
        """
        for beginning in range(1, MOST_BEGINNINGS + 1):
            try:
                self._pour(task_id, what, format_, file, partial=partial)
            except BrokenOffError:
                if beginning == MOST_BEGINNINGS or not again:
                    raise
                file.seek(0)
                file.truncate()
            else:
                return

    def _pour(self, task_id: UUID | str, what: str, format_: Format, file: BinaryIO, *, partial: bool) -> None:
        response = self._connection.ask(
            *("GET", f"/tasks/{task_id}/{what}"),
            parameters={"partial": "true"} if partial else None,
            headers={"Accept": format_.content_type},
            read_seconds=RESULT_READ_SECONDS,
            stream=True,
        )
        try:
            for piece in response.iter_bytes(PIECE_BYTES):
                file.write(piece)
        except httpx.TransportError as error:
            raise BrokenOffError(
                f"the API broke off in the middle of the {what}: what was written is not whole"
            ) from error
        finally:
            response.close()


def _task(response: httpx.Response) -> Task:
    try:
        return Task.of(_object(response))
    except (KeyError, TypeError, ValueError) as error:
        raise ClientError(f"{response.url.path} answers no task: is API_URL (--url) the API's address?") from error


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError as error:
        raise ClientError(f"{response.url.path} answers no JSON: is API_URL (--url) the API's address?") from error
    if not isinstance(body, dict):
        raise ClientError(f"{response.url.path} answers no JSON object: is API_URL (--url) the API's address?")
    return body
