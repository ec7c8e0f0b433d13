"""What is printed for people: columns of text, wide as they need to be."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from api.client.pace import duration
from api.client.problems import one_line
from api.client.tasks import Task

NONE = "-"
MANY_COLUMNS = 16


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Each row as a line, its cells below those of the row before."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def of_tasks(tasks: Sequence[Task]) -> list[list[str]]:
    """A heading, and a row for each task."""
    heading = ["ID", "MODEL", "STATUS", "ROWS", "DONE", "FAILED", "CREATED", "TOOK"]
    return [heading, *map(_row, tasks)]


def of_task(task: Task) -> list[list[str]]:
    """Name and value of everything that the API tells of a task."""
    shown = [[name.replace("_", " "), _value(value)] for name, value in task.raw.items()]
    took = took_seconds(task.raw)
    return [*shown, ["took", duration(took)]] if took is not None else shown


def of_models(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each model its name and version, the columns it takes and those it gives."""
    lines = []
    for model in models:
        lines.append(f"{one_line(str(model['name']))}  {one_line(str(model['version']))}")
        for what, side in (("takes", "inputs"), ("gives", "outputs")):
            columns = [f"{one_line(str(each['name']))} {each['datatype']}" for each in model.get(side) or ()]
            lines.append(f"  {what}  {', '.join(shortened(columns))}")
    return lines


def shortened(columns: Sequence[str]) -> list[str]:
    """The columns; of very many the first and the last."""
    if len(columns) <= MANY_COLUMNS:
        return list(columns)
    return [*columns[:3], "…", columns[-1], f"{len(columns)} columns"]


def took_seconds(told: Mapping[str, Any]) -> float | None:
    """From the beginning of a task's first row to its end; None before that."""
    began, ended = told.get("started_at") or told.get("created_at"), told.get("finished_at")
    if not began or not ended:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def _row(task: Task) -> list[str]:
    took = took_seconds(task.raw)
    return [
        task.id,
        _value(task.raw.get("model")),
        task.status,
        f"{task.rows_total:,}",
        f"{task.rows_done:,}",
        f"{task.rows_failed:,}",
        _moment(task.raw.get("created_at")),
        duration(took) if took is not None else NONE,
    ]


def _moment(told: object) -> str:
    if not told:
        return NONE
    return datetime.fromisoformat(str(told)).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _value(value: object) -> str:
    return NONE if value is None else one_line(str(value))
