from typing import Annotated
from uuid import UUID

import typer

from api.client import destination, formats
from api.client.commands.options import PATIENCE_SECONDS, Kind, Output, Patience, TaskId, Url, come_back, connected
from api.client.errors import InterruptedByUser, RefusedError
from api.client.formats import Format
from api.client.report import Report

CONFLICT = 409


def result(
    task_id: TaskId,
    output: Output = destination.TO_OUTPUT,
    partial: Annotated[
        bool, typer.Option("--partial", help="What there is so far, of a task that has not ended.")
    ] = False,
    kind: Kind = None,
    url: Url = None,
    patience: Patience = PATIENCE_SECONDS,
) -> None:
    """Fetch a task's result: a row for each row that was handed over, in the same order."""
    _fetch(task_id, "result", output, kind, url, patience, partial=partial)


def input_(
    task_id: TaskId,
    output: Output = destination.TO_OUTPUT,
    kind: Kind = None,
    url: Url = None,
    patience: Patience = PATIENCE_SECONDS,
) -> None:
    """Fetch the rows that were handed over."""
    _fetch(task_id, "input", output, kind, url, patience)


def _fetch(
    task_id: UUID,
    what: str,
    output: str,
    kind: Format | None,
    url: str | None,
    patience: float,
    *,
    partial: bool = False,
) -> None:
    format_ = formats.of_output(output, kind)
    with connected(url, patience, Report()) as tasks:
        destination.check(output, format_)
        again = destination.can_begin_again(output)
        try:
            destination.write(
                output, lambda file: tasks.fetch(task_id, what, format_, file, partial=partial, again=again)
            )
        except RefusedError as error:
            if error.status == CONFLICT and not partial:
                waits = come_back("wait", task_id, output)
                raise RefusedError(
                    f"{error}; `{waits}` waits for it, --partial takes what there is", CONFLICT
                ) from error
            raise
        except KeyboardInterrupt:
            raise InterruptedByUser("interrupted: what was written is not whole") from None
