from api.client.commands.options import PATIENCE_SECONDS, Patience, TaskId, Url, connected
from api.client.report import Report


def cancel(task_id: TaskId, url: Url = None, patience: Patience = PATIENCE_SECONDS) -> None:
    """Stop what has not begun of a task; what is scored already stays, for `result --partial`."""
    report = Report()
    with connected(url, patience, report) as tasks:
        tasks.cancel(task_id)
        report.say(f"task {task_id} is cancelled; `result {task_id} --partial` has what was scored")


def remove(task_id: TaskId, url: Url = None, patience: Patience = PATIENCE_SECONDS) -> None:
    """Remove a task with its rows and its result; one that runs is cancelled first."""
    report = Report()
    with connected(url, patience, report) as tasks:
        tasks.remove(task_id)
        report.say(f"task {task_id} is removed")
