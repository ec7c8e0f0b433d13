import time
from collections.abc import Callable

from api.client.errors import RowsFailedError, TaskFailedError
from api.client.patience import look_seconds
from api.client.problems import one_line
from api.client.tasks import Task, Tasks


def until_ended(tasks: Tasks, task_id: str, look: Callable[[Task], None]) -> Task:
    """Look at the task until it has ended; `look` hears of each look."""
    began = time.monotonic()
    while True:
        task = tasks.status(task_id)
        look(task)
        if task.ended:
            return tasks.get(task_id)
        time.sleep(look_seconds(time.monotonic() - began))


def outcome(task: Task) -> str:
    """One line for a task that has ended.

    Raises:
        TaskFailedError: it failed, or was cancelled.
        RowsFailedError: it is done, but for some rows.
    """
    if task.status == "cancelled":
        raise TaskFailedError(f"task {task.id} was cancelled after {task.finished_rows:,} of {task.rows_total:,} rows")
    if task.status != "done":
        raise TaskFailedError(
            f"task {task.id} failed: {one_line(str(task.raw.get('error') or 'no row has a prediction'))}"
        )
    if task.rows_failed:
        raise RowsFailedError(
            f"task {task.id} is done, but {task.rows_failed:,} of {task.rows_total:,} rows have an error: "
            "the result tells each"
        )
    return f"task {task.id} is done: {task.rows_total:,} rows"
