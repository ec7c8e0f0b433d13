"""The options that several commands have, and what each begins with."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from api.client.connection import Connection
from api.client.errors import ClientError
from api.client.formats import Format
from api.client.report import Report
from api.client.settings import ClientSettings
from api.client.tasks import Tasks

PATIENCE_SECONDS = 300.0

Url = Annotated[str | None, typer.Option(help="The API's address. (default: API_URL, else http://127.0.0.1:8000)")]
Patience = Annotated[
    float,
    typer.Option(min=0, help="How many seconds an API that went away is waited for; one never reached has 5 seconds."),
]
TaskId = Annotated[UUID, typer.Argument(metavar="ID", help="The task's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print what the API answers, as JSON.")]
Output = Annotated[
    str, typer.Option(metavar="FILE", help="Write it to this file, which is there whole or not at all; - prints it.")
]
Kind = Annotated[
    Format | None, typer.Option("--format", help="The file's format. (default: by the file's name, else csv)")
]


@contextmanager
def connected(url: str | None, patience: float, report: Report) -> Iterator[Tasks]:
    """The API's tasks; a foreseen error ends the command with one sentence and its exit status."""
    try:
        settings = ClientSettings() if url is None else ClientSettings(api_url=url)
        with Connection(settings, patience, report.say) as connection:
            yield Tasks(connection)
    except ClientError as error:
        report.say(f"error: {error}")
        raise typer.Exit(error.exit_status) from error
    except BrokenPipeError:
        # whoever read the output has had enough
        raise
    except OSError as error:
        report.say(f"error: {error.filename or 'standard output'}: {error.strerror or error}")
        # what is not written yet would fail once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from error
    except ValidationError as error:
        problem = error.errors()[0]
        report.say(f"error: {str(problem['loc'][0]).upper()}: {problem['msg']}")
        raise typer.Exit(2) from error


def come_back(verb: str, task_id: UUID | str, output: str | None = None) -> str:
    """The command that goes on with a task."""
    into = f" --output {shlex.quote(output)}" if output is not None else ""
    return f"python -m api.client {verb} {task_id}{into}"
