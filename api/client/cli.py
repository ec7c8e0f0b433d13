import typer

from api.client.commands import end, fetch, look, submit, wait


def app() -> typer.Typer:
    """Make the command line."""
    command = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    command.callback()(client)
    command.command()(submit.submit)
    command.command()(wait.wait)
    command.command("list")(look.list_)
    command.command()(look.status)
    command.command()(fetch.result)
    command.command("input")(fetch.input_)
    command.command()(end.cancel)
    command.command()(end.remove)
    command.command()(look.models)
    return command


def client() -> None:
    """Hand tasks to the API, and fetch their results.

    Who asks comes from TASK_CLIENT_USER and TASK_CLIENT_PASSWORD, or TASK_CLIENT_TOKEN; else a terminal is asked.

    Exit status 1: the API refuses, is away, or the task failed. 2: an option, a variable or a file is wrong. 3: the
    task is done, but some rows have an error. 130: interrupted.
    """
