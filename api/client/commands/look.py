import json
from itertools import islice
from typing import Annotated

import typer

from api.client.commands.options import PATIENCE_SECONDS, Json, Patience, TaskId, Url, connected
from api.client.lines import aligned, of_models, of_task, of_tasks
from api.client.report import Report


def list_(
    status: Annotated[
        str | None, typer.Option(help="Only those that are queued, running, done, failed or cancelled.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only those of this model.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, at most.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
    url: Url = None,
    patience: Patience = PATIENCE_SECONDS,
) -> None:
    """List your tasks, newest first."""
    with connected(url, patience, Report()) as tasks:
        most = None if everything else limit
        found = list(islice(tasks.each(status, model, most), most))
        if as_json:
            typer.echo(json.dumps([task.raw for task in found], indent=2))
        else:
            typer.echo("\n".join(aligned(of_tasks(found))) if found else "no tasks")


def status(task_id: TaskId, as_json: Json = False, url: Url = None, patience: Patience = PATIENCE_SECONDS) -> None:
    """Tell how far a task is."""
    with connected(url, patience, Report()) as tasks:
        task = tasks.get(task_id)
        typer.echo(json.dumps(task.raw, indent=2) if as_json else "\n".join(aligned(of_task(task))))


def models(as_json: Json = False, url: Url = None, patience: Patience = PATIENCE_SECONDS) -> None:
    """List the models that take tasks, and the columns that their rows must have."""
    with connected(url, patience, Report()) as tasks:
        found = tasks.models()
        if as_json:
            typer.echo(json.dumps(found, indent=2))
        else:
            lines = of_models([model for model in found if model.get("takes_tasks")])
            typer.echo("\n".join(lines) if lines else "no model takes tasks")
