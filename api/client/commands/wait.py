from typing import Annotated

import typer

from api.client import destination, formats
from api.client.commands.options import PATIENCE_SECONDS, Kind, Patience, TaskId, Url, come_back, connected
from api.client.errors import AwayError, InterruptedByUser, RefusedError
from api.client.formats import Format
from api.client.report import Report
from api.client.tasks import Tasks
from api.client.waiting import outcome, until_ended


def wait(
    task_id: TaskId,
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the result to this file; - prints it.")
    ] = None,
    kind: Kind = None,
    url: Url = None,
    patience: Patience = PATIENCE_SECONDS,
) -> None:
    """Stay until a task has ended, whoever submitted it and whenever; Ctrl-C leaves it running.

    Exit status 0: every row has a prediction. 1: the task failed or was cancelled. 3: some rows have an error.
    """
    report = Report()
    with connected(url, patience, report) as tasks:
        if output is not None:
            destination.check(output, formats.of_output(output, kind))
        wait_for(tasks, str(task_id), output, kind, report)


def wait_for(tasks: Tasks, task_id: str, output: str | None, kind: Format | None, report: Report) -> None:
    """Wait for the task, fetch its result, and tell its outcome.

    Raises:
        InterruptedByUser: Ctrl-C.
        AwayError: the API was away for too long; the task goes on without us.
        TaskFailedError, RowsFailedError: as `outcome` tells.
    """
    back = come_back("wait", task_id, output)
    try:
        with report.scoring() as look:
            task = until_ended(tasks, task_id, look)
        if output is not None:
            _fetch(tasks, task_id, output, kind, ended_well=task.status == "done")
    except KeyboardInterrupt:
        raise InterruptedByUser(f"interrupted; the task goes on, and `{back}` comes back to it") from None
    except AwayError as error:
        raise AwayError(f"{error}; the task goes on, and `{back}` comes back to it") from error
    report.say(outcome(task))


def _fetch(tasks: Tasks, task_id: str, output: str, kind: Format | None, *, ended_well: bool) -> None:
    """Fetch the result; of a task that ended otherwise, what there is of one."""
    format_, again = formats.of_output(output, kind), destination.can_begin_again(output)
    try:
        destination.write(
            output,
            lambda file: tasks.fetch(task_id, "result", format_, file, partial=not ended_well, again=again),
        )
    except RefusedError:
        if ended_well:
            raise
